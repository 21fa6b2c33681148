"""Larger and smaller maps: positions read again, a mean of two neighbours by their distance, or a sum of four."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Op
from costmodel.operations.registry import Count, operation

Arrays = Sequence[np.ndarray]


def _numbers(op: Op, name: str) -> np.ndarray:
    return np.array(op.attributes[name])


@operation(
    "repeat_positions",
    attributes=("rows", "columns"),
    free_because="a position that is read again, or not at all, is addressing",
)
def repeat_positions(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Read the `rows` and `columns` of those numbers: resizing by the nearest position."""
    return inputs[0][..., _numbers(op, "rows"), :][..., _numbers(op, "columns")]


def _count_interpolate(op: Op) -> list[Count]:
    """A difference, a product and a sum for each element of each axis that is between positions, rows first."""
    label, (channels, _, width) = op.output.precision.label, op.inputs[0].shape
    rows = channels * (op.output.shape[1] * width) if np.any(_numbers(op, "row_shares")) else 0
    made = rows + (op.output.size if np.any(_numbers(op, "column_shares")) else 0)
    return [Count("add", label, 2 * made), Count("mul", label, made)]


@operation(
    "interpolate", attributes=("rows", "row_shares", "columns", "column_shares"), count=_count_interpolate
)
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


def _taps(op: Op) -> tuple[tuple[int, np.ndarray, np.ndarray], ...]:
    """Of rows, then of columns: the axis, which positions each new one reads (n, k), and with which weights."""
    return tuple(
        (axis, _numbers(op, f"{name}s"), _numbers(op, f"{name}_weights"))
        for axis, name in ((-2, "row"), (-1, "column"))
    )


def _count_weighed(op: Op) -> list[Count]:
    """On each axis that is resized k products and k - 1 sums for each element, rows first."""
    label, (channels, _, width) = op.output.precision.label, op.inputs[0].shape
    (_, rows, _), (_, columns, _) = _taps(op)
    parts = ((channels * (len(rows) * width), rows.shape[1]), (op.output.size, columns.shape[1]))
    sums = sum(made * (taps - 1) for made, taps in parts)
    products = sum(made * taps for made, taps in parts if taps > 1)
    return [Count("add", label, sums), Count("mul", label, products)]


@operation(
    "weigh_neighbours", attributes=("rows", "row_weights", "columns", "column_weights"), count=_count_weighed
)
def weigh_neighbours(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum the `rows` (n, k) of those numbers times `row_weights`, and columns likewise: bicubic (Keys 1981).

    An axis of one position each is addressing, and its weights are 1.
    """
    x = inputs[0]
    for axis, places, weights in _taps(op):
        ones = [-1] + [1] * (-1 - axis)
        terms = [x.take(places[:, tap], axis) for tap in range(places.shape[1])]
        if len(terms) > 1:
            terms = [term * weights[:, tap].reshape(ones) for tap, term in enumerate(terms)]
        x = terms[0]
        for term in terms[1:]:
            x = x + term
    return x
