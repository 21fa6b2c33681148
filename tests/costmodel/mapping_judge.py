"""A slow judge of mappings: it walks the loops step by step and writes down what every buffer holds and exchanges.

It shares no formula with costmodel.mapping: tiles are sets of elements that lanes touched, exchanges are changes of
the loop counters that matter, partial sums are counted by their contributions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, permutations, product

from costmodel.mapping.architecture import Architecture, Unrolling
from costmodel.mapping.nest import LoopNest

DIMS = ("K", "C", "OY", "OX", "FY", "FX", "G")
OPERANDS = ("weights", "features", "sums")
Loop = tuple[str, int]
Element = tuple[int, ...]
Held = dict[object, dict["Element | None", int]]
"""Buffer -> elements, each with the MACs done on it; None is a zero beyond the border."""


def matters(operand: str, dim: str) -> bool:
    if operand == "weights":
        return dim in ("K", "C", "FY", "FX", "G")
    if operand == "sums":
        return dim in ("K", "OY", "OX", "G")
    return dim != "K"


@dataclass
class Stream:
    """Exchanges of one link at one level in one direction at one width."""

    number: int = 0
    elements: int = 0


@dataclass
class Truth:
    """What one link of one operand was seen to do under one cut."""

    streams: dict[tuple[int, str, int], Stream] = field(default_factory=dict)
    inner_largest: int = 0
    outer_largest: int = 0
    tiles_of_a_buffer: int = 0
    all_final: bool = False
    events: list[set[tuple[int, str, int]]] = field(default_factory=list)

    def note(self, level: int | None, direction: str, bits: int, elements: int) -> None:
        if level is not None:
            stream = self.streams.setdefault((level, direction, bits), Stream())
            stream.number, stream.elements = stream.number + 1, stream.elements + elements
            self.events[-1].add((level, direction, bits))


class Walk:
    """One layer on one unrolling: lanes, and the iterations that they do in each step."""

    def __init__(self, layer: LoopNest, unrolling: Unrolling) -> None:
        self.layer = layer
        left = {dim: getattr(layer, dim) for dim in DIMS}
        self.lanes: list[tuple[str, str, int]] = []
        for axis, loops in unrolling:
            for dim, wanted in loops:
                factor = min(wanted, left[dim])
                left[dim] = -(-left[dim] // factor)
                self.lanes.append((axis, dim, factor))
        self.width = {dim: math.prod(f for _, d, f in self.lanes if d == dim) for dim in DIMS}
        self.steps = {dim: -(-getattr(layer, dim) // self.width[dim]) for dim in DIMS}

    def positions(self) -> Iterator[tuple[tuple[tuple[str, int], ...], dict[str, int]]]:
        """Yield every lane: its digits by axis, and its index along each loop."""
        for digits in product(*(range(factor) for _, _, factor in self.lanes)):
            index, scale = {dim: 0 for dim in DIMS}, {dim: 1 for dim in DIMS}
            for digit, (_, dim, factor) in zip(digits, self.lanes, strict=True):
                index[dim] += digit * scale[dim]
                scale[dim] *= factor
            yield tuple((axis, digit) for digit, (axis, _, _) in zip(digits, self.lanes, strict=True)), index

    def element(self, operand: str, at: dict[str, int]) -> Element | None:
        """Name the element that one MAC uses; None is a zero beyond the map's border."""
        if operand == "weights":
            return at["G"], at["K"], at["C"], at["FY"], at["FX"]
        if operand == "sums":
            return at["G"], at["K"], at["OY"], at["OX"]
        place = []
        for axis, (output, tap) in enumerate((("OY", "FY"), ("OX", "FX"))):
            position = at[output] * self.layer.stride[axis] + at[tap] * self.layer.dilation[axis]
            place.append(position - self.layer.padding[axis])
        inside = all(0 <= p < self.layer.axis(axis).length for axis, p in enumerate(place))
        return (at["G"], at["C"], *place) if inside else None


