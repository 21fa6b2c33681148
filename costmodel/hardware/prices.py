"""What one operation costs on a profile: energy, cycles and the resources of its unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from costmodel.errors import BnncostError, unknown
from costmodel.graph import read_precisions
from costmodel.hardware.precision import MAC_LABELS, OPERATIONS, SIDE_PRECISIONS, narrowest_for
from costmodel.hardware.profile import Control, HardwareProfile, MacUnit, Popcount, Processor, SideUnit
from costmodel.hardware.text.problem import place_of
from costmodel.hardware.text.quantity import Quantity
from costmodel.hardware.walk import own_quantities, quantities
from costmodel.mapping.nest import Operand

_SQUARE_METRE = 1e6  # mm2

Used = tuple[tuple[str, Quantity], ...]


@dataclass(frozen=True)
class UnitPrice:
    """Price of one operation and of the unit that runs it.

    `cycles_per_operation` is 0 for a matched side unit, of which there are as many as keep the pace. `resources` maps
    "mm2", "lut" or "dsp" to the amount per unit (per MAC a cycle for an array). `units` is the throughput
    [1/cycle], None for matched units and on an mcu. `precision` is the one that it runs on. `quantities` are
    the figures used, each with its path in the profile.
    """

    energy_j: float
    cycles_per_operation: float
    resources: Mapping[str, float]
    units: float | None
    precision: str
    quantities: Used = field(repr=False)


@dataclass(frozen=True)
class ArrayRegisters:
    """What the registers of one array bring: energy of a cycle in which it runs [J], and area [mm2]."""

    cycle_j: float
    area_mm2: float


def array_registers(profile: HardwareProfile, label: str) -> ArrayRegisters:
    """Add up the bits of the buffers that the array of precision `label` has; nothing without `bit`."""
    unit, buffers = profile.compute[label], profile.array.buffers.values() if profile.array else ()
    weight, feature = read_precisions(label)
    sums = unit.partial_sum.si if unit.partial_sum else 0.0
    widths = {Operand.WEIGHTS: weight.bits, Operand.FEATURES: feature.bits, Operand.SUMS: int(sums)}
    cycle_j = area_m2 = 0.0
    for buffer in buffers:
        if buffer.bit is not None and unit.lanes is not None:
            bits = buffer.instances(unit.lanes) * buffer.bits(widths)
            cycle_j += bits * (buffer.bit.energy.si if buffer.bit.energy else 0.0)
            area_m2 += bits * (buffer.bit.area.si if buffer.bit.area else 0.0)
    return ArrayRegisters(cycle_j, area_m2 * _SQUARE_METRE)


def cycle_energy_j(profile: HardwareProfile, label: str) -> float:
    """Energy of a cycle in which the array of precision `label` runs [J]: control, its leakage, and the array's clock.

    A mapping that waits pays for it.
    """
    if profile.control is None:
        return 0.0
    standing_j = profile.control.energy.si + profile.control.leakage.si / profile.clock.si
    return standing_j + array_registers(profile, label).cycle_j


def control_resources(control: Control) -> dict[str, float]:
    """Return what the control takes of the chip: "mm2" or "lut"."""
    return _resources_of((("mm2", control.area), ("lut", control.lut)))


def _resources_of(fields: Iterable[tuple[str, Quantity | None]]) -> dict[str, float]:
    """Amounts of the resources that are given; areas in mm2."""
    return {
        name: figure.si * (_SQUARE_METRE if name == "mm2" else 1.0)
        for name, figure in fields
        if figure is not None
    }


def full_adders_per_bit(fan_in: float) -> float:
    """Full adders per input bit of a popcount tree.

    A parallel counter of w = 2^k - 1 inputs needs w - k of them; other widths lie between.
    Swartzlander, "Parallel counters", IEEE Trans. Computers 1973.

    >>> full_adders_per_bit(7)  # 4 full adders count 7 bits
    0.5714285714285714
    """
    return (fan_in - math.log2(fan_in + 1.0)) / fan_in


def mac_price(profile: HardwareProfile, label: str) -> UnitPrice:
    """Return the price of a MAC of precision `label`, such as "1x1"; raises BnncostError where nothing can run it."""
    if len(read_precisions(label)) != 2:
        raise unknown("MAC precision", label, MAC_LABELS)
    runs_on = narrowest_for(label, profile.compute)
    if runs_on is None:
        raise BnncostError(
            f"profile '{profile.name}' cannot run a {label} MAC: no listed precision is as wide in weight "
            f"and feature. It lists {', '.join(profile.compute)}; add one under compute."
        )
    unit, place = profile.compute[runs_on], f"compute.{runs_on}"
    if profile.processor is not None:
        return _processor_price(profile, unit, place, runs_on)
    throughput = _given(unit.throughput, profile, f"{place}.throughput")
    if unit.popcount is None:
        energy_j, resources = _given(unit.energy, profile, f"{place}.energy").si, _unit_resources(unit)
        used = _used(place, unit, ("energy", "throughput", "area", "lut", "dsp", "partial_sum"))
    else:
        energy_j, resources = _from_parts(unit.popcount)
        parts = quantities(unit.popcount, ("compute", runs_on, "popcount"))
        own = _used(place, unit, ("throughput", "partial_sum"))
        used = (*((place_of(path), figure) for path, figure in parts), *own)
    return UnitPrice(energy_j, 1.0 / throughput.si, MappingProxyType(resources), throughput.si, runs_on, used)


def operation_price(profile: HardwareProfile, operation: str, precision: str) -> UnitPrice:
    """Return the price of an element-wise operation; raises BnncostError where no listed unit is wide enough."""
    if operation not in OPERATIONS:
        raise unknown("operation", operation, OPERATIONS)
    if len(read_precisions(precision)) != 1:
        raise unknown("precision", precision, SIDE_PRECISIONS)
    units_listed = {
        str(name): unit
        for known, by_precision in profile.side.operations.items()
        if known == operation
        for name, unit in by_precision.items()
    }
    runs_on = narrowest_for(precision, units_listed)
    if runs_on is None:
        raise BnncostError(_no_unit(profile, operation, precision, units_listed))
    unit = units_listed[runs_on]
    place = f"side.operations.{operation}.{runs_on}"
    if profile.processor is not None:
        return _processor_price(profile, unit, place, runs_on)
    energy = _given(unit.energy, profile, f"{place}.energy")
    used = _used(place, unit, ("energy", "units", "area", "lut", "dsp"))
    resources = MappingProxyType(_unit_resources(unit))
    if profile.side.policy == "matched":
        return UnitPrice(energy.si, 0.0, resources, None, runs_on, used)
    units = _given(unit.units, profile, f"{place}.units").si
    return UnitPrice(energy.si, 1.0 / units, resources, units, runs_on, used)


def _no_unit(profile: HardwareProfile, operation: str, precision: str, listed: Iterable[str]) -> str:
    names = ", ".join(listed)
    if names:
        has = f"no listed precision is as wide; it lists {names}"
    else:
        has = f"it lists {', '.join(profile.side.operations)}"
    return (
        f"profile '{profile.name}' has no price for '{operation}' at {precision}: {has}. "
        f"Add side.operations.{operation}.{precision} to the profile."
    )


def _processor_price(
    profile: HardwareProfile, unit: MacUnit | SideUnit, place: str, runs_on: str
) -> UnitPrice:
    assert profile.processor is not None
    cycles = _given(unit.cycles, profile, f"{place}.cycles")
    used = (*_used(place, unit, ("cycles", "depthwise")), *_used_of(profile.processor))
    energy_j = cycles.si * profile.processor.energy.si
    return UnitPrice(energy_j, cycles.si, MappingProxyType({}), None, runs_on, used)


def _from_parts(parts: Popcount) -> tuple[float, dict[str, float]]:
    """Energy [J] and resources of a binary MAC: XNOR, its share of popcount tree and of accumulation."""
    fan_in = parts.fan_in.si
    shares = (
        (parts.xnor, 1.0),
        (parts.full_adder, full_adders_per_bit(fan_in)),
        (parts.accumulator, 1.0 / fan_in),
    )
    energy_j = sum(part.energy.si * share for part, share in shares)
    area_mm2 = sum(part.area.si * share for part, share in shares) * _SQUARE_METRE
    return energy_j, {"mm2": area_mm2}


def _unit_resources(unit: MacUnit | SideUnit) -> dict[str, float]:
    return _resources_of((("mm2", unit.area), ("lut", unit.lut), ("dsp", unit.dsp)))


def _used(place: str, unit: MacUnit | SideUnit, fields: Iterable[str]) -> Used:
    figures = own_quantities(unit)
    return tuple((f"{place}.{name}", figures[name]) for name in fields if name in figures)


def _used_of(processor: Processor) -> Used:
    """The figures of the core that a price rests on; copying of maps is a matter of published systems."""
    figures = own_quantities(processor).items()
    return tuple((f"processor.{name}", figure) for name, figure in figures if name != "map_copy")


def _given(figure: Quantity | None, profile: HardwareProfile, place: str) -> Quantity:
    if figure is None:
        raise BnncostError(
            f"profile '{profile.name}' lacks {place}; read it with load_profile to see all problems"
        )
    return figure
