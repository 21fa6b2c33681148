"""A cost in columns, as fronts, studies and pictures have it: energy, latency, area in one unit, memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np

from analysis.show.tables import Column
from costmodel import Cost
from costmodel.demand.conventions import OpsConvention, macs_in

Amount = TypeVar("Amount", float, np.ndarray)


def cost_columns(area_unit: str) -> tuple[Column, ...]:
    """The columns that the cost of a design has in every table; `area_unit` is the unit of its area."""
    return (
        Column("energy_j", "energy", "J"), Column("latency_s", "latency", "s"), Column("area", "area", area_unit),
        Column("memory_bits", "memory", "bit"),
    )  # fmt: skip


WHAT_PAPERS_COUNT = (
    "OPs: MACs wider than 4 bits, and a 64th of the BOPs. BOPs: weight bits times feature bits of each narrower MAC. "
    "ACE: weight bits times feature bits of every MAC. None counts norms, activations, shortcuts or traffic."
)


def convention_columns(conventions: Iterable[OpsConvention]) -> tuple[Column, ...]:
    """The columns of operations as papers sum them up."""
    return tuple(Column(one.value, one.printed, "operation") for one in conventions)


def convention_values(
    operations: Mapping[tuple[str, str], int], conventions: Iterable[OpsConvention]
) -> dict[str, float]:
    """Operations as papers sum them up, by column, from counts by operation and precision."""
    macs = macs_in(operations)
    return {one.value: one.of(macs) for one in conventions}


COST_NAMES = tuple(column.name for column in cost_columns(""))


def cost_values(cost: Cost, conventions: Iterable[OpsConvention] = ()) -> dict[str, object]:
    """A cost by column, with the unit of its area and its energy by what it is spent on (`memory_j`, ...).

    `off_chip` names the memories outside of the chip in which it lies for want of room.
    `conventions` add operations as papers sum them up.
    """
    unit, area = area_in_one_unit(cost.area)
    split = {f"{part.replace(' ', '_').lower()}_j": energy for part, energy in cost.energy_split_j.items()}
    return {
        "energy_j": cost.energy_j,
        "latency_s": cost.latency_s,
        "area": area,
        "area_unit": unit,
        "memory_bits": sum(cost.memory_bits.values()),
        "off_chip": ", ".join(cost.off_chip_bits),
        **split,
        **convention_values(cost.operation_totals(), conventions),
    }


def area_in_one_unit(area: Mapping[str, Amount]) -> tuple[str, Amount]:
    """Unit and amount of an area by resource: mm2, else LUT, else all bits of memory in use.

    >>> area_in_one_unit({"lut": 120.0, "dsp": 4.0}), area_in_one_unit({"flash_bits": 64.0, "ram_bits": 8.0})
    (('lut', 120.0), ('bit', 72.0))
    """
    for unit in ("mm2", "lut"):
        if unit in area:
            return unit, area[unit]
    return "bit", sum(area.values())  # type: ignore[return-value]
