"""What the parts of ZigZag's files must agree on, and what a machine of this project cannot say."""

from __future__ import annotations

from math import prod

from costmodel.hardware.text.problem import Findings, Path
from costmodel.hardware.text.quantity import unknown_name
from costmodel.importers.zigzag_schema import (
    DIRECTION_OF,
    MEMORY_OPERANDS,
    AcceleratorFile,
    ArrayEntry,
    MappingEntry,
    MemoryEntry,
)
from costmodel.mapping.architecture import READ_OR_WRITE


def accelerator_problems(given: AcceleratorFile) -> Findings:
    """Every breach of a rule between the parts of an accelerator file, as the place and a sentence."""
    yield from _array_problems(given.operational_array)
    axes = given.operational_array.dimensions
    for name, memory in given.memories.items():
        place: Path = ("memories", name)
        for key in ("operands", "served_dimensions"):
            listed = getattr(memory, key)
            if twice := [item for number, item in enumerate(listed) if item in listed[:number]]:
                yield (*place, key), f"lists {twice[0]} twice; list it once"
        for axis in memory.served_dimensions:
            if axis not in axes:
                yield (*place, "served_dimensions"), unknown_name("axis", axis, axes)
        if memory.auto_cost_extraction:
            yield (
                (*place, "auto_cost_extraction"),
                "is true: ZigZag would replace r_cost and w_cost by CACTI's; write CACTI's figures there and set false",
            )
        yield from _port_problems(place, memory)
    for operand in MEMORY_OPERANDS:
        yield from _hierarchy_problems(given, operand)
    yield from _served_problems(given)


def _array_problems(array: ArrayEntry) -> Findings:
    place: Path = ("operational_array",)
    if not array.dimensions:
        yield (*place, "dimensions"), "must not be empty: an array has at least one axis"
    if len(array.dimensions) != len(array.sizes):
        yield (
            (*place, "sizes"),
            f"has {len(array.sizes)} entries, but there are {len(array.dimensions)} dimensions; give one size for each",
        )
    if len(set(array.dimensions)) < len(array.dimensions):
        yield (*place, "dimensions"), "names an axis twice"
    for axis in array.systolic_dimensions:
        if axis not in array.dimensions:
            yield (*place, "systolic_dimensions"), unknown_name("axis", axis, array.dimensions)
    for name in ("imc_type", "adc_resolution", "bit_serial_precision"):
        if getattr(array, name):
            yield (*place, name), "is only for in-memory computing; delete it, since is_imc is not true"


def _port_problems(place: Path, memory: MemoryEntry) -> Findings:
    names = [port.name for port in memory.ports]
    for number, port in enumerate(memory.ports):
        here: Path = (*place, "ports", number)
        if port.name in names[:number]:
            yield (
                (*here, "name"),
                f"'{port.name}' is the name of another port of this memory; give each its own",
            )
        if port.bandwidth_min > port.bandwidth_max:
            yield (
                (*here, "bandwidth_min"),
                f"is {port.bandwidth_min}, above bandwidth_max {port.bandwidth_max}; give at most that",
            )
        for entry, (operand, direction) in enumerate(port.allocation):
            at: Path = (*here, "allocation", entry)
            if operand not in memory.operands:
                yield (
                    at,
                    f"moves {operand}, which the memory does not hold; it holds {', '.join(memory.operands)}",
                )
            reads = READ_OR_WRITE[DIRECTION_OF[direction]] == "read"
            wrong = "write" if reads else "read"
            if port.type == wrong:
                verb = "reads" if reads else "writes"
                yield (
                    at,
                    f"'{operand}, {direction}' {verb}, but the port is of type {wrong}; give it another port",
                )


