"""Fronts of studies: means with their cost, what the spread leaves open, whiskers, and the table of gains."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from measured_rows import PLAIN, PRELU, REAL, SMALL_STUDY, WIDE, measured

from analysis.accuracy.names import names_of
from analysis.accuracy.studies import studies
from analysis.fronts.from_studies import front_note, runnable_designs, study_frame, within_spread
from analysis.fronts.front_files import write_study_front
from analysis.fronts.nondominated import on_front
from analysis.plots import draw_front, front_info
from analysis.plots.style import BLUE, INK
from analysis.show.axes import Axis
from costmodel import cost

POINTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 12), st.integers(1, 3)), min_size=1, max_size=14
)  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The front of the small study."""
    (study,) = studies(SMALL_STUDY)
    return study_frame(study.designs, "asic-45nm", names_of(study.designs))


def test_every_design_has_its_mean_and_its_cost(frame: pd.DataFrame) -> None:
    rows = frame.set_index("design")
    assert set(rows.index) == {PLAIN, PRELU, WIDE, REAL}
    plain = rows.loc[PLAIN]
    assert (plain.label, plain.top1, plain.top1_spread, plain.seeds) == ("plain BNN", 59.0, 1.0, 3)
    assert (plain.top1_low, plain.top1_high, plain.top1_min, plain.top1_max) == (58.0, 60.0, 58.0, 60.0)
    assert np.isnan(rows.loc[REAL].top1_spread)
    for design, row in rows.iterrows():
        found = cost(str(design), "asic-45nm")
        assert (row.energy_j, row.latency_s, row.area) == (found.energy_j, found.latency_s, found.area["mm2"])


def test_images_of_a_quarter_of_the_size_cost_about_a_quarter(frame: pd.DataFrame) -> None:
    here, there = frame.set_index("design").loc[PLAIN].energy_j, cost("resnet20/cifar10").energy_j
    assert 0.15 < here / there < 0.3  # less than a quarter: smaller maps lie in a smaller, cheaper memory


def test_an_exported_network_is_priced_at_its_precision() -> None:
    (study,) = studies([measured(PLAIN, 58.0), measured(PLAIN, 57.0, features="int8")])
    rows = study_frame(study.designs, "asic-45nm", names_of(study.designs)).set_index("label")
    assert rows.loc["int8 features"].energy_j == cost("resnet20@features=int8/cifar10-16").energy_j
    assert rows.loc["int8 features"].energy_j < rows.loc["plain BNN"].energy_j


