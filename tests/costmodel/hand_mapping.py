"""One mapping made by hand, small enough to see: 4 x 2 weights of 1 bit over 6 positions, sums of 5 bits.

    for k in 2: for c in 2: for ox in 3: for ox in 2: k side by side on 2 of 3 lanes

A lane keeps a weight over all positions, and an accumulator the 6 sums of its output over both channels; in the end
these are outputs of 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields
from functools import cache
from operator import attrgetter

from costmodel.evaluate.mappings import LayerMapping
from costmodel.mapping import Architecture, Array, Level, LoopNest, Mapped, Port, Temporal, cost_of
from costmodel.mapping.architecture import DIRECTIONS
from costmodel.mapping.nest import BUT_FOR_THE_NAME, OPERANDS, RELEVANT, SUMS
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


Pair = tuple[LoopNest, Architecture]
_ROOM_AND_PRICES = ("size_bits", "read_energy_j", "write_energy_j")
_REST_OF_A_LEVEL = attrgetter(*(field.name for field in fields(Level) if field.name not in _ROOM_AND_PRICES))


@cache
def plain_mappings() -> Callable[[Iterable[Pair]], list[Mapped]]:
    """Map layers in the place of `cached_mappings`, where any mapping will do, of which bits and cycles alone count.

    Machines that differ in nothing but prices, or in room that the layer cannot fill, are mapped once in a process.
    """
    known: dict[Hashable, Mapped] = {}

    def mapped(pair: Pair) -> Mapped:
        alike = _less_prices(*pair)
        if alike not in known:
            known[alike] = plain_mapping(*pair)
        return known[alike]

    return lambda pairs: [mapped(pair) for pair in pairs]


def _less_prices(layer: LoopNest, machine: Architecture) -> Hashable:
    array, widest = machine.array, max(layer.partial_bits, *(layer.bits(operand) for operand in OPERANDS))
    enough = 4 * widest * sum(layer.elements(operand) for operand in OPERANDS)
    levels = tuple((min(level.size_bits, enough), _REST_OF_A_LEVEL(level)) for level in machine.levels)
    wiring = (tuple(array.axes.items()), array.unrollings[0], array.holds, array.systolic)
    return BUT_FOR_THE_NAME(layer), wiring, levels


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
