"""Maps laid out otherwise, where what reads them needs other axes than they are stored with: addressing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from string import ascii_letters

import numpy as np

from costmodel.importers.model.reading import Reading
from costmodel.importers.model.values import Map, NotRead
from costmodel.importers.model.views import Axis, Factor, View, merged, reshaped

Rows = tuple[Axis, Axis, Axis]


def laid_out(r: Reading, made: Map, rows: Sequence[Axis]) -> Map:
    """The same map with its factors along C, H and W as `rows` say; nothing where they lie so."""
    rows = (rows[0], rows[1], rows[2])
    if made.padding is not None or made.factor.size > 1 or made.offset.size > 1:
        made = Map(r.plain(made))
    view = made.view
    if rows == view.stored:
        return made
    old = [factor for row in view.stored for factor in row]
    if len(old) > len(ascii_letters) or set(old) != {factor for row in rows for factor in row}:
        raise NotRead("a map of more axes than bnncost arranges")
    letters = dict(zip(old, ascii_letters, strict=False))
    tensor = r.emit(
        "rearrange", (view.tensor,), shape=_sides(rows), stored=view.tensor.precision,
        attributes={
            "factors": tuple((letters[one], one.size) for one in old),
            "read": tuple("".join(letters[one] for one in row) for row in view.stored),
            "made": tuple("".join(letters[one] for one in row) for row in rows),
        },
    )  # fmt: skip
    new = {factor: Factor(factor.size, axis) for axis, row in enumerate(rows) for factor in row}
    first, second, third = (tuple(new[factor] for factor in row) for row in rows)
    axes = tuple(tuple(new[factor] for factor in row) for row in view.axes)
    fresh = Map(merged(View(tensor, (first, second, third), axes)))
    return replace(fresh, factor=made.factor, offset=made.offset)


def _sides(rows: Sequence[Axis]) -> tuple[int, int, int]:
    first, second, third = (prod(factor.size for factor in row) for row in rows)
    return first, second, third


def as_map(r: Reading, made: Map) -> Map:
    """A tensor (N, C, H, W) as a map that is stored so, or one (N, C, L) with its positions along H."""
    axes = made.view.axes
    if len(axes) not in (3, 4) or axes[0]:
        raise NotRead(f"a tensor of shape {made.shape}, which is no (N, C, H, W) map")
    return laid_out(r, made, (*axes[1:], ()) if len(axes) == 3 else axes[1:])


def with_channels_apart(r: Reading, made: Map, constant: np.ndarray) -> Map:
    """A map whose second axis, along which alone a constant varies, is an axis of its own.

    Seen through groups, as a norm of them leaves it, the map's channels lie with positions: each element would have a
    number of its own.
    """
    axes, rank = made.view.axes, len(made.view.axes)
    sides = (1,) * (rank - constant.ndim) + constant.shape
    if rank not in (3, 4) or axes[0] or len(sides) > rank or not 1 < constant.size == sides[1]:
        return made
    along = {factor.axis for factor in axes[1]}
    others = {factor for axis in along for factor in made.view.stored[axis]} - set(axes[1])
    return as_map(r, made) if others else made


def last_as_channels(r: Reading, made: Map) -> Map:
    """A tensor whose last axis lies along C, and all others along H; as it is, where the last one does."""
    if made.view.axes[-1] == made.view.stored[0]:
        return made
    others = tuple(factor for row in made.view.axes[:-1] for factor in row)
    return laid_out(r, made, (made.view.axes[-1], others, ()))


def grouped(r: Reading, made: Map, factors: Sequence[Factor]) -> tuple[Map, str, Axis]:
    """A map of which some factors are whole axes, the letters of these axes, and the factors as they are then."""
    wanted, stored = set(factors), made.view.stored
    whole = [axis for axis, row in enumerate(stored) if row and set(row) <= wanted]
    if {factor for axis in whole for factor in stored[axis]} == wanted:
        kept = Map(r.plain(made)) if made.padding is not None else made
        return kept, "".join("CHW"[axis] for axis in whole), tuple(factors)
    others = tuple(factor for row in stored for factor in row if factor not in wanted)
    placed = laid_out(r, made, (others, tuple(factors), ()))
    return placed, "H", placed.view.stored[1]


def common_sizes(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """Sizes into which two rows of factors with one product can be split both.

    >>> common_sizes((4, 6), (2, 12))
    (2, 2, 6)
    """
    ends = sorted({prod(row[: place + 1]) for row in (left, right) for place in range(len(row))})
    sizes, before = [], 1
    for end in ends:
        if end % before:
            raise NotRead(f"two maps whose axes are made of {tuple(left)} and {tuple(right)} parts")
        sizes.append(end // before)
        before = end
    return tuple(size for size in sizes if size > 1)


def sizes_of(axis: Axis) -> tuple[int, ...]:
    """Sizes of the factors of an axis."""
    return tuple(factor.size for factor in axis)


def split_to(view: View, rows: Sequence[Sequence[int]]) -> View:
    """The view whose axes are made of factors of these sizes."""
    flat = [size for row in rows for size in row]
    made = reshaped(view, flat)
    if made is None:
        raise NotRead(f"a tensor of shape {view.shape} whose axes are split to {tuple(flat)}")
    left = [factor for axis in made.axes for factor in axis]
    axes, start = [], 0
    for row in rows:
        axes.append(tuple(left[start : start + len(row)]))
        start += len(row)
    return View(view.tensor, made.stored, tuple(axes))


def like(r: Reading, view: View, other: View) -> View:
    """Move the numbers of a map to where they lie in a larger one that it is combined with."""
    pairs = [
        (common_sizes(sizes_of(mine), sizes_of(theirs)) if mine else (), sizes_of(theirs), bool(mine))
        for mine, theirs in zip(view.axes, other.axes, strict=True)
    ]
    mine = split_to(view, [sizes for sizes, _, _ in pairs])
    theirs = split_to(other, [sizes if there else whole for sizes, whole, there in pairs])
    partner = {
        their: my
        for row, their_row in zip(mine.axes, theirs.axes, strict=True)
        if row
        for my, their in zip(row, their_row, strict=True)
    }
    rows = [tuple(partner[one] for one in row if one in partner) for row in theirs.stored]
    if any(row and len(row) != len(full) for row, full in zip(rows, theirs.stored, strict=True)):
        raise NotRead("a map is combined with a part of an axis of another")
    return r.plain(laid_out(r, Map(mine), rows))
