"""The prices of a profile as the page multiplies them: of operations, of bits, of cycles, each in a group of prices.

A group is what one slider of the page scales.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from analysis.show.words import scope_sentence
from costmodel import BnncostError
from costmodel.demand.arrays import OperationKey
from costmodel.hardware import HardwareProfile
from costmodel.hardware.ends import at_end
from costmodel.hardware.prices import array_registers
from costmodel.pricing.operation_prices import prices_of
from costmodel.pricing.price import traffic_model

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "binary": "binary MAC",
        "macs": "other MACs",
        "mul16": "16-bit multiply",
        "side": "other side operations",
        "sram": "memory on the chip",
        "dram": "memory off the chip",
        "control": "control",
        "leakage": "leakage",
    }
)
"""Every energy belongs to one of these, by the name of its slider; the clock scales none, but latency."""


def group_of(operation: OperationKey) -> str:
    """The group of an operation.

    >>> group_of(("mac", "1x1")), group_of(("mac", "8x8")), group_of(("mul", "int16")), group_of(("add", "int16"))
    ('binary', 'macs', 'mul16', 'side')
    """
    name, precision = operation
    if name == "mac":
        return "binary" if precision == "1x1" else "macs"
    return "mul16" if operation == ("mul", "int16") else "side"


def level_group(chip: HardwareProfile, level: str) -> str:
    """The group of a memory or buffer."""
    return "dram" if level in chip.memories and chip.memories[level].off_chip else "sram"


def levels_of(chip: HardwareProfile) -> tuple[str, ...]:
    """Every memory and buffer of a chip, from the lanes outwards."""
    return (*(chip.array.buffers if chip.array else ()), *chip.memories)


def profile_record(chip: HardwareProfile, operations: Iterable[OperationKey]) -> dict[str, Any]:
    """What the page knows of a profile: its names and its prices [J], each as value, low and high.

    A memory that grows with the network has no price of its own: it stands with each design. Operations without a
    price are left out, since no design that has one has a cost.
    """
    best, worst = at_end(chip, "best"), at_end(chip, "worst")
    return {
        "name": chip.name,
        "title": chip.title,
        "description": chip.description,
        "scope": chip.scope,
        "counted": scope_sentence(chip),
        "traffic": traffic_model(chip),
        "clock_hz": [chip.clock.si, worst.clock.si, best.clock.si],
        "operations": {
            " ".join(key): _operation(key, (chip, best, worst)) for key in operations if _runs(chip, key)
        },
        "levels": [_level(chip, name, best, worst) for name in levels_of(chip)],
        "control_j": [_control_j(one) for one in (chip, best, worst)],
        "arrays": {
            name: [array_registers(one, name).cycle_j for one in (chip, best, worst)] for name in chip.compute
        },
        "leakage_ends": [_control_leakage_ratio(chip, one) for one in (best, worst)],
        "draft": draft(chip),
    }


def _control_j(chip: HardwareProfile) -> float:
    """Energy of a cycle of the control, on a processor of one that no operation has [J]."""
    if chip.processor is not None:
        return (chip.processor.waiting or chip.processor.energy).si
    return chip.control.energy.si if chip.control else 0.0


def _operation(key: OperationKey, three: Iterable[HardwareProfile]) -> dict[str, Any]:
    """The group of an operation and its price [J] as value, low and high."""
    return {"group": group_of(key), "price_j": [float(prices_of(one, (key,)).energy_j[0]) for one in three]}


def _runs(chip: HardwareProfile, key: OperationKey) -> bool:
    try:
        prices_of(chip, (key,))
    except BnncostError:
        return False
    return True


def _level(chip: HardwareProfile, name: str, best: HardwareProfile, worst: HardwareProfile) -> dict[str, Any]:
    """A memory or buffer; `ends` are its cheap and its dear price over its value, at its own size or on average."""
    here, low, high = (_bit_prices(one, name) for one in (chip, best, worst))
    fits = name in chip.memories and chip.memories[name].fits_network
    return {
        "name": name,
        "group": level_group(chip, name),
        "fits": fits,
        "size_bits": None if fits or name not in chip.memories else chip.memories[name].size_bits,
        "price_j": None if fits else here.tolist(),
        "ends": [_ratio(low, here), _ratio(high, here)],
    }


def _bit_prices(chip: HardwareProfile, name: str) -> np.ndarray:
    """Energy of reading and of writing a bit [J/bit]; of a level that grows, that of its macro in the middle."""
    if name in chip.memories:
        level = chip.memories[name]
        size = level.table[len(level.table) // 2, 0] if level.fits_network else level.size_bits
        at = level.interpolate(size)
        return np.array([float(at.read_j_per_bit), float(at.write_j_per_bit)])
    assert chip.array is not None
    buffer = chip.array.buffers[name]
    return np.array([figure.si if figure else 0.0 for figure in (buffer.read, buffer.write)])


def _ratio(end: np.ndarray, value: np.ndarray) -> float:
    return float(end.sum() / value.sum()) if value.sum() > 0 else 1.0


def _control_leakage_ratio(chip: HardwareProfile, end: HardwareProfile) -> float:
    if chip.control is None or end.control is None or chip.control.leakage.si <= 0:
        return 1.0
    return end.control.leakage.si / chip.control.leakage.si


def draft(chip: HardwareProfile) -> str:
    """A profile that extends this one, with the figures that change a mapping written out, to begin an edit from."""
    said = "source: engineering-estimate, status: assumed"
    lines = [f"name: {chip.name}-edited", f"extends: {chip.name}"]
    binary = chip.compute.get("1x1")
    if binary is not None and binary.throughput is not None and binary.lanes:
        lanes = ", ".join(f"{axis}: {count}" for axis, count in binary.lanes.items())
        rate = f"{{value: {binary.throughput.si:g}, unit: mac/cycle, {said}}}"
        lines += ["compute:", "  1x1:", f"    throughput: {rate}", f"    lanes: {{{lanes}}}"]
    given = {name: level for name, level in chip.memories.items() if not level.fits_network}
    if given:
        lines.append("memories:")
    for name, level in given.items():
        size = level.size_bits / 8192
        lines.append(f"  {name}:")
        lines.append(f"    size: {{value: {size:.12g}, unit: kB, {said}}}")
    lines.append(f"clock: {{value: {chip.clock.si / 1e6:g}, unit: MHz, {said}}}")
    return "\n".join(lines) + "\n"
