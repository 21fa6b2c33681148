"""Fixed-point arithmetic: one rule a kind of operation, on whole numbers q that stand for q * 2**-exponent."""

from __future__ import annotations

import numpy as np

from costmodel.operations.convolution import taps
from costmodel.operations.registry import known
from costmodel.operations.window import border_classes, padded, replicates, windows, windows_of
from training.export.fixed_point import Fixed, Number, aligned, fixed, limits, shifted, wide
from training.export.macs import convolve, exact_type

CONSTANT_BITS = 16
"""Width of constants that are no parameters: 1/6, and one part in as many as a mean has terms."""
TABLE_BITS = 8
"""Width of the index of a sigmoid's table."""
TABLE_EXPONENT = 4
"""The index counts sixteenths, so it runs from -8 to +7.9375; sigmoid is within 0.0004 of 0 and 1 beyond."""


def _param(call: Fixed, index: int) -> Number:
    """Parameter `index`, shaped so that it broadcasts against (C, H, W) along its axes."""
    array, shape = call.params[index], [1, 1, 1]
    for axis, length in zip(call.op.params[index].axes, array.values.shape, strict=True):
        shape["CHW".index(axis)] = length
    exponent = array.exponent.reshape(-1, 1, 1) if array.exponent.ndim else int(array.exponent)
    return Number(array.values.reshape(shape), exponent)


def _times(left: Number, right: Number) -> Number:
    return Number(wide(left) * wide(right), left.exponent + right.exponent)


def _divided(total: np.ndarray, exponent: int | np.ndarray, terms: int) -> Number:
    """Divide by a number of terms: a shift for powers of two, else a multiplication by a 16-bit constant."""
    places = terms.bit_length() - 1
    if terms == 1 << places:
        return Number(total, exponent + places)
    finer = places + CONSTANT_BITS - 1  # 1/terms lies above 2**-(places + 1)
    return Number(total * round(2**finer / terms), exponent + finer)


# ------------------------------------------------------------------ multiply-accumulates


@fixed("conv")
def _conv(call: Fixed) -> Number:
    (x,), op, weight = call.inputs, call.op, call.params[0]
    corrected = len(call.params) == 2
    total = convolve(
        x.q,
        weight.values,
        axes=taps(op),
        pad_value=None if replicates(op) else -1 if corrected else op.integer("pad_value"),
        groups=op.integer("groups"),
        kind=exact_type(weight.values, -limits(op.inputs[0].precision)[0]),
    ).astype(np.int64)
    if corrected:
        classes = border_classes(taps(op))
        total[..., classes >= 0] += call.params[1].values[:, classes[classes >= 0]]
    return _in_steps(call, Number(total, x.exponent))


@fixed("linear")
def _linear(call: Fixed) -> Number:
    (x,), weight = call.inputs, call.params[0]
    flat = x.q.reshape(len(x.q), -1)
    kind = exact_type(weight.values, -limits(call.op.inputs[0].precision)[0])
    total = (flat.astype(kind) @ weight.values.T.astype(kind)).astype(np.int64)[..., None, None]
    result = _in_steps(call, Number(total, x.exponent))
    if len(call.params) == 1:
        return result
    (product, offset), exponent = aligned(result, _param(call, 1))
    return Number(product + offset, exponent)


def _in_steps(call: Fixed, total: Number) -> Number:
    """Multiply the sums of each filter by the step of its weights, where nothing behind does it."""
    if "step" not in call.extra:
        return total
    step = call.extra["step"]
    return _times(total, Number(step.values.reshape(-1, 1, 1), step.exponent.reshape(-1, 1, 1)))


# ------------------------------------------------------------------ bits


def _bits(positive: np.ndarray) -> Number:
    return Number(np.where(positive, np.int8(1), np.int8(-1)), 0)


@fixed("sign")
def _sign(call: Fixed) -> Number:
    return _bits(call.inputs[0].q >= 0)


@fixed("threshold")
def _threshold(call: Fixed) -> Number:
    x, level, rises = call.inputs[0].q, _param(call, 0).q, _param(call, 1).q > 0
    return _bits(np.where(rises, x >= level, x <= level))


