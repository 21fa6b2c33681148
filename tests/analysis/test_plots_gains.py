"""The picture of gains: which comparisons it shows, in which order, with which error, and what the artists draw."""

from __future__ import annotations

import re
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from measured_rows import PLAIN, PRELU, REAL, SMALL_STUDY, WIDE, measured

from analysis.accuracy.outcome import outcome_of
from analysis.accuracy.studies import studies
from analysis.fronts.gains.gains_files import gains_note, write_study_gains
from analysis.fronts.gains.gains_frame import gains_frame
from analysis.fronts.gains.study_table import priced
from analysis.plots import draw_gains, gains_info
from costmodel import cost
from costmodel.designs.outcome import Outcome, read_outcome

CHIP = "asic-45nm"
FULL = "ede+norm_before_sign+prelu"
HARD = "resnet20[hardtanh]/cifar10-16"
PROTOCOL = "short (sh12) on cifar10, 9000 images of 3x16x16, 12 epochs"


def of(methods: str) -> str:
    return f"resnet20[{methods}]/cifar10-16"


def row(
    role: str, design: str, top1: float, against: str | None = None, gain: float | None = None, *,
    seeds: int = 1, spread: float | None = None, error: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "role": role, "design": design, "seeds": seeds, "top1_mean": top1, "top1_spread": spread, "gain": top1 - 50.0,
        "against": against, "gain_against": gain, "gain_against_error": error,
    }  # fmt: skip


def study_of(*rows: dict[str, Any], baseline: str = PLAIN, missing: tuple[str, ...] = ()) -> Outcome:
    values = {
        "plan": "small",
        "protocols": [PROTOCOL],
        "baseline": baseline,
        "rows": rows,
        "missing": missing,
    }
    return read_outcome(values, "place")


