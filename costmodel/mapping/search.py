"""The best cuts of all operands on one order, over all orders: a shortest path through the lattice.

Energy is a sum of link costs, and a link's cost depends on the prefix below its cut alone. So a mapping is a
chain of prefixes with every operand's cuts on it, and any chain is part of some order. Let V(a, p) be the least
cost of the cuts that joint state `a` still lacks, all placed at prefixes that contain p:

    V(a, p) = min over q containing p, and over the next cut of each operand, of cost(q) + V(a', q)

The minimum over q is a running minimum along every axis of the grid. No order is lost and none is tried twice.
Only a box of prefixes can hold the last cut of a joint state at all, and only that box is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from costmodel.mapping.boxes import Box, Boxes
from costmodel.mapping.choices import Choice, State
from costmodel.mapping.lattice import Lattice

Joint = tuple[State, ...]
Point = tuple[int, ...]
Placed = tuple[tuple[Choice, Point], ...]
"""Choices taken, from the innermost prefix outwards."""


class Option(NamedTuple):
    """A choice that is open in a joint state, the joint state that it leads to, and the box of its cuts."""

    choice: Choice
    to: Joint
    cuts: Box


class Problem:
    """All operands' choices side by side, and the joint states that they lead through.

    `home` is each joint state's box: the prefixes at which its last cut may lie so that the end can be reached.
    """

    def __init__(self, lattice: Lattice, choices: Sequence[Sequence[Choice]], ends: Joint) -> None:
        """Find the joint states, in the order in which cuts are placed; none where the end is out of reach."""
        self.lattice, self.choices, self.ends = lattice, choices, ends
        self.start: Joint = tuple((0, False) for _ in choices)
        self.boxes = Boxes(lattice.shape)
        ranges: dict[int, Box] = {}
        by_table: dict[int, Box] = {}
        for some in choices:
            for choice in some:
                table = id(choice.allowed)
                if table not in by_table:
                    by_table[table] = self.boxes.around(choice.allowed)
                ranges[id(choice)] = by_table[table]
        parts = [_homes(self.boxes, some, ranges, end) for some, end in zip(choices, ends, strict=True)]
        onwards = [
            {
                state: [(c, ranges[id(c)]) for c in some if c.before == state and c.after in part]
                for state in part
            }
            for some, part in zip(choices, parts, strict=True)
        ]
        self.home: dict[Joint, Box] = {}
        self._after: dict[Joint, list[Option]] = {}
        self.groups: dict[tuple[int, Box], list[Joint]] = {}
        """Joint states by the number of their cuts and by their box, the last ones first."""
        numbered = sorted(
            ((sum(number for number, _ in joint), joint) for joint in product(*map(sorted, parts))),
            key=lambda one: -one[0],
        )
        for number, joint in numbered:
            box = self.boxes.whole
            for state, part in zip(joint, parts, strict=True):
                box &= part[state]
            if self.boxes.slices(box) is None:
                continue
            options = []
            for place, state in enumerate(joint):
                for choice, cuts in onwards[place][state]:
                    to = (*joint[:place], choice.after, *joint[place + 1 :])
                    if to in self.home:
                        region = box & cuts & self.home[to]
                        if self.boxes.slices(region) is not None:
                            options.append(Option(choice, to, region))
            if options or joint == ends:
                self.home[joint] = box
                self._after[joint] = options
                self.groups.setdefault((number, box), []).append(joint)
        self.joints = list(reversed(self.home)) if self.start in self.home else []

    def after(self, joint: Joint) -> list[Option]:
        """List the choices that are open in a joint state, and where they lead."""
        return self._after[joint]


def _homes(boxes: Boxes, choices: Sequence[Choice], ranges: dict[int, Box], end: State) -> dict[State, Box]:
    """Find an operand's states between its start and its end, with the box in which each last cut lies."""
    leave, arrive = {end: boxes.whole}, {(0, False): boxes.whole}
    for choice in reversed(choices):
        if choice.after in leave:
            way = boxes.down(ranges[id(choice)]) & leave[choice.after]
            leave[choice.before] = leave.get(choice.before, 0) | way
    for choice in choices:
        if choice.before in arrive:
            way = boxes.up(ranges[id(choice)]) & arrive[choice.before]
            arrive[choice.after] = arrive.get(choice.after, 0) | way
    return {state: leave[state] & arrive[state] for state in leave if state in arrive}


Costs = Sequence[Sequence[np.ndarray]]
"""An additive cost of every choice for every cut, shaped as Problem.choices."""


