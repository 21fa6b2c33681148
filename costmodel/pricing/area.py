"""Area of a chip by part and resource: arrays, side units, memories, buffers and control, each counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Literal

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.hardware import UnitPrice
from costmodel.hardware.prices import array_registers, control_resources
from costmodel.pricing.setting import Setting

AreaPart = Literal["arrays", "side units", "memories", "buffers", "control"]
Areas = Mapping[AreaPart, Mapping[str, np.ndarray]]
"""Amounts (N,) of each resource, by the part of the chip that takes them."""

_SQUARE_METRE = 1e6  # mm2


def area_of(setting: Setting, demand: Demand) -> Areas:
    """Area by part and resource, (N,) each; every unit and memory counts once.

    A processor has none: its memories in use stand in for it. With matched side units, arrays count for the precisions
    in use, and side units are as many as keep the profile's pace; of a chip with fixed units, all that it has count.
    """
    profile = setting.profile
    area: dict[AreaPart, dict[str, np.ndarray]] = {}
    if profile.processor is not None:
        area["memories"] = {f"{name}_bits": setting.placement.used_bits[name] for name in profile.memories}
        return area

    def add(part: AreaPart, resources: Mapping[str, float], units: float | np.ndarray) -> None:
        amounts = area.setdefault(part, {})
        for resource, amount in resources.items():
            before = amounts[resource] if resource in amounts else np.zeros(demand.points)
            amounts[resource] = before + amount * np.asarray(units)

    for part, unit, units in _built(setting) if setting.prices.built else _matched(setting, demand):
        add(part, unit.resources, units)
        if part == "arrays" and profile.archetype == "asic":
            add(part, {"mm2": array_registers(profile, unit.precision).area_mm2}, np.sign(units))
    for name, level in profile.memories.items():
        if not level.off_chip:
            resource = "bram" if profile.archetype == "fpga" else "mm2"
            add("memories", {resource: 1.0}, setting.figures[name].area_or_bram)
    for buffer in profile.array.buffers.values() if profile.array else ():
        if buffer.area is not None:
            add("buffers", {"mm2": buffer.area.si * _SQUARE_METRE}, 1.0)
    if profile.control is not None:
        add("control", control_resources(profile.control), 1.0)
    return area


def total_area(area: Areas) -> dict[str, np.ndarray]:
    """Area by resource, all parts together: (N,) each."""
    total: dict[str, np.ndarray] = {}
    for amounts in area.values():
        for resource, amount in amounts.items():
            total[resource] = total[resource] + amount if resource in total else amount
    return total


def logic_area_mm2(area: Areas) -> np.ndarray | float:
    """Area of arrays, their registers and side units of an asic [mm2]: (N,)."""
    parts = (area.get("arrays", {}), area.get("side units", {}))
    return sum((amounts["mm2"] for amounts in parts if "mm2" in amounts), 0.0)


def _built(setting: Setting) -> Iterator[tuple[AreaPart, UnitPrice, float]]:
    """All units of a chip with fixed side units, in use or not."""
    for (operation, _), unit in setting.prices.built.items():
        yield "arrays" if operation == "mac" else "side units", unit, unit.units or 0.0


def _matched(setting: Setting, demand: Demand) -> Iterator[tuple[AreaPart, UnitPrice, np.ndarray]]:
    """How many units of each sort a design has where they are matched: whole arrays, and side units.

    In each cycle `pace` elements pass, each through as many units of a sort as the layer that needs most of them.
    """
    prices, pace = setting.prices, setting.profile.side.pace
    assert pace is not None  # a rule of the file
    sharing: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, key in enumerate(prices.unit_of):
        sharing[key].append(number)
    for (operation, _), numbers in sharing.items():
        unit = prices.units[numbers[0]]
        if operation == "mac":
            in_use = demand.total_counts[numbers].any(axis=0)
            yield "arrays", unit, np.where(in_use, unit.units or 0.0, 0.0)
        else:
            in_a_row = reduce(np.add, (demand.per_element[number] for number in numbers)).max(axis=0)
            yield "side units", unit, np.ceil(in_a_row * pace.si)