def everything() -> Outcome:
    """A study with a comparison of each kind; the plain BNN has three seeds, its deviation is 0.6 points."""
    return study_of(
        row("baseline", PLAIN, 50.0, seeds=3, spread=0.6),
        row("reference", REAL, 64.1, PLAIN, 14.1),
        row("company", of("swish_ste"), 51.0, PLAIN, 1.0),
        row("alone", of("ede"), 50.5, PLAIN, 0.5),
        row("alone", of("norm_before_sign"), 51.0, PLAIN, 1.0, seeds=2, spread=0.6, error=0.55),
        row("alone", of("wide_ste"), 51.5, PLAIN, 1.5),
        row("alone", PRELU, 49.0, PLAIN, -1.0),
        row("pair", of("double_residual+norm_before_sign"), 53.0, of("norm_before_sign"), 2.0),
        row("full", of(FULL), 55.0, PLAIN, 5.0, seeds=2, spread=0.6, error=0.55),
        row("without", of("norm_before_sign+prelu"), 54.2, of(FULL), -0.8),
        row("width", WIDE, 53.5, PLAIN, 3.5),
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return gains_frame(priced(everything(), CHIP))


# ---------------------------------------------------------------- which comparisons


def test_comparisons_stand_by_category_and_the_largest_gain_first(frame: pd.DataFrame) -> None:
    assert list(zip(frame.group, frame.label, frame.context, frame.gain, strict=True)) == [
        ("activation function", "prelu", "", -1.0),
        ("width", "width 1.5", "", 3.5),
        ("feature binarizer", "wide_ste", "", 1.5),
        ("feature binarizer", "ede", "", 0.5),
        ("feature normalization", "norm_before_sign", "", 1.0),
        ("pairs", "double_residual", "beside norm_before_sign", 2.0),
        ("full less one", "less ede", "", -0.8),
        ("together", "full", "", 5.0),
    ]  # neither the reference nor what is there for comparison alone


def test_the_branch_is_that_of_the_studied_method(frame: pd.DataFrame) -> None:
    branches = dict(zip(frame.label, frame.branch, strict=True))
    assert branches == {
        "prelu": "topology", "width 1.5": "topology", "wide_ste": "training", "ede": "training",
        "norm_before_sign": "training", "double_residual": "topology", "less ede": "training", "full": "topology",
    }  # fmt: skip


def test_a_slot_that_the_method_takes_over_is_said() -> None:
    outcome = study_of(
        row("baseline", HARD, 49.0),
        row("company", PLAIN, 50.0, HARD, 1.0),
        row("alone", PRELU, 50.4, PLAIN, 0.4),
        row("pair", of("ede+prelu"), 51.0, of("ede"), 0.9),
        baseline=HARD,
    )
    frame = gains_frame(priced(outcome, CHIP)).set_index("group")
    assert frame.loc["activation function", ["label", "context"]].tolist() == ["prelu", "without hardtanh"]
    assert frame.loc["pairs", ["label", "context"]].tolist() == ["prelu", "beside ede without hardtanh"]


def test_a_comparison_whose_pair_is_not_measured_waits() -> None:
    pair = row("pair", of("double_residual+norm_before_sign"), 53.0, of("norm_before_sign"), None)
    assert gains_frame(priced(study_of(row("baseline", PLAIN, 50.0), pair), CHIP)).empty


def test_without_an_outcome_gains_are_over_the_plain_network() -> None:
    (found,) = studies([*SMALL_STUDY, measured(of("ede+prelu"), 60.0)])
    study = priced(outcome_of(found), CHIP)
    frame = gains_frame(study)
    assert list(zip(frame.group, frame.label, frame.gain, strict=True)) == [
        ("activation function", "prelu", 3.0), ("width", "width 1.5", 2.5), ("together", "ede + prelu", 1.0),
    ]  # fmt: skip
    # seeds 58, 59, 60 and 61, 63: variances 1 and 2, over 3 and 2 seeds
    assert (
        frame.error[0] == pytest.approx(sqrt((2 * 1 + 1 * 2) / 3 * (1 / 3 + 1 / 2))) and not frame.one_seed[0]
    )
    assert gains_note(frame, study).startswith("Gain over the plain BNN (59.0 %).")


# ---------------------------------------------------------------- errors and costs


def test_errors_are_of_both_sides_or_from_the_pooled_deviation(frame: pd.DataFrame) -> None:
    found = frame.set_index("label")
    assert (found.error["norm_before_sign"], found.one_seed["norm_before_sign"]) == (0.55, False)
    assert found.error["ede"] == pytest.approx(0.6 * sqrt(1 + 1 / 3)) and found.one_seed["ede"]
    assert found.error["double_residual"] == pytest.approx(0.6 * sqrt(1 + 1 / 2))


def test_two_sides_of_one_seed_differ_by_root_two_of_the_deviation() -> None:
    outcome = study_of(
        row("baseline", PLAIN, 50.0),
        row("alone", PRELU, 51.0, PLAIN, 1.0),
        row("company", of("ede"), 50.0, PLAIN, 0.0, seeds=2, spread=0.3),
        row("company", of("swish_ste"), 50.0, PLAIN, 0.0, seeds=3, spread=0.6),
    )
    (error,) = gains_frame(priced(outcome, CHIP)).error
    assert error == pytest.approx(sqrt((1 * 0.3**2 + 2 * 0.6**2) / 3) * sqrt(2))


def test_a_deviation_can_be_assumed_where_no_design_has_several_seeds() -> None:
    bare = study_of(row("baseline", PLAIN, 50.0), row("alone", PRELU, 51.0, PLAIN, 1.0))
    assert np.isnan(gains_frame(priced(bare, CHIP)).error[0])
    study = priced(bare.model_copy(update={"seed_deviation": 0.5}), CHIP)
    frame = gains_frame(study)
    assert frame.error[0] == pytest.approx(0.5 * sqrt(2)) and frame.one_seed[0]
    assert "less than 0.7 points is none" in gains_note(frame, study)
    several = study_of(
        row("baseline", PLAIN, 50.0, seeds=2, spread=0.3), row("alone", PRELU, 51.0, PLAIN, 1.0)
    )
    (error,) = gains_frame(priced(several.model_copy(update={"seed_deviation": 9.0}), CHIP)).error
    assert error == pytest.approx(0.3 * sqrt(1 + 1 / 2))  # what was measured goes first


def test_energy_is_that_of_the_fair_pair_not_of_the_plain_network(frame: pd.DataFrame) -> None:
    found = frame.set_index("label").energy_ratio
    both, norm = of("double_residual+norm_before_sign"), of("norm_before_sign")
    assert found["double_residual"] == cost(both, CHIP).energy_j / cost(norm, CHIP).energy_j
    assert found["ede"] == 1.0 and found["width 1.5"] > 1.5
    texts = {item.label: (item.energy_text, item.free) for item in gains_info(frame, "T").rows}
    assert texts["ede"] == ("×1.00", True) and texts["full"][1] is False


def test_a_design_without_a_cost_keeps_its_gain() -> None:
    big, plain = "resnet34[prelu]/imagenet", "resnet34/imagenet"
    outcome = study_of(row("baseline", plain, 50.0), row("alone", big, 51.0, plain, 1.0), baseline=plain)
    study = priced(outcome, CHIP)
    cut = type(study)(
        outcome, study.profile, {outcome.rows[0].key: study.costs[outcome.rows[0].key]}, {big: "no"}
    )
    frame = gains_frame(cut)
    (shown,) = gains_info(frame, "T").rows
    assert (shown.gain, shown.energy_ratio, shown.energy_text) == (1.0, None, "–")
    assert f"–: one of the two has no cost on {CHIP}." in gains_note(frame, cut)


# ---------------------------------------------------------------- the axis


def rows_of(gains: list[float], error: float = 0.2) -> pd.DataFrame:
    """A frame of one category with these gains."""
    return pd.DataFrame(
        {
            "group": "feature binarizer", "branch": "training", "label": [f"m{n}" for n in range(len(gains))],
            "context": "", "gain": gains, "error": error, "one_seed": False, "energy_ratio": 1.0,
        }
    )  # fmt: skip


def test_a_gain_far_beyond_all_others_lies_outside_the_axis() -> None:
    info = gains_info(rows_of([2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -18.0]), "T")
    assert [item.beyond for item in info.rows] == [0] * 7 + [-1]
    assert info.x_limits[0] > -3 and info.rows[-1].gain_text == "−18.00"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=45), st.floats(0, 3))
