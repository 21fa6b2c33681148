"""Boxes of prefixes: a range along every axis of the lattice, as the bits of one whole number.

The bits of an axis lie side by side, so that where two boxes meet is their bitwise AND. A joint state of the
search is at home in a box only: a lane's register is left before any loop changes its element, final sums
come after the whole reduction.
"""

from __future__ import annotations

import numpy as np

Box = int
Slices = tuple[slice, ...]
_WORD = 63
"""Bits that a table of whole numbers can hold; beyond, each table's box is the whole lattice."""


class Boxes:
    """The boxes of one lattice; what is asked again is not worked out again."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """Give each step of each axis a bit."""
        self.shape = shape
        self.places: list[tuple[int, int]] = []
        place = 0
        for length in shape:
            self.places.append((place, (1 << length) - 1))
            place += length
        self.whole: Box = (1 << place) - 1
        self._marks: np.ndarray | None = None
        if place <= _WORD:
            marks = np.zeros((), dtype=np.int64)
            for length, (first, _) in zip(shape, self.places, strict=True):
                marks = np.bitwise_or.outer(marks, 1 << np.arange(first, first + length))
            self._marks = marks
        self._slices: dict[Box, Slices | None] = {}
        self._within: dict[tuple[Box, Box], Slices] = {}

    def around(self, allowed: np.ndarray) -> Box:
        """Find the smallest box around the prefixes that a table marks.

        >>> boxes = Boxes((2, 3))
        >>> boxes.slices(boxes.around(np.array([[True, True, False], [False, False, False]])))
        (slice(0, 1, None), slice(0, 2, None))
        """
        if self._marks is None:
            return self.whole
        marked = int(np.bitwise_or.reduce(self._marks, axis=None, where=allowed, initial=0))
        return self.up(marked) & self.down(marked)

    def down(self, box: Box) -> Box:
        """Enlarge a box to all prefixes that lie within some prefix of it."""
        found = 0
        for place, mask in self.places:
            found |= ((1 << (box >> place & mask).bit_length()) - 1) << place
        return found

    def up(self, box: Box) -> Box:
        """Enlarge a box to all prefixes that contain some prefix of it."""
        found = 0
        for place, mask in self.places:
            along = box >> place & mask
            found |= (mask & -(along & -along)) << place
        return found

    def above(self, point: tuple[int, ...]) -> Box:
        """The box of all prefixes that contain one prefix."""
        return self.up(self.only(point))

    def only(self, point: tuple[int, ...]) -> Box:
        """The box of one prefix."""
        return sum(1 << place + at for at, (place, _) in zip(point, self.places, strict=True))

    def slices(self, box: Box) -> Slices | None:
        """Slice a box out of a table of the whole lattice; None where the box is empty."""
        if box not in self._slices:
            ranges = [box >> place & mask for place, mask in self.places]
            self._slices[box] = (
                tuple(slice((along & -along).bit_length() - 1, along.bit_length()) for along in ranges)
                if all(ranges)
                else None
            )
        return self._slices[box]

    def within(self, box: Box, outer: Box) -> Slices:
        """Slice a box out of a table of a box around it."""
        key = (box, outer)
        if key not in self._within:
            inside, around = self.slices(box) or (), self.slices(outer) or ()
            self._within[key] = tuple(
                slice(one.start - other.start, one.stop - other.start)
                for one, other in zip(inside, around, strict=True)
            )
        return self._within[key]
