"""Operations that only choose or arrange elements: addressing and wiring, no arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Op
from costmodel.operations.registry import ANY, operation

Arrays = Sequence[np.ndarray]


@operation("subsample", attributes=("stride",), free_because="a strided read is addressing")
def subsample(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep every `stride`-th row and column."""
    stride = op.integer("stride")
    return inputs[0][..., ::stride, ::stride]


@operation(
    "pad_channels", attributes=("channels", "value"), free_because="constant channels are wired, not stored"
)
def pad_channels(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Put channels of a constant before and after, half of them on each side, to reach `channels`."""
    x = inputs[0]
    missing = op.integer("channels") - x.shape[-3]
    around = [(0, 0)] * (x.ndim - 3) + [(missing // 2, missing - missing // 2), (0, 0), (0, 0)]
    return np.pad(x, around, constant_values=op.integer("value"))


@operation(
    "repeat_channels", attributes=("channels",), free_because="the same bits go to several places: wiring"
)
def repeat_channels(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Repeat all channels in turn until there are `channels`."""
    x = inputs[0]
    return x[..., np.arange(op.integer("channels")) % x.shape[-3], :, :]


@operation("concatenate", inputs=ANY[1:], free_because="neighbouring channels are addressing")
def concatenate(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Put the channels of all inputs after each other."""
    return np.concatenate(list(inputs), axis=-3)


@operation("interleave_channels", inputs=2, free_because="channels of two maps in turn are wiring")
def interleave_channels(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Take the channels of two maps in turn: the first of either, then the second."""
    both = np.stack(list(inputs), axis=-3)  # (..., C, 2, H, W)
    return both.reshape(*both.shape[:-4], -1, *both.shape[-2:])


@operation("half_of_slices", attributes=("slices", "half"), free_because="half of the channels is addressing")
def half_of_slices(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep the first (`half` 0) or the second half (1) of the channels of each slice."""
    x = inputs[0]
    apart = x.reshape(*x.shape[:-3], op.integer("slices"), 2, -1, *x.shape[-2:])
    kept = apart[..., op.integer("half"), :, :, :]
    return kept.reshape(*x.shape[:-3], -1, *x.shape[-2:])


@operation("channel_shuffle", attributes=("groups",), free_because="channels in another order are wiring")
def channel_shuffle(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Take one channel of each group in turn (ShuffleNet, Zhang 2018)."""
    x = inputs[0]
    apart = x.reshape(*x.shape[:-3], op.integer("groups"), -1, *x.shape[-2:])
    return apart.swapaxes(-4, -3).reshape(x.shape)


@operation(
    "shift_quarters", attributes=("distance",), free_because="reading a neighbour instead is addressing"
)
def shift_quarters(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Move a quarter of the channels by `distance` down, one up, one right and one left; what leaves comes in again."""
    x, distance = inputs[0], op.integer("distance")
    quarters = np.array_split(x, 4, axis=-3)
    moves = ((distance, -2), (-distance, -2), (distance, -1), (-distance, -1))
    return np.concatenate(
        [np.roll(part, step, axis) for part, (step, axis) in zip(quarters, moves, strict=True)], axis=-3
    )


@operation(
    "crop",
    attributes=("axis", "outer", "size", "start", "stop", "every"),
    free_because="a part of a map is addressing",
)
def crop(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep `start` to `stop`, one in `every`, of one axis (0, 1, 2: C, H, W), seen as `outer` rows of `size` parts.

    Channels as 2 rows of 8 parts, of which parts 0 and 1 are kept, give those numbered 0, 1 and 8, 9 of 16.
    """
    x, place = inputs[0], op.integer("axis") - 3
    outer, size = op.integer("outer"), op.integer("size")
    kept = slice(op.integer("start"), op.integer("stop"), op.integer("every"))
    axis = x.ndim + place
    apart = x.reshape(*x.shape[:axis], outer, size, -1, *x.shape[axis + 1 :])
    part = apart[(*[slice(None)] * (axis + 1), kept)]
    return part.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])


@operation(
    "pad_map",
    attributes=("above", "below", "left", "right", "value"),
    free_because="positions of a constant round a map are wired, not stored",
)
def pad_map(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Put positions of a constant `value` round a map, as many `above`, `left`, `below` and `right`."""
    x = inputs[0]
    rows = (op.integer("above"), op.integer("below"))
    columns = (op.integer("left"), op.integer("right"))
    around = [(0, 0)] * (x.ndim - 2) + [rows, columns]
    return np.pad(x, around, constant_values=float(str(op.attributes["value"])))


@operation(
    "divide_training", inputs=2, free_because="a positive divisor changes no sign, so only training divides"
)
def divide_training(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Divide by a positive value per sample, in training only."""
    return inputs[0] / inputs[1]
