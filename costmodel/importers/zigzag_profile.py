"""ZigZag's accelerator files as hardware profiles, completed from a profile of this project.

ZigZag describes the array and the memories. Technology, clock, side units, control and the area of MACs come from the
base. The text stands on its own: a profile that extended the base would keep the base's memories beside the new ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from costmodel.errors import BnncostError, unknown
from costmodel.graph import MAP_ROLES, Role
from costmodel.hardware import HardwareProfile, Quantity, load_profile
from costmodel.hardware.files import examine_text
from costmodel.importers.zigzag import DEFAULT, PJ, machine_from
from costmodel.importers.zigzag_read import read_accelerator, read_mapping
from costmodel.importers.zigzag_schema import MappingEntry
from costmodel.mapping import Architecture, Level
from costmodel.mapping.nest import DIMS, FEATURES, OPERANDS, SUMS, WEIGHTS

ROLES_OF = {WEIGHTS: (Role.WEIGHTS, Role.PARAMETERS), FEATURES: MAP_ROLES}
_MOST_OPEN_AXES = 2
_SUM_BITS = 16
"""Width of partial sums where a network says nothing to ZigZag."""


class _Figure(NamedTuple):
    """A number of the file, or one that follows from it."""

    value: float
    unit: str
    status: str
    note: str = ""


def profile_text(
    path: str | os.PathLike[str],
    mapping: str | os.PathLike[str] | None = None,
    base: str = "asic-45nm",
    label: str = "8x8",
    entry: str = DEFAULT,
) -> str:
    """Write the accelerator as a profile's text; its MAC energy becomes that of MACs of precision `label`.

    Raises BnncostError with every problem of a file, or with what a profile cannot say.
    """
    accelerator = read_accelerator(path)
    given = (
        MappingEntry.model_validate({"name": DEFAULT})
        if mapping is None
        else read_mapping(mapping, accelerator, entry)
    )
    machine, profile = machine_from(accelerator, given), load_profile(base)
    place, source = os.fspath(path), f"ZigZag, {Path(path).name}"
    if profile.archetype != "asic":
        raise BnncostError(
            f"profile '{base}' is of archetype {profile.archetype}, and ZigZag describes an asic; extend one of those."
        )
    if label not in profile.compute:
        raise unknown("MAC precision", label, profile.compute, f"profile '{base}'")
    loops = _loops(machine, given, place)
    inner, outer = _parted(machine, place)
    sections: dict[str, Any] = {
        "name": machine.name.lower().replace(" ", "-"),
        "title": f"{machine.name} as ZigZag describes it, completed from {profile.name}",
        "description": f"Array, memories and the energy of {label} MACs from {source}; all else from {profile.name}.",
        "archetype": "asic",
        "scope": profile.scope,
        **{name: _plain(getattr(profile, name)) for name in ("technology", "clock")},
        "compute": _compute(machine, profile, label, source),
        "array": {
            "loops": loops,
            **({"systolic": list(machine.array.systolic)} if machine.array.systolic else {}),
            "buffers": {level.name: _buffer(level, source) for level in inner},
        },
        "side": _plain(profile.side),
        "memories": {level.name: _memory(level, outer, source) for level in outer},
        "control": _plain(profile.control),
    }
    head = [f"# {line}" for line in _remarks(machine, profile, source)]
    text = "\n".join([*head, "", *_lines(sections, 0)]) + "\n"
    if problems := examine_text(text, place).problems:
        listed = "\n".join(f"  {problem.place}: {problem.sentence}" for problem in problems)
        raise BnncostError(f"{place}: a profile of this would not be sound:\n{listed}")
    return text


def _remarks(machine: Architecture, profile: HardwareProfile, source: str) -> Iterator[str]:
    """Say what is from where, and what a profile does not say as ZigZag does."""
    yield f"Imported from {source}."
    yield f"Technology, clock, side units, control, and energy and area of the other MACs are those of {profile.name}."
    yield "ZigZag gives no unit of area and no leakage: the memories here have none, so area and leakage are too small."
    yield "Its memories begin and end every layer at the outermost; here each network takes the first with room for it."
    for level in machine.levels:
        pieces = sorted({port.least_bits for port in level.ports})
        if pieces != [1]:
            yield f"{level.name}: ZigZag rounds what is moved up to {_listed(pieces)} bits; here bits are priced."
        if len(level.ports) > 1:
            yield f"{level.name}: has {len(level.ports)} ports there; see `port` for what is left of them here."


def _listed(numbers: Sequence[int]) -> str:
    return " or ".join(map(str, numbers))


def _loops(machine: Architecture, mapping: MappingEntry, place: str) -> dict[str, list[list[str]]]:
    """The loops of every axis; in a profile each fills it as far as it can."""
    by_axis = {}
    for axis, lanes in machine.array.axes.items():
        loops = mapping.spatial_mapping.get(axis, ())
        if loops and prod(min(factor, lanes) for _, factor in loops) != lanes:
            written = " x ".join(f"{dim} {factor}" for dim, factor in loops)
            raise BnncostError(
                f"{place}: the mapping unrolls {written} on axis {axis} of {lanes} lanes; in a profile loops fill an "
                f"axis as far as they can, so this cannot be said: change the factors, or the size of the axis."
            )
        if len(loops) > 1:
            raise BnncostError(
                f"{place}: the mapping unrolls {len(loops)} loops on axis {axis}; in a profile the first would fill it "
                f"alone, so this cannot be said: give one loop."
            )
        hinted = mapping.spatial_mapping_hint.get(axis, DIMS)
        by_axis[axis] = [[loops[0][0]]] if loops else [[dim] for dim in hinted]
    if sum(len(orders) == len(DIMS) for orders in by_axis.values()) > _MOST_OPEN_AXES:
        raise BnncostError(
            f"{place}: nothing says which loops run on {', '.join(by_axis)}, and all would be "
            f"{len(DIMS)}^{len(by_axis)} choices; name a mapping file with --mapping."
        )
    return by_axis


def _parted(machine: Architecture, place: str) -> tuple[list[Level], list[Level]]:
    """Part the levels into buffers, and memories that serve all axes and hold weights, or maps in and out."""
    axes = set(machine.array.axes)
    inner: list[Level] = []
    outer: list[Level] = []
    for level in machine.levels:
        prices = {port.energy_bits or level.energy_bits for port in level.ports}
        if len(prices) > 1:
            raise BnncostError(
                f"{place}: memory '{level.name}' has ports of {_listed(sorted(prices))} bits, each for the same r_cost "
                f"and w_cost; a profile has one price per bit: give the ports one bandwidth_max."
            )
        maps = FEATURES in level.operands and SUMS in level.operands
        whole = maps or (WEIGHTS in level.operands and level.operands == (WEIGHTS,))
        if set(level.serves) == axes and whole:
            outer.append(level)
            continue
        inner.append(level)
        if outside := next((m for m in outer if set(m.operands) & set(level.operands)), None):
            raise BnncostError(
                f"{place}: memory '{level.name}' lies outside '{outside.name}', but holds {_held(level)} alone, "
                f"or not for all axes; in a profile such a buffer lies below all memories: let it hold more."
            )
    return inner, outer


def _held(level: Level) -> str:
    return ", ".join(level.operands)


def _compute(machine: Architecture, profile: HardwareProfile, label: str, source: str) -> dict[str, Any]:
    lanes = dict(machine.array.axes)
    throughput = _Figure(
        prod(lanes.values()), "mac/cycle", "published", "one MAC a lane and cycle, at any precision"
    )
    units = {}
    for name, unit in profile.compute.items():
        units[name] = _plain(unit) | {"throughput": _quantity(throughput, source), "lanes": lanes}
        if name == label and unit.popcount is None:
            units[name]["energy"] = _quantity(
                _Figure(
                    machine.mac_energy_j / PJ, "pJ/operation", "published", "unit_energy, taken to be pJ"
                ),
                source,
            )
    return units


def _buffer(level: Level, source: str) -> dict[str, Any]:
    return {
        "holds": list(level.operands),
        "serves": list(level.serves),
        **_capacity(level, source),
        **_energies(level, source),
        "port": _port(level, source),
        **({"double_buffered": True} if level.double_buffered else {}),
    }


def _capacity(level: Level, source: str) -> dict[str, Any]:
    """Bits; of sums alone words, for here sums are as wide as their layer needs."""
    if level.operands == (SUMS,) and level.size_bits >= _SUM_BITS:
        note = f"{level.size_bits} bits hold so many sums of ZigZag's {_SUM_BITS} bits"
        return {"words": _quantity(_Figure(level.size_bits // _SUM_BITS, "word", "derived", note), source)}
    return {"size": _quantity(_Figure(level.size_bits, "bit", "published"), source)}


def _memory(level: Level, outer: Sequence[Level], source: str) -> dict[str, Any]:
    size = _quantity(_Figure(level.size_bits, "bit", "published"), source)
    macro: dict[str, Any] = {"size": size, **_energies(level, source)}
    outermost = level is outer[-1] and set(level.operands) == set(OPERANDS)
    if not outermost:
        missing = "not stated by ZigZag; 0 leaves it out"
        macro["area"] = _quantity(_Figure(0, "mm^2", "assumed", missing), source)
        macro["leakage"] = _quantity(_Figure(0, "mW", "assumed", missing), source)
    return {
        "holds": [role for operand in level.operands for role in ROLES_OF.get(operand, ())],
        "size": size,
        "port": _port(level, source),
        "macros": [macro],
        **({"double_buffered": True} if level.double_buffered else {}),
        **({"off_chip": True} if outermost else {}),
    }


def _energies(level: Level, source: str) -> dict[str, Any]:
    bits = level.ports[0].energy_bits or level.energy_bits
    return {
        name: _quantity(
            _Figure(joules / PJ / bits, "pJ/bit", "derived", f"{joules / PJ:g} pJ for {bits} bits"), source
        )
        for name, joules in (("read", level.read_energy_j), ("write", level.write_energy_j))
    }


def _port(level: Level, source: str) -> dict[str, Any]:
    widths = sorted({port.width_bits for port in level.ports})
    note = f"the narrowest of {_listed(widths)}" if len(widths) > 1 else ""
    return _quantity(_Figure(widths[0], "bit/cycle", "derived" if note else "published", note), source)


def _quantity(figure: _Figure, source: str) -> dict[str, Any]:
    made = {"value": figure.value, "unit": figure.unit, "source": source, "status": figure.status}
    return made | ({"note": figure.note} if figure.note else {})


def _plain(section: Any) -> Any:
    """A section of a profile as plain data, without what is not given."""
    plain: Any = section.model_dump(
        mode="json", exclude_none=True, exclude_defaults=not isinstance(section, Quantity)
    )
    return plain


def _lines(node: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Write plain data as YAML: quantities and lists on one line each."""
    for key, value in node.items():
        if isinstance(value, Mapping) and "value" not in value and value:
            yield f"{' ' * indent}{key}:"
            yield from _lines(value, indent + 2)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{' ' * indent}{key}:"
            for item in value:
                first, *others = _lines(item, indent + 4)
                yield f"{' ' * (indent + 2)}- {first.lstrip()}"
                yield from others
        else:
            yield f"{' ' * indent}{key}: {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)
