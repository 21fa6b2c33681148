"""The space of a search: every legal set of methods at every width and precision, counted before it is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from costmodel.designs.key import DesignKey, require_key
from costmodel.errors import BnncostError
from costmodel.methods import METHODS, MethodUse
from costmodel.networks.build import check_places


@dataclass(frozen=True)
class Combinations:
    """Every set of some methods in which none excludes another; the sets are numbered, the empty one first.

    Methods that exclude each other, directly or by way of others, form a part. A set takes from each part one of its
    legal choices, independently, so that a set is found by its number without those before it.

    >>> sets = Combinations.of(["prelu", "rprelu", "double_residual"])
    >>> sets.count, sets.text(5)
    (6, 'double_residual+rprelu')
    """

    methods: tuple[MethodUse, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Combinations:
        """Read the methods' texts; raises BnncostError for one that is unknown."""
        return cls(tuple(sorted(map(MethodUse.parse, texts), key=str)))

    @cached_property
    def parts(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Of each part its legal choices, as places in `methods`: none of them first."""
        left = set(range(len(self.methods)))
        parts = []
        while left:
            reached, waiting = set[int](), [min(left)]
            while waiting:
                one = waiting.pop()
                reached.add(one)
                waiting += [other for other in left - reached if self._excludes(one, other)]
            left -= reached
            parts.append(tuple(self._choices(sorted(reached), ())))
        return tuple(parts)

    @property
    def count(self) -> int:
        """Number of sets."""
        return prod(map(len, self.parts))

    def chosen(self, number: int) -> tuple[int, ...]:
        """Places in `methods` of the set with this number."""
        places: list[int] = []
        for choices in self.parts:
            number, digit = divmod(number, len(choices))
            places += choices[digit]
        return tuple(sorted(places))

    def at(self, number: int) -> tuple[MethodUse, ...]:
        """The set with this number, its methods in the order of their texts."""
        return tuple(self.methods[place] for place in self.chosen(number))

    def text(self, number: int) -> str:
        """The set with this number as a design names it."""
        return "+".join(map(str, self.at(number)))

    def masks(self, first: int, last: int) -> np.ndarray:
        """Which methods are in the sets from `first` up to `last`, that one not: (last - first, methods) of bool."""
        numbers = np.arange(first, last)
        masks = np.zeros((len(numbers), len(self.methods)), dtype=bool)
        for choices in self.parts:
            numbers, digits = np.divmod(numbers, len(choices))
            table = np.zeros((len(choices), len(self.methods)), dtype=bool)
            for digit, places in enumerate(choices):
                table[digit, list(places)] = True
            masks |= table[digits]
        return masks

    def _excludes(self, one: int, other: int) -> bool:
        left, right = self.methods[one], self.methods[other]
        return left.name == right.name or left.excludes(right)

    def _choices(self, places: Sequence[int], chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        yield chosen
        for number, place in enumerate(places):
            if not any(self._excludes(place, other) for other in chosen):
                yield from self._choices(places[number + 1 :], (*chosen, place))


@dataclass(frozen=True)
class Cell:
    """One set of methods that leave operations behind, on one network at one precision: built once for all widths."""

    plain: DesignKey
    number: int
    """That of the set in `Space.costed`."""


@dataclass(frozen=True)
class Space:
    """Networks x sets of methods x precisions x widths.

    `plains` are the networks without repairs, once for each precision of operands and features. Methods that change
    how a network is trained, or its weights before they are stored, stand in `free`: they have no operation that runs,
    so that all their sets on one cell have one cost. The others stand in `costed`.
    """

    plains: tuple[DesignKey, ...]
    costed: Combinations
    free: Combinations
    widths: tuple[float, ...]

    @classmethod
    def of(
        cls,
        networks: Sequence[DesignKey],
        methods: Sequence[str] | None,
        widths: Sequence[float],
        features: Sequence[str],
        compute: Sequence[str],
    ) -> Space:
        """The space of some networks; `methods` None stands for every one that there is.

        Features of a network that computes in floating point follow its operands. Raises BnncostError where a list is
        empty, and for the method `width`, in whose place the widths stand.
        """
        named = [name for name in METHODS if name != "width"] if methods is None else list(methods)
        if not (networks and widths and features and compute):
            raise BnncostError(
                "a search is empty without a network, a width, and a precision of features and operands."
            )
        uses = Combinations.of(list(dict.fromkeys(named))).methods
        if any(use.name == "width" for use in uses):
            raise BnncostError(
                "a search runs over widths by itself; leave the method 'width' out, and give --widths."
            )
        plains = [
            _at_precision(network, operands, kept)
            for network in networks
            for operands in compute
            for kept in features
        ]
        return cls(
            tuple(dict.fromkeys(plains)),
            Combinations(tuple(use for use in uses if not _runs_nothing(use))),
            Combinations(tuple(use for use in uses if _runs_nothing(use))),
            tuple(sorted(set(map(float, widths)))),
        )

    @property
    def methods(self) -> tuple[MethodUse, ...]:
        """All methods, those that cost first."""
        return (*self.costed.methods, *self.free.methods)

    @property
    def cells(self) -> int:
        """Number of networks that are built, each for all widths."""
        return len(self.plains) * self.costed.count

    @property
    def priced(self) -> int:
        """Number of designs with a cost of their own."""
        return self.cells * len(self.widths)

    @property
    def designs(self) -> int:
        """Number of designs."""
        return self.priced * self.free.count

    def cell(self, number: int) -> Cell:
        """The cell with this number; those of one precision stand together."""
        place, combination = divmod(number, self.costed.count)
        return Cell(self.plains[place], combination)

    def key(self, cell: Cell, width: float = 1.0, free: int = 0) -> DesignKey:
        """The design of a cell with one set of free methods, at one width."""
        uses = (*self.costed.at(cell.number), *self.free.at(free))
        return replace(cell.plain, methods=uses, width=width)

    def free_at(self, plain: DesignKey) -> tuple[bool, ...]:
        """Whether each of the free methods has a place in one of the networks."""
        return tuple(_has_place(replace(plain, methods=(use,))) for use in self.free.methods)


_AT_REST = ("recipe", "weight")
"""Hooks of methods that act before a network runs."""


def _runs_nothing(use: MethodUse) -> bool:
    return bool(use.method.free_because) and use.method.hook in _AT_REST


def _has_place(key: DesignKey) -> bool:
    try:
        check_places(key)
    except BnncostError:
        return False
    return True


def _at_precision(network: DesignKey, compute: str, features: str) -> DesignKey:
    require_key(network)
    text = f"{network.network}@compute={compute}/{network.dataset}"
    implied = DesignKey.parse(text)
    wide = implied.features.startswith("fp")
    return replace(
        network,
        compute=compute,
        features=implied.features if wide else features,
        edge=implied.edge if wide else network.edge,
    )
