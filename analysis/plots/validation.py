"""Predicted against published, a panel per metric: held-out figures filled, others hollow, a band of a factor two.

What the energies of a system count (core, chip, board) is in the shape of its mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.label_places import Room, leader_end, place_labels
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    axes_in,
    canvas,
    styled,
    text_size,
    write_titles,
)  # fmt: skip
from analysis.show.units import readable
from costmodel.hardware.profile import Scope
from costmodel.validation.judgement import scores_of
from costmodel.validation.predictions import Prediction

BAND = 2.0
"""Predictions within this factor lie in the band."""
NAMED_FROM = 25.0
"""Held-out figures that are off by more than this are named [%]."""
_PANELS = {
    "energy": ("Energy per inference", "J"), "latency": ("Latency", "s"), "area": ("Area", "mm2"),
    "energy_per_mac": ("Energy per MAC", "J"), "power": ("Power", "W"),
    "throughput": ("Operations a second", "operation"),
}  # fmt: skip
_SAME_PANEL = {"static_power": "power"}
_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK, GREY, "#8a5a2b")
"""More than systems of one scope."""
_MARKERS = MappingProxyType({"core": "o", "chip": "s", "board": "^"})
_SQUARE_METRE = 1e6  # mm2
_LARGE = ("energy", "latency")
"""Metrics whose panels are large and come first."""
_LEFT_IN, _LARGE_IN, _SMALL_IN = 0.72, (2.56, 2.4), (1.4, 1.4)
_GAP_IN = (0.86, 0.68)
_SMALL_A_ROW = 3
_LINE_IN = 0.165
"""Height of a line of the legend."""


@dataclass(frozen=True)
class Point:
    """One figure: published and predicted in the unit of its panel, its system, and its name if it is written out."""

    x: float
    y: float
    system: int
    filled: bool
    label: str
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Panel:
    """The figures of one metric."""

    title: str
    unit: str
    points: tuple[Point, ...]
    limits: tuple[float, float]


@dataclass(frozen=True)
class ValidationInfo:
    """What the picture shows: its panels, and the systems, by title, with what their energies count."""

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    systems: Mapping[str, Scope]


def validation_info(predictions: Sequence[Prediction]) -> ValidationInfo:
    """Sort predictions by metric; limits are whole powers of ten that hold both values of every point."""
    systems = {item.title: item.scope for item in predictions}
    numbers = {title: number for number, title in enumerate(systems)}
    by_metric: dict[str, list[Point]] = {}
    for item in predictions:
        metric = _SAME_PANEL.get(item.figure.metric, item.figure.metric)
        by_metric.setdefault(metric, []).append(_point(item, numbers[item.title]))
    panels = tuple(
        Panel(*_PANELS[metric], tuple(by_metric[metric]), _limits(by_metric[metric]))
        for metric in _PANELS
        if metric in by_metric
    )
    classes = ", ".join(
        f"{score.priced} {score.median_error_percent:.1f} % ({len(score.systems)})"
        for score in scores_of(predictions)
    )
    subtitle = (
        f"median error of a system, held out (filled): {classes}; band: a factor of two"
        if classes
        else "nothing held out"
    )
    return ValidationInfo("Predicted against published", subtitle, panels, MappingProxyType(systems))


def _point(item: Prediction, system: int) -> Point:
    scale = _SQUARE_METRE if item.figure.metric == "area" else 1.0
    named = item.held_out and abs(item.error_percent) > NAMED_FROM
    label = item.figure.what.split(",")[0] if named else ""
    ends = None if item.ends is None else (item.ends[0] * scale, item.ends[1] * scale)
    return Point(item.published * scale, item.predicted * scale, system, item.held_out, label, ends)


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    values = [value for point in points for value in (point.x, point.y, *(point.ends or ())) if value > 0]
    return 10.0 ** floor(log10(min(values) / 1.2)), 10.0 ** ceil(log10(max(values) * 1.2))


def draw_validation(info: ValidationInfo) -> Canvas:
    """Draw the large panels in one row, the small ones below it, and one legend of the systems at the bottom.

    Where the last row is one small panel, the legend stands in the room beside it.
    """
    rows, marks = _rows(info.panels), marks_of(info.systems)
    beside = len(rows[-1][0]) == 1
    legend_in = _LINE_IN * ceil(len(info.systems) / (1 if beside else 2)) + 0.02
    if beside:
        legend_in = max(0.0, legend_in - rows[-1][1][1] - _GAP_IN[1])
    height = 0.4 + sum(size[1] + _GAP_IN[1] for _, size in rows) + legend_in
    with styled():
        figure = canvas(DOUBLE, height)
        top = 0.58
        for panels, (wide, high) in rows:
            for column, panel in enumerate(panels):
                left = _LEFT_IN + column * (wide + _GAP_IN[0])
                axes = axes_in(figure, left, height - top - high, DOUBLE - left - wide, top)
                _draw_panel(axes, panel, marks)
            top += high + _GAP_IN[1]
        write_titles(figure, info.title, info.subtitle)
        handles = [
            Line2D(
                [],
                [],
                linestyle="none",
                marker=mark,
                markersize=4.2,
                color=colour,
                label=f"{title} ({scope})",
            )
            for (title, scope), (mark, colour) in zip(info.systems.items(), marks, strict=True)
        ]
        at = (_LEFT_IN + rows[-1][1][0] + _GAP_IN[0] / 2) / DOUBLE if beside else 0.5
        figure.legend(
            handles=handles, loc="lower left" if beside else "lower center", bbox_to_anchor=(at, 0.0),
            ncols=1 if beside else 2, frameon=False, handletextpad=0.3, labelspacing=0.3, borderaxespad=0.2,
        )  # fmt: skip
    return figure


def _rows(panels: Sequence[Panel]) -> list[tuple[Sequence[Panel], tuple[float, float]]]:
    """The panels of each row, from the top, and the width and height of one [in]."""
    titles = [_PANELS[metric][0] for metric in _LARGE]
    large = [panel for panel in panels if panel.title in titles]
    small = [panel for panel in panels if panel.title not in titles]
    rows = [(small[start : start + _SMALL_A_ROW], _SMALL_IN) for start in range(0, len(small), _SMALL_A_ROW)]
    return [(large, _LARGE_IN), *rows] if large else [*rows]


def marks_of(systems: Mapping[str, Scope]) -> list[tuple[str, str]]:
    """Marker and colour of each system: the marker of its scope, and a colour that no other of that scope has."""
    scopes = list(systems.values())
    return [
        (_MARKERS[scope], _COLOURS[scopes[:number].count(scope) % len(_COLOURS)])
        for number, scope in enumerate(scopes)
    ]


def _draw_panel(axes: Axes, panel: Panel, marks: Sequence[tuple[str, str]]) -> None:
    low, high = panel.limits
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    ends = np.array([low, high])
    axes.fill_between(
        ends, ends / BAND, ends * BAND, color=PALE, alpha=0.35, linewidth=0, zorder=0, gid="band"
    )
    axes.plot(ends, ends, color=GREY, linewidth=0.7, zorder=1, gid="equal")
    decades = range(round(log10(low)), round(log10(high)) + 1)
    step = max(1, ceil(len(decades) / 5))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([10.0**decade for decade in decades[::step]]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, panel.unit)))
    axes.set_title(panel.title, pad=4)
    axes.set_xlabel("published", labelpad=2)
    axes.set_ylabel("predicted", labelpad=1)
    for point in panel.points:
        _draw_point(axes, point, marks[point.system])
    _draw_names(axes, [point for point in panel.points if point.label], panel.points)


def _tick(value: float, unit: str) -> str:
    """A power of ten without the zeros behind the point: 10 µJ."""
    number, _, suffix = readable(value, unit).partition(" ")
    return f"{float(number.replace(',', '')):g} {suffix}".rstrip()


def _draw_point(axes: Axes, point: Point, mark: tuple[str, str]) -> None:
    marker, colour = mark
    if point.ends is not None and point.ends[1] > point.ends[0] > 0:
        axes.plot([point.x] * 2, point.ends, color=colour, linewidth=0.7, zorder=2, gid="range")
    axes.plot(
        [point.x], [point.y], linestyle="none", marker=marker, markersize=4.2, color=colour,
        markerfacecolor=colour if point.filled else "white", markeredgewidth=0.9, zorder=3, gid="figure",
    )  # fmt: skip


def _draw_names(axes: Axes, named: Sequence[Point], points: Sequence[Point]) -> None:
    """Write the names of points that are far off; where they find no room, none is written."""
    if not named:
        return
    pixels = 72 / axes.figure.dpi
    anchors = axes.transData.transform([(point.x, point.y) for point in named]) * pixels
    centres = axes.transData.transform([(point.x, point.y) for point in points]) * pixels
    boxes = np.hstack([centres - 3.2, centres + 3.2])
    sizes = np.array([text_size(axes.figure, point.label) for point in named])
    window = axes.get_window_extent()
    left, bottom, right, top = (edge * pixels for edge in (window.x0, window.y0, window.x1, window.y1))
    frame = (left + 3, bottom + 3, right - 1, top - 3)
    corners = place_labels(anchors, sizes, Room(frame, boxes, np.empty((0, 4))))
    if corners is None:
        return
    for point, anchor, corner, size in zip(named, anchors, corners, sizes, strict=True):
        ends = axes.transAxes.inverted().transform(
            np.array([anchor, leader_end(anchor, corner, size)]) / pixels
        )
        axes.add_line(
            Line2D(*ends.T, transform=axes.transAxes, color=PALE, linewidth=0.5, zorder=1, gid="leader")
        )
        left, bottom = axes.transAxes.inverted().transform(corner / pixels)
        axes.text(
            left,
            bottom,
            point.label,
            transform=axes.transAxes,
            ha="left",
            va="bottom",
            color=GREY,
            gid="label",
        )
