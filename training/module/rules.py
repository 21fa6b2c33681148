"""What each operation kind does in torch: one rule a kind, for feature maps.

`window_rules` has those of convolutions and pools, `weight_rules` those for parameters.

A rule repeats the meaning that `costmodel.operations` gives the kind, and adds gradients; tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from costmodel.errors import BnncostError, unknown
from costmodel.graph import Op
from costmodel.operations.elementwise import EPSILON, ends
from training.module.estimators import binarize, rounded, with_gradient_scaled
from training.module.initial import UNIT_SUMS
from training.module.layout import in_one_layout

MOMENTUM = 0.1
"""Weight of a batch in the running statistics of a norm."""


class Call(NamedTuple):
    """One execution of an operation on maps (N, C, H, W); with `real_weights`, weights pass their sign unchanged."""

    op: Op
    inputs: Sequence[torch.Tensor]
    params: Sequence[torch.Tensor]
    training: bool
    progress: torch.Tensor
    real_weights: bool = False


Run = Callable[[Call], torch.Tensor]


@dataclass(frozen=True)
class Rule:
    """How one kind runs in torch.

    A kind that does not train makes its network one for evaluation only; without `run`, numpy computes it when
    values are loaded. `reads` is how many of its parameters the kind needs (None: all), `statistics` which of them
    the forward pass keeps up to date.
    """

    run: Run | None
    trains: bool
    reads: int | None
    statistics: tuple[int, ...]


RULES: dict[str, Rule] = {}


def rule(
    kind: str, *, trains: bool = True, reads: int | None = None, statistics: tuple[int, ...] = ()
) -> Callable[[Run], Run]:
    """Register a function as the rule of `kind`; a second one raises."""

    def register(run: Run) -> Run:
        _add(kind, Rule(run, trains, reads, statistics))
        return run

    return register


def at_load(kind: str) -> None:
    """Register a kind that folding makes: numpy computes it once, when values are loaded."""
    _add(kind, Rule(None, False, None, ()))


def _add(kind: str, made: Rule) -> None:
    if kind in RULES:
        raise BnncostError(f"the lowering of '{kind}' is declared twice.")
    RULES[kind] = made


def rule_of(kind: str) -> Rule:
    """Look up the rule of a kind; a kind without one raises with the closest known one."""
    if kind not in RULES:
        raise unknown("operation to lower", kind, RULES)
    return RULES[kind]


def along(call: Call, index: int) -> torch.Tensor:
    """Reshape parameter `index` so that it broadcasts against (C, H, W) along its axes."""
    values, shape = call.params[index], [1, 1, 1]
    for axis, length in zip(call.op.params[index].axes, values.shape, strict=True):
        shape["CHW".index(axis)] = length
    return values.reshape(shape)


# ------------------------------------------------------------------ multiply-accumulates


@rule("linear")
def _linear(call: Call) -> torch.Tensor:
    return functional.linear(call.inputs[0].flatten(-3), *call.params)[..., None, None]


# ------------------------------------------------------------------ bits


@rule("sign")
def _sign(call: Call) -> torch.Tensor:
    return binarize(call.inputs[0], str(call.op.attributes["estimator"]), call.progress)


@rule("threshold", trains=False)
def _threshold(call: Call) -> torch.Tensor:
    x, level, rises = call.inputs[0], along(call, 0), along(call, 1) > 0
    return _reaches(torch.where(rises, x, level), torch.where(rises, level, x))


@rule("compare", trains=False)
def _compare(call: Call) -> torch.Tensor:
    return _reaches(call.inputs[0], call.inputs[1])


def _reaches(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return torch.where(left >= right, left.new_ones(()), left.new_full((), -1))


@rule("logic_xnor")
def _logic_xnor(call: Call) -> torch.Tensor:
    """Agreement of bits is their product."""
    return call.inputs[0] * call.inputs[1]


@rule("logic_or")
def _logic_or(call: Call) -> torch.Tensor:
    """Saturating sum of 0 and 1, as BoolNet trains it: the gradient stops where both bits are set."""
    return torch.clamp((call.inputs[0] + call.inputs[1]) * 0.5 + 1, 0, 1) * 2 - 1


@rule("quantize")
def _quantize(call: Call) -> torch.Tensor:
    """Clamp and round to a grid; the gradient passes inside the range, and reaches the step as in LSQ (Esser 2020).

    The grid is the power of two nearest to the step, straight through which the gradient passes: a chip rounds as was
    trained.
    That of the step is divided by sqrt(N Q_P) (section 2.2), Q_P the largest level and N the elements that are rounded,
    those of the whole batch as in github.com/zhutmost/lsq-net: a step then moves in proportion to its size. A float
    has no grid and passes.
    """
    if not call.params:
        return call.inputs[0]
    x, (low, high) = call.inputs[0], ends(call.op)
    learned = _damped(along(call, 0), x, 1 / math.sqrt(high))
    step = learned if call.op.attributes.get("exact") else torch.exp2(rounded(torch.log2(learned)))
    return (
        _ROUNDING.get(str(call.op.attributes.get("rounding")), rounded)(torch.clamp(x / step, low, high))
        * step
    )


_ROUNDING = {"down": torch.floor, "up": torch.ceil}


def _damped(values: torch.Tensor, x: torch.Tensor, part: torch.Tensor | float) -> torch.Tensor:
    """Let `part` of the gradient through, divided by the root of the number of elements that each value is for."""
    if torch.compiler.is_exporting():  # a number of elements would fix that of the images
        return values
    return with_gradient_scaled(values, part * math.sqrt(values.numel() / x.numel()))


# ------------------------------------------------------------------ factors and offsets


@rule("scale")
def _scale(call: Call) -> torch.Tensor:
    """Multiply; learned factors of mean square q, for N elements each, get q / sqrt(N) of the sum of their gradients.

    That is LSQ's factor for a step (Esser 2020, section 2.2) without its levels, in units of the factors' own size. By
    SGD at the rate of weights, gates between branches would otherwise die within a few steps, and small scales without
    a norm behind explode. Other scales have a norm behind, where they get next to no gradient, and keep all of it.
    """
    x, factor, param = call.inputs[0], along(call, 0), call.op.params[0]
    whole = not param.axes and isinstance(param.initial, float) and param.initial != 0
    if whole or param.initial == UNIT_SUMS:
        factor = _damped(factor, x, factor.detach().square().mean().clamp(max=1))
    return x * factor


@rule("power_of_two")
def _power_of_two(call: Call) -> torch.Tensor:
    return call.inputs[0] * torch.exp2(rounded(along(call, 0)))


@rule("bias")
def _bias(call: Call) -> torch.Tensor:
    return call.inputs[0] + along(call, 0)


@rule("affine", trains=False)
def _affine(call: Call) -> torch.Tensor:
    return call.inputs[0] * along(call, 0) + along(call, 1)


@rule("batch_norm", statistics=(2, 3))
def _batch_norm(call: Call) -> torch.Tensor:
    """Normalize with the batch's statistics while training, else with the running ones as one factor and offset."""
    gamma, beta, mean, variance = call.params
    if call.training:
        return functional.batch_norm(call.inputs[0], mean, variance, gamma, beta, True, MOMENTUM, EPSILON)
    factor = gamma / torch.sqrt(variance + EPSILON)
    return call.inputs[0] * factor[:, None, None] + (beta - mean * factor)[:, None, None]


