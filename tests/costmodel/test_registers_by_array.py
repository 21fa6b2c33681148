"""Registers, clock and area by array, precisions at equal area, and the line buffer of the generic chips."""

from __future__ import annotations

from pathlib import Path

import pytest
from profile_texts import ASIC, FPGA, figure
from toy_chip import arrayed, large, toy_network

import costmodel as cm
from costmodel import BnncostError, cost_of_network, load_profile
from costmodel.hardware import HardwareProfile, check_profile

GENERIC = ("asic-45nm", "asic-7nm")
FLIP_FLOP_UM2, LATCH_UM2 = {"asic-45nm": 5.32, "asic-7nm": 0.29}, {"asic-45nm": 3.458, "asic-7nm": 0.253}
SUM_BITS = {"1x1": 16, "1x8": 24, "ternaryxternary": 16, "2x2": 24, "3x3": 24, "4x4": 24, "8x8": 32, "16x16": 48,
            "fp16xfp16": 32, "fp32xfp32": 32}  # fmt: skip
BITS = {"1x8": (1, 8), "ternaryxternary": (2, 2), "fp16xfp16": (16, 16), "fp32xfp32": (32, 32)}


def lanes_of(profile: HardwareProfile, label: str) -> tuple[int, int]:
    lanes = profile.compute[label].lanes
    assert lanes is not None
    return lanes["columns"], lanes["rows"]


def registers_um2(name: str, columns: int, rows: int, label: str) -> float:
    """A weight in each lane, a feature for each row, 64 sums for each column."""
    bits = int(label[0]) if label[0].isdigit() else 0
    weight, feature = BITS.get(label, (bits, bits) if label != "16x16" else (16, 16))
    flip_flops = columns * rows * weight + rows * feature
    return flip_flops * FLIP_FLOP_UM2[name] + columns * 64 * SUM_BITS[label] * LATCH_UM2[name]


# ------------------------------------------------------------------ clock


def test_the_clock_of_a_binary_array_is_not_billed_to_another() -> None:
    """On 28 nm every cycle of 16 lanes of fp32 was billed the 363 pJ that clock 65,536 binary lanes."""
    cost = cm.cost("resnet20@compute=fp32/cifar10", "asic-28nm-bnn")
    cycles = sum(layer.cycles for layer in cost.layers)
    assert cost.control_j / cycles < 10e-12
    binary = cm.cost("resnet20/cifar10", "asic-28nm-bnn")
    in_use = next(row for row in binary.clocks if row.array == "1x1")
    assert in_use.energy_j / in_use.cycles == pytest.approx(
        360e-12, rel=0.001
    )  # 65,536 weights and 1,024 features


def test_an_int8_network_is_not_mostly_control() -> None:
    """70 % of its energy was the clock of the binary array."""
    split = cm.cost("resnet20@compute=int8/cifar10", "asic-28nm-bnn").energy_split_j
    assert split["control"] < 0.35 * sum(split.values())


def clocked(folder: Path) -> HardwareProfile:
    """The toy with an array, whose weights take 2 pJ a bit and cycle on the array that runs; an area for each bit."""
    arrayed(folder, large())
    path = folder / "toy.yaml"
    text = path.read_text(encoding="utf-8")
    weights = f"{{holds: [weights], words: {figure(1, 'word')}, free: for the test}}"
    bit = f"bit: {{energy: {figure(2, 'pJ/cycle')}, area: {figure(5, 'um^2')}}}"
    assert text.count(weights) == 1
    path.write_text(text.replace(weights, f"{weights[:-1]}, {bit}}}"), encoding="utf-8")
    return load_profile(path)


def test_an_array_is_clocked_while_it_runs(tmp_path: Path) -> None:
    """8 x 8 weights of 1 bit, 4 x 4 of 8 bits: 128 and 256 pJ a cycle; 4 pJ a cycle is control."""
    (tmp_path / "plain").mkdir()
    plain = cost_of_network(toy_network(), arrayed(tmp_path / "plain", large()))
    cost = cost_of_network(toy_network(), clocked(tmp_path))
    running = {row.array: row.cycles for row in cost.clocks}
    # 512 MACs of 8 bits on 16 lanes, 9,216 binary ones on 64; cycles besides fill and drain the array.
    assert 32 <= running["8x8"] < 64 and 144 <= running["1x1"] < 200
    assert {row.array: row.energy_j for row in cost.clocks} == {
        "8x8": pytest.approx(running["8x8"] * 256e-12),
        "1x1": pytest.approx(running["1x1"] * 64 * 2e-12),
    }
    cycles = sum(layer.cycles for layer in cost.layers)
    assert cost.control_j == pytest.approx(4e-12 * cycles + sum(row.energy_j for row in cost.clocks))
    assert [row.energy_j for row in plain.clocks] == [0, 0]
    more = cost.area_split["arrays"]["mm2"] - plain.area_split["arrays"]["mm2"]
    assert more == pytest.approx((64 + 16 * 8) * 5e-6)


