"""The array section of a profile: what is wrong with it is told with its place; what is right becomes a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_chip import arrayed, figure, large, spilling

from costmodel.errors import BnncostError
from costmodel.hardware import load_profile, shipped_profiles
from costmodel.mapping import LoopNest, best_mapping
from costmodel.pricing.machine import FINISHED, Home, machine_of

LAYER = LoopNest("b", K=8, C=24, OY=4, OX=4, FY=3, FX=3, padding=(1, 1), size=(4, 4), weight_bits=1,
                 feature_bits=1, partial_bits=7, output_bits=0)  # fmt: skip


def told(folder: Path, old: str, new: str) -> str:
    """The complaint about the toy with an array, one text in its file replaced."""
    arrayed(folder, large())
    path = folder / "toy.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BnncostError) as complaint:
        load_profile(path)
    return str(complaint.value)


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence"),
    [
        ("rows: 8}", "rows: 7}", "compute.1x1.lanes", "make 56 MACs a cycle, but the throughput is 64"),
        ("rows: 8}", "row: 8}", "compute.1x1.lanes.row", "unknown axis 'row'; did you mean 'rows'?"),
        ("columns: 8, rows: 8", "columns: 8", "compute.1x1.lanes", "says nothing about axis 'rows'"),
        ("    lanes: {columns: 8, rows: 8}\n", "", "compute.1x1.lanes", "is missing: the profile has an array"),
        ("columns: 8", "columns: 0", "compute.1x1.lanes.columns", "whole number of lanes, from 1 to 1000000000; got 0"),
        ("columns: 8", "columns: 8.5", "compute.1x1.lanes.columns", "whole number of lanes"),
        ("rows: [[C]]", "rows: [[Q]]", "array.loops.rows", "'Q'"),
        ("rows: [[C]]", "rows: [[C, C]]", "array.loops.rows[0]", "lists C twice"),
        ("serves: [rows]", "serves: [lows]", "array.buffers.accumulators.serves", "did you mean 'rows'?"),
        ("serves: [rows]", "serves: [rows, rows]", "array.buffers.accumulators.serves", "lists rows twice"),
        ("holds: [sums]", "holds: [sums, sums]", "array.buffers.accumulators.holds", "lists sums twice"),
        ("array:\n", "array:\n  systolic: [rows, rows]\n", "array.systolic", "lists rows twice"),
        ("free: for the test", "size: {value: 3, unit: bit, source: s, status: assumed}, free: so",
         "array.buffers.weight_registers", "needs `words`"),
        (", free: for the test", "", "array.buffers.weight_registers", "needs `read` and `write`, or `reg"),
        ("free: for the test", "register_file: {node: {value: 45, unit: nm, source: s, status: assumed}, "
         "voltage: {value: 0.9, unit: V, source: s, status: assumed}}",
         "array.buffers.weight_registers", "known from 8 to 512 words, not with 1"),
        ("free: for the test", "free: so, register_file: {}",
         "array.buffers.weight_registers.register_file", "is given beside free"),
        ("weight_registers:", "sram:", "array.buffers.sram", "is also the name of a memory"),
        ("holds: [sums]", "holds: [totals]", "array.buffers.accumulators.holds", "'totals'"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, sentence: str
) -> None:
    complaint = told(tmp_path, old, new)
    assert place in complaint
    assert sentence in complaint


def test_the_area_of_a_buffer_is_for_an_asic(tmp_path: Path) -> None:
    path = tmp_path / "child.yaml"
    area = "{value: 1, unit: um^2, source: a test, status: assumed}"
    path.write_text(
        f"name: child\nextends: fpga-zynq7020\narray: {{buffers: {{sums: {{area: {area}}}}}}}\n", "utf-8"
    )
    with pytest.raises(BnncostError, match=r"array.buffers.sums.area: is for an asic, not for an fpga"):
        load_profile(path)


def test_lanes_without_an_array_are_refused(tmp_path: Path) -> None:
    assert "the profile has no `array` with these axes" in told(tmp_path, "\narray:", "\nthrough:")


def home(room: int) -> Home:
    return Home("sram", "sram", {"sram": room}, {"sram": (2e-12, 3e-12)})


def test_the_machine_has_the_buffers_the_memory_and_a_way_out(tmp_path: Path) -> None:
    machine = machine_of(arrayed(tmp_path, large()), "1x1", LAYER, "binary_features", home(1024))
    assert [(level.name, level.operands, level.serves) for level in machine.levels] == [
        ("weight_registers", ("weights",), ()),
        ("feature_registers", ("features",), ("columns",)),
        ("accumulators", ("sums",), ("rows",)),
        ("sram", ("weights", "features", "sums"), ("columns", "rows")),
        (FINISHED, ("sums",), ("columns", "rows")),
    ]
    # one word of 1 bit; 16 sums of 7 bits; weights and features lie whole in the memory, and 1,024 bits are left
    sizes = [level.size_bits for level in machine.levels]
    assert sizes == [1, 1, 16 * 7, 8 * 24 * 9 + 24 * 16 + 1024, 1]
    assert machine.array.unrollings == ((("columns", (("K", 8),)), ("rows", (("C", 8),))),)


def test_a_full_memory_takes_no_partial_sums(tmp_path: Path) -> None:
    machine = machine_of(arrayed(tmp_path, large()), "1x1", LAYER, "binary_features", home(0))
    assert machine.levels[3].operands == ("weights", "features")


@pytest.mark.parametrize(
    ("room", "operands"), [(63, ("features", "sums")), (64, ("weights", "features", "sums"))]
)
def test_a_memory_with_less_room_than_one_step_of_weights_is_passed_by(
    tmp_path: Path, room: int, operands: tuple[str, ...]
) -> None:
    """64 lanes use 64 bits of weights in a step; final sums leave at once and take no room."""
    rooms = {"sram": room, "dram": 0}
    place = Home("dram", "sram", rooms, dict.fromkeys(rooms, (2e-12, 3e-12)))
    profile = arrayed(tmp_path, spilling(1))
    machine = machine_of(profile, "1x1", LAYER, "binary_features", place)
    levels = {level.name: level for level in machine.levels}
    assert levels["sram"].operands == operands
    assert levels["dram"].operands == ("weights",)
    assert best_mapping(LAYER, machine).exact


def test_a_precision_without_lanes_of_its_own_uses_the_next_wider_ones(tmp_path: Path) -> None:
    machine = machine_of(arrayed(tmp_path, large()), "4x4", LAYER, "features", home(1024))
    assert dict(machine.array.axes) == {"columns": 4, "rows": 4}


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_describes_its_array(name: str) -> None:
    profile = load_profile(name)
    assert profile.array is not None
    assert all(unit.lanes for unit in profile.compute.values())


def test_registers_are_priced_by_their_words_and_their_process(tmp_path: Path) -> None:
    """64 words cost 7.5 fJ a bit at 28 nm and 0.9 V; C V^2 to 0.45 V is a quarter of it."""
    arrayed(tmp_path, large(), sums=64)
    path = tmp_path / "toy.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("      read:", text.index("accumulators:"))
    process = f"{{node: {figure(28, 'nm')}, voltage: {figure(0.45, 'V')}}}"
    path.write_text(text[:start] + f"      register_file: {process}\n", encoding="utf-8")
    profile = load_profile(path)
    assert profile.array is not None
    buffer = profile.array.buffers["accumulators"]
    assert buffer.read is not None and buffer.write is not None
    assert buffer.read.si == pytest.approx(7.5e-15 / 4) == buffer.write.si
    assert buffer.read.status == "scaled"
