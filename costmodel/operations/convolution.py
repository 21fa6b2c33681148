"""Layers of multiply-accumulates: convolution and the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Dimension, Op
from costmodel.operations.registry import Count, operation
from costmodel.operations.window import Axis, border_classes, padded, windows, windows_of


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


def _count_conv(op: Op) -> list[Count]:
    counts = [Count("mac", mac_precision(op), op.output.size * fan_in(op))]
    if len(op.params) == 2:
        border = int((border_classes(taps(op)) >= 0).sum())
        counts.append(Count("add", op.output.precision.label, op.output.shape[0] * border))
    return counts


@operation("conv", count=_count_conv)
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


@operation("linear", count=_count_linear)
def linear(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply a map, flattened to a vector, with a matrix (O, C H W); add a bias if there is one."""
    (x,) = inputs
    flat = x.reshape(*x.shape[:-3], -1)
    y = flat @ params[0].T
    if len(params) == 2:
        y = y + params[1]
    return y[..., None, None]
