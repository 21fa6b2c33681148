"""Prices of operations and memories against hand calculation; every shipped profile."""

from __future__ import annotations

import gc
import math
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_texts import TEXTS

import costmodel as cm
from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile, load_profile, shipped_profiles
from costmodel.hardware.prices import mac_price, operation_price
from costmodel.pricing.known import KnownByProfile
from costmodel.pricing.operation_prices import prices_of

KILOBYTE = 8192  # bits
WIDER = [
    ("1x1", "1x1"),
    ("1x8", "8x8"),
    ("ternaryxternary", "8x8"),
    ("5x3", "8x8"),
]


@pytest.fixture
def chips(tmp_path: Path) -> dict[str, HardwareProfile]:
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: load_profile(tmp_path / f"{name}.yaml") for name in TEXTS}


def test_binary_mac_of_an_asic_is_its_parts(chips: dict[str, HardwareProfile]) -> None:
    price = mac_price(chips["asic"], "1x1")
    # 7 inputs: a parallel counter has 7 - 3 = 4 full adders, so 4/7 of one per MAC, and one word per 7 MACs.
    assert price.energy_j == pytest.approx((1 + 4 / 7 * 7 + 70 / 7) * 1e-15)
    assert price.resources == pytest.approx({"mm2": (2 + 4 / 7 * 14 + 700 / 7) * 1e-6})
    assert (price.units, price.cycles_per_operation) == (1000, 1e-3)
    assert dict(price.quantities)["compute.1x1.popcount.xnor.energy"].si == pytest.approx(1e-15)
    assert len(price.quantities) == 8


@pytest.mark.parametrize(("asked", "runs_on"), WIDER)
def test_mac_runs_on_the_next_wider_precision(
    chips: dict[str, HardwareProfile], asked: str, runs_on: str
) -> None:
    assert mac_price(chips["asic"], asked).precision == runs_on


def test_matched_side_units_never_limit(chips: dict[str, HardwareProfile]) -> None:
    price = operation_price(chips["asic"], "compare", "int10")
    assert (price.energy_j, price.precision) == (pytest.approx(0.05e-12), "int16")
    assert (price.cycles_per_operation, price.units) == (0, None)
    assert price.resources == pytest.approx({"mm2": 67e-6})
    assert operation_price(chips["asic"], "add", "binary").precision == "int8"


def test_fixed_side_units_take_cycles(chips: dict[str, HardwareProfile]) -> None:
    price = operation_price(chips["fpga"], "add", "int8")
    assert (price.cycles_per_operation, price.units, price.resources) == (0.25, 4, {"lut": 16})
    assert mac_price(chips["fpga"], "8x8").resources == {"lut": 64, "dsp": 1}


def test_microcontroller_pays_cycles(chips: dict[str, HardwareProfile]) -> None:
    price = mac_price(chips["mcu"], "1x8")
    assert (price.energy_j, price.cycles_per_operation) == (pytest.approx(200e-12), 2)
    assert (dict(price.resources), price.units) == ({}, None)
    assert [path for path, _ in price.quantities] == ["compute.8x8.cycles", "processor.energy"]
    assert operation_price(chips["mcu"], "add", "int16").energy_j == pytest.approx(300e-12)


def test_prices_are_kept_but_not_carried_to_a_copy(chips: dict[str, HardwareProfile]) -> None:
    chip, asked = chips["mcu"], (("mac", "8x8"),)
    (before,) = prices_of(chip, asked).units
    assert prices_of(chip, asked).units[0] is before
    faster = chip.model_copy(update={"compute": {"8x8": chip.compute["1x1"]}})
    assert prices_of(faster, asked).cycles.tolist() == [0.5]
    assert prices_of(chip, asked).units[0] is before


def test_what_is_kept_of_a_profile_goes_with_it(chips: dict[str, HardwareProfile]) -> None:
    known: KnownByProfile[str, int] = KnownByProfile()
    chip = chips["mcu"].model_copy()
    known.of(chip)["answer"] = 42
    assert known.of(chip) == {"answer": 42} and known.of(chips["mcu"]) == {}
    kept = weakref.ref(chip)
    del chip
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("operation", "precision", "words"),
    [
        ("add", "int32", ["'add' at int32", "int8, int16", "side.operations.add.int32"]),
        ("add", "fp16", ["'add' at fp16"]),
        ("divide", "int16", ["'divide' at int16", "add, compare"]),
        ("ad", "int16", ["unknown operation 'ad'", "did you mean 'add'"]),
        ("add", "in16", ["unknown precision 'in16'"]),
    ],
)
def test_missing_operation_is_an_error(
    chips: dict[str, HardwareProfile], operation: str, precision: str, words: list[str]
) -> None:
    with pytest.raises(BnncostError) as caught:
        operation_price(chips["asic"], operation, precision)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("label", ["16x16", "fp32xfp32", "1x16"])
def test_missing_mac_is_an_error(chips: dict[str, HardwareProfile], label: str) -> None:
    with pytest.raises(BnncostError, match=f"cannot run a {label} MAC.*1x1, 8x8"):
        mac_price(chips["asic"], label)
    with pytest.raises(BnncostError, match="unknown MAC precision 'int8'"):
        mac_price(chips["asic"], "int8")


