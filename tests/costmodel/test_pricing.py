"""Prices of the toy network of `toy_chip`, each calculated by hand; its docstring has the counts and the traffic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_chip import ALL, chip, processor, spilling, toy_network

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.arrays import Demand, demand_of
from costmodel.graph import precision
from costmodel.pricing.placement import place
from costmodel.pricing.price import price

# One binary MAC: XNOR, 4 full adders per 7 bits (a parallel counter of 7 needs 7 - 3), 1/7 of an accumulation.
BINARY_MAC_PJ = 0.1 + 4 / 7 * 0.7 + 0.7 / 7
BINARY_MAC_UM2 = 7 + 4 / 7 * 7 + 7 / 7
OPERATIONS_PJ = 512 * 2 + 9216 * BINARY_MAC_PJ + 128 * 3 + 128 * 1


@pytest.fixture(scope="module")
def demand() -> Demand:
    return demand_of(toy_network())


def exactly(value: float) -> object:
    return pytest.approx(value, rel=1e-12)


def test_the_toy_counts_what_its_docstring_says(demand: Demand) -> None:
    counts = dict(zip(demand.operations, demand.counts[:, :, 0].tolist(), strict=True))
    assert demand.layers == ("a", "b")
    assert counts == {
        ("mac", "8x8"): [512, 0], ("compare", "int32"): [128, 0],
        ("mac", "1x1"): [0, 9216], ("compare", "int16"): [0, 128],
    }  # fmt: skip
    # weights, parameters, binary features, features
    assert demand.read_bits[:, :, 0].tolist() == [[256, 576], [0, 0], [0, 128], [512, 0]]
    assert demand.write_bits[:, :, 0].tolist() == [[0, 0], [0, 0], [128, 0], [0, 2048]]
    assert [int(bits[0]) for bits in demand.storage.values()] == [832, 0, 128, 2048, 2176]


def test_matched_units_and_a_fitted_memory(demand: Demand, tmp_path: Path) -> None:
    """Layer a waits for the port, 896 / 24 cycles against 512 / 16; layer b for the array, 9216 / 64."""
    cycles_a, cycles_b = 896 / 24, 9216 / 64
    found = price(demand, chip(tmp_path))
    assert found.time.cycles.slowest[:, 0] == exactly([cycles_a, cycles_b])
    assert found.time.cycles.bound_by[:, 0].tolist() == [2, 0]
    latency_s = (cycles_a + cycles_b) / 100e6
    assert found.time.latency_s[0] == exactly(latency_s)

    size = 832 + 2176
    read_pj, write_pj = 0.1 * size / 1024, 0.2 * (size / 1024) ** 0.5
    memory_pj = (512 + 256 + 128 + 576) * read_pj + (128 + 2048) * write_pj
    assert found.setting.placement.size_bits["sram"][0] == size
    assert sum(found.energy.memory_j.values())[0] == exactly(memory_pj * 1e-12)
    assert found.energy.memory_j["sram", "weights", "read"][0] == exactly(832 * read_pj * 1e-12)
    assert found.energy.operations_j[0] == exactly(OPERATIONS_PJ * 1e-12)
    assert found.energy.control_j[0] == exactly(4e-12 * (cycles_a + cycles_b))
    assert found.energy.leakage_j[0] == exactly((2e-3 + 1e-3) * latency_s)
    total_j = (OPERATIONS_PJ + memory_pj + 4 * (cycles_a + cycles_b)) * 1e-12 + 3e-3 * latency_s
    assert found.energy.total_j[0] == exactly(total_j)

    # 4 elements a cycle pass, each through one comparator of 32 bits in a and one of 16 bits in b
    assert found.time.cycles.side[:, 0].tolist() == [128 / 4, 128 / 4]
    logic_um2 = 64 * BINARY_MAC_UM2 + 16 * 100 + 4 * 30 + 4 * 10
    assert found.area["mm2"][0] == exactly(logic_um2 * 1e-6 + 0.001 + 0.01 * size / 1024)


def test_operations_share_the_wider_unit_where_their_own_is_not_listed(
    demand: Demand, tmp_path: Path
) -> None:
    """Both compares run on the 32-bit comparator, 4 of which serve both layers, at 3 pJ."""
    found = price(demand, chip(tmp_path, narrow_compare=False))
    assert found.energy.operations_j[0] == exactly((OPERATIONS_PJ + 128 * (3 - 1)) * 1e-12)
    both = price(demand, chip(tmp_path))
    assert both.area["mm2"][0] - found.area["mm2"][0] == pytest.approx(4 * 10e-6, rel=1e-9)


def test_fixed_units_set_the_pace_and_count_whole(demand: Demand, tmp_path: Path) -> None:
    """Two 32-bit compares a cycle: 64 cycles in layer a. Four sixteenths of a cycle each: 32 of 144 in b."""
    found = price(demand, chip(tmp_path, units=(4, 2)))
    assert found.time.cycles.slowest[:, 0] == exactly([128 / 2, 9216 / 64])
    assert found.time.cycles.bound_by[:, 0].tolist() == [1, 0]
    memory_mm2 = 0.01 * (832 + 2176) / 1024
    logic_um2 = 64 * BINARY_MAC_UM2 + 16 * 100 + 2 * 30 + 4 * 10
    assert found.area["mm2"][0] == exactly(logic_um2 * 1e-6 + 0.001 + memory_mm2)
    assert found.energy.operations_j[0] == exactly(OPERATIONS_PJ * 1e-12)


def test_operations_on_one_unit_run_one_after_the_other_and_units_side_by_side(tmp_path: Path) -> None:
    """One layer that compares 128 times at 32 bits (sign) and 128 times at 16 bits (ReLU)."""
    g = Builder("two", (4, 4, 4), precision("int8"), precision("int16"))
    with g.layer("a"):
        y = g.conv(g.input, g.narrow_weight(8, g.input, 1, precision("int8")))
        g.sign(y)
        demand = demand_of(g.finish(g.relu(y)))
    shared = price(demand, chip(tmp_path, units=(4, 2), narrow_compare=False))
    assert shared.time.cycles.side.tolist() == [[(128 + 128) / 2]]
    assert shared.time.cycles.bound_by.tolist() == [[1]]
    apart = price(demand, chip(tmp_path, units=(4, 2)))
    assert apart.time.cycles.side.tolist() == [[max(128 / 4, 128 / 2)]]
    port = (512 + 256 + 2048) / 24
    assert apart.time.cycles.slowest[0] == exactly([port])
    matched = price(demand, chip(tmp_path, narrow_compare=False))
    logic_um2 = 16 * 100 + 4 * 2 * 30  # each element passes both compares; no binary MAC, so no binary array
    assert matched.area["mm2"][0] == exactly(logic_um2 * 1e-6 + 0.001 + 0.01 * (256 + 512 + 2048) / 1024)


def test_weights_spill_to_the_outer_level(demand: Demand, tmp_path: Path) -> None:
    """Maps go first: 128 of 832 bits of weights have room inside, so 11/13 of their traffic is outside."""
    found = price(demand, chip(tmp_path, memories=spilling(1)))
    inside, outside = 2 / 13, 11 / 13
    assert found.setting.placement.used_bits["sram"][0] == 2304
    assert found.setting.placement.used_bits["dram"][0] == 704
    cycles_a = max(512 / 16, (512 + 128 + 256 * inside) / 24, 256 * outside / 4)
    cycles_b = max(9216 / 64, (128 + 2048 + 576 * inside) / 24, 576 * outside / 4)
    assert cycles_a == 256 * outside / 4  # the dram's port
    assert found.time.cycles.slowest[:, 0] == exactly([cycles_a, cycles_b])
    assert found.time.cycles.bound_by[:, 0].tolist() == [3, 0]
    weights_pj = 832 * inside * 0.2 + 832 * outside * 5
    maps_pj = (512 + 128) * 0.2 + (128 + 2048) * 0.3
    assert found.energy.memory_j["dram", "weights", "read"][0] == exactly(832 * outside * 5e-12)
    assert sum(found.energy.memory_j.values())[0] == exactly((weights_pj + maps_pj) * 1e-12)
    # off chip there is neither area nor leakage; a memory of fixed size is as large as it is
    assert found.energy.leakage_w.keys() == {"control", "sram", "dram"}
    assert found.energy.leakage_w["dram"][0] == 0
    logic_um2 = 64 * BINARY_MAC_UM2 + 16 * 100 + 4 * 30 + 4 * 10
    assert found.area["mm2"][0] == exactly(logic_um2 * 1e-6 + 0.001 + 0.02)


def test_maps_spill_only_in_the_layers_that_overflow(demand: Demand, tmp_path: Path) -> None:
    """1,024 bits inside: layer a's maps, 512 + 128 bits, fit; of layer b's 2,176 bits 1,152 lie outside."""
    memories = spilling(1).replace("0.28125", "0.125").replace("[weights]", ALL)
    found = price(demand, chip(tmp_path, memories=memories))
    inside = 1024 / 2176
    assert found.moved.totals["sram", "features", "read"][0] == exactly(512)
    assert found.moved.totals["dram", "features", "read"][0] == 0
    assert found.moved.totals["sram", "binary_features", "read"][0] == exactly(128 * inside)
    assert found.moved.totals["dram", "binary_features", "write"][0] == 0
    assert found.moved.totals["sram", "features", "write"][0] == exactly(2048 * inside)
    assert found.moved.totals["dram", "features", "write"][0] == exactly(2048 * (1 - inside))
    assert found.setting.placement.used_bits["dram"][0] == 832 + 2176 - 1024


def test_what_moves_is_split_by_layer_and_sums_to_the_totals(demand: Demand, tmp_path: Path) -> None:
    """11/13 of the weights lie outside: 256 bits of them in layer a, 576 in b."""
    moved = price(demand, chip(tmp_path, memories=spilling(1))).moved
    assert moved["dram", "weights", "read"][:, 0] == exactly([256 * 11 / 13, 576 * 11 / 13])
    assert moved["sram", "features", "read"][:, 0].tolist() == [512, 0]
    assert moved["sram", "features", "write"][:, 0].tolist() == [0, 2048]
    for key, total in moved.totals.items():
        assert moved[key].sum(axis=0) == exactly(total)


def test_what_finds_no_room_is_an_error_that_names_design_profile_and_bits(tmp_path: Path) -> None:
    """The outer level has 512 bits for the 704 that spill."""
    tight = chip(tmp_path, memories=spilling(0.0625))
    with pytest.raises(cm.BnncostError, match=r"'toy' does not fit on profile 'toy': 192 bits find no room"):
        cm.cost_of_network(toy_network(), tight)
    exact = chip(tmp_path, memories=spilling(704 / 8192))
    assert cm.cost_of_network(toy_network(), exact).energy_j > 0


def test_an_operation_without_a_price_is_an_error_and_never_zero(tmp_path: Path) -> None:
    with pytest.raises(cm.BnncostError, match=r"profile 'toy' has no price for 'compare' at int32"):
        cm.cost_of_network(toy_network(), chip(tmp_path, operation="add"))


def test_a_processor_does_one_thing_at_a_time(demand: Demand, tmp_path: Path) -> None:
    """a: 512 MACs of 2 cycles and 128 compares of 3; b: 9,216 of a quarter and 128 compares of 3."""
    found = price(demand, processor(tmp_path, flash_port=1))
    cycles_a, cycles_b = 512 * 2 + 128 * 3, 9216 / 4 + 128 * 3
    assert found.time.cycles.slowest[:, 0] == exactly([cycles_a, cycles_b])
    assert found.time.cycles.bound_by[:, 0].tolist() == [0, 0]
    assert found.time.latency_s[0] == exactly((cycles_a + cycles_b) / 100e6)
    assert found.energy.operations_j[0] == exactly((cycles_a + cycles_b) * 10e-12)
    assert found.energy.total_j[0] == exactly((cycles_a + cycles_b) * 10e-12 + 832 * 6e-12)
    assert {name: float(bits[0]) for name, bits in found.area.items()} == {
        "ram_bits": 2176,
        "flash_bits": 832,
    }


def test_a_slow_memory_outside_holds_a_processor_up(demand: Demand, tmp_path: Path) -> None:
    found = price(demand, processor(tmp_path, flash_port=0.1))
    assert found.time.cycles.slowest[:, 0] == exactly([256 / 0.1, 576 / 0.1])
    assert found.time.cycles.bound_by[:, 0].tolist() == [3, 3]


def test_maps_of_both_kinds_share_a_level_by_their_peak_together(tmp_path: Path) -> None:
    """Their own peaks, 128 and 2,048 bits, meet in layer b here; a level of its own takes each one's."""
    profile, demand = chip(tmp_path), demand_of(toy_network())
    assert place(profile, demand).used_bits["sram"][0] == 832 + 2176
    apart = replace(demand, kept_bits=np.array([[832], [0], [128], [2048], [2100]]))
    assert place(profile, apart).used_bits["sram"][0] == 832 + 2100


