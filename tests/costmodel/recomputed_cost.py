"""The energy of a design once more, from its JSON and the profile's YAML alone: an independent recomputation."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import costmodel as cm

FOLDER = Path(__file__).parents[2] / "hardware_profiles"

FACTORS = {
    "fJ": 1e-15,
    "pJ": 1e-12,
    "nJ": 1e-9,
    "uW": 1e-6,
    "mW": 1e-3,
    "MHz": 1e6,
    "kB": 8192.0,
    "MB": 2**23,
}


def si(figure: Mapping[str, Any]) -> float:
    return figure["value"] * FACTORS.get(figure["unit"].split("/")[0], 1.0)


@cache
def profile_of(name: str) -> dict[str, Any]:
    """The YAML of a shipped profile, read once; nobody changes it."""
    own = YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    whole = merged(profile_of(own["extends"]), own) if "extends" in own else own
    memories = {level: written_out(described) for level, described in whole["memories"].items()}
    return whole | {"memories": memories}


def written_out(level: dict[str, Any]) -> dict[str, Any]:
    """A level whose `sram` has become the macros that the shipped table has for its cell and word."""
    if "sram" not in level:
        return level
    sram = level["sram"]
    process, word = str(sram["node"]["value"]), sram["width"]["value"]
    tables = FOLDER / "tables"
    supplies = YAML(typ="safe", pure=True).load((tables / "cacti7_sram.yaml").read_text(encoding="utf-8"))
    own = supplies["supply_v"][sram["cell"]][process]
    scale = (sram["voltage"]["value"] / own) ** 2 if "voltage" in sram else 1.0

    def figure(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "unit": unit}

    with (tables / "cacti7_sram.csv").open(newline="") as stream:
        macros = [
            {
                "size": figure(float(row["size_kB"]), "kB"),
                "read": figure(float(row["read_pJ"]) / word * scale, "pJ/bit"),
                "write": figure(float(row["write_pJ"]) / word * scale, "pJ/bit"),
                "leakage": figure(float(row["leak_mW"]), "mW"),
                "area": figure(float(row["area_mm2"]), "mm^2"),
            }
            for row in csv.DictReader(stream)
            if (row["node_nm"], row["cell"], float(row["width_b"])) == (process, sram["cell"], word)
        ]
    return level | {"macros": macros}


def merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    both = parent | child
    for key in parent.keys() & child.keys():
        if isinstance(child[key], dict) and "value" not in child[key]:
            both[key] = merged(parent[key], child[key])
    return both


def number(label: str) -> tuple[str, float]:
    special = {"binary": ("int", 1.0), "ternary": ("int", math.log2(3))}
    if label in special:
        return special[label]
    return ("fp", float(label[2:])) if label.startswith("fp") else ("int", float(label.removeprefix("int")))


def narrowest_that_holds(wanted: str, listed: Mapping[str, Any]) -> Any:
    def holds(name: str) -> bool:
        pairs = zip(map(number, name.split("x")), map(number, wanted.split("x")), strict=True)
        return all(left[0] == right[0] and left[1] >= right[1] for left, right in pairs)

    able = [name for name in listed if holds(name)]
    return listed[min(able, key=lambda name: math.prod(number(part)[1] for part in name.split("x")))]


def energy_of_one(operation: str, precision: str, chip: dict[str, Any]) -> float:
    listed = chip["compute"] if operation == "mac" else chip["side"]["operations"][operation]
    unit = narrowest_that_holds(precision, listed)
    if "processor" in chip:
        return si(unit["cycles"]) * si(chip["processor"]["energy"])
    if "popcount" not in unit:
        return si(unit["energy"])
    parts, width = unit["popcount"], unit["popcount"]["fan_in"]["value"]
    adders = width - math.log2(width + 1)
    per_word = width * si(parts["xnor"]["energy"]) + adders * si(parts["full_adder"]["energy"])
    return (per_word + si(parts["accumulator"]["energy"])) / width


def of_size(level: dict[str, Any], field: str, bits: float) -> float:
    """A figure of a memory: a piece at a time, and the wires from the middle of an edge to the bank."""
    if level.get("off_chip"):
        return of_macro(level, field, bits)
    largest = si(level["banks"]["size"] if "banks" in level else level["macros"][-1]["size"])
    if field in ("leakage", "area"):
        total = 0.0
        while bits > largest:
            total, bits = total + of_macro(level, field, largest), bits - largest
        return total + of_macro(level, field, bits)
    energy = of_macro(level, field, min(bits, largest))
    if "banks" not in level:
        return energy
    edges = [math.sqrt(of_size(level, "area", size)) for size in (bits, min(bits, largest))]
    return energy + si(level["banks"]["wire"]) * (edges[0] - edges[1]) * 3 / 4


def of_macro(level: dict[str, Any], field: str, bits: float) -> float:
    macros = level["macros"]
    sizes = [si(macro["size"]) if "size" in macro else 1.0 for macro in macros]
    figures = [si(macro[field]) if field in macro else 0.0 for macro in macros]
    if bits <= sizes[0] or len(sizes) == 1:
        return figures[0]
    if bits >= sizes[-1]:
        return figures[-1]
    upper = next(place for place, size in enumerate(sizes) if size >= bits)
    (x0, x1), (y0, y1) = sizes[upper - 1 : upper + 1], figures[upper - 1 : upper + 1]
    part = math.log(bits / x0) / math.log(x1 / x0)
    return y0 + part * (y1 - y0) if min(figures) == 0 else y0 * (y1 / y0) ** part


def level_bits(level: dict[str, Any], stored: Mapping[str, int]) -> float:
    if level["size"] != "fit":
        return si(level["size"])
    bits = {
        "weights": stored["weights"],
        "parameters": stored["parameters"],
        "features": stored["peak_features"],
    }
    return sum(bits[role] for role in level["holds"] if role in bits)


def recomputed(told: dict[str, Any], chip: dict[str, Any]) -> float:
    """Total energy [J] from the counts, traffic and cycles that the JSON tells."""
    total = sum(
        row["count"] * energy_of_one(row["operation"], row["precision"], chip) for row in told["operations"]
    )
    bits = {name: level_bits(level, told["memory_bits"]) for name, level in chip["memories"].items()}
    for row in told["memory"]:
        if row["level"] in chip["array"]["buffers"]:
            buffer = chip["array"]["buffers"][row["level"]]
            if "free" not in buffer:
                total += row["read_bits"] * si(buffer["read"]) + row["write_bits"] * si(buffer["write"])
            continue
        level, size = chip["memories"][row["level"]], bits[row["level"]]
        if "macros" in level:
            total += row["read_bits"] * of_size(level, "read", size)
            total += row["write_bits"] * of_size(level, "write", size)
    cycles = sum(row["cycles"] for row in told["layers"])
    power = sum(
        of_size(level, "leakage", bits[name]) for name, level in chip["memories"].items() if "macros" in level
    )
    if "control" in chip:
        total += cycles * si(chip["control"]["energy"])
        total += sum(row["cycles"] * clock_of(row["array"], chip) for row in told["clocks"])
        power += si(chip["control"]["leakage"])
        power += sum(si(one["leakage"]) for one in chip["array"]["buffers"].values() if "leakage" in one)
        if "leakage_by_area" in chip["control"]:  # mW/mm2 by mm2
            logic = [row["amount"] for row in told["areas"] if row["part"] in ("arrays", "side units")]
            power += si(chip["control"]["leakage_by_area"]) * sum(logic)
    if "weight_wait" in chip.get("processor", {}):
        waits = bits_used_once(told["design"]) * si(chip["processor"]["weight_wait"])
        total += waits * si(chip["processor"]["energy"])
    return total + power * cycles / si(chip["clock"])


def bits_used_once(design: str) -> int:
    """Bits of the weights of fully connected layers and of convolutions with one position."""
    network = cm.fold(cm.build(cm.DesignKey.parse(design)))
    single = [
        op
        for op in network.running()
        if op.kind in ("conv", "linear") and op.output.shape[1:] in ((), (1, 1))
    ]
    return sum(int(op.params[0].size) * op.params[0].precision.bits for op in single)


def clock_of(array: str, chip: dict[str, Any]) -> float:
    """Energy [J] of a cycle in the registers of one array."""
    unit = chip["compute"][array]
    weight, feature = (
        1 if part == "1" else 2 if part == "ternary" else int(part.strip("fp")) for part in array.split("x")
    )
    widths = {"weights": weight, "features": feature, "sums": unit.get("partial_sum", {}).get("value", 0)}
    total = 0.0
    for buffer in chip["array"]["buffers"].values():
        if "energy" in buffer.get("bit", {}):
            shared = buffer.get("serves", [])
            instances = math.prod(n for axis, n in unit["lanes"].items() if axis not in shared)
            bits = instances * buffer["words"]["value"] * sum(widths[name] for name in buffer["holds"])
            total += bits * si(buffer["bit"]["energy"])
    return total
