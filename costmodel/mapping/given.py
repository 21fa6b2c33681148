"""The cost of one given mapping, from the same formulas that the search minimises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from costmodel.errors import BnncostError, unknown
from costmodel.mapping.architecture import Architecture
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.mapped import Latency, Loop, Mapped, OperandTraffic, Temporal
from costmodel.mapping.nest import DIMS, FEATURES, OPERANDS, RELEVANT, SUMS, WEIGHTS, LoopNest, Operand
from costmodel.mapping.search.choices import Choices
from costmodel.mapping.search.lattice import Lattice, spread_loops
from costmodel.mapping.search.links import Link, joules_per_word, links_of, moved_at
from costmodel.mapping.search.tiles import Tiling
from costmodel.mapping.zigzag.waiting import zigzag_latency

Point = tuple[int, ...]


def cost_of(
    layer: LoopNest, machine: Architecture, mapping: Temporal, conventions: Conventions = OURS
) -> Mapped:
    """Price a mapping; loops that reuse an operand and lie just outside a cut count as inside it.

    Raises BnncostError where the mapping is none of this layer, or a level cannot hold its tiles.
    """
    order = tuple((dim, factor) for dim, factor in mapping.order if factor > 1)
    if len(order) < len(mapping.order):
        raise BnncostError(f"layer '{layer.name}': a loop of 1 in the order does nothing; leave it out.")
    spreads = dict(spread_loops(layer, mapping.unrolling))
    for dim, _ in order:
        if dim not in DIMS:
            raise unknown("loop", dim, DIMS, f"layer '{layer.name}'")
    for dim, steps in ((dim, spreads[dim].steps) for dim in DIMS):
        if (given := prod(factor for name, factor in order if name == dim)) != steps:
            raise BnncostError(
                f"layer '{layer.name}': the order steps {given} times along {dim}; it needs {steps}."
            )
    lattice = Lattice({dim: [factor for name, factor in order if name == dim] for dim in DIMS})
    tiling = Tiling(layer, spreads, lattice, conventions.even_edges)
    cuts = {
        operand: closed(machine, order, operand, mapping.cuts[operand], layer.name) for operand in OPERANDS
    }
    return mapped_by(machine, layer, tiling, Temporal(mapping.unrolling, order, cuts), conventions)


def closed(
    machine: Architecture, order: tuple[Loop, ...], operand: Operand, cuts: tuple[int, ...], place: str
) -> tuple[int, ...]:
    """Move each cut outwards over loops that leave the operand's tile as it is."""
    links = links_of(machine, operand)
    if len(cuts) != len(links) or any(a > b for a, b in zip(cuts, (*cuts[1:], len(order)), strict=True)):
        raise BnncostError(
            f"layer '{place}': cuts {cuts} of {operand} must be {len(links)} numbers that rise to at most {len(order)}."
        )
    moved: list[int] = []
    for link, cut in zip(links, cuts, strict=True):
        if link.inner is None and any(dim in RELEVANT[operand] for dim, _ in order[:cut]):
            raise BnncostError(
                f"layer '{place}': a lane holds one element of {operand}, but its cut is at {cut}."
            )
        if link.inner is None and operand not in machine.array.holds:
            if cut:
                raise BnncostError(
                    f"layer '{place}': the lanes hold no {operand}, but its first cut is at {cut}."
                )
            moved.append(cut)
            continue
        while cut < len(order) and order[cut][0] not in RELEVANT[operand]:
            cut += 1
        moved.append(cut)
    return tuple(moved)


def mapped_by(
    machine: Architecture, layer: LoopNest, tiling: Tiling, mapping: Temporal, conventions: Conventions
) -> Mapped:
    """Read the tables at the mapping's prefixes."""
    return mapped_from(
        [Choices(machine, layer, tiling, operand, conventions) for operand in OPERANDS], mapping
    )


def mapped_from(operands: Sequence[Choices], mapping: Temporal) -> Mapped:
    """Read tables that are already there."""
    machine, layer, tiling = operands[0].machine, operands[0].layer, operands[0].tiling
    rows: list[OperandTraffic] = []
    placed: list[tuple[Choices, int, Point]] = []
    held = [0.0] * len(machine.levels)
    for choices in operands:
        for link, point, levels in at_cuts(choices, mapping):
            rows += _rows(choices, link.number, point)
            placed.append((choices, link.number, point))
            for number, bits in levels:
                held[number] += bits
    for level, taken in zip(machine.levels, held, strict=True):
        if taken > level.size_bits:
            raise BnncostError(
                f"layer '{layer.name}': level '{level.name}' of {machine.name} lacks "
                f"{taken - level.size_bits:.0f} bits: the tiles take {taken:.0f}, it has {level.size_bits}."
            )
    if operands[0].rules.opportunistic:
        latency = zigzag_latency(machine, layer, tiling, mapping)
    else:
        latency = _latency(machine, tiling.lattice, placed)
    return Mapped(layer, machine, mapping, tuple(rows), latency)


def at_cuts(
    choices: Choices, mapping: Temporal
) -> Iterator[tuple[Link, Point, tuple[tuple[int, float], ...]]]:
    """Yield each link of an operand with the prefix at its cut, and what levels must hold for it: (level, bits)."""
    lattice, final = choices.tiling.lattice, False
    for link, cut in zip(choices.links, mapping.cuts[choices.operand], strict=True):
        point = lattice.point(mapping.order[:cut])
        ends_final = bool(lattice.at(choices.finished[link.number], point))
        held = (*choices.resident(link, final), *choices.home(link, ends_final))
        yield link, point, tuple((number, lattice.at(bits, point)) for number, bits in held)
        final = ends_final


def _rows(choices: Choices, number: int, point: Point) -> list[OperandTraffic]:
    total: dict[tuple[int, str], list[float]] = {}
    machine = choices.machine
    for stream in choices.streams(number):
        elements, accesses = moved_at(machine, stream, choices.operand, choices.tiling.lattice, point)
        sums = total.setdefault((stream.level, stream.direction), [0.0, 0.0, 0.0])
        sums[0] += elements * stream.bits
        sums[1] += accesses
        sums[2] += accesses * joules_per_word(machine, stream)
    return [
        OperandTraffic(machine.levels[level].name, choices.operand, direction, *sums)
        for (level, direction), sums in total.items()
        if sums[0]
    ]


def _latency(machine: Architecture, lattice: Lattice, placed: list[tuple[Choices, int, Point]]) -> Latency:
    """Combine the links: the slowest port counts; first and last tiles pass one after another.

    A port makes the array wait for what its exchanges cannot hide, and at least for what it is busy longer than
    the array.
    """
    stalls: dict[tuple[int, int], float] = {}
    busy: dict[tuple[int, int], float] = {}
    ends = {operand: 0.0 for operand in OPERANDS}
    for choices, number, point in placed:
        waiting = choices.waiting(number)
        for total, added in ((stalls, waiting.stalls), (busy, waiting.busy)):
            for port, cycles in added.items():
                total[port] = total.get(port, 0.0) + lattice.at(cycles, point)
        ends[choices.operand] += lattice.at(waiting.ends, point)
    ports = {
        f"{machine.levels[level].name}.{machine.levels[level].ports[number].name}": max(
            stall, busy[level, number] - lattice.steps, 0.0
        )
        for (level, number), stall in stalls.items()
    }
    return Latency(
        lattice.steps, max(ports.values(), default=0.0), ends[WEIGHTS] + ends[FEATURES], ends[SUMS], ports
    )
