"""What crosses between two neighbouring levels of an operand's hierarchy, for every cut at once.

A link joins an inner buffer (a lane's register, or a level) to the next level outwards. The loops below its cut
run on the tile inside; each time they are through, the tile is exchanged. With `n` elements of an operand:

- an input's tile is read outside once per exchange and written inside; elements x copies x exchanges (Mei et al.
  2021, section IV, with equation 1 for the tile's size);
- each output is collected outside once per visit, R times in all, R the steps in time of the reduction loops
  above the cut; each visit but the first is begun by feeding the sum so far back: R - 1 times. The last collects
  a final value, the others partial sums. So partial sums are written as often as they are read back. Where the
  lanes of a reduction loop have buffers of their own, each copy of a sum is begun from zero, and what comes back
  from outside goes to one of them; the sum of the copies is formed on the way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np

from costmodel.mapping.architecture import READ_OR_WRITE, Architecture
from costmodel.mapping.conventions import Conventions
from costmodel.mapping.nest import SUMS, LoopNest, Operand
from costmodel.mapping.search.lattice import Lattice
from costmodel.mapping.search.tiles import Tiles, Tiling

LANE: frozenset[str] = frozenset()
"""A lane's register serves no axis."""
_NONE = 1e-300
"""Number of exchanges by which none are divided: no exchange, no bits."""
_ONCE, _NEVER = np.ones(()), np.zeros(())
_ROUNDING = 1e-9
"""What an average may lie above a whole number by rounding alone."""


class Move(NamedTuple):
    """One stream through one port: `number` exchanges of `elements` in all, of `bits` each; arrays over cuts.

    `repeats` is how often one instance of the level does it, of which `outside` times (0 or 1) before or after the
    computation; `largest` counts the elements of its largest exchange.
    """

    level: int
    direction: str
    bits: int
    number: np.ndarray
    elements: np.ndarray
    repeats: np.ndarray
    outside: np.ndarray
    largest: np.ndarray


@dataclass(frozen=True, slots=True)
class Link:
    """One link of an operand: its number from the inside, the level outside it and the one inside (None: lanes)."""

    operand: Operand
    number: int
    outer: int
    inner: int | None
    last: bool


def links_of(machine: Architecture, operand: Operand) -> tuple[Link, ...]:
    """List the links of an operand from the lanes to its home."""
    return _links(operand, machine.hierarchy[operand])


@lru_cache(maxsize=256)
def _links(operand: Operand, levels: tuple[int, ...]) -> tuple[Link, ...]:
    inner = (None, *levels[:-1])
    return tuple(
        Link(operand, number, outer, below, number == len(levels) - 1)
        for number, (outer, below) in enumerate(zip(levels, inner, strict=True))
    )


def sides(machine: Architecture, tiling: Tiling, link: Link) -> tuple[Tiles, Tiles]:
    """Count the tiles of a link as its outer level sees them, copies merged, and as its inner buffers do."""
    inside = LANE if link.inner is None else machine.served[link.inner]
    return tiling.tiles(link.operand, machine.served[link.outer]), tiling.tiles(link.operand, inside)


def moves(
    machine: Architecture, layer: LoopNest, tiling: Tiling, link: Link, conventions: Conventions
) -> Iterator[Move]:
    """Yield every stream of a link."""
    outer, inner = sides(machine, tiling, link)
    exchanges = tiling.lattice.exchanges
    if link.operand != SUMS:
        bits = layer.bits(link.operand)
        first = _ONCE
        yield Move(link.outer, "feed", bits, outer.number, outer.elements, exchanges, first, outer.largest)
        if link.inner is not None:
            yield Move(
                link.inner, "fill", bits, inner.number, inner.elements, exchanges, first, inner.largest
            )
        return
    sums = _Sums(layer, link, outer, inner, tiling.lattice, conventions)
    yield from _sums_out(sums)
    yield from _sums_back(sums)


class _Sums(NamedTuple):
    """A link of outputs with its tiles: what the streams of its sums are made from."""

    layer: LoopNest
    link: Link
    outer: Tiles
    inner: Tiles
    lattice: Lattice
    conventions: Conventions


