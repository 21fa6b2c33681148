"""How the picture of a front is drawn: points, the front's line, names beside the points, two axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.class_marks import CLASS_COLOURS, CLASS_MARKERS, CLASS_NAMES
from analysis.plots.front import KIND_MARKERS, KIND_NAMES, FrontInfo, Point
from analysis.plots.front_ranges import draw_ranges, ranges_in
from analysis.plots.label_places import Room, leader_end, no_room, place_labels, short
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    NOTE_IN,
    PALE,
    axes_in,
    canvas,
    short_number,
    styled,
    subtitle_in,
    text_size,
    write_note,
    write_titles,
)
from analysis.show.safe import visible_info

_FAR_SIDE = -0.6
"""Left end of the axis behind the break, on which designs stand at whole numbers; the right end is as far off."""
_EDGE_IN, _STRIP_IN = 0.58, 1.45
_APART = 3.0
"""Least room between two costs behind the break [pt]."""
_WRAP = 24
_LETTERS_PER_IN = 17
"""Letters of a note on an inch; a little fewer than fit."""
_LONGEST_NOTE = 800
"""Characters of the note below a front."""
_FRONT_WEIGHT = 3.0
"""How much more the distance of a label from its point weighs on the front than off it."""


def draw_front(info: FrontInfo) -> Figure:
    """Draw a front; where labels find no room the figure grows taller."""
    info = visible_info(info)
    with styled():
        for growth in (1.0, 1.2, 1.45, 1.8, 2.4, 3.2):
            figure = _drawn(
                replace(info, size=(info.size[0], info.size[1] * growth + ranges_in(info.ranges)))
            )
            if figure is not None:
                return figure
    raise no_room(info.title)


def _drawn(info: FrontInfo) -> Figure | None:
    figure = canvas(*info.size)
    strip = _STRIP_IN if info.far else 0.0
    titles = 0.27 + subtitle_in(info.subtitle) if info.title else 0.06
    top = titles + (0.34 if info.widths else 0.06)
    note = _note(info)
    below = NOTE_IN * len(note.splitlines()) + ranges_in(info.ranges)
    bottom = below + 0.5 + 0.16 * ceil(len(_legend(info)) / _legend_columns(info))
    axes = axes_in(figure, _EDGE_IN, bottom, 0.12 + strip + (0.12 if strip else 0), top)
    _prepare(axes, info)
    _draw_step(axes, _corners(info), "front")
    _draw_points(axes, info.near)
    if not _draw_labels(
        axes, info.near, [point.x for point in info.near], _step_segments(axes, _corners(info))
    ):
        return None
    if info.far:
        beyond = axes_in(figure, info.size[0] - strip - 0.12, bottom, 0.12, top)
        if not _draw_far(axes, beyond, info):
            return None
    _draw_frame_texts(figure, replace(info, note=note), below)
    if info.ranges is not None:
        draw_ranges(figure, info.ranges, below - ranges_in(info.ranges))
    return figure


def _note(info: FrontInfo) -> str:
    """The note in lines as wide as the figure."""
    return "\n".join(textwrap.wrap(short(info.note, _LONGEST_NOTE), int(info.size[0] * _LETTERS_PER_IN)))


def _prepare(axes: Axes, info: FrontInfo) -> None:
    if info.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_log_ticks(*info.x_limits)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlim(info.x_limits)
    axes.set_ylim(info.y_limits)
    axes.set_xlabel(info.x_label)
    axes.set_ylabel("Top-1 accuracy [%]")
    if info.widths:
        _draw_widths(axes, info)


def _log_ticks(low: float, high: float) -> list[float]:
    """Ticks at 1, 2, 5 of each decade, or at 1 alone where there are many decades."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    return [tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high]


def _draw_widths(axes: Axes, info: FrontInfo) -> None:
    upper = axes.secondary_xaxis("top")
    upper.xaxis.set_major_locator(FixedLocator([place for _, place in info.widths]))
    upper.xaxis.set_minor_locator(NullLocator())
    names = {place: f"{width:g}" for width, place in info.widths}
    upper.xaxis.set_major_formatter(FuncFormatter(lambda value, _: names.get(value, "")))
    upper.set_xlabel("width of the plain BNN of the same cost", color=GREY, labelpad=3)
    upper.tick_params(colors=GREY, length=3, pad=1.5)
    upper.spines["top"].set(visible=True, color=PALE)


def _corners(info: FrontInfo) -> list[tuple[float, float]]:
    """Where the front's line turns, from the lower edge to the right one or the break."""
    if not info.step:
        return []
    return [(info.step[0][0], info.y_limits[0]), *info.step, (info.x_limits[1], info.step[-1][1])]


