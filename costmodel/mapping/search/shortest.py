"""The best cuts of all operands on one order, over all orders: a shortest path through the lattice.

Energy is a sum of link costs, and a link's cost depends on the prefix below its cut alone. So a mapping is a
chain of prefixes with every operand's cuts on it, and any chain is part of some order. Let V(a, p) be the least
cost of the cuts that joint state `a` still lacks, all placed at prefixes that contain p:

    V(a, p) = min over q containing p, and over the next cut of each operand, of cost(q) + V(a', q)

The minimum over q is a running minimum along every axis of the grid. No order is lost and none is tried twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.mapping.search.choices import Choice
from costmodel.mapping.search.lattice import Lattice
from costmodel.mapping.search.states import ALL_LOOPS, LONE, NARROW, WIDE, Joint, Rank, Slots, states_of

Point = tuple[int, ...]
Placed = tuple[tuple[Choice, Point], ...]
"""Choices taken, from the innermost prefix outwards."""
_FEW = 4
"""For a choice open at one prefix in so many, or fewer, the loops that may lie inside its cut are worked out."""
_SHORT = 64
"""Prefixes of the last axes, at most, that are turned to the front."""


class CutSpace:
    """All operands' choices side by side, and the joint states that they lead through."""

    def __init__(self, lattice: Lattice, choices: Sequence[Sequence[Choice]], ends: Joint) -> None:
        """Find the joint states, in the order in which cuts are placed; none where the end is out of reach."""
        self.lattice, self.choices, self.ends = lattice, choices, ends
        self.start: Joint = tuple((0, False) for _ in choices)
        self.numbered = [choice for some in choices for choice in some]
        self.states = states_of(
            tuple(
                tuple((c.before, c.after, _loops_inside(lattice, c.allowed)) for c in some)
                for some in choices
            ),
            ends,
        )
        self.joints = self.states.joints

    def after(self, joint: Joint) -> list[tuple[Choice, Joint]]:
        """List the choices that are open in a joint state, and where they lead."""
        return [(self.numbered[number], to) for number, to in self.states.after[joint]]


def _loops_inside(lattice: Lattice, allowed: np.ndarray) -> int:
    """Kinds of loops that lie inside a cut somewhere, a bit each; several count as all, so that plans are alike."""
    if np.count_nonzero(allowed) * _FEW > allowed.size:
        return ALL_LOOPS
    loops = int(np.bitwise_or.reduce(lattice.begun, axis=None, where=allowed, initial=0))
    return ALL_LOOPS if loops & (loops - 1) else loops


Costs = Sequence[Sequence[np.ndarray]]
"""An additive cost of every choice for every cut, shaped as CutSpace.choices."""