def _sums_out(sums: _Sums) -> Iterator[Move]:
    """Yield what outputs leave the inner buffers and arrive outside, partial sums and final values apart."""
    layer, link, outer, inner, lattice, conventions = sums
    streams = [(link.outer, "collect", outer)]
    if link.inner is not None:
        streams.append((link.inner, "drain", inner))
    for level, direction, tiles in streams:
        if conventions.final_as_partial:
            final = np.where(outer.visits > 1, 0.0, 1.0)
            finals = lattice.exchanges * final
        else:
            final = 1.0 / tiles.visits if tiles.copies == 1 else np.zeros(())
            finals = lattice.distinct if tiles.copies == 1 else np.zeros(())
        some = np.where(final > 0, 1.0, 0.0)
        for bits, share, repeats, last in (
            (layer.output_bits, final, finals, some),
            (layer.partial_bits, 1.0 - final, lattice.exchanges - finals, 1.0 - some),
        ):
            if share.any():
                number, elements = tiles.number * share, tiles.elements * share
                yield Move(level, direction, bits, number, elements, repeats, last, tiles.largest)


def _sums_back(sums: _Sums) -> Iterator[Move]:
    """Yield the partial sums that are read outside and written inside for a visit to continue them."""
    layer, link, outer, inner, lattice, conventions = sums
    if conventions.first_partial_read:
        share = np.where(outer.visits > 1, 1.0, 0.0)
        repeats = lattice.exchanges * share
    else:
        share = 1.0 - outer.copies / outer.visits
        repeats = lattice.exchanges - lattice.distinct
    if not share.any():
        return
    streams = [(link.outer, "feed", outer, outer)]
    if link.inner is not None:
        streams.append((link.inner, "fill", inner if conventions.partial_to_every_lane else outer, inner))
    for level, direction, tiles, size in streams:
        number, elements = tiles.number * share, tiles.elements * share
        yield Move(level, direction, layer.partial_bits, number, elements, repeats, _NEVER, size.largest)


def moved_at(
    machine: Architecture, move: Move, operand: Operand, lattice: Lattice, point: tuple[int, ...]
) -> tuple[float, float]:
    """Say what a stream moves under one cut: elements, and accesses as `words` counts them."""
    elements = lattice.at(move.elements, point)
    least, per_word = _pieces(machine, move, operand)
    if least == 1:
        return elements, elements * (move.bits / per_word)
    number = lattice.at(move.number, point)
    average = elements * (move.bits / least) / max(number, _NONE)
    return elements, ceil(average - _ROUNDING) * number * (least / per_word)


def _pieces(machine: Architecture, move: Move, operand: Operand) -> tuple[int, int]:
    """Bits of the smallest piece that a stream's port moves, and of an access that costs the stated energy."""
    port = machine.ports[move.level, operand, move.direction][1]
    return port.least_bits, port.energy_bits or machine.levels[move.level].energy_bits


def words(machine: Architecture, move: Move, operand: Operand) -> np.ndarray:
    """Accesses of a stream, in units of `energy_bits`; each exchange rounds up to the port's pieces.

    The pieces of an exchange are those of the average one, so that an edge tile costs its share.
    """
    least, per_word = _pieces(machine, move, operand)
    if least == 1:
        return move.elements * (move.bits / per_word)
    average = move.elements * (move.bits / least) / np.maximum(move.number, _NONE)
    return np.ceil(average - _ROUNDING) * move.number * (least / per_word)


def joules_per_word(machine: Architecture, move: Move) -> float:
    """Energy of one access of a stream at its level [J]."""
    level = machine.levels[move.level]
    return level.read_energy_j if READ_OR_WRITE[move.direction] == "read" else level.write_energy_j


def exchange_cycles(machine: Architecture, move: Move, operand: Operand) -> np.ndarray:
    """Cycles that one exchange of the largest tile keeps the port of one instance busy."""
    width = machine.ports[move.level, operand, move.direction][1].width_bits
    return np.ceil(move.largest * (move.bits / width) - _ROUNDING)
