"""Repair or widen: what the plain network costs at every width, and which width a given energy would buy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from costmodel import DesignKey
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.evaluate.sweep import demand_over_widths
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import PointCosts, TrafficModel, price

WIDTHS = np.array([step * 2**octave for octave in range(5) for step in (4, 5, 6, 7)] + [128]) / 16
"""Widths that an energy is looked up in: from 0.25 to 8, four to an octave, whole channels for every backbone.

Every width takes searches of its own for the mappings of its layers.
"""


def priced_over(
    key: DesignKey, chip: HardwareProfile, widths: np.ndarray, traffic: TrafficModel | None
) -> tuple[PointCosts, np.ndarray]:
    """Price the plain network at some widths: its costs, and the bits that each has to keep."""
    demand = demand_over_widths(key, widths)
    kept = demand.storage
    return price(demand, chip, traffic), kept["weights"] + kept["parameters"] + kept["peak_features"]


@dataclass(frozen=True, eq=False)
class WidthScale:
    """What the plain design uses at each width of the grid, to look widths up by energy.

    `energy_at` prices one width [J], None where it does not fit; it is called outwards from width 1, as far as needed.
    """

    energy_at: Callable[[float], float | None]

    def width_at(self, energy_j: float) -> float | None:
        """What width `energy_j` buys, between grid widths on logarithmic axes; None outside 0.25 to 8.

        A measure of energy, not a network to build: between grid widths, channels are whole and the network's energy
        rises in steps, so that all small repairs would be worth the one width of the first step.
        """
        start = int(np.flatnonzero(WIDTHS == 1.0)[0])
        here, known = start, self.energy_at(1.0)
        if known is None:
            return None
        step = 1 if energy_j >= known else -1
        while 0 <= here + step < len(WIDTHS):
            beyond = self.energy_at(WIDTHS[here + step])
            if beyond is None:
                return None
            # energy per bit of a fitted memory may step; a wider network must never look cheaper
            beyond = max(beyond, known) if step > 0 else min(beyond, known)
            if min(known, beyond) <= energy_j <= max(known, beyond):
                return _between(energy_j, (known, beyond), (WIDTHS[here], WIDTHS[here + step]))
            here, known = here + step, beyond
        return None


def _between(energy_j: float, energies_j: tuple[float, float], widths: tuple[float, float]) -> float:
    """Interpolate a width between two, both axes logarithmic."""
    low, high = np.log(energies_j)
    part = 0.0 if low == high else (np.log(energy_j) - low) / (high - low)
    return float(np.exp(np.log(widths[0]) + part * (np.log(widths[1]) - np.log(widths[0]))))


def width_scale(plain: DesignKey, profile: AnyProfile, *, traffic: TrafficModel | None = None) -> WidthScale:
    """Price the plain design at the widths of the grid, each when it is first needed; `traffic` as in `cost`."""
    chip = as_profile(profile)

    @cache
    def energy_at(width: float) -> float | None:
        costs, _ = priced_over(plain, chip, np.array([width]), traffic)
        return None if costs.setting.placement.unplaced_bits[0] > 0 else float(costs.energy.total_j[0])

    return WidthScale(energy_at)
