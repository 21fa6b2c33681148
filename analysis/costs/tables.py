"""Costs, methods and fronts as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.costs.mappings import layer_traffic_table
from analysis.show.ranges import WHAT_RANGES_ARE, joined_tables
from analysis.show.tables import Cell, Column, Table, cell_text, range_name
from analysis.show.units import readable
from costmodel import Cost
from costmodel.evaluate.ranges import CostRange, Range
from costmodel.evaluate.results import LayerCost
from costmodel.methods import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd

    from analysis.methods.marginal import Change, MethodCost, MethodTable
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


def cost_tables(found: Cost, *, per_layer: bool = False) -> tuple[Table, ...]:
    """What a reader wants to see of a cost: totals, energy split, operations, memory, and layers if asked."""
    tables = (totals_table(found), split_table(found), operations_table(found), memory_table(found))
    return (*tables, layers_table(found), layer_traffic_table(found)) if per_layer else tables


def totals_table(found: Cost, ranges: CostRange | None = None) -> Table:
    """Energy, latency, area and storage of one inference in one row each, with their ranges if given."""
    stored = {"weights": "weights", "parameters": "parameters", "peak_features": "feature maps at their peak"}
    totals = ranges or found
    rows = [
        ("energy", cell_text(totals.energy_j, "J")),
        ("latency", cell_text(totals.latency_s, "s")),
        *(area_text(resource, amount) for resource, amount in totals.area.items()),
        *((stored.get(name, name), readable(bits, "bit")) for name, bits in found.memory_bits.items()),
    ]
    columns = (Column("quantity", "per inference"), Column("value", "value"))
    return Table("totals", f"{found.design} on {found.profile}", columns, tuple(rows))


def area_text(resource: str, amount: float | Range) -> tuple[str, str]:
    """Name and amount of one resource of the chip, both for people."""
    if resource.endswith("_bits"):
        return f"used of {resource.removesuffix('_bits')}", cell_text(amount, "bit")
    title, unit = TOTALS_TITLE.get(resource, (f"area in {resource}", resource))
    return title, cell_text(amount, unit)


def split_table(found: Cost) -> Table:
    """Where the energy goes."""
    total = found.energy_j or 1.0
    rows = [(part, energy, 100 * energy / total) for part, energy in found.energy_split_j.items()]
    columns = (Column("part", "spent on"), Column("energy_j", "energy", "J"), Column("percent", "share", "%"))
    return Table("energy_split", "Energy by cause", columns, tuple(rows))


def operations_table(found: Cost) -> Table:
    """Operations after folding by sort and precision, MACs first."""
    energy: dict[tuple[str, str], float] = {}
    for row in found.operations:
        key = (row.operation, row.precision)
        energy[key] = energy.get(key, 0.0) + row.energy_j
    totals = found.operation_totals()
    order = sorted(totals, key=lambda key: (operation_rank(key[0]), -totals[key]))
    columns = (
        Column("operation", "operation"), Column("precision", "precision"), Column("count", "count"),
        Column("energy_j", "energy", "J"),
    )  # fmt: skip
    rows = tuple((*key, totals[key], energy[key]) for key in order)
    return Table("operations", "Operations that run", columns, rows)


def memory_table(found: Cost) -> Table:
    """Traffic by memory level and by what is moved."""
    columns = (
        Column("level", "memory"), Column("role", "holds"), Column("read_bits", "read", "bit"),
        Column("write_bits", "written", "bit"), Column("energy_j", "energy", "J"),
    )  # fmt: skip
    order = list(dict.fromkeys(row.level for row in found.memory))
    rows = tuple(
        (row.level, row.role.replace("_", " "), row.read_bits, row.write_bits, row.energy_j)
        for row in sorted(found.memory, key=lambda row: order.index(row.level))
    )
    return Table("memory", "Memory traffic", columns, rows, grouped=1)


def layers_table(found: Cost) -> Table:
    """Energy, latency and the bottleneck of each layer."""
    columns = (
        Column("layer", "layer"), Column("operation_j", "energy in operations", "J"),
        Column("memory_j", "energy in memory", "J"), Column("cycles", "cycles"),
        Column("stall_cycles", "stalls"), Column("latency_s", "latency", "s"), Column("bound_by", "bound by"),
    )  # fmt: skip
    rows = tuple(
        (
            row.layer, row.operation_j, row.memory_j, round(row.cycles), round(row.stall_cycles),
            row.latency_s, _bound(row),
        )
        for row in found.layers
    )  # fmt: skip
    caption = "Control and leakage, which follow the latency, are in none of the layers."
    return Table("layers", "Layers", columns, rows, caption)


def _bound(row: LayerCost) -> str:
    return row.bound_by if row.cycles else "nothing: it takes no time"


def tidy_cost(found: Cost) -> Table:
    """Everything with an energy, one row each, as CSV has it: the rows' `energy_j` add up to the total."""
    rows: list[dict[str, Cell]] = [
        {
            "part": "operation", "layer": row.layer, "origin": row.origin, "operation": row.operation,
            "precision": row.precision, "count": row.count, "energy_j": row.energy_j,
        }
        for row in found.operations
    ]  # fmt: skip
    rows += [
        {
            "part": "memory", "level": row.level, "role": row.role, "read_bits": row.read_bits,
            "write_bits": row.write_bits, "energy_j": row.energy_j,
        }
        for row in found.memory
    ]  # fmt: skip
    rows.append({"part": "control", "energy_j": found.control_j})
    rows += [{"part": "leakage", "level": row.part, "energy_j": row.energy_j} for row in found.leakage]
    named: Iterable[dict[str, Cell]] = (
        {"design": found.design, "profile": found.profile, **row} for row in rows
    )
    cells = tuple(tuple(row.get(name) for name in TIDY) for row in named)
    return Table("cost", found.design, tuple(Column(name, name) for name in TIDY), cells)


