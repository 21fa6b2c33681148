"""Rules of a profile that span fields: what each archetype needs and refuses, and who holds which data.

They read the plain data of a file and not the finished types, so that they also speak when a figure elsewhere
is wrong. Whatever has the wrong form is passed over here: the types report it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from costmodel.errors import BnncostError
from costmodel.graph import ROLES, Role, read_precisions
from costmodel.hardware.checks.array import array_problems, listed_twice
from costmodel.hardware.memories.level import PRICED_BY, Macro
from costmodel.hardware.profile import Archetype, MacUnit, SideUnit
from costmodel.hardware.text.problem import Finding, Findings, Path
from costmodel.hardware.text.units import scale_of


class _Fields(NamedTuple):
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


_MAC = {
    "asic": _Fields(("throughput", "energy", "area"), ("lanes", "partial_sum")),
    "fpga": _Fields(("throughput", "energy", "lut"), ("dsp", "lanes")),
    "mcu": _Fields(("cycles",), ("depthwise", "lanes")),
}
_BINARY_ASIC = _Fields(("throughput", "popcount"), ("lanes", "partial_sum"))
_SIDE = {
    "asic": _Fields(("energy", "area")),
    "fpga": _Fields(("energy", "lut"), ("dsp",)),
    "mcu": _Fields(("cycles",)),
}
_ON_CHIP = {
    "asic": _Fields(("size", "area", "leakage")),
    "fpga": _Fields(("size", "bram", "leakage")),
}


def rule_problems(data: Mapping[str, Any]) -> list[Finding]:
    """Every breach of a rule between fields, as the place and a sentence."""
    breaches = [*_role_problems(data), *array_problems(data)]
    archetype = str(data.get("archetype"))
    if archetype in get_args(Archetype):
        breaches += [
            *_section_problems(data, archetype),
            *_compute_problems(data, archetype),
            *_side_problems(data, archetype),
            *_memory_problems(data, archetype),
        ]
    return breaches


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _a(archetype: str) -> str:
    return "a microcontroller (mcu)" if archetype == "mcu" else f"an {archetype}"


def _section_problems(data: Mapping[str, Any], archetype: str) -> Findings:
    needed, refused = ("processor", "control") if archetype == "mcu" else ("control", "processor")
    if needed not in data:
        yield (needed,), f"is missing: {_a(archetype)} needs it"
    if refused in data:
        yield (refused,), f"is not for {_a(archetype)}; delete it"
    control = _mapping(data.get("control"))
    if control and archetype != "mcu":
        size, other = ("area", "lut") if archetype == "asic" else ("lut", "area")
        optional = ("leakage_by_area",) if archetype == "asic" else ()
        known = (size, other, "leakage_by_area")
        yield from _field_problems(("control",), control, _Fields((size,), optional), known, _a(archetype))


def _field_problems(
    path: Path, given: Mapping[str, Any], fields: _Fields, known: Sequence[str], what: str
) -> Findings:
    """Fields that are needed and absent, and known ones that are given and not wanted here."""
    for name in fields.needed:
        if name not in given:
            yield (*path, name), f"is missing: {what} needs {', '.join(fields.needed)} here"
    wanted = fields.needed + fields.optional
    for name in given:
        if name in known and name not in wanted:
            yield (*path, name), f"is not for {what} here; it takes {', '.join(wanted)}"


def _compute_problems(data: Mapping[str, Any], archetype: str) -> Findings:
    if "compute" in data and data["compute"] == {}:
        yield ("compute",), "must list at least one precision, such as 1x1"
    for label, unit in _mapping(data.get("compute")).items():
        if len(read_precisions(label)) != 2 or not isinstance(unit, Mapping):
            continue
        binary_asic = archetype == "asic" and label == "1x1"
        fields = _BINARY_ASIC if binary_asic else _MAC[archetype]
        what = "1x1 of an asic, which is priced from its parts," if binary_asic else _a(archetype)
        yield from _field_problems(("compute", label), unit, fields, tuple(MacUnit.model_fields), what)


def _side_problems(data: Mapping[str, Any], archetype: str) -> Findings:
    side = data.get("side")
    if not isinstance(side, Mapping):
        return
    policy = side.get("policy")
    fields = _SIDE[archetype]
    what = _a(archetype)
    if archetype == "mcu":
        if policy == "matched":
            yield ("side", "policy"), "is fixed on a microcontroller, which runs one operation after another"
    elif policy is None and "policy" not in side:
        yield (
            ("side", "policy"),
            "is missing: matched (as many units as keep the `pace`) or fixed (`units` of each)",
        )
    elif policy == "fixed":
        fields = _Fields((*fields.needed, "units"), fields.optional)
        what += " with fixed side units"
    elif policy == "matched":
        what += " with matched side units"
    else:
        return
    yield from _pace_problems(side, policy)
    for operation, units in _mapping(side.get("operations")).items():
        for precision, unit in _mapping(units).items():
            if isinstance(unit, Mapping):
                path = ("side", "operations", operation, precision)
                yield from _field_problems(path, unit, fields, tuple(SideUnit.model_fields), what)


def _pace_problems(side: Mapping[str, Any], policy: object) -> Findings:
    if policy == "matched" and "pace" not in side:
        yield (
            ("side", "pace"),
            "is missing: matched units keep a pace that all networks share, such as 16 element/cycle",
        )
    elif policy != "matched" and "pace" in side:
        yield ("side", "pace"), "is for matched side units; delete it"


def _role_problems(data: Mapping[str, Any]) -> Findings:
    levels = data.get("memories")
    if not isinstance(levels, Mapping):
        return
    held = [role for level in levels.values() for role in _list(_mapping(level).get("holds"))]
    missing = [role for role in ROLES if role not in held]
    if missing:
        yield ("memories",), f"no level holds {', '.join(missing)}; add it to `holds` of one level or more"
    holders = [name for name, level in levels.items() if Role.WEIGHTS in _list(_mapping(level).get("holds"))]
    for name, level in levels.items():
        if _mapping(level).get("loaded") == "per inference" and name not in holders[:-1]:
            yield (
                ("memories", name, "loaded"),
                "needs a level further out that holds weights to fetch them from",
            )
        yield from listed_twice(("memories", name, "holds"), _mapping(level).get("holds"))


def _memory_problems(data: Mapping[str, Any], archetype: str) -> Findings:
    for name, level in _mapping(data.get("memories")).items():
        if not isinstance(level, Mapping):
            continue
        path = ("memories", name)
        given = [form for form in PRICED_BY if form in level]
        if len(given) > 1:
            yield (*path, given[-1]), f"is given beside {given[0]}; a level has either"
        elif not given:
            yield (
                path,
                "needs macros, or `free` with the reason why reads and writes cost nothing, or on an asic `sram`",
            )
        if "sram" in level:
            yield from _sram_problems(path, level, archetype)
        if "macros" in level:
            yield from _macro_problems(path, level, archetype)
        yield from _bank_problems(path, level, archetype)


def _bank_problems(path: Path, level: Mapping[str, Any], archetype: str) -> Findings:
    priced = archetype == "asic" and ("macros" in level or "sram" in level)
    outside = level.get("off_chip") is True
    if "banks" in level and (not priced or (outside and "sram" not in level)):
        yield (*path, "banks"), "is for memories with macros or an sram on an asic; delete it"
    elif priced and not outside and level.get("size") == "fit" and "banks" not in level:
        yield (
            (*path, "banks"),
            "is missing: a memory that fits the network is built of banks; give their `size` and `wire`",
        )


def _sram_problems(path: Path, level: Mapping[str, Any], archetype: str) -> Findings:
    if archetype != "asic":
        yield (*path, "sram"), f"is for memories on an asic, not for those of {_a(archetype)}"
    if level.get("off_chip") is True:
        yield (*path, "sram"), "is for memories on the chip; give macros for one outside"
    if "port" not in level:
        yield _no_port(path)


def _no_port(path: Path) -> Finding:
    return (*path, "port"), "is missing: read and write traffic per cycle, such as 128 bit/cycle"


def _macro_problems(path: Path, level: Mapping[str, Any], archetype: str) -> Findings:
    if "port" not in level:
        yield _no_port(path)
    macros = _list(level.get("macros"))
    if isinstance(level.get("macros"), list) and not macros:
        yield (*path, "macros"), "must list at least one macro"
    if level.get("off_chip") is True:
        fields, what = _Fields(("size",), ("leakage",)), "an off-chip memory"
        if len(macros) == 1:
            fields = _Fields((), ("size", "leakage"))
    elif archetype == "mcu":
        yield (
            (*path, "macros"),
            "is for off-chip memories on a microcontroller; give `free` with a reason instead",
        )
        return
    else:
        fields, what = _ON_CHIP[archetype], f"on-chip memory of {_a(archetype)}"
    fields = _Fields((*fields.needed, "read", "write"), fields.optional)
    types_report = ("read", "write")
    for index, macro in enumerate(macros):
        if isinstance(macro, Mapping):
            place = (*path, "macros", index)
            for where, sentence in _field_problems(place, macro, fields, tuple(Macro.model_fields), what):
                if where[-1] not in types_report:
                    yield where, sentence
    yield from _order_problems((*path, "macros"), macros)


def _order_problems(path: Path, macros: Sequence[Any]) -> Findings:
    sizes = [_bits(_mapping(macro).get("size")) for macro in macros]
    for index in range(1, len(sizes)):
        before, after = sizes[index - 1], sizes[index]
        if before is not None and after is not None and after <= before:
            yield (*path, index, "size"), "must be larger than the macro before it"


def _bits(size: object) -> float | None:
    """Size [bit] of a quantity as written, None when it cannot be read."""
    figure = _mapping(size)
    value, unit = figure.get("value"), figure.get("unit")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(unit, str):
        return None
    try:
        return float(value) * scale_of(unit).factor
    except BnncostError:
        return None
