"""Rules of the array section: lanes against throughput, buffers against axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.hardware.text.problem import Findings, Path
from costmodel.hardware.text.quantity import unknown_name

_IDLE = 1.1
"""Lanes may be so many times the throughput, which may be a measured mean."""


def array_problems(data: Mapping[str, Any]) -> Findings:
    """Every breach of a rule between the array, its buffers and the MAC units, as the place and a sentence."""
    array, compute = data.get("array"), data.get("compute")
    units = compute if isinstance(compute, Mapping) else {}
    if not isinstance(array, Mapping):
        for label, unit in units.items():
            if isinstance(unit, Mapping) and "lanes" in unit:
                yield ("compute", label, "lanes"), "is given, but the profile has no `array` with these axes"
        return
    loops = array.get("loops")
    if not isinstance(loops, Mapping) or not loops:
        return
    axes = tuple(str(axis) for axis in loops)
    for label, unit in units.items():
        if isinstance(unit, Mapping):
            yield from _lane_problems(("compute", label), unit, axes)
    yield from _loop_problems(loops)
    for name in _list(array.get("systolic")):
        if isinstance(name, str) and name not in axes:
            yield ("array", "systolic"), unknown_name("axis", name, axes)
    yield from listed_twice(("array", "systolic"), array.get("systolic"))
    buffers = array.get("buffers")
    for name, buffer in buffers.items() if isinstance(buffers, Mapping) else ():
        if isinstance(buffer, Mapping):
            yield from _buffer_problems(("array", "buffers", name), buffer, axes)
            if "area" in buffer and data.get("archetype") in ("fpga", "mcu"):
                yield ("array", "buffers", name, "area"), f"is for an asic, not for an {data['archetype']}"
    yield from _name_problems(data, buffers)
    yield from _bit_problems(data, buffers, units)


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def listed_twice(path: Path, listed: object) -> Findings:
    """Yield the names that a list has more than once."""
    names = [name for name in _list(listed) if isinstance(name, str)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield path, f"lists {name} twice"


def _lane_problems(path: Path, unit: Mapping[str, Any], axes: tuple[str, ...]) -> Findings:
    lanes = unit.get("lanes")
    example = "{" + ", ".join(f"{axis}: 8" for axis in axes) + "}"
    if lanes is None:
        yield (
            (*path, "lanes"),
            f"is missing: the profile has an array, so say how many lanes, as in {example}",
        )
        return
    if not isinstance(lanes, Mapping):
        return
    for axis in lanes:
        if axis not in axes:
            yield (*path, "lanes", axis), unknown_name("axis", axis, axes)
    for axis in axes:
        if axis not in lanes:
            yield (*path, "lanes"), f"says nothing about axis '{axis}'; give every axis, as in {example}"
    counts = [lanes[axis] for axis in axes if axis in lanes]
    throughput = unit.get("throughput")
    value = throughput.get("value") if isinstance(throughput, Mapping) else None
    if len(counts) < len(axes) or not all(isinstance(count, int) and count > 0 for count in counts):
        return
    made = math.prod(counts)
    if isinstance(value, int | float) and not value <= made < max(_IDLE * value, 2):
        yield (
            (*path, "lanes"),
            f"make {made} MACs a cycle, but the throughput is {value:g}; let one follow the other",
        )


def _loop_problems(loops: Mapping[str, Any]) -> Findings:
    for axis, orders in loops.items():
        for number, order in enumerate(_list(orders)):
            yield from listed_twice(("array", "loops", axis, number), order)


def _buffer_problems(path: Path, buffer: Mapping[str, Any], axes: tuple[str, ...]) -> Findings:
    for name in _list(buffer.get("serves")):
        if isinstance(name, str) and name not in axes:
            yield (*path, "serves"), unknown_name("axis", name, axes)
    for field in ("holds", "serves"):
        yield from listed_twice((*path, field), buffer.get(field))
    if ("words" in buffer) == ("size" in buffer):
        yield path, "needs `words` (elements of each operand) or `size` (bits of one instance), one of them"
    energies = [name for name in ("read", "write") if name in buffer]
    others = [name for name in ("free", "register_file") if name in buffer]
    if len(others) + bool(energies) > 1:
        yield (*path, others[-1]), f"is given beside {[*energies, *others][0]}; a buffer has either"
    elif not others and len(energies) < 2:
        yield (
            path,
            "needs `read` and `write`, or `register_file`, or `free` with the reason why they cost nothing",
        )
    if "register_file" in buffer and "words" not in buffer:
        yield (*path, "register_file"), "needs `words`, by which its energies go"


def _bit_problems(data: Mapping[str, Any], buffers: object, units: Mapping[str, Any]) -> Findings:
    given = buffers if isinstance(buffers, Mapping) else {}
    with_bits = {name: one for name, one in given.items() if isinstance(one, Mapping) and "bit" in one}
    for name, buffer in with_bits.items():
        place = ("array", "buffers", name, "bit")
        if data.get("archetype") != "asic":
            yield place, "is for an asic: elsewhere control.energy has the clock"
        elif "words" not in buffer:
            yield (
                place,
                "is for buffers in `words`, of which each array has its own; give `area` for one of fixed size",
            )
    if any("sums" in _list(buffer.get("holds")) for buffer in with_bits.values()):
        for label, unit in units.items():
            if isinstance(unit, Mapping) and "partial_sum" not in unit:
                yield (
                    ("compute", label, "partial_sum"),
                    "is missing: a buffer that holds sums has the area of its bits, so say how wide a sum is",
                )


def _name_problems(data: Mapping[str, Any], buffers: object) -> Findings:
    levels = data.get("memories")
    if isinstance(levels, Mapping) and isinstance(buffers, Mapping):
        for name in buffers:
            if name in levels:
                yield ("array", "buffers", name), "is also the name of a memory; give it another one"
