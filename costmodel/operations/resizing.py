"""Larger and smaller maps: positions read again, or a mean of two neighbours by their distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Op
from costmodel.operations.registry import Count, operation

Arrays = Sequence[np.ndarray]


def _numbers(op: Op, name: str) -> np.ndarray:
    return np.array(op.attributes[name])


@operation("repeat_positions", free_because="a position that is read again, or not at all, is addressing")
def repeat_positions(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Read the `rows` and `columns` of those numbers: resizing by the nearest position."""
    return inputs[0][..., _numbers(op, "rows"), :][..., _numbers(op, "columns")]


def _count_interpolate(op: Op) -> list[Count]:
    """A difference, a product and a sum for each element of each axis that is between positions, rows first."""
    label, (channels, _, width) = op.output.precision.label, op.inputs[0].shape
    rows = channels * (op.output.shape[1] * width) if np.any(_numbers(op, "row_shares")) else 0
    made = rows + (op.output.size if np.any(_numbers(op, "column_shares")) else 0)
    return [Count("add", label, 2 * made), Count("mul", label, made)]


@operation("interpolate", count=_count_interpolate)
def interpolate(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Mean of the row of a number and the next one, which has the share given, and of columns likewise: bilinear."""
    x = inputs[0]
    for axis, rows, shares in ((-2, "rows", "row_shares"), (-1, "columns", "column_shares")):
        first, part = _numbers(op, rows), _numbers(op, shares)
        low = x.take(first, axis)
        if np.any(part):
            high = x.take(np.minimum(first + 1, x.shape[axis] - 1), axis)
            low = low + (high - low) * part.reshape([-1] + [1] * (-1 - axis))
        x = low
    return x
