"""Layers of multiply-accumulates: convolution and the fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from costmodel.graph import Dimension, Op
from costmodel.operations.registry import Count, operation, padded, windows_of


def mac_precision(op: Op) -> str:
    """Name the MAC of `op`, weight x feature, such as `1x1` or `8x8`."""
    return f"{op.params[0].precision.operand}x{op.inputs[0].precision.operand}"


def fan_in(op: Op) -> Dimension:
    """Number of products in each output of a MAC layer."""
    weight = op.params[0]
    return weight.size // weight.shape[0]


Cut = tuple[int, int]


def _cuts(length: int, kernel: int, stride: int, padding: int) -> list[Cut]:
    """Say, per output position along one axis, how much of its window lies before and after the map."""
    starts = range(-padding, length + padding - kernel + 1, stride)
    return [(max(0, -start), max(0, start + kernel - length)) for start in starts]


@lru_cache(maxsize=256)
def border_classes(sides: tuple[int, int], kernel: int, stride: int, padding: int) -> np.ndarray:
    """Number the kinds of border position: (H', W') of indices into `border_kinds`, -1 inside."""
    kinds = border_kinds(sides, kernel, stride, padding)
    rows, columns = (_cuts(side, kernel, stride, padding) for side in sides)
    index = {kind: number for number, kind in enumerate(kinds)}
    return np.array([[index.get((row, column), -1) for column in columns] for row in rows])


@lru_cache(maxsize=256)
def border_kinds(
    sides: tuple[int, int], kernel: int, stride: int, padding: int
) -> tuple[tuple[Cut, Cut], ...]:
    """List the different ways in which a window reaches over the border, rows by columns."""
    rows, columns = (_cuts(side, kernel, stride, padding) for side in sides)
    pairs = dict.fromkeys((row, column) for row in rows for column in columns)
    return tuple(pair for pair in pairs if pair != ((0, 0), (0, 0)))


def _classes(op: Op) -> np.ndarray:
    x = op.inputs[0]
    kernel = op.params[0].shape[2]
    return border_classes((x.shape[1], x.shape[2]), int(kernel), op.integer("stride"), op.integer("padding"))


def _count_conv(op: Op) -> list[Count]:
    counts = [Count("mac", mac_precision(op), op.output.size * fan_in(op))]
    if len(op.params) == 2:
        border = int((_classes(op) >= 0).sum())
        counts.append(Count("add", op.output.precision.label, op.output.shape[0] * border))
    return counts


@operation("conv", count=_count_conv)
def conv(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Convolve (..., C, H, W) with weights (O, C/groups, k, k); padding adds `pad_value`, or repeats the border.

    Counts one MAC per product, padded positions included, as every published count does; a map of bits
    padded with zeros adds one border correction per border output.
    """
    (x,), weight = inputs, params[0]
    stride, groups = op.integer("stride"), op.integer("groups")
    corrected = len(params) == 2
    x = padded(op, x, -1 if corrected else op.integer("pad_value"))
    kernel = weight.shape[-1]
    windows = windows_of(x, kernel, stride)  # (..., C, H', W', k, k)
    windows = np.moveaxis(windows, -5, -3)  # (..., H', W', C, k, k)
    outputs = []
    for part in range(groups):
        rows = weight.reshape(groups, -1, weight[0].size)[part]  # (O/groups, C/groups k k)
        channels = windows.shape[-3] // groups
        chosen = windows[..., part * channels : (part + 1) * channels, :, :]
        flat = chosen.reshape(*chosen.shape[:-3], -1)  # (..., H', W', C/groups k k)
        outputs.append(np.moveaxis(flat @ rows.T, -1, -3))
    y = np.concatenate(outputs, axis=-3)
    if corrected:
        classes = _classes(op)
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
