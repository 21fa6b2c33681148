"""How a tool's tensor of any rank lies in a feature map (C, H, W): reshapes and transposes as bookkeeping, not work.

Every axis of the map is a row of factors, and every axis of the tensor is a row of the same factors. A reshape
splits and joins them, a transpose reorders them, and only what then reads the numbers in another order moves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Tensor


@dataclass(frozen=True, eq=False)
class Factor:
    """A part of an axis: its size, and the index 0, 1, 2 of the axis C, H or W of the map that it is part of."""

    size: int
    axis: int


Axis = tuple[Factor, ...]


@dataclass(frozen=True, eq=False)
class View:
    """A feature map and the tensor that a tool sees in it.

    `stored` are the factors of C, H and W, the slowest first; `axes` those of each axis of the tensor (the batch, which
    is 1, and other axes of size 1 have none).
    """

    tensor: Tensor
    stored: tuple[Axis, Axis, Axis]
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tool's tensor."""
        return tuple(prod(factor.size for factor in axis) for axis in self.axes)

    def with_tensor(self, tensor: Tensor) -> View:
        """The same view of another map of the same shape."""
        return View(tensor, self.stored, self.axes)

    def letters(self, axis: int) -> tuple[int, ...]:
        """Which axes of the map an axis of the tensor runs over."""
        return tuple(dict.fromkeys(factor.axis for factor in self.axes[axis]))


def view_of(tensor: Tensor, rank: int) -> View:
    """See a map as a tensor of `rank` axes: (N, C, H, W), (N, H, C) for tokens, or (N, C)."""
    stored = tuple(
        (Factor(int(side), axis),) if int(side) > 1 else () for axis, side in enumerate(tensor.shape)
    )
    order = {1: (0,), 2: (None, 0), 3: (None, 1, 0), 4: (None, 0, 1, 2)}[rank]
    axes = tuple(() if axis is None else stored[axis] for axis in order)
    return View(tensor, (stored[0], stored[1], stored[2]), axes)


def transposed(view: View, order: Sequence[int]) -> View:
    """Reorder the tensor's axes."""
    return View(view.tensor, view.stored, tuple(view.axes[axis] for axis in order))


