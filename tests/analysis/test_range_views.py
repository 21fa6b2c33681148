"""Ranges as tables, JSON, CSV and figures show them."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.lines import Line2D
from synthetic_frames import designs_frame, methods_frame

from analysis.cli import run
from analysis.methods.marginal import MethodTable, method_table
from analysis.methods.table_document import table_document
from analysis.plots import draw_front, draw_marginal, front_info, marginal_info
from analysis.report.explore import read_profiles
from analysis.report.files import plan
from analysis.report.manifest import job_digest
from analysis.report.page.data import Space
from analysis.show.latex import latex
from analysis.show.range_cells import joined_frames, joined_tables
from analysis.show.tables import Column, Table, csv_text, records
from analysis.show.text_forms import markdown, shown_cells
from analysis.show.units import readable_range
from costmodel import cost, load_profile
from costmodel.evaluate.ranges import Range
from costmodel.hardware import HardwareProfile
from costmodel.hardware.ends import at_end

DOCUMENT = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
DESIGN = "resnet20[double_residual]/cifar10"
COLUMNS = (Column("name", "name"), Column("energy_j", "energy", "J"), Column("percent", "share", "%"))


def table(*rows: tuple[str, float | None, float]) -> Table:
    return Table("t", "T", COLUMNS, rows)


THREE = (
    table(("b", 1e-6, 20.0), ("a", 2e-6, 30.0), ("c", None, 5.0)),
    table(("a", 3e-6, 25.0), ("b", 1e-6, 20.0), ("c", 4e-6, 5.0), ("d", 5e-6, 1.0)),
    table(("a", 1.5e-5, 28.0), ("b", 1e-6, 20.0), ("c", 6e-6, 5.0), ("d", 7e-6, 2.0)),
)


def test_rows_are_joined_by_name_and_hold_all_three_figures() -> None:
    """Row c has no figure at one end, row d no row there: it has nothing to spend."""
    joined = joined_tables(THREE, key=("name",))
    assert joined.rows == (
        ("a", Range(2e-6, 3e-6, 1.5e-5), Range(25.0, 25.0, 30.0)),
        ("b", 1e-6, 20.0),
        ("c", 4e-6, 5.0),
        ("d", Range(0.0, 5e-6, 7e-6), Range(0.0, 1.0, 2.0)),
    )


def test_a_range_stands_behind_its_value_in_the_same_unit() -> None:
    joined = joined_tables(THREE, key=("name",))
    assert shown_cells(joined)[0] == ["a", "3.00 µJ (2.00 to 15.0)", "25.00 (25.00 to 30.00)"]
    assert shown_cells(joined)[1] == ["b", "1.00 µJ", "20.00"]
    assert "| a | 3.00 (2.00 to 15.0) | 25.00 (25.00 to 30.00) |" in markdown(joined)
    assert "| name | energy [µJ] | share [%] |" in markdown(joined)
    assert r"a & 3.00 (2.00 to 15.0) & 25.00 (25.00 to 30.00) \\" in latex(joined)


def test_files_have_the_ends_in_columns_of_their_own() -> None:
    joined = joined_tables(THREE, key=("name",))
    first = {
        "name": "a", "energy_j": 3e-6, "energy_low_j": 2e-6, "energy_high_j": 1.5e-5,
        "percent": 25.0, "percent_low": 25.0, "percent_high": 30.0,
    }  # fmt: skip
    assert records(joined)[0] == first
    rows = list(csv.DictReader(io.StringIO(csv_text(joined))))
    assert {name: float(cell) for name, cell in rows[0].items() if name != "name"} == {
        name: value for name, value in first.items() if name != "name"
    }
    assert [rows[1][f"energy{end}_j"] for end in ("", "_low", "_high")] == ["1e-06"] * 3


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((1e-6, 1e-9, 1e-3), "1.00 µJ (0.00100 to 1,000)"),
        ((0.0, 0.0, 2.0), "0 J (0 to 2.00)"),
        ((-1e-6, -2e-6, 1e-6), "-1.00 µJ (-2.00 to 1.00)"),
    ],
)
def test_ends_far_from_the_value_keep_its_unit(ends: tuple[float, float, float], text: str) -> None:
    assert readable_range(*ends, "J") == text


def test_frames_are_joined_by_design_whatever_their_order() -> None:
    middle = designs_frame([("A", 2.0, 50.0), ("B", 3.0, 60.0)])
    best, worst = (
        designs_frame([("B", 1.0, 60.0), ("A", 2.5, 50.0)]),
        designs_frame([("A", 9.0, 50.0), ("B", 4.0, 60.0)]),
    )
    joined = joined_frames((best, middle, worst), "name", ("x", "energy_j"))
    assert joined[["energy_low_j", "energy_j", "energy_high_j"]].to_numpy().tolist() == [
        [2.0, 2.0, 9.0],
        [1.0, 3.0, 4.0],
    ]
    assert list(joined["x_low"]) == list(joined["energy_low_j"])


# ---------------------------------------------------------------- the command line


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert run([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_cost_adds_the_ends_to_what_it_says_anyway(capsys: pytest.CaptureFixture[str]) -> None:
    plain, ranged = json_of(capsys, "cost", DESIGN), json_of(capsys, "cost", DESIGN, "--ranges")
    ranges = ranged.pop("ranges")
    assert ranged == plain
    chip = load_profile("asic-45nm")
    low, high = cost(DESIGN, at_end(chip, "best")), cost(DESIGN, at_end(chip, "worst"))
    assert ranges["energy_j"] == {"low": low.energy_j, "value": plain["energy_j"], "high": high.energy_j}
    assert ranges["latency_s"] == {"low": low.latency_s, "value": plain["latency_s"], "high": high.latency_s}
    assert ranges["area"]["mm2"]["value"] == plain["area"]["mm2"]


def test_rows_of_csv_add_up_to_both_ends(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = json_of(capsys, "cost", DESIGN, "--ranges")["ranges"]["energy_j"]
    assert run(["cost", DESIGN, "--ranges", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for column, end in (("energy_low_j", "low"), ("energy_j", "value"), ("energy_high_j", "high")):
        assert sum(float(row[column]) for row in rows) == pytest.approx(ranges[end])


def test_every_layer_of_a_cost_has_its_range(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", DESIGN, "--ranges", "--per-layer", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    high = cost(DESIGN, at_end(load_profile("asic-45nm"), "worst"))
    assert [float(row["operation_high_j"]) for row in rows] == [layer.operation_j for layer in high.layers]
    assert sum(float(row["latency_high_s"]) for row in rows) == pytest.approx(high.latency_s)


def test_the_table_says_what_the_brackets_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", DESIGN, "--ranges"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"energy +│ \d\S* µJ \(\d\S* to \d\S*\)", shown)
    assert "at its dear end. These are corners, no confidence interval." in shown


@pytest.fixture(scope="module")
def unmapped() -> HardwareProfile:
    """A chip without the wiring of its array: pricing many widths on it takes no search."""
    return load_profile("asic-45nm").model_copy(update={"array": None})


def method_ranges(chip: HardwareProfile, *methods: str) -> list[dict]:
    data = table_document("resnet20", chip, None, None, ",".join(methods), ranges=True).data
    assert isinstance(data, dict)
    return list(data["ranges"])


def keys_of(value: object, place: str) -> set[str]:
    if isinstance(value, list):
        return set().union(*(keys_of(item, f"{place}[]") for item in value))
    if not isinstance(value, dict) or set(value) == {"low", "value", "high"}:
        return {place}
    inner = {"ranges.area": "<resource>", "ranges.energy_split_j": "<part>"}.get(place)
    return set().union(*(keys_of(item, f"{place}.{inner or name}") for name, item in value.items()))


def test_every_key_of_the_ranges_is_documented_and_no_other(
    unmapped: HardwareProfile, capsys: pytest.CaptureFixture[str]
) -> None:
    documented = set(re.findall(r"^\| `(ranges[^`]+)` \|", DOCUMENT, re.MULTILINE))
    written = keys_of(json_of(capsys, "cost", DESIGN, "--ranges")["ranges"], "ranges")
    methods = method_ranges(unmapped, "double_residual", "prelu")
    assert written | keys_of(json.loads(json.dumps(methods)), "ranges") == documented


def test_a_share_is_taken_at_one_end_at_a_time(unmapped: HardwareProfile) -> None:
    (row,) = method_ranges(unmapped, "double_residual")
    shares, added = [], []
    for one in (at_end(unmapped, "best"), unmapped, at_end(unmapped, "worst")):
        plain = cost("resnet20/cifar10", one).energy_j
        added.append(cost(DESIGN, one).energy_j - plain)
        shares.append(100 * added[-1] / plain)
    assert row["alone_j"] == pytest.approx({"low": min(added), "value": added[1], "high": max(added)})
    assert row["alone_percent"] == pytest.approx(
        {"low": min(shares), "value": shares[1], "high": max(shares)}
    )


def test_a_width_that_an_end_does_not_give_has_no_ends(
    unmapped: HardwareProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the dear end lay beyond the widths that are looked up."""
    dear = at_end(unmapped, "worst").clock

    def without_width(network: str, chip: HardwareProfile, *more: object, **choice: object) -> MethodTable:
        found = method_table(network, chip, None, None, ["prelu"])
        width = None if chip.clock == dear else 1.5
        return replace(found, rows=tuple(replace(row, equivalent_width=width) for row in found.rows))

    monkeypatch.setattr("analysis.methods.table_document.method_table", without_width)
    (row,) = method_ranges(unmapped, "prelu")
    assert row["equivalent_width"] == {"low": None, "value": 1.5, "high": None}


