"""Memories that fit the network: banks and the wires between them, without a step in energy, area or leakage."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_texts import ASIC, FPGA, MCU, figure

import costmodel as cm
from costmodel.hardware import MemoryLevel, check_profile, load_profile, shipped_profiles
from costmodel.hardware.ends import at_end

KILOBYTE = 8192
BANKS = f"    banks: {{size: {figure(16.0, 'kB')}, wire: {figure(0.1, 'pJ/bit/mm')}}}\n"
FITTED = [
    (profile, name)
    for profile in shipped_profiles()
    for name, level in load_profile(profile).memories.items()
    if level.fits_network
]
BIT = st.integers(1, 2**30)


def level_of(fitted: tuple[str, str], end: str | None = None) -> MemoryLevel:
    profile = load_profile(fitted[0])
    return (profile if end is None else at_end(profile, end)).memories[fitted[1]]  # type: ignore[arg-type]


def bank_bits(level: MemoryLevel) -> float:
    assert level.banks is not None
    return level.banks.size.si


# ------------------------------------------------------------------ no steps


def test_shipped_profiles_have_fitted_memories() -> None:
    assert {profile for profile, _ in FITTED} == {
        "asic-45nm", "asic-7nm", "asic-28nm-bnn", "asic-22nm-programmable",
    }  # fmt: skip


@pytest.mark.parametrize("end", [None, "best", "worst"])
@pytest.mark.parametrize("fitted", FITTED)
def test_no_step_is_larger_than_five_per_cent(fitted: tuple[str, str], end: str | None) -> None:
    """Sizes 0.05 % apart, and a bit on both sides of every whole number of banks, from 1 kB to 64 MB."""
    level = level_of(fitted, end)
    whole = np.arange(1, 64 * 1024 * KILOBYTE // bank_bits(level)) * bank_bits(level)
    sizes = np.unique(
        [*np.geomspace(KILOBYTE, 64 * 1024 * KILOBYTE, 22_200), *(whole - 1), *whole, *(whole + 1)]
    )
    for column in level.interpolate(sizes):
        steps = column[1:] / column[:-1]
        assert steps.min() > 0.999 and steps.max() < 1.05, (sizes[np.argmax(steps)], steps.max())


@given(fitted=st.sampled_from(FITTED), bits=BIT, more=BIT)
@settings(deadline=None)
def test_more_bits_never_cost_less(fitted: tuple[str, str], bits: int, more: int) -> None:
    figures = level_of(fitted).interpolate(np.array([bits, bits + more], dtype=float))
    for less, larger in figures:
        assert larger >= less * (1 - 1e-12)


@given(fitted=st.sampled_from(FITTED), bits=BIT, share=st.floats(0, 1))
@settings(deadline=None)
def test_area_and_leakage_grow_by_a_bank_at_most(fitted: tuple[str, str], bits: int, share: float) -> None:
    """Up to as many bits as a bank has need no more than a bank does."""
    level = level_of(fitted)
    bank = bank_bits(level)
    _, _, area, leakage = level.interpolate(np.array([bits, bits + share * bank, bank]))
    for before, after, one in (area, leakage):
        assert after - before <= one * (1 + 1e-9)


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-7nm"])
def test_one_per_cent_more_bits_are_no_memory_more(profile: str) -> None:
    """ReActNet's biases and slopes are 0.9 % more bits than Bi-Real Net keeps; they take 1 % more area and power."""
    costs = [cm.cost(f"{name}/resnet18/imagenet", profile) for name in ("bi-real-net", "reactnet")]
    bits = [cost.memory_bits["weights"] + cost.memory_bits["parameters"] for cost in costs]
    assert 1.005 < bits[1] / bits[0] < 1.012
    areas = [cost.area["mm2"] for cost in costs]
    assert areas[0] < areas[1] < 1.012 * areas[0]
    memories = ("weight_sram", "feature_sram")
    leakage = [sum(row.power_w for row in cost.leakage if row.part in memories) for cost in costs]
    assert leakage[0] < leakage[1] < 1.012 * leakage[0]


# ------------------------------------------------------------------ the law


def test_wires_are_three_quarters_of_an_edge() -> None:
    """The mean way along x and y from the middle of an edge of a square, over a fine grid of banks."""
    at = (np.arange(500) + 0.5) / 500
    x, y = np.meshgrid(at, at)
    assert np.mean(np.abs(x - 0.5) + y) == pytest.approx(0.75, rel=1e-4)


@pytest.mark.parametrize(
    ("profile", "bank_mm2", "wire", "read"),
    [("asic-45nm", 0.0948587, 0.12, 17.0418 / 64), ("asic-7nm", 0.0109, 0.068, 0.133)],
)
def test_energy_is_a_bank_and_its_wires(profile: str, bank_mm2: float, wire: float, read: float) -> None:
    """256 banks of 32 kB lie 16 by 16: their edge is 16 times that of one."""
    level = load_profile(profile).memories["weight_sram"]
    one, many = level.interpolate(np.array([32.0, 8192.0]) * KILOBYTE).read_j_per_bit * 1e12
    assert one == pytest.approx(read, rel=1e-4)
    assert many == pytest.approx(read + wire * 0.75 * 15 * math.sqrt(bank_mm2), rel=1e-4)


# ------------------------------------------------------------------ what a profile has to say


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "chip.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(problem) for problem in check_profile(path)]


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "words"),
    [
        (ASIC, BANKS, "", "memories.sram.banks", "is missing: a memory that fits the network"),
        (ASIC, "16.0, unit: kB", "17, unit: kB", "memories.sram", "1 kB to 16 kB, got 17 kB"),
        (ASIC, "16.0, unit: kB", "512, unit: B", "memories.sram", "1 kB to 16 kB, got 512 B"),
        (ASIC, "pJ/bit/mm", "pJ/bit", "memories.sram.banks.wire.unit", "such as 0.12 pJ/bit/mm"),
        (ASIC, "    size: fit\n", "    size: fit\n    off_chip: true\n", "memories.sram.banks", "delete it"),
        (MCU, "    free:", BANKS + "    free:", "memories.all.banks", "delete it"),
        (
            FPGA,
            "    macros:\n      - size",
            BANKS + "    macros:\n      - size",
            "memories.bram.banks",
            "delete it",
        ),
    ],
)
def test_wrong_banks_are_one_sentence(
    tmp_path: Path, text: str, old: str, new: str, place: str, words: str
) -> None:
    assert text.count(old) == 1
    found = problems(tmp_path, text.replace(old, new))
    assert sum(f": {place}: " in line and words in line for line in found) == 1, found


def test_a_child_without_a_price_or_off_the_chip_has_no_banks(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(ASIC, encoding="utf-8")
    child = "name: child\nextends: parent.yaml\nmemories:\n  sram:\n    free: a reason\n"
    assert problems(tmp_path, child) == []


def test_a_memory_of_fixed_size_may_have_banks(tmp_path: Path) -> None:
    assert problems(tmp_path, ASIC.replace("size: fit", f"size: {figure(64, 'kB')}")) == []
    level = load_profile(tmp_path / "chip.yaml").memories["sram"]
    assert level.interpolate(level.size_bits).area_or_bram == pytest.approx(4 * 0.16)