def test_with_compulsory_traffic_an_array_runs_at_its_throughput(tmp_path: Path) -> None:
    cost = cost_of_network(toy_network(), clocked(tmp_path), traffic="compulsory")
    assert {row.array: row.cycles for row in cost.clocks} == {"8x8": 512 / 16, "1x1": 9216 / 64}


# ------------------------------------------------------------------ area


@pytest.mark.parametrize("name", GENERIC)
def test_precisions_are_compared_at_equal_area(name: str) -> None:
    """Every array with its registers and accumulators is within a fifth of the binary one, which has 4,096 lanes."""
    profile = load_profile(name)
    areas = {}
    for label, unit in profile.compute.items():
        columns, rows = lanes_of(profile, label)
        assert columns & (columns - 1) == rows & (rows - 1) == 0
        if unit.area is not None:
            units_um2 = columns * rows * unit.area.value
        else:
            parts = unit.popcount
            assert parts is not None
            # 64 XNORs, 64 - log2(65) full adders and one accumulator for 64 inputs
            adders = 57.978 * parts.full_adder.area.value
            units_um2 = (
                columns * rows / 64 * (64 * parts.xnor.area.value + adders + parts.accumulator.area.value)
            )
        areas[label] = units_um2 + registers_um2(name, columns, rows, label)
    assert lanes_of(profile, "1x1") == (64, 64)
    assert all(0.8 < area / areas["1x1"] < 1.2 for area in areas.values()), areas
    # ... and this is the area that a network of that precision alone has.
    for label, compute in (("8x8", "int8"), ("fp32xfp32", "fp32"), ("4x4", "int4")):
        arrays = cm.cost(f"resnet20@compute={compute}/cifar10", name, traffic="compulsory").area_split[
            "arrays"
        ]
        listed = areas[label] + (areas["8x8"] if compute == "int4" else 0)  # its stem has 8 bits
        assert arrays["mm2"] == pytest.approx(listed * 1e-6, rel=1e-4)


@pytest.mark.parametrize(("name", "accumulators_mm2"), [("asic-45nm", 0.2266), ("asic-7nm", 0.0166)])
def test_accumulators_have_area(name: str, accumulators_mm2: float) -> None:
    """65,536 bits of partial sums: 64 of 16 bits for each of 64 columns. They had energy and no area."""
    arrays = cm.cost("resnet20/cifar10", name).area_split["arrays"]["mm2"]
    assert arrays > accumulators_mm2
    levels = {row.level for row in cm.cost("resnet20/cifar10", name).memory}
    assert "accumulators" in levels


def test_a_network_without_binary_layers_has_no_binary_flip_flops() -> None:
    cost = cm.cost("resnet20@compute=int8/cifar10", "asic-45nm")
    columns, rows = 16, 16
    by_hand = columns * rows * 589 + registers_um2("asic-45nm", columns, rows, "8x8")
    assert cost.area_split["arrays"]["mm2"] == pytest.approx(by_hand * 1e-6)
    assert [row.array for row in cost.clocks] == ["8x8"]


def test_logic_leaks_by_its_area() -> None:
    """2 mW/mm2 over arrays, their registers and side units."""
    cost = cm.cost("resnet20/cifar10", "asic-45nm")
    logic = cost.area_split["arrays"]["mm2"] + cost.area_split["side units"]["mm2"]
    power = {row.part: row.power_w for row in cost.leakage}
    assert power["logic"] == pytest.approx(2e-3 * logic)
    assert power["line_buffer"] == pytest.approx(0.257e-6)


# ------------------------------------------------------------------ the line buffer


