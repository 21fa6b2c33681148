"""Pricing: operations, traffic and a profile to energy, latency and area. Pure functions on arrays.

Arrays run over design points last, so that one network and a sweep of a million are the same computation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.demand.compulsory import ROLES
from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile, MemoryFigures
from costmodel.pricing.area import area_of
from costmodel.pricing.cycles import LayerCycles, layer_cycles
from costmodel.pricing.moved import MappedTraffic, TrafficKey, mapped_traffic
from costmodel.pricing.placement import Placement, place
from costmodel.pricing.units import Prices, prices_of
from costmodel.pricing.weight_loading import weight_loads

TrafficModel = Literal["mapped", "compulsory"]
LevelFigures = Mapping[str, MemoryFigures]


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
    layers = layer_cycles(side, profile, prices, placement, mapped, by_layer)
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
        area_of(demand, profile, prices, placement, figures, layers),
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
