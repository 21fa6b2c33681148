"""What is minimised, and how: the energy by a shortest path, all else by labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from costmodel.mapping.architecture import Architecture
from costmodel.mapping.mapped import Mapped
from costmodel.mapping.nest import LoopNest
from costmodel.mapping.search.choices import Choice, Waiting
from costmodel.mapping.search.labels import AdditiveCost, AdditiveCosts, best_labels
from costmodel.mapping.search.lattice import Lattice
from costmodel.mapping.search.shortest import Bounds, Costs, CutSpace, Placed, overfull

TIE = 1e-12
"""Weight of the waiting against the energy, as a share of the energy for as many cycles as the array steps."""

GOALS: dict[str, Callable[[Mapped], float]] = {
    "energy": lambda mapped: mapped.energy_j,
    "latency": lambda mapped: mapped.cycles,
    "product": lambda mapped: mapped.energy_j * mapped.cycles,
}

ROUNDS = 6
"""How many prices of a level's room are tried; the bound they give need not be the best one."""
FIRST_PRICE = 0.03
"""First guess of the share of the energy that a mapping which just fits a level costs more."""
DEAREST = 1e3
"""How many times the best mapping so far a level's whole room may cost; beyond, rounding would count."""
NEAR = 0.01
"""How near to the bound, as a share, a mapping must come for all between the two to be searched at once."""


def floor_of(
    lattice: Lattice, choices: Sequence[Sequence[Choice]], machine: Architecture, layer: LoopNest, goal: str
) -> float:
    """Bound from below what is minimised, quickly; infinite where some cut is open nowhere.

    Operands compete for the innermost loops, those that a lane repeats with the same value. So the links
    next to the lanes are cut together, by a shortest path; each link further out has its least energy.
    """
    steps = lattice.steps
    if goal == "latency":
        return steps
    least_j = layer.macs * machine.mac_energy_j
    inner: list[list[Choice]] = []
    ends: list[tuple[int, bool]] = []
    for some in choices:
        if not some:
            return float("inf")
        owner = some[0].owner
        count = min(1 if owner.operand in machine.array.holds else 2, len(owner.links))
        outer = [choice for choice in some if choice.link.number >= count]
        for number in range(count, len(owner.links)):
            energy = owner.energy(number)
            tables = [choice.allowed for choice in outer if choice.link.number == number]
            least_j += min((float(np.where(one, energy, np.inf).min()) for one in tables), default=np.inf)
        inner.append(
            [
                replace(choice, after=(count, False)) if choice.after[0] == count else choice
                for choice in some
                if choice.link.number < count
            ]
        )
        ends.append((count, False))
    space = CutSpace(lattice, inner, tuple(ends))
    least_j += Bounds(space, _each(space, lambda choice: choice.owner.energy(choice.link.number))).least
    return least_j * steps if goal == "product" else least_j + machine.cycle_energy_j * steps


class Search:
    """What the search of one unrolling has computed."""

    def __init__(self, space: CutSpace, machine: Architecture, layer: LoopNest) -> None:
        """Price every choice: energy, and estimated waits."""
        self.space, self.machine, self.layer = space, machine, layer
        self.energies = _each(space, lambda choice: choice.owner.energy(choice.link.number))
        self.delays = _each(space, lambda choice: choice.owner.delays(choice.link.number))

    @cached_property
    def costs(self) -> Costs:
        """Energy, and a small weight on the waits."""
        least_j = sum(min(float(values.min()) for values in row) for row in self.energies)
        floor_j = least_j + self.layer.macs * self.machine.mac_energy_j
        weight = max(TIE * (floor_j or 1.0) / self.space.lattice.steps, self.machine.cycle_energy_j)
        return _sums(self.energies, self.delays, weight)

    @cached_property
    def bounds(self) -> Bounds:
        """The least rest of the costs."""
        return Bounds(self.space, self.costs)

    @cached_property
    def path(self) -> Placed:
        """The cuts of least cost if tiles need not compete."""
        return self.bounds.path()