@pytest.mark.parametrize("name", GENERIC)
def test_the_stem_reads_each_pixel_about_once(name: str) -> None:
    """From the large memory, not 97 times. It was 57 % (45 nm) and 65 % (7 nm) of the energy, 74 % of the time."""
    cost = cm.cost("resnet18/imagenet", name)
    stem = cost.layers[0]
    image_bits = 3 * 224 * 224 * 8
    read = {row.level: row.read_bits for row in stem.memory if row.role == "features"}
    assert image_bits <= read["feature_sram"] < 1.3 * image_bits
    assert read["line_buffer"] > 5 * image_bits
    assert stem.operation_j + stem.memory_j < 0.5 * cost.energy_j
    assert stem.latency_s < 0.6 * cost.latency_s
    assert cost.area_split["buffers"]["mm2"] > 0


@pytest.mark.parametrize("name", GENERIC)
def test_the_lines_of_a_max_pool_are_priced(name: str) -> None:
    """Windows of 3 x 3 that move by 2: all of 64 x 112 x 112 values in, two lines of two columns for each output."""
    with_pool, without = (cm.cost(f"resnet18/{data}", name) for data in ("imagenet", "cifar10"))
    rows = [row for row in with_pool.layers[0].memory if (row.level, row.role) == ("line_buffer", "features")]
    image_bits = 3 * 224 * 224 * 8
    written = rows[0].write_bits - 64 * 112 * 112 * 16
    assert image_bits <= written < 1.3 * image_bits
    stem = [row for row in without.layers[0].memory if (row.level, row.role) == ("line_buffer", "features")]
    assert stem[0].write_bits < 1.3 * 3 * 32 * 32 * 8  # no pool there


def test_small_windows_have_lines_too() -> None:
    """VGG-Small pools 2 x 2 behind its second, fourth and sixth convolution: one line of two columns each."""
    cost = cm.cost("vgg_small/cifar10", "asic-45nm", traffic="mapped")
    lines = cm.evaluate.cost.prepared(cm.DesignKey.parse("vgg_small/cifar10")).traffic.lines
    assert [(row.role, int(row.read_bits), int(row.write_bits)) for row in lines] == [
        ("features", channels * side * side // 2 * 16, channels * side * side * 16)
        for channels, side in ((128, 32), (256, 16), (512, 8))
    ]
    assert sum(row.write_bits for row in cost.memory if row.level == "line_buffer") > 0


# ------------------------------------------------------------------ what a profile has to say


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "chip.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(problem) for problem in check_profile(path)]


ARRAY = f"""\
array:
  loops: {{columns: [[K]], rows: [[C]]}}
  buffers:
    sums:
      holds: [sums]
      words: {figure(4, "word")}
      free: for the test
      bit: {{area: {figure(3, "um^2")}}}
"""


def test_a_buffer_of_sums_with_area_asks_how_wide_a_sum_is(tmp_path: Path) -> None:
    lanes = "    lanes: {columns: 10, rows: 100}\n    throughput: {value: 1000"
    text = ASIC.replace("    throughput: {value: 1000", lanes) + ARRAY
    text = text.replace(
        "    throughput: {value: 10,", "    lanes: {columns: 2, rows: 5}\n    throughput: {value: 10,"
    )
    found = problems(tmp_path, text)
    assert len(found) == 2
    for label, line in zip(("1x1", "8x8"), found, strict=True):
        assert f"compute.{label}.partial_sum: is missing" in line
    width = f"    partial_sum: {figure(16, 'bit')}\n    throughput:"
    assert problems(tmp_path, text.replace("    throughput:", width)) == []
    text = text.replace(f"words: {figure(4, 'word')}", f"size: {figure(4, 'bit')}").replace(
        "    throughput:", width
    )
    assert any("bit: is for buffers in `words`" in one for one in problems(tmp_path, text))


def test_bits_of_registers_and_a_pace_are_for_those_who_use_them(tmp_path: Path) -> None:
    (tmp_path / "fpga.yaml").write_text(FPGA, encoding="utf-8")
    child = f"name: child\nextends: fpga.yaml\n{ARRAY}"
    assert any("bit: is for an asic" in one for one in problems(tmp_path, child))
    pace = f"  pace: {figure(4, 'element/cycle')}\n"
    assert any(
        "side.pace: is for matched" in one
        for one in problems(tmp_path, FPGA.replace("side:\n", f"side:\n{pace}"))
    )
    without = ASIC.replace(f"  pace: {figure(16, 'element/cycle')}\n", "")
    with pytest.raises(BnncostError, match=r"side.pace: is missing: matched units keep a pace"):
        problems(tmp_path, without)
        load_profile(tmp_path / "chip.yaml")