class Bounds:
    """V(a, p) of an additive cost, each cut allowed where its tile alone fits: exact, or a bound where tiles share."""

    def __init__(self, problem: Problem, costs: Costs) -> None:
        """Solve from the last cuts inwards, all joint states of as many cuts and the same box at once."""
        self.problem = problem
        shape = problem.lattice.shape
        self.grids: dict[int, np.ndarray] = {}
        for choices, values in zip(problem.choices, costs, strict=True):
            for choice, value in zip(choices, values, strict=True):
                grid = np.full(shape, np.inf)
                np.copyto(grid, value, where=choice.allowed)
                self.grids[id(choice)] = grid
        self.beyond: dict[Joint, np.ndarray] = {}
        """Of each joint state, over its box."""
        for (_, box), joints in problem.groups.items():
            size = tuple(part.stop - part.start for part in problem.boxes.slices(box) or ())
            if joints == [problem.ends]:
                self.beyond[problem.ends] = np.zeros(size)
                continue
            stack = np.empty((*size, len(joints)))
            for number, joint in enumerate(joints):
                stack[..., number] = self._here(joint, box)
            _over_larger(stack, size)
            for number, joint in enumerate(joints):
                self.beyond[joint] = stack[..., number]

    def _here(self, joint: Joint, box: Box) -> np.ndarray:
        """The least cost where the next cut lies at each prefix of a box, some part of the joint state's."""
        boxes, home, least = self.problem.boxes, self.problem.home, None
        for choice, to, cuts in self.problem.after(joint):
            region = cuts & box
            if (some := boxes.slices(region)) is None:
                continue
            cost = self.grids[id(choice)][some] + self.beyond[to][boxes.within(region, home[to])]
            if least is None and region == box:
                least = cost
                continue
            if least is None:
                least = np.full([part.stop - part.start for part in boxes.slices(box) or ()], np.inf)
            part = least if region == box else least[boxes.within(region, box)]
            np.minimum(part, cost, out=part)
        assert least is not None
        return least

    def beyond_whole(self, joint: Joint) -> np.ndarray:
        """V of a joint state over the whole lattice, infinite outside its box."""
        boxes, home = self.problem.boxes, self.problem.home[joint]
        values = np.full(boxes.shape, np.inf)
        values[boxes.slices(home)] = self.beyond[joint]
        return values

    @property
    def least(self) -> float:
        """The least cost of all; infinite where some operand has no choice left."""
        start = self.beyond.get(self.problem.start)
        return float("inf") if start is None else float(start[(0,) * start.ndim])

    def path(self) -> Placed:
        """Follow the least cost from the empty prefix outwards."""
        joint, point, boxes = self.problem.start, (0,) * len(self.problem.lattice.shape), self.problem.boxes
        placed: list[tuple[Choice, Point]] = []
        while joint != self.problem.ends:
            box = self.problem.home[joint] & boxes.above(point)
            region = self._here(joint, box)
            offset = np.unravel_index(int(np.argmin(region)), region.shape)
            point = tuple(
                part.start + int(more) for part, more in zip(boxes.slices(box) or (), offset, strict=True)
            )
            choice, joint = min(self._at(joint, point), key=lambda option: option[0])[1:]
            placed.append((choice, point))
        return tuple(placed)

    def _at(self, joint: Joint, point: Point) -> list[tuple[float, Choice, Joint]]:
        """What each choice that can be cut at one prefix costs with all that follows."""
        boxes, home = self.problem.boxes, self.problem.home
        here, found = boxes.only(point), []
        for choice, to, cuts in self.problem.after(joint):
            if cuts & here == here:
                rest = self.beyond[to][boxes.within(here, home[to])]
                found.append((float(self.grids[id(choice)][point] + rest.item()), choice, to))
        return found


def _over_larger(stack: np.ndarray, size: tuple[int, ...]) -> None:
    """Take the minimum over all prefixes that contain each prefix, in place, in every grid of a stack.

    The grids are the last axis: each step then runs over all of them in one go.
    """
    before, after = 1, stack.size
    for length in size:
        after //= length
        if length > 1:
            rows = stack.reshape(before, length, after)
            for low in range(length - 2, -1, -1):
                np.minimum(rows[:, low], rows[:, low + 1], out=rows[:, low])
        before *= length


def overfull(problem: Problem, placed: Placed, sizes: Sequence[int]) -> dict[int, float]:
    """Levels whose tiles do not fit together, with the bits that lack."""
    held = [0.0] * len(sizes)
    for choice, point in placed:
        for level, bits in choice.residents:
            held[level] += problem.lattice.at(bits, point)
    return {level: bits - sizes[level] for level, bits in enumerate(held) if bits > sizes[level]}
