"""Cycles of every layer: array, side units and memory ports beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.hardware import HardwareProfile
from costmodel.pricing.moved import MappedTraffic, TrafficKey
from costmodel.pricing.placement import Placement
from costmodel.pricing.ports import port_cycles
from costmodel.pricing.units import Prices


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


def layer_cycles(
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
