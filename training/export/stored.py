"""What a trained network leaves behind: the stored parameters as torch computes them, thresholds included."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from costmodel.errors import BnncostError
from costmodel.folding import RULES
from costmodel.folding.merging import (
    average_before_norm,
    bias_through_sum,
    merge_affine,
    scale_into_weights,
)
from costmodel.folding.rewriting import channels, like_op, made_at_export, per_channel, rewritten
from costmodel.folding.rules import remaining_norms
from costmodel.graph import Network, Op, Param, Value
from costmodel.operations import known
from costmodel.operations.elementwise import EPSILON
from training.module.lower import Lowered
from training.module.rules import Call, rule_of

ROUNDS_AGAIN = (average_before_norm, bias_through_sum, merge_affine, scale_into_weights, remaining_norms)
"""Folding rules that are exact in real arithmetic only: in floats they change the last digit."""


def fold_exactly(network: Network) -> Network:
    """Fold by the rules that keep every float as torch rounds it, and each norm as one multiply and one add."""
    for rule in RULES:
        if rule not in ROUNDS_AGAIN:
            network = rule(network)
    rewrites = {
        op: _norm_alone(op)
        for op in network.ops
        if op.kind == "batch_norm" and op.when == "run" and per_channel(op)
    }
    return rewritten(network, rewrites)


def _norm_alone(op: Op) -> tuple[Op, ...]:
    params = [
        Param(f"{op.output.name}.{name}", channels(op.output), op.output.precision, "C")
        for name in ("factor", "offset")
    ]
    made = [
        made_at_export(kind, op, (op,), param)
        for kind, param in zip(("composed_factor", "composed_offset"), params, strict=True)
    ]
    return (*made, like_op(op, "affine", op.inputs, tuple(params)))


def stored_values(model: Lowered, folded: Network) -> dict[str, np.ndarray]:
    """Compute every parameter that the running operations of `folded` read, by name, from the trained values.

    Work on weights runs in torch, as in the model's own forward pass, and so do the chains that thresholds replace;
    all of it in the model's precision. A parameter that the model does not have (the step of a rounding which only the
    folded network needs) is left out. Raises BnncostError for a chain that changes sign more than once.
    """
    learned = {param.name for param in model.network.learned()}
    values: dict[Value, torch.Tensor] = {}
    thresholds: Thresholds = {}

    def read(value: Value) -> torch.Tensor:
        if value not in values:
            assert isinstance(value, Param)
            values[value] = model.value(value).detach()
        return values[value]

    with torch.no_grad():
        for op in folded.ops:
            if op.when == "export":
                made = _made(op, [read(item) for item in op.inputs], model, thresholds)
                values[op.output] = torch.as_tensor(np.array(made), dtype=model.progress.dtype)
        params = dict.fromkeys(param for op in folded.running() for param in op.params)
        return {
            param.name: read(param).numpy() for param in params if param in values or param.name in learned
        }


Thresholds = dict[tuple[Op, ...], tuple[np.ndarray, np.ndarray]]
"""(level, direction) by the chain that they replace: both are found at once, and two operations ask for them."""


def _made(op: Op, inputs: list[torch.Tensor], model: Lowered, known_thresholds: Thresholds) -> np.ndarray:
    """Run one export operation, in torch where the model runs it too."""
    if op.kind in ("threshold_level", "threshold_direction"):
        chain = _chain(op)
        if chain not in known_thresholds:
            known_thresholds[chain] = _threshold(op, inputs, model.progress)
        return known_thresholds[chain][op.kind == "threshold_direction"]
    run = rule_of(op.kind).run
    if run is not None:
        return run(Call(op, inputs, [], False, model.progress)).numpy()
    if op.kind in ("composed_factor", "composed_offset") and _one_norm(op):
        return _norm_in_torch(inputs)[op.kind == "composed_offset"].numpy()
    return known(op.kind).meaning(op, [item.double().numpy() for item in inputs], [])


def _one_norm(op: Op) -> bool:
    chain = _chain(op)
    return len(chain) == 1 and chain[0].kind == "batch_norm"


def _norm_in_torch(params: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and offset of a norm, rounded as its lowering in eval mode rounds them."""
    gamma, beta, mean, variance = params
    factor = gamma / torch.sqrt(variance + EPSILON)
    return factor, beta - mean * factor