def counters(order: tuple[Loop, ...]) -> Iterator[tuple[int, ...]]:
    """Walk a nest, innermost loop first in `order` and in each tuple of counters."""
    for reversed_counts in product(*(range(factor) for _, factor in reversed(order))):
        yield tuple(reversed(reversed_counts))


def watch(
    walk: Walk, machine: Architecture, order: tuple[Loop, ...], operand: str, number: int, cut: int
) -> Truth:
    """Walk the whole nest and note what crosses one link whose inner buffer keeps the loops below `cut`."""
    layer = walk.layer
    levels = [n for n, level in enumerate(machine.levels) if operand in level.operands]
    outer, inner = levels[number], levels[number - 1] if number else None
    served_outer = set(machine.levels[outer].serves)
    served_inner = set(machine.levels[inner].serves) if inner is not None else set()
    registers = inner is not None or operand in machine.array.holds
    lanes = list(walk.positions())
    truth, total = Truth(), layer.C * layer.FY * layer.FX
    contributions: dict[tuple[str, object, Element], int] = {}
    alone: dict[object, set[object]] = {}
    finals: list[bool] = []

    def flush(tag: object, held: Held, gathered: Held) -> None:
        truth.events.append(set())
        for buffer, elements in held.items():
            real = [e for e in elements if e is not None]
            truth.inner_largest = max(truth.inner_largest, len(real))
            alone.setdefault(buffer, set()).add(tag)
            if operand != "sums":
                truth.note(inner, "fill", layer.bits(operand), len(real))
            else:
                done = contribute("in", buffer, elements)
                truth.note(inner, "drain", layer.output_bits if done else layer.partial_bits, len(real))
        for buffer, elements in gathered.items():
            real = [e for e in elements if e is not None]
            truth.outer_largest = max(truth.outer_largest, len(real))
            if operand != "sums":
                truth.note(outer, "feed", layer.bits(operand), len(real))
                continue
            (again,) = {("out", buffer, e) in contributions for e in real}
            if again:
                truth.note(outer, "feed", layer.partial_bits, len(real))
                truth.note(inner, "fill", layer.partial_bits, len(real))
            done = contribute("out", buffer, elements)
            finals.append(done)
            truth.note(outer, "collect", layer.output_bits if done else layer.partial_bits, len(real))

    def contribute(side: str, buffer: object, elements: dict[Element | None, int]) -> bool:
        for e, macs in elements.items():
            assert e is not None
            contributions[side, buffer, e] = contributions.get((side, buffer, e), 0) + macs
        (done,) = {contributions[side, buffer, e] == total for e in elements if e is not None}
        return done

    tag: object = None
    held: Held = {}
    gathered: Held = {}
    for counts in counters(order):
        outside = [
            (n, c)
            for n, (c, (dim, _)) in enumerate(zip(counts, order, strict=True))
            if n >= cut and matters(operand, dim)
        ]
        new: object = tuple(outside) if registers else counts
        if tag is not None and new != tag:
            flush(tag, held, gathered)
            held, gathered = {}, {}
        tag = new
        step = {dim: 0 for dim in DIMS}
        scale = {dim: 1 for dim in DIMS}
        for count, (dim, factor) in zip(counts, order, strict=True):
            step[dim] += count * scale[dim]
            scale[dim] *= factor
        for digits, index in lanes:
            at = {dim: step[dim] * walk.width[dim] + index[dim] for dim in DIMS}
            if any(at[dim] >= getattr(layer, dim) for dim in DIMS):
                continue
            e = walk.element(operand, at)
            mine = held.setdefault(tuple(d for d in digits if d[0] not in served_inner), {})
            mine[e] = mine.get(e, 0) + 1
            ours = gathered.setdefault(tuple(d for d in digits if d[0] not in served_outer), {})
            ours[e] = ours.get(e, 0) + 1
    flush(tag, held, gathered)
    truth.tiles_of_a_buffer = max(len(tags) for tags in alone.values())
    truth.all_final = operand == "sums" and all(finals)
    return truth