# ------------------------------------------------------------------ activation functions


@rule("relu")
def _relu(call: Call) -> torch.Tensor:
    return functional.relu(call.inputs[0])


@rule("hardtanh")
def _hardtanh(call: Call) -> torch.Tensor:
    return functional.hardtanh(call.inputs[0])


@rule("clamp")
def _clamp(call: Call) -> torch.Tensor:
    low, high = (float(str(call.op.attributes[name])) for name in ("low", "high"))
    return torch.clamp(call.inputs[0], low, high)


@rule("absolute")
def _absolute(call: Call) -> torch.Tensor:
    return call.inputs[0].abs()


@rule("tanh")
def _tanh(call: Call) -> torch.Tensor:
    return torch.tanh(call.inputs[0])


@rule("prelu")
def _prelu(call: Call) -> torch.Tensor:
    return functional.prelu(call.inputs[0], call.params[0].reshape(-1))


@rule("two_slope")
def _two_slope(call: Call) -> torch.Tensor:
    x = call.inputs[0]
    return x * torch.where(x >= 0, along(call, 0), along(call, 1))


@rule("sigmoid")
def _sigmoid(call: Call) -> torch.Tensor:
    return torch.sigmoid(call.inputs[0])


@rule("hard_sigmoid")
def _hard_sigmoid(call: Call) -> torch.Tensor:
    return torch.clamp(call.inputs[0] + 3, 0, 6) * (1 / 6)


# ------------------------------------------------------------------ two maps


@rule("add")
def _add_maps(call: Call) -> torch.Tensor:
    return call.inputs[0] + call.inputs[1]


@rule("subtract")
def _subtract(call: Call) -> torch.Tensor:
    return call.inputs[0] - call.inputs[1]


@rule("multiply")
def _multiply(call: Call) -> torch.Tensor:
    return call.inputs[0] * call.inputs[1]


@rule("divide_training")
def _divide_training(call: Call) -> torch.Tensor:
    return call.inputs[0] / call.inputs[1]


