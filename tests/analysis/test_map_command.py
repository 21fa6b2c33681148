"""`bnncost map`, the mappings that `bnncost cost --per-layer` shows, and the picture of a mapping."""

from __future__ import annotations

import csv
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from command_outputs import overlapping, said
from hand_mapping import layer_mapping
from matplotlib.text import Text
from ruamel.yaml import YAML

from analysis.cli import run
from analysis.costs.mapping_tables import layer_traffic_table, listings_of
from analysis.plots.mapping import MappingInfo, TimePart, mapping_info
from analysis.plots.mapping_drawing import draw_mapping
from analysis.plots.style import DOUBLE
from costmodel import cost
from costmodel.evaluate.mappings import mappings_of

SHIPPED = Path(__file__).parents[2] / "hardware_profiles"
Captured = pytest.CaptureFixture[str]
LAYERS = [
    ("resnet20/cifar10", "asic-45nm", "stage1.block1.conv1"),
    ("resnet20/cifar10", "asic-45nm", "stem"),
    ("resnet20[double_residual+prelu+squeeze_excitation]/cifar10", "asic-45nm", "stage1.block1.conv1.gate"),
    ("resnet18/imagenet", "asic-22nm-bnn", "stage4.block2.conv2"),
    ("resnet20/cifar10", "mcu-cortex-m4", "stage2.block1.conv1"),
]


# ---------------------------------------------------------------- what the picture shows


def hand_picture(share: float = 1.0, *, timed: bool = True) -> MappingInfo:
    return mapping_info([layer_mapping(share, timed=timed)], "made by hand", "toy")


def test_the_picture_of_a_mapping_made_by_hand() -> None:
    """48 MACs on 2 lanes: 24 steps. All 8 weights are read once, each of 24 bits of features for both steps of K."""
    info = hand_picture()
    (panel,) = info.panels
    assert info.title == "by hand on toy"
    assert info.lines[:2] == ("of made by hand", "1x2 MACs over K 4, C 2, OX 6")
    assert [(step.dim, step.times) for step in panel.steps] == [("K", 2), ("C", 2), ("OX", 6)]
    assert [group.title for group in panel.groups] == ["weights", "features", "partial sums"]
    weights, features, sums = (group.rows for group in panel.groups)
    assert [(row.level, row.start, row.instances, row.holds) for row in (*weights, *features, *sums)] == [
        ("sram", 0, 1, "1.00 B"),
        ("registers", 2, 2, "1 bit"),
        ("sram", 0, 1, "3.00 B"),
        ("sram", 0, 1, "24.0 B"),
        ("accumulators", 1, 2, "6.00 B"),
    ]
    # k and c lead to other weights, ox does not; of features it is c and ox; lanes side by side share features.
    assert [row.changing for row in weights] == [(True, True, False, True), (False, True)]
    assert [row.changing for row in features] == [(False, True, True, False)]
    assert [row.changing for row in sums] == [(True, False, True, True), (False, True, True)]
    assert [row.exchange for row in (*weights, *features, *sums)] == ["", "down", "", "", "up"]
    assert [(row.read, row.written) for row in weights] == [("1.00 B", "–"), ("1.00 B", "1.00 B")]
    assert [row.fill for row in weights] == [8 / 1024, 1.0]
    assert weights[0].read_j == pytest.approx(8 * 10e-12)
    assert features[0].read_j == pytest.approx(2 * 24 * 10e-12)
    assert sums[0].write_j == pytest.approx(4 * 6 * 8 * 20e-12), "finished sums, once, at 8 bits"
    # 24 sums of two terms: one partial sum of 5 bits is written and read back, the last one is passed on.
    assert panel.array == "2 of 3 lanes, 67 % at work over all steps"
    assert panel.parts[0] == TimePart("steps", 24)


def test_where_all_sums_go_to_side_operations_these_stand_in_for_a_home() -> None:
    info = mapping_info(mappings_of("resnet20/cifar10", layer="classifier"), "resnet20/cifar10", "asic-45nm")
    _, features, sums = (group.rows for group in info.panels[0].groups)
    assert [(row.level, row.note, row.changing) for row in (features[0], sums[0])] == [
        ("side operations", "features as they are made", ()),
        ("side operations", "finished sums", ()),
    ]
    assert sums[1].exchange == "up"


def test_sums_that_come_back_go_both_ways_and_shares_have_a_panel_each() -> None:
    found = mappings_of("resnet18/imagenet", "asic-22nm-bnn", "stage4.block2.conv2")
    info = mapping_info(found, "resnet18/imagenet", "asic-22nm-bnn")
    assert len(info.panels) == len(found) > 1
    assert all(" % of the layer: weights in dram" in panel.heading for panel in info.panels)
    for one, panel in zip(found, info.panels, strict=True):
        back = {row.level for row in one.moved if (row.operand, row.direction) == ("sums", "fill")}
        shown = {row.level for group in panel.groups for row in group.rows if row.exchange == "both"}
        assert back == shown