def energy(truth: Truth, machine: Architecture, operand: str) -> float:
    """Price a link: each exchange moves whole pieces of its average size."""
    joules = 0.0
    for (level_number, direction, bits), stream in truth.streams.items():
        level = machine.levels[level_number]
        (port,) = [port for port in level.ports if (operand, direction) in port.uses]
        cost = level.write_energy_j if direction in ("fill", "collect") else level.read_energy_j
        moved: float = stream.elements * bits
        if port.least_bits > 1:
            moved = (
                stream.number * port.least_bits * math.ceil(moved / stream.number / port.least_bits - 1e-9)
            )
        joules += moved / level.energy_bits * cost
    return joules


def held_bits(
    truth: Truth, machine: Architecture, layer: LoopNest, operand: str, number: int, final: bool
) -> int:
    """Bits that a link's inner level must have room for."""
    levels = [level for level in machine.levels if operand in level.operands]
    bits = widest(layer, operand, final)
    copies = 2 if levels[number - 1].double_buffered and truth.tiles_of_a_buffer > 1 else 1
    return truth.inner_largest * bits * copies


def widest(layer: LoopNest, operand: str, final: bool) -> int:
    """Width of the widest element of an operand that ever lies where only final values arrive, or others too."""
    if operand == "sums" and not final:
        return max(layer.partial_bits, layer.output_bits)
    return layer.bits(operand)


@dataclass(frozen=True)
class Case:
    """A layer, a machine and one of its unrollings, with what was watched so far."""

    layer: LoopNest
    machine: Architecture
    unrolling: Unrolling

    def levels(self, operand: str) -> list[int]:
        return [n for n, level in enumerate(self.machine.levels) if operand in level.operands]


Passage = tuple[dict[tuple[int, str], float], dict[tuple[int, str], float], float]
"""By port, what exchanges make the array wait and how long they take; and the first or last tile's passage."""


def passage(case: Case, order: tuple[Loop, ...], operand: str, number: int, truth: Truth) -> Passage:
    """Let every exchange but the first (outputs: the last) stall the array for what its buffer cannot hide."""
    levels, machine = case.levels(operand), case.machine
    inner = levels[number - 1] if number else None
    hidden = math.prod(factor for _, factor in order) / len(truth.events)
    if inner is not None and not machine.levels[inner].double_buffered:
        hidden = 1.0
    stalls: dict[tuple[int, str], float] = {}
    busy: dict[tuple[int, str], float] = {}
    ends = 0.0
    for when, event in enumerate(truth.events):
        for level, direction, bits in event:
            beside = when == 0
            if operand == "sums":
                beside = direction in ("collect", "drain") and when == len(truth.events) - 1
            largest = truth.outer_largest if level == levels[number] else truth.inner_largest
            (port,) = [p for p in machine.levels[level].ports if (operand, direction) in p.uses]
            takes = math.ceil(largest * bits / port.width_bits - 1e-9)
            key = (level, port.name)
            if beside:
                ends = max(ends, takes if inner is not None else 0.0)
            else:
                stalls[key] = stalls.get(key, 0.0) + max(0.0, takes - hidden)
                busy[key] = busy.get(key, 0.0) + takes
    return stalls, busy, ends


def latency(order: tuple[Loop, ...], passages: list[Passage]) -> float:
    """The slowest port counts; first and last tiles pass one after another."""
    steps = math.prod(factor for _, factor in order)
    waits = [0.0]
    for which, free in ((0, 0), (1, steps)):
        total: dict[tuple[int, str], float] = {}
        for each in passages:
            for port, cycles in each[which].items():  # type: ignore[union-attr]
                total[port] = total.get(port, 0.0) + cycles
        waits += [cycles - free for cycles in total.values()]
    return steps + max(waits) + sum(each[2] for each in passages)