# ------------------------------------------------------------------ windows, channels, whole maps


@rule("global_average_pool")
def _global_average_pool(call: Call) -> torch.Tensor:
    x = in_one_layout(call.inputs[0])
    return x.sum((-2, -1), keepdim=True) * (1 / (x.shape[-2] * x.shape[-1]))


@rule("absolute_sum")
def _absolute_sum(call: Call) -> torch.Tensor:
    return call.inputs[0].abs().sum(-3, keepdim=True)


@rule("channel_sum")
def _channel_sum(call: Call) -> torch.Tensor:
    return call.inputs[0].sum(-3, keepdim=True)


@rule("slice_mean")
def _slice_mean(call: Call) -> torch.Tensor:
    slices = call.op.integer("slices")
    return call.inputs[0].unflatten(-3, (slices, -1)).sum(-4) * (1 / slices)


@rule("channel_mean")
def _channel_mean(call: Call) -> torch.Tensor:
    slices = call.op.integer("slices")
    return call.inputs[0].unflatten(-3, (-1, slices)).sum(-3) * (1 / slices)


@rule("sample_mean")
def _sample_mean(call: Call) -> torch.Tensor:
    x = call.inputs[0]
    return x.sum((-3, -2, -1), keepdim=True) * (1 / (x.shape[-3] * x.shape[-2] * x.shape[-1]))


SMALLEST_VARIANCE = 1e-12
"""Keeps the deviation of a sample, and its gradient, finite where a whole map has one value."""


@rule("sample_deviation")
def _sample_deviation(call: Call) -> torch.Tensor:
    variance = call.inputs[0].var((-3, -2, -1), correction=0, keepdim=True)
    return torch.sqrt(torch.clamp(variance, min=SMALLEST_VARIANCE))


# ------------------------------------------------------------------ addressing


@rule("subsample")
def _subsample(call: Call) -> torch.Tensor:
    stride = call.op.integer("stride")
    return in_one_layout(call.inputs[0])[..., ::stride, ::stride]


@rule("crop")
def _crop(call: Call) -> torch.Tensor:
    op, axis = call.op, call.op.integer("axis") - 3
    apart = call.inputs[0].unflatten(axis, (op.integer("outer"), op.integer("size"), -1))
    kept = torch.arange(op.integer("start"), op.integer("stop"), op.integer("every"), device=apart.device)
    return apart.index_select(axis - 1, kept).flatten(axis - 2, axis)


@rule("pad_map")
def _pad_map(call: Call) -> torch.Tensor:
    sides = [call.op.integer(name) for name in ("left", "right", "above", "below")]
    return functional.pad(call.inputs[0], sides, value=float(str(call.op.attributes["value"])))


@rule("pad_channels")
def _pad_channels(call: Call) -> torch.Tensor:
    missing = call.op.integer("channels") - call.inputs[0].shape[-3]
    around = (0, 0, 0, 0, missing // 2, missing - missing // 2)
    return functional.pad(call.inputs[0], around, value=call.op.integer("value"))


@rule("repeat_channels")
def _repeat_channels(call: Call) -> torch.Tensor:
    x, channels = call.inputs[0], call.op.integer("channels")
    return torch.cat([x] * -(-channels // x.shape[-3]), dim=-3)[..., :channels, :, :]


@rule("concatenate")
def _concatenate(call: Call) -> torch.Tensor:
    return torch.cat(list(call.inputs), dim=-3)


@rule("interleave_channels")
def _interleave_channels(call: Call) -> torch.Tensor:
    return torch.stack(list(call.inputs), dim=-3).flatten(-4, -3)


@rule("half_of_slices")
def _half_of_slices(call: Call) -> torch.Tensor:
    apart = call.inputs[0].unflatten(-3, (call.op.integer("slices"), 2, -1))
    return apart[..., call.op.integer("half"), :, :, :].flatten(-4, -3)


@rule("channel_shuffle")
def _channel_shuffle(call: Call) -> torch.Tensor:
    apart = call.inputs[0].unflatten(-3, (call.op.integer("groups"), -1))
    return apart.transpose(-4, -3).flatten(-4, -3)


@rule("shift_quarters")
def _shift_quarters(call: Call) -> torch.Tensor:
    """Roll the quarters, which are as equal as the number of channels allows, the first ones larger."""
    x, distance = call.inputs[0], call.op.integer("distance")
    parts = torch.tensor_split(x, 4, dim=-3)
    moves = ((distance, -2), (-distance, -2), (distance, -1), (-distance, -1))
    return torch.cat([part.roll(step, axis) for part, (step, axis) in zip(parts, moves, strict=True)], dim=-3)