# ---------------------------------------------------------------- figures


def ranged_frame() -> pd.DataFrame:
    frame = designs_frame(
        [("Cheap", 2e-6, 50.0), ("Beaten", 3e-6, 45.0), ("fp32", 4e-4, 70.0)], ("Cheap", "fp32"), ("fp32",)
    )
    return frame.assign(x_low=[1e-6, 1e-6, 4e-4], x_high=[2e-5, 9e-6, 5e-3])


def test_the_panel_has_a_bar_for_each_design_on_the_front() -> None:
    figure = draw_front(front_info(ranged_frame(), "T"))
    bars = {
        line.get_gid().removeprefix("range "): list(line.get_xdata())
        for axes in figure.axes
        for line in axes.findobj(Line2D)
        if str(line.get_gid()).startswith("range ")
    }
    assert bars == {"Cheap": [1e-6, 2e-5], "fp32": [4e-4, 5e-3]}
    panel = next(
        axes for axes in figure.axes if "Cheap" in [text.get_text() for text in axes.get_yticklabels()]
    )
    assert panel.get_xlim()[0] < 1e-6 and panel.get_xlim()[1] > 5e-3
    labels = [panel.xaxis.get_major_formatter()(tick, 0) for tick in panel.get_xticks()]
    assert labels == ["1 µJ", "10 µJ", "100 µJ", "1 mJ"]


