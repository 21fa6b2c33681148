"""How large a tile is, in how many copies and how often it is exchanged, for every prefix at once.

The iterations of a loop lie in step-major order: iteration = step * width + lane, where the lanes of the first
axis come first. A buffer serves some array axes ("inside"); along the others there are several of it. A tile is
one (buffer, block of steps) pair that has any iteration to do: idle buffers at the edge of a loop move nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd, prod

import numpy as np

from costmodel.mapping.nest import DIMS, FEATURES, RELEVANT, ImageAxis, LoopNest, Operand
from costmodel.mapping.search.lattice import Lattice, Spread

Inside = frozenset[str]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Of one operand, below each cut, in the buffers that serve some axes.

    `number` counts tiles over the whole layer, all buffers together; `elements` sums what they hold; `largest`
    is the biggest one; `visits` says how many tiles hold each element: its copies side by side and in time.
    """

    number: np.ndarray
    elements: np.ndarray
    largest: np.ndarray
    visits: np.ndarray

    @property
    def copies(self) -> float:
        """Buffers that hold, or sum, the same element side by side."""
        return float(self.visits[(-1,) * self.visits.ndim])


class Tiling:
    """Tables of one layer on one unrolling; each is made once, when it is first needed."""

    def __init__(
        self, layer: LoopNest, spreads: dict[str, Spread], lattice: Lattice, even: bool = False
    ) -> None:
        """Begin with no table; `even` spreads the lanes of a last step over all steps (Conventions.even_edges)."""
        self.layer, self.spreads, self.lattice, self.even = layer, spreads, lattice, even
        self._loops: dict[tuple[str, Inside], tuple[np.ndarray, np.ndarray]] = {}
        self._tiles: dict[tuple[Operand, Inside], Tiles] = {}

    def tiles(self, operand: Operand, inside: Inside) -> Tiles:
        """Count the tiles of an operand for every prefix."""
        key = (operand, inside)
        if key not in self._tiles:
            self._tiles[key] = self._count(operand, inside)
        return self._tiles[key]

    def _count(self, operand: Operand, inside: Inside) -> Tiles:
        relevant = RELEVANT[operand]
        apart = visits = elements = largest = self.lattice.one
        for dim in DIMS:
            if self.spreads[dim].extent == 1:
                continue
            number, size = self._loop(dim, inside)
            if dim not in relevant:
                visits = visits * number
                continue
            apart = apart * number
            if operand != FEATURES or dim in ("C", "G"):
                elements = elements * self.spreads[dim].extent
                largest = largest * size
        if operand == FEATURES:
            for axis, dims in ((0, ("OY", "FY")), (1, ("OX", "FX"))):
                held, most = self._window(axis, dims, inside)
                elements = elements * self.lattice.place(held, *dims)
                largest = largest * self.lattice.place(most, *dims)
        return Tiles(apart * visits, elements * visits, largest, visits)

    def _loop(self, dim: str, inside: Inside) -> tuple[np.ndarray, np.ndarray]:
        """Tiles along one loop, and iterations of the largest, placed to broadcast."""
        spread = self.spreads[dim]
        kept = frozenset(axis for axis, _ in spread.lanes) & inside
        key = (dim, kept)
        if key not in self._loops:
            count = even_loop_tiles if self.even else loop_tiles
            number, largest = count(spread, kept, self.lattice.sizes(dim))
            self._loops[key] = (self.lattice.place(number, dim), self.lattice.place(largest, dim))
        return self._loops[key]

    def _window(self, number: int, dims: tuple[str, str], inside: Inside) -> tuple[np.ndarray, np.ndarray]:
        """Positions that all tiles of windows hold along one image axis, and the largest one's."""
        spreads = tuple(self.spreads[dim] for dim in dims)
        sizes = (self.lattice.sizes(dims[0]), self.lattice.sizes(dims[1]))
        kept = frozenset(axis for spread in spreads for axis, _ in spread.lanes) & inside
        return _windows(
            self.even,
            self.layer.axis(number),
            spreads,
            kept,
            tuple(sizes[0].tolist()),
            tuple(sizes[1].tolist()),
        )


