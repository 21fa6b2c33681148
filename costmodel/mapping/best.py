"""The best mapping of a layer on a machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from costmodel.errors import BnncostError, unknown
from costmodel.mapping.architecture import Architecture, Unrolling
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.given import closed, mapped_from
from costmodel.mapping.mapped import Loop, Mapped, Temporal
from costmodel.mapping.nest import OPERANDS, RELEVANT, LoopNest, Operand
from costmodel.mapping.search.choices import Choice, Choices
from costmodel.mapping.search.fitting import no_fit
from costmodel.mapping.search.goals import GOALS, floor_of, solve
from costmodel.mapping.search.lattice import Lattice, Spread, factored, spread_loops
from costmodel.mapping.search.shortest import CutSpace, Placed
from costmodel.mapping.search.tiles import Tiling

MOST_FACTORS = 24
MOST_PREFIXES = 100_000
_MIRROR = {"OY": "OX", "OX": "OY", "FY": "FX", "FX": "FY"}
_ROUNDING = 1e-9
"""What may separate equal energies by rounding alone, as a share."""


def best_mapping(
    layer: LoopNest,
    machine: Architecture,
    goal: str = "energy",
    conventions: Conventions = OURS,
    most_factors: int = MOST_FACTORS,
    most_prefixes: int = MOST_PREFIXES,
) -> Mapped:
    """Find the mapping of least energy, latency (cycles), or product of both.

    The space: every allowed unrolling, every order of the loops in time factored into primes, every allocation of
    these loops to the levels, for each operand on its own. Of equal energies the one with the shorter waits is
    preferred. Loops of more than `most_factors` primes, or `most_prefixes` sets of them, are merged; the result
    says so. Raises BnncostError where nothing fits.
    """
    _check_goal(layer, goal, conventions)
    tries = [
        _try(layer, machine, unrolling, spreads, goal, conventions, most_factors, most_prefixes)
        for unrolling, spreads in _distinct(layer, machine, most_factors, most_prefixes)
    ]
    if len(tries) > 1:
        tries = [replace(one, floor=one.bound()) for one in tries]
    best: tuple[tuple[float, float, int], Mapped] | None = None
    failed: list[int] = []
    for number, one in sorted(enumerate(tries), key=lambda entry: entry[1].floor):
        most = best[0][0] * (1 + _ROUNDING) if best else float("inf")
        if one.floor > most:
            break
        mapped = one.mapped(most)
        if mapped is None:
            failed.append(number)
        elif mapped:
            waiting_j = machine.cycle_energy_j * mapped.cycles if goal == "energy" else 0.0
            rank = (GOALS[goal](mapped) + waiting_j, mapped.cycles, number)
            best = (rank, mapped) if best is None or rank < best[0] else best
    if best is None:
        raise no_fit(tries[min(failed)].operands)
    return best[1]


def _check_goal(layer: LoopNest, goal: str, conventions: Conventions) -> None:
    """Refuse a goal that there is none of, and what the search does not reach by ZigZag's rules."""
    if goal not in GOALS:
        raise unknown("goal", goal, GOALS)
    if conventions.opportunistic and goal != "energy":
        raise BnncostError(
            f"goal '{goal}' with ZigZag's rules for waiting: those depend on more than the cuts, and only the "
            f"energy is searched under them; use the goal 'energy', or this project's rules."
        )
    if conventions.final_as_partial and layer.output_bits > layer.partial_bits:
        raise BnncostError(
            f"layer '{layer.name}': outputs of {layer.output_bits} bits are made of sums of {layer.partial_bits}, "
            f"which ZigZag's rules do not search; give sums the outputs' width, or use this project's rules."
        )


