"""`bnncost sensitivity` as table, JSON, CSV, sentence and picture, and figures set with --set."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from command_outputs import overlapping, read_json, said
from matplotlib.text import Text

from analysis.cli import run
from analysis.plots.tornado import TornadoInfo, TornadoRow, comparison_info, sensitivity_info
from analysis.plots.tornado_drawing import draw_tornado
from costmodel import cost, load_profile
from costmodel.evaluate.break_even import compare
from costmodel.evaluate.sensitivity import sensitivity

SHIPPED = Path(__file__).parents[2] / "hardware_profiles"
Captured = pytest.CaptureFixture[str]
REPAIRED, WIDER = "resnet20[double_residual]/cifar10", "resnet20@w1.2/cifar10"
SIZE, SMALL = "memories.feature_sram.size=328kB", "memories.feature_sram.size=64kB"
GATED = "resnet20[squeeze_excitation]/cifar10"


# ---------------------------------------------------------------- what is said


def test_the_shares_of_all_ranges_make_one(capsys: Captured) -> None:
    found = read_json(capsys, "sensitivity", REPAIRED)
    assert found["energy_j"] == cost(REPAIRED).energy_j
    shares = [row["share"] for row in found["figures"] if row["share"] is not None]
    assert sum(shares) == pytest.approx(1, rel=1e-12)
    assert found["comparison"] is None
    swings = [row["swing_j"] for row in found["figures"]]
    assert swings == sorted(swings, reverse=True)


def test_two_designs_in_one_sentence_with_the_value_that_turns_their_order(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    found = read_json(capsys, "sensitivity", REPAIRED, "--than", WIDER)["comparison"]
    first = found["figures"][0]
    assert found["difference_j"] == pytest.approx(cost(REPAIRED).energy_j - cost(WIDER).energy_j)
    less, more = sorted((REPAIRED, WIDER), key=lambda name: cost(name).energy_j)
    assert found["sentence"].startswith(f"{less} takes less energy than {more} on asic-45nm (")
    assert f"({first['figure']} is " in found["sentence"]
    assert f"{first['break_even']:.3g} {first['unit']}" in found["sentence"]
    assert found["sentence"] in said(capsys, "sensitivity", REPAIRED, "--than", WIDER)


def test_the_sentence_begins_with_the_cheaper_design_whichever_comes_first(capsys: Captured) -> None:
    there = read_json(capsys, "sensitivity", WIDER, "--than", REPAIRED)["comparison"]["sentence"]
    back = read_json(capsys, "sensitivity", REPAIRED, "--than", WIDER)["comparison"]["sentence"]
    assert there.partition(" on ")[0] == back.partition(" on ")[0]


def test_where_nothing_turns_the_order_that_is_said(capsys: Captured) -> None:
    found = read_json(capsys, "sensitivity", REPAIRED, "--than", "resnet20")["comparison"]
    assert found["sentence"].endswith("and no single figure above zero turns that.")
    hardtanh = "resnet20[hardtanh]"  # its compares alone would have to take nothing at all
    found = read_json(capsys, "sensitivity", hardtanh, "--than", "resnet20")["comparison"]
    assert found["sentence"].endswith("and no single figure above zero turns that.")
    found = read_json(capsys, "sensitivity", "resnet20[channel_scale]", "--than", "resnet20")["comparison"]
    assert "take the same energy" in found["sentence"]
    assert found["difference_j"] == 0


def test_the_csv_is_of_the_comparison_where_there_is_one(capsys: Captured) -> None:
    alone = list(csv.DictReader(io.StringIO(said(capsys, "sensitivity", REPAIRED, "--format", "csv"))))
    both = said(capsys, "sensitivity", REPAIRED, "--than", WIDER, "--format", "csv")
    assert "share" in alone[0] and "break_even" in next(csv.DictReader(io.StringIO(both)))


def test_cost_names_the_assumed_size_that_its_answer_hangs_on(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a feature memory of 64 kB the maps of gates go out to DRAM, with 128 kB they stay."""
    monkeypatch.setenv("COLUMNS", "1000")
    on = ["--profile", "asic-28nm-bnn", "--set", SMALL]
    for more in ([], ["--ranges"]):
        text = said(capsys, "cost", GATED, *on, *more)
        assert "the size of feature_sram moves the energy" in text
        assert "memories.feature_sram.size" in text
    heaviest = read_json(capsys, "cost", GATED, *on)["heaviest_assumption"]
    assert heaviest["figure"] == "memories.feature_sram.size"
    wide = load_profile("asic-28nm-bnn", [f"memories.feature_sram.size={heaviest['high']}{heaviest['unit']}"])
    assert heaviest["energy_at_high_j"] == cost(GATED, wide).energy_j