def test_a_processor_has_no_bar_of_cycles() -> None:
    (panel,) = hand_picture(timed=False).panels
    assert panel.parts == () and "processor" in panel.time


# ---------------------------------------------------------------- drawing


@pytest.mark.parametrize(("design", "profile", "layer"), LAYERS)
def test_no_text_lies_on_another_or_off_the_page(design: str, profile: str, layer: str) -> None:
    figure = draw_mapping(mapping_info(mappings_of(design, profile, layer), design, profile))
    assert overlapping(figure) == []
    page = figure.bbox
    for text in figure.findobj(Text):
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1, text
    assert figure.get_figwidth() == pytest.approx(DOUBLE, abs=0.6)


def test_texts_on_each_other_are_found() -> None:
    figure = draw_mapping(hand_picture())
    figure.text(0.5, 0.5, "here")
    figure.text(0.5, 0.5, "there")
    assert ("here", "there") in overlapping(figure)


def test_a_design_too_long_for_a_line_is_broken() -> None:
    design = "resnet20[" + "+".join(["double_residual"] * 14) + "]/cifar10"
    figure = draw_mapping(mapping_info([layer_mapping()], design, "toy"))
    drawn = [text.get_text() for text in figure.findobj(Text)]
    assert f"of {design}" not in drawn and f"of {design}" in "".join(drawn)


# ---------------------------------------------------------------- the commands


def test_map_lists_every_layer_in_a_line(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    text = said(capsys, "map", "resnet20/cifar10")
    for layer in cost("resnet20/cifar10").layers:
        assert sum(f" {layer.layer} " in line for line in text.splitlines()) == 1
    assert "K 16, C 16, OY 32, OX 32, FY 3, FX 3" in text


def test_map_prints_the_nest_and_draws_it(capsys: Captured, tmp_path: Path) -> None:
    arguments = ("map", "resnet20/cifar10", "--layer", "stage1.block1.conv1", "--out")
    text = said(capsys, *arguments, str(tmp_path / "new"))
    assert "# weights in weight_sram: 2,304 bit, all of them" in text and "mac  # on" in text
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        f"resnet20-cifar10-stage1.block1.conv1-asic-45nm-energy{suffix}" for suffix in (".png", ".svg")
    }
    for suffix, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        for target in (first, second):
            said(capsys, *arguments, str(target))
        assert first.read_bytes().startswith(begins) and first.read_bytes() == second.read_bytes()


