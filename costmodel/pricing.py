"""Pricing: operations, traffic and a profile to energy, latency and area. Pure functions on arrays.

Arrays run over design points last, so that one network and a sweep of a million are the same computation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.demand import Demand, OperationKey
from costmodel.hardware import HardwareProfile, UnitPrice
from costmodel.placement import Placement, place
from costmodel.traffic import ROLES


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of the operations of a demand on a profile, as arrays in the demand's order."""

    units: tuple[UnitPrice, ...]
    energy_j: np.ndarray
    cycles: np.ndarray
    is_mac: np.ndarray
    unit_of: tuple[tuple[str, str], ...]


def prices_of(profile: HardwareProfile, operations: tuple[OperationKey, ...]) -> Prices:
    """Look up every operation; one that the profile cannot run raises BnncostError."""
    units = tuple(
        profile.mac_price(precision) if operation == "mac" else profile.operation_price(operation, precision)
        for operation, precision in operations
    )
    return Prices(
        units,
        np.array([unit.energy_j for unit in units]),
        np.array([unit.cycles_per_operation for unit in units]),
        np.array([operation == "mac" for operation, _ in operations]),
        tuple((operation, unit.precision) for (operation, _), unit in zip(operations, units, strict=True)),
    )


@dataclass(frozen=True, eq=False)
class PointCosts:
    """Cost of every design point: energy [J] with its parts, latency [s], area by resource, and layer cycles.

    `bound_by` says per layer and point what sets the pace: 0 array, 1 side units, 2 and up the memory ports.
    """

    energy_j: np.ndarray
    operation_j: np.ndarray
    memory_j: dict[tuple[str, str], np.ndarray]
    control_j: np.ndarray
    leakage_j: np.ndarray
    leakage_w: dict[str, np.ndarray]
    latency_s: np.ndarray
    layer_cycles: np.ndarray
    bound_by: np.ndarray
    area: dict[str, np.ndarray]
    placement: Placement


def price(demand: Demand, profile: HardwareProfile) -> PointCosts:
    """Price every design point of a demand on one profile.

    Latency sums over layers the slowest of array, side units and each memory port (on a processor, which
    does one thing at a time, their sum). Leakage counts over the latency, area counts every unit once.
    """
    prices = prices_of(profile, demand.operations)
    placement = place(profile, demand.storage)
    array, side, ports = _cycles(demand, profile, prices, placement)
    if profile.processor is not None:
        array, side = array + side, np.zeros_like(side)
    layer_cycles = np.maximum(np.maximum(array, side), ports.max(axis=0))
    cycles = layer_cycles.sum(axis=0)
    latency_s = cycles / profile.clock.si

    counts = demand.counts.sum(axis=1)
    traffic, energy_per_bit_j = _traffic(demand, profile, placement)
    leakage_w = _leakage(profile, placement)
    control_j_per_cycle = profile.control.energy.si if profile.control else 0.0

    operation_j = prices.energy_j @ counts
    memory_j = {key: bits * energy_per_bit_j[key] for key, bits in traffic.items()}
    control_j = control_j_per_cycle * cycles
    leakage_j = sum(leakage_w.values()) * latency_s
    energy_j = operation_j + sum(memory_j.values()) + control_j + leakage_j

    return PointCosts(
        energy_j,
        operation_j,
        _read_and_write(memory_j),
        control_j,
        np.asarray(leakage_j),
        leakage_w,
        latency_s,
        layer_cycles,
        np.argmax(np.concatenate([array[None], side[None], ports]), axis=0),
        _area(demand, profile, prices, placement, np.maximum(array, ports.max(axis=0))),
        placement,
    )


