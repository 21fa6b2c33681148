"""How shipped profiles stand to each other and to their sources: what a designer would object to first."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from costmodel import cost, load_profile, sensitivity
from costmodel.hardware import HardwareProfile

TABLE = Path(__file__).parents[2] / "hardware_profiles" / "tables" / "cacti7_sram.csv"
PRECISIONS = ("", "@compute=ternary", "@compute=int2", "@compute=int4", "@compute=int8", "@compute=fp32")


@pytest.mark.parametrize("compute", PRECISIONS)
@pytest.mark.parametrize("network", ["resnet20{}/cifar10", "resnet18{}/imagenet"])
def test_the_same_arrays_take_less_at_7_nm_than_at_45_nm(network: str, compute: str) -> None:
    design = network.format(compute)
    large, small = cost(design, "asic-45nm"), cost(design, "asic-7nm")
    assert small.energy_j < large.energy_j
    assert small.latency_s < large.latency_s


def test_both_generic_profiles_have_cells_of_low_standby_power() -> None:
    """A megabyte at 22 nm, the smallest node of the table, in words of 64 bit."""
    with TABLE.open(encoding="utf-8") as stream:
        (row,) = (
            row
            for row in csv.DictReader(stream)
            if (row["node_nm"], row["cell"], row["size_kB"], row["width_b"])
            == ("22", "itrs-lstp", "1024", "64")
        )
    for level in load_profile("asic-7nm").memories.values():
        for macro in level.macros:
            assert macro.size is not None and macro.leakage is not None
            per_megabyte = macro.leakage.si * 2**23 / macro.size.si
            assert per_megabyte == pytest.approx(float(row["leak_mW"]) * 1e-3, rel=0.01)
    for level in load_profile("asic-45nm").memories.values():
        assert level.sram is not None and level.sram.cell == "itrs-lstp"


def int8_to_binary(profile: HardwareProfile) -> float:
    binary, int8 = (cost(f"resnet20{compute}", profile) for compute in ("", "@compute=int8"))
    return int8.energy_j / binary.energy_j


def test_int8_to_binary_on_the_programmable_chip_is_that_of_its_source() -> None:
    """Published peaks: 405 and 35 fJ per operation. A network has a stem of 8 bits in both, so it stays below."""
    assert 11.6 / 1.25 < int8_to_binary(load_profile("asic-22nm-programmable")) < 405 / 35


def test_the_size_that_decides_on_the_programmable_chip_is_named() -> None:
    """262 kB of weights do not fit 128 kB: what that costs is the first thing that `cost` says."""
    small = load_profile("asic-22nm-programmable", ["memories.weight_sram.size=128kB"])
    assert int8_to_binary(small) > 40
    heaviest = sensitivity("resnet20@compute=int8", small).heaviest_assumption
    assert heaviest is not None
    assert heaviest.figure.place == "memories.weight_sram.size"
    assert heaviest.high_j is not None
    wide = load_profile("asic-22nm-programmable", ["memories.weight_sram.size=256kB"])
    assert heaviest.high_j == cost("resnet20@compute=int8", wide).energy_j
