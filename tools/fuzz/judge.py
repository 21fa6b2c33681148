"""Costs of the toy network once more, from the text of a profile alone: with units, counts and prices of their own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from costmodel.evaluate.results import Cost

PREFIXES = {
    "": 1.0,
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}
BITS = {"bit": 1.0, "B": 8.0, "kB": 8192.0, "MB": 8.0 * 2**20, "GB": 8.0 * 2**30}
AREAS = {"um^2": 1e-6, "mm^2": 1.0, "m^2": 1e6, "nm^2": 1e-12}
COUNTS = {("mac", "8x8"): 512, ("mac", "1x1"): 9216, ("compare", "int32"): 128, ("compare", "int16"): 128}
"""Operations of the toy network, counted by hand where it is declared."""
READ_ONCE = {"weights": 256 + 576, "features": 512, "binary_features": 128}
CLOSE = 1e-9


def si(figure: Mapping[str, Any], units: Mapping[str, float] = BITS) -> float | None:
    """A figure in SI units [mm2 for areas]; None where its unit is written in a way that is not known here."""
    unit = str(figure["unit"]).split("/")[0].strip()
    if unit in units:
        return float(figure["value"] * units[unit])
    factor = next(
        (
            PREFIXES[unit[: -len(base)]]
            for base in ("J", "Hz", "W")
            if unit.endswith(base) and unit[: -len(base)] in PREFIXES
        ),
        None,
    )
    return None if factor is None else float(figure["value"] * factor)


def number(label: str) -> tuple[str, float]:
    """Kind and bits of a precision."""
    special = {"binary": ("int", 1.0), "ternary": ("int", math.log2(3))}
    if label in special:
        return special[label]
    return ("fp", float(label[2:])) if label.startswith("fp") else ("int", float(label.removeprefix("int")))


def narrowest(wanted: str, listed: Mapping[str, Any]) -> Any:
    """The unit with the least bits that holds a precision."""

    def holds(name: str) -> bool:
        pairs = zip(map(number, name.split("x")), map(number, wanted.split("x")), strict=True)
        return all(left[0] == right[0] and left[1] >= right[1] for left, right in pairs)

    able = [name for name in listed if holds(name)]
    return listed[min(able, key=lambda name: math.prod(number(part)[1] for part in name.split("x")))]


def energy_of_one(operation: str, precision: str, chip: Mapping[str, Any]) -> float | None:
    """Energy of one operation [J]."""
    unit = narrowest(
        precision, chip["compute"] if operation == "mac" else chip["side"]["operations"][operation]
    )
    if "processor" in chip:
        core = si(chip["processor"]["energy"])
        return None if core is None else float(unit["cycles"]["value"] * core)
    if "popcount" not in unit:
        return si(unit["energy"])
    parts = unit["popcount"]
    width = si(parts["fan_in"])
    each = [si(parts[name]["energy"]) for name in ("xnor", "full_adder", "accumulator")]
    if width is None or None in each:
        return None
    xnor, adder, accumulator = (float(one) for one in each if one is not None)
    return (width * xnor + (width - math.log2(width + 1)) * adder + accumulator) / width


def near(told: float, own: float | None) -> bool:
    """Whether two figures are the same but for rounding; what is not known here is."""
    return own is None or math.isclose(told, own, rel_tol=CLOSE, abs_tol=1e-60)


def judge(cost: Cost, chip: Mapping[str, Any]) -> None:
    """Raise AssertionError where energies, counts, times or areas are not those of the profile's own figures."""
    figures = [cost.energy_j, cost.latency_s, *cost.area.values(), *cost.energy_split_j.values()]
    assert all(math.isfinite(figure) and figure >= 0 for figure in figures), figures
    assert near(cost.energy_j, sum(cost.energy_split_j.values())), "the energy is not the sum of its parts"
    totals: Counter[tuple[str, str]] = Counter()
    for row in cost.operations:
        totals[row.operation, row.precision] += row.count
        one = energy_of_one(row.operation, row.precision, chip)
        assert near(row.energy_j, None if one is None else one * row.count), f"energy of {row}"
    assert totals == COUNTS, totals
    _judge_traffic(cost, chip)
    _judge_time_and_control(cost, chip)
    _judge_area(cost, chip)


def _judge_traffic(cost: Cost, chip: Mapping[str, Any]) -> None:
    for role, once in READ_ONCE.items():
        read = sum(row.read_bits for row in cost.memory if row.role == role and row.level in chip["memories"])
        assert read >= once * (1 - CLOSE), f"{role} are read less than once"
    for row in cost.memory:
        level = chip["memories"].get(row.level) or chip["array"]["buffers"][row.level]
        if "free" in level:
            assert row.energy_j == 0
        elif "banks" not in level and (macros := level.get("macros", [level])) and "read" in macros[0]:
            ends = [[si(one[way]) for one in macros] for way in ("read", "write")]
            if None not in ends[0] + ends[1]:
                least, most = (
                    row.read_bits * pick(ends[0]) + row.write_bits * pick(ends[1]) for pick in (min, max)
                )
                assert least * (1 - CLOSE) <= row.energy_j <= most * (1 + CLOSE), f"energy of {row}"


def _judge_time_and_control(cost: Cost, chip: Mapping[str, Any]) -> None:
    clock, cycles = si(chip["clock"]), sum(layer.cycles for layer in cost.layers)
    assert near(cost.latency_s, None if clock is None else cycles / clock), "latency"
    if "control" in chip:
        energy = si(chip["control"]["energy"])
        clocked = sum(row.energy_j for row in cost.clocks)
        assert near(cost.control_j, None if energy is None else energy * cycles + clocked), (
            "energy of the control"
        )
    assert near(cost.energy_split_j["leakage"], sum(row.power_w for row in cost.leakage) * cost.latency_s), (
        "leakage"
    )


def _judge_area(cost: Cost, chip: Mapping[str, Any]) -> None:
    if chip["archetype"] != "asic" or "array" in chip:
        return
    arrays = 0.0
    for label in ("1x1", "8x8"):
        unit = narrowest(label, chip["compute"])
        if "popcount" in unit:
            parts = unit["popcount"]
            areas = [si(parts[name]["area"], AREAS) for name in ("xnor", "full_adder", "accumulator")]
            width = si(parts["fan_in"])
            if None in areas or width is None:
                return
            xnor, adder, accumulator = (float(one) for one in areas if one is not None)
            one: float | None = (width * xnor + (width - math.log2(width + 1)) * adder + accumulator) / width
        else:
            one = si(unit["area"], AREAS)
        if one is None or unit["throughput"]["unit"] not in ("mac/cycle", "operation/cycle"):
            return
        arrays += one * unit["throughput"]["value"]
    if (
        narrowest("1x1", chip["compute"]) is not narrowest("8x8", chip["compute"])
        and chip["side"]["policy"] == "matched"
    ):
        assert near(cost.area_split["arrays"]["mm2"], arrays), "area of the arrays"
    control = si(chip["control"]["area"], AREAS)
    assert near(cost.area_split["control"]["mm2"], control), "area of the control"
