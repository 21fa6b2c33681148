"""Products of two maps as matrices, such as queries with keys; and how narrow what MACs read has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from string import ascii_letters

import numpy as np

from costmodel.graph import BINARY, Precision, Tensor, accumulator
from costmodel.importers.model.arranging import common_sizes, grouped, like, sizes_of, split_to
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.values import Map, NotRead
from costmodel.importers.model.views import Axis, Factor, View, fresh


def narrow(r: Reading, x: Tensor, layer: str) -> Tensor:
    """Features of a product that is not one of bits: as a quantizer left them, else at the width of the edge."""
    wanted = r.widths.edge
    if wanted.kind == "float" or x.precision.kind == "float" or x is r.g.input:
        return x
    if x.precision.bits <= wanted.bits:
        return x
    tensor = r.emit("quantize", (x,), stored=wanted, attributes={"bits": wanted.bits}, layer=layer)
    r.narrowed.append(layer)
    return tensor


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two maps whose axes are split alike: (batch, rows, inner) times (batch, inner, columns)."""

    left: View
    right: View

    @property
    def batch(self) -> list[tuple[Axis, Axis]]:
        return list(zip(self.left.axes[:-2], self.right.axes[:-2], strict=True))


def product(r: Reading, layer: str, left: Map, right: Map) -> Map:
    """Multiply two maps as matrices; a factor of either goes behind, and so does the offset of bits of 0 and 1."""
    left, right = (_one_factor(r, one) for one in (left, right))
    pair = _split_alike(left.view, fresh(right.view))
    tensors = [narrow(r, one.tensor, layer) for one in (left, right)]
    made = _emitted(r, layer, pair, tensors)
    result = made.times(float(left.factor) * float(right.factor))
    for one, other, place in ((left, pair.right, -2), (right, pair.left, -1)):
        if np.any(one.offset != 0):
            factor = float((right if one is left else left).factor) * float(one.offset)
            result = _with_sum(r, result, other, place, factor)
    return result


def _one_factor(r: Reading, made: Map) -> Map:
    if made.padding is not None or made.factor.size > 1 or made.offset.size > 1:
        return Map(r.plain(made))
    return made if made.is_bits or not np.any(made.offset) else Map(r.plain(made))


def _split_alike(left: View, right: View) -> _Pair:
    rank = max(len(left.axes), len(right.axes))
    left, right = (
        View(one.tensor, one.stored, ((),) * (rank - len(one.axes)) + one.axes) for one in (left, right)
    )
    rows: list[Sequence[int]] = [sizes_of(axis) for axis in left.axes]
    columns: list[Sequence[int]] = [sizes_of(axis) for axis in right.axes]
    for mine, other in [*((axis, axis) for axis in range(rank - 2)), (rank - 1, rank - 2)]:
        if prod(rows[mine]) != prod(columns[other]):
            raise NotRead(f"a product of maps of shapes {left.shape} and {right.shape}")
        rows[mine] = columns[other] = common_sizes(rows[mine], columns[other])
    return _Pair(split_to(left, rows), split_to(right, columns))


def _emitted(r: Reading, layer: str, pair: _Pair, tensors: Sequence[Tensor]) -> Map:
    left, right = pair.left, pair.right
    letters: dict[Factor, str] = {}
    rest = iter(ascii_letters)
    for mine, theirs in [*pair.batch, (left.axes[-1], right.axes[-2])]:
        for one, other in zip(mine, theirs, strict=True):
            letters[one] = letters[other] = next(rest)
    for one in (*left.axes[-2], *right.axes[-1]):
        letters[one] = next(rest)
    batch = [other for _, theirs in pair.batch for other in theirs]
    rows = _rows_of_result(batch, left.axes[-2], right)
    made = {one: Factor(one.size, axis) for axis, row in enumerate(rows) for one in row}
    shape = tuple(prod(one.size for one in row) for row in rows)
    inner = prod(one.size for one in left.axes[-1])
    attributes: dict[str, object] = {
        "factors": tuple({letters[one]: one.size for one in letters}.items()),
        "left": tuple("".join(letters[one] for one in row) for row in left.stored),
        "right": tuple("".join(letters[one] for one in row) for row in right.stored),
        "made": tuple("".join(letters[one] for one in row) for row in rows),
    }
    with r.g.layer(layer):
        tensor = r.g.map(
            "matrix_product", tuple(tensors), shape=(shape[0], shape[1], shape[2]),
            stored=_sum_precision(tensors, inner), attributes=attributes,
        )  # fmt: skip
    r.note_layer(tensor, tensors, layer)
    stored = [tuple(made[one] for one in row) for row in rows]
    axes = [*(theirs for _, theirs in pair.batch), left.axes[-2], right.axes[-1]]
    new_axes = tuple(tuple(made[one] for one in axis) for axis in axes)
    return Map(View(tensor, (stored[0], stored[1], stored[2]), new_axes))


def _rows_of_result(batch: Sequence[Factor], rows: Axis, right: View) -> tuple[Axis, Axis, Axis]:
    """Where a product lies: its columns along C as in the right map, where they do there; else one axis each."""
    columns, summed = right.axes[-1], set(right.axes[-2])
    if any(one.axis for one in columns):
        return tuple(batch), rows, columns
    channels = tuple(one for one in right.stored[0] if one not in summed)
    return channels, (*(one for one in batch if one not in channels), *rows), ()


def _sum_precision(tensors: Sequence[Tensor], inner: int) -> Precision:
    kinds = {one.precision for one in tensors}
    if kinds == {BINARY}:
        return accumulator(inner)
    wide = next((one for one in kinds if one.kind == "float"), None)
    return wide or Precision("integer", 32)


def _with_sum(r: Reading, result: Map, other: View, place: int, factor: float) -> Map:
    """Add the sum of the other map over the axis that the product sums over, times a factor."""
    source, letters, factors = grouped(r, Map(other), other.axes[place])
    gone = set(factors)
    shape = [int(side) for side in source.tensor.shape]
    for letter in letters:
        shape["CHW".index(letter)] = 1
    tensor = r.emit(
        "axis_sum", (source.tensor,), shape=(shape[0], shape[1], shape[2]), attributes={"over": letters}
    )
    stored = [tuple(one for one in row if one not in gone) for row in source.view.stored]
    axes = tuple(tuple(one for one in axis if one not in gone) for axis in source.view.axes)
    sums = View(r.plain(Map(View(tensor, (stored[0], stored[1], stored[2]), axes)).times(factor)).tensor,
                (stored[0], stored[1], stored[2]), axes)  # fmt: skip
    whole = r.plain(result)
    return Map(whole.with_tensor(r.emit("add", (whole.tensor, like(r, sums, whole).tensor))))