def tidy_layers(found: Cost) -> Table:
    """One row per layer, as CSV has it."""
    names = ("layer", "operation_j", "memory_j", "cycles", "stall_cycles", "latency_s", "bound_by")
    rows = tuple(
        (
            row.layer, row.operation_j, row.memory_j, row.cycles, row.stall_cycles, row.latency_s,
            row.bound_by,
        )
        for row in found.layers
    )  # fmt: skip
    return Table("layers", found.design, tuple(Column(name, name) for name in names), rows)


def operation_rank(name: str) -> int:
    """MACs first, then the other operations in a fixed order, unknown ones last."""
    return OPERATION_ORDER.index(name) if name in OPERATION_ORDER else len(OPERATION_ORDER)


def method_view(found: MethodTable) -> Table:
    """Every method as emitted, alone over the plain network, and left out of the full design, by category."""
    plain_j = found.plain.energy_j
    columns = (
        Column("branch", "branch"),
        Column("category", "category"),
        Column("method", "method"),
        Column("emitted_j", "emitted", "J"),
        Column("alone_j", "alone", "J"),
        Column("alone_percent", "of plain", "%"),
        Column("left_out_j", "left out", "J"),
        Column("equivalent_width", "equivalent width"),
        Column("alone_operations", "operations alone"),
        Column("reason", "why"),
    )
    rows = tuple(
        (
            row.branch,
            row.category,
            row.use,
            row.emitted.energy_j,
            row.alone.energy_j,
            100 * row.alone.energy_j / plain_j,
            row.left_out.energy_j,
            row.equivalent_width,
            operations_text(row.alone),
            row.reason,
        )
        for row in by_category(found)
    )
    title = f"Repair methods on {found.network}, {found.profile}"
    return Table("methods", title, columns, rows, method_caption(found), 2)


def ranged_method_view(best: MethodTable, found: MethodTable, worst: MethodTable) -> Table:
    """The table of `method_view` with the range of each figure over both ends of the profile's ranges."""
    three = method_view(best), method_view(found), method_view(worst)
    joined = joined_tables(three, key=("branch", "category", "method"))
    return replace(joined, caption=f"{joined.caption} {WHAT_RANGES_ARE}")


def by_category(found: MethodTable) -> list[MethodCost]:
    """The methods in the order of branches and categories."""
    branches = list(CATEGORIES)
    return sorted(
        found.rows, key=lambda row: (branches.index(row.branch), CATEGORIES[row.branch].index(row.category))
    )