class Bounds:
    """V(a, p) of an additive cost, each cut allowed where its tile alone fits: exact, or a bound where tiles share."""

    def __init__(self, space: CutSpace, costs: Costs) -> None:
        """Solve from the last cuts inwards, all joint states with as many cuts at once."""
        self.space = space
        lattice, ranks = space.lattice, space.states.ranks
        values = [value for row in costs for value in row]
        size, rows = lattice.cycles.size, [max(1, len(rank.wide)) for rank in ranks]
        most = max([*rows, *(len(rank.narrow) for rank in ranks)], default=0)
        room = np.empty((len(values) + sum(rows) + 2 * most, size))  # in one piece, for new pages take time
        self.table, room = room[: len(values)], room[len(values) :]
        """Cost of each choice at each prefix."""
        self.table.fill(np.inf)
        for row, choice, value in zip(self.table, space.numbered, values, strict=True):
            np.copyto(row.reshape(lattice.shape), value, where=choice.allowed)
        final = self.table.reshape(-1, *lattice.shape)[(slice(None), *lattice.reduced)]
        self._final_shape = final.shape[1:]
        self._final_table = final.reshape(len(values), -1)
        self.wide: list[np.ndarray] = []
        for count in rows:
            self.wide.append(room[:count])
            room = room[count:]
        self.narrow = [np.empty((0, self._final_table.shape[1]))] * len(ranks)
        self.lone: dict[Joint, float] = {}
        for number in range(len(ranks) - 1, -1, -1):
            self._solve(number, ranks[number], room)

    def _solve(self, number: int, rank: Rank, room: np.ndarray) -> None:
        lattice, wide = self.space.lattice, self.wide[number]
        if number == len(self.wide) - 1:  # the end
            wide.fill(0.0)
        else:
            _least(wide, self.table, rank.wide_slots, self.wide[number + 1], room)
            if len(rank.crossing):
                crossing = np.empty((len(rank.crossing), self._final_table.shape[1]))
                _least(crossing, self._final_table, rank.crossing_slots, self.narrow[number + 1], room)
                part = wide.reshape(-1, *lattice.shape)[(slice(None), *lattice.reduced)]
                crossing = crossing.reshape(-1, *self._final_shape)
                part[rank.crossing] = np.minimum(part[rank.crossing], crossing)
            _over_larger(wide, lattice.shape)
        if rank.narrow:
            narrow = np.empty((len(rank.narrow), self._final_table.shape[1]))
            _least(narrow, self._final_table, rank.narrow_slots, self.narrow[number + 1], room)
            _over_larger(narrow, self._final_shape)
            self.narrow[number] = narrow
        if len(rank.copied):
            part = wide.reshape(-1, *lattice.shape)[(slice(None), *lattice.reduced)][rank.copied]
            self.narrow[number] = np.concatenate((self.narrow[number], part.reshape(len(rank.copied), -1)))
        for joint in rank.lone:
            self.lone[joint] = min(
                float(self.table[choice, 0]) + self._at(to, 0, 0)
                for choice, to in self.space.states.after[joint]
            )

    def _at(self, joint: Joint, place: int, final_place: int) -> float:
        """V of a joint state at a prefix, given by its places in a wide and in a narrow table."""
        number, kind, row = self.space.states.place[joint]
        if kind == LONE:
            return self.lone[joint]
        return float(self.wide[number][row, place] if kind == WIDE else self.narrow[number][row, final_place])

    def beyond(self, joint: Joint) -> np.ndarray:
        """V of a joint state at every prefix, flat; infinite where the state cannot be."""
        number, kind, row = self.space.states.place[joint]
        if kind == WIDE:
            return self.wide[number][row]
        values = np.full(self.space.lattice.shape, np.inf)
        if kind == LONE:
            values.flat[0] = self.lone[joint]
        else:
            part = values[self.space.lattice.reduced]
            part[...] = self.narrow[number][row].reshape(part.shape)
        return values.ravel()

    @property
    def least(self) -> float:
        """The least cost of all; infinite where some operand has no choice left."""
        return self._at(self.space.start, 0, 0) if self.space.joints else float("inf")

    def path(self) -> Placed:
        """Follow the least cost from the empty prefix outwards."""
        space, lattice = self.space, self.space.lattice
        joint, point = space.start, (0,) * len(lattice.shape)
        placed: list[tuple[Choice, Point]] = []
        while joint != space.ends:
            value, choice, to = self._least_at(joint, point)
            if value != self._value(joint, point):  # the next cut lies further out
                point = self._next(joint, point)
                _, choice, to = self._least_at(joint, point)
            placed.append((space.numbered[choice], point))
            joint = to
        return tuple(placed)

    def _least_at(self, joint: Joint, point: Point) -> tuple[float, int, Joint]:
        """The least that a choice cut at one prefix costs with all that follows, and the choice."""
        place, final_place = self._places(point)
        options = [
            (cost + self._at(to, place, final_place), choice, to)
            for choice, to in self.space.states.after[joint]
            if (cost := float(self.table[choice, place])) < np.inf
        ]
        return min(options, key=lambda option: option[0], default=(float("inf"), 0, joint))

    def _value(self, joint: Joint, point: Point) -> float:
        return self._at(joint, *self._places(point))

    def _places(self, point: Point) -> tuple[int, int]:
        """Places of a prefix in a wide table, and in a narrow one if it is in there."""
        lattice = self.space.lattice
        place = final_place = 0
        for at, length, part in zip(point, lattice.shape, lattice.reduced, strict=True):
            place = place * length + at
            final_place = final_place if part.start else final_place * length + at
        return place, final_place

    def _next(self, joint: Joint, point: Point) -> Point:
        """Find the prefix of the next cut, the first of the best ones that contain a prefix."""
        number, kind, _ = self.space.states.place[joint]
        if kind == LONE:
            return point
        shape, reduced = self.space.lattice.shape, self.space.lattice.reduced
        after, place = self.space.states.after[joint], self.space.states.place
        if kind == NARROW:
            copies = self.space.states.copies
            parts = [
                self._final_table[choice] + self.narrow[number + 1][copies.get(to, place[to][2])]
                for choice, to in after
            ]
            shape = self._final_shape
            low = tuple(at if part.start is None else 0 for at, part in zip(point, reduced, strict=True))
        else:
            parts = [
                self.table[choice] + self.wide[number + 1][place[to][2]]
                for choice, to in after
                if place[to][1] == WIDE
            ]
            low = point
        least = parts[0] if parts else np.full(self.table.shape[1], np.inf)
        for part in parts[1:]:
            np.minimum(least, part, out=least)
        grid = least.reshape(shape)
        if kind == WIDE:
            inner = grid[reduced]
            for choice, to in after:
                if place[to][1] == NARROW:
                    cost = self._final_table[choice] + self.narrow[number + 1][place[to][2]]
                    np.minimum(inner, cost.reshape(inner.shape), out=inner)
        region = grid[tuple(slice(at, None) for at in low)]
        offset = np.unravel_index(int(np.argmin(region)), region.shape)
        return tuple(
            at + int(more) if kind == WIDE or part.start is None else at
            for at, more, part in zip(point, offset, reduced, strict=True)
        )