@dataclass(frozen=True, slots=True)
class _Try:
    """One unrolling of a layer, how often its factors were merged, and a bound on what it can reach."""

    unrolling: Unrolling
    operands: tuple[Choices, ...]
    choices: tuple[list[Choice], ...]
    merged: int
    goal: str
    floor: float = 0.0

    def bound(self) -> float:
        """Bound from below what this unrolling reaches."""
        first = self.operands[0]
        return floor_of(first.tiling.lattice, self.choices, first.machine, first.layer, self.goal)

    def mapped(self, most: float) -> Mapped | Literal[False] | None:
        """Search: None where nothing fits, False where nothing can be as good as `most`."""
        first = self.operands[0]
        machine, layer, lattice = first.machine, first.layer, first.tiling.lattice
        ends = tuple((len(choices.links), False) for choices in self.operands)
        placed = solve(CutSpace(lattice, self.choices, ends), machine, layer, self.goal, most)
        if not placed:
            return None if placed is None else False
        mapping = _mapping(machine, lattice, self.unrolling, placed, layer.name)
        return replace(
            mapped_from(self.operands, mapping),
            goal=self.goal,
            merged=self.merged,
            prefixes=int(lattice.cycles.size),
            exact=self.merged == 0,
        )


def _try(
    layer: LoopNest,
    machine: Architecture,
    unrolling: Unrolling,
    spreads: dict[str, Spread],
    goal: str,
    conventions: Conventions,
    most_factors: int,
    most_prefixes: int,
) -> _Try:
    factors, merged = factored(spreads, most_factors, most_prefixes)
    tiling = Tiling(layer, spreads, Lattice(factors), conventions.even_edges)
    operands = tuple(Choices(machine, layer, tiling, operand, conventions) for operand in OPERANDS)
    return _Try(unrolling, operands, tuple(choices.all() for choices in operands), merged, goal)


def _distinct(
    layer: LoopNest, machine: Architecture, most_factors: int, most_prefixes: int
) -> Iterator[tuple[Unrolling, dict[str, Spread]]]:
    """Yield the unrollings that spread this layer differently; where y and x are alike, one of each mirrored pair."""
    seen: list[dict[str, Spread]] = []
    for unrolling in machine.array.unrollings:
        spreads = dict(spread_loops(layer, unrolling))
        lanes = {
            dim: Spread(loop.extent, tuple(lane for lane in loop.lanes if lane[1] > 1))
            for dim, loop in spreads.items()
        }
        if lanes in seen:
            continue
        seen.append(lanes)
        # merging factors takes loops in turn, y before x, so merged mirror images differ
        if layer.axis(0) == layer.axis(1) and factored(spreads, most_factors, most_prefixes)[1] == 0:
            seen.append({_MIRROR.get(dim, dim): loop for dim, loop in lanes.items()})
        yield unrolling, spreads


def _mapping(
    machine: Architecture, lattice: Lattice, unrolling: Unrolling, placed: Placed, name: str
) -> Temporal:
    """Lay the loops out along the chain of cuts.

    Between two cuts any order costs the same; the loops outermost below a cut are those that its operands need,
    so that a tile is used up part by part.
    """
    order: list[Loop] = []
    cuts: dict[Operand, list[int]] = {operand: [] for operand in OPERANDS}
    point = (0,) * len(lattice.shape)
    pending = list(placed)
    while pending:
        target = pending[0][1]
        here = [choice for choice, at in pending if at == target]
        order += _segment(lattice.loops_between(point, target), here)
        for choice in here:
            cuts[choice.operand].append(len(order))
        pending = [(choice, at) for choice, at in pending if at != target]
        point = target
    last = tuple(length - 1 for length in lattice.shape)
    order += lattice.loops_between(point, last)
    whole = tuple(order)
    return Temporal(
        unrolling,
        whole,
        {operand: closed(machine, whole, operand, tuple(cuts[operand]), name) for operand in OPERANDS},
    )


def _segment(loops: list[Loop], cut: list[Choice]) -> list[Loop]:
    operands = {choice.operand for choice in cut}
    return sorted(loops, key=lambda loop: sum(loop[0] in RELEVANT[operand] for operand in operands))
