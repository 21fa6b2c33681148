"""The best mapping of a layer on a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from costmodel.errors import BnncostError, unknown
from costmodel.mapping.architecture import Architecture, Unrolling
from costmodel.mapping.choices import Choice, Choices
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.evaluate import closed, priced
from costmodel.mapping.fitting import no_fit
from costmodel.mapping.goals import GOALS, solve
from costmodel.mapping.lattice import Lattice, Spread, factored, spread
from costmodel.mapping.mapped import Loop, Mapped, Temporal
from costmodel.mapping.nest import OPERANDS, RELEVANT, LoopNest
from costmodel.mapping.search import Placed, Problem
from costmodel.mapping.tiles import Tiling

MOST_FACTORS = 24
MOST_PREFIXES = 100_000
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
    if goal not in GOALS:
        raise unknown("goal", goal, GOALS)
    if conventions.opportunistic and goal != "energy":
        raise BnncostError(
            f"goal '{goal}' with ZigZag's rules for waiting: those depend on more than the cuts, and only the "
            f"energy is searched under them; use the goal 'energy', or this project's rules."
        )
    found: Mapped | None = None

    def rank(mapped: Mapped) -> tuple[float, float]:
        waiting_j = machine.cycle_energy_j * mapped.cycles if goal == "energy" else 0.0
        return GOALS[goal](mapped) + waiting_j, mapped.cycles

    reason: BnncostError | None = None
    for unrolling, spreads in _distinct(layer, machine):
        factors, merged = factored(spreads, most_factors, most_prefixes)
        tiling = Tiling(layer, spreads, Lattice(factors), conventions.even_edges)
        operands = [Choices(machine, layer, tiling, operand, conventions) for operand in OPERANDS]
        most_j = found.energy_j - found.mac_energy_j if found and not machine.cycle_energy_j else float("inf")
        placed = _placed(operands, goal, most_j * (1 + _ROUNDING))
        if placed is None:
            reason = reason or no_fit(operands)
        if not placed:
            continue
        mapping = _mapping(machine, tiling.lattice, unrolling, placed, layer.name)
        prefixes = int(tiling.lattice.cycles.size)
        mapped = replace(
            priced(operands, mapping), goal=goal, merged=merged, prefixes=prefixes, exact=merged == 0
        )
        if found is None or rank(mapped) < rank(found):
            found = mapped
    if found is None:
        raise reason or BnncostError(f"{machine.name}: the array allows no unrolling.")
    return found


def _distinct(layer: LoopNest, machine: Architecture) -> Iterator[tuple[Unrolling, dict[str, Spread]]]:
    """Yield the unrollings that spread this layer differently."""
    seen: list[dict[str, Spread]] = []
    for unrolling in machine.array.unrollings:
        spreads = dict(spread(layer, unrolling))
        lanes = {
            dim: Spread(loop.extent, tuple(lane for lane in loop.lanes if lane[1] > 1))
            for dim, loop in spreads.items()
        }
        if lanes not in seen:
            seen.append(lanes)
            yield unrolling, spreads


def _placed(operands: Sequence[Choices], goal: str, most_j: float) -> Placed | None:
    """Search one unrolling; None where nothing fits, () where nothing can be as good as what is known."""
    machine, layer, lattice = operands[0].machine, operands[0].layer, operands[0].tiling.lattice
    ends = tuple((len(choices.links), False) for choices in operands)
    problem = Problem(lattice, [choices.all() for choices in operands], ends)
    return solve(problem, machine, layer, goal, most_j)


def _mapping(
    machine: Architecture, lattice: Lattice, unrolling: Unrolling, placed: Placed, name: str
) -> Temporal:
    """Lay the loops out along the chain of cuts.

    Between two cuts any order costs the same; the loops outermost below a cut are those that its operands need,
    so that a tile is used up part by part.
    """
    order: list[Loop] = []
    cuts: dict[str, list[int]] = {operand: [] for operand in OPERANDS}
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
