"""Area of a chip by resource: MAC units, side units, memories and control, each counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import reduce

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.hardware import UnitPrice
from costmodel.hardware.prices import control_resources
from costmodel.pricing.cycles import LayerCycles
from costmodel.pricing.operation_prices import Prices
from costmodel.pricing.setting import Setting

_SQUARE_METRE = 1e6  # mm2


def area_of(setting: Setting, cycles: LayerCycles, demand: Demand) -> dict[str, np.ndarray]:
    """Area by resource, (N,) each: MAC units, side units, memories, buffers and control, each counted once.

    A processor has none: its memories in use stand in for it. Matched side units are as many as keep pace
    with array and ports in every layer; of a chip with fixed units, all that it has count.
    """
    profile = setting.profile
    if profile.processor is not None:
        return {f"{name}_bits": setting.placement.used_bits[name] for name in profile.memories}
    area: dict[str, np.ndarray] = {}

    def add(resources: Mapping[str, float], units: float | np.ndarray) -> None:
        for resource, amount in resources.items():
            area[resource] = area.get(resource, np.zeros(demand.points)) + amount * np.asarray(units)

    if profile.side.policy == "fixed":
        for unit in setting.prices.built:
            add(unit.resources, unit.units or 0.0)
    else:
        for unit, needed in _units_needed(demand, setting.prices, cycles):
            add(unit.resources, needed)
    if profile.control is not None:
        add(control_resources(profile.control), 1.0)
    for name, level in profile.memories.items():
        if not level.off_chip:
            add({"bram" if profile.archetype == "fpga" else "mm2": 1.0}, setting.figures[name].area_or_bram)
    for buffer in profile.array.buffers.values() if profile.array else ():
        if buffer.area is not None:
            add({"mm2": buffer.area.si * _SQUARE_METRE}, 1.0)
    return area


def _units_needed(demand: Demand, prices: Prices, cycles: LayerCycles) -> list[tuple[UnitPrice, np.ndarray]]:
    """How many units of each sort a matched design has: whole arrays, and side units that keep pace."""
    sharing: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, key in enumerate(prices.unit_of):
        sharing[key].append(number)
    busy = np.maximum(cycles.without_side, 1.0)
    needed: list[tuple[UnitPrice, np.ndarray]] = []
    for (operation, _), numbers in sharing.items():
        unit = prices.units[numbers[0]]
        if operation == "mac":
            amount = demand.total_counts[numbers].any(axis=0) * (unit.units or 0.0)
        else:
            work = reduce(np.add, (demand.work[number] for number in numbers))
            amount = np.ceil(np.max(work / busy, axis=0))
        needed.append((unit, np.asarray(amount)))
    return needed
