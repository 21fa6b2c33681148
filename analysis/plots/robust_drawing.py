"""How a tried front is drawn: a band that most drawn fronts lie in, and designs as large as they are likely on one."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.class_marks import CLASS_COLOURS, CLASS_MARKERS, CLASS_NAMES
from analysis.plots.label_places import Room, leader_end, no_room, place_labels, short
from analysis.plots.robust import Mark, RobustInfo, mark_label
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    PALE,
    axes_in,
    canvas,
    short_number,
    styled,
    text_size,
    write_titles,
)
from analysis.show.safe import visible_info

_HEIGHTS_IN = (3.9, 4.7, 5.8, 7.2)
_SMALL, _LARGE = 2.6, 8.0
"""Sizes of a design that is never on the front, and of one that always is [pt]."""
_ROOM = 1.12
"""Free space on both sides of the designs, as a ratio of energies."""


def draw_robust(info: RobustInfo) -> Figure:
    """Draw a tried front; where labels find no room the figure grows taller."""
    info = visible_info(info)
    with styled():
        for height in _HEIGHTS_IN:
            figure = _drawn(info, height)
            if figure is not None:
                return figure
    raise no_room(info.title)


def _drawn(info: RobustInfo, height: float) -> Figure | None:
    figure = canvas(DOUBLE, height)
    axes = axes_in(figure, 0.58, 0.84, 0.12, 0.5)
    _prepare(axes, info)
    _draw_band(axes, info)
    for mark in info.marks:
        axes.plot(
            [mark.x], [mark.top1], linestyle="none", marker=_marker(mark), markersize=_size(mark),
            markerfacecolor=_colour(mark) if mark.probability >= 0.5 else "white", markeredgecolor=_colour(mark),
            markeredgewidth=0.9, zorder=3, gid=mark.label,
        )  # fmt: skip
    if not _draw_labels(axes, info):
        return None
    write_titles(figure, info.title, info.subtitle)
    figure.legend(
        handles=_legend(info), loc="lower center", bbox_to_anchor=(0.5, 0.01), ncols=4, frameon=False,
        handletextpad=0.4, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    return figure


def _prepare(axes: Axes, info: RobustInfo) -> None:
    low, high = min(mark.x for mark in info.marks) / _ROOM**2, max(mark.x for mark in info.marks) * _ROOM**2
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    lowest, highest = min(mark.top1 for mark in info.marks), max(mark.top1 for mark in info.marks)
    margin = max(1.0, 0.08 * (highest - lowest))
    axes.set_ylim(lowest - margin, highest + margin)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlabel(info.x_label)
    axes.set_ylabel("Top-1 accuracy [%]")


def _draw_band(axes: Axes, info: RobustInfo) -> None:
    """Shade what lies between the line that few drawn fronts attain and that which most do; draw the middle one."""
    lines = dict(info.lines)
    grid = np.geomspace(*axes.get_xlim(), 800)
    floor = axes.get_ylim()[0]
    few, half, most = (_best_up_to(lines[percent], grid, floor) for percent in sorted(lines))
    axes.fill_between(grid, most, few, step="post", color=BLUE, alpha=0.14, linewidth=0, zorder=1, gid="band")
    axes.plot(
        grid, half, drawstyle="steps-post", color=BLUE, linewidth=1.0, alpha=0.8, zorder=1.5, gid="median"
    )


def _best_up_to(points: np.ndarray, grid: np.ndarray, floor: float) -> np.ndarray:
    """The best accuracy of a line up to each energy; `floor` where there is none."""
    if not len(points):
        return np.full(len(grid), floor)
    best = np.maximum.accumulate(points[:, 1])
    at = np.searchsorted(points[:, 0], grid, side="right") - 1
    return np.where(at >= 0, best[np.maximum(at, 0)], floor)


def _draw_labels(axes: Axes, info: RobustInfo) -> bool:
    """Name the designs that may be on the front, joined by a line where a name is away; False without room."""
    figure = axes.figure
    places = np.array([(mark.x, mark.top1) for mark in info.marks])
    points = axes.transData.transform(places) * 72 / figure.dpi
    radius = np.array([[_size(mark) / 2 + 0.6] for mark in info.marks])
    named = [number for number, mark in enumerate(info.marks) if mark.named]
    texts = [short(mark_label(info.marks[number])) for number in named]
    sizes = np.array([text_size(figure, text) for text in texts])
    window = axes.get_window_extent()
    frame = tuple(
        edge * 72 / figure.dpi for edge in (window.x0 + 3, window.y0 + 3, window.x1 - 2, window.y1 - 3)
    )
    boxes = np.hstack([points - radius, points + radius])
    corners = place_labels(points[named], sizes, Room(frame, boxes, np.empty((0, 4))))
    if corners is None:
        return False
    to_axes = axes.transAxes.inverted()
    for text, number, corner, size in zip(texts, named, corners, sizes, strict=True):
        anchor, end = points[number], leader_end(points[number], corner, size)
        if np.hypot(*(end - anchor)) > 9.0:
            ends = to_axes.transform(np.array([anchor, end]) * figure.dpi / 72)
            axes.add_line(Line2D(*ends.T, transform=axes.transAxes, color=PALE, linewidth=0.5, zorder=2))
        left, bottom = to_axes.transform(corner * figure.dpi / 72)
        axes.text(
            left, bottom, text, transform=axes.transAxes, ha="left", va="bottom", zorder=5, gid=f"label {text}",
            color=INK if info.marks[number].probability >= 0.5 else GREY,
        )  # fmt: skip
    return True


def _size(mark: Mark) -> float:
    return _SMALL + (_LARGE - _SMALL) * mark.probability**0.5


def _marker(mark: Mark) -> str:
    return CLASS_MARKERS.get(mark.sort, "o")


def _colour(mark: Mark) -> str:
    return CLASS_COLOURS.get(mark.sort, BLUE)


def _legend(info: RobustInfo) -> list[Line2D | Patch]:
    there = {mark.sort for mark in info.marks}
    handles: list[Line2D | Patch] = [
        Patch(facecolor=BLUE, alpha=0.14, label="attained in 10 to 90 % of draws"),
        Line2D([], [], color=BLUE, linewidth=1.0, label="in half of them"),
        _mark("o", _LARGE, BLUE, "always on the front"),
        _mark("o", _SMALL, BLUE, "never"),
    ]
    return handles + [
        _mark(marker, 5.0, CLASS_COLOURS[sort], CLASS_NAMES[sort])
        for sort, marker in CLASS_MARKERS.items()
        if sort in there
    ]


def _mark(marker: str, size: float, colour: str, name: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker=marker, markersize=size, color=colour, label=name)