@fixed("compare")
def _compare(call: Fixed) -> Number:
    (left, right), _ = aligned(call.inputs[0], call.inputs[1])
    return _bits(left >= right)


@fixed("logic_xnor")
def _logic_xnor(call: Fixed) -> Number:
    return Number(call.inputs[0].q * call.inputs[1].q, 0)


@fixed("logic_or")
def _logic_or(call: Fixed) -> Number:
    return Number(np.maximum(call.inputs[0].q, call.inputs[1].q), 0)


@fixed("quantize")
def _quantize(call: Fixed) -> Number:
    return call.inputs[0]


# ------------------------------------------------------------------ factors, offsets, activation functions


@fixed("scale")
def _scale(call: Fixed) -> Number:
    return _times(call.inputs[0], _param(call, 0))


@fixed("power_of_two")
def _power_of_two(call: Fixed) -> Number:
    return Number(call.inputs[0].q, call.inputs[0].exponent - _param(call, 0).q)


@fixed("bias")
def _bias(call: Fixed) -> Number:
    (x, offset), exponent = aligned(call.inputs[0], _param(call, 0))
    return Number(x + offset, exponent)


@fixed("affine")
def _affine(call: Fixed) -> Number:
    (product, offset), exponent = aligned(_times(call.inputs[0], _param(call, 0)), _param(call, 1))
    return Number(product + offset, exponent)


@fixed("relu")
def _relu(call: Fixed) -> Number:
    return Number(np.maximum(call.inputs[0].q, 0), call.inputs[0].exponent)


@fixed("hardtanh")
def _hardtanh(call: Fixed) -> Number:
    (x, one), exponent = aligned(call.inputs[0], Number(np.ones((), np.int64), 0))
    return Number(np.clip(x, -one, one), exponent)


@fixed("prelu")
def _prelu(call: Fixed) -> Number:
    x = call.inputs[0]
    (above, below), exponent = aligned(x, _times(x, _param(call, 0)))
    return Number(np.where(x.q >= 0, above, below), exponent)


@fixed("two_slope")
def _two_slope(call: Fixed) -> Number:
    x = call.inputs[0]
    (above, below), exponent = aligned(_times(x, _param(call, 0)), _times(x, _param(call, 1)))
    return Number(np.where(x.q >= 0, above, below), exponent)


@fixed("sigmoid")
def _sigmoid(call: Fixed) -> Number:
    """Read a table of 256 entries at x in sixteenths, rounded and saturated."""
    x, half = call.inputs[0], 2 ** (TABLE_BITS - 1)
    index = np.clip(shifted(x.q, TABLE_EXPONENT - x.exponent), -half, half - 1)
    table = call.extra["table"]
    return Number(table.values[index + half], int(table.exponent))


@fixed("hard_sigmoid")
def _hard_sigmoid(call: Fixed) -> Number:
    (x, three), exponent = aligned(call.inputs[0], Number(np.full((), 3, np.int64), 0))
    return _divided(np.clip(x + three, 0, 2 * three), exponent, 6)


# ------------------------------------------------------------------ two maps


@fixed("add")
def _add(call: Fixed) -> Number:
    (left, right), exponent = aligned(*call.inputs)
    return Number(left + right, exponent)


@fixed("subtract")
def _subtract(call: Fixed) -> Number:
    (left, right), exponent = aligned(*call.inputs)
    return Number(left - right, exponent)


@fixed("multiply")
def _multiply(call: Fixed) -> Number:
    return _times(*call.inputs)


# ------------------------------------------------------------------ windows, channels, whole maps


@fixed("global_average_pool")
def _global_average_pool(call: Fixed) -> Number:
    x = call.inputs[0]
    return _divided(wide(x).sum((-2, -1), keepdims=True), x.exponent, x.q.shape[-2] * x.q.shape[-1])


@fixed("slice_mean")
def _slice_mean(call: Fixed) -> Number:
    x, slices = call.inputs[0], call.op.integer("slices")
    apart = wide(x).reshape(len(x.q), slices, -1, *x.q.shape[-2:])
    return _divided(apart.sum(1), x.exponent, slices)


