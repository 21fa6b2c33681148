"""Cycles of every layer: array, side units and memory ports beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.graph import MAP_ROLES, Role
from costmodel.hardware.memories.level import MemoryLevel
from costmodel.mapping.nest import FEATURES, SUMS, WEIGHTS
from costmodel.pricing.mac_traffic import MacTraffic
from costmodel.pricing.moved import Moved
from costmodel.pricing.operation_prices import Prices
from costmodel.pricing.processor import beside_operations
from costmodel.pricing.setting import Setting


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerCycles:
    """Cycles that each part of a chip needs for one occurrence of each layer: arrays (layers, N)."""

    arrays: Mapping[str, np.ndarray]
    """Cycles that the array of each precision runs, one after another; of a processor, "" for all operations."""
    side: np.ndarray
    """Cycles of the busiest side unit; where units are matched, of the elements that pass at their pace."""
    ports: tuple[np.ndarray, ...]
    """Cycles that the port of each memory is busy, in the order of the profile's memories."""
    stalls: np.ndarray
    """Those cycles of the array in which it waits for a port; 0 where traffic is compulsory."""
    beside: np.ndarray
    """Those cycles of a processor that no operation has: of slow kernels and of waiting for weights; 0 on others."""

    @cached_property
    def array(self) -> np.ndarray:
        """Cycles of the MACs; on a processor of all operations."""
        return reduce(np.add, self.arrays.values(), np.zeros_like(self.side))

    @cached_property
    def slowest(self) -> np.ndarray:
        """Cycles of the slowest part, which sets the pace."""
        return reduce(np.maximum, (self.array, *self.ports), self.side)

    @property
    def bound_by(self) -> np.ndarray:
        """The part that sets the pace: 0 array, 1 side units, 2 and up the memory ports."""
        return np.argmax(np.stack([self.array, self.side, *self.ports]), axis=0)


def cycles_of(setting: Setting, moved: Moved, demand: Demand, macs: MacTraffic | None) -> LayerCycles:
    """Find the cycles of array, side units and ports; the array takes those of its mappings where MACs are mapped."""
    profile, prices, work = setting.profile, setting.prices, demand.work
    mac_numbers = np.flatnonzero(prices.is_mac)
    side_numbers = np.flatnonzero(~prices.is_mac & (prices.cycles > 0))
    ports = tuple(_port_cycles(moved, name, level) for name, level in profile.memories.items())
    stalls = np.zeros(demand.elements.shape) if macs is None else macs.stall_cycles
    if profile.processor is not None:  # it does one thing at a time
        beside = beside_operations(profile, demand)
        everything = _cycles_of(work, prices, [*mac_numbers, *side_numbers]) + beside
        none = np.zeros_like(everything)
        return LayerCycles(arrays={"": everything}, side=none, ports=ports, stalls=stalls, beside=beside)
    arrays = {
        array: _array_cycles(array, numbers, setting, demand, macs)
        for array, numbers in _by_precision(mac_numbers, prices).items()
    }
    if profile.side.pace is not None:
        side = demand.elements / profile.side.pace.si
    else:
        busy = (_cycles_of(work, prices, numbers) for numbers in _by_unit(side_numbers, prices).values())
        side = reduce(np.maximum, busy, np.zeros(demand.elements.shape))
    return LayerCycles(arrays=arrays, side=side, ports=ports, stalls=stalls, beside=np.zeros_like(side))


def _array_cycles(
    array: str, numbers: Sequence[int], setting: Setting, demand: Demand, macs: MacTraffic | None
) -> np.ndarray:
    """Cycles that one array runs in each layer: those of its mappings, at its throughput at the least."""
    at_full_rate = _cycles_of(demand.work, setting.prices, numbers)
    if macs is None:
        return at_full_rate
    mapped = _cycles_of(demand.loose_macs, setting.prices, numbers) + macs.cycles.get(array, 0.0)
    return np.maximum(at_full_rate, mapped)


def _by_precision(numbers: Iterable[int], prices: Prices) -> dict[str, list[int]]:
    """Numbers of the operations that run at each precision."""
    return {precision: places for (_, precision), places in _by_unit(numbers, prices).items()}


def _by_unit(numbers: Iterable[int], prices: Prices) -> dict[tuple[str, str], list[int]]:
    """Numbers of the operations that run on each sort of unit."""
    by_unit: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number in numbers:
        by_unit[prices.unit_of[number]].append(int(number))
    return dict(by_unit)


def _cycles_of(counts: np.ndarray, prices: Prices, numbers: Iterable[int]) -> np.ndarray:
    """Cycles per layer of some of the operations, one after the other: (layers, N)."""
    cycles = np.zeros(counts.shape[1:])
    for number in numbers:
        cycles += counts[number] * prices.cycles[number]
    return cycles


def _port_cycles(moved: Moved, name: str, level: MemoryLevel) -> np.ndarray:
    """Cycles per layer that the port of a memory is busy; the busiest port where operands have their own."""
    busy: dict[str, np.ndarray] = {}
    for role, bits in moved.through(name):
        port = _port_of(role, level)
        busy[port] = busy[port] + bits if port in busy else bits
    most = reduce(np.maximum, busy.values(), np.zeros(moved.spread.repeats.shape))
    return np.asarray(most / level.port_bits_per_cycle)


def _port_of(role: Role, level: MemoryLevel) -> str:
    """The port that a role passes; parameters lie beside the weights."""
    if not level.separate_ports:
        return "all"
    if role == Role.PARTIAL_SUMS:
        return SUMS
    return FEATURES if role in MAP_ROLES else WEIGHTS
