"""The best mapping of a layer on a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from costmodel.errors import BnncostError, unknown
from costmodel.mapping.architecture import Architecture, Unrolling
from costmodel.mapping.choices import Choice, Choices
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.evaluate import closed, priced
from costmodel.mapping.fitting import no_fit
from costmodel.mapping.goals import GOALS, solve
from costmodel.mapping.lattice import Lattice, factored, spread
from costmodel.mapping.mapped import Loop, Mapped, Temporal
from costmodel.mapping.nest import OPERANDS, RELEVANT, LoopNest
from costmodel.mapping.search import Placed, Problem
from costmodel.mapping.tiles import Tiling

MOST_FACTORS = 24
MOST_PREFIXES = 100_000


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
    for unrolling in machine.array.unrollings:
        spreads = dict(spread(layer, unrolling))
        factors, merged = factored(spreads, most_factors, most_prefixes)
        tiling = Tiling(layer, spreads, Lattice(factors), conventions.even_edges)
        operands = [Choices(machine, layer, tiling, operand, conventions) for operand in OPERANDS]
        mapping = _best_on(operands, unrolling, goal)
        if mapping is None:
            reason = reason or no_fit(operands)
            continue
        prefixes = int(tiling.lattice.cycles.size)
        mapped = replace(
            priced(operands, mapping), goal=goal, merged=merged, prefixes=prefixes, exact=merged == 0
        )
        if found is None or rank(mapped) < rank(found):
            found = mapped
    if found is None:
        raise reason or BnncostError(f"{machine.name}: the array allows no unrolling.")
    return found


def _best_on(operands: Sequence[Choices], unrolling: Unrolling, goal: str) -> Temporal | None:
    """Search one unrolling; None where nothing fits."""
    machine, layer, lattice = operands[0].machine, operands[0].layer, operands[0].tiling.lattice
    ends = tuple((len(choices.links), False) for choices in operands)
    placed = solve(Problem(lattice, [choices.all() for choices in operands], ends), machine, layer, goal)
    return None if placed is None else _mapping(machine, lattice, unrolling, placed, layer.name)


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