def test_the_front_itself_does_not_move_with_ranges() -> None:
    frame = ranged_frame()
    plain, ranged = front_info(frame.drop(columns=["x_low", "x_high"]), "T"), front_info(frame, "T")
    assert (plain.near, plain.far, plain.step, plain.x_limits) == (
        ranged.near, ranged.far, ranged.step, ranged.x_limits,
    )  # fmt: skip
    assert plain.ranges is None and "corners, no confidence interval" in ranged.note
    assert "Bars" not in plain.note


def test_ranges_without_extent_draw_no_panel() -> None:
    frame = ranged_frame().assign(x_low=lambda one: one.x, x_high=lambda one: one.x)
    assert front_info(frame, "T").ranges is None


def test_whiskers_of_a_marginal_cost_span_its_range() -> None:
    frame = methods_frame()
    frame["alone_low_percent"] = frame["alone_percent"] * 0.5 - 0.1 * (frame["alone_percent"] < 0)
    frame["alone_high_percent"] = frame["alone_percent"] * 2
    saves = frame["use"] == "boolean_shortcut"
    frame.loc[saves, ["alone_low_percent", "alone_high_percent"]] = [-70.0, 3.0]
    figure = draw_marginal(marginal_info(frame, "T"))
    found = {
        str(line.get_gid()): list(line.get_xdata())
        for axes in figure.axes
        for line in axes.findobj(Line2D)
        if str(line.get_gid()).startswith("range ")
    }
    assert found["range alone prelu"] == [2.5, 10.0]
    assert found["range alone boolean_shortcut"] == [-70.0, 3.0]
    low, high = figure.axes[0].get_xlim()
    assert low < -70 and high > 1800


def test_pareto_writes_the_ends_of_every_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pareto", "--network", "resnet20", "--dataset", "cifar10", "--x", "latency"]
    arguments += ["--profile", "mcu-cortex-m33", "--out"]
    assert run([*arguments, str(tmp_path / "plain")]) == 0
    assert run([*arguments, str(tmp_path / "ranged"), "--ranges"]) == 0
    assert "In brackets" in capsys.readouterr().out
    plain, ranged = (pd.read_csv(tmp_path / name / "front-latency.csv") for name in ("plain", "ranged"))
    pd.testing.assert_frame_equal(ranged[list(plain.columns)], plain)
    assert (ranged["latency_low_s"] < ranged["latency_s"]).all()
    first = ranged.iloc[0]
    slow = cost(first["design"], at_end(load_profile("mcu-cortex-m33"), "worst"))
    assert first["latency_high_s"] == pytest.approx(slow.latency_s)


def test_a_report_with_ranges_is_made_anew() -> None:
    chips = read_profiles(["asic-45nm"])
    wanted = [Space("resnet20", "cifar10")]
    (plain, *_), (ranged, *_) = plan(wanted, chips), plan(wanted, chips, ranges=True)
    assert (plain.ranges, ranged.ranges) == (False, True)
    chip = chips["asic-45nm"]
    assert job_digest(plain, chip, "code") != job_digest(ranged, chip, "code")
