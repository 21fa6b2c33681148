"""A mapping as it is shown: loops in time, which tile lies where over which of them, and the lanes in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from costmodel.mapping.conventions import OURS
from costmodel.mapping.given import at_cuts
from costmodel.mapping.mapped import Mapped, OperandTraffic
from costmodel.mapping.nest import DIMS, FEATURES, OPERANDS, SUMS, WEIGHTS, Operand
from costmodel.mapping.search.choices import Choices
from costmodel.mapping.search.lattice import Lattice, spread_loops
from costmodel.mapping.search.tiles import Tiling

WORDS = {WEIGHTS: "weights", FEATURES: "features", SUMS: "partial sums"}


@dataclass(frozen=True, slots=True)
class Step:
    """A loop in time; factors of one loop that no tile's edge parts are one step."""

    dim: str
    times: int


@dataclass(frozen=True, slots=True)
class Tile:
    """The tile of an operand in one level: it stays while the steps from number `depth` on run.

    `bits` is the largest that one of the `instances` in use holds [bit]; `whole` says that it is all of the operand,
    `twice` that there is room for the next one beside it, which `bits` then counts.
    """

    operand: Operand
    level: str
    depth: int
    bits: float
    instances: int
    whole: bool
    twice: bool


@dataclass(frozen=True, slots=True)
class AxisLanes:
    """One axis of the array: its lanes, and the loops that run along it side by side."""

    axis: str
    lanes: int
    loops: tuple[tuple[str, int], ...]

    @property
    def used(self) -> int:
        """Lanes that have work in a full step."""
        return prod(factor for _, factor in self.loops)


@dataclass(frozen=True, slots=True)
class Outline:
    """A mapping: steps from the outermost on, tiles by operand from its home inwards, and the array.

    `utilisation` is the share of all lanes that work, on average over the steps. Levels that an operand
    passes by are left out.
    """

    steps: tuple[Step, ...]
    tiles: tuple[Tile, ...]
    axes: tuple[AxisLanes, ...]
    utilisation: float

    def lines(self) -> list[str]:
        """Write the nest, outermost loop first, each tile where it begins."""
        lines = []
        for depth in range(len(self.steps) + 1):
            indent = "  " * depth
            lines += [indent + _tile_text(tile) for tile in self.tiles if tile.depth == depth]
            if depth < len(self.steps):
                step = self.steps[depth]
                lines.append(f"{indent}for {step.dim.lower()} in {step.times:,}:")
        indent = "  " * len(self.steps)
        for axis in self.axes:
            lines += [
                f"{indent}parallel for {dim.lower()} in {factor:,}  # along {axis.axis}"
                for dim, factor in axis.loops
            ]
        used, lanes = prod(axis.used for axis in self.axes), prod(axis.lanes for axis in self.axes)
        lines.append(
            f"{indent}mac  # on {used:,} of {lanes:,} lanes, {100 * self.utilisation:.0f} % over all steps"
        )
        return lines


def _tile_text(tile: Tile) -> str:
    each = f" in each of {tile.instances:,}" if tile.instances > 1 else ""
    whole = ", all of them" if tile.whole else ""
    twice = ", double buffered" if tile.twice else ""
    return f"# {WORDS[tile.operand]} in {tile.level}: {tile.bits:,.0f} bit{each}{whole}{twice}"


def nest_text(mapped: Mapped) -> str:
    """Write a mapping as nested loops, outermost first, with each operand's tile where it begins to stay in a level."""
    return "\n".join(
        [f"{mapped.layer.name} on {mapped.machine.name}: {mapped.note}", *outline(mapped).lines()]
    )


