"""Products of two maps and other orders of the numbers of one: axes taken apart into factors, which have letters.

An operation names the factors with their sizes, `factors`, and which of them each axis C, H and W of a map is made of,
the slowest first: ("hd", "t", "") has heads and their channels along C, and tokens along H.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from costmodel.graph import Op, Precision
from costmodel.operations.registry import Count, operation

Arrays = Sequence[np.ndarray]
Rows = tuple[str, str, str]


def _sizes(op: Op) -> dict[str, int]:
    factors = op.attributes["factors"]
    assert isinstance(factors, tuple)
    return dict(factors)


def _rows(op: Op, name: str) -> Rows:
    rows = op.attributes[name]
    assert isinstance(rows, tuple) and len(rows) == 3
    return rows


def _arranged(
    x: np.ndarray, sizes: Mapping[str, int], read: Sequence[str], made: Sequence[str]
) -> np.ndarray:
    """Arrays whose last axes are made of the factors `read`, with last axes made of `made`."""
    flat, batch = "".join(read), x.shape[: x.ndim - len(read)]
    apart = x.reshape(*batch, *(sizes[letter] for letter in flat))
    order = [len(batch) + flat.index(letter) for letter in "".join(made)]
    moved = apart.transpose(*range(len(batch)), *order)
    return moved.reshape(*batch, *(prod(sizes[letter] for letter in row) for row in made))


@operation(
    "rearrange",
    attributes=("factors", "read", "made"),
    free_because="numbers read in another order are addressing",
)
def rearrange(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Put the factors of the axes `read` into the order of `made`: transposes, shuffles, depth to space, patches."""
    return _arranged(inputs[0], _sizes(op), _rows(op, "read"), _rows(op, "made"))


def inner(op: Op) -> int:
    """Number of products in each element of a product of two maps."""
    left, right, made = ("".join(_rows(op, name)) for name in ("left", "right", "made"))
    return prod(
        size
        for letter, size in _sizes(op).items()
        if letter in left and letter in right and letter not in made
    )


def _count_product(op: Op) -> list[Count]:
    narrow, wide = sorted((item.precision for item in op.inputs), key=_information)
    return [Count("mac", f"{narrow.operand}x{wide.operand}", op.output.size * inner(op))]


def _information(precision: Precision) -> float:
    return precision.information


@operation("matrix_product", inputs=2, attributes=("factors", "left", "right", "made"), count=_count_product)
def matrix_product(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply two maps as matrices, one pair for each entry of the factors that both and the result have.

    Factors that both maps have and the result has not are summed over: the queries ("hd", "t", "") and the keys
    ("hd", "s", "") give the scores ("h", "t", "s"). The narrower map comes first in the name of the MAC.
    """
    sizes, made = _sizes(op), _rows(op, "made")
    left, right = _rows(op, "left"), _rows(op, "right")
    first, second, result = ("".join(rows) for rows in (left, right, made))
    batch = "".join(letter for letter in first if letter in second and letter in result)
    summed = "".join(letter for letter in first if letter in second and letter not in result)
    rows = "".join(letter for letter in first if letter not in second)
    columns = "".join(letter for letter in second if letter not in first)
    product = np.matmul(
        _arranged(inputs[0], sizes, left, (batch, rows, summed)),
        _arranged(inputs[1], sizes, right, (batch, summed, columns)),
    )
    return _arranged(product, sizes, (batch, rows, columns), made)
