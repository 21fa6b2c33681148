"""Pricing: operations, traffic and a profile to energy, latency and area. Pure functions on arrays.

Arrays run over design points last, so that one network and a sweep of a million are the same computation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.errors import BnncostError, unknown
from costmodel.hardware import HardwareProfile
from costmodel.hardware.prices import array_registers
from costmodel.pricing.area import Areas, area_of, logic_area_mm2, total_area
from costmodel.pricing.cycles import LayerCycles, cycles_of
from costmodel.pricing.mac_traffic import MacTraffic, mac_traffic
from costmodel.pricing.moved import Moved, moved_by
from costmodel.pricing.setting import Setting, TrafficKey, memory_energy, setting_in, setting_of

_SQUARE_MILLIMETRE = 1e-6  # m2

TrafficModel = Literal["mapped", "compulsory"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Energy:
    """Energy of one inference of N design points, and what it is spent on."""

    total_j: np.ndarray
    """Operations, memory, control and leakage together [J]: (N,)."""
    operations_j: np.ndarray
    """Energy of all MACs and side operations [J]: (N,)."""
    memory_j: Mapping[TrafficKey, np.ndarray]
    """Energy of the traffic at each level, in each role and direction [J]: (N,) each."""
    control_j: np.ndarray
    """Energy of the control over all cycles and of the clock of each array while it runs; on a processor of those
    cycles that no operation has [J]: (N,)."""
    clock_j: Mapping[str, np.ndarray]
    """The part of `control_j` that clocks the registers of each array, by its precision [J]: (N,) each."""
    leakage_j: np.ndarray
    """Static power over the latency [J]: (N,)."""
    leakage_w: Mapping[str, np.ndarray]
    """Static power of the control, of other logic by its area, of each buffer and memory [W]: (N,) each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Time:
    """Duration of one inference of N design points."""

    latency_s: np.ndarray
    """Latency, the sum over all layers [s]: (N,)."""
    cycles: LayerCycles
    """Cycles of each part of the chip in each layer: (layers, N)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PointCosts:
    """Cost of one inference of N design points on one profile, with what it was made from."""

    energy: Energy
    """Energy with its parts [J]."""
    time: Time
    """Latency [s] and cycles."""
    areas: Areas
    """Area by part of the chip and by resource: "mm2", or "lut", "dsp" and "bram", or bits in use of a processor's
    memories; (N,) each."""
    setting: Setting
    """The chip, what lies where on it, and its prices."""
    moved: Moved
    """Bits that every level moves in each layer [bit]."""
    macs: MacTraffic | None
    """What MACs move and how long they take under their mappings; None where traffic is compulsory."""
    traffic: TrafficModel
    """The model of the traffic."""

    @property
    def area(self) -> dict[str, np.ndarray]:
        """Amount of each resource, all parts of the chip together: (N,) each."""
        return total_area(self.areas)


def price(demand: Demand, profile: HardwareProfile, traffic: TrafficModel | None = None) -> PointCosts:
    """Price every design point of a demand on one profile.

    Latency sums over layers the slowest of array, side units and each memory port (on a processor, which
    does one thing at a time, the operations' sum or the slowest port). Leakage counts over the latency, area
    counts every unit once. MACs move what their best mapping moves where the profile describes its array, else
    (or with `traffic="compulsory"`) every value once. Raises BnncostError where a layer fits no mapping, and for
    `traffic="mapped"` without an array.
    """
    model = traffic_model(profile, traffic)
    setting = setting_of(profile, demand, tiled=model == "mapped")
    macs = mac_traffic(setting, demand) if model == "mapped" else None
    moved, areas = moved_by(setting, demand, macs), area_of(setting, demand)
    energy, time = _spent(demand, setting, moved, macs, areas)
    _check_finite(profile, energy.total_j, time.latency_s, *total_area(areas).values())
    return PointCosts(
        energy=energy, time=time, areas=areas, setting=setting, moved=moved, macs=macs, traffic=model
    )


def held_energy_j(points: PointCosts, demand: Demand, profile: HardwareProfile) -> np.ndarray:
    """Energy of the same demand with other figures of the same chip, everything staying where it is [J]: (N,).

    What lies in which memory, its size, what moves, and the cycles of each mapping are held.
    """
    setting = setting_in(points.setting.placement, profile, demand, points.setting)
    areas = area_of(setting, demand) if profile.leaks_by_area else points.areas
    energy, time = _spent(demand, setting, points.moved, points.macs, areas)
    _check_finite(profile, energy.total_j, time.latency_s)
    return energy.total_j


def _spent(
    demand: Demand, setting: Setting, moved: Moved, macs: MacTraffic | None, areas: Areas
) -> tuple[Energy, Time]:
    """What a demand costs in energy and time; areas matter where a chip leaks by them."""
    profile = setting.profile
    cycles = cycles_of(setting, moved, demand, macs)
    total_cycles = np.einsum("ln,ln->n", cycles.slowest, demand.repeats)
    latency_s = total_cycles / profile.clock.si

    leakage_w = _leakage(setting, areas, demand.points)
    operations_j = setting.prices.energy_j @ demand.total_counts
    memory_j = memory_energy(setting, moved.totals)
    clock_j = _clock(profile, cycles, demand)
    control_j = _control(profile, cycles, demand, total_cycles) + sum(clock_j.values())
    leakage_j = np.asarray(sum(leakage_w.values()) * latency_s)
    # counts @ energy_per_operation + traffic @ energy_per_bit + control + leakage
    energy = Energy(
        total_j=np.asarray(operations_j + sum(memory_j.values()) + control_j + leakage_j),
        operations_j=operations_j,
        memory_j=memory_j,
        control_j=control_j,
        clock_j=clock_j,
        leakage_j=leakage_j,
        leakage_w=leakage_w,
    )
    return energy, Time(latency_s=latency_s, cycles=cycles)


def _check_finite(profile: HardwareProfile, *results: np.ndarray) -> None:
    """Raise BnncostError where a result is infinite or no number, which figures read from files cannot bring about."""
    if not all(np.isfinite(result).all() for result in results):
        raise BnncostError(
            f"a cost on profile '{profile.name}' is too large for a number; are all its figures physical? "
            "`bnncost profiles check` says which are not."
        )


def traffic_model(profile: HardwareProfile, asked: TrafficModel | None = None) -> TrafficModel:
    """Choose the model of traffic: mapped where the profile has an array, unless `asked` names one."""
    if asked is not None and asked not in get_args(TrafficModel):
        raise unknown("model of traffic", str(asked), get_args(TrafficModel))
    if asked == "mapped" and profile.array is None:
        raise BnncostError(
            f"profile '{profile.name}' has no `array`, so nothing can be mapped on it; give it one (see "
            f"hardware_profiles/README.md), or ask for compulsory traffic."
        )
    return asked or ("compulsory" if profile.array is None else "mapped")


def _control(
    profile: HardwareProfile, cycles: LayerCycles, demand: Demand, total_cycles: np.ndarray
) -> np.ndarray:
    """Energy of the control in all cycles [J]: (N,); on a processor in the cycles that no operation has."""
    if profile.processor is not None:
        spent = np.einsum("ln,ln->n", cycles.beside, demand.repeats)
        return np.asarray(_cycle_j(profile) * spent)
    return _cycle_j(profile) * total_cycles


def _cycle_j(profile: HardwareProfile) -> float:
    """Energy of a cycle of the control, or of one of a processor that no operation has [J]."""
    if profile.processor is not None:
        return (profile.processor.waiting or profile.processor.energy).si
    return profile.control.energy.si if profile.control else 0.0


def control_by_layer(points: PointCosts) -> np.ndarray:
    """Energy of the control in one occurrence of each layer, by the cycles that it takes there [J]: (layers, N)."""
    profile, cycles = points.setting.profile, points.time.cycles
    if profile.processor is not None:
        return np.asarray(_cycle_j(profile) * cycles.beside)
    control = _cycle_j(profile) * cycles.slowest
    for array, running in cycles.arrays.items():
        control = control + array_registers(profile, array).cycle_j * running
    return np.asarray(control)


def _clock(profile: HardwareProfile, cycles: LayerCycles, demand: Demand) -> dict[str, np.ndarray]:
    """Energy of clocking the registers of each array while it runs [J]: (N,) each; none on a processor."""
    return {
        array: array_registers(profile, array).cycle_j * np.einsum("ln,ln->n", running, demand.repeats)
        for array, running in cycles.arrays.items()
        if profile.processor is None
    }


def _leakage(setting: Setting, areas: Areas, points: int) -> dict[str, np.ndarray]:
    """Static power [W] of the control, of other logic by its area, of each buffer and memory level: (N,) each."""
    control = setting.profile.control
    logic: dict[str, np.ndarray] = {"control": np.full(points, control.leakage.si)} if control else {}
    if control is not None and control.leakage_by_area is not None:
        logic_w = control.leakage_by_area.si * logic_area_mm2(areas) * _SQUARE_MILLIMETRE
        logic["logic"] = np.broadcast_to(logic_w, (points,))
    for name, buffer in setting.profile.array.buffers.items() if setting.profile.array else ():
        if buffer.leakage is not None:
            logic[name] = np.full(points, buffer.leakage.si)
    return logic | {name: np.broadcast_to(one.leakage_w, (points,)) for name, one in setting.figures.items()}
