"""Windows that slide over a map: kernel, stride, dilation and padding on each axis, and what they leave of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Op

Pair = int | tuple[int, int]
"""One number for both axes, or the rows' (or heights') and the columns'."""
Around = int | tuple[int, int, int, int]
"""Padding: one number for all sides, or those above, below, on the left and on the right."""
Cut = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a map, and the windows on it; `before` and `after` are the padding on its two ends."""

    length: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def reach(self) -> int:
        """Positions from the first to the last tap of a window."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def smallest(self) -> int:
        """The shortest map that holds a window."""
        return max(1, self.reach - self.before - self.after)

    @property
    def outputs(self) -> int:
        """Number of windows; none where the map is shorter than `smallest`."""
        return max(0, (self.length + self.before + self.after - self.reach) // self.stride + 1)

    @property
    def positions_read(self) -> int:
        """Number of the map's positions that some window reads."""
        return positions_read(self.outputs, self.kernel, self.stride, self.dilation, self.before, self.length)

    def cuts(self) -> list[Cut]:
        """Say, per window, how many of its taps lie before and after the map."""
        before, behind = (
            taps_before(position, self.starts, self.kernel, self.dilation) for position in (0, self.length)
        )
        return [(int(above), self.kernel - int(below)) for above, below in zip(before, behind, strict=True)]

    @property
    def starts(self) -> np.ndarray:
        """Position of each window's first tap; the map begins at 0."""
        return np.arange(self.outputs) * self.stride - self.before

    @property
    def has_empty(self) -> bool:
        """Whether a window has no tap on the map."""
        return any(before + after == self.kernel for before, after in self.cuts())


@lru_cache(maxsize=4096)
def positions_read(outputs: int, kernel: int, stride: int, dilation: int, padding: int, length: int) -> int:
    """Count the positions of an axis of `length` that some window reads: a stride may skip some, padding is none.

    >>> positions_read(outputs=4, kernel=2, stride=4, dilation=1, padding=0, length=16)
    8
    """
    taps = range(kernel)
    read = {output * stride + tap * dilation - padding for output in range(outputs) for tap in taps}
    return sum(0 <= position < length for position in read)


def taps_before(position: int, starts: np.ndarray, kernel: int, dilation: int) -> np.ndarray:
    """Say, per window of those that begin at `starts`, how many of its taps lie before a position."""
    return np.clip(-((starts - position) // dilation), 0, kernel)


def pair(value: Pair) -> tuple[int, int]:
    """Give one number for each axis."""
    return value if isinstance(value, tuple) else (value, value)


def around(value: Around) -> tuple[int, int, int, int]:
    """Give the padding above, below, on the left and on the right."""
    return value if isinstance(value, tuple) else (value,) * 4


def axes_of(
    sides: tuple[int, int], kernel: Pair, stride: Pair = 1, padding: Around = 0, dilation: Pair = 1
) -> tuple[Axis, Axis]:
    """Lay windows over a map of `sides` (H, W): its rows, then its columns."""
    above, below, left, right = around(padding)
    rows, columns = zip(pair(kernel), pair(stride), pair(dilation), strict=True)
    return Axis(sides[0], *rows, above, below), Axis(sides[1], *columns, left, right)


def same_padding(sides: tuple[int, int], kernel: Pair, stride: Pair = 1, dilation: Pair = 1) -> Around:
    """The padding that leaves one window for each `stride`-th position, the larger half behind the map.

    It is what TensorFlow calls "same".

    >>> same_padding((49, 10), (10, 4), 2), same_padding((32, 32), 3)
    ((4, 5, 1, 1), 1)
    """
    sizes: list[int] = []
    for axis in axes_of(sides, kernel, stride, 0, dilation):
        total = max((-(-axis.length // axis.stride) - 1) * axis.stride + axis.reach - axis.length, 0)
        sizes += [total // 2, total - total // 2]
    return sizes[0] if len(set(sizes)) == 1 else (sizes[0], sizes[1], sizes[2], sizes[3])


def geometry(
    stride: Pair = 1, padding: Around = 0, dilation: Pair = 1, replicate: bool = False
) -> dict[str, object]:
    """Write windows as attributes of an operation; a dilation of 1 and a border that is not repeated are left out."""
    attributes: dict[str, object] = {"stride": _short(stride), "padding": _short(padding)}
    if pair(dilation) != (1, 1):
        attributes["dilation"] = _short(dilation)
    if replicate:
        attributes["replicate"] = True
    return attributes


def _short(value: Pair | Around) -> Pair | Around:
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def windows(op: Op, kernel: Pair | None = None, sides: tuple[int, int] | None = None) -> tuple[Axis, Axis]:
    """Read the windows of an operation: of `kernel` (a pool's `size` by default) on a map of `sides` (its input's)."""
    shape = op.inputs[0].shape
    return axes_of(
        sides or (int(shape[-2]), int(shape[-1])), kernel or pair_in(op.attributes, "size"),
        pair_in(op.attributes, "stride"), padding_of(op), pair_in(op.attributes, "dilation"),
    )  # fmt: skip


def pair_in(attributes: Mapping[str, object], name: str) -> tuple[int, int]:
    """Read an attribute that is one number or one for each axis; a missing one is 1."""
    value = attributes.get(name, 1)
    if isinstance(value, int):
        return value, value
    assert isinstance(value, tuple) and len(value) == 2, f"{name} is {value!r}"
    return value


def padding_of(op: Op) -> tuple[int, int, int, int]:
    """Read the padding above, below, on the left and on the right of an operation's maps."""
    value = op.attributes.get("padding", 0)
    if isinstance(value, int):
        return (value,) * 4
    assert isinstance(value, tuple) and len(value) == 4, f"padding is {value!r}"
    return value


def left_of(axes: tuple[Axis, Axis], what: str, place: str) -> tuple[int, int]:
    """Give the (H, W) that windows make of a map; raises BnncostError, naming `place`, where nothing is left."""
    if min(axis.outputs for axis in axes) < 1:
        size, smallest, sides = (
            "x".join(str(getattr(axis, name)) for axis in axes) for name in ("kernel", "smallest", "length")
        )
        raise BnncostError(
            f"{place}: a {size} {what} needs a map of at least {smallest}, but {sides} is left of the image; take "
            "larger images, or a network that shrinks its maps less."
        )
    return axes[0].outputs, axes[1].outputs


@lru_cache(maxsize=256)
def border_kinds(axes: tuple[Axis, Axis]) -> tuple[tuple[Cut, Cut], ...]:
    """List the different ways in which a window reaches over the border, rows by columns."""
    rows, columns = (axis.cuts() for axis in axes)
    pairs = dict.fromkeys((row, column) for row in rows for column in columns)
    return tuple(kind for kind in pairs if kind != ((0, 0), (0, 0)))


@lru_cache(maxsize=256)
def border_classes(axes: tuple[Axis, Axis]) -> np.ndarray:
    """Number the kinds of border position: (H', W') of indices into `border_kinds`, -1 inside."""
    rows, columns = (axis.cuts() for axis in axes)
    index = {kind: number for number, kind in enumerate(border_kinds(axes))}
    return np.array([[index.get((row, column), -1) for column in columns] for row in rows])


def replicates(op: Op) -> bool:
    """Say whether padding repeats the positions at the border."""
    return op.attributes.get("replicate") is True


def padded(op: Op, x: np.ndarray, value: float) -> np.ndarray:
    """Add `op`'s padding round each map (..., H, W): a value, or with `replicate` what stands at the border."""
    above, below, left, right = padding_of(op)
    if replicates(op):
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(above, below), (left, right)], mode="edge")
    *maps, height, width = x.shape
    whole = np.full_like(x, value, shape=(*maps, above + height + below, left + width + right))
    whole[..., above : above + height, left : left + width] = x  # np.pad takes as long as a small convolution
    return whole


def windows_of(x: np.ndarray, axes: tuple[Axis, Axis]) -> np.ndarray:
    """All windows of padded maps: (..., H, W) to (..., H', W', kernel rows, kernel columns), as a view."""
    rows, columns = axes
    both = np.lib.stride_tricks.sliding_window_view(x, (rows.reach, columns.reach), (-2, -1))
    return both[..., :: rows.stride, :: columns.stride, :: rows.dilation, :: columns.dilation]