@example(gains=[0.0] * 5 + [1.0, 0.25], error=1.0)
def test_zero_and_nearly_all_gains_with_their_errors_are_on_the_axis(
    gains: list[float], error: float
) -> None:
    info = gains_info(rows_of(gains, error), "T")
    low, high = info.x_limits
    assert low < 0 < high
    inside = [item for item in info.rows if not item.beyond]
    assert all(low < item.gain - error and item.gain + error < high for item in inside)
    assert len(inside) >= 0.8 * len(gains) - 1
    assert all((item.gain > 0) == (item.beyond > 0) for item in info.rows if item.beyond)


# ---------------------------------------------------------------- the drawing


def lines(figure: Figure, gid: str) -> list[Line2D]:
    return [item for item in figure.axes[0].findobj(Line2D) if item.get_gid() == gid]


def texts(figure: Figure) -> list[Text]:
    return [item for item in figure.findobj(Text) if item.get_text() and item.get_visible()]


def test_marks_show_gain_branch_and_seeds(frame: pd.DataFrame) -> None:
    info = gains_info(frame, "T")
    figure = draw_gains(info)
    places = []
    for item in info.rows:
        (mark,) = lines(figure, item.name)
        assert mark.get_xdata() == [item.gain]
        assert (to_hex(mark.get_markerfacecolor()) == "#ffffff") == item.one_seed
        places.append(float(np.asarray(mark.get_ydata())[0]))
    assert places == sorted(places) and figure.axes[0].yaxis_inverted()
    colours = {item.branch: to_hex(lines(figure, item.name)[0].get_markeredgecolor()) for item in info.rows}
    assert len(set(colours.values())) == 2
    ede, norm = "ede", "norm_before_sign"
    (band,) = lines(figure, f"error {ede}")
    assert list(np.asarray(band.get_xdata())) == pytest.approx(
        [0.5 - 0.6 * sqrt(4 / 3), 0.5 + 0.6 * sqrt(4 / 3)]
    )
    assert lines(figure, f"error {norm}") == []  # whiskers with caps instead
    (zero,) = lines(figure, "zero")
    assert list(np.asarray(zero.get_xdata())) == [0, 0]