def solve(
    space: CutSpace, machine: Architecture, layer: LoopNest, goal: str, most: float = float("inf")
) -> Placed | None:
    """Find the best cuts for a goal; None where tiles that share a level never fit together.

    Nothing, (), where what is minimised certainly passes `most`.
    """
    if not space.joints:
        return None
    search = Search(space, machine, layer)
    if goal != "energy":
        return _slowest(search, goal)
    if search.bounds.least == float("inf"):
        return None
    most_j = float("inf") if machine.cycle_energy_j else most - layer.macs * machine.mac_energy_j
    if search.bounds.least > most_j:
        return ()
    if not overfull(space, search.path, [level.size_bits for level in machine.levels]):
        return search.path
    return _roomy(search, most_j)


def _sums(left: Costs, right: Costs, weight: float) -> Costs:
    return [
        [one + weight * other for one, other in zip(*rows, strict=True)]
        for rows in zip(left, right, strict=True)
    ]


def _each(space: CutSpace, cost: Callable[[Choice], np.ndarray]) -> Costs:
    """Compute a cost of every choice, once for those of the same link."""
    costs = []
    for choices in space.choices:
        by_link: dict[int, np.ndarray] = {}
        for choice in choices:
            if choice.link.number not in by_link:
                by_link[choice.link.number] = cost(choice)
        costs.append([by_link[choice.link.number] for choice in choices])
    return costs


def _slowest(search: Search, goal: str) -> Placed | None:
    """Minimise the latency, or its product with the energy.

    The latency is the largest of some sums over the cuts: the steps with what one port stalls, or what one port
    is busy, each with the first and last tiles. These sums are the columns.
    """
    space, machine, layer = search.space, search.machine, search.layer
    energies, delays = search.energies, search.delays
    steps = space.lattice.steps
    waits = {id(choice): waiting for choice, waiting in _waitings(space)}
    ports = sorted({port for waiting in waits.values() for port in waiting.stalls})
    none = space.lattice.one * 0.0

    def of_waits(read: Callable[[Waiting], np.ndarray]) -> Costs:
        return _each(space, lambda choice: read(waits[id(choice)]))

    ends, idle = of_waits(lambda waiting: waiting.ends), of_waits(lambda waiting: none)
    stalls, busy = [idle], []
    for port in ports:
        stalls.append(of_waits(lambda waiting, port=port: waiting.stalls.get(port, none)))  # type: ignore[misc]
        busy.append(of_waits(lambda waiting, port=port: waiting.busy.get(port, none)))  # type: ignore[misc]
    stalls, busy = ([_sums(column, ends, 1.0) for column in _largest(columns)] for columns in (stalls, busy))
    first, last, macs = len(stalls), len(stalls) + len(busy), layer.macs * machine.mac_energy_j

    def latency(totals: np.ndarray) -> np.ndarray:
        return np.maximum(totals[:, :first].max(axis=1) + steps, totals[:, first:last].max(axis=1))

    def product(totals: np.ndarray) -> np.ndarray:
        return np.asarray(latency(totals) * (totals[:, last] + macs))

    known = [
        bound.path() for bound in (Bounds(space, delays), Bounds(space, energies)) if bound.least < np.inf
    ]
    if goal == "product":
        columns, score = [*stalls, *busy, energies], product
    else:
        columns, score = [*stalls, *busy], latency
    held = _held(space, machine)
    if held is None:
        return None
    known += [column.bounds.path() for column, _ in held]
    limits = [float("inf")] * len(columns) + [size for _, size in held]
    lined_up = [AdditiveCost(column, Bounds(space, column)) for column in columns] + [
        column for column, _ in held
    ]
    return best_labels(AdditiveCosts(space, lined_up, limits, score), known)


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


