"""ZigZag's accelerator files as machines to map layers on.

What is taken over, what is not, and why some files are refused is in docs/mapping.md, "Importing".
"""

from __future__ import annotations

import os
from itertools import product

from costmodel.importers.zigzag_read import read_accelerator, read_mapping
from costmodel.importers.zigzag_rules import served_axes
from costmodel.importers.zigzag_schema import DIRECTION_OF, AcceleratorFile, MappingEntry, MemoryEntry
from costmodel.mapping import Architecture, Array, Level, Port
from costmodel.mapping.architecture import Unrolling
from costmodel.mapping.nest import DIMS, FEATURES, SUMS, WEIGHTS, Operand

PJ = 1e-12
DEFAULT = "default"


def architecture_of(
    path: str | os.PathLike[str], mapping: str | os.PathLike[str] | None = None, entry: str = DEFAULT
) -> Architecture:
    """Read an accelerator of ZigZag 3.9.1 with the unrollings of an entry of a mapping file.

    An axis that the mapping leaves open may take each loop of its hint, or each loop at all; no loop then lies on
    two such axes. Raises BnncostError with every problem of a file, one a line.
    """
    accelerator = read_accelerator(path)
    given = (
        MappingEntry.model_validate({"name": DEFAULT})
        if mapping is None
        else read_mapping(mapping, accelerator, entry)
    )
    return machine_from(accelerator, given)


def machine_from(accelerator: AcceleratorFile, mapping: MappingEntry) -> Architecture:
    """Turn the read files into a machine; energies from pJ to J."""
    entry = accelerator.operational_array
    links = mapping.memory_operand_links
    operands = {links.W: WEIGHTS, links.I: FEATURES, links.O: SUMS}
    axes = dict(zip(entry.dimensions, entry.sizes, strict=True))
    array = Array(axes, _unrollings(axes, mapping), systolic=entry.systolic_dimensions)
    served = served_axes(accelerator)
    levels = tuple(
        _level(
            name, memory, operands, tuple(axis for axis in axes if axis in next(iter(served[name].values())))
        )
        for name, memory in accelerator.memories.items()
        if served[name]
    )
    return Architecture(accelerator.name, array, levels, entry.unit_energy * PJ)


def _unrollings(axes: dict[str, int], mapping: MappingEntry) -> tuple[Unrolling, ...]:
    given = {axis: _limited(loops, axes[axis]) for axis, loops in mapping.spatial_mapping.items() if loops}
    free = [axis for axis in axes if axis not in given]
    hinted = [mapping.spatial_mapping_hint.get(axis, DIMS) for axis in free]
    unrollings = []
    for loops in product(*hinted):
        if len(set(loops)) == len(loops):
            chosen = given | {axis: ((loop, axes[axis]),) for axis, loop in zip(free, loops, strict=True)}
            unrollings.append(tuple((axis, chosen[axis]) for axis in axes))
    return tuple(dict.fromkeys(unrollings))


def _limited(loops: tuple[tuple[str, int], ...], lanes: int) -> tuple[tuple[str, int], ...]:
    """Let a single loop take no more lanes than there are, as ZigZag does."""
    return tuple((dim, min(factor, lanes)) for dim, factor in loops)


def _level(name: str, memory: MemoryEntry, operands: dict[str, Operand], serves: tuple[str, ...]) -> Level:
    """One memory; of two ports that name the same operand and direction, ZigZag uses the last."""
    port_of = {use: number for number, port in enumerate(memory.ports) for use in port.allocation}
    widths = {memory.ports[number].bandwidth_max for number in port_of.values()}
    alike = len(widths) == 1
    ports = tuple(
        Port(
            port.name,
            port.bandwidth_max,
            frozenset((operands[o], DIRECTION_OF[d]) for (o, d), taken in port_of.items() if taken == number),
            port.bandwidth_min,
            0 if alike else port.bandwidth_max,
        )
        for number, port in enumerate(memory.ports)
        if number in port_of.values()
    )
    return Level(
        name,
        memory.size,
        tuple(operands[operand] for operand in memory.operands),
        serves,
        memory.r_cost * PJ,
        memory.w_cost * PJ,
        ports,
        widths.pop() if alike else 1,
        memory.force_double_buffering,
    )
