"""Energies that are nothing but parts which move, for tests that know by hand what comes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel import resolve
from costmodel.demand.arrays import joined
from costmodel.evaluate.cost import as_profile, prepared
from costmodel.evaluate.uncertain import UncertainEnergies, uncertain_energies
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import price


def model_of(*designs: str, profile: HardwareProfile | str = "asic-45nm") -> UncertainEnergies:
    """How the energies of some designs follow the figures of a profile."""
    demand = joined([prepared(resolve(design)).demand for design in designs])
    return uncertain_energies(demand, price(demand, as_profile(profile)))


def only_parts(parts_j: list[list[float]], low: float, high: float) -> UncertainEnergies:
    """Energies of nothing but their parts, each figure a cause of its own and within one range."""
    known, array = model_of("resnet20"), np.array(parts_j)
    count = array.shape[1]
    return replace(
        known,
        energies_j=array.sum(axis=1),
        figures=known.figures[:count],
        rates=(),
        parts_j=array,
        by_rate_j=np.zeros((*array.shape, 0)),
        low=np.full(array.shape, low),
        high=np.full(array.shape, high),
        causes=tuple(f"cause {number}" for number in range(count)),
    )
