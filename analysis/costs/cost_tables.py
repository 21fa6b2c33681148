"""The cost of one design as tables: totals, energy by cause, operations, memory and layers."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.costs.mapping_tables import layer_traffic_table
from analysis.show.tables import INSIDE_CORE, Cell, Column, Table
from analysis.show.text_forms import cell_text
from analysis.show.units import readable
from analysis.show.words import fits_text, scope_sentence
from costmodel import Cost
from costmodel.evaluate.ranges import CostRange, Range
from costmodel.evaluate.results import LayerCost

TOTALS_TITLE = {
    "mm2": ("area", "mm2"),
    "lut": ("area in LUT", "lut"),
    "dsp": ("area in DSP", "dsp"),
    "bram": ("area in BRAM", "bram"),
}
TIDY = (
    "design", "profile", "part", "layer", "origin", "operation", "precision", "count", "level", "role",
    "read_bits", "write_bits", "energy_j",
)  # fmt: skip
OPERATION_ORDER = ("mac", "mul", "add", "compare", "shift", "lookup", "divide")


def cost_tables(cost: Cost, *, per_layer: bool = False) -> tuple[Table, ...]:
    """Arrange a cost in tables: totals, energy and area by part, operations, memory, and layers if asked."""
    splits = (split_table(cost), area_table(cost))
    tables = (totals_table(cost), *splits, operations_table(cost), memory_table(cost))
    return (*tables, layers_table(cost), layer_traffic_table(cost)) if per_layer else tables


def totals_table(cost: Cost, ranges: CostRange | None = None) -> Table:
    """Energy, latency, area and storage of one inference in one row each, with their ranges if given."""
    stored = {"weights": "weights", "parameters": "parameters", "peak_features": "feature maps at their peak"}
    totals = ranges or cost
    rows = [
        ("energy", cell_text(totals.energy_j, "J")),
        ("latency", cell_text(totals.latency_s, "s")),
        *(area_text(resource, amount) for resource, amount in totals.area.items()),
        *((stored.get(name, name), readable(bits, "bit")) for name, bits in cost.memory_bits.items()),
        ("fits on chip", fits_text(cost.off_chip_bits)),
    ]
    columns = (Column("quantity", "per inference"), Column("value", "value"))
    return Table("totals", f"{cost.design} on {cost.profile}", columns, tuple(rows), scope_sentence(cost))


def area_text(resource: str, amount: float | Range) -> tuple[str, str]:
    """Name and amount of one resource of the chip, both for people."""
    title, unit = _area_title(resource)
    return title, cell_text(amount, unit)


def _area_title(resource: str) -> tuple[str, str]:
    """Title and unit of one resource of the chip."""
    if resource.endswith("_bits"):
        return f"used of {resource.removesuffix('_bits')}", "bit"
    return TOTALS_TITLE.get(resource, (f"area in {resource}", resource))


def split_table(cost: Cost) -> Table:
    """Where the energy goes."""
    total = cost.energy_j or 1.0
    rows = [
        (part, or_inside(energy, part, cost), 100 * energy / total)
        for part, energy in cost.energy_split_j.items()
    ]
    columns = (Column("part", "spent on"), Column("energy_j", "energy", "J"), Column("percent", "share", "%"))
    return Table("energy_split", "Energy by cause", columns, tuple(rows))


def area_table(cost: Cost) -> Table:
    """Which part of the chip takes how much of each resource; on a processor, how much of each memory is in use."""
    columns = [Column("part", "part of the chip"), *(Column(name, *_area_title(name)) for name in cost.area)]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (part, *(amounts.get(resource, 0.0) for resource in cost.area))
        for part, amounts in cost.area_split.items()
    )
    return Table("area_split", "Area by part", tuple(columns), rows)


def operations_table(cost: Cost) -> Table:
    """Operations after folding by sort and precision, MACs first."""
    energy: dict[tuple[str, str], float] = {}
    for row in cost.operations:
        key = (row.operation, row.precision)
        energy[key] = energy.get(key, 0.0) + row.energy_j
    totals = cost.operation_totals()
    order = sorted(totals, key=lambda key: (operation_rank(key[0]), -totals[key]))
    columns = (
        Column("operation", "operation"), Column("precision", "precision"), Column("count", "count"),
        Column("energy_j", "energy", "J"),
    )  # fmt: skip
    rows = tuple((*key, totals[key], energy[key]) for key in order)
    return Table("operations", "Operations that run", columns, rows)


def memory_table(cost: Cost) -> Table:
    """Traffic by memory level and by what is moved."""
    columns = (
        Column("level", "memory"), Column("role", "holds"), Column("read_bits", "read", "bit"),
        Column("write_bits", "written", "bit"), Column("energy_j", "energy", "J"),
    )  # fmt: skip
    order = list(dict.fromkeys(row.level for row in cost.memory))
    rows = tuple(
        (
            row.level, row.role.replace("_", " "), row.read_bits, row.write_bits,
            or_inside(row.energy_j, "memory", cost),
        )
        for row in sorted(cost.memory, key=lambda row: order.index(row.level))
    )  # fmt: skip
    return Table("memory", "Memory traffic", columns, rows, grouped=1)


def layers_table(cost: Cost) -> Table:
    """Energy by cause, latency and the bottleneck of each layer, and of all together."""
    columns = (
        Column("layer", "layer"), Column("energy_j", "energy", "J"), Column("operation_j", "operations", "J"),
        Column("memory_j", "memory", "J"), Column("control_j", "control", "J"), Column("leakage_j", "leakage", "J"),
        Column("latency_s", "latency", "s"), Column("cycles", "cycles"), Column("stall_cycles", "stalls"),
        Column("bound_by", "bound by"),
    )  # fmt: skip
    rows = [
        (row.layer, *_layer_cells(row, cost), round(row.cycles), round(row.stall_cycles), _bound(row))
        for row in cost.layers
    ]
    total = _all_layers(cost)
    rows.append((total.layer, *_layer_cells(total, cost), round(total.cycles), round(total.stall_cycles), ""))
    caption = "Control and leakage are those of the cycles that a layer takes."
    return Table("layers", "Layers", columns, tuple(rows), caption)


def _layer_cells(row: LayerCost, cost: Cost) -> tuple[Cell, ...]:
    """Energy of a layer by cause, and its latency."""
    return (
        row.energy_j, row.operation_j, or_inside(row.memory_j, "memory", cost), row.control_j,
        or_inside(row.leakage_j, "leakage", cost), row.latency_s,
    )  # fmt: skip


def _all_layers(cost: Cost) -> LayerCost:
    """All layers as one; its energy is that of the whole network."""
    layers = cost.layers
    return LayerCost(
        layer="all layers",
        operation_j=sum(one.operation_j for one in layers),
        memory_j=sum(one.memory_j for one in layers),
        control_j=sum(one.control_j for one in layers),
        leakage_j=sum(one.leakage_j for one in layers),
        cycles=sum(one.cycles for one in layers),
        stall_cycles=sum(one.stall_cycles for one in layers),
        latency_s=sum(one.latency_s for one in layers),
        bound_by="",
        memory=(),
    )


def or_inside(energy_j: float, part: str, cost: Cost) -> Cell:
    """An energy, or the words for one that the cycles of a processor hold."""
    return INSIDE_CORE if energy_j == 0 and part in cost.inside_core else energy_j


def _bound(row: LayerCost) -> str:
    return row.bound_by if row.cycles else "nothing: it takes no time"


def tidy_cost(cost: Cost) -> Table:
    """Everything with an energy, one row each, as CSV has it: the rows' `energy_j` add up to the total."""
    rows: list[dict[str, Cell]] = [
        {
            "part": "operation", "layer": row.layer, "origin": row.origin, "operation": row.operation,
            "precision": row.precision, "count": row.count, "energy_j": row.energy_j,
        }
        for row in cost.operations
    ]  # fmt: skip
    rows += [
        {
            "part": "memory", "level": row.level, "role": row.role, "read_bits": row.read_bits,
            "write_bits": row.write_bits, "energy_j": row.energy_j,
        }
        for row in cost.memory
    ]  # fmt: skip
    rows.append({"part": "control", "energy_j": cost.control_j})
    rows += [{"part": "leakage", "level": row.part, "energy_j": row.energy_j} for row in cost.leakage]
    named: Iterable[dict[str, Cell]] = (
        {"design": cost.design, "profile": cost.profile, **row} for row in rows
    )
    cells = tuple(tuple(row.get(name) for name in TIDY) for row in named)
    return Table("cost", cost.design, tuple(Column(name, name) for name in TIDY), cells)


def tidy_layers(cost: Cost) -> Table:
    """One row per layer, as CSV has it."""
    names = (
        "layer", "energy_j", "operation_j", "memory_j", "control_j", "leakage_j", "cycles", "stall_cycles", "latency_s",
        "bound_by",
    )  # fmt: skip
    rows = tuple(
        (
            row.layer, row.energy_j, row.operation_j, row.memory_j, row.control_j, row.leakage_j, row.cycles,
            row.stall_cycles, row.latency_s, row.bound_by,
        )
        for row in cost.layers
    )  # fmt: skip
    return Table("layers", cost.design, tuple(Column(name, name) for name in names), rows)


def operation_rank(name: str) -> int:
    """MACs first, then the other operations in a fixed order, unknown ones last."""
    return OPERATION_ORDER.index(name) if name in OPERATION_ORDER else len(OPERATION_ORDER)