def outline(mapped: Mapped, moved: Sequence[OperandTraffic] | None = None) -> Outline:
    """Put in order what there is to show of a mapping; levels that move nothing (of `moved`, if given) are left out."""
    order, machine = mapped.mapping.order, mapped.machine
    used = {(row.level, row.operand) for row in (mapped.moved if moved is None else moved)}
    kept = {
        operand: [(n, cut) for n, cut in _cuts(mapped, operand) if (machine.levels[n].name, operand) in used]
        for operand in OPERANDS
    }
    edges = {cut for cuts in kept.values() for _, cut in cuts}
    steps, depth_of = _steps(order, edges)
    held = _held(mapped)
    tiles = []
    for operand, cuts in kept.items():
        for number, cut in reversed(cuts):
            level = machine.levels[number]
            tiles.append(
                Tile(
                    operand, level.name, depth_of[cut], held[operand, number], _instances(mapped, level.serves),
                    number == machine.hierarchy[operand][-1],
                    level.double_buffered and number != machine.hierarchy[operand][-1],
                )
            )  # fmt: skip
    along = _along(mapped)
    axes = tuple(AxisLanes(axis, lanes, along.get(axis, ())) for axis, lanes in machine.array.axes.items())
    lanes = prod(machine.array.axes.values())
    return Outline(steps, tuple(tiles), axes, mapped.layer.macs / (mapped.latency.steps * lanes))


def _cuts(mapped: Mapped, operand: Operand) -> list[tuple[int, int]]:
    """Each level of an operand from the inside out, with the number of loops that run while its tile stays."""
    ends = (*mapped.mapping.cuts[operand][1:], len(mapped.mapping.order))
    return list(zip(mapped.machine.hierarchy[operand], ends, strict=True))


def _steps(order: tuple[tuple[str, int], ...], edges: set[int]) -> tuple[tuple[Step, ...], dict[int, int]]:
    """Join the factors of a loop between edges; also, of every edge, how many steps are outside it.

    >>> _steps((("OX", 2), ("OX", 3), ("K", 2), ("K", 2)), {0, 3, 4})
    ((Step(dim='K', times=2), Step(dim='K', times=2), Step(dim='OX', times=6)), {4: 0, 3: 1, 0: 3})
    """
    steps: list[Step] = []
    depth_of = {len(order): 0}
    for place in range(len(order), 0, -1):
        dim, factor = order[place - 1]
        if steps and steps[-1].dim == dim and place not in edges:
            steps[-1] = Step(dim, steps[-1].times * factor)
        else:
            steps.append(Step(dim, factor))
        if place - 1 in edges:
            depth_of[place - 1] = len(steps)
    return tuple(steps), depth_of


def _instances(mapped: Mapped, serves: tuple[str, ...]) -> int:
    """How many instances of a level have work: one for each lane in use along the axes that it does not serve."""
    apart = [loops for axis, loops in _along(mapped).items() if axis not in serves]
    return prod(factor for loops in apart for _, factor in loops)


def _along(mapped: Mapped) -> dict[str, tuple[tuple[str, int], ...]]:
    """Loops along each axis with the lanes that they take, no more than they have iterations."""
    spreads = spread_loops(mapped.layer, mapped.mapping.unrolling)
    taken = {dim: dict(one.lanes) for dim, one in spreads.items()}
    return {
        axis: tuple((dim, taken[dim][axis]) for dim, _ in loops if taken[dim][axis] > 1)
        for axis, loops in mapped.mapping.unrolling
    }


def _held(mapped: Mapped) -> dict[tuple[Operand, int], float]:
    """Bits that one instance of each level holds of each operand: its largest tile, or the whole at home."""
    layer, mapping = mapped.layer, mapped.mapping
    spreads = dict(spread_loops(layer, mapping.unrolling))
    lattice = Lattice({dim: [factor for name, factor in mapping.order if name == dim] for dim in DIMS})
    tiling = Tiling(layer, spreads, lattice)
    held: dict[tuple[Operand, int], float] = {}
    for operand in OPERANDS:
        choices = Choices(mapped.machine, layer, tiling, operand, OURS)
        for _, _, levels in at_cuts(choices, mapping):
            held |= {(operand, number): bits for number, bits in levels}
    return held