def method_caption(found: MethodTable) -> str:
    """What the columns of a method table mean, and the plain BNN that they are measured against."""
    plain = found.plain
    area = ", ".join(" ".join(area_text(resource, amount)) for resource, amount in plain.area.items())
    return (
        f"Plain BNN: {readable(plain.energy_j, 'J')}, {readable(plain.latency_s, 's')}, {area}. "
        "Emitted: what the method asks for, before folding. Alone: what is left of it after folding, over the "
        f"plain BNN. Left out: what {found.full}, with the method in it, saves without it. Equivalent width: the "
        "width at which the plain BNN takes as much energy."
    )


def operations_text(change: Change) -> str:
    """Added (or, with a minus, saved) operations in few words, the precisions of a sort summed.

    >>> from analysis.methods.marginal import Change
    >>> operations_text(Change({("add", "int16"): 1505280, ("compare", "int16"): -250, ("mac", "1x1"): 64}, 0, 0, {}))
    'mac 1x1 64, add 1.51M, compare -250'
    """
    sums: dict[tuple[str, str], int] = {}
    for (operation, precision), count in change.operations.items():
        key = (operation, precision if operation == "mac" else "")
        sums[key] = sums.get(key, 0) + count
    ordered = sorted((key for key in sums if sums[key]), key=lambda key: (operation_rank(key[0]), key[1]))
    return ", ".join(f"{' '.join(key).strip()} {_short_count(sums[key])}" for key in ordered) or "0"


def _short_count(count: int) -> str:
    return readable(count, "operation").replace(" ", "")


def front_view(frame: pd.DataFrame, title: str) -> Table:
    """The designs of a front in the order of their axis; the front itself is marked."""
    unit = str(frame["area_unit"].iloc[0])
    columns = (
        Column("label", "design"), Column("top1", "top-1", "%"), Column("energy_j", "energy", "J"),
        Column("latency_s", "latency", "s"), Column("area", "area", unit), Column("memory_bits", "memory", "bit"),
        Column("on_front", "on the front"), Column("reference", "accuracy from"),
    )  # fmt: skip
    rows: Sequence[tuple[Cell, ...]] = [
        (
            str(row.label), float(row.top1), *_costs(row), "yes" if row.on_front else "", str(row.reference),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    return Table("front", title, columns, tuple(rows), _range_note(frame))


def study_front_view(frame: pd.DataFrame, title: str, caption: str = "") -> Table:
    """The designs of a study's front in the order of their axis, with mean, spread and number of seeds."""
    unit = str(frame["area_unit"].iloc[0])
    columns = (
        Column("label", "design"), Column("top1", "top-1", "%"), Column("top1_spread", "deviation", "points"),
        Column("seeds", "seeds"), Column("energy_j", "energy", "J"), Column("latency_s", "latency", "s"),
        Column("area", "area", unit), Column("memory_bits", "memory", "bit"), Column("on_front", "on the front"),
        Column("note", "accuracy of"),
    )  # fmt: skip
    rows: Sequence[tuple[Cell, ...]] = [
        (
            str(row.label), float(row.top1), _number(row.top1_spread), int(row.seeds), *_costs(row), _place(row),
            str(row.note),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    return Table("front", title, columns, tuple(rows), " ".join(filter(None, (caption, _range_note(frame)))))


def _range_note(frame: pd.DataFrame) -> str:
    """What the brackets of a front's table are, where it has any."""
    return WHAT_RANGES_ARE if "x_low" in frame else ""


def _costs(row: Any) -> tuple[Cell, ...]:
    """Energy, latency, area and memory of a design, with their ranges where the frame has them."""
    return tuple(_with_range(row, name) for name in ("energy_j", "latency_s", "area", "memory_bits"))


def _with_range(row: Any, name: str) -> Cell:
    value = float(getattr(row, name))
    low, high = (getattr(row, range_name(name, end), value) for end in ("low", "high"))
    return value if low == value == high else Range(float(low), value, float(high))


def _number(value: float) -> float | None:
    """A number, or nothing where a frame has none."""
    return None if value != value else float(value)


def _place(row: Any) -> str:
    if row.on_front:
        return "yes"
    return "within the spread" if row.within_spread else ""