def _hierarchy_problems(given: AcceleratorFile, operand: str) -> Findings:
    """Name an operand without a home, and memories that hold it but have no port to move it."""
    holding = [name for name, memory in given.memories.items() if operand in memory.operands]
    if not holding:
        yield (
            ("memories",),
            f"no memory holds operand {operand}: it has no home; add {operand} to a memory's operands",
        )
    for name in holding:
        memory = given.memories[name]
        moved = {direction for port in memory.ports for held, direction in port.allocation if held == operand}
        needed = DIRECTION_OF if operand == "O" else ("fh", "tl")
        for direction in needed:
            outermost = name == holding[-1] and direction in ("fh", "th")
            if direction not in moved and not outermost:
                yield (
                    ("memories", name, "ports"),
                    f"no port has '{operand}, {direction}' in its allocation, so its bandwidth is zero; give it one",
                )


def served_axes(given: AcceleratorFile) -> dict[str, dict[str, frozenset[str]]]:
    """Axes that each memory serves for each operand: its own, and those that memories inside it serve already.

    So ZigZag reads them: an axis is merged at the innermost memory that serves it, and stays merged outside.
    """
    served: dict[str, dict[str, frozenset[str]]] = {}
    so_far = dict.fromkeys(MEMORY_OPERANDS, frozenset[str]())
    for name, memory in given.memories.items():
        for operand in memory.operands:
            so_far[operand] |= frozenset(memory.served_dimensions)
        served[name] = {operand: so_far[operand] for operand in memory.operands}
    return served


def _served_problems(given: AcceleratorFile) -> Findings:
    served = served_axes(given)
    for name, by_operand in served.items():
        if len(set(by_operand.values())) > 1:
            axes_served = "; ".join(
                f"{', '.join(sorted(axes)) or 'no axis'} for {o}" for o, axes in by_operand.items()
            )
            yield (
                ("memories", name, "served_dimensions"),
                f"with those of the memories inside it, it serves {axes_served}: one instance cannot do both; list all",
            )
    for operand in MEMORY_OPERANDS:
        homes = [name for name, by_operand in served.items() if operand in by_operand]
        if not homes:
            continue
        lost = [axis for axis in given.operational_array.dimensions if axis not in served[homes[-1]][operand]]
        if lost:
            yield (
                ("memories", homes[-1], "served_dimensions"),
                f"is the home of {operand}, but neither it nor a memory inside it serves {', '.join(lost)}: there "
                f"would be several homes; add {', '.join(lost)}",
            )


def mapping_problems(given: MappingEntry, accelerator: AcceleratorFile) -> Findings:
    """Every breach of a rule between an entry of a mapping file and the accelerator, as place and sentence."""
    array = accelerator.operational_array
    lanes = dict(zip(array.dimensions, array.sizes, strict=True))
    for key in ("spatial_mapping", "spatial_mapping_hint"):
        for axis in getattr(given, key):
            if axis not in lanes:
                yield (key, axis), unknown_name("axis", axis, array.dimensions)
    for axis, loops in given.spatial_mapping.items():
        taken = prod(factor for _, factor in loops)
        if axis in lanes and len(loops) > 1 and taken > lanes[axis]:
            written = " x ".join(f"{dim} {factor}" for dim, factor in loops)
            yield (
                ("spatial_mapping", axis),
                f"unrolls {written} = {taken} on an axis of {lanes[axis]} lanes; give at most that many",
            )
    if given.temporal_ordering:
        yield (
            ("temporal_ordering",),
            "fixes an order of loops, which belongs to a mapping and not to a machine: the search here tries all; "
            "delete it",
        )
    links = given.memory_operand_links
    linked = (links.W, links.I, links.O)
    if sorted(linked) != sorted(MEMORY_OPERANDS):
        yield (
            ("memory_operand_links",),
            f"links W, I, O to {', '.join(linked)}; give each of {', '.join(MEMORY_OPERANDS)} once",
        )
    elif links.O != "O":
        yield (
            ("memory_operand_links", "O"),
            f"is {links.O}; outputs must be O, which alone is written from the array",
        )
