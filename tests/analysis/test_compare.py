"""`bnncost compare`: differences by cause, from the costs of the designs themselves."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from command_outputs import Captured, overlapping, read_json, said

from analysis.cli import run
from analysis.plots.causes import causes_info
from analysis.plots.split import draw_split
from analysis.plots.style import write_picture
from costmodel import cost

A, B = "resnet20", "resnet20[double_residual]"


def test_differences_by_cause_add_up_to_that_of_the_energies(capsys: Captured) -> None:
    rows = list(csv.DictReader(io.StringIO(said(capsys, "compare", A, B, "--format", "csv"))))
    first, second = cost(A), cost(B)
    differences = [float(row["difference_j"]) for row in rows if row["entry"] == "B"]
    assert sum(differences) == pytest.approx(second.energy_j - first.energy_j, rel=1e-9)
    for letter, priced in (("A", first), ("B", second)):
        energies = {row["cause"]: float(row["energy_j"]) for row in rows if row["entry"] == letter}
        assert sum(energies.values()) == pytest.approx(priced.energy_j, rel=1e-12)
        adds = sum(row.energy_j for row in priced.operations if row.operation == "add")
        assert energies["additions"] == pytest.approx(adds, rel=1e-12)
        sram = sum(row.energy_j for row in priced.memory if row.level == "feature_sram")
        assert energies["feature_sram"] == pytest.approx(sram, rel=1e-12)


def test_double_residual_costs_traffic_and_multiplies_and_no_binary_mac(capsys: Captured) -> None:
    _, second = read_json(capsys, "compare", A, B)["entries"]
    assert second["against"] == "A"
    assert "more energy than A" in second["sentence"] and "feature_sram +" in second["sentence"]
    assert "binary MACs" not in second["sentence"]


def test_a_difference_is_told_as_a_share_of_the_first_and_a_value_as_a_multiple(capsys: Captured) -> None:
    """782 nJ are 33.8 % of 2.31 µJ, and 20.4 µJ are 8.82 times 2.31 µJ, 18.1 µJ more."""
    _, second, third = read_json(capsys, "compare", A, B, "resnet20@compute=int8")["entries"]
    assert second["sentence"].startswith("B takes 782 nJ (33.8 %) more energy than A, and no more time")
    ratio = third["energy_j"] / cost(A).energy_j
    assert f"18.1 µJ more energy than A ({ratio:.2f} times as much), and" in third["sentence"]
    assert third["energy_j"] - cost(A).energy_j == pytest.approx(18.1e-6, rel=5e-3)


def test_several_profiles_have_a_first_design_each(capsys: Captured) -> None:
    found = read_json(capsys, "compare", A, B, "--profile", "asic-45nm", "--profile", "mcu-cortex-m33")
    assert [(one["entry"], one["profile"], one["against"]) for one in found["entries"]] == [
        ("A", "asic-45nm", None), ("B", "asic-45nm", "A"), ("C", "mcu-cortex-m33", None), ("D", "mcu-cortex-m33", "C"),
    ]  # fmt: skip


def test_one_design_is_held_against_itself_on_the_first_profile(capsys: Captured) -> None:
    found = read_json(capsys, "compare", A, "--profile", "asic-45nm", "--profile", "asic-7nm")["entries"]
    assert [one["against"] for one in found] == [None, "A"]
    assert "less energy than A" in found[1]["sentence"]


def test_memories_of_a_processor_are_inside_its_core(capsys: Captured) -> None:
    text = said(capsys, "compare", A, B, "--profile", "mcu-cortex-m33")
    memory = next(line for line in text.splitlines() if line.startswith("│ memory"))
    assert memory.count("inside the core") == 2


def test_files_are_compared_with_designs(capsys: Captured, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    weights = onnx.numpy_helper.from_array(__import__("numpy").ones((4, 3, 3, 3), "float32"), "w")
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, channels, 8, 8))
        for name, channels in (("x", 3), ("y", 4))
    ]
    graph = onnx.helper.make_graph([node], "small", ends[:1], ends[1:], [weights])
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), tmp_path / "net.onnx"
    )
    found = read_json(capsys, "compare", A, str(tmp_path / "net.onnx"))["entries"]
    assert found[1]["design"].endswith("net.onnx")
    assert 0 < found[1]["energy_j"] < found[0]["energy_j"], "27,648 MACs against 40 million"
    narrow = read_json(capsys, "compare", A, str(tmp_path / "net.onnx"), "--features", "int8")["entries"]
    assert narrow[1]["design"].endswith("net.onnx@features=int8")
    assert narrow[1]["energy_j"] < found[1]["energy_j"] and narrow[0] == found[0], "a design keeps its own"


def test_a_picture_is_written(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "c.svg"
    said(capsys, "compare", A, B, "--out", str(out))
    text = out.read_text("utf-8")
    assert "A: resnet20" in text and "binary compute" in text


def test_markup_in_a_name_is_text_in_the_picture(tmp_path: Path) -> None:
    info = causes_info([("A: <script>x</script> $y$", cost(A).energy_split_j)], "<b>T</b>")
    text = write_picture(draw_split(info), tmp_path / "a.svg").read_text("utf-8")
    assert "<script>" not in text and "&lt;script&gt;" in text and "$y$" in text and "<b>" not in text


def test_texts_of_the_picture_lie_apart_even_with_long_names() -> None:
    names = ["A: resnet20", "B: resnet20[" + "+".join(["double_residual"] * 6) + "]@w1.5/cifar10"]
    info = causes_info([(name, cost(A).energy_split_j) for name in names], "T", "S")
    assert overlapping(draw_split(info)) == []
    assert [bar.total for bar in info.bars] == pytest.approx([cost(A).energy_j * 1e6] * 2)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([A], ["1 entries", "two designs or more"]),
        ([A] * 27, ["27 entries"]),
        ([A, "resnet20[prelo]"], ["unknown method 'prelo'", "prelu"]),
        ([A, B, "--out", "x.docx"], ["unknown suffix '.docx'"]),
        ([A, B, "--profile", "asic-45"], ["asic-45nm"]),
    ],
)
def test_mistakes_are_told(capsys: Captured, arguments: list[str], parts: list[str]) -> None:
    assert run(["compare", *arguments]) == 2
    text = capsys.readouterr().err
    assert [part for part in parts if part not in text] == [], text