def test_where_all_is_published_no_figure_is_named(capsys: Captured, tmp_path: Path) -> None:
    text = (SHIPPED / "mcu-cortex-m33.yaml").read_text("utf-8")
    path = tmp_path / "published.yaml"
    path.write_text(re.sub(r"status: (assumed|derived|scaled)", "status: published", text), "utf-8")
    assert read_json(capsys, "cost", "bnn", "--profile", str(path))["heaviest_assumption"] is None
    assert "neither published nor measured" not in said(capsys, "cost", "bnn", "--profile", str(path))


OWN = """
from torch import nn
from torch.nn.functional import relu


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Linear(8, 10)

    def forward(self, x):
        return self.head(relu(self.conv(x)).mean(dim=(2, 3)))


def make():
    return Small()
"""


def test_a_module_takes_the_options_that_it_has_for_cost(
    capsys: Captured, reads_here: None, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN, "utf-8")
    own, options = f"{tmp_path / 'own.py'}:make", ["--input", "3x8x8", "--features", "int8"]
    priced = read_json(capsys, "cost", own, *options)["energy_j"]
    assert read_json(capsys, "sensitivity", own, *options)["energy_j"] == priced
    for pair in ([own, "--than", "resnet20"], ["resnet20", "--than", own]):
        found = read_json(capsys, "sensitivity", *pair, *options)
        assert priced in (found["energy_j"], found["comparison"]["than_energy_j"])
    assert "reading: " in said(capsys, "sensitivity", own, *options)
    assert run(["sensitivity", "resnet20", *options]) == 2
    assert "--input is for a file or module" in capsys.readouterr().err


# ---------------------------------------------------------------- figures that are set


@pytest.mark.parametrize(
    "command",
    [
        ["cost", "resnet20"],
        ["sensitivity", "resnet20"],
        ["table", "--network", "resnet20", "--methods", "double_residual"],
    ],
)
def test_set_figures_are_in_every_command_and_in_the_name(capsys: Captured, command: list[str]) -> None:
    both = ["--set", SIZE, "--set", "clock=40MHz", "--format", "json"]
    text = said(capsys, *command, "--profile", "asic-28nm-bnn", *both)
    assert f"asic-28nm-bnn with --set {SIZE}, --set clock=40MHz" in text
    assert text != said(capsys, *command, "--profile", "asic-28nm-bnn", "--format", "json")


def test_a_set_size_keeps_maps_on_the_chip(capsys: Captured) -> None:
    """Maps three times as wide go out to DRAM with 64 kB, and stay with 328 kB."""
    wide = "resnet20[double_residual]@w3.0/cifar10"
    chip, small = (load_profile("asic-28nm-bnn", [size]) for size in (SIZE, SMALL))
    found = read_json(capsys, "cost", wide, "--profile", "asic-28nm-bnn", "--set", SIZE)
    assert found["energy_j"] == cost(wide, chip).energy_j < cost(wide, small).energy_j
    outside = {row["role"] for row in found["memory"] if row["level"] == "dram"}
    assert outside <= {"weights"}


