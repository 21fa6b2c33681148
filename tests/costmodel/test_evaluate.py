"""The cost of a design: against a recomputation from its JSON and the profile's YAML, and its invariants."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

import costmodel as cm
from costmodel.demand.arrays import arrange
from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import CountRow
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.sweep import sweep
from costmodel.pricing.price import price

FOLDER = Path(__file__).parents[2] / "hardware_profiles"
PROFILES = cm.shipped_profiles()

# ------------------------------------------------------------------ an independent recomputation

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


def profile_of(name: str) -> dict[str, Any]:
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
        power += si(chip["control"]["leakage"])
    return total + power * cycles / si(chip["clock"])


DESIGNS = (
    "resnet20/cifar10",
    "resnet20[double_residual+prelu+squeeze_excitation]@features=int8/cifar10",
    "bi-real-net/resnet18/imagenet",
    "resnet20@compute=ternary,features=int6/cifar10",
    "resnet20@compute=int4/cifar10",
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("design", DESIGNS)
def test_energy_is_what_counts_and_yaml_say(design: str, profile: str) -> None:
    told = json.loads(json.dumps(cm.cost(design, profile).to_dict()))
    assert told["energy_j"] == pytest.approx(recomputed(told, profile_of(profile)), rel=1e-12)
    assert told["latency_s"] == pytest.approx(sum(row["latency_s"] for row in told["layers"]), rel=1e-12)


# ------------------------------------------------------------------ breakdowns


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-22nm-programmable", "fpga-zynq7020", "mcu-cortex-m4"])
def test_every_breakdown_adds_up(profile: str) -> None:
    cost = cm.cost("resnet18[double_residual+rprelu]/cifar10", profile)
    operation_j = sum(row.energy_j for row in cost.operations)
    memory_j = sum(row.energy_j for row in cost.memory)
    static_j = sum(row.energy_j for row in cost.leakage)
    assert cost.energy_j == pytest.approx(operation_j + memory_j + cost.control_j + static_j, rel=1e-12)
    assert sum(cost.energy_split_j.values()) == pytest.approx(cost.energy_j, rel=1e-12)
    assert sum(layer.operation_j for layer in cost.layers) == pytest.approx(operation_j, rel=1e-12)
    assert sum(layer.memory_j for layer in cost.layers) == pytest.approx(memory_j, rel=1e-12)
    assert sum(layer.latency_s for layer in cost.layers) == pytest.approx(cost.latency_s, rel=1e-12)
    assert {row.origin for row in cost.operations} <= {"base", "double_residual", "rprelu"}


def test_traffic_by_level_adds_up_to_what_the_network_moves() -> None:
    """What spills is moved elsewhere, not more or less."""
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet18/imagenet")))
    rows = compulsory_traffic(network).rows
    for profile in PROFILES:
        cost = cm.cost("resnet18/imagenet", profile, traffic="compulsory")
        for role in ("weights", "parameters", "binary_features", "features"):
            told = [(row.read_bits, row.write_bits) for row in cost.memory if row.role == role]
            moved = [(int(row.read_bits), int(row.write_bits)) for row in rows if row.role == role]
            assert np.sum(told, axis=0) == pytest.approx(np.sum(moved, axis=0), rel=1e-12), (profile, role)


def test_a_mapping_reads_every_operand_at_least_once_and_writes_no_more_maps() -> None:
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet18[double_residual]/imagenet")))
    rows = compulsory_traffic(network).rows
    for profile in PROFILES:
        cost = cm.cost("resnet18[double_residual]/imagenet", profile)
        assert cost.traffic == "mapped"
        for role in ("weights", "parameters", "binary_features", "features"):
            told = [row for row in cost.memory if row.role == role and row.level not in buffers(profile)]
            asked = [row for row in rows if row.role == role]
            assert sum(row.read_bits for row in told) >= sum(int(row.read_bits) for row in asked) * (1 - 1e-9)
            if role == "parameters":
                assert sum(row.read_bits for row in told) == sum(int(row.read_bits) for row in asked)


def buffers(profile: str) -> tuple[str, ...]:
    return tuple(profile_of(profile)["array"]["buffers"])


def test_assumptions_are_what_is_neither_published_nor_measured() -> None:
    cost = cm.cost("resnet20/cifar10", "asic-45nm")
    chip = profile_of("asic-45nm")
    statuses = {item.figure: item.status for item in cost.assumptions}
    assert set(statuses.values()) <= {"assumed", "derived", "scaled"}
    assert statuses["clock"] == chip["clock"]["status"] == "assumed"
    assert statuses["compute.1x1.popcount.xnor.energy"] == "derived"
    assert not any(name.startswith("compute.fp32") for name in statuses)  # this network has no such MAC


def test_a_network_that_is_not_folded_costs_no_less() -> None:
    for name in ("resnet20/cifar10", "bi-real-net/resnet18/imagenet", "reactnet"):
        folded, asked = cm.cost(name), cm.cost(name, folding=False)
        assert asked.energy_j > folded.energy_j
        assert asked.operation_totals()["mac", "1x1"] == folded.operation_totals()["mac", "1x1"]


# ------------------------------------------------------------------ completeness


# ResNet-34 has 21.8 million weights, 87 MB at 32 bits; their outermost level for weights has 64 MB.
TOO_SMALL_FOR_87_MB = ("asic-22nm-programmable", "mcu-cortex-m33", "mcu-cortex-m4")


def every_design() -> list[cm.DesignKey]:
    """Every published design, and every method alone on every network that has a place for it."""
    alone = [
        cm.DesignKey.parse(f"{name}[{method}]/{backbone.dataset}")
        for name, backbone in cm.NETWORKS.items()
        for method, what in cm.METHODS.items()
        if backbone.offers(what.hook)
    ]
    return [*cm.published_names().values(), *alone]


def test_every_shipped_profile_prices_every_design() -> None:
    keys = every_design()
    assert len(keys) > 250
    result = sweep(keys, np.array([1.0]), [cm.load_profile(name) for name in PROFILES])
    homeless = {
        (str(keys[design]), PROFILES[chip]) for design, _, chip in zip(*np.nonzero(~result.fits), strict=True)
    }
    assert homeless == {("resnet34@compute=fp32/imagenet", chip) for chip in TOO_SMALL_FOR_87_MB}
    assert (result.energy_j[result.fits] > 0).all() and (result.latency_s[result.fits] > 0).all()


@pytest.mark.parametrize("compute", ["binary", "ternary", "int2", "int4", "int8", "fp16", "fp32"])
def test_every_precision_is_priced_or_refused_by_name(compute: str) -> None:
    for profile in PROFILES:
        try:
            energy_j = cm.cost(f"resnet20@compute={compute}/cifar10", profile).energy_j
        except cm.BnncostError as error:
            assert f"'{profile}'" in str(error)
            assert "cannot run" in str(error) or "has no price" in str(error)
        else:
            assert energy_j > 0


# ------------------------------------------------------------------ never cheaper (invariant 7)

PLAIN_AND_REPAIRED = st.sampled_from(
    [
        "resnet20/cifar10",
        "resnet20[double_residual+prelu]/cifar10",
        "resnet20[squeeze_excitation+double_residual]/cifar10",
        "resnet20[branches]/cifar10",
        "vgg_small[channel_scale+hardtanh]/cifar10",
        "resnet18[double_residual+real_shortcut]/cifar10",
        "resnet20@compute=int4/cifar10",
    ]
)
ANY_PROFILE = st.sampled_from(PROFILES)
ROUNDING = 1 - 1e-12


# The mapping of least energy may be the faster one for the larger of two layers; docs/cost.md says so.
FASTER = {"mapped": 0.97, "compulsory": ROUNDING}


def no_cheaper(more: cm.Cost, less: cm.Cost) -> None:
    assert more.energy_j >= less.energy_j * ROUNDING
    assert more.latency_s >= less.latency_s * FASTER[more.traffic]
    for sort, bits in less.memory_bits.items():
        assert more.memory_bits[sort] >= bits


@settings(max_examples=80, deadline=None)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE, st.floats(0.1, 6), st.floats(0.1, 6))
def test_wider_is_never_cheaper(text: str, profile: str, one: float, other: float) -> None:
    key = cm.DesignKey.parse(text)
    narrow, wide = (
        cm.cost(replace(key, width=width), profile, traffic="compulsory") for width in sorted((one, other))
    )
    no_cheaper(wide, narrow)


FEW_WIDTHS = (0.3, 0.5, 1.0, 1.1, 1.7)  # each takes searches of its own
MAPPED = st.sampled_from(["resnet20[double_residual+prelu]/cifar10", "vgg_small/cifar10"])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(MAPPED, ANY_PROFILE, st.lists(st.sampled_from(FEW_WIDTHS), min_size=2, max_size=2))
def test_wider_is_never_cheaper_with_mapped_traffic_either(
    text: str, profile: str, widths: list[float]
) -> None:
    key = cm.DesignKey.parse(text)
    narrow, wide = (cm.cost(replace(key, width=width), profile) for width in sorted(widths))
    no_cheaper(wide, narrow)


@pytest.mark.parametrize("traffic", ["mapped", "compulsory"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE)
def test_more_bits_per_feature_are_never_cheaper(traffic: str, text: str, profile: str) -> None:
    key = cm.DesignKey.parse(text)
    costs = [
        cm.cost(replace(key, features=features), profile, traffic=traffic)
        for features in ("int4", "int6", "int8", "int16")
    ]
    for narrow, wide in pairwise(costs):
        no_cheaper(wide, narrow)


@settings(max_examples=60, deadline=None)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE, st.data())
def test_one_operation_more_is_never_cheaper(text: str, profile: str, data: st.DataObject) -> None:
    work, chip = prepared(cm.DesignKey.parse(text)), cm.load_profile(profile)
    rows, traffic = work.rows, work.traffic
    row = data.draw(st.sampled_from(rows))
    number = data.draw(st.integers(1, 10**6))
    streamed = (0, 0) if row.operation == "mac" else (1, number)
    more = CountRow(row.layer, "test", row.operation, row.precision, number, *streamed)
    before, after = (price(arrange(some, traffic, 1), chip) for some in (rows, (*rows, more)))
    assert after.energy.total_j[0] > before.energy.total_j[0]
    assert after.time.latency_s[0] >= before.time.latency_s[0] * ROUNDING
    for resource, amount in before.area.items():
        assert after.area[resource][0] >= amount[0] * ROUNDING


@pytest.mark.parametrize("profile", PROFILES)
def test_wider_is_never_cheaper_on_a_fine_grid(profile: str) -> None:
    """Every sixteenth from 0.25 to 8, so that steps between memory macros are met."""
    keys = [cm.DesignKey.parse(text) for text in ("resnet20[double_residual]/cifar10", "resnet18/imagenet")]
    found = sweep(keys, np.arange(4, 129) / 16, [cm.load_profile(profile)], traffic="compulsory")
    for design, width in zip(*np.nonzero((np.diff(found.energy_j, axis=1) < 0)[:, :, 0]), strict=True):
        pytest.fail(f"{keys[design]}: {found.widths[width + 1]} is cheaper than {found.widths[width]}")
    assert (np.diff(found.latency_s, axis=1)[~np.isnan(np.diff(found.latency_s, axis=1))] >= 0).all()