@fixed("channel_mean")
def _channel_mean(call: Fixed) -> Number:
    x, slices = call.inputs[0], call.op.integer("slices")
    together = wide(x).reshape(len(x.q), -1, slices, *x.q.shape[-2:])
    return _divided(together.sum(2), x.exponent, slices)


@fixed("sample_mean")
def _sample_mean(call: Fixed) -> Number:
    x = call.inputs[0]
    return _divided(wide(x).sum((-3, -2, -1), keepdims=True), x.exponent, int(np.prod(x.q.shape[-3:])))


def _windows(call: Fixed, value: int) -> np.ndarray:
    op, x = call.op, call.inputs[0].q
    return windows_of(padded(op, x.astype(np.int64), value), windows(op))


@fixed("average_pool")
def _average_pool(call: Fixed) -> Number:
    seen = _windows(call, 0)
    return _divided(seen.sum((-2, -1)), call.inputs[0].exponent, seen.shape[-2] * seen.shape[-1])


@fixed("blur_pool")
def _blur_pool(call: Fixed) -> Number:
    total = np.einsum("...ij,i,j->...", _windows(call, 0), (1, 2, 1), (1, 2, 1))
    return _divided(total, call.inputs[0].exponent, 16)


@fixed("box_sum")
def _box_sum(call: Fixed) -> Number:
    """Sum windows; the padding counts in units of the map, where its exponent is negative rounded to them."""
    value = shifted(np.array(call.op.integer("pad_value")), call.inputs[0].exponent)
    return Number(_windows(call, int(value)).sum((-2, -1)), call.inputs[0].exponent)


@fixed("max_pool", exact=True)
def _max_pool(call: Fixed) -> Number:
    lowest = limits(call.op.inputs[0].precision)[0]
    return Number(_windows(call, lowest).max((-2, -1)), call.inputs[0].exponent)


@fixed("absolute_sum")
def _absolute_sum(call: Fixed) -> Number:
    return Number(abs(wide(call.inputs[0])).sum(-3, keepdims=True), call.inputs[0].exponent)


@fixed("channel_sum")
def _channel_sum(call: Fixed) -> Number:
    return Number(wide(call.inputs[0]).sum(-3, keepdims=True), call.inputs[0].exponent)


# ------------------------------------------------------------------ addressing


@fixed("subsample", exact=True)
def _subsample(call: Fixed) -> Number:
    stride = call.op.integer("stride")
    return Number(call.inputs[0].q[..., ::stride, ::stride], call.inputs[0].exponent)


@fixed("pad_channels", exact=True)
def _pad_channels(call: Fixed) -> Number:
    """Pad with a constant: 0, or -1 in a map of bits, whose exponent is 0."""
    x = call.inputs[0]
    missing = call.op.integer("channels") - x.q.shape[-3]
    around = ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0))
    return Number(np.pad(x.q, around, constant_values=call.op.integer("value")), x.exponent)


@fixed("repeat_channels", exact=True)
def _repeat_channels(call: Fixed) -> Number:
    x = call.inputs[0]
    return Number(x.q[..., np.arange(call.op.integer("channels")) % x.q.shape[-3], :, :], x.exponent)


@fixed("concatenate")
def _concatenate(call: Fixed) -> Number:
    maps, exponent = aligned(*call.inputs)
    return Number(np.concatenate(maps, axis=-3), exponent)


@fixed("interleave_channels")
def _interleave_channels(call: Fixed) -> Number:
    maps, exponent = aligned(*call.inputs)
    return Number(known("interleave_channels").meaning(call.op, maps, []), exponent)


def _rearranged(call: Fixed) -> Number:
    """Choose or arrange whole numbers as the kind means it."""
    return Number(known(call.op.kind).meaning(call.op, [call.inputs[0].q], []), call.inputs[0].exponent)


for _kind in ("half_of_slices", "shift_quarters", "crop"):
    fixed(_kind, exact=True)(_rearranged)
