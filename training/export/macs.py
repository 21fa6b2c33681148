"""Convolutions and matrix products in numpy, by one large product of matrices; of whole numbers they are exact."""

from __future__ import annotations

import numpy as np

from costmodel.errors import BnncostError
from costmodel.operations.window import Axis, windows_of

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
    axes: tuple[Axis, Axis],
    pad_value: int | None,
    groups: int,
    kind: type,
) -> np.ndarray:
    """Convolve (N, C, H, W) with (O, C/groups, kh, kw) in floats of `kind`: (N, O, H', W').

    `axes` are the windows on the map; a `pad_value` of None repeats the positions at the border.
    Maps become (C, N, H, W), so that one product of matrices a group does all images.
    """
    count, channels = x.shape[:2]
    seen = windows_of(_around(x.transpose(1, 0, 2, 3), axes, pad_value, kind), axes)  # (C, N, H', W', kh, kw)
    rows, columns = (axis.outputs for axis in axes)
    flat = np.ascontiguousarray(seen.transpose(0, 4, 5, 1, 2, 3)).reshape(
        groups, channels // groups * axes[0].kernel * axes[1].kernel, -1
    )
    made: np.ndarray = weight.reshape(groups, len(weight) // groups, -1).astype(kind) @ flat
    maps = made.reshape(len(weight), count, rows, columns)
    return np.ascontiguousarray(maps.transpose(1, 0, 2, 3))


def _around(maps: np.ndarray, axes: tuple[Axis, Axis], value: int | None, kind: type) -> np.ndarray:
    """Put padding round maps (C, N, H, W)."""
    sides = [(0, 0), (0, 0), *((axis.before, axis.after) for axis in axes)]
    if value is None:
        return np.pad(maps.astype(kind), sides, mode="edge")
    return np.pad(maps.astype(kind), sides, constant_values=value)
