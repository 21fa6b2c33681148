"""The best cuts of all operands on one order, over all orders: a shortest path through the lattice.

Energy is a sum of link costs, and a link's cost depends on the prefix below its cut alone. So a mapping is a
chain of prefixes with every operand's cuts on it, and any chain is part of some order. Let V(a, p) be the least
cost of the cuts that joint state `a` still lacks, all placed at prefixes that contain p:

    V(a, p) = min over q containing p, and over the next cut of each operand, of cost(q) + V(a', q)

The minimum over q is a running minimum along every axis of the grid. No order is lost and none is tried twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product

import numpy as np

from costmodel.mapping.choices import Choice, State
from costmodel.mapping.lattice import Lattice

Joint = tuple[State, ...]
Point = tuple[int, ...]
Placed = tuple[tuple[Choice, Point], ...]
"""Choices taken, from the innermost prefix outwards."""


class Problem:
    """All operands' choices side by side, and the joint states that they lead through."""

    def __init__(self, lattice: Lattice, choices: Sequence[Sequence[Choice]], ends: Joint) -> None:
        """Find the joint states, in the order in which cuts are placed."""
        self.lattice, self.choices, self.ends = lattice, choices, ends
        self.start: Joint = tuple((0, False) for _ in choices)
        leads = [_leads(some, end) for some, end in zip(choices, ends, strict=True)]
        self.joints: list[Joint] = []
        if all((0, False) in states for states in leads):
            self.joints = sorted(product(*leads), key=lambda joint: sum(number for number, _ in joint))
        onwards = [
            {
                state: [choice for choice in some if choice.before == state and choice.after in good]
                for state in good
            }
            for some, good in zip(choices, leads, strict=True)
        ]
        self._after: dict[Joint, list[tuple[Choice, Joint]]] = {
            joint: [
                (choice, (*joint[:place], choice.after, *joint[place + 1 :]))
                for place, state in enumerate(joint)
                for choice in onwards[place][state]
            ]
            for joint in self.joints
        }

    def after(self, joint: Joint) -> list[tuple[Choice, Joint]]:
        """List the choices that are open in a joint state, and where they lead."""
        return self._after[joint]


def _leads(choices: Sequence[Choice], end: State) -> list[State]:
    """List an operand's states from which the end can be reached."""
    good = {end}
    for choice in reversed(choices):
        if choice.after in good:
            good.add(choice.before)
    return sorted(good)


Costs = Sequence[Sequence[np.ndarray]]
"""An additive cost of every choice for every cut, shaped as Problem.choices."""


class Bounds:
    """V(a, p) of an additive cost, each cut allowed where its tile alone fits: exact, or a bound where tiles share."""

    def __init__(self, problem: Problem, costs: Costs) -> None:
        """Solve from the last cuts inwards, all joint states with as many cuts at once."""
        self.problem = problem
        shape = problem.lattice.shape
        self.grids: dict[int, np.ndarray] = {}
        for choices, values in zip(problem.choices, costs, strict=True):
            for choice, value in zip(choices, values, strict=True):
                grid = np.full(shape, np.inf)
                np.copyto(grid, value, where=choice.allowed)
                self.grids[id(choice)] = grid
        self.at: dict[Joint, np.ndarray] = {}
        self.beyond: dict[Joint, np.ndarray] = {problem.ends: np.zeros(shape)}
        for _, group in groupby(
            reversed(problem.joints), key=lambda joint: sum(number for number, _ in joint)
        ):
            joints = [joint for joint in group if joint != problem.ends]
            stack = np.empty((len(joints), *shape))
            for here, joint in zip(stack, joints, strict=True):
                (choice, to), *others = problem.after(joint)
                np.add(self.grids[id(choice)], self.beyond[to], out=here)
                for choice, to in others:
                    np.minimum(here, self.grids[id(choice)] + self.beyond[to], out=here)
            least = _over_larger(stack)
            self.at |= dict(zip(joints, stack, strict=True))
            self.beyond |= dict(zip(joints, least, strict=True))

    @property
    def least(self) -> float:
        """The least cost of all; infinite where some operand has no choice left."""
        start = self.beyond.get(self.problem.start)
        return float("inf") if start is None else float(start[(0,) * start.ndim])

    def path(self) -> Placed:
        """Follow the least cost from the empty prefix outwards."""
        joint, point = self.problem.start, (0,) * len(self.problem.lattice.shape)
        placed: list[tuple[Choice, Point]] = []
        while joint != self.problem.ends:
            region = self.at[joint][tuple(slice(low, None) for low in point)]
            offset = np.unravel_index(int(np.argmin(region)), region.shape)
            point = tuple(int(low + more) for low, more in zip(point, offset, strict=True))
            choice, joint = min(
                self.problem.after(joint),
                key=lambda option: float(self.grids[id(option[0])][point] + self.beyond[option[1]][point]),
            )
            placed.append((choice, point))
        return tuple(placed)


def _over_larger(values: np.ndarray) -> np.ndarray:
    """Take the minimum over all prefixes that contain each prefix, in every grid of a stack."""
    least = np.moveaxis(values, 0, -1).copy()  # grids last: each step then runs over all of them in one go
    for axis, length in enumerate(least.shape[:-1]):
        front: tuple[slice | int, ...] = (slice(None),) * axis
        for low in range(length - 2, -1, -1):
            here = least[(*front, slice(low, low + 1))]
            np.minimum(here, least[(*front, slice(low + 1, low + 2))], out=here)
    return np.ascontiguousarray(np.moveaxis(least, -1, 0))


def overfull(problem: Problem, placed: Placed, sizes: Sequence[int]) -> dict[int, float]:
    """Levels whose tiles do not fit together, with the bits that lack."""
    held = [0.0] * len(sizes)
    for choice, point in placed:
        for level, bits in choice.residents:
            held[level] += problem.lattice.at(bits, point)
    return {level: bits - sizes[level] for level, bits in enumerate(held) if bits > sizes[level]}
