"""The setting of a demand on a chip: where its data lie, and what each operation and each bit cost there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.graph import Role
from costmodel.hardware import HardwareProfile, MemoryFigures
from costmodel.pricing.operation_prices import PRICED_FROM, Prices, prices_of
from costmodel.pricing.placement import Placement, place

TrafficKey = tuple[str, Role, str]
"""Level (a memory or a buffer of the array), role, and "read" or "write"."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """A chip with the data of N design points in its memories, and what everything costs there."""

    profile: HardwareProfile
    """The chip."""
    placement: Placement
    """Which memory holds what, and how large each is."""
    figures: Mapping[str, MemoryFigures]
    """Energy per bit, leakage and area of each memory at its size: (N,) each."""
    prices: Prices
    """Energy and cycles of each operation."""


def setting_of(profile: HardwareProfile, demand: Demand, *, tiled: bool) -> Setting:
    """Place a demand in the memories of a profile and look up what everything costs there.

    `tiled` is as in `place`. Raises BnncostError for an operation that the profile cannot run.
    """
    return setting_in(place(profile, demand, tiled=tiled), profile, demand)


def setting_in(
    placement: Placement, profile: HardwareProfile, demand: Demand, before: Setting | None = None
) -> Setting:
    """Look up what everything costs where a placement has put it; raises BnncostError as `setting_of` does.

    `before` is a setting of the same placement with other figures, whose parts hold where the profile is the same.
    """
    known = {} if before is None else before.profile.memories
    figures = {
        name: before.figures[name]
        if before is not None and level is known.get(name)
        else level.interpolate(placement.size_bits[name])
        for name, level in profile.memories.items()
    }
    if before is not None and all(
        getattr(profile, section) is getattr(before.profile, section) for section in PRICED_FROM
    ):
        prices = before.prices
    else:
        prices = prices_of(profile, demand.operations)
    return Setting(profile=profile, placement=placement, figures=figures, prices=prices)


def energy_per_bit(setting: Setting, key: TrafficKey) -> np.ndarray | float:
    """Energy of moving a bit at a memory (N,), or at a buffer, in one direction [J/bit]."""
    level, _, direction = key
    if level in setting.figures:
        figures = setting.figures[level]
        return np.asarray(figures.read_j_per_bit if direction == "read" else figures.write_j_per_bit)
    assert setting.profile.array is not None
    buffer = setting.profile.array.buffers[level]
    figure = buffer.read if direction == "read" else buffer.write
    return figure.si if figure else 0.0


def memory_energy(setting: Setting, traffic: Mapping[TrafficKey, np.ndarray]) -> dict[TrafficKey, np.ndarray]:
    """Energy of traffic [J], of one layer, of each, or of the whole network: the design points are the last axis."""
    return {key: bits * energy_per_bit(setting, key) for key, bits in traffic.items()}