def test_figures_stand_beside_the_marks_and_free_ones_are_grey(frame: pd.DataFrame) -> None:
    figure = draw_gains(gains_info(frame, "T", "S", gains_note(frame, priced(everything(), CHIP))))
    written = {item.get_text(): to_hex(item.get_color()) for item in texts(figure)}
    assert {"+0.50", "−0.80", "prelu", "less ede", "beside norm_before_sign", "pairs", "topology"} <= set(
        written
    )
    assert written["×1.00"] == written["beside norm_before_sign"] != written["prelu"]
    ratio = cost(WIDE, CHIP).energy_j / cost(PLAIN, CHIP).energy_j
    assert written[f"×{ratio:.2f}"] == written["prelu"]


def test_forty_rows_stay_apart_and_inside_the_figure() -> None:
    names = [f"squeeze_excitation(reduction={number})" for number in range(40)]
    frame = rows_of([2.5 - 0.12 * number for number in range(40)])
    frame["label"], frame["context"] = (
        names,
        ["beside norm_before_sign" if n % 5 == 0 else "" for n in range(40)],
    )
    frame["group"] = [f"feature normalization {number // 4}" for number in range(40)]
    frame["one_seed"] = [number % 2 == 0 for number in range(40)]
    frame["branch"] = ["topology" if number < 20 else "training" for number in range(40)]
    frame.loc[39, "gain"] = -30.0
    figure = draw_gains(gains_info(frame, "T", "S", "a note of some length " * 25))
    figure.canvas.draw()
    shown = [item for item in texts(figure) if not re.fullmatch(r"[+−]?[\d.]+", item.get_text())]
    boxes = [item.get_window_extent() for item in shown]
    width, height = figure.bbox.width, figure.bbox.height
    for item, box in zip(shown, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, item.get_text()
    for (one, box), (two, other) in combinations(zip(shown, boxes, strict=True), 2):
        wide = min(box.x1, other.x1) - max(box.x0, other.x0)
        high = min(box.y1, other.y1) - max(box.y0, other.y0)
        assert not (wide > 1 and high > 4), (one.get_text(), two.get_text())
    assert height / figure.dpi < 11  # a page


# ---------------------------------------------------------------- note and files


def test_the_note_says_what_stands_where(frame: pd.DataFrame) -> None:
    outcome = everything().model_copy(update={"missing": (of("bop"),)})
    note = gains_note(frame, priced(outcome, CHIP))
    for part in (
        "plain BNN (50.0 %)",
        "fp32 64.1 %",
        "0.60 points",
        "Not measured yet: 1 design.",
        PROTOCOL,
        CHIP,
    ):
        assert part in note, part


def test_files_hold_every_comparison(tmp_path: Path, frame: pd.DataFrame) -> None:
    files = write_study_gains(priced(everything(), CHIP), CHIP, tmp_path / "small-gains")
    assert [path.name for path in files] == [f"small-gains.{end}" for end in ("png", "svg", "csv")]
    written = pd.read_csv(files[2], keep_default_na=False)
    assert written.label.tolist() == frame.label.tolist()
    assert written.against.tolist()[-2:] == [of(FULL), PLAIN]
    svg = files[1].read_text("utf-8")
    assert (
        "ResNet-20 on CIFAR-10 at 16x16: gain of each method over its fair pair" in svg and "less ede" in svg
    )
    assert (
        write_study_gains(priced(study_of(row("baseline", PLAIN, 50.0)), CHIP), CHIP, tmp_path / "none") == []
    )