def test_above_a_bank_there_are_several(tmp_path: Path) -> None:
    """Four banks have twice the edge of one, 0.2 mm: the way to them is 3/4 of 0.2 mm longer, at 10 pJ/bit/mm."""
    level = chip(tmp_path).memories["sram"]
    figures = level.interpolate(np.array([10.0, 4096.0, 4097.0, 4 * 4096.0]))
    assert figures.area_or_bram == exactly([0.01, 0.04, 0.05, 0.16])
    edge = 0.05**0.5
    assert figures.read_j_per_bit == exactly(
        [0.1e-12, 0.4e-12, 0.4e-12 + 7.5e-12 * (edge - 0.2), 0.4e-12 + 1.5e-12]
    )
    assert figures.leakage_w == exactly([1e-3, 1e-3, 2e-3, 4e-3])


def test_a_faster_clock_costs_less_leakage_and_time_only(demand: Demand, tmp_path: Path) -> None:
    slow = chip(tmp_path)
    fast = slow.model_copy(update={"clock": slow.clock.model_copy(update={"value": 200.0})})
    left, right = price(demand, slow), price(demand, fast)
    assert right.time.latency_s == exactly(left.time.latency_s / 2)
    assert right.energy.leakage_j == exactly(left.energy.leakage_j / 2)
    assert right.energy.total_j - right.energy.leakage_j == exactly(
        left.energy.total_j - left.energy.leakage_j
    )
    assert right.area["mm2"] == exactly(left.area["mm2"])