def judge(case: Case, order: tuple[Loop, ...], cuts: dict[str, tuple[int, ...]]) -> tuple[float, float, bool]:
    """Watch one mapping: its energy without MACs, its latency, and whether all tiles fit."""
    walk = Walk(case.layer, case.unrolling)
    truths = {
        (operand, number): watch(walk, case.machine, order, operand, number, cut)
        for operand, some in cuts.items()
        for number, cut in enumerate(some)
    }
    joules = sum(energy(truth, case.machine, operand) for (operand, _), truth in truths.items())
    passages = [passage(case, order, *link, truth) for link, truth in truths.items()]
    return (
        joules,
        latency(order, passages),
        fits(case, truths, [whole(case, operand) for operand in OPERANDS]),
    )


def whole(case: Case, operand: str) -> int:
    """Elements of an operand that the layer uses."""
    walk = Walk(case.layer, ())
    ranges = [range(getattr(case.layer, dim)) for dim in DIMS]
    used = {walk.element(operand, dict(zip(DIMS, at, strict=True))) for at in product(*ranges)}
    return len(used - {None})


def fits(case: Case, truths: dict[tuple[str, int], Truth], wholes: list[int]) -> bool:
    held = [0] * len(case.machine.levels)
    for (operand, number), truth in truths.items():
        levels = case.levels(operand)
        if number:
            final = truths[operand, number - 1].all_final
            held[levels[number - 1]] += held_bits(truth, case.machine, case.layer, operand, number, final)
        if number == len(levels) - 1:
            bits = widest(case.layer, operand, truth.all_final)
            held[levels[number]] += wholes[OPERANDS.index(operand)] * bits
    return all(bits <= level.size_bits for bits, level in zip(held, case.machine.levels, strict=True))


def prime_loops(walk: Walk) -> list[Loop]:
    loops = []
    for dim in DIMS:
        left, divisor = walk.steps[dim], 2
        while left > 1:
            while left % divisor == 0:
                loops.append((dim, divisor))
                left //= divisor
            divisor += 1
    return loops


def best_of_all(case: Case) -> dict[str, float]:
    """Try every order with every allocation: the least energy, latency and product; infinite if none fits."""
    walk = Walk(case.layer, case.unrolling)
    macs = case.layer.macs * case.machine.mac_energy_j
    best = {"energy": math.inf, "latency": math.inf, "product": math.inf}
    wholes = [whole(case, operand) for operand in OPERANDS]
    for order in set(permutations(prime_loops(walk))):
        seen: dict[tuple[str, int, int], tuple[Truth, float, Passage]] = {}
        options = []
        for operand in OPERANDS:
            links = len(case.levels(operand))
            first = 0
            if operand in case.machine.array.holds:
                while first < len(order) and not matters(operand, order[first][0]):
                    first += 1
            for number in range(links):
                for cut in range(len(order) + 1 if number else first + 1):
                    truth = watch(walk, case.machine, order, operand, number, cut)
                    seen[operand, number, cut] = (
                        truth,
                        energy(truth, case.machine, operand),
                        passage(case, order, operand, number, truth),
                    )
            every = combinations_with_replacement(range(len(order) + 1), links)
            options.append([cuts for cuts in every if cuts[0] <= first])
        for chosen in product(*options):
            keys = [
                (op, n, cut) for op, cuts in zip(OPERANDS, chosen, strict=True) for n, cut in enumerate(cuts)
            ]
            joules = macs + sum(seen[key][1] for key in keys)
            cycles = latency(order, [seen[key][2] for key in keys])
            values = {"energy": joules, "latency": cycles, "product": joules * cycles}
            better = [goal for goal, value in values.items() if value < best[goal]]
            if better and fits(case, {key[:2]: seen[key][0] for key in keys}, wholes):
                best |= {goal: values[goal] for goal in better}
    return best
