"""Costs of methods, and of the plain network over its width, as frames for pictures: tables do without pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.costs.cost_columns import area_in_one_unit
from analysis.methods.equivalence import WIDTHS, priced_over
from analysis.methods.marginal import MethodTable
from analysis.methods.method_columns import TIDY, row_of
from costmodel import DesignKey
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel


def method_frame(table: MethodTable) -> pd.DataFrame:
    """One row per method: energies of the three views, what it adds alone, and the width that costs the same."""
    return pd.DataFrame([row_of(one, table.plain, TIDY) for one in table.rows], columns=list(TIDY))


def width_curve(
    plain: DesignKey,
    profile: AnyProfile,
    widths: np.ndarray = WIDTHS,
    *,
    traffic: TrafficModel | None = None,
) -> pd.DataFrame:
    """Cost of the plain network at each width: width, energy_j, latency_s, area, memory_bits.

    Widths that do not fit on the profile are left out. `traffic` is as in `cost`.
    """
    chip = as_profile(profile)
    costs, stored = priced_over(plain, chip, np.asarray(widths, dtype=float), traffic)
    frame = pd.DataFrame(
        {
            "width": widths,
            "energy_j": costs.energy.total_j,
            "latency_s": costs.time.latency_s,
            "area": area_in_one_unit(costs.area)[1],
            "memory_bits": stored,
        }
    )
    return frame[costs.setting.placement.unplaced_bits == 0].reset_index(drop=True)