def _corners_beyond(info: FrontInfo, places: Sequence[float]) -> list[tuple[float, float]]:
    """Where the front's line turns behind the break, which it comes through at the height that it has there."""
    step = [(x, point.top1) for x, point in zip(places, info.far, strict=True) if point.on_front]
    if info.step:
        step = [(_FAR_SIDE, info.step[-1][1]), *step]
    elif step:
        step = [(step[0][0], info.y_limits[0]), *step]
    return [*step, (len(places) - 1 - _FAR_SIDE, step[-1][1])] if step else []


def _draw_step(axes: Axes, corners: Sequence[tuple[float, float]], gid: str) -> None:
    if corners:
        x, y = zip(*corners, strict=True)
        axes.plot(x, y, drawstyle="steps-post", color=BLUE, linewidth=1.1, alpha=0.75, zorder=1.5, gid=gid)


def _draw_points(axes: Axes, points: Sequence[Point], places: Sequence[float] | None = None) -> None:
    for point, x in zip(points, places or [point.x for point in points], strict=True):
        if point.high > point.low:
            axes.errorbar(
                x, point.top1, yerr=[[point.top1 - point.low], [point.high - point.top1]], fmt="none",
                ecolor=point.colour, elinewidth=0.7, capsize=1.8, capthick=0.7, zorder=4 if point.plain else 2,
            )  # fmt: skip
        axes.plot(
            [x], [point.top1], linestyle="none", marker=point.marker, markersize=_size_of(point.marker),
            markerfacecolor=point.colour if point.filled else "white", markeredgecolor=point.colour,
            markeredgewidth=0.9, zorder=4 if point.filled else 3, gid=point.label,
        )  # fmt: skip


def _size_of(marker: str) -> float:
    """Size of a point [pt]; own measurements are small, for their whiskers to show, and stars have thin arms."""
    return {KIND_MARKERS["measured"]: 3.8, "*": 7.0, "P": 5.2}.get(marker, 4.6)


def _step_segments(axes: Axes, corners: Sequence[tuple[float, float]]) -> np.ndarray:
    """The front's line as segments [pt], for labels to keep off."""
    turns = list(corners[:1])
    for x, top1 in corners[1:]:
        turns += [(x, turns[-1][1]), (x, top1)]
    if not turns:
        return np.empty((0, 4))
    placed = _in_points(axes, turns)
    return np.column_stack([placed[:-1], placed[1:]])


def _in_points(axes: Axes, places: Sequence[tuple[float, float]]) -> np.ndarray:
    """Places of the axes' data in points from the lower left corner of the figure."""
    return np.asarray(axes.transData.transform(np.asarray(places, dtype=float)) * 72 / axes.figure.dpi)


def _draw_labels(
    axes: Axes, points: Sequence[Point], places: Sequence[float], segments: np.ndarray, wrap: int = _WRAP
) -> bool:
    """Write every design's name beside its point, joined by a line where it is away; False without room."""
    bars = [
        _in_points(axes, [(x, point.low), (x, point.high)]) for x, point in zip(places, points, strict=True)
    ]
    boxes = np.array([[*(ends.min(axis=0) - 3.2), *(ends.max(axis=0) + 3.2)] for ends in bars])
    named = [(x, point) for x, point in zip(places, points, strict=True) if point.named]
    if not named:
        return True
    texts = [_wrapped(short(point.label), wrap) for _, point in named]
    anchors = _in_points(axes, [(x, point.top1) for x, point in named])
    sizes = np.array([text_size(axes.figure, text) for text in texts])
    window = axes.get_window_extent()
    frame = tuple(edge * 72 / axes.figure.dpi for edge in (window.x0, window.y0, window.x1, window.y1))
    inner = (frame[0] + 2, frame[1] + 2, frame[2] - 1, frame[3] - 2)
    weights = np.array([_FRONT_WEIGHT if point.on_front else 1.0 for _, point in named])
    corners = place_labels(anchors, sizes, Room(inner, boxes, segments), weights)
    if corners is None:
        return False
    for text, (_, point), anchor, corner, size in zip(texts, named, anchors, corners, sizes, strict=True):
        _draw_label(axes, text, point, anchor, corner, size)
    return True


def _wrapped(label: str, width: int) -> str:
    """Break a label into lines, before what stands in brackets if that suffices."""
    head, bracket, rest = label.partition("(")
    if len(label) > width and bracket and max(len(head), len(rest) + 1) <= width:
        return f"{head.rstrip()}\n({rest}"
    return textwrap.fill(label, width)