def test_memory_between_macros_is_log_log(chips: dict[str, HardwareProfile]) -> None:
    figures = chips["asic"].memories["sram"].interpolate(4 * KILOBYTE)
    # Half-way between 1 and 16 kB on a logarithmic scale: the geometric mean; leakage, zero at one end, the mean.
    assert figures.read_j_per_bit == pytest.approx(math.sqrt(0.1 * 0.4) * 1e-12)
    assert figures.write_j_per_bit == pytest.approx(0.2e-12)
    assert figures.area_or_bram == pytest.approx(0.04)
    assert figures.leakage_w == pytest.approx(2e-3)


def test_memory_outside_the_macros(chips: dict[str, HardwareProfile]) -> None:
    """Banks are 16 kB; of the last one 1 or 4 kB are left, 0.01 and 0.04 mm2, 0 and 2 mW."""
    sizes = np.array([[0, 1, 16], [17, 32, 36]]) * KILOBYTE
    read, write, area, leakage = chips["asic"].memories["sram"].interpolate(sizes)
    areas = np.array([[0.01, 0.01, 0.16], [0.17, 0.32, 0.36]])
    assert area == pytest.approx(areas)
    assert leakage == pytest.approx(np.array([[0, 0, 4], [4, 8, 10]]) * 1e-3)
    # 0.1 pJ/bit/mm over 3/4 of what the edge is longer than that of a bank, 0.4 mm.
    wires = 0.1 * 0.75 * (np.sqrt(np.maximum(areas, 0.16)) - 0.4)
    assert read == pytest.approx((np.array([[0.1, 0.1, 0.4], [0.4, 0.4, 0.4]]) + wires) * 1e-12)
    assert write == pytest.approx((0.2 + wires) * 1e-12)


def test_free_off_chip_and_bram_memories(chips: dict[str, HardwareProfile]) -> None:
    assert tuple(chips["mcu"].memories["all"].interpolate(100.0)) == (0, 0, 0, 0)
    off_chip = chips["fpga"].memories["ddr"].interpolate(np.array([1.0, 1e12]))
    assert off_chip.write_j_per_bit == pytest.approx([80e-12, 80e-12])
    assert not off_chip.area_or_bram.any()
    assert chips["fpga"].memories["bram"].interpolate(36 * KILOBYTE).area_or_bram == pytest.approx(8)
    assert chips["fpga"].memories["bram"].size_bits == 36 * KILOBYTE
    assert chips["asic"].memories["sram"].size_bits == math.inf
    assert chips["asic"].memories["sram"].port_bits_per_cycle == 128


@pytest.mark.parametrize("size", [-1.0, math.nan, math.inf])
def test_memory_size_must_be_a_size(chips: dict[str, HardwareProfile], size: float) -> None:
    with pytest.raises(BnncostError, match="memory size"):
        chips["asic"].memories["sram"].interpolate(np.array([1.0, size]))


def test_shipped_names_are_the_profiles() -> None:
    assert shipped_profiles() == tuple(sorted(shipped_profiles()))
    assert "sources" not in shipped_profiles() and "asic-45nm" in shipped_profiles()


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profile_prices_every_layer(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    for label in ("1x1", "1x8", "ternaryxternary", "2x2", "4x4", "8x8", "16x16", "fp32xfp32"):
        price = mac_price(profile, label)
        assert price.energy_j > 0 and price.cycles_per_operation > 0
    for operation in ("mul", "add", "compare"):
        for precision in ("int8", "int16", "int32", "fp32"):
            assert operation_price(profile, operation, precision).energy_j > 0
    for level in profile.memories.values():
        figures = level.interpolate(np.geomspace(1, 1e8, 20))
        assert all(np.isfinite(column).all() for column in figures)
        assert level.free or (figures.read_j_per_bit > 0).all()


@given(bits=st.integers(1, 32))
def test_operation_runs_on_the_narrowest_that_is_wide_enough(bits: int) -> None:
    profile = load_profile("asic-45nm")
    listed = {int(name[3:]): name for name in profile.side.operations["add"] if name.startswith("int")}
    wide_enough = min(width for width in listed if width >= bits)
    assert operation_price(profile, "add", f"int{bits}").precision == listed[wide_enough]


@pytest.mark.parametrize("name", shipped_profiles())
def test_wider_operands_never_run_faster(name: str) -> None:
    """Arrays of wider integers have no more units, and edge layers of 16 bits cost no less than those of 8."""
    profile = load_profile(name)
    rates = [
        1 / mac_price(profile, label).cycles_per_operation for label in ("1x1", "2x2", "4x4", "8x8", "16x16")
    ]
    assert rates == sorted(rates, reverse=True)
    narrow, wide = (cm.cost(f"resnet20@edge={edge}", name) for edge in ("int8", "int16"))
    assert narrow.energy_j <= wide.energy_j
    assert narrow.latency_s <= wide.latency_s
