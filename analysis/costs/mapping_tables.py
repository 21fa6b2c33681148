"""Mappings as tables, as nests in text, and as records for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from analysis.show.tables import Column, Listing, Table
from analysis.show.words import shape_text
from costmodel import Cost
from costmodel.evaluate.mappings import LayerMapping
from costmodel.mapping.architecture import READ_OR_WRITE
from costmodel.mapping.nest import DIMS, Operand
from costmodel.mapping.outline import WORDS

OPERAND_NAMES = {operand: words.replace(" ", "_") for operand, words in WORDS.items()}


def layer_traffic_table(cost: Cost) -> Table:
    """What each layer moves, by memory or buffer and by what is moved; the side operations' part included."""
    columns = (
        Column("layer", "layer"), Column("level", "memory"), Column("role", "holds"),
        Column("read_bits", "read", "bit"), Column("write_bits", "written", "bit"),
        Column("energy_j", "energy", "J"),
    )  # fmt: skip
    rows = tuple(
        (layer.layer, row.level, row.role.replace("_", " "), row.read_bits, row.write_bits, row.energy_j)
        for layer in cost.layers
        for row in layer.memory
    )
    return Table("layer_traffic", "Memory traffic by layer", columns, rows, grouped=2)


def operand_table(mappings: Sequence[LayerMapping]) -> Table:
    """What mapped layers read and write, by operand and level from its home inwards; the MACs' part alone."""
    columns = (
        Column("layer", "layer"), Column("share_percent", "share", "%"), Column("operand", "operand"),
        Column("level", "memory"), Column("read_bits", "read", "bit"), Column("write_bits", "written", "bit"),
        Column("energy_j", "energy", "J"),
    )  # fmt: skip
    rows = tuple(
        (one.layer, 100 * one.share, WORDS[operand], level, read, write, energy)
        for one in mappings
        for operand, level, read, write, energy in _by_level(one)
    )
    caption = (
        "The whole layer as mapped; the cost counts it by its share, and adds what side operations move."
    )
    return Table("mapped_traffic", "Traffic of the MACs", columns, rows, caption, grouped=3)


def _by_level(one: LayerMapping) -> list[tuple[Operand, str, float, float, float]]:
    """Bits read, bits written and their energy [J] of each (operand, level) that moves anything."""
    total: dict[tuple[Operand, str], list[float]] = {
        (operand, level.name): [0.0, 0.0, 0.0]
        for operand in WORDS
        for level in reversed(one.mapped.machine.levels)
    }
    for row in one.moved:
        sums = total[row.operand, row.level]
        sums[READ_OR_WRITE[row.direction] == "write"] += row.bits
        sums[2] += row.energy_j
    return [(*key, *sums) for key, sums in total.items() if sums[0] or sums[1]]  # type: ignore[misc]


def moved_table(mappings: Sequence[LayerMapping]) -> Table:
    """What mapped layers move, by level, operand and direction, as CSV has it."""
    names = ("layer", "share", "operand", "level", "direction", "bits", "energy_j")
    rows = tuple(
        (one.layer, one.share, OPERAND_NAMES[row.operand], row.level, row.direction, row.bits, row.energy_j)
        for one in mappings
        for row in one.moved
    )
    return Table("moved", "Traffic of the MACs", tuple(Column(name, name) for name in names), rows)


def list_table(mappings: Sequence[LayerMapping], design: str, profile: str) -> Table:
    """One line for each mapping of a design."""
    columns = (
        Column("layer", "layer"), Column("precision", "MACs"), Column("shape", "loops"),
        Column("share_percent", "share", "%"), Column("homes", "homes"), Column("energy_j", "moving", "J"),
        Column("cycles", "cycles"), Column("stall_cycles", "stalls"),
        Column("utilisation_percent", "lanes at work", "%"),
    )  # fmt: skip
    rows = tuple(
        (
            one.layer, one.precision, shape_text(one.mapped.layer), 100 * one.share, one.homes, one.energy_j,
            round(one.mapped.cycles), round(one.mapped.latency.stall_cycles),
            100 * one.outline.utilisation,
        )
        for one in mappings
    )  # fmt: skip
    caption = (
        "--layer NAME shows one; a share below 100 % is the part of a layer whose operands have these homes."
    )
    return Table("mappings", f"Mappings of {design} on {profile}", columns, rows, caption, grouped=1)


def listings_of(mappings: Sequence[LayerMapping]) -> tuple[Listing, ...]:
    """The nest of each distinct mapping, under the names of all layers that share it."""
    alike: dict[tuple[Any, ...], list[LayerMapping]] = {}
    for one in mappings:
        lines = tuple(one.outline.lines())
        key = (replace(one.mapped.layer, name=""), one.precision, one.share, one.homes, lines)
        alike.setdefault(key, []).append(one)
    return tuple(
        Listing(
            ", ".join(one.layer for one in group),
            (_what(group[0]), f"{group[0].homes}; {group[0].mapped.note}", *key[-1]),
        )
        for key, group in alike.items()
    )


def _what(one: LayerMapping) -> str:
    share = f" ({100 * one.share:.1f} % of them)" if one.share < 1 else ""
    latency = one.mapped.latency
    time = f"{latency.cycles:,.0f} cycles, {latency.stall_cycles:,.0f} of them stalls" if one.timed else ""
    return "; ".join(
        part for part in (f"{one.precision} MACs{share} over {shape_text(one.mapped.layer)}", time) if part
    )


def mapping_record(one: LayerMapping) -> dict[str, Any]:
    """A mapping for JSON; `docs/json.md` describes it."""
    mapped, shown = one.mapped, one.outline
    latency = mapped.latency
    return {
        "layer": one.layer,
        "precision": one.precision,
        "extents": [{"loop": dim.lower(), "iterations": mapped.layer.extent(dim)} for dim in DIMS],
        "share": one.share,
        "weights_in": one.weights_in,
        "features_in": one.features_in,
        "streamed": one.streamed,
        "goal": mapped.goal,
        "exact": mapped.exact,
        "note": mapped.note,
        "loops": [{"loop": step.dim.lower(), "steps": step.times} for step in shown.steps],
        "parallel": [
            {"axis": axis.axis, "lanes": axis.lanes, "loop": dim.lower(), "factor": factor}
            for axis in shown.axes
            for dim, factor in axis.loops
        ],
        "utilisation": shown.utilisation,
        "tiles": [
            {
                "operand": OPERAND_NAMES[tile.operand],
                "level": tile.level,
                "loops_outside": tile.depth,
                "bits": tile.bits,
                "instances": tile.instances,
                "double_buffered": tile.twice,
            }
            for tile in shown.tiles
        ],
        "moved": [
            {
                "operand": OPERAND_NAMES[row.operand],
                "level": row.level,
                "direction": row.direction,
                "bits": row.bits,
                "energy_j": row.energy_j,
            }
            for row in one.moved
        ],
        "energy_j": one.energy_j,
        "steps": latency.steps,
        "stall_cycles": latency.stall_cycles,
        "start_cycles": latency.start_cycles,
        "end_cycles": latency.end_cycles,
        "timed": one.timed,
    }
