"""Initial values: what a parameter's `initial` means."""

from __future__ import annotations

import math

import torch

from costmodel.errors import BnncostError
from costmodel.graph import Network, Op, Param

UNIT_SUMS = "unit_sums"


def initial_values(network: Network, generator: torch.Generator | None = None) -> dict[str, torch.Tensor]:
    """Draw every learned parameter as a double tensor on the CPU, by name.

    A number fills the array. "normal" is He's normal distribution for a ReLU behind (He 2015); "spread" puts the
    parameters that shift one value evenly over -1 .. 1 (ABC-Net, Lin 2017, eq. 2), "spread_channels" the entries of
    one parameter over -2 .. 2, where normalized images lie; "inverse_fan_in" is 1 over the number of terms of a
    window sum. "unit_sums" gives sums of n products of bits the deviation 1: it is 1 / sqrt(n), or 1 where another
    scale stands between.
    """
    readers = {param: op for op in reversed(network.ops) for param in (*op.inputs, *op.params)}
    spread = _spread(network)
    values = {}
    for param in network.learned():
        shape = tuple(int(side) for side in param.shape)
        if param.initial == "normal":
            drawn = torch.randn(shape, dtype=torch.float64, generator=generator)
            values[param.name] = drawn * math.sqrt(2 / math.prod(shape[1:]))
        elif param.initial == "spread_channels":
            values[param.name] = torch.linspace(-2, 2, shape[0], dtype=torch.float64)
        else:
            values[param.name] = torch.full(
                shape, _number(network, param, readers, spread), dtype=torch.float64
            )
    return values


def _number(network: Network, param: Param, readers: dict, spread: dict[Param, float]) -> float:
    if isinstance(param.initial, (int, float)):
        return float(param.initial)
    if param.initial == "spread":
        return spread[param]
    if param.initial == "inverse_fan_in":
        return 1 / _terms(network, readers[param])
    if param.initial == UNIT_SUMS:
        sums = bare_sums(network, readers[param])
        return 1.0 if sums is None else math.prod(int(side) for side in sums.params[0].shape[1:]) ** -0.5
    raise BnncostError(
        f"parameter '{param.name}': unknown initial value '{param.initial}'; a number, 'normal', 'spread', "
        f"'spread_channels', 'inverse_fan_in' and '{UNIT_SUMS}' are known."
    )


def bare_sums(network: Network, scale: Op) -> Op | None:
    """Find the binary convolution whose sums of bits `scale` is the first to scale; None where another one is.

    What a map's positions are scaled by, data and products of vectors, starts near 1 and does not count.
    """
    op = network.producers.get(scale.inputs[0])
    while op is not None and (op.kind in ("add", "multiply", "max_pool") or _over_positions(network, op)):
        op = network.producers.get(op.inputs[0])
    return op if op is not None and op.kind == "conv" else None


def _over_positions(network: Network, op: Op) -> bool:
    made = network.producers.get(op.params[0]) if op.kind == "scale" else None
    return made is not None and made.kind == "outer"


def _spread(network: Network) -> dict[Param, float]:
    """Space the shifts of one value evenly over -1 .. 1, in the order in which they are read."""
    groups: dict[object, list[Param]] = {}
    for op in network.ops:
        shifts = [
            item for item in (*op.inputs, *op.params) if isinstance(item, Param) and item.initial == "spread"
        ]
        for param in shifts:
            groups.setdefault(op.inputs[0], []).append(param)
    return {
        param: -1 + 2 * number / (len(group) - 1) if len(group) > 1 else 0.0
        for group in groups.values()
        for number, param in enumerate(group)
    }


def _terms(network: Network, op: Op | None) -> int:
    """Count the elements that are summed up before `op` scales the sum."""
    terms = 1
    while op is not None and (op := network.producers.get(op.inputs[0])) is not None:
        if op.kind == "box_sum":
            terms *= op.integer("size") ** 2
        elif op.kind == "absolute_sum":
            return terms * int(op.inputs[0].shape[0])
        else:
            break
    return terms
