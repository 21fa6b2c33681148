"""Figures: what they are to show, and that the artists show it; never pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from synthetic_frames import SHARES, designs_frame, methods_frame

from analysis.plots import (
    draw_front,
    draw_marginal,
    draw_split,
    front_info,
    marginal_info,
    split_info,
    write_figure,
)
from analysis.plots.label_places import Room, place_labels
from analysis.plots.marginal import FREE_FOLDS, FREE_TRAINING, FREE_WIRING
from analysis.plots.split import PARTS
from analysis.plots.style import GREY, INK, STAR_NOTE, VERMILLION
from analysis.show.axes import Axis

PLAIN_WIDTHS = pd.DataFrame({"width": [1.0, 1.5, 2.0, 3.0], "energy_j": [2e-6, 3e-6, 5e-6, 9e-6]})
FIVE = [
    ("BNN", 2e-6, 50.0), ("Poor", 2.5e-6, 48.0), ("Good", 3e-6, 60.0), ("Worse", 4e-6, 55.0),
    ("fp32", 4e-4, 70.0),
]  # fmt: skip


@pytest.fixture
def five() -> pd.DataFrame:
    """Four binary designs and a network that is not binary and dear."""
    frame = designs_frame(FIVE, front=("BNN", "Good", "fp32"), reference=("fp32",))
    frame.loc[frame.label == "Good", ["top1_low", "top1_high"]] = [58.0, 61.0]
    return frame


def artists(figure: Figure, kind: type, gid: str) -> list:
    return [item for axes in figure.axes for item in axes.findobj(kind) if item.get_gid() == gid]


def only(figure: Figure, kind: type, gid: str):
    (found,) = artists(figure, kind, gid)
    return found


def shown_texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


# ---------------------------------------------------------------- the front


def test_a_front_shows_every_design_in_the_unit_of_the_axis(five: pd.DataFrame) -> None:
    info = front_info(five, "T", widths=PLAIN_WIDTHS)
    assert info.x_label == "Energy per inference [µJ]"
    assert [(point.label, point.x, point.top1) for point in info.points] == [
        (label, pytest.approx(energy * 1e6), top1) for label, energy, top1 in FIVE
    ]
    assert [point.label for point in info.far] == ["fp32"]
    assert info.step == ((pytest.approx(2.0), 50.0), (pytest.approx(3.0), 60.0))
    assert info.widths == ((1.0, pytest.approx(2.0)), (1.5, pytest.approx(3.0)))
    assert not info.log_x


@pytest.mark.parametrize(("highest", "log"), [(19.9e-6, False), (20.1e-6, True)])
def test_the_axis_is_logarithmic_beyond_a_factor_of_ten(highest: float, log: bool) -> None:
    energies = np.geomspace(2e-6, highest, 6)
    frame = designs_frame([(f"d{number}", energy, 50.0 + number) for number, energy in enumerate(energies)])
    info = front_info(frame, "T")
    assert info.log_x is log
    assert draw_front(info).axes[0].get_xscale() == ("log" if log else "linear")


@pytest.mark.parametrize(
    ("x", "column", "label"),
    [
        (Axis.latency, "latency_s", "Latency [µs]"),
        (Axis.area, "area", "Area [mm²]"),
        (Axis.memory, "memory_bits", "Memory [kB]"),
    ],
)
def test_other_axes_have_their_unit(five: pd.DataFrame, x: Axis, column: str, label: str) -> None:
    five["x"] = five[column]
    assert front_info(five, "T", x=x).x_label == label


def test_the_front_is_a_step_line_through_its_designs(five: pd.DataFrame) -> None:
    line = only(draw_front(front_info(five, "T")), Line2D, "front")
    assert line.get_drawstyle() == "steps-post"
    inner = list(zip(line.get_xdata(), line.get_ydata(), strict=True))[1:-1]
    assert inner == [(pytest.approx(2.0), 50.0), (pytest.approx(3.0), 60.0)]


def test_the_front_goes_on_behind_the_break(five: pd.DataFrame) -> None:
    """The dear design of 70 % ends the front; one of 55 % is none of it, and the line passes above."""
    for top1, turns in ((70.0, [(0.0, 70.0)]), (55.0, [])):
        frame = five.copy()
        frame.loc[frame["label"] == "fp32", "top1"] = top1
        info = front_info(frame.assign(on_front=[*frame["on_front"][:-1], top1 == 70.0]), "T")
        line = only(draw_front(info), Line2D, "front beyond")
        first, *inner, last = zip(line.get_xdata(), line.get_ydata(), strict=True)
        assert first[1] == info.step[-1][1] == 60.0 and inner == turns
        assert last[1] == max(top1, 60.0)


@pytest.mark.parametrize("dear", [(0.03,), (0.143, 0.362, 0.445), (1.43, 3.62, 4.45, 9.99)])
def test_costs_behind_the_break_do_not_run_into_each_other(dear: tuple[float, ...]) -> None:
    near = [(f"n{number}", 1e-6 * (1 + number), 50.0 + number) for number in range(20)]
    far = [(f"dear {number}", energy, 75.0 + number) for number, energy in enumerate(dear)]
    rows = designs_frame([*near, *far], reference=[label for label, *_ in far])
    figure = draw_front(front_info(rows, "T"))
    figure.canvas.draw()
    here, beyond = figure.axes
    costs = [text for text in beyond.get_xticklabels() if text.get_text()]
    assert len(costs) == len(dear)
    for lower in (False, True):
        line = [text for text in costs if text.get_text().startswith("\n") is lower]
        boxes = [text.get_window_extent() for text in (*line, here.xaxis.label)]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_points_lie_where_the_figures_are_and_say_what_they_are(five: pd.DataFrame) -> None:
    figure = draw_front(front_info(five, "T"))
    good, poor, full = (only(figure, Line2D, name) for name in ("Good", "Poor", "fp32"))
    assert (good.get_xdata()[0], good.get_ydata()[0]) == (pytest.approx(3.0), 60.0)
    assert to_hex(poor.get_markerfacecolor()) == "#ffffff"
    assert to_hex(poor.get_color()) != to_hex(good.get_color())
    assert to_hex(good.get_markerfacecolor()) != "#ffffff"
    assert full.get_marker() not in (good.get_marker(), poor.get_marker())
    assert to_hex(full.get_markerfacecolor()) == VERMILLION.lower()


@pytest.mark.parametrize("kinds", [("author", "cited"), ("author", "measured"), ("secondary", "third-party")])
def test_kinds_of_figures_have_their_own_marks(kinds: tuple[str, str]) -> None:
    frame = designs_frame([("a", 1e-6, 50.0), ("b", 2e-6, 60.0)])
    frame["kind"] = kinds
    figure = draw_front(front_info(frame, "T"))
    assert only(figure, Line2D, "a").get_marker() != only(figure, Line2D, "b").get_marker()
    (legend,) = figure.legends
    assert len([text.get_text() for text in legend.get_texts()]) == 2  # no front in this frame


def test_bars_span_the_figures_of_a_design(five: pd.DataFrame) -> None:
    axes = draw_front(front_info(five, "T")).axes[0]
    bars = [segment for group in axes.collections for segment in getattr(group, "get_segments", list)()]
    (bar,) = bars  # of five designs, one has several figures
    assert bar[:, 1].tolist() == [58.0, 61.0]


def test_labels_of_beaten_designs_are_grey(five: pd.DataFrame) -> None:
    figure = draw_front(front_info(five, "T"))
    colours = {
        name: only(figure, Text, f"label {name}").get_color() for name in ("BNN", "Good", "Poor", "Worse")
    }
    assert colours == {"BNN": INK, "Good": INK, "Poor": GREY, "Worse": GREY}


def test_the_upper_axis_names_widths_of_the_plain_network(five: pd.DataFrame) -> None:
    figure = draw_front(front_info(five, "T", widths=PLAIN_WIDTHS))
    (upper,) = figure.axes[0].child_axes
    assert upper.get_xticks().tolist() == pytest.approx([2.0, 3.0])
    named = upper.xaxis.get_major_formatter()
    assert [named(place) for place in upper.get_xticks()] == ["1", "1.5"]


def test_widths_of_one_cost_are_not_marked(five: pd.DataFrame) -> None:
    """On a chip of fixed area every width has the same."""
    five["x"] = five["area"]
    same = pd.DataFrame({"width": [1.0, 2.0], "area": [3.0, 3.0]})
    assert front_info(five, "T", x=Axis.area, widths=same).widths == ()


def test_a_star_is_explained() -> None:
    plain = designs_frame([("a", 1e-6, 50.0), ("b", 2e-6, 60.0)])
    starred = designs_frame([("a *", 1e-6, 50.0), ("b", 2e-6, 60.0)])
    assert (front_info(plain, "T").note, front_info(starred, "T").note) == ("", STAR_NOTE)
    assert STAR_NOTE in [text.get_text() for text in shown_texts(draw_front(front_info(starred, "T")))]
    assert STAR_NOTE in [text.get_text() for text in shown_texts(draw_split(split_info(starred, "T")))]


def boxes_of_labels(figure: Figure) -> Iterator[tuple[Text, object, object]]:
    for axes in figure.axes:
        for text in axes.texts:
            if (text.get_gid() or "").startswith("label "):
                yield text, text.get_window_extent(), axes.get_window_extent()


def assert_readable(figure: Figure, count: int) -> None:
    found = list(boxes_of_labels(figure))
    assert len(found) == count
    for text, box, frame in found:
        assert box.x0 >= frame.x0 and box.x1 <= frame.x1, text.get_text()
        assert box.y0 >= frame.y0 and box.y1 <= frame.y1, text.get_text()
    for (one, ours, _), (other, theirs, _) in combinations(found, 2):
        apart = ours.x0 >= theirs.x1 or ours.x1 <= theirs.x0 or ours.y0 >= theirs.y1 or ours.y1 <= theirs.y0
        assert apart, f"{one.get_text()} over {other.get_text()}"


NAMES = (
    "OvSW",
    "IR-Net",
    "ReActNet",
    "Bi-Real Net",
    "RBNN, Bi-Real blocks",
    "ABC-Net (5 weight, 3 activation bases)",
)
DESIGNS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.floats(1e-6, 1e-4), st.floats(45, 75)), min_size=1, max_size=22
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(DESIGNS)
def test_no_label_lies_on_another_or_leaves_the_axes(designs: list[tuple[str, float, float]]) -> None:
    named = [(f"{label} {number}", energy, top1) for number, (label, energy, top1) in enumerate(designs)]
    assert_readable(draw_front(front_info(designs_frame(named), "T", widths=PLAIN_WIDTHS)), len(named))


def test_many_designs_at_one_spot_are_all_named() -> None:
    frame = designs_frame([(f"{NAMES[number % 6]} {number}", 1e-6, 60.0) for number in range(30)])
    assert_readable(draw_front(front_info(frame, "T")), 30)


def test_a_method_is_broken_before_its_settings() -> None:
    crowd = [(f"activation_bases(count={number})", 1e-6, 60.0) for number in range(10, 40)]
    figure = draw_front(front_info(designs_frame(crowd), "T"))
    texts = [text.get_text() for text in figure.findobj(Text) if "activation_bases" in text.get_text()]
    assert any("\n" in text for text in texts)
    assert all(re.fullmatch(r"activation_bases\n?\(count=\d+\)", text) for text in texts)


def test_a_label_is_what_it_says_dollar_signs_included() -> None:
    frame = designs_frame([("a$_1$", 1e-6, 50.0), ("b<&>", 2e-6, 60.0)])
    assert_readable(draw_front(front_info(frame, "T")), 2)


# ---------------------------------------------------------------- the split


def test_a_split_is_sorted_and_its_parts_are_those_of_the_frame(five: pd.DataFrame) -> None:
    info = split_info(five.sample(frac=1, random_state=1), "T")
    assert [bar.label for bar in info.bars] == [label for label, _, _ in FIVE]
    assert [bar.text for bar in info.bars] == ["50.0 %", "48.0 %", "60.0 %", "55.0 %", "70.0 %"]
    for bar, (_, energy, _) in zip(info.bars, FIVE, strict=True):
        assert bar.parts == pytest.approx([share * energy * 1e6 for share in SHARES])
    assert [bar.cut for bar in info.bars] == [False] * 4 + [True]


def test_bars_are_as_long_as_the_energies(five: pd.DataFrame) -> None:
    info = split_info(five, "T")
    axes = draw_split(info).axes[0]
    drawn = {container.get_label(): list(container) for container in axes.containers}
    assert list(drawn) == list(PARTS)
    for row in range(4):
        lengths = [drawn[name][row].get_width() for name in PARTS]
        starts = [drawn[name][row].get_x() for name in PARTS]
        assert lengths == pytest.approx([share * FIVE[row][1] * 1e6 for share in SHARES])
        assert starts == pytest.approx(np.cumsum([0.0, *lengths[:-1]]))
    cut = [drawn[name][4] for name in PARTS]
    assert cut[-1].get_x() + cut[-1].get_width() == pytest.approx(info.x_limit)
    assert "70.0 %  (400 µJ)" in [text.get_text() for text in axes.texts]


def test_neighbours_in_a_bar_differ_without_colour() -> None:
    def grey(colour: str) -> float:
        return float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)))

    looks = [(grey(colour), hatch) for _, colour, hatch in PARTS.values()]
    for (one, hatch), (other, next_hatch) in pairwise(looks):
        assert hatch != next_hatch or abs(one - other) > 0.15


# ---------------------------------------------------------------- marginal costs


def test_methods_are_grouped_and_those_that_are_free_say_why() -> None:
    info = marginal_info(methods_frame(), "T")
    rows = {row.label: row for group in (*info.groups, *info.free) for row in group.rows}
    free = {label: row.free for label, row in rows.items() if row.free}
    assert free == {
        "channel_scale": FREE_FOLDS, "option_a_shortcut": FREE_WIRING, "ede": FREE_TRAINING,
        "learned_threshold": FREE_FOLDS, "adam, bop": FREE_TRAINING,
    }  # fmt: skip
    methods = [name for row in rows.values() for name in row.methods]
    assert sorted(methods) == sorted(methods_frame()["use"])
    activations = next(group for group in info.groups if group.category == "activation function")
    assert [row.label for row in activations.rows] == ["maxout", "prelu"]  # the dearest first
    assert (rows["prelu"].text, rows["boolean_shortcut"].text, rows["branches"].text) == (
        "+5.0 %",
        "−40 %",
        "+900 %",
    )
    assert (rows["prelu"].equivalent_width, rows["branches"].equivalent_width) == (1.03, None)


def test_bars_are_as_long_as_the_percentages() -> None:
    figure = draw_marginal(marginal_info(methods_frame(), "T"))
    for view, column in (("alone", "alone_percent"), ("left out", "left_out_percent")):
        for _, row in methods_frame().iterrows():
            bars = artists(figure, Rectangle, f"{view} {row['use']}")
            assert [bar.get_width() for bar in bars] == ([row[column]] if row[column] else [])
    words = " ".join(text.get_text() for text in shown_texts(figure))
    assert all(name in words for name in methods_frame()["use"])
    assert "1.03" in words and FREE_FOLDS in words and FREE_TRAINING in words


def test_rounding_is_no_cost() -> None:
    frame = (
        methods_frame().query("use == 'channel_scale'").assign(alone_percent=3e-14, left_out_percent=-2e-15)
    )
    ((row,),) = (group.rows for group in marginal_info(frame, "T").groups)
    assert row.free == FREE_FOLDS


def test_a_table_of_training_techniques_alone_can_be_drawn() -> None:
    info = marginal_info(methods_frame().query("use in ('adam', 'bop')"), "T")
    assert info.groups == ()
    assert "optimizer: adam, bop" in [text.get_text() for text in shown_texts(draw_marginal(info))]


def test_a_label_is_nearer_to_its_own_point_than_to_another() -> None:
    """Four points above each other, closed in at the right by the steps of a front."""
    anchors = np.array([[50.0, 112.0], [50.0, 105.0], [50.0, 90.0], [50.0, 73.0]])
    corners = np.array([[50, 0], [50, 112], [90, 112], [90, 148], [170, 148], [170, 290]], dtype=float)
    steps = np.column_stack([corners[:-1], corners[1:]])
    room, size = (
        Room((0, 0, 300, 300), np.column_stack([anchors - 3, anchors + 3]), steps),
        np.array([90.0, 10.0]),
    )
    placed = place_labels(anchors, np.array([size] * 4), room, np.array([3.0, 1.0, 3.0, 1.0]))
    assert placed is not None
    for own, corner in enumerate(placed):
        gaps = np.hypot(*np.maximum(np.maximum(corner - anchors, anchors - (corner + size)), 0).T)
        assert np.argmin(gaps) == own


# ---------------------------------------------------------------- all figures


def all_figures(frame: pd.DataFrame) -> Iterable[Figure]:
    yield draw_front(front_info(frame, "T", "S", widths=PLAIN_WIDTHS))
    yield draw_split(split_info(frame, "T", "S"))
    yield draw_marginal(marginal_info(methods_frame(), "T", "S"))


def test_figures_are_as_wide_as_columns_and_legible(five: pd.DataFrame) -> None:
    for figure in all_figures(five):
        assert figure.get_figwidth() in (3.4, 7.0)
        assert min(text.get_fontsize() for text in shown_texts(figure)) >= 8
        assert {"T", "S"} <= {text.get_text() for text in shown_texts(figure)}


def test_texts_stay_inside_the_figure(five: pd.DataFrame) -> None:
    for figure in all_figures(five):
        figure.draw_without_rendering()
        for text in shown_texts(figure):
            box = text.get_window_extent()
            if text.axes and not text.axes.get_window_extent().expanded(3, 3).overlaps(box):
                continue  # a tick label beyond the limits, which is not drawn
            assert box.x0 >= 0 and box.y0 >= 0, text.get_text()
            assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text.get_text()


def test_files_hold_text_and_are_the_same_each_time(five: pd.DataFrame, tmp_path: Path) -> None:
    for number, figure in enumerate(all_figures(five)):
        png, svg = write_figure(figure, tmp_path / f"{number}")
        words = re.findall(r"<text[^>]*>([^<]+)</text>", svg.read_text("utf-8"))
        assert "T" in words and any("energy" in word.lower() for word in words)
        assert png.read_bytes().startswith(b"\x89PNG")
        first = png.read_bytes(), svg.read_bytes()
        write_figure(list(all_figures(five))[number], tmp_path / f"{number}")
        assert (png.read_bytes(), svg.read_bytes()) == first


def test_pictures_have_200_dots_per_inch(five: pd.DataFrame, tmp_path: Path) -> None:
    figure = draw_split(split_info(five, "T"))
    png, _ = write_figure(figure, tmp_path / "split")
    width = int.from_bytes(png.read_bytes()[16:20], "big")
    assert width == 7.0 * 200