def _chain(op: Op) -> tuple[Op, ...]:
    chain = op.attributes["chain"]
    assert isinstance(chain, tuple)
    return chain


# ------------------------------------------------------------------ thresholds

Positive = Callable[[torch.Tensor], torch.Tensor]


def _threshold(op: Op, inputs: list[torch.Tensor], progress: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Find where torch's own rounding of the replaced operations changes sign: (level, direction) per channel.

    Whole numbers are all tried; of real ones, which are too many, the floats are bisected in their order.
    """
    count, limit = int(op.output.shape[0]), op.attributes["limit"]
    parts, start = [], 0
    for replaced in _chain(op):
        parts.append(inputs[start : start + len(replaced.params)])
        start += len(replaced.params)

    def positive(x: torch.Tensor) -> torch.Tensor:
        """Say per channel and number, (C, numbers), what the sign of the chain is."""
        x = x.to(progress.dtype).reshape(1, count, -1, 1)
        for replaced, params in zip(_chain(op), parts, strict=True):
            x = rule_of(replaced.kind).run(Call(replaced, [x], params, False, progress))  # type: ignore[misc]
        return (x >= 0)[0, :, :, 0]

    bisected = (
        _of_floats(positive, count, progress.dtype)
        if limit is None
        else _of_whole(positive, count, limit, op)
    )
    return bisected[0].double().numpy(), bisected[1].double().numpy()


def _of_whole(positive: Positive, count: int, limit: object, op: Op) -> tuple[torch.Tensor, torch.Tensor]:
    """Try every whole number from -limit to limit."""
    assert isinstance(limit, (int, np.integer))
    bound = int(limit)
    numbers = torch.arange(-bound, bound + 1)
    signs = positive(numbers.expand(count, -1))
    changes = (signs[:, 1:] != signs[:, :-1]).sum(1)
    if int(changes.max()) > 1:
        raise BnncostError(
            f"{op.layer}: what stands before the sign changes sign {int(changes.max())} times over the whole numbers, "
            "so no threshold can replace it."
        )
    rises = signs[:, -1] | ~signs[:, 0]  # constant channels count as rising
    ups = signs.sum(1)
    level = torch.where(rises, bound + 1 - ups, -bound - 1 + ups)
    level = torch.where(signs.all(1), -bound - 1, level)
    return level, torch.where(rises, 1, -1)


def _of_floats(positive: Positive, count: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Bisect over all finite floats, in the order of their bits."""
    whole = torch.int32 if dtype == torch.float32 else torch.int64
    lowest = torch.iinfo(whole).min

    def number(order: torch.Tensor) -> torch.Tensor:
        return torch.where(order >= 0, order, lowest - order).to(whole).view(dtype)

    top = torch.full((count,), torch.finfo(dtype).max / 2**64, dtype=dtype).view(whole).to(torch.int64)
    low, high = -top, top
    at_low, at_high = positive(number(low))[:, 0], positive(number(high))[:, 0]
    while bool((low + 1 < high).any()):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        same = positive(number(middle))[:, 0] == at_low
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    falls = at_low & ~at_high
    level = torch.where(falls, number(low), number(high))
    level = torch.where(at_low == at_high, torch.where(at_low, -torch.inf, torch.inf).to(dtype), level)
    return level, torch.where(falls, -1, 1)


def integer_weights(op: Op, latent: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split weights that `quantize_weight` made into whole numbers and the step of each filter: (weights, steps).

    In the model's own arithmetic, so that numbers times steps are the trained weights to the last digit.
    """
    weight = torch.as_tensor(latent)
    bits = op.integer("bits")
    top = 1 if op.output.precision.kind == "ternary" else 2 ** (bits - 1) - 1
    largest = weight.abs().flatten(1).amax(1)
    step = torch.where(largest == 0, 1, largest) / top
    steps = step.reshape(-1, *[1] * (weight.dim() - 1))
    numbers = torch.round(weight / steps)
    if not np.array_equal((numbers * steps).numpy(), used):
        raise BnncostError(f"{op.layer}: weights and their whole numbers times the step differ.")
    return numbers.numpy(), step.numpy()
