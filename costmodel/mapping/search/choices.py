"""Each operand's choices as a little graph: where to cut next, what that costs, what must then fit where.

A state says how many links of an operand have their cut, and, of outputs, whether what lies outside the last cut
is final: a level that receives only final values may hold more of them than of partial sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from costmodel.mapping.architecture import Architecture
from costmodel.mapping.conventions import Conventions
from costmodel.mapping.nest import CHANGING, SUMS, LoopNest, Operand
from costmodel.mapping.search.links import (
    Link,
    Move,
    exchange_cycles,
    joules_per_word,
    links_of,
    moves,
    sides,
    words,
)
from costmodel.mapping.search.states import State
from costmodel.mapping.search.tiles import Tiling

Held = tuple[int, np.ndarray]
"""A level, and the bits that it must hold, for every cut."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a link's cut adds to the latency; arrays over cuts [cycles].

    `stalls` and `busy` are for each port (level, number): how long the array waits for its exchanges, and how
    long they take in all; `ends` is the first tile's way in, or the last one's way out.
    """

    stalls: dict[tuple[int, int], np.ndarray]
    busy: dict[tuple[int, int], np.ndarray]
    ends: np.ndarray


class Choices:
    """The links of one operand of one layer on one unrolling; each table is computed once, when it is first needed."""

    def __init__(
        self, machine: Architecture, layer: LoopNest, tiling: Tiling, operand: Operand, rules: Conventions
    ) -> None:
        """Begin with no table."""
        self.machine, self.layer, self.tiling, self.operand, self.rules = (
            machine,
            layer,
            tiling,
            operand,
            rules,
        )
        self.links = links_of(machine, operand)
        self._streams: dict[int, list[Move]] = {}
        self._waiting: dict[int, Waiting] = {}
        self._held: dict[tuple[int, bool], np.ndarray] = {}
        self._energy: dict[int, np.ndarray] = {}
        self._often: dict[tuple[int, int], np.ndarray] = {}

    def streams(self, number: int) -> list[Move]:
        """Streams of a link."""
        if number not in self._streams:
            link = self.links[number]
            self._streams[number] = list(moves(self.machine, self.layer, self.tiling, link, self.rules))
        return self._streams[number]

    @cached_property
    def finished(self) -> tuple[np.ndarray, ...]:
        """Say of each link, for every cut, whether all that crosses outwards is final; of inputs, no."""
        if self.operand != SUMS:
            return tuple(self.tiling.lattice.one < 1 for _ in self.links)
        return tuple(sides(self.machine, self.tiling, link)[0].visits == 1 for link in self.links)

    def energy(self, number: int) -> np.ndarray:
        """Energy of a link for every cut [J]."""
        if number not in self._energy:
            total = np.zeros(())
            for move in self.streams(number):
                total = total + words(self.machine, move, self.operand) * joules_per_word(self.machine, move)
            self._energy[number] = total
        return self._energy[number]

    def bits(self, final: bool) -> int:
        """Width of an element that a level holds [bit]; where sums arrive, so does in the end what they become."""
        bits = self.layer.bits(self.operand)
        return max(self.layer.partial_bits, bits) if self.operand == SUMS and not final else bits

    def resident(self, link: Link, final: bool) -> tuple[Held, ...]:
        """Say what a link's cut makes its inner level hold: one tile, or two where it exchanges them unseen."""
        if link.inner is None:
            return ()
        key = (link.number, final)
        if key not in self._held:
            held = self.tiling.tiles(self.operand, self.machine.served[link.inner]).largest * self.bits(final)
            if self.machine.levels[link.inner].double_buffered:
                steps = self.tiling.lattice.times(CHANGING[self.operand])
                held = np.where(steps < steps.max(), 2.0 * held, held)
            self._held[key] = held
        return ((link.inner, self._held[key]),)

    def home(self, link: Link, final: bool) -> tuple[Held, ...]:
        """Say what the whole operand takes at its home, once the last link has its cut."""
        if not link.last:
            return ()
        return (
            (link.outer, self.tiling.lattice.one * (self.layer.elements(self.operand) * self.bits(final))),
        )

    def reachable(self, link: Link) -> np.ndarray:
        """Say at which prefixes a link may be cut at all: a lane's register holds one element, or nothing."""
        lattice = self.tiling.lattice
        if link.inner is not None:
            return lattice.one > 0
        if self.operand in self.machine.array.holds:
            return lattice.times(CHANGING[self.operand]) == 1
        return lattice.cycles == 1

    def waiting(self, number: int) -> Waiting:
        """Compute what a link adds to the latency.

        Each of N exchanges takes d cycles at each port. An inner buffer with room for two tiles hides it in the
        whole period of its tile, another one in its last cycle; the array waits for the rest, N - 1 times.
        """
        if number not in self._waiting:
            self._waiting[number] = self._wait(number)
        return self._waiting[number]

    def _wait(self, number: int) -> Waiting:
        link, lattice = self.links[number], self.tiling.lattice
        stalls: dict[tuple[int, int], np.ndarray] = {}
        busy: dict[tuple[int, int], np.ndarray] = {}
        ends = np.zeros(())
        unseen = link.inner is None or self.machine.levels[link.inner].double_buffered
        hidden = lattice.cycles if unseen else lattice.one
        for move in self.streams(number):
            key = (move.level, self.machine.ports[move.level, self.operand, move.direction][0])
            takes = exchange_cycles(self.machine, move, self.operand)
            times = np.maximum(move.repeats - move.outside, 0.0)
            stalls[key] = stalls.get(key, 0.0) + times * np.maximum(takes - hidden, 0.0)
            busy[key] = busy.get(key, 0.0) + times * takes
            if link.inner is not None:
                ends = np.maximum(ends, takes * move.outside)
        return Waiting(stalls, busy, ends)

    def delays(self, number: int) -> np.ndarray:
        """Estimate the waiting of a link, to settle ties of energy [cycles]."""
        if not self.rules.opportunistic:
            waiting = self.waiting(number)
            parts = (*waiting.stalls.values(), *waiting.busy.values())
            return sum(parts, waiting.ends)
        delays = np.zeros(())
        for move in self.streams(number):
            delays = delays + self._visible(move) * exchange_cycles(self.machine, move, self.operand)
        return delays

    def _visible(self, move: Move) -> np.ndarray:
        """Count the exchanges of a stream that may delay the array: what moves once has the whole computation."""
        key = (id(move.repeats), id(move.outside))
        if key not in self._often:
            times = np.maximum(move.repeats - move.outside, 0.0)
            self._often[key] = times + np.where(times > 0, move.outside, 0.0)
        return self._often[key]

    def all(self, *, any_size: bool = False) -> list[Choice]:
        """List every choice that a start leads to, inner links first.

        A cut whose tile alone overflows a level is not allowed, unless `any_size` is.
        """
        choices, reached = [], {(0, False)}
        for link in self.links:
            reachable, finished = self.reachable(link), self.finished[link.number]
            for before in [state for state in sorted(reached) if state[0] == link.number]:
                inner = self.resident(link, before[1])
                fits = reachable if any_size else self._fits(reachable, inner)
                for ends_final in (False, True) if self.operand == SUMS else (False,):
                    home = self.home(link, ends_final)
                    allowed = fits if any_size else self._fits(fits, home)
                    if self.operand == SUMS:
                        allowed = allowed & (finished if ends_final else ~finished)
                    if allowed.any():
                        after = (link.number + 1, ends_final and not link.last)
                        choices.append(Choice(self, link, before, after, (*inner, *home), allowed))
                        reached.add(after)
        return choices

    def _fits(self, allowed: np.ndarray, residents: tuple[Held, ...]) -> np.ndarray:
        for number, bits in residents:
            allowed = allowed & (bits <= self.machine.levels[number].size_bits)
        return allowed


@dataclass(frozen=True, eq=False)
class Choice:
    """Giving one link its cut: from a state to a state, at the prefixes where `allowed`."""

    owner: Choices
    link: Link
    before: State
    after: State
    residents: tuple[Held, ...]
    allowed: np.ndarray

    @property
    def operand(self) -> Operand:
        """Whose link it is."""
        return self.owner.operand