def reshaped(view: View, shape: Sequence[int]) -> View | None:
    """Split and join axes; None where the new ones cut across the old ones."""
    left: list[Factor] = [factor for axis in view.axes for factor in axis]
    if prod(factor.size for factor in left) != prod(shape):
        raise BnncostError(f"a tensor of shape {view.shape} cannot take the shape {tuple(shape)}")
    splits: dict[Factor, Axis] = {}
    axes: list[Axis] = []
    for size in shape:
        taken: list[Factor] = []
        missing = size
        while missing > 1:
            first = left.pop(0)
            if missing % first.size == 0:
                taken.append(first)
                missing //= first.size
            elif first.size % missing == 0:
                outer, inner = Factor(missing, first.axis), Factor(first.size // missing, first.axis)
                splits[first] = (outer, inner)
                left.insert(0, inner)
                taken.append(outer)
                missing = 1
            else:
                return None
        axes.append(tuple(taken))
    return View(view.tensor, _split(view.stored, splits), tuple(axes))


def _split(stored: tuple[Axis, Axis, Axis], splits: dict[Factor, Axis]) -> tuple[Axis, Axis, Axis]:
    def parts(factor: Factor) -> Axis:
        return tuple(one for half in splits[factor] for one in parts(half)) if factor in splits else (factor,)

    first, second, third = (tuple(one for factor in axis for one in parts(factor)) for axis in stored)
    return first, second, third


def merged(view: View) -> View:
    """Join factors that follow each other in the map and in the tensor, so that they can be split in other ways."""
    for row in view.stored:
        for first, second in pairwise(row):
            for axis in view.axes:
                if first in axis and axis[axis.index(first) + 1 : axis.index(first) + 2] == (second,):
                    return merged(_joined(view, first, second))
    return view


def _joined(view: View, first: Factor, second: Factor) -> View:
    one = Factor(first.size * second.size, first.axis)

    def swapped(row: Axis) -> Axis:
        return tuple(one if factor is first else factor for factor in row if factor is not second)

    stored = [swapped(row) for row in view.stored]
    return View(view.tensor, (stored[0], stored[1], stored[2]), tuple(swapped(row) for row in view.axes))


def fresh(view: View) -> View:
    """The same view with factors of its own: those of a map that is read twice are two."""
    new = {factor: Factor(factor.size, factor.axis) for row in view.stored for factor in row}
    first, second, third = (tuple(new[factor] for factor in row) for row in view.stored)
    return View(
        view.tensor, (first, second, third), tuple(tuple(new[one] for one in axis) for axis in view.axes)
    )


def constant_along(view: View, values: np.ndarray) -> tuple[str, np.ndarray]:
    """Say along which axes of the map a constant, broadcast against the tensor, varies: "", "C", "HW", ... and how.

    Raises BnncostError where the constant is larger than the tensor along an axis.
    """
    rank = len(view.axes)
    aligned = values.reshape((1,) * (rank - values.ndim) + values.shape) if values.ndim <= rank else values
    if aligned.ndim > rank or any(
        side not in (1, here) for side, here in zip(aligned.shape, view.shape, strict=True)
    ):
        raise BnncostError(f"a constant of shape {values.shape} does not fit a tensor of shape {view.shape}")
    aligned = _compressed(view, aligned)
    varying = {
        factor.axis
        for axis, side in zip(view.axes, aligned.shape, strict=True)
        if side > 1
        for factor in axis
    }
    names = "".join("CHW"[axis] for axis in sorted(varying))
    full = np.broadcast_to(
        aligned,
        [here if set(view.letters(place)) & varying else 1 for place, here in enumerate(view.shape)],
    )
    return names, in_map_order(view, full, sorted(varying))


def _compressed(view: View, values: np.ndarray) -> np.ndarray:
    """Take one of values that are repeated over rows and columns, as an expanded constant is."""
    for place, side in enumerate(values.shape):
        if side > 1 and 0 not in view.letters(place):
            one = values.take([0], axis=place)
            values = one if np.array_equal(np.broadcast_to(one, values.shape), values) else values
    return values


def in_map_order(view: View, values: np.ndarray, kept: Sequence[int]) -> np.ndarray:
    """Bring values over (some axes of) the tensor into the order of the map's axes `kept`."""
    present = [
        factor for axis, side in zip(view.axes, values.shape, strict=True) if side > 1 for factor in axis
    ]
    apart = values.reshape([factor.size for factor in present] or [1])
    wanted = [factor for axis in kept for factor in view.stored[axis]]
    rest = [factor for factor in present if factor not in wanted]
    order = [present.index(factor) for factor in (*wanted, *rest)]
    moved = apart.transpose(order) if order else apart
    return moved.reshape([prod(factor.size for factor in view.stored[axis]) for axis in kept])


def same_places(left: View, right: View) -> bool:
    """Say whether two tensors of one shape lie in their maps in the same way (an axis of size 1 fits any)."""
    if len(left.axes) != len(right.axes):
        return False
    for mine, other in zip(left.axes, right.axes, strict=True):
        if mine and other and [(f.size, f.axis) for f in mine] != [(f.size, f.axis) for f in other]:
            return False
    first, second = _order(left), _order(right)
    return [place for place in first if place in second] == [place for place in second if place in first]


def _order(view: View) -> list[tuple[int, int]]:
    """The place (axis, part) of each factor of the tensor, as it is stored."""
    places = {factor: (axis, part) for axis, row in enumerate(view.axes) for part, factor in enumerate(row)}
    return [places[factor] for row in view.stored for factor in row if factor in places]
