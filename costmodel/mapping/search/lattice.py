"""Every prefix of every loop order, once: the lattice of prime factors.

What a tile holds and how often it is exchanged depends on the loops below its cut, not on their order. An order
of the prime-factored loops is a path from the empty prefix to the whole nest, and orders share their prefixes:
12! / (3! 3!) = 13 million orders of a ResNet-18 layer pass through 1024 prefixes. Each array of this package has
one entry per prefix, in a grid with one axis per (loop, prime).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod

import numpy as np

from costmodel.mapping.architecture import Unrolling
from costmodel.mapping.nest import DIMS, REDUCTION, LoopNest

KINDS = (("K",), ("C", "FY", "FX"), ("OY", "OX"), ("G",))
"""Loops by the operands that they change."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How one loop is spread: its extent, the lanes it takes on each array axis, and its steps in time."""

    extent: int
    lanes: tuple[tuple[str, int], ...]

    @property
    def width(self) -> int:
        """Lanes over all axes."""
        return prod(factor for _, factor in self.lanes)

    @property
    def steps(self) -> int:
        """Steps in time; the last one may leave lanes idle."""
        return ceil(self.extent / self.width)


def spread_loops(layer: LoopNest, unrolling: Unrolling) -> Mapping[str, Spread]:
    """Spread each loop over the array; a factor larger than what is left of the loop shrinks to it."""
    lanes: dict[str, list[tuple[str, int]]] = {dim: [] for dim in DIMS}
    left = {dim: layer.extent(dim) for dim in DIMS}
    for axis, loops in unrolling:
        for dim, wanted in loops:
            factor = min(wanted, left[dim])
            left[dim] = ceil(left[dim] / factor)
            lanes[dim].append((axis, factor))
    return {dim: Spread(layer.extent(dim), tuple(lanes[dim])) for dim in DIMS}


def primes(number: int) -> tuple[int, ...]:
    """Factor a number, smallest prime first.

    >>> primes(112)
    (2, 2, 2, 2, 7)
    """
    factors, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return (*factors, number) if number > 1 else tuple(factors)


def factored(
    spreads: Mapping[str, Spread], most_factors: int, most_prefixes: int
) -> tuple[dict[str, list[int]], int]:
    """Factor each loop's steps into primes; where that makes too many, merge, and say how often.

    Merging is LOMA's (Symons et al. 2021, section III): the loop with the most factors gives its two smallest.
    """
    factors = {dim: list(primes(spreads[dim].steps)) for dim in DIMS}
    merged = 0
    while sum(map(len, factors.values())) > most_factors or _prefixes(factors) > most_prefixes:
        longest = max(DIMS, key=lambda dim: len(factors[dim]))
        if len(factors[longest]) < 2:
            break
        first, second, *rest = factors[longest]
        factors[longest] = sorted([first * second, *rest])
        merged += 1
    return factors, merged


def _prefixes(factors: Mapping[str, Sequence[int]]) -> int:
    return prod(loops.count(factor) + 1 for loops in factors.values() for factor in set(loops))


class Lattice:
    """The grid of prefixes: axes are (loop, factor) with its multiplicity, in the order of DIMS."""

    def __init__(self, factors: Mapping[str, Sequence[int]]) -> None:
        """Lay out the grid of these factors."""
        self.axes = [
            (dim, factor, list(factors[dim]).count(factor))
            for dim in DIMS
            for factor in sorted(set(factors[dim]))
        ] or [(DIMS[0], 1, 0)]  # with nothing to step through there is one prefix
        self.shape = tuple(count + 1 for _, _, count in self.axes)
        self.one = np.ones((1,) * len(self.shape))
        self._sizes = {dim: self._grid(dim) for dim in DIMS}
        self._shapes: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._times: dict[tuple[str, ...], np.ndarray] = {}

    def _grid(self, dim: str) -> np.ndarray:
        sizes = np.ones((), dtype=np.int64)
        for name, factor, count in self.axes:
            if name == dim:
                sizes = np.multiply.outer(sizes, factor ** np.arange(count + 1))
        return sizes.ravel()

    def sizes(self, dim: str) -> np.ndarray:
        """Steps of one loop inside a prefix, one entry per sub-prefix of that loop alone."""
        return self._sizes[dim]

    def place(self, values: np.ndarray, *dims: str) -> np.ndarray:
        """Shape a table over the sub-prefixes of some loops, given in the order of DIMS, so that it broadcasts."""
        if dims not in self._shapes:
            self._shapes[dims] = tuple(
                length if axis[0] in dims else 1 for length, axis in zip(self.shape, self.axes, strict=True)
            )
        return values.reshape(self._shapes[dims])

    @cached_property
    def cycles(self) -> np.ndarray:
        """Steps in time of each prefix, in the whole grid."""
        return self.times(DIMS)

    @cached_property
    def begun(self) -> np.ndarray:
        """Which kinds of loops each prefix holds a part of, a bit for each kind of KINDS; in the whole grid."""
        bits = np.zeros((1,) * len(self.shape), dtype=np.uint8)
        for number, dims in enumerate(KINDS):
            for dim in dims:
                if len(self.sizes(dim)) > 1:
                    bits = bits | self.place((self.sizes(dim) > 1).astype(np.uint8) << number, dim)
        return np.broadcast_to(bits, self.shape)

    @cached_property
    def reduced(self) -> tuple[slice, ...]:
        """Where the whole reduction lies inside: the last step of its axes, every step of the others."""
        return tuple(slice(-1, None) if dim in REDUCTION else slice(None) for dim, _, _ in self.axes)

    @property
    def steps(self) -> float:
        """Steps in time of the whole nest."""
        return float(self.cycles[(-1,) * len(self.shape)])

    @cached_property
    def exchanges(self) -> np.ndarray:
        """Steps in time outside each prefix."""
        return self.steps / self.cycles

    @cached_property
    def distinct(self) -> np.ndarray:
        """Steps outside each prefix that no reduction takes."""
        reduced = self.times(REDUCTION)
        return self.exchanges * reduced / reduced.max()

    def times(self, dims: tuple[str, ...]) -> np.ndarray:
        """Steps in time that some loops contribute to each prefix; broadcasts over the others."""
        if dims not in self._times:
            product = self.one
            for dim in dims:
                if len(self.sizes(dim)) > 1:
                    product = product * self.place(self.sizes(dim).astype(np.float64), dim)
            self._times[dims] = product
        return self._times[dims]

    def at(self, values: np.ndarray, point: tuple[int, ...]) -> float:
        """Read a table at one prefix; it need not span every axis, or any."""
        shape = values.shape
        if shape == self.shape:
            return float(values[point])
        return float(values[tuple([point[n] if length > 1 else 0 for n, length in enumerate(shape)])])

    def loops_between(self, inner: tuple[int, ...], outer: tuple[int, ...]) -> list[tuple[str, int]]:
        """List the factors of one prefix that another lacks, in the order of the axes."""
        return [
            (dim, factor)
            for (dim, factor, _), low, high in zip(self.axes, inner, outer, strict=True)
            for _ in range(high - low)
        ]

    def point(self, loops: Sequence[tuple[str, int]]) -> tuple[int, ...]:
        """Find the prefix that these loops make, in whatever order."""
        return tuple(list(loops).count((dim, factor)) for dim, factor, _ in self.axes)
