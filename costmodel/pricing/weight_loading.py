"""Weights that are fetched from outside before each inference, where a profile says that they do not stay."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.demand.compulsory import ROLES
from costmodel.hardware import HardwareProfile
from costmodel.pricing.placement import Placement


def weight_loads(
    demand: Demand, profile: HardwareProfile, placement: Placement
) -> dict[tuple[str, str, str], np.ndarray]:
    """Bits read outside and written inside once per inference, by (level, role, direction): (layers, N) each.

    They are fetched while their layer runs, over the ports of both memories; through a level between that does not
    keep them either, they pass once more.
    """
    moved: dict[tuple[str, str, str], np.ndarray] = {}
    levels = [name for name, level in profile.memories.items() if "weights" in level.holds]
    weights = demand.read_bits[ROLES.index("weights")]
    passing: np.ndarray | float = 0.0
    for inner, outer in pairwise(levels):
        if profile.memories[inner].loaded == "never":
            passing = 0.0
        else:
            bits = passing = weights * placement.share["weights"][inner] + passing
            for key in ((outer, "weights", "read"), (inner, "weights", "write")):
                moved[key] = moved.get(key, 0.0) + bits
    return moved
