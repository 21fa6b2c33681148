"""Operations that sum or compare over windows, channels or whole maps.

A reduction of n elements counts n - 1 operations: exactly what a run of its meaning does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Op, Tensor
from costmodel.operations.registry import Count, operation
from costmodel.operations.window import padded, padding_of, pair_in, windows, windows_of

Arrays = Sequence[np.ndarray]


def _averaged(op: Op, terms: int) -> list[Count]:
    """Additions and a division by a constant: a shift where it is a power of two and the map is an integer.

    The average of one number is that number, which no unit is needed for.
    """
    if terms == 1:
        return []
    label, size = op.output.precision.label, op.output.size
    is_power = terms & (terms - 1) == 0
    sort = "shift" if is_power and op.output.precision.kind == "integer" else "mul"
    return [Count("add", label, size * (terms - 1)), Count(sort, label, size)]


def _map(op: Op) -> Tensor:
    value = op.inputs[0]
    if not isinstance(value, Tensor):
        raise BnncostError(f"{op.layer}: '{op.kind}' reads a feature map, not the parameter '{value.name}'.")
    return value


def _count_global_pool(op: Op) -> list[Count]:
    _, height, width = _map(op).shape
    return _averaged(op, height * width)


@operation("global_average_pool", count=_count_global_pool)
def global_average_pool(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average each channel over the map: (C, H, W) to (C, 1, 1)."""
    x = inputs[0]
    flat = x.reshape(*x.shape[:-2], -1)
    return (np.add.reduce(flat, axis=-1) * (1 / flat.shape[-1]))[..., None, None]


def _windows(op: Op, x: np.ndarray, pad_value: float) -> np.ndarray:
    seen = windows_of(padded(op, x, pad_value), windows(op))
    return seen.reshape(*seen.shape[:-2], -1)


def _window(op: Op) -> int:
    """Number of positions in a window."""
    rows, columns = pair_in(op.attributes, "size")
    return rows * columns


def _count_average_pool(op: Op) -> list[Count]:
    return _averaged(op, _window(op))


@operation("average_pool", attributes=("size",), count=_count_average_pool)
def average_pool(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average each window; padding adds zeros, which count."""
    seen = _windows(op, inputs[0], 0)
    return np.add.reduce(seen, axis=-1) * (1 / seen.shape[-1])


_BLUR = np.outer([1, 2, 1], [1, 2, 1])


def _count_blur_pool(op: Op) -> list[Count]:
    """A weight of 2 or 4, and the division by 16, are shifts of an integer and multiplies of a float."""
    label, size = op.output.precision.label, op.output.size
    sort = "shift" if op.output.precision.kind == "integer" else "mul"
    return [
        Count("add", label, size * (_BLUR.size - 1)),
        Count(sort, label, size * (int((_BLUR > 1).sum()) + 1)),
    ]


@operation("blur_pool", attributes=("size",), count=_count_blur_pool)
def blur_pool(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average windows of 3x3 with weights 1 2 1 on each axis, against aliasing (Zhang 2019); padding adds zeros."""
    seen = _windows(op, inputs[0], 0)
    weighted = [
        x * int(weight) if weight > 1 else x
        for x, weight in zip(np.moveaxis(seen, -1, 0), _BLUR.flat, strict=True)
    ]
    return np.add.reduce(np.stack(weighted, axis=-1), axis=-1) * (1 / int(_BLUR.sum()))


def _count_max_pool(op: Op) -> list[Count]:
    return [Count("compare", op.output.precision.label, op.output.size * (_window(op) - 1))]


@operation("max_pool", attributes=("size",), count=_count_max_pool)
def max_pool(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep the largest of each window; of bits, an OR gate. Padding never wins."""
    whole = np.issubdtype(inputs[0].dtype, np.integer)
    smallest = np.iinfo(inputs[0].dtype).min if whole else -np.inf
    return np.maximum.reduce(_windows(op, inputs[0], smallest if any(padding_of(op)) else 0), axis=-1)


def _count_absolute_sum(op: Op) -> list[Count]:
    channels, height, width = _map(op).shape
    return [Count("add", op.output.precision.label, (channels - 1) * (height * width))]


@operation("absolute_sum", count=_count_absolute_sum)
def absolute_sum(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum |x| over channels: (C, H, W) to (1, H, W); the sign of x picks add or subtract, so no extra operation."""
    return np.add.reduce(abs(inputs[0]), axis=-3)[..., None, :, :]


@operation("channel_sum", count=lambda op: [Count("mac", "1x1", op.inputs[0].size)])
def channel_sum(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Count the bits of all channels at each position: (C, H, W) to (1, H, W); a popcount, one binary MAC a bit."""
    return np.add.reduce(inputs[0], axis=-3)[..., None, :, :]


def _count_box_sum(op: Op) -> list[Count]:
    return [Count("add", op.output.precision.label, op.output.size * (_window(op) - 1))]


@operation("box_sum", attributes=("size", "pad_value"), count=_count_box_sum)
def box_sum(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum each window; padding adds `pad_value`, or repeats the border."""
    return np.add.reduce(_windows(op, inputs[0], float(str(op.attributes["pad_value"]))), axis=-1)


def _count_slice_mean(op: Op) -> list[Count]:
    return _averaged(op, op.integer("slices"))


@operation("slice_mean", attributes=("slices",), count=_count_slice_mean)
def slice_mean(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average the slices of bits of each channel: (slices C, H, W) to (C, H, W)."""
    x, slices = inputs[0], op.integer("slices")
    apart = x.reshape(*x.shape[:-3], slices, -1, *x.shape[-2:])
    return np.add.reduce(apart, axis=-4) * (1 / slices)


@operation("channel_mean", attributes=("slices",), count=_count_slice_mean)
def channel_mean(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average each `slices` channels that follow each other: (slices C, H, W) to (C, H, W)."""
    x, slices = inputs[0], op.integer("slices")
    together = x.reshape(*x.shape[:-3], -1, slices, *x.shape[-2:])
    return np.add.reduce(together, axis=-3) * (1 / slices)


def _count_sample_mean(op: Op) -> list[Count]:
    label = op.output.precision.label
    return [Count("add", label, op.inputs[0].size - 1), Count("mul", label, 1)]


@operation("sample_mean", count=_count_sample_mean)
def sample_mean(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Average one whole sample: (C, H, W) to (1, 1, 1)."""
    x = inputs[0]
    flat = x.reshape(*x.shape[:-3], -1)
    return (np.add.reduce(flat, axis=-1) * (1 / flat.shape[-1]))[..., None, None, None]


@operation(
    "sample_deviation",
    free_because="a positive divisor changes no sign, so only training computes it",
)
def sample_deviation(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Standard deviation of one whole sample: (C, H, W) to (1, 1, 1)."""
    return inputs[0].std(axis=(-3, -2, -1), keepdims=True)
