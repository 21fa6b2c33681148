"""Layers of multiply-accumulates: convolution and the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Dimension, Op
from costmodel.operations.registry import Count, operation
from costmodel.operations.window import (
    Axis,
    border_classes,
    padded,
    padding_of,
    pair_in,
    windows,
    windows_of,
)


def is_mac(op: Op) -> bool:
    """Whether an operation multiplies and accumulates."""
    return op.kind in ("conv", "linear", "transposed_conv")


def mac_precision(op: Op) -> str:
    """Name the MAC of `op`, weight x feature, such as `1x1` or `8x8`."""
    return f"{op.params[0].precision.operand}x{op.inputs[0].precision.operand}"


def fan_in(op: Op) -> Dimension:
    """Number of products in each output of a MAC layer."""
    weight = op.params[0]
    return weight.size // weight.shape[0]


def taps(op: Op) -> tuple[Axis, Axis]:
    """The windows of a convolution on the map that it reads."""
    _, _, height, width = op.params[0].shape
    return windows(op, (int(height), int(width)))


def scattered(op: Op) -> tuple[Axis, Axis]:
    """The windows of a transposed convolution as the MACs it does: one of its size at every position that it reads."""
    _, _, height, width = op.params[0].shape
    sides = zip(op.inputs[0].shape[1:], (int(height), int(width)), strict=True)
    rows, columns = (Axis(int(side), size, before=(size - 1) // 2, after=size // 2) for side, size in sides)
    return rows, columns


def _count_conv(op: Op) -> list[Count]:
    counts = [Count("mac", mac_precision(op), op.output.size * fan_in(op))]
    if len(op.params) == 2:
        border = int((border_classes(taps(op)) >= 0).sum())
        counts.append(Count("add", op.output.precision.label, op.output.shape[0] * border))
    return counts


@operation("conv", params=range(1, 3), attributes=("groups", "pad_value"), count=_count_conv)
def conv(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Convolve (..., C, H, W) with weights (O, C/groups, kh, kw); padding adds `pad_value`, or repeats the border.

    Counts one MAC per product, padded positions included, as every published count does; a map of bits
    padded with zeros adds one border correction per border output.
    """
    (x,), weight, axes = inputs, params[0], taps(op)
    groups = op.integer("groups")
    corrected = len(params) == 2
    seen = windows_of(
        padded(op, x, -1 if corrected else op.integer("pad_value")), axes
    )  # (..., C, H', W', kh, kw)
    seen = np.moveaxis(seen, -5, -3)  # (..., H', W', C, kh, kw)
    outputs = []
    for part in range(groups):
        rows = weight.reshape(groups, -1, weight[0].size)[part]  # (O/groups, C/groups kh kw)
        channels = seen.shape[-3] // groups
        chosen = seen[..., part * channels : (part + 1) * channels, :, :]
        flat = chosen.reshape(*chosen.shape[:-3], -1)  # (..., H', W', C/groups kh kw)
        outputs.append(np.moveaxis(flat @ rows.T, -1, -3))
    y = np.concatenate(outputs, axis=-3)
    if corrected:
        classes = border_classes(axes)
        y[..., classes >= 0] += params[1][:, classes[classes >= 0]]
    return y


def _count_linear(op: Op) -> list[Count]:
    counts = [Count("mac", mac_precision(op), op.output.size * op.inputs[0].size)]
    if len(op.params) == 2:
        counts.append(Count("add", op.output.precision.label, op.output.size))
    return counts


@operation("linear", params=range(1, 3), count=_count_linear)
def linear(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply a map, flattened to a vector, with a matrix (O, C H W); add a bias if there is one."""
    (x,) = inputs
    flat = x.reshape(*x.shape[:-3], -1)
    y = flat @ params[0].T
    if len(params) == 2:
        y = y + params[1]
    return y[..., None, None]


def _count_transposed(op: Op) -> list[Count]:
    positions = op.inputs[0].shape[1] * op.inputs[0].shape[2]
    return [Count("mac", mac_precision(op), op.params[0].size * positions)]


@operation("transposed_conv", params=1, attributes=("groups",), count=_count_transposed)
def transposed_conv(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Add each element times weights (O, C/groups, kh, kw) to the outputs round it; `stride` is that of the outputs.

    Counts one MAC per element and weight, as torch's counter does: those for outputs that `padding` cuts off included.
    """
    (x,), weight, groups = inputs, params[0], op.integer("groups")
    _, _, height, width = weight.shape
    (down, right), (below, beside) = pair_in(op.attributes, "stride"), pair_in(op.attributes, "dilation")
    above, _, left, _ = padding_of(op)
    rows, columns = int(x.shape[-2]), int(x.shape[-1])
    whole = ((rows - 1) * down + (height - 1) * below + 1, (columns - 1) * right + (width - 1) * beside + 1)
    _, made_rows, made_columns = (int(side) for side in op.output.shape)
    whole = (max(whole[0], above + made_rows), max(whole[1], left + made_columns))
    y = np.zeros((*x.shape[:-3], len(weight), *whole), x.dtype if x.dtype == object else float)
    parts = x.reshape(*x.shape[:-3], groups, -1, rows * columns)
    for row in range(height):
        for column in range(width):
            taps_here = weight[:, :, row, column].reshape(groups, len(weight) // groups, -1)
            products = np.matmul(taps_here, parts).reshape(*x.shape[:-3], len(weight), rows, columns)
            first, second = row * below, column * beside
            last, rightmost = first + (rows - 1) * down + 1, second + (columns - 1) * right + 1
            y[..., first:last:down, second:rightmost:right] += products
    return y[..., above : above + made_rows, left : left + made_columns]