def _waitings(space: CutSpace) -> Iterator[tuple[Choice, Waiting]]:
    for choices in space.choices:
        by_link: dict[int, Waiting] = {}
        for choice in choices:
            number = choice.link.number
            by_link[number] = by_link.get(number) or choice.owner.waiting(number)
            yield choice, by_link[number]


def _held(space: CutSpace, machine: Architecture) -> list[tuple[AdditiveCost, float]] | None:
    """List what each level holds that its tiles may overfill together, and its size; None where they always do."""
    none = space.lattice.one * 0.0
    columns = []
    for number, level in enumerate(machine.levels):
        if len(machine.shared(number)) < 2:
            continue
        costs = [
            [sum((bits for at, bits in choice.residents if at == number), none) for choice in choices]
            for choices in space.choices
        ]
        if sum(max(float(bits.max()) for bits in row) for row in costs) > level.size_bits:
            bounds = Bounds(space, costs)
            if bounds.least > level.size_bits:
                return None
            columns.append((AdditiveCost(costs, bounds), float(level.size_bits)))
    return columns


def _roomy(search: Search, most: float) -> Placed | None:
    """Minimise the energy where tiles compete for room: columns for it, for each level, and for both together.

    A mapping that fits costs no less than its cost + price x (bits - size), whatever the price of a bit is. So
    the sum is one more bound, and with a good price the bound is nearly what the best mapping costs.
    """
    space = search.space
    held = _held(space, search.machine)
    if held is None:
        return None
    costs, known = [AdditiveCost(search.costs, search.bounds)], [column.bounds.path() for column, _ in held]
    rooms = [0.0]
    for column, size in held:
        priced, price, mappings = _price(search, column, size, known[len(costs) - 1], most)
        known += mappings
        costs.append(priced)
        rooms.append(price * size)
    limits = [float("inf")] * len(costs) + [size for _, size in held]

    def score(totals: np.ndarray) -> np.ndarray:
        return np.asarray((totals[:, : len(rooms)] - rooms).max(axis=1))

    columns = AdditiveCosts(space, [*costs, *(column for column, _ in held)], limits, score)
    best = best_labels(columns, known, most, NEAR)
    return () if best is None and most < float("inf") else best


def _price(
    search: Search, held: AdditiveCost, size: float, fits: Placed, most: float
) -> tuple[AdditiveCost, float, list[Placed]]:
    """Find a price of a level's room, energy per bit, that lifts the bound; and some mappings on the way.

    Each price makes the best two mappings so far, one too large and one that fits, cost alike (Handler and Zang,
    Networks 10(4), 1980, section 2).
    """
    space, costs, over = search.space, search.costs, search.path
    best, price, mappings = AdditiveCost(costs, search.bounds), 0.0, []
    for number in range(ROUNDS):
        (low, large), (high, small) = (
            (_total(space, costs, placed), _total(space, held.costs, placed)) for placed in (over, fits)
        )
        if large <= size or not large > small or high - low <= 0:
            break
        one = (high - low) / (large - small) if number else FIRST_PRICE * low / (large - size)
        if one * size > DEAREST * high:
            break
        column = _sums(costs, held.costs, one)
        bounds = Bounds(space, column)
        if bounds.least - one * size > best.bounds.least - price * size:
            best, price = AdditiveCost(column, bounds), one
        if bounds.least >= (low + one * large) * (1 - 1e-9) or bounds.least - one * size > most:
            break
        placed = bounds.path()
        if _total(space, held.costs, placed) > size:
            over = placed
        else:
            fits = placed
            mappings.append(placed)
            if _total(space, costs, fits) <= (best.bounds.least - price * size) * (1 + NEAR):
                break
    return best, price, mappings


def _total(space: CutSpace, costs: Costs, placed: Placed) -> float:
    """Add up an additive cost along a mapping."""
    table = {
        id(choice): value
        for choices, values in zip(space.choices, costs, strict=True)
        for choice, value in zip(choices, values, strict=True)
    }
    return sum(space.lattice.at(table[id(choice)], point) for choice, point in placed)
