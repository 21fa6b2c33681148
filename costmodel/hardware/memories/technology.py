"""Figures carried from one process and supply to another: Stillmaker and Baas 2017, and C V^2.

A. Stillmaker, B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to
7 nm", Integration 58, 2017, eqs. 3 to 5 and the area table. A figure that was carried over has status `scaled`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.memories.shipped_tables import shipped_yaml

Family = Literal["HP", "LP"]
Metric = Literal["energy", "delay", "power"]


class _Process(BaseModel):
    """Polynomials of one process over the supply [V], and where they may be used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supply: tuple[float, float]
    delay_supply: tuple[float, float] | None = None
    delay: tuple[float, ...]
    energy: tuple[float, ...]
    power: tuple[float, ...]

    def at(self, metric: Metric, voltage: float) -> float:
        """The polynomial at a supply [V], by Horner's rule."""
        coefficients: tuple[float, ...] = getattr(self, metric)
        value = 0.0
        for coefficient in coefficients:
            value = value * voltage + coefficient
        return value

    def valid(self, metric: Metric) -> tuple[float, float]:
        """Lowest and highest supply [V] at which a metric is used."""
        return self.delay_supply if metric == "delay" and self.delay_supply else self.supply


class _Scaling(BaseModel):
    """The table as shipped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: dict[Family, tuple[str, ...]]
    planar_down_to: float
    processes: dict[str, _Process]
    area_over_45nm: dict[str, float]


class _Neighbours(NamedTuple):
    """The listed nodes on both sides [nm], the same one twice where the node is listed, and the share of the second."""

    above: float
    below: float
    share: float


def energy_factor(
    node_from_nm: float, v_from: float, node_to_nm: float, v_to: float, family: Family = "HP"
) -> float:
    """Energy of a circuit at one node [nm] and supply [V] over that at another: eq. 4, quadratic in the supply.

    Between the listed nodes the polynomials' values are interpolated on logarithmic axes. Raises BnncostError
    for a node or a supply outside the range of the fits; below it, `supply_energy_factor` is what remains.

    >>> round(energy_factor(45, 0.9, 65, 0.8), 2), round(energy_factor(45, 0.9, 28, 0.9), 3)
    (1.23, 0.518)
    """
    return _factor("energy", (node_from_nm, v_from), (node_to_nm, v_to), family)


def delay_factor(
    node_from_nm: float, v_from: float, node_to_nm: float, v_to: float, family: Family = "HP"
) -> float:
    """Delay of a circuit at one node [nm] and supply [V] over that at another: eq. 3, cubic in the supply.

    >>> round(delay_factor(90, 1.2, 65, 1.2), 2)
    0.75
    """
    return _factor("delay", (node_from_nm, v_from), (node_to_nm, v_to), family)


def power_factor(
    node_from_nm: float, v_from: float, node_to_nm: float, v_to: float, family: Family = "HP"
) -> float:
    """Power of a circuit at full speed at one node [nm] and supply [V] over that at another: eq. 5, quadratic.

    >>> round(power_factor(65, 1.2, 65, 1.0), 2)
    0.65
    """
    return _factor("power", (node_from_nm, v_from), (node_to_nm, v_to), family)


def area_factor(node_from_nm: float, node_to_nm: float) -> float:
    """Area of a circuit at one node [nm] over that at another, by the table; between its nodes on logarithmic axes.

    >>> area_factor(45, 65), round(area_factor(45, 28), 3)
    (1.5, 0.368)
    """
    areas = {float(node): area for node, area in _scaling().area_over_45nm.items()}

    def area(node_nm: float) -> float:
        around = _neighbours(node_nm, tuple(areas))
        return math.exp(_between(around.share, math.log(areas[around.above]), math.log(areas[around.below])))

    return area(node_to_nm) / area(node_from_nm)


def supply_energy_factor(v_from: float, v_to: float) -> float:
    """Energy at one supply [V] over that at another, of the same circuit in the same process: C V^2.

    Dynamic energy alone, and of full swings alone: at low supplies a chip leaks longer per operation, which
    this does not say. Raises BnncostError for supplies that are not above zero.

    >>> round(supply_energy_factor(0.9, 0.66), 3)
    0.538
    """
    for volts in (v_from, v_to):
        if not (math.isfinite(volts) and volts > 0):
            raise BnncostError(f"a supply must be above zero [V], got {volts}")
    ratio = v_to / v_from
    return ratio * ratio


@lru_cache(maxsize=1)
def _scaling() -> _Scaling:
    return _Scaling.model_validate(shipped_yaml("stillmaker2017.yaml"))


def _factor(metric: Metric, start: tuple[float, float], end: tuple[float, float], family: Family) -> float:
    return _level(metric, *end, family) / _level(metric, *start, family)


def _level(metric: Metric, node_nm: float, voltage: float, family: Family) -> float:
    """The polynomial of a node at a supply, interpolated where the node is between two that are listed."""
    table = _scaling()
    if family not in table.families:
        raise unknown("family of devices", str(family), tuple(table.families))
    processes = {float(name.rstrip("HLP")): table.processes[name] for name in table.families[family]}
    around = _neighbours(node_nm, tuple(processes))
    logarithms = []
    for node in (around.above, around.below):
        low, high = processes[node].valid(metric)
        if not low <= voltage <= high:
            raise BnncostError(
                f"{metric} of {node:g} nm {family} devices is fitted from {low:g} to {high:g} V, not at "
                f"{voltage:g} V; scale to a supply in that range, and from there by C V^2 if it is an energy"
            )
        logarithms.append(math.log(processes[node].at(metric, voltage)))
    return math.exp(_between(around.share, *logarithms))


def _between(share: float, first: float, second: float) -> float:
    return first + share * (second - first)


def _neighbours(node_nm: float, listed: tuple[float, ...]) -> _Neighbours:
    """The listed nodes round one; raises BnncostError outside, and from planar devices to FinFETs."""
    if node_nm in listed:
        return _Neighbours(node_nm, node_nm, 0.0)
    if not min(listed) <= node_nm <= max(listed):
        raise BnncostError(
            f"scaling is tabled from {max(listed):g} to {min(listed):g} nm, not at {node_nm:g} nm; "
            "it is not extrapolated"
        )
    above = min(node for node in listed if node > node_nm)
    below = max(node for node in listed if node < node_nm)
    if below < _scaling().planar_down_to <= above:
        raise BnncostError(
            f"{node_nm:g} nm lies between {above:g} nm, the last planar devices, and {below:g} nm, the first "
            "FinFETs; nothing is interpolated between them: take one of the two"
        )
    return _Neighbours(above, below, math.log(above / node_nm) / math.log(above / below))