def _cycles(
    demand: Demand, profile: HardwareProfile, prices: Prices, placement: Placement
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cycles per layer of the array, of the side units, and of each memory port: (layers, N), ports first."""
    macs = prices.is_mac
    array = np.tensordot(prices.cycles[macs], demand.counts[macs], axes=1)
    side = _side_cycles(demand, prices, together=profile.processor is not None)
    moved = (demand.read_bits + demand.write_bits).astype(float)
    ports = np.zeros((len(profile.memories), *array.shape))
    for number, (name, level) in enumerate(profile.memories.items()):
        if np.isinf(level.port_bits_per_cycle):
            continue
        for role, bits in zip(ROLES, moved, strict=True):
            if name in placement.share[role]:
                ports[number] += bits * (placement.share[role][name] / level.port_bits_per_cycle)
    return array, side, ports


def _side_cycles(demand: Demand, prices: Prices, *, together: bool) -> np.ndarray:
    """Cycles per layer of the slowest sort of side unit; a processor runs all sorts one after the other."""
    by_unit: dict[tuple[str, str], np.ndarray] = {}
    for number in np.flatnonzero(~prices.is_mac & (prices.cycles > 0)):
        cycles = demand.counts[number] * prices.cycles[number]
        unit = prices.unit_of[number]
        by_unit[unit] = by_unit[unit] + cycles if unit in by_unit else cycles
    if not by_unit:
        return np.zeros(demand.counts.shape[1:])
    stacked = np.stack(list(by_unit.values()))
    return stacked.sum(axis=0) if together else stacked.max(axis=0)


TrafficKey = tuple[str, str, str]


def _traffic(
    demand: Demand, profile: HardwareProfile, placement: Placement
) -> tuple[dict[TrafficKey, np.ndarray], dict[TrafficKey, np.ndarray]]:
    """Bits moved, and energy per bit, by (level, role, direction)."""
    read, write = demand.read_bits.sum(axis=1), demand.write_bits.sum(axis=1)
    traffic, energy = {}, {}
    for name, level in profile.memories.items():
        figures = level.interpolate(placement.size_bits[name])
        for number, role in enumerate(ROLES):
            if name in placement.share[role]:
                share = placement.share[role][name]
                traffic[name, role, "read"], energy[name, role, "read"] = read[number] * share, figures.read_j_per_bit
                traffic[name, role, "write"] = write[number] * share
                energy[name, role, "write"] = figures.write_j_per_bit
    return traffic, energy


def _read_and_write(memory_j: dict[TrafficKey, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    summed: dict[tuple[str, str], np.ndarray] = {}
    for (level, role, _), energy in memory_j.items():
        summed[level, role] = summed[level, role] + energy if (level, role) in summed else energy
    return summed


def _leakage(profile: HardwareProfile, placement: Placement) -> dict[str, np.ndarray]:
    """Static power [W] of the logic and of each memory level."""
    points = len(placement.unplaced_bits)
    power = {"control": np.full(points, profile.control.leakage.si)} if profile.control else {}
    for name, level in profile.memories.items():
        power[name] = np.broadcast_to(level.interpolate(placement.size_bits[name]).leakage_w, (points,))
    return power


def _area(
    demand: Demand, profile: HardwareProfile, prices: Prices, placement: Placement, busy: np.ndarray
) -> dict[str, np.ndarray]:
    """Area by resource: MAC units, side units, memories and control, each counted once.

    A processor has none: its memories in use stand in for it. Matched side units are as many as keep pace
    with array and ports in every layer; of a chip with fixed units, all that it has count.
    """
    points = demand.points
    if profile.processor is not None:
        return {f"{name}_bits": placement.used_bits[name] for name in profile.memories}
    area: dict[str, np.ndarray] = {}

    def add(resources: dict[str, float], units: float | np.ndarray) -> None:
        for resource, amount in resources.items():
            area[resource] = area.get(resource, np.zeros(points)) + amount * np.asarray(units)

    if profile.side.policy == "fixed":
        for unit in _all_units(profile):
            add(dict(unit.resources), unit.units or 0.0)
    else:
        for unit, needed in _units_needed(demand, prices, busy).values():
            add(dict(unit.resources), needed)
    if profile.control is not None:
        add(dict(profile.control.resources), 1.0)
    for name, level in profile.memories.items():
        if not level.off_chip:
            resource = "bram" if profile.archetype == "fpga" else "mm2"
            add({resource: 1.0}, level.interpolate(placement.size_bits[name]).area_or_bram)
    return area


def _all_units(profile: HardwareProfile) -> list[UnitPrice]:
    """Every unit that a chip with fixed units has, used or not."""
    side = [
        profile.operation_price(operation, precision)
        for operation, listed in profile.side.operations.items()
        for precision in listed
    ]
    return [*(profile.mac_price(label) for label in profile.compute), *side]


def _units_needed(
    demand: Demand, prices: Prices, busy: np.ndarray
) -> dict[tuple[str, str], tuple[UnitPrice, np.ndarray]]:
    """How many units of each sort a matched design has: whole arrays, and side units that keep pace."""
    work: dict[tuple[str, str], np.ndarray] = {}
    unit_price: dict[tuple[str, str], UnitPrice] = {}
    for number, (key, unit) in enumerate(zip(prices.unit_of, prices.units, strict=True)):
        work[key] = work[key] + demand.counts[number] if key in work else demand.counts[number]
        unit_price[key] = unit
    needed = {}
    for key, unit in unit_price.items():
        if key[0] == "mac":
            amount = (work[key].max(axis=0) > 0) * (unit.units or 0.0)
        else:
            amount = np.ceil(work[key] / np.maximum(busy, 1.0)).max(axis=0)
        needed[key] = (unit, amount)
    return needed