def _least(least: np.ndarray, table: np.ndarray, slots: Slots, rest: np.ndarray, room: np.ndarray) -> None:
    """Find, for each row, the least of its options: the choice, and the rest of the joint state that it leads to."""
    least[len(slots[0][0]) if slots else 0 :] = np.inf
    costs, others = room.reshape(2, -1)
    for number, (choices, to) in enumerate(slots):
        shape = (len(choices), table.shape[1])
        size = shape[0] * shape[1]
        cost, other = costs[:size].reshape(shape), others[:size].reshape(shape)
        table.take(choices, axis=0, out=cost, mode="clip")
        rest.take(to, axis=0, out=other, mode="clip")
        if number:
            cost += other
            np.minimum(least[: len(choices)], cost, out=least[: len(choices)])
        else:
            np.add(cost, other, out=least[: len(choices)])


def _over_larger(grids: np.ndarray, shape: tuple[int, ...]) -> None:
    """Take the minimum over all prefixes that contain each prefix, in place, in every grid of a stack.

    The last axes are turned to the front for it: numpy is slow on rows of a few numbers.
    """
    split, last = len(shape), 1
    while split and last * shape[split - 1] <= _SHORT:
        split -= 1
        last *= shape[split]
    _along(grids, len(grids), shape[:split])
    if last > 1:
        rows = grids.reshape(-1, last)
        turned = np.ascontiguousarray(rows.T)
        _along(turned, 1, shape[split:])
        rows[...] = turned.T


def _along(values: np.ndarray, before: int, lengths: tuple[int, ...]) -> None:
    """Take running minima from the end, in place, along the axes that follow the first `before` rows."""
    after = values.size // before
    for length in lengths:
        after //= length
        if length > 1:
            rows = values.reshape(before, length, after)
            for low in range(length - 2, -1, -1):
                here = rows[:, low]
                np.minimum(here, rows[:, low + 1], out=here)
        before *= length


def overfull(space: CutSpace, placed: Placed, sizes: Sequence[int]) -> dict[int, float]:
    """Levels whose tiles do not fit together, with the bits that lack."""
    held = [0.0] * len(sizes)
    for choice, point in placed:
        for level, bits in choice.residents:
            held[level] += space.lattice.at(bits, point)
    return {level: bits - sizes[level] for level, bits in enumerate(held) if bits > sizes[level]}
