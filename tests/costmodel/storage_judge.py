"""A slow judge of storage: where each channel of a map lies, in which order layers run, and a memory that fills."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, repeat

import numpy as np

from costmodel.graph import BINARY, Network, Op, Tensor
from costmodel.operations import known

KINDS = ("binary_features", "features")


def judged_order(network: Network) -> list[str]:
    """Run, again and again, the first layer in order of building whose maps are all there."""
    made = {op.output: op.layer for op in network.running()}
    sources = {
        layer: {made[i] for op in network.running() if op.layer == layer for i in op.inputs if i in made}
        - {layer}
        for layer in network.layers()
    }
    order: list[str] = []
    while len(order) < len(sources):
        order.append(next(name for name in sources if name not in order and sources[name] <= set(order)))
    return order


Channels = dict[Tensor, list[tuple[Tensor, int]]]


def channels_of(network: Network) -> Channels:
    """Number the channels of every map and follow them through the wiring: where each channel of it is stored."""
    found: Channels = {network.input: _own(network.input)}
    for op in network.running():
        assert isinstance(op.output, Tensor)
        if op.kind in ("concatenate", "interleave_channels", "half_of_slices"):
            behind = [place for item in op.inputs for place in found[item]]  # type: ignore[index]
            lengths = np.cumsum([0, *(len(found[item]) for item in op.inputs)])  # type: ignore[index]
            numbers = [np.arange(*ends).reshape(-1, 1, 1) for ends in pairwise(lengths)]
            found[op.output] = [behind[n] for n in known(op.kind).meaning(op, numbers, []).ravel()]
        else:
            found[op.output] = _own(op.output)
    return found


def _own(tensor: Tensor) -> list[tuple[Tensor, int]]:
    return list(zip(repeat(tensor), range(int(tensor.shape[0]))))


def apart(places: list[tuple[Tensor, int]]) -> dict[Tensor, set[int]]:
    """Sort places by the map that they are channels of."""
    found: dict[Tensor, set[int]] = {}
    for source, channel in places:
        found.setdefault(source, set()).add(channel)
    return found


ELEMENT_BY_ELEMENT = {
    "sign", "threshold", "compare", "quantize", "scale", "power_of_two", "bias", "batch_norm", "affine", "relu",
    "hardtanh", "prelu", "two_slope", "sigmoid", "hard_sigmoid", "add", "subtract", "multiply", "logic_xnor",
    "logic_or",
}  # fmt: skip


def simulated(
    network: Network, order: list[str], stored: dict[Tensor, str], channels_read: Channels
) -> dict[str, int]:
    """Run layer after layer with a memory in which each map has a place, and note how full it gets.

    `stored` names the layer that reads each map last; that of the result is "". A map goes to the place of an operand
    of its layer that dies there, if going back from the map through the layer element by element leads to the operand,
    and no window, sum or other shape of the layer has it behind it.
    """
    ops = {op.output: op for op in network.running()}

    @cache
    def behind(item: Tensor, layer: str) -> frozenset[Tensor]:
        """Every map from outside that a value of the layer is made of, in whatever way."""
        if item not in ops or ops[item].layer != layer:
            return frozenset(place for place, _ in channels_read[item])
        return frozenset().union(*(behind(one, layer) for one in ops[item].inputs))  # type: ignore[arg-type]

    def wiring(op: Op) -> bool:
        return channels_read[op.output][0][0] is not op.output  # type: ignore[index]

    def in_step(op: Op, item: Tensor) -> bool:
        if item in ops and ops[item].layer == op.layer and wiring(ops[item]):
            return False  # channels that the layer itself makes, put together anew
        if op.kind in ("subsample", "pad_channels"):
            return True
        return op.kind in ELEMENT_BY_ELEMENT and item.shape == op.output.shape

    def operands(item: Tensor, layer: str) -> list[frozenset[Tensor]]:
        if item not in ops or ops[item].layer != layer:
            return [behind(item, layer)]
        return [found for one in ops[item].inputs for found in way(ops[item], one)]  # type: ignore[arg-type]

    def way(op: Op, item: Tensor) -> list[frozenset[Tensor]]:
        return operands(item, op.layer) if in_step(op, item) else []

    size = {tensor: int(tensor.bits) for tensor in stored}
    kind = {tensor: ("features", "binary_features")[tensor.precision == BINARY] for tensor in stored}
    memory = {network.input: size[network.input]} if network.input in stored else {}
    full: list[dict[str, int]] = []
    for layer in order:
        here = [op for op in ops.values() if op.layer == layer and not wiring(op)]
        fixed = {
            place
            for op in here
            for item in op.inputs
            if not in_step(op, item)
            for place in behind(item, layer)  # type: ignore[arg-type]
        }
        made = [op.output for op in here if op.output in stored]
        beside = dict(memory)
        for tensor in sorted(made, key=lambda one: -one.precision.bits):  # type: ignore[arg-type, return-value]
            dying = [
                found
                for found in operands(tensor, layer)  # type: ignore[arg-type]
                if all(stored[one] == layer and kind[one] == kind[tensor] for one in found)  # type: ignore[index]
                and not found & fixed
                and sum(size[one] for one in found) >= size[tensor]  # type: ignore[index]
            ]
            if dying:
                fixed |= dying[0]
            else:
                beside[tensor] = size[tensor]  # type: ignore[index]
        full.append({role: sum(n for t, n in beside.items() if kind[t] == role) for role in KINDS})
        memory |= {tensor: size[tensor] for tensor in made}  # type: ignore[index, misc]
        memory = {tensor: n for tensor, n in memory.items() if stored[tensor] != layer}
    peaks = {str(role): max(step[role] for step in full) for role in KINDS}
    return peaks | {"together": max(sum(step.values()) for step in full)}
