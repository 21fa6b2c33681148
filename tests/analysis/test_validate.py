"""`bnncost profiles validate`: its table in every form, and its picture by what it shows."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from matplotlib.axes import Axes

from analysis.cli import run
from analysis.plots.validation import BAND, NAMED_FROM, Panel, draw_validation, marks_of, validation_info
from costmodel.validation.judgement import differences_of, scores_of
from costmodel.validation.predictions import Prediction, validate
from costmodel.validation.systems import load_system, shipped_systems

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def predictions() -> tuple[Prediction, ...]:
    return validate(["gap9-0v65", "gap9-0v80", "stm32l4r5", "laxor", "xne", "finn-cnv"], ranges=True)


@pytest.fixture(scope="module")
def every() -> tuple[Prediction, ...]:
    """Every figure of every shipped system."""
    return validate()


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analysis.cli", "profiles", "validate", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_as_a_process_it_writes_table_and_picture(tmp_path: Path) -> None:
    done = process("stm32l4r5", "gap9-0v80", "--out", str(tmp_path / "new"), "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    held_out = [row for row in found["figures"] if row["use"] == "held out"]
    errors = [abs(row["predicted"] / row["published"] - 1) * 100 for row in held_out]
    (scored,) = found["held_out"]
    by_system = [
        [e for e, row in zip(errors, held_out, strict=True) if row["system"] == name]
        for name in ("stm32l4r5", "gap9-0v80")
    ]
    assert scored["class"] == "design-priced" and scored["figures"] == len(held_out) == 13
    assert [one["median_error_percent"] for one in scored["systems"]] == pytest.approx(
        [median(each) for each in by_system]
    )
    assert scored["median_error_percent"] == pytest.approx(median(median(each) for each in by_system))
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["validation.csv", "validation.md", "validation.png", "validation.svg"]
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "new" / "validation.csv").read_text())))) == 17


def test_mistakes_end_with_a_sentence(tmp_path: Path, capsys: Captured) -> None:
    done = process("stm32l4r6")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown system 'stm32l4r6'; did you mean 'stm32l4r5'?" in done.stderr
    text = (ROOT / "hardware_profiles" / "systems" / "binareye.yaml").read_text()
    line = 1 + text[: text.index("  - what: CIFAR-10")].count("\n")
    (tmp_path / "mine.yaml").write_text(re.sub(r"use: informed\n.*", "use: input", text))
    assert run(["profiles", "validate", str(tmp_path / "mine.yaml")]) == 2
    said = capsys.readouterr().err
    assert f"mine.yaml:{line}: figures[2].calibrates: is missing" in said.replace("\n", "")


def test_the_table_says_what_is_input_and_ends_with_a_summary(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert run(["profiles", "validate", "xnorbin"]) == 0
    shown = capsys.readouterr().out
    assert "input to array.buffers" in shown and "21.1 fJ/MAC" in shown
    assert "No figure is held out: nothing here judges the model." in shown
    assert run(["profiles", "validate", "laxor", "lce-rpi4b"]) == 0
    shown = capsys.readouterr().out
    assert "3.82 µJ" in shown and "2.73 mm²" in shown and "informed" in shown
    flat = " ".join(shown.split())
    assert (
        "design-priced (built, folded, counted and mapped): 10 held-out figures of 1 system, median" in flat
    )
    assert "rate only (MACs by a calibrated rate): 1 held-out figure of 1 system, median" in flat
    assert "Real-to-Binary over Bi-Real" in shown and "+13.9 ms" in shown


def test_ranges_are_shown_where_asked_for(capsys: Captured) -> None:
    assert run(["profiles", "validate", "stm32l4r5", "--ranges", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert all(
        float(row["predicted_low"]) <= float(row["predicted"]) <= float(row["predicted_high"]) for row in rows
    )
    assert run(["profiles", "validate", "stm32l4r5", "--format", "csv"]) == 0
    assert {row["predicted_low"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))} == {""}


def panel(predictions: tuple[Prediction, ...], title: str) -> Panel:
    (found,) = [one for one in validation_info(predictions).panels if one.title == title]
    return found


def test_points_are_what_was_published_and_predicted(predictions: tuple[Prediction, ...]) -> None:
    energies = [item for item in predictions if item.figure.metric == "energy"]
    points = panel(predictions, "Energy per inference").points
    assert [(point.x, point.y) for point in points] == [(item.published, item.predicted) for item in energies]
    assert [point.filled for point in points] == [item.figure.use == "held out" for item in energies]
    assert [point.filled for point in points].count(
        False
    ) == 4  # GAP9's inputs, pruned MobileNet, LAXOR's supply
    (area,) = panel(predictions, "Area").points
    assert not area.filled  # its side units were chosen knowing it
    assert area.x == pytest.approx(2.73)  # mm2
    for one in validation_info(predictions).panels:
        low, high = one.limits
        assert all(low <= value <= high for point in one.points for value in (point.x, point.y))
        assert np.log10([low, high]) == pytest.approx(np.round(np.log10([low, high])))


def test_points_far_off_are_named(predictions: tuple[Prediction, ...]) -> None:
    named = {
        point.label for one in validation_info(predictions).panels for point in one.points if point.label
    }
    far = {
        item.figure.what.split(",")[0]
        for item in predictions
        if item.held_out and abs(item.error_percent) > NAMED_FROM
    }
    assert named == far == {"ResNet-34"}


def marked(axes: Axes, gid: str) -> list:
    return [line for line in axes.lines if line.get_gid() == gid]


def test_the_picture_shows_its_data(predictions: tuple[Prediction, ...]) -> None:
    info = validation_info(predictions)
    figure = draw_validation(info)
    assert [axes.get_title() for axes in figure.axes] == [one.title for one in info.panels]
    for axes, one in zip(figure.axes, info.panels, strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        shown = [(line.get_xdata()[0], line.get_ydata()[0]) for line in marked(axes, "figure")]
        assert shown == [(point.x, point.y) for point in one.points]
        hollow = [line.get_markerfacecolor() == "white" for line in marked(axes, "figure")]
        assert hollow == [not point.filled for point in one.points]
        (band,) = [item for item in axes.collections if item.get_gid() == "band"]
        corners = band.get_paths()[0].vertices
        assert {round(float(y / x), 6) for x, y in corners} == {1 / BAND, BAND}
        assert len(marked(axes, "range")) == sum(
            point.ends is not None and point.ends[1] > point.ends[0] for point in one.points
        )
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        f"{title} ({scope})" for title, scope in info.systems.items()
    ]
    assert set(info.systems.values()) == {"core", "chip", "board"}


def test_the_shape_of_a_mark_is_its_scope_and_no_two_systems_look_alike(
    predictions: tuple[Prediction, ...],
) -> None:
    """A core without its surroundings and a board with all of them stand on one axis, and look unlike."""
    info = validation_info(predictions)
    (legend,) = draw_validation(info).legends
    shapes = [line.get_marker() for line in legend.get_lines()]
    scopes = list(info.systems.values())
    assert len({*zip(scopes, shapes, strict=True)}) == len(set(scopes)) == len(set(shapes)) == 3
    shipped = {name: load_system(name).chip.scope for name in shipped_systems()}
    assert len(set(marks_of(shipped))) == len(shipped)
    figure = draw_validation(info)
    texts = [text.get_window_extent() for text in figure.texts]
    assert all(text.x1 <= figure.get_size_inches()[0] * figure.dpi for text in texts)


def test_panels_of_all_metrics_and_the_legend_stand_apart_on_the_canvas() -> None:
    figure = draw_validation(validation_info(validate(["binareye", "braintta", "finn-cnv", "stm32l4r5"])))
    assert len(figure.axes) == 6
    figure.canvas.draw()
    (legend,) = figure.legends
    boxes = [item.get_tightbbox() for item in (*figure.axes, legend)]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_inputs_alone_make_a_picture_too() -> None:
    info = validation_info(validate(["xnorbin"]))
    assert info.subtitle == "nothing held out" and [one.title for one in info.panels] == ["Energy per MAC"]
    draw_validation(info)


# ------------------------------------------------------------------ what the texts say

_AMOUNT = re.compile(r"([\d.]+)\s*(µJ|mJ|µs|ms|mm²)?")
_UNITS = {"µJ": 1e-6, "mJ": 1e-3, "µs": 1e-6, "ms": 1e-3, "mm²": 1e-6}


def amounts(cell: str) -> list[float]:
    """The amounts of a cell in SI units; a unit counts for those before it that have none."""
    found = _AMOUNT.findall(cell)
    units = [unit for _, unit in found if unit]
    return [float(number) * _UNITS[unit or units[-1]] for number, unit in found]


@pytest.mark.parametrize("text", ["README.md", "docs/validation.md"])
def test_texts_tell_what_is_predicted(text: str, every: tuple[Prediction, ...]) -> None:
    lines = (ROOT / text).read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| system | held"))
    rows = [line.split("|")[1:-1] for line in lines[start + 2 :]]
    rows = rows[: next(number for number, row in enumerate(rows) if not row)]
    told = [
        pair for row in rows if " to " not in row[2] for pair in zip(*map(amounts, row[2:4]), strict=True)
    ]
    assert len(told) >= 10
    for published, predicted in told:
        assert any(
            (published, predicted)
            == (pytest.approx(one.published, rel=6e-3), pytest.approx(one.predicted, rel=6e-3))
            for one in every
            if one.held_out
        ), f"{text}: {published:g} against {predicted:g} is no figure of the model"


@pytest.mark.parametrize("text", ["README.md", "docs/validation.md"])
def test_texts_have_the_headline(text: str, every: tuple[Prediction, ...]) -> None:
    score = next(score for score in scores_of(every) if score.priced == "design-priced")
    said = (
        f"{score.figures} held-out figures of {len(score.systems)} systems, "
        f"median error of a system {score.median_error_percent:.1f} %"
    )
    assert said in " ".join((ROOT / text).read_text("utf-8").split())


def test_the_table_of_differences_tells_what_is_predicted(every: tuple[Prediction, ...]) -> None:
    lines = (ROOT / "docs/validation.md").read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| what one network has"))
    rows = [line.split("|")[1:-1] for line in lines[start + 2 :]]
    rows = rows[: next(number for number, row in enumerate(rows) if not row)]
    differences = differences_of(every)
    assert len(rows) == len(differences)
    for row in rows:
        (published,), (predicted,) = map(amounts, row[2:4])
        assert any(
            (published, predicted)
            == (pytest.approx(one.published, rel=6e-3), pytest.approx(one.predicted, rel=6e-3))
            for one in differences
        ), row