@given(POINTS, st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_what_is_within_the_spread_by_a_slow_judge(points: list[tuple[int, int, int]], spread: float) -> None:
    x, top1, seeds = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    front = on_front(x, top1)
    marked = within_spread(x, top1, seeds, spread)
    for i in range(len(points)):
        clearly = False
        for j in range(len(points)):
            error = spread * sqrt(1 / points[i][2] + 1 / points[j][2])
            clearly = clearly or (points[j][0] <= points[i][0] and points[j][1] - points[i][1] > error)
        assert marked[i] == (not front[i] and not clearly)


def test_without_a_spread_nothing_is_left_open() -> None:
    x, top1 = np.array([1.0, 2.0]), np.array([60.0, 59.9])
    assert within_spread(x, top1, np.array([1, 1]), None).tolist() == [False, False]
    assert within_spread(x, top1, np.array([1, 1]), 0.2).tolist() == [False, True]


def test_an_assumed_deviation_counts_where_no_design_has_several_seeds() -> None:
    (study,) = studies([measured(PLAIN, 60.0), measured("resnet20[hardtanh]/cifar10-16", 59.5)])
    names = names_of(study.designs)
    for deviation, close in (
        (None, False),
        (0.3, False),
        (0.4, True),
    ):  # sqrt(2) times it: 0.42 and 0.57 points
        frame = study_frame(study.designs, "asic-45nm", names, seed_deviation=deviation)
        assert frame.within_spread.tolist() == [False, close]
        assert ("is none" in front_note(frame, names, "P")) == (deviation is not None)
    (seeds,) = studies(SMALL_STUDY)
    frame = study_frame(seeds.designs, "asic-45nm", names_of(seeds.designs), seed_deviation=9.0)
    # variances 1 over three seeds, 2 over two
    assert frame.seed_deviation.unique().tolist() == [pytest.approx(sqrt((2 * 1 + 1 * 2) / 3))]
    said = front_note(frame, names_of(seeds.designs), "P")
    assert "pooled" in said and "assumed" not in said


def test_designs_without_a_cost_are_named_with_the_reason() -> None:
    (study,) = studies(
        [measured("resnet34/imagenet", 50.0), measured("resnet34@compute=fp32/imagenet", 70.0)]
    )
    kept, reasons = runnable_designs(study.designs, "mcu-cortex-m4")
    assert [str(one.key) for one in kept] == ["resnet34/imagenet"]
    assert "does not fit" in reasons["resnet34@compute=fp32/imagenet"]


# ---------------------------------------------------------------- the figure


def test_whiskers_span_one_deviation_on_either_side(frame: pd.DataFrame) -> None:
    figure = draw_front(front_info(frame, "T"))
    (axes, *_) = figure.axes
    bars = list(axes.findobj(LineCollection))
    spans = {tuple(float(round(y, 6)) for y in bar.get_segments()[0][:, 1]) for bar in bars}
    assert spans == {(58.0, 60.0), (round(62 - sqrt(2), 6), round(62 + sqrt(2), 6))}


def test_names_carry_their_seeds_where_these_differ(frame: pd.DataFrame) -> None:
    labels = {point.label for point in front_info(frame, "T").points}
    assert labels == {"plain BNN (3)", "prelu (2)", "width 1.5", "fp32 network"}
    alike = frame.assign(seeds=2)
    assert "plain BNN" in {point.label for point in front_info(alike, "T").points}


def test_the_plain_network_and_what_the_spread_leaves_open_stand_out(frame: pd.DataFrame) -> None:
    changed = frame.assign(on_front=False, within_spread=frame.label == "prelu")
    points = {point.label: point for point in front_info(changed, "T").points}
    assert (points["plain BNN (3)"].colour, points["plain BNN (3)"].filled) == (INK, True)
    assert (points["prelu (2)"].colour, points["prelu (2)"].filled) == (BLUE, False)


def test_only_some_of_many_designs_are_named() -> None:
    estimators = ("wide_ste", "swish_ste", "polynomial_ste", "ede", "rbnn_gradient")
    others = ("logits_teacher", "attention_teacher", "two_stage", "sgd", "kurtosis_regularizer", "adam")
    uses = [*estimators, *others, *(f"{one}+{other}" for one in estimators for other in others)]
    rows = [measured(f"resnet20[{use}]/cifar10-16", 50 + 0.1 * number) for number, use in enumerate(uses)]
    (study,) = studies([measured(PLAIN, 52.0), *rows])
    names = names_of(study.designs)
    many = study_frame(study.designs, "asic-45nm", names)
    assert many.x.nunique() == 1  # training techniques cost nothing
    assert set(many[many.named].label) == {"plain BNN", " + ".join(sorted(uses[-1].split("+")))}
    assert "(40) are in the table" in front_note(many, names, "P")
    named = {text.get_text() for axes in draw_front(front_info(many, "T")).axes for text in axes.texts}
    assert len(named) == 2


def test_a_note_is_wrapped_and_stays_inside_the_figure(frame: pd.DataFrame) -> None:
    (study,) = studies(SMALL_STUDY)
    note = front_note(frame, names_of(study.designs), study.protocol)
    figure = draw_front(front_info(frame, "T", "S", note=note))
    (text,) = (item for item in figure.texts if item.get_gid() == "note")
    assert text.get_text().replace("\n", " ") == note
    assert "standard deviation over seeds" in note and "short (sh12) on cifar10, 9000 images" in note
    box = text.get_window_extent()
    assert box.x1 <= figure.bbox.x1 and box.y0 >= 0
    assert all(box.y1 <= axes.get_tightbbox().y0 for axes in figure.axes)


def test_the_files_of_a_front_carry_mean_spread_and_seeds(frame: pd.DataFrame, tmp_path: Path) -> None:
    (study,) = studies(SMALL_STUDY)
    names = names_of(study.designs)
    files = write_study_front(frame, names, study.protocol, "asic-45nm", Axis.energy, tmp_path / "front")
    assert {path.name for path in files} == {f"front.{end}" for end in ("png", "svg", "csv", "md", "tex")}
    table = pd.read_csv(tmp_path / "front.csv").set_index("name")
    assert tuple(table.loc[PLAIN, ["top1", "top1_spread", "seeds"]]) == (59.0, 1.0, 3)
    for name in ("front.md", "front.svg"):
        text = (tmp_path / name).read_text("utf-8")
        assert "measured top-1" in text and "sh12" in text