def test_map_as_json_adds_up_to_its_energy(capsys: Captured) -> None:
    (one,) = json.loads(said(capsys, "map", "resnet20/cifar10", "--layer", "stem", "--format", "json"))
    assert sum(row["energy_j"] for row in one["moved"]) == pytest.approx(one["energy_j"])
    steps = 1
    for loop in one["loops"]:
        steps *= loop["steps"]
    assert steps == one["steps"]
    assert all(0 <= tile["loops_outside"] <= len(one["loops"]) for tile in one["tiles"])
    rows = said(capsys, "map", "resnet20/cifar10", "--layer", "stem", "--format", "csv").splitlines()
    assert rows[0] == "layer,share,operand,level,direction,bits,energy_j" and len(rows) == 1 + len(
        one["moved"]
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--layer", "conv1"], "'conv1' may be any of 9 layers"),
        (["--layer", "steem"], "did you mean 'stem'?"),
        (["--layer", "stem", "--out", "a.bmp"], "unknown suffix '.bmp'"),
        (["--out", "a.png"], "say which with --layer"),
        (["--layer", "stem", "--profile", "asic-45"], "unknown hardware profile 'asic-45'"),
    ],
)
def test_mistakes_are_told_in_a_sentence(capsys: Captured, arguments: list[str], sentence: str) -> None:
    assert run(["map", "resnet20/cifar10", *arguments]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.out == "" and not Path("a.png").exists()


def test_a_profile_without_an_array_is_priced_but_not_mapped(capsys: Captured, tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    plain = yaml.load((SHIPPED / "asic-45nm.yaml").read_text("utf-8"))
    del plain["array"]
    for unit in plain["compute"].values():
        unit.pop("lanes", None)
    target = tmp_path / "plain.yaml"
    with target.open("w", encoding="utf-8") as stream:
        yaml.dump(plain | {"name": "plain"}, stream)
    assert run(["map", "resnet20/cifar10", "--profile", str(target)]) == 2
    assert "profile 'plain' has no `array`" in capsys.readouterr().err
    text = said(capsys, "cost", "resnet20/cifar10", "--profile", str(target), "--per-layer")
    assert "Traffic is compulsory" in text and "mac  # on" not in text


def test_cost_per_layer_shows_traffic_and_every_distinct_nest_once(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20/cifar10", "--per-layer")
    listed = listings_of(mappings_of("resnet20/cifar10"))
    assert text.count("mac  # on") == len(listed) < 20
    names = [name for listing in listed for name in listing.title.split(", ")]
    assert sorted(names) == sorted(layer.layer for layer in cost("resnet20/cifar10").layers)
    assert "stalls" in text and "Memory traffic by layer" in text
    found = cost("resnet20/cifar10")
    table = layer_traffic_table(found)
    assert sum(float(row[-1] or 0) for row in table.rows) == pytest.approx(
        sum(row.energy_j for row in found.memory)
    )


def test_compulsory_traffic_can_be_asked_for(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20/cifar10", "--per-layer", "--traffic", "compulsory")
    assert "Traffic is compulsory" in text and "partial sums" not in text
    found = json.loads(
        said(capsys, "cost", "resnet20/cifar10", "--traffic", "compulsory", "--format", "json")
    )
    assert found["traffic"] == "compulsory"
    assert found["energy_j"] == pytest.approx(cost("resnet20/cifar10", traffic="compulsory").energy_j)


def test_papers_get_nests_as_they_are(capsys: Captured) -> None:
    for form, fence in (("markdown", "```"), ("latex", r"\begin{verbatim}")):
        text = said(capsys, "cost", "resnet20/cifar10", "--per-layer", "--format", form)
        assert fence in text and re.search(r"\n {4,}# weights in weight_registers", text)


def test_levels_of_the_memory_table_stand_together(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20/cifar10")
    table = text.partition("Memory traffic")[2].partition("└")[0]
    levels = [found[1] for line in table.splitlines() if (found := re.match(r"│ (\w+) +│", line))]
    assert len(levels) == len(set(levels)) > 3
    assert not any(one == other for one, other in pairwise(levels))


def test_json_of_a_cost_per_layer_carries_the_mappings(capsys: Captured) -> None:
    arguments = ("resnet20/cifar10", "--format", "json")
    found = json.loads(said(capsys, "cost", *arguments, "--per-layer"))
    assert found.pop("mappings") == json.loads(said(capsys, "map", *arguments))
    assert found == json.loads(said(capsys, "cost", *arguments))
    assert "mappings" not in json.loads(
        said(capsys, "cost", *arguments, "--per-layer", "--traffic", "compulsory")
    )


def test_tables_and_fronts_of_compulsory_traffic(capsys: Captured, tmp_path: Path) -> None:
    plain = cost("resnet20/cifar10", traffic="compulsory").energy_j
    arguments = ("table", "--methods", "prelu", "--traffic", "compulsory")
    table = json.loads(said(capsys, *arguments, "--format", "json"))
    assert table["plain"]["energy_j"] == pytest.approx(plain, rel=1e-12)
    assert "Traffic is compulsory" in said(capsys, *arguments)
    front = ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--traffic", "compulsory", "--out")
    assert "Traffic is compulsory" in said(capsys, *front, str(tmp_path))
    assert "Compulsory traffic." in (tmp_path / "front-energy.svg").read_text("utf-8")
    rows = csv.DictReader((tmp_path / "front-energy.csv").read_text("utf-8").splitlines())
    energies = {row["design"]: float(row["energy_j"]) for row in rows}
    assert len(energies) > 3
    assert energies == pytest.approx({one: cost(one, traffic="compulsory").energy_j for one in energies})


BUFFERED = """
name: buffered
title: An array whose weight registers take 1 mm2
description: For tests.
archetype: asic
extends: asic-45nm
array:
  buffers:
    weight_registers: {area: {value: 1, unit: mm^2, source: a test, status: assumed, note: for the test}}
"""


def test_compulsory_traffic_leaves_the_buffers_on_the_chip(capsys: Captured, tmp_path: Path) -> None:
    """A chip keeps its array whether layers are mapped on it or not: what it has without, and 1 mm2 of buffers."""
    profile = tmp_path / "buffered.yaml"
    profile.write_text(BUFFERED, encoding="utf-8")
    options = ("--profile", str(profile), "--traffic", "compulsory")
    alone = json.loads(said(capsys, "cost", "resnet20/cifar10", *options, "--format", "json"))
    without = cost("resnet20/cifar10", "asic-45nm", traffic="compulsory").area["mm2"]
    assert alone["area"]["mm2"] == pytest.approx(without + 1)
    table = json.loads(said(capsys, "table", "--methods", "prelu", *options, "--format", "json"))
    assert table["plain"]["area"] == alone["area"]
    front = ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", str(tmp_path))
    said(capsys, *front, *options)
    rows = list(csv.DictReader((tmp_path / "front-energy.csv").read_text("utf-8").splitlines()))
    costs = {row["design"]: cost(row["design"], str(profile), traffic="compulsory") for row in rows}
    assert {row["design"]: float(row["area"]) for row in rows} == {
        name: pytest.approx(one.area["mm2"]) for name, one in costs.items()
    }
    picture = (tmp_path / "front-energy.svg").read_text("utf-8")
    assert "take 1 mm2" in picture and "Compulsory traffic." in picture
