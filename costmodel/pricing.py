"""Pricing: operations, traffic and a profile to energy, latency and area. Pure functions on arrays.

Arrays run over design points last, so that one network and a sweep of a million are the same computation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal

import numpy as np

from costmodel.demand import Demand, OperationKey
from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile, MemoryFigures, UnitPrice
from costmodel.mapped_traffic import MappedTraffic, TrafficKey, mapped_traffic
from costmodel.placement import Placement, place
from costmodel.port_cycles import port_cycles
from costmodel.traffic import ROLES
from costmodel.weight_loading import weight_loads


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
class LayerCycles:
    """Cycles that each part of a chip needs for one occurrence of each layer: arrays (layers, N).

    `ports` is in the order of the profile's memories.
    """

    array: np.ndarray
    side: np.ndarray
    ports: tuple[np.ndarray, ...]

    @cached_property
    def without_side(self) -> np.ndarray:
        """Cycles of the slower of array and ports: matched side units keep pace with these."""
        return reduce(np.maximum, self.ports, self.array)

    @cached_property
    def slowest(self) -> np.ndarray:
        """Cycles of the slowest part, which sets the pace."""
        return np.maximum(self.without_side, self.side)

    @property
    def bound_by(self) -> np.ndarray:
        """Which part sets the pace: 0 array, 1 side units, 2 and up the memory ports."""
        return np.argmax(np.stack([self.array, self.side, *self.ports]), axis=0)


TrafficModel = Literal["mapped", "compulsory"]
LevelFigures = Mapping[str, MemoryFigures]
SQUARE_METRE = 1e6  # mm2


@dataclass(frozen=True, eq=False)
class PointCosts:
    """Cost of every design point: energy [J] with its parts, latency [s], and area by resource.

    `prices` and `figures` (of each memory at its size) are what the cost was made from. `side` is the demand whose
    traffic passes the memories as it is; `mapped` is what MACs move, None where all traffic is compulsory, and
    `by_layer` the bits of (level, role, direction) beside `side`: those of MACs, and weights fetched from outside.
    """

    energy_j: np.ndarray
    operation_j: np.ndarray
    traffic_bits: dict[TrafficKey, np.ndarray]
    memory_j: dict[tuple[str, str], np.ndarray]
    control_j: np.ndarray
    leakage_j: np.ndarray
    leakage_w: dict[str, np.ndarray]
    latency_s: np.ndarray
    cycles: LayerCycles
    area: dict[str, np.ndarray]
    placement: Placement
    prices: Prices
    figures: LevelFigures
    side: Demand
    mapped: MappedTraffic | None
    by_layer: Mapping[TrafficKey, np.ndarray]

    @property
    def layer_cycles(self) -> np.ndarray:
        """Cycles of each layer: (layers, N)."""
        return self.cycles.slowest

    @property
    def bound_by(self) -> np.ndarray:
        """What sets the pace of each layer: 0 array, 1 side units, 2 and up the memory ports."""
        return self.cycles.bound_by


def price(demand: Demand, profile: HardwareProfile, traffic: TrafficModel | None = None) -> PointCosts:
    """Price every design point of a demand on one profile.

    Latency sums over layers the slowest of array, side units and each memory port (on a processor, which
    does one thing at a time, the operations' sum or the slowest port). Leakage counts over the latency, area
    counts every unit once. MACs move what their best mapping moves where the profile describes its array, else
    (or with `traffic="compulsory"`) every value once. Raises BnncostError where a layer fits no mapping, and for
    `traffic="mapped"` without an array.
    """
    model = traffic_model(profile, traffic)
    prices = prices_of(profile, demand.operations)
    placement = place(profile, demand, tiled=model == "mapped")
    figures = {name: level.interpolate(placement.size_bits[name]) for name, level in profile.memories.items()}
    side, mapped = demand, None
    if model == "mapped":
        side = demand.without_macs
        mapped = mapped_traffic(demand, profile, placement, figures, cycle_energy_j(profile))
    by_layer = dict(mapped.bits) if mapped else {}
    for key, bits in weight_loads(demand, profile, placement).items():
        by_layer[key] = by_layer.get(key, 0.0) + bits
    layers = _layer_cycles(side, profile, prices, placement, mapped, by_layer)
    cycles = np.einsum("ln,ln->n", layers.slowest, demand.repeats)
    latency_s = cycles / profile.clock.si

    moved = _traffic(side, placement)
    for key, bits in by_layer.items():
        moved[key] = moved.get(key, 0.0) + np.einsum("ln,ln->n", bits, demand.repeats)
    leakage_w = _leakage(demand, profile, figures)
    control_j_per_cycle = profile.control.energy.si if profile.control else 0.0

    operation_j = prices.energy_j @ demand.total_counts
    memory_j = {key: bits * j_per_bit(profile, figures, key) for key, bits in moved.items()}
    control_j = control_j_per_cycle * cycles
    leakage_j = sum(leakage_w.values()) * latency_s
    energy_j = operation_j + sum(memory_j.values()) + control_j + leakage_j

    return PointCosts(
        energy_j,
        operation_j,
        moved,
        _read_and_write(memory_j),
        control_j,
        np.asarray(leakage_j),
        leakage_w,
        latency_s,
        layers,
        _area(demand, profile, prices, placement, figures, layers),
        placement,
        prices,
        figures,
        side,
        mapped,
        by_layer,
    )


def traffic_model(profile: HardwareProfile, asked: TrafficModel | None = None) -> TrafficModel:
    """Say how traffic is found: mapped where the profile has an array, unless asked otherwise."""
    if asked == "mapped" and profile.array is None:
        raise BnncostError(
            f"profile '{profile.name}' has no `array`, so nothing can be mapped on it; give it one (see "
            f"hardware_profiles/README.md), or ask for compulsory traffic."
        )
    return asked or ("compulsory" if profile.array is None else "mapped")


def with_traffic(profile: HardwareProfile, asked: TrafficModel | None) -> HardwareProfile:
    """The same chip, so that all that is priced on it has this traffic: for compulsory traffic its array is left out.

    The area of its buffers is left out too. Raises BnncostError for mapped traffic without an array.
    """
    if traffic_model(profile, asked) == "mapped" or profile.array is None:
        return profile
    return profile.model_copy(update={"array": None, "title": f"{profile.title}, compulsory traffic"})


def cycle_energy_j(profile: HardwareProfile) -> float:
    """What the control takes in a cycle, its leakage included [J]: a mapping that waits pays for it."""
    if profile.control is None:
        return 0.0
    return profile.control.energy.si + profile.control.leakage.si / profile.clock.si


def j_per_bit(profile: HardwareProfile, figures: LevelFigures, key: TrafficKey) -> np.ndarray | float:
    """Energy of moving a bit at a memory or a buffer, in one direction [J/bit]."""
    level, _, direction = key
    if level in figures:
        price = figures[level].read_j_per_bit if direction == "read" else figures[level].write_j_per_bit
        return np.asarray(price)
    assert profile.array is not None
    buffer = profile.array.buffers[level]
    figure = buffer.read if direction == "read" else buffer.write
    return figure.si if figure else 0.0


def _layer_cycles(
    side: Demand,
    profile: HardwareProfile,
    prices: Prices,
    placement: Placement,
    mapped: MappedTraffic | None,
    by_layer: Mapping[TrafficKey, np.ndarray],
) -> LayerCycles:
    """Cycles of array, side units and ports; `side` moves over the ports what MACs do not."""
    macs = np.flatnonzero(prices.is_mac)
    array = _cycles_of(side.work, prices, macs)
    ports = tuple(
        port_cycles(side, placement, name, level, by_layer) for name, level in profile.memories.items()
    )
    sides = np.flatnonzero(~prices.is_mac & (prices.cycles > 0))
    if profile.processor is not None:  # it does one thing at a time
        return LayerCycles(array + _cycles_of(side.work, prices, sides), np.zeros_like(array), ports)
    if mapped is not None:
        array = np.maximum(array, mapped.cycles + _cycles_of(side.loose_macs, prices, macs))
    by_unit: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number in sides:
        by_unit[prices.unit_of[number]].append(int(number))
    slowest = np.zeros_like(array)
    for numbers in by_unit.values():
        np.maximum(slowest, _cycles_of(side.work, prices, numbers), out=slowest)
    return LayerCycles(array, slowest, ports)


def _cycles_of(counts: np.ndarray, prices: Prices, numbers: Iterable[int]) -> np.ndarray:
    """Cycles per layer of some of the operations, one after the other."""
    cycles = np.zeros(counts.shape[1:])
    for number in numbers:
        cycles += counts[number] * prices.cycles[number]
    return cycles


def _traffic(demand: Demand, placement: Placement) -> dict[TrafficKey, np.ndarray]:
    """Bits moved by (level, role, direction)."""
    traffic: dict[TrafficKey, np.ndarray] = {}
    totals = {"read": demand.total_read_bits, "write": demand.total_write_bits}
    for number, role in enumerate(ROLES):
        for name, share in placement.share[role].items():
            for direction, total in totals.items():
                spilled = share.ndim > 1
                bits = demand.repeated_bits[direction][number] if spilled else total[number]
                traffic[name, role, direction] = (
                    np.einsum("ln,ln->n", bits, share) if spilled else bits * share
                )
    return traffic


def _read_and_write(memory_j: dict[TrafficKey, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    summed: dict[tuple[str, str], np.ndarray] = {}
    for (level, role, _), energy in memory_j.items():
        summed[level, role] = summed[level, role] + energy if (level, role) in summed else energy
    return summed


def _leakage(demand: Demand, profile: HardwareProfile, figures: LevelFigures) -> dict[str, np.ndarray]:
    """Static power [W] of the logic and of each memory level."""
    logic = {"control": np.full(demand.points, profile.control.leakage.si)} if profile.control else {}
    return logic | {
        name: np.broadcast_to(level.leakage_w, (demand.points,)) for name, level in figures.items()
    }


def _area(
    demand: Demand,
    profile: HardwareProfile,
    prices: Prices,
    placement: Placement,
    figures: LevelFigures,
    layers: LayerCycles,
) -> dict[str, np.ndarray]:
    """Area by resource: MAC units, side units, memories and control, each counted once.

    A processor has none: its memories in use stand in for it. Matched side units are as many as keep pace
    with array and ports in every layer; of a chip with fixed units, all that it has count.
    """
    if profile.processor is not None:
        return {f"{name}_bits": placement.used_bits[name] for name in profile.memories}
    area: dict[str, np.ndarray] = {}

    def add(resources: Mapping[str, float], units: float | np.ndarray) -> None:
        for resource, amount in resources.items():
            area[resource] = area.get(resource, np.zeros(demand.points)) + amount * np.asarray(units)

    if profile.side.policy == "fixed":
        for unit in _all_units(profile):
            add(unit.resources, unit.units or 0.0)
    else:
        for unit, needed in _units_needed(demand, prices, layers):
            add(unit.resources, needed)
    if profile.control is not None:
        add(profile.control.resources, 1.0)
    for name, level in profile.memories.items():
        if not level.off_chip:
            add({"bram" if profile.archetype == "fpga" else "mm2": 1.0}, figures[name].area_or_bram)
    for buffer in profile.array.buffers.values() if profile.array else ():
        if buffer.area is not None:
            add({"mm2": buffer.area.si * SQUARE_METRE}, 1.0)
    return area


def _all_units(profile: HardwareProfile) -> list[UnitPrice]:
    """Every unit that a chip with fixed units has, used or not."""
    side = [
        profile.operation_price(operation, precision)
        for operation, listed in profile.side.operations.items()
        for precision in listed
    ]
    return [*(profile.mac_price(label) for label in profile.compute), *side]


def _units_needed(demand: Demand, prices: Prices, layers: LayerCycles) -> list[tuple[UnitPrice, np.ndarray]]:
    """How many units of each sort a matched design has: whole arrays, and side units that keep pace."""
    sharing: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, key in enumerate(prices.unit_of):
        sharing[key].append(number)
    busy = np.maximum(layers.without_side, 1.0)
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
