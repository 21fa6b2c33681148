"""One mapping made by hand, small enough to see: 4 x 2 weights of 1 bit over 6 positions, sums of 5 bits.

    for k in 2: for c in 2: for ox in 3: for ox in 2: k side by side on 2 of 3 lanes

A lane keeps a weight over all positions, and an accumulator the 6 sums of its output over both channels; in the end
these are outputs of 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, prod

from mapping_judge import widest

from costmodel.evaluate.mappings import LayerMapping
from costmodel.mapping import Architecture, Array, Level, LoopNest, Mapped, Port, Temporal, cost_of
from costmodel.mapping.architecture import DIRECTIONS
from costmodel.mapping.mapped import Latency, OperandTraffic
from costmodel.mapping.nest import FEATURES, OPERANDS, RELEVANT, SUMS
from costmodel.mapping.search.lattice import spread_loops
from costmodel.mapping.search.links import links_of

LAYER = LoopNest("by hand", K=4, C=2, OX=6, weight_bits=1, feature_bits=2, partial_bits=5, output_bits=8)
CAPACITY = {"registers": 1.0, "accumulators": 64.0, "sram": 1024.0}


def _level(
    name: str, operands: tuple[str, ...], serves: tuple[str, ...], read_pj: float, write_pj: float
) -> Level:
    uses = frozenset((operand, way) for operand in operands for way in DIRECTIONS)
    size = int(CAPACITY[name])
    return Level(name, size, operands, serves, read_pj * 1e-12, write_pj * 1e-12, (Port("port", 64, uses),))


def by_hand() -> Mapped:
    machine = Architecture(
        "toy",
        Array({"lanes": 3}, ((("lanes", (("K", 2),)),),)),
        (
            _level("registers", ("weights",), (), 0.0, 0.0),
            _level("accumulators", ("sums",), (), 1.0, 2.0),
            _level("sram", ("weights", "features", "sums"), ("lanes",), 10.0, 20.0),
        ),
    )
    order = (("OX", 2), ("OX", 3), ("C", 2), ("K", 2))
    cuts = {"weights": (2, 2), "features": (0,), "sums": (0, 3)}
    return cost_of(LAYER, machine, Temporal(machine.array.unrollings[0], order, cuts))


def layer_mapping(share: float = 1.0, *, timed: bool = True) -> LayerMapping:
    mapped = by_hand()
    return LayerMapping(
        "by hand", "1x2", share, "sram", "sram", False, mapped, mapped.moved, CAPACITY, timed
    )  # fmt: skip


def made_up_mappings(pairs: Iterable[tuple[LoopNest, Architecture]]) -> list[Mapped]:
    """Map layers in the place of `cached_mappings`, where any bits and cycles will do; each layer has a mapping."""
    made = []
    for layer, machine in pairs:
        assert surely_fits(layer, machine), (layer, machine)
        made.append(_made_up(layer, machine))
    return made


def surely_fits(layer: LoopNest, machine: Architecture) -> bool:
    """Whether each level has room for what lies there whole, and of all else for what its lanes use at once."""
    axes = dict(machine.array.unrollings[0])
    taken = [0] * len(machine.levels)
    for operand, numbers in machine.hierarchy.items():
        taken[numbers[-1]] += layer.elements(operand) * layer.bits(operand)
        width = widest(layer, operand, final=False)
        for number in numbers[:-1]:
            level = machine.levels[number]
            loops = (loop for axis in level.serves for loop in axes.get(axis, ()))
            at_once = prod(
                min(factor, layer.extent(dim)) for dim, factor in loops if dim in RELEVANT[operand]
            )
            taken[number] += at_once * width * (2 if level.double_buffered else 1)
    return all(bits <= level.size_bits for bits, level in zip(taken, machine.levels, strict=True))


WAYS = {
    (False, False): ("feed", "fill"),
    (False, True): ("feed",),
    (True, False): ("collect", "drain"),
    (True, True): (),
}
"""By whether it is sums that move and whether they are at home, which the sums of designs leave without a bit."""


def _made_up(layer: LoopNest, machine: Architecture) -> Mapped:
    """Every operand passes each of its levels more often than the one outside; half of the layers read maps twice."""
    moved = []
    for operand, numbers in machine.hierarchy.items():
        width = layer.partial_bits if operand == SUMS else layer.bits(operand)
        at_home = 1 + (layer.K.bit_length() % 2 if operand == FEATURES else 0)  # widths are powers of two
        for often, number in enumerate(reversed(numbers), at_home):
            bits = float(often * layer.elements(operand) * width)
            ways = WAYS[operand == SUMS, number == numbers[-1]]
            moved += [
                OperandTraffic(machine.levels[number].name, operand, way, bits, bits, 0.0) for way in ways
            ]
    steps = float(ceil(layer.macs / prod(machine.array.axes.values())))
    return Mapped(layer, machine, Temporal((), (), {}), tuple(moved), Latency(steps, steps / 8, 2.0, 3.0, {}))


def plain_mapping(layer: LoopNest, machine: Architecture) -> Mapped:
    """Map a layer without a search: one sum after the other is finished, and every input is read where it lies."""
    unrolling = machine.array.unrollings[0]
    steps = ((dim, loop.steps) for dim, loop in dict(spread_loops(layer, unrolling)).items())
    order = tuple(sorted((loop for loop in steps if loop[1] > 1), key=lambda loop: loop[0] in RELEVANT[SUMS]))
    summed = sum(dim not in RELEVANT[SUMS] for dim, _ in order)
    cuts = {operand: (0,) * len(links_of(machine, operand)) for operand in OPERANDS}
    cuts[SUMS] = tuple(
        0 if link.inner is None and SUMS not in machine.array.holds else summed
        for link in links_of(machine, SUMS)
    )
    return cost_of(layer, machine, Temporal(unrolling, order, cuts))