def test_a_front_of_a_chip_with_a_set_figure(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    front = ["pareto", "--network", "resnet20", "--dataset", "cifar10", "--profile", "asic-28nm-bnn"]
    text = said(capsys, *front, "--set", SIZE, "--out", str(tmp_path))
    assert f"asic-28nm-bnn with --set {SIZE}" in text
    assert SIZE in (tmp_path / "front-energy.md").read_text(encoding="utf-8").replace("\\", "")


@pytest.mark.parametrize("command", [["cost", "bnn"], ["table"], ["sensitivity", "bnn"], ["map", "bnn"]])
def test_what_cannot_be_set_is_a_mistake_that_names_the_option(capsys: Captured, command: list[str]) -> None:
    assert run([*command, "--set", "memories.feature_sran.size=128kB"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: --set memories.feature_sran.size=128kB: in memories: ")
    assert "did you mean 'feature_sram'" in captured.err


# ---------------------------------------------------------------- the picture


def test_the_picture_has_bars_from_low_to_high_and_the_widest_on_top() -> None:
    found = sensitivity(GATED, load_profile("asic-28nm-bnn", [SMALL]))
    info = sensitivity_info(found)
    assert info.now == pytest.approx(found.energy_j * 1e6)
    assert info.rows[0].label == found.effects[0].figure.place
    assert info.rows[0].low == pytest.approx((found.effects[0].low_j or 0) * 1e6)
    assert (info.rows[0].low_text, info.rows[0].high_text) == ("32", "128")
    assert info.rows[0].anew
    assert info.left_out == len(found.effects) - len(info.rows)
    widths = [
        max(row.low or 0, row.high or 0, info.now) - min(row.low or 0, row.high or 0, info.now)
        for row in info.rows
    ]
    assert widths == sorted(widths, reverse=True)


def test_the_bars_are_as_long_as_they_say() -> None:
    info = sensitivity_info(sensitivity(REPAIRED))
    (axes,) = draw_tornado(info).axes
    drawn = {patch.get_gid(): patch for patch in axes.patches}
    for row in info.rows:
        for name, end in (("low", row.low), ("high", row.high)):
            bar = drawn[f"{row.label} {name}"]
            assert end is not None
            assert sorted((bar.get_x(), bar.get_x() + bar.get_width())) == pytest.approx(
                sorted((info.now, end))
            )


def test_the_figure_that_the_sentence_names_is_drawn_beyond_its_range_too() -> None:
    compared = compare("resnet20[double_residual]", "resnet20[prelu]", "asic-22nm-programmable")
    assert compared.nearest is not None and not compared.nearest.within
    drawn = comparison_info(compared)
    assert compared.nearest.figure.place in drawn.subtitle and drawn.rows[0].turns_at
    assert drawn.rows[0].label == compared.nearest.figure.place
    assert len({row.label for row in drawn.rows}) == len(drawn.rows)


PICTURES = {
    "alone": lambda: sensitivity_info(sensitivity(REPAIRED, "asic-28nm-bnn")),
    "two": lambda: comparison_info(compare(REPAIRED, WIDER, "asic-28nm-bnn")),
    "narrow": lambda: comparison_info(
        compare("resnet20[double_residual]", "resnet20[prelu]", "asic-22nm-programmable")
    ),
    "board": lambda: sensitivity_info(sensitivity("resnet20", "fpga-zynq7020")),
    "does not fit": lambda: TornadoInfo(
        "A design", "a subtitle", "energy", 3.0,
        (
            TornadoRow("memories.sram.size", "64 kB", None, 2.5, "32", "128", True, True),
            TornadoRow("control.energy", "20 pJ/cycle", 2.9, 3.2, "10", "40", False, False),
        ), 0, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_of_the_picture_lies_on_another_or_outside(name: str) -> None:
    figure = draw_tornado(PICTURES[name]())
    assert overlapping(figure) == []
    width, height = figure.get_size_inches() * figure.dpi
    (axes,) = figure.axes
    ticks = axes.get_xticklabels()  # those beyond the limits are there, but not drawn
    for text in figure.findobj(Text):
        if text not in ticks and text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text


def test_a_picture_is_written_to_a_file_or_into_a_folder(capsys: Captured, tmp_path: Path) -> None:
    run(["sensitivity", "bnn", "--out", str(tmp_path / "one.svg")])
    assert b"control.energy" in (tmp_path / "one.svg").read_bytes()
    run(["sensitivity", "bnn", "--than", WIDER, "--out", str(tmp_path / "folder")])
    assert sorted(path.suffix for path in (tmp_path / "folder").iterdir()) == [".png", ".svg"]
    capsys.readouterr()
    assert run(["sensitivity", "bnn", "--out", str(tmp_path / "one.txt")]) == 2
    assert "unknown suffix '.txt'" in capsys.readouterr().err
