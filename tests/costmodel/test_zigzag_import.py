"""ZigZag's files as machines: nothing is lost, nothing is made up, and what is wrong is told all at once."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpu_like import resnet18, tpu_like
from zigzag_files import (
    EDGE_TPU_LIKE,
    EDGE_TPU_LIKE_MAPPING,
    TOY,
    TOY_MAPPING,
    TPU_LIKE,
    TPU_LIKE_MAPPING,
    written,
)

from costmodel import BnncostError
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.importers.zigzag import architecture_of
from costmodel.mapping import OURS, ZIGZAG, Architecture, Level, LoopNest, Temporal, best_mapping, cost_of
from costmodel.mapping.architecture import NEEDED
from costmodel.mapping.nest import ImageAxis
from costmodel.mapping.search.lattice import Spread
from costmodel.mapping.search.tiles import even_loop_tiles, even_window_tiles


def imported(folder: Path, text: str = TOY, mapping: str | None = TOY_MAPPING) -> Architecture:
    file = written(folder, "accelerator", text)
    return architecture_of(file, None if mapping is None else written(folder, "mapping", mapping))


def message(folder: Path, text: str = TOY, mapping: str | None = TOY_MAPPING) -> str:
    with pytest.raises(BnncostError) as raised:
        imported(folder, text, mapping)
    return str(raised.value)


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def shape_of(level: Level) -> object:
    """A level but for the names of its ports, and uses of them that no operand has."""
    ports = {
        (port.width_bits, port.least_bits, frozenset(use for use in port.uses if use[1] in NEEDED[use[0]]))
        for port in level.ports
    }
    energies = (level.read_energy_j, level.write_energy_j, level.energy_bits)
    return level.name, level.size_bits, set(level.operands), set(level.serves), energies, ports


def test_tpu_like_is_the_machine_written_by_hand(tmp_path: Path) -> None:
    machine, by_hand = imported(tmp_path, TPU_LIKE, TPU_LIKE_MAPPING), tpu_like()
    assert machine.array == by_hand.array
    assert machine.mac_energy_j == by_hand.mac_energy_j
    assert [shape_of(level) for level in machine.levels] == [shape_of(level) for level in by_hand.levels]


ON_EDGE_TPU = {
    "/conv1/Conv": (125_057_919.07, 326_146),
    "/layer2/layer2.0/conv2/Conv": (63_096_311.04, 125_442),
    "/layer3/layer3.0/downsample/downsample.0/Conv": (10_845_080.96, 11_010),
    "/layer3/layer3.0/conv2/Conv": (87_445_489.92, 216_226),
    "/layer4/layer4.0/conv1/Conv": (124_088_414.4, 208_449),
    "/fc/Gemm": (45_678_310.48, 64_447),
}
"""Energy [pJ] and cycles that ZigZag 3.9.1 itself answers; 14 and 7 rows and columns lie unevenly on 4 lanes."""


@pytest.mark.parametrize("name", ON_EDGE_TPU)
def test_it_costs_what_zigzag_says_where_lanes_idle_at_an_edge(name: str, tmp_path: Path) -> None:
    machine = imported(tmp_path, EDGE_TPU_LIKE, EDGE_TPU_LIKE_MAPPING)
    found = best_mapping(resnet18()[name], machine, conventions=ZIGZAG, most_factors=6)
    energy, cycles = ON_EDGE_TPU[name]
    assert found.energy_j * 1e12 == pytest.approx(energy, rel=3e-5)  # it cuts off fractions of accesses
    assert found.cycles == pytest.approx(cycles, rel=0.005)  # mappings of equal energy may differ
    whole = best_mapping(resnet18()[name], machine, conventions=replace(ZIGZAG, even_edges=False))
    assert whole.energy_j >= found.energy_j * (1 - 1e-3)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_even_tiles_hold_every_iteration_once(extent: int, lanes: int, other: int, size: int) -> None:
    width = lanes * other
    steps = -(-extent // width)
    spread = Spread(extent, (("D1", lanes), ("D2", other)))
    number, largest = even_loop_tiles(spread, frozenset({"D2"}), np.array([min(size, steps)]))
    assert number[0] * largest[0] == pytest.approx(extent)
    assert largest[0] <= size * max(other, extent / steps)


@given(st.integers(1, 12), st.integers(1, 7), st.integers(1, 4), st.integers(1, 4))
def test_even_windows_count_distinct_positions(outputs: int, taps: int, stride: int, dilation: int) -> None:
    if gcd(stride, dilation) != 1:
        dilation = 1
    seen = {output * stride + tap * dilation for output in range(outputs) for tap in range(taps)}
    axis = ImageAxis(outputs, taps, stride, dilation, 0, 10_000)
    spreads = (Spread(outputs, ()), Spread(taps, ()))
    held, largest = even_window_tiles(axis, spreads, frozenset(), (np.array([outputs]), np.array([taps])))
    if dilation == 1 or (outputs >= dilation and taps >= stride):
        assert held[0] == largest[0] == len(seen)


def test_a_layer_on_the_toy_costs_what_a_hand_finds(tmp_path: Path) -> None:
    """Four outputs of two inputs on 4 x 2 lanes: one step; 8 weights, 2 features in, 4 sums out, pieces of 16 bits."""
    machine = imported(tmp_path)
    layer = LoopNest("", K=4, C=2, output_bits=16)
    found = cost_of(
        layer,
        machine,
        Temporal(machine.array.unrollings[0], (), {"weights": (0, 0), "features": (0,), "sums": (0,)}),
    )
    macs = 8 * 0.25
    weights_pj = 8 * (0.5 + 1) + 60  # each register is written and read; 64 bits are one access of the DRAM
    features_pj, outputs_pj = 60 * 16 / 64, 70
    assert found.energy_j * 1e12 == pytest.approx(macs + weights_pj + features_pj + outputs_pj)


def test_small_exchanges_take_whole_pieces(tmp_path: Path) -> None:
    machine = imported(tmp_path)
    binary = LoopNest("", K=4, C=2, weight_bits=1, feature_bits=1, output_bits=1)
    found = cost_of(
        binary,
        machine,
        Temporal(machine.array.unrollings[0], (), {"weights": (0, 0), "features": (0,), "sums": (0,)}),
    )
    read = {(row.level, row.operand, row.direction): row.accesses for row in found.moved}
    assert read["dram", "features", "feed"] == 16 / 64  # 2 bits, in a piece of 16 of an access of 64
    assert read["rf", "weights", "fill"] == 8  # one of 8 bits for every single bit


def test_ports_of_several_widths_price_their_own_accesses(tmp_path: Path) -> None:
    whole = 'allocation: ["I1, tl", "I2, tl", "O, tl", "O, fl"]'
    second = "      - {name: rw_port_2, type: read_write, bandwidth_min: 16, bandwidth_max: 128, allocation: "
    text = replaced(TOY, whole, f'allocation: ["I1, tl", "I2, tl"]\n{second}["O, tl", "O, fl"]}}')
    machine = imported(tmp_path, text)
    layer = LoopNest("", K=4, C=2, output_bits=16)
    found = cost_of(
        layer,
        machine,
        Temporal(machine.array.unrollings[0], (), {"weights": (0, 0), "features": (0,), "sums": (0,)}),
    )
    energy = {(row.level, row.operand): row.energy_j * 1e12 for row in found.moved if row.level == "dram"}
    assert energy == pytest.approx(
        {("dram", "weights"): 60, ("dram", "features"): 15, ("dram", "sums"): 70 * 64 / 128}
    )
    assert machine.digest != imported(tmp_path).digest


def test_of_keys_and_allocations_given_twice_the_last_counts(tmp_path: Path) -> None:
    text = replaced(TOY, "    operands: [I2]\n", "    operands: [I2]\n    ports: [{fh: w_port_1}]\n")
    assert imported(tmp_path, text) == imported(tmp_path)
    extra = (
        "      - {name: w_port_2, type: write, bandwidth_min: 4, bandwidth_max: 4, allocation: ['I2, fh']}\n"
    )
    twice = replaced(TOY, "    served_dimensions: []\n", f"{extra}    served_dimensions: []\n")
    ports = imported(tmp_path, twice).levels[0].ports
    assert [port.name for port in ports] == ["r_port_1", "w_port_2"]


def test_a_profile_still_refuses_a_key_given_twice() -> None:
    assert "given twice" in str(read_yaml("a: 1\na: {b: 2}", "f.yaml").problems[0])
    last = read_yaml("a: {b: ~}\na: {c: 2}", "f.yaml", last_wins=True)
    assert (last.data, last.problems, last.lines) == ({"a": {"c": 2}}, (), {(): 1, ("a",): 2, ("a", "c"): 2})


def test_axes_that_inner_memories_serve_are_served_outside(tmp_path: Path) -> None:
    inner = replaced(TOY, "served_dimensions: []", "served_dimensions: [D1]")
    text = replaced(inner, "served_dimensions: [D1, D2]", "served_dimensions: [D2]")
    assert "home of I1" in message(tmp_path, text)  # for I1 nothing inside serves D1
    machine = imported(tmp_path, replaced(inner, "operands: [I2]", "operands: [I2]"))
    assert machine.levels[1].serves == ("D1", "D2")


def test_operands_follow_the_links_and_buffers_the_flag(tmp_path: Path) -> None:
    swapped = replaced(TOY_MAPPING, "W: I2, I: I1", "W: I1, I: I2")
    text = replaced(
        TOY, "    served_dimensions: []\n", "    served_dimensions: []\n    force_double_buffering: True\n"
    )
    level = imported(tmp_path, text, swapped).levels[0]
    assert level.operands == ("features",)
    assert level.double_buffered
    assert not imported(tmp_path).levels[0].double_buffered


@pytest.mark.parametrize(
    ("mapping", "unrollings"),
    [
        (TOY_MAPPING, 1),
        ('- name: default\n  spatial_mapping: {D1: ["K, 4"]}\n  spatial_mapping_hint: {D2: [C, FX]}\n', 2),
        ("- name: default\n", 7 * 6),
        (None, 7 * 6),
    ],
)
def test_axes_left_open_may_take_each_hinted_loop(
    mapping: str | None, unrollings: int, tmp_path: Path
) -> None:
    found = imported(tmp_path, TOY, mapping).array.unrollings
    assert len(found) == unrollings
    assert all(
        factor <= {"D1": 4, "D2": 2}[axis] for one in found for axis, loops in one for _, factor in loops
    )


def test_a_loop_takes_no_more_lanes_than_there_are(tmp_path: Path) -> None:
    wide = replaced(TOY_MAPPING, "K, 4", "K, 32")
    assert imported(tmp_path, TOY, wide).array == imported(tmp_path).array


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    r_cost: 0.5\n", "    rcost: 0.5\n", "memories.rf.r_cost: is missing: energy of reading"),
        ("    r_cost: 0.5\n", "    rcost: 0.5\n", ":5: memories.rf.rcost: unknown key 'rcost'; did you mean 'r_cost'"),
        ("    r_cost: 0.5\n", "    r_cost: cheap\n", ":5: memories.rf.r_cost: must be a finite number from 0 on"),
        ("    size: 64\n", "    size: 64.5\n", "rf.size: must be a whole number from 1 to 999999999999999999, got 64"),
        ("    size: 64\n", "    size: 1e30\n", "to 999999999999999999, got 1e+30, which is too large"),
        ("bandwidth_max: 8, alloc", f"bandwidth_max: {10**18}, alloc", "got 1e+18, which is too large"),
        ("operands: [I2]", "operands: [W]", "memories.rf.operands[0]: unknown operand 'W'"),
        ("type: read,", "type: raed,", "unknown type 'raed'; did you mean 'read'"),
        ("bandwidth_max: 8, alloc", "bandwidth_max: 0, alloc", "to 999999999999999999, got 0: nothing would get"),
        ("bandwidth_min: 8, ", "", "memories.rf.ports[0].bandwidth_min: is missing"),
        ("bandwidth_min: 8, ", "bandwidth_min: 9, ", "is 9, above bandwidth_max 8"),
        ('["I2, tl"]', '["I2, lt"]', "unknown direction 'lt'; did you mean 'fl'"),
        ('["I2, tl"]', '["I1, tl"]', "moves I1, which the memory does not hold; it holds I2"),
        ('["I2, tl"]', '["I2, tl"]', None),
        ('["I2, fh"]', '["I2, tl"]', "'I2, tl' reads, but the port is of type write"),
        ('["I2, tl"]', "[]", "memories.rf.ports: no port has 'I2, tl' in its allocation, so its bandwidth is zero"),
        ("name: w_port_1", "name: r_port_1", "'r_port_1' is the name of another port"),
        ("served_dimensions: []", "served_dimensions: [D3]", "unknown axis 'D3'"),
        ("served_dimensions: [D1, D2]", "served_dimensions: [D1]", "is the home of I1, but neither it nor"),
        ("operands: [I1, I2, O]", "operands: [I1, I2]", "no memory holds operand O: it has no home"),
        ("sizes: [4, 2]", "sizes: [4]", "has 1 entries, but there are 2 dimensions"),
        ("sizes: [4, 2]", "sizes: [4, 2]\n  systolic_dimensions: [D9]", "unknown axis 'D9'"),
        ("sizes: [4, 2]", "sizes: [4, 2]\n  is_imc: True", "operational_array.is_imc: is true: an array that computes"),
        ("sizes: [4, 2]", "sizes: [4, 2]\n  adc_resolution: 8", "is only for in-memory computing"),
        ("    area: 0\n", "    auto_cost_extraction: True\n", "ZigZag would replace r_cost and w_cost by CACTI's"),
        ("name: toy", "name: toy\nmemory: {}", "unknown key 'memory'; did you mean 'memories'"),
        ("name: toy", "name: [toy", "is not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(old: str, new: str, told: str | None, tmp_path: Path) -> None:
    text = replaced(TOY, old, new)
    if told is None:
        assert imported(tmp_path, text).name == "toy"
    else:
        assert told in message(tmp_path, text)
        assert f"{tmp_path}/accelerator.yaml:" in message(tmp_path, text)


def test_all_mistakes_of_a_file_come_at_once(tmp_path: Path) -> None:
    text = replaced(replaced(TOY, "size: 64", "sizes: 64"), "unit_energy: 0.25", "unit_energy: -1")
    lines = message(tmp_path, text).splitlines()
    assert len(lines) == 3  # an unknown key, the missing one, and the negative energy
    assert all(line.startswith(f"{tmp_path}/accelerator.yaml:") for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("K, 4", "D0, 4", "[0].spatial_mapping.D1[0]: unknown loop 'D0'"),
        ("K, 4", "K", "must be a loop and a factor from 1 on, such as 'K, 32'"),
        ("D2:", "D4:", "unknown axis 'D4'"),
        ('"K, 4"', '"K, 4", "OX, 2"', "unrolls K 4 x OX 2 = 8 on an axis of 4 lanes"),
        ("O: O, W: I2, I: I1", "O: O, W: I1, I: I1", "links W, I, O to I1, I1, O"),
        ("O: O, W: I2, I: I1", "O: I1, W: I2, I: O", "outputs must be O"),
        ("name: default", "name: Add", "unknown mapping entry 'default'; did you mean 'Add'"),
        ("- name: default", "- name: default\n  temporal_ordering: [[K, 4]]", "temporal_ordering: fixes an order"),
        (TOY_MAPPING, "name: default\n", "must be a list, each entry after '- ', at the top"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_mapping_is_told_with_its_place(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    found = message(tmp_path, TOY, replaced(TOY_MAPPING, old, new))
    assert told in found
    assert f"{tmp_path}/mapping.yaml" in found


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="does not exist; give the path of one of ZigZag's"):
        architecture_of(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"name: a\n\xff")
    with pytest.raises(BnncostError, match=r"odd\.yaml:2: is not text in UTF-8"):
        architecture_of(tmp_path / "odd.yaml")


def test_its_own_conventions_and_ours_differ_on_the_imported_machine(tmp_path: Path) -> None:
    machine, layer = imported(tmp_path, TPU_LIKE, TPU_LIKE_MAPPING), resnet18()["/conv1/Conv"]
    ours, theirs = (best_mapping(layer, machine, conventions=rules) for rules in (OURS, ZIGZAG))
    assert ours.energy_j < theirs.energy_j
