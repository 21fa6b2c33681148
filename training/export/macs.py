"""Convolutions and matrix products in numpy, by one large product of matrices; of whole numbers they are exact."""

from __future__ import annotations

import numpy as np

from costmodel.errors import BnncostError

_EXACT = {np.float32: 2**24, np.float64: 2**53}
"""Sums of whole numbers up to these magnitudes are exact."""


def exact_type(weight: np.ndarray, largest: int) -> type:
    """Choose the float in which all sums of products of whole weights and inputs up to `largest` are exact."""
    flat = np.abs(weight.reshape(len(weight), -1)).sum(axis=1)
    bound = int(flat.max(initial=0)) * largest
    for kind, limit in _EXACT.items():
        if bound < limit:
            return kind
    raise BnncostError(f"a sum of products up to {bound} is too large for exact arithmetic.")


def convolve(
    x: np.ndarray,
    weight: np.ndarray,
    *,
    stride: int,
    padding: int,
    pad_value: int | None,
    groups: int,
    kind: type,
) -> np.ndarray:
    """Convolve (N, C, H, W) with (O, C/groups, k, k) in floats of `kind`: (N, O, H', W').

    A `pad_value` of None repeats the positions at the border.
    Maps become (C, N, H, W), so that one product of matrices a group does all images.
    """
    kernel = weight.shape[-1]
    count, channels, height, width = x.shape
    around = _around(x.transpose(1, 0, 2, 3), padding, pad_value, kind)
    rows = (height + 2 * padding - kernel) // stride + 1
    columns = (width + 2 * padding - kernel) // stride + 1
    windows = np.empty((channels, kernel, kernel, count, rows, columns), kind)
    for i in range(kernel):
        for j in range(kernel):
            windows[:, i, j] = around[
                :, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride
            ]
    flat = windows.reshape(groups, channels // groups * kernel * kernel, -1)
    made: np.ndarray = weight.reshape(groups, len(weight) // groups, -1).astype(kind) @ flat
    maps = made.reshape(len(weight), count, rows, columns)
    return np.ascontiguousarray(maps.transpose(1, 0, 2, 3))


def _around(maps: np.ndarray, padding: int, value: int | None, kind: type) -> np.ndarray:
    """Put padding round maps (C, N, H, W)."""
    *outer, height, width = maps.shape
    if value is None:
        return np.pad(
            maps.astype(kind), [(0, 0), (0, 0), (padding, padding), (padding, padding)], mode="edge"
        )
    around = np.full((*outer, height + 2 * padding, width + 2 * padding), value, kind)
    around[:, :, padding : padding + height, padding : padding + width] = maps
    return around