def _draw_label(
    axes: Axes, text: str, point: Point, anchor: np.ndarray, corner: np.ndarray, size: np.ndarray
) -> None:
    to_axes = axes.transAxes.inverted()
    left, bottom = to_axes.transform(corner * axes.figure.dpi / 72)
    strong = point.filled
    end = leader_end(anchor, corner, size)
    if np.hypot(*(end - anchor)) > 6.5:
        start = anchor + (end - anchor) * min(1.0, 3.4 / np.hypot(*(end - anchor)))
        ends = to_axes.transform(np.array([start, end]) * axes.figure.dpi / 72)
        axes.add_line(
            Line2D(
                *ends.T,
                transform=axes.transAxes,
                color=PALE,
                linewidth=0.5,
                zorder=1,
                gid=f"leader {point.label}",
            )
        )
    axes.text(
        left, bottom, text, transform=axes.transAxes, ha="left", va="bottom",
        color=INK if strong else GREY, zorder=5, gid=f"label {point.label}",
    )  # fmt: skip


def _draw_far(axes: Axes, beyond: Axes, info: FrontInfo) -> bool:
    """Draw the costly designs behind a break, evenly spaced, with their costs as ticks."""
    places = [float(number) for number in range(len(info.far))]
    beyond.set_ylim(info.y_limits)
    beyond.set_xlim(_FAR_SIDE, len(info.far) - 1 - _FAR_SIDE)
    beyond.spines["left"].set_visible(False)
    beyond.yaxis.set_visible(False)
    beyond.xaxis.set_major_locator(FixedLocator(places))
    values = _staggered(beyond.figure, [short_number(point.x) for point in info.far])
    beyond.xaxis.set_major_formatter(FuncFormatter(lambda value, _: values[round(value)]))
    corners = _corners_beyond(info, places)
    _draw_step(beyond, corners, "front beyond")
    _draw_points(beyond, info.far, places)
    _draw_break(axes, 1.0)
    _draw_break(beyond, 0.0)
    return _draw_labels(beyond, info.far, places, _step_segments(beyond, corners), wrap=14)


def _staggered(figure: Figure | SubFigure, costs: list[str]) -> list[str]:
    """Put every second cost behind the break a line lower where two neighbours have no room beside each other."""
    apart = _STRIP_IN * 72 / (len(costs) - 1 - 2 * _FAR_SIDE)
    widths = [text_size(figure, cost)[0] for cost in costs]
    if all(one + other + 2 * _APART < 2 * apart for one, other in pairwise(widths)):
        return costs
    return ["\n" * (number % 2) + cost for number, cost in enumerate(costs)]


def _draw_break(axes: Axes, at: float) -> None:
    """Draw the slash of a broken axis at one end of the lower edge."""
    axes.plot(
        [at], [0], transform=axes.transAxes, linestyle="none", marker=[(-0.5, -1), (0.5, 1)], markersize=7,
        markeredgewidth=0.8, color=INK, clip_on=False,
    )  # fmt: skip


def _draw_frame_texts(figure: Figure, info: FrontInfo, below: float) -> None:
    """Write title, subtitle, and the meaning of the marks."""
    if info.title:
        write_titles(figure, info.title, info.subtitle)
    write_note(figure, info.note)
    figure.legend(
        handles=_legend(info),
        loc="lower center",
        bbox_to_anchor=(0.5, below / info.size[1]),
        ncols=_legend_columns(info),
        frameon=False,
        handletextpad=0.3,
        columnspacing=1.2,
        borderaxespad=0.2,
        labelspacing=0.3,
        handlelength=1.2,
    )


def _legend_columns(info: FrontInfo) -> int:
    return 5 if info.size[0] >= DOUBLE else 2


def _legend(info: FrontInfo) -> list[Line2D]:
    def mark(marker: str, colour: str, name: str, filled: bool = True) -> Line2D:
        face = colour if filled else "white"
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=_size_of(marker),
            color=colour,
            markerfacecolor=face,
            label=name,
        )

    binary = [point for point in info.points if point.design_class not in CLASS_MARKERS]
    handles = [Line2D([], [], color=BLUE, linewidth=1.1, label="Pareto front (filled)")] if info.step else []
    kinds = dict.fromkeys(kind for kind in KIND_MARKERS if any(point.kind == kind for point in binary))
    handles += [mark(KIND_MARKERS[kind], GREY, KIND_NAMES[kind], False) for kind in kinds]
    if any(point.close for point in binary):
        kind = next(point.kind for point in binary if point.close)
        handles.append(mark(KIND_MARKERS.get(kind, "o"), BLUE, "beaten by less than the spread", False))
    there = {point.design_class for point in info.points if not point.source}
    handles += [
        mark(marker, CLASS_COLOURS[sort], CLASS_NAMES[sort])
        for sort, marker in CLASS_MARKERS.items()
        if sort in there
    ]
    files = sorted({(point.source, point.marker, point.colour) for point in info.points if point.source})
    return handles + [mark(marker, colour, source) for source, marker, colour in files]