@lru_cache(maxsize=1024)
def _windows(
    even: bool,
    axis: ImageAxis,
    spreads: tuple[Spread, ...],
    inside: Inside,
    outputs: tuple[int, ...],
    taps: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Count windows once for all unrollings, and both axes, that share them."""
    count = even_window_tiles if even else window_tiles
    held, largest = count(axis, spreads, inside, (np.array(outputs), np.array(taps)))
    for table in (held, largest):
        table.flags.writeable = False
    return held, largest


def loop_tiles(spread: Spread, inside: Inside, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the tiles of blocks of `sizes` steps of one loop, and the iterations of the largest.

    >>> number, largest = loop_tiles(Spread(7, (("D1", 4),)), frozenset(), np.array([1, 2]))
    >>> number, largest  # four lanes in the first step, three in the second
    (array([7., 4.]), array([1., 2.]))
    """
    served = prod(factor for axis, factor in spread.lanes if axis in inside)
    if spread.extent == spread.width * spread.steps:
        return spread.width // served * (spread.steps // sizes).astype(float), (sizes * served).astype(float)
    tiles = [_tile_of(spread, inside, int(size)) for size in sizes]
    counts = [np.unique(tile, return_counts=True)[1] for tile in tiles]
    return np.array([len(count) for count in counts], float), np.array(
        [count.max() for count in counts], float
    )


def even_loop_tiles(spread: Spread, inside: Inside, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count tiles as if every step had the same lanes at work, of which the last may be a fraction.

    >>> even_loop_tiles(Spread(7, (("D1", 4),)), frozenset(), np.array([1, 2]))
    (array([7. , 3.5]), array([1., 2.]))
    """
    served = prod((lanes for axis, lanes in even_lanes(spread) if axis in inside), start=1.0)
    apart = spread.extent / spread.steps / served
    return apart * (spread.steps / sizes), sizes * served


def even_lanes(spread: Spread) -> list[tuple[str, float]]:
    """Lanes of a loop on each axis, on average over its steps; the longest axis takes the fraction."""
    lanes: list[tuple[str, float]] = list(spread.lanes)
    if lanes and spread.width * spread.steps != spread.extent:
        longest = max(range(len(lanes)), key=lambda place: lanes[place][1])
        axis, factor = lanes[longest]
        lanes[longest] = (axis, spread.extent / spread.steps / (spread.width / factor))
    return lanes


def even_window_tiles(
    axis: ImageAxis, spreads: tuple[Spread, ...], inside: Inside, sizes: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the positions of tiles of full windows, cut to whole iterations and to the map's length.

    What ZigZag 3.9.1 counts: a * b - max(0, b - stride) * (a - dilation) positions for a outputs and b taps, both
    divided by what stride and dilation have in common.
    """
    counted = [even_loop_tiles(one, inside, size) for one, size in zip(spreads, sizes, strict=True)]
    outputs, taps = (np.floor(largest + 1e-9) for _, largest in counted)
    common = gcd(axis.stride, axis.dilation)
    missed = (
        np.maximum(0, taps - axis.stride // common)[None, :] * (outputs - axis.dilation // common)[:, None]
    )
    positions = np.minimum(np.multiply.outer(outputs, taps) - missed, axis.length)
    return (positions * np.multiply.outer(counted[0][0], counted[1][0])).ravel(), positions.ravel()


def window_tiles(
    axis: ImageAxis, spreads: tuple[Spread, ...], inside: Inside, sizes: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the positions of the map that the tiles of a pair of loops (outputs, taps) hold; borders hold none.

    Returns the sum and the largest tile for each pair of block sizes, flat, outputs first.
    """
    position = np.add.outer(
        np.arange(axis.outputs) * axis.stride - axis.padding, np.arange(axis.kernel) * axis.dilation
    )
    within = (position >= 0) & (position < axis.length)
    outputs = [_tile_of(spreads[0], inside, int(size)) for size in sizes[0]]
    taps = [_tile_of(spreads[1], inside, int(size)) for size in sizes[1]]
    held = np.empty((len(outputs), len(taps)))
    largest = np.empty_like(held)
    for row, output in enumerate(outputs):
        for column, tap in enumerate(taps):
            width = int(tap.max()) + 1
            tile = output[:, None] * width + tap[None, :]
            seen = np.zeros((int(tile.max()) + 1) * axis.length, dtype=bool)
            seen[(tile * axis.length + position)[within]] = True
            counts = seen.reshape(-1, axis.length).sum(axis=1)
            held[row, column], largest[row, column] = counts.sum(), counts.max()
    return held.ravel(), largest.ravel()


def _tile_of(spread: Spread, inside: Inside, size: int) -> np.ndarray:
    """Number the tile that each iteration of a loop falls into."""
    step, lane = np.divmod(np.arange(spread.extent), spread.width)
    tile = step // size
    for axis, factor in spread.lanes:
        lane, digit = np.divmod(lane, factor)
        if axis not in inside:
            tile = tile * factor + digit
    return tile
