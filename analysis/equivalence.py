"""Repair or widen: what the plain network costs at every width, and which width a given energy would buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from costmodel import DesignKey
from costmodel.evaluate import AnyProfile, as_profile
from costmodel.hardware import HardwareProfile
from costmodel.pricing import PointCosts, price
from costmodel.sweep import demand_over_widths

WIDTHS = np.array([step * 2**octave for octave in range(5) for step in (4, 5, 6, 7)] + [128]) / 16
"""Widths that an energy is looked up in: from 0.25 to 8, four to an octave, whole channels for every backbone.

Every width takes searches of its own for the mappings of its layers.
"""


def width_curve(network: str, dataset: str, profile: AnyProfile, widths: np.ndarray = WIDTHS) -> pd.DataFrame:
    """Cost of the plain network at each width: width, energy_j, latency_s, area, memory_bits.

    Widths that do not fit on the profile are left out.
    """
    chip = as_profile(profile)
    costs, stored = _priced(DesignKey(network, dataset), chip, np.asarray(widths, dtype=float))
    area = costs.area.get("mm2", costs.area.get("lut"))
    frame = pd.DataFrame(
        {
            "width": widths,
            "energy_j": costs.energy_j,
            "latency_s": costs.latency_s,
            "area": sum(costs.area.values()) if area is None else area,
            "memory_bits": stored,
        }
    )
    return frame[costs.placement.unplaced_bits == 0].reset_index(drop=True)


def _priced(key: DesignKey, chip: HardwareProfile, widths: np.ndarray) -> tuple[PointCosts, np.ndarray]:
    demand = demand_over_widths(key, widths)
    kept = demand.storage
    return price(demand, chip), kept.weights + kept.parameters + kept.peak_features


@dataclass(frozen=True, eq=False)
class WidthScale:
    """What the plain design uses at each width, to look widths up by energy."""

    widths: np.ndarray
    energies_j: np.ndarray

    def width_at(self, energy_j: float) -> float | None:
        """Width that uses `energy_j`, between grid widths on logarithmic axes; None outside 0.25 to 8."""
        if not len(self.widths) or not self.energies_j[0] <= energy_j <= self.energies_j[-1]:
            return None
        return float(np.exp(np.interp(np.log(energy_j), np.log(self.energies_j), np.log(self.widths))))


def width_scale(plain: DesignKey, profile: AnyProfile) -> WidthScale:
    """Price the plain design at every width of the grid that fits on the profile."""
    costs, _ = _priced(plain, as_profile(profile), WIDTHS)
    fits = costs.placement.unplaced_bits == 0
    # energy per bit of a fitted memory may step; a wider network must never look cheaper
    return WidthScale(WIDTHS[fits], np.maximum.accumulate(costs.energy_j[fits]))
