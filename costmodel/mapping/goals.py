"""What is minimised, and how: the energy by a shortest path, all else by labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from costmodel.mapping.architecture import Architecture
from costmodel.mapping.choices import Choice, Waiting
from costmodel.mapping.labels import Columns, best_labels
from costmodel.mapping.mapped import Mapped
from costmodel.mapping.nest import LoopNest
from costmodel.mapping.search import Bounds, Placed, Problem, overfull

TIE = 1e-12
"""Weight of the waiting against the energy, as a share of the energy for as many cycles as the array steps."""

GOALS: dict[str, Callable[[Mapped], float]] = {
    "energy": lambda mapped: mapped.energy_j,
    "latency": lambda mapped: mapped.cycles,
    "product": lambda mapped: mapped.energy_j * mapped.cycles,
}

Costs = list[list[np.ndarray]]


def solve(
    problem: Problem, machine: Architecture, layer: LoopNest, goal: str, most_j: float = float("inf")
) -> Placed | None:
    """Find the best cuts for a goal; None where tiles that share a level never fit together.

    Nothing, (), where the energy certainly passes `most_j`.
    """
    if not problem.joints:
        return None
    if goal == "energy":
        energies = _each(problem, lambda choice: choice.owner.energy(choice.link.number))
        floor = (
            sum(min(float(values.min()) for values in row) for row in energies)
            + layer.macs * machine.mac_energy_j
        )
        weight = max(TIE * (floor or 1.0) / problem.lattice.steps, machine.cycle_energy_j)
        delays = _each(problem, lambda choice: choice.owner.delays(choice.link.number))
        costs = [
            [e + weight * d for e, d in zip(*rows, strict=True)]
            for rows in zip(energies, delays, strict=True)
        ]
        bounds = Bounds(problem, costs)
        if bounds.least == float("inf"):
            return None
        if bounds.least > most_j:
            return ()
        placed = bounds.path()
        if not overfull(problem, placed, [level.size_bits for level in machine.levels]):
            return placed
        return _search(problem, machine, [costs], lambda totals: totals[:, 0], [placed])
    return _slowest(problem, machine, layer, goal)


def _each(problem: Problem, cost: Callable[[Choice], np.ndarray]) -> Costs:
    """Ask for a cost of every choice, once for those of the same link."""
    found = []
    for choices in problem.choices:
        by_link: dict[int, np.ndarray] = {}
        for choice in choices:
            if choice.link.number not in by_link:
                by_link[choice.link.number] = cost(choice)
        found.append([by_link[choice.link.number] for choice in choices])
    return found


def _slowest(problem: Problem, machine: Architecture, layer: LoopNest, goal: str) -> Placed | None:
    """Minimise the latency, or its product with the energy.

    The latency is the largest of some sums over the cuts: the steps with what one port stalls, or what one port
    is busy, each with the first and last tiles. These sums are the columns.
    """
    steps = problem.lattice.steps
    waits = {id(choice): waiting for choice, waiting in _waitings(problem)}
    ports = sorted({port for waiting in waits.values() for port in waiting.stalls})
    none = problem.lattice.one * 0.0

    def of_waits(read: Callable[[Waiting], np.ndarray]) -> Costs:
        return _each(problem, lambda choice: read(waits[id(choice)]))

    ends, idle = of_waits(lambda waiting: waiting.ends), of_waits(lambda waiting: none)
    energies = _each(problem, lambda choice: choice.owner.energy(choice.link.number))
    stalls, busy = [idle], []
    for port in ports:
        stalls.append(of_waits(lambda waiting, port=port: waiting.stalls.get(port, none)))  # type: ignore[misc]
        busy.append(of_waits(lambda waiting, port=port: waiting.busy.get(port, none)))  # type: ignore[misc]
    stalls, busy = ([_added(column, ends) for column in _largest(columns)] for columns in (stalls, busy))
    first, last, macs = len(stalls), len(stalls) + len(busy), layer.macs * machine.mac_energy_j

    def latency(totals: np.ndarray) -> np.ndarray:
        return np.maximum(totals[:, :first].max(axis=1) + steps, totals[:, first:last].max(axis=1))

    def product(totals: np.ndarray) -> np.ndarray:
        return np.asarray(latency(totals) * (totals[:, last] + macs))

    delays = _each(problem, lambda choice: choice.owner.delays(choice.link.number))
    known = [
        bound.path() for bound in (Bounds(problem, delays), Bounds(problem, energies)) if bound.least < np.inf
    ]
    if goal == "product":
        return _search(problem, machine, [*stalls, *busy, energies], product, known)
    return _search(problem, machine, [*stalls, *busy], latency, known)


def _added(left: Costs, right: Costs) -> Costs:
    return [[one + other for one, other in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]


def _largest(columns: Sequence[Costs]) -> list[Costs]:
    """Leave out the costs that are nowhere above another one's: their sum can never be the largest."""
    kept: list[Costs] = []
    for place, column in enumerate(columns):
        others = [*kept, *columns[place + 1 :]]
        if not any(_nowhere_above(column, other) for other in others):
            kept.append(column)
    return kept


def _nowhere_above(one: Costs, other: Costs) -> bool:
    return all(
        bool((a <= b).all()) for rows in zip(one, other, strict=True) for a, b in zip(*rows, strict=True)
    )


def _waitings(problem: Problem) -> Iterator[tuple[Choice, Waiting]]:
    for choices in problem.choices:
        by_link: dict[int, Waiting] = {}
        for choice in choices:
            number = choice.link.number
            by_link[number] = by_link.get(number) or choice.owner.waiting(number)
            yield choice, by_link[number]


def _search(
    problem: Problem,
    machine: Architecture,
    costs: Sequence[Costs],
    score: Callable[[np.ndarray], np.ndarray],
    known: list[Placed],
) -> Placed | None:
    """Search labels, with one more column for what each shared level holds."""
    shared = [number for number in range(len(machine.levels)) if len(machine.shared(number)) > 1]
    none = problem.lattice.one * 0.0
    held = [
        [
            [sum((b for n, b in c.residents if n == number), none) for c in choices]
            for choices in problem.choices
        ]
        for number in shared
    ]
    limits = [np.inf] * len(costs) + [float(machine.levels[number].size_bits) for number in shared]
    columns = Columns(problem, [*costs, *held], limits, score)
    for number, column in zip(shared, held, strict=True):
        bound = Bounds(problem, column)
        if bound.least > machine.levels[number].size_bits:
            return None
        known = [*known, bound.path()]
    return best_labels(columns, known)
