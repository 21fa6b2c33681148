"""How the picture of gains is drawn: names at the left, dots with errors, gains and energies at the right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from analysis.plots.gains import GainRow, GainsInfo
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    INK,
    axes_in,
    canvas,
    styled,
    subtitle_in,
    text_size,
    write_note,
    write_titles,
)
from analysis.show.safe import visible_info

MARKS: Mapping[str, tuple[str, str, float]] = MappingProxyType(
    {"topology": ("s", BLUE, 4.2), "training": ("o", GREEN, 4.8), "": ("D", GREY, 4.0)}
)
"""Shape, colour and size [pt] of the mark of each branch."""
_ROW_IN, _SECOND_LINE, _GAP = 0.15, 0.85, 0.4
"""Height of a row [in]; height of a second line of a name, and gap between groups, in rows."""
_EDGE, _BETWEEN = 4.4, 8.0
"""Room at the edge of the figure and between columns [pt]."""
_NAME_ROOM = 96.0
"""Width [pt] that a name may take before what it stands beside goes to a second line."""
_GAIN_COLUMN, _ENERGY_COLUMN = 38.0, 40.0
"""Widths of the columns of figures [pt]."""
_LETTERS_PER_IN = 17
_MANY = 18
"""Rows from which the axis stands above them, too."""
_GUIDE = "#e6e6e6"


@dataclass(frozen=True)
class _Place:
    """Where a row stands: its middle, in rows from above; whether its context has a line of its own."""

    row: GainRow
    group: str
    at: float
    two_lines: bool


@dataclass(frozen=True)
class _Layout:
    """Places of all rows, top and bottom of each group, and where the columns at the left begin [pt]."""

    places: tuple[_Place, ...]
    groups: tuple[tuple[float, float], ...]
    rows: float
    group_pt: float
    name_pt: float


def draw_gains(info: GainsInfo) -> Figure:
    """Draw the gains of a study."""
    info = visible_info(info)
    with styled():
        measure = canvas(DOUBLE, 2.0)
        layout = _layout(measure, info)
        many = len(info.rows) >= _MANY
        note = textwrap.fill(info.note.replace(" %", "\u00a0%"), int(DOUBLE * _LETTERS_PER_IN))
        below = text_size(measure, note)[1] / 72 + 0.14 if note else 0.0
        top = 0.3 + subtitle_in(info.subtitle) + 0.2 + (0.12 if many else 0)
        bottom = below + 0.6
        figure = canvas(DOUBLE, top + bottom + _ROW_IN * layout.rows)
        left = (_EDGE + layout.group_pt + layout.name_pt + 2 * _BETWEEN) / 72
        axes = axes_in(figure, left, bottom, (_GAIN_COLUMN + _ENERGY_COLUMN + _EDGE) / 72, top)
        _draw_axes(axes, info, layout, many)
        for place in layout.places:
            _draw_row(axes, place, info.x_limits)
            _draw_texts(axes, place, layout)
        _draw_heads(axes, layout, left * 72 - _EDGE)
        write_titles(figure, info.title, info.subtitle)
        write_note(figure, note)
        _draw_legend(figure, info, below)
    return figure


def _layout(figure: Figure, info: GainsInfo) -> _Layout:
    """Say where everything stands; a context that has no room behind its name goes below it."""
    labels = max(text_size(figure, row.label)[0] for row in info.rows)
    room = max(labels, _NAME_ROOM)
    places, groups, at, widest = [], [], 0.0, 0.0
    for group in info.groups:
        start = at
        for row in group.rows:
            whole = text_size(figure, row.name)[0]
            two = bool(row.context) and whole > room
            height = 1 + _SECOND_LINE * two
            widest = max(
                widest, max(text_size(figure, row.label)[0], _context_pt(figure, row)) if two else whole
            )
            places.append(_Place(row, group.name, at + height / 2, two))
            at += height
        groups.append((start, at))
        at += _GAP
    names = max(text_size(figure, group.name, weight="bold")[0] for group in info.groups)
    return _Layout(tuple(places), tuple(groups), at - _GAP, names, widest)


def _context_pt(figure: Figure, row: GainRow) -> float:
    return text_size(figure, row.context)[0] + _BETWEEN


def _draw_axes(axes: Axes, info: GainsInfo, layout: _Layout, many: bool) -> None:
    axes.set_ylim(layout.rows + 0.15, -0.15)
    axes.set_xlim(info.x_limits)
    axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+g}".replace("-", "−") if value else "0")
    )
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=_GUIDE, linewidth=0.5)
    axes.set_axisbelow(True)
    if many:
        axes.tick_params(axis="x", top=True, labeltop=True, pad=2)
        axes.spines["top"].set_visible(True)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=2, gid="zero")
    axes.set_xlabel(info.x_label)


def _draw_row(axes: Axes, place: _Place, limits: tuple[float, float]) -> None:
    """Draw one gain: filled with whiskers, or hollow on a pale band where a side has one seed."""
    row, at = place.row, place.at
    shape, colour, size = MARKS.get(row.branch, MARKS[""])
    axes.axhline(at, color=_GUIDE, linewidth=0.5, zorder=0.5)
    if row.beyond:
        edge = limits[row.beyond > 0]
        axes.plot(
            [edge], [at], linestyle="none", marker="<" if row.beyond < 0 else ">", markersize=5.0, color=colour,
            markerfacecolor="white" if row.one_seed else colour, clip_on=False, zorder=4, gid=row.name,
        )  # fmt: skip
        return
    if row.error is not None and row.one_seed:
        axes.plot(
            [row.gain - row.error, row.gain + row.error], [at, at], color=colour, alpha=0.25, linewidth=3.2,
            solid_capstyle="butt", zorder=2.5, gid=f"error {row.name}",
        )  # fmt: skip
    elif row.error is not None:
        axes.errorbar(
            row.gain, at, xerr=row.error, fmt="none", ecolor=colour, elinewidth=0.9, capsize=2.0, capthick=0.9,
            zorder=3,
        )  # fmt: skip
    axes.plot(
        [row.gain], [at], linestyle="none", marker=shape, markersize=size, markeredgewidth=1.0,
        markerfacecolor="white" if row.one_seed else colour, markeredgecolor=colour, zorder=4, gid=row.name,
    )  # fmt: skip


def _draw_texts(axes: Axes, place: _Place, layout: _Layout) -> None:
    """Write name and context at the left of a row, gain and energy at the right."""
    row = place.row
    from_left = -(layout.name_pt + _BETWEEN)
    first = place.at - (_SECOND_LINE / 2 if place.two_lines else 0)
    _write(axes, row.label, from_left, first)
    if row.context and place.two_lines:
        _write(axes, row.context, from_left + _BETWEEN, first + _SECOND_LINE, GREY)
    elif row.context:
        shift = text_size(axes.figure, f"{row.label} ")[0]
        _write(axes, row.context, from_left + shift, first, GREY)
    _write(axes, row.gain_text, _GAIN_COLUMN, place.at, right=True)
    colour = GREY if row.free or row.energy_ratio is None else INK
    _write(axes, row.energy_text, _GAIN_COLUMN + _ENERGY_COLUMN, place.at, colour, right=True)


def _write(
    axes: Axes, text: str, offset: float, at: float, colour: str = INK, weight: str = "normal", *, right: bool = False
) -> None:  # fmt: skip
    """Write a text in the row `at`: from a place left of the axes, or up to one right of them [pt]."""
    axes.annotate(
        text, (1.0 if right else 0.0, at), xycoords=axes.get_yaxis_transform(), xytext=(offset, 0),
        textcoords="offset points", ha="right" if right else "left", va="center_baseline", color=colour,
        fontweight=weight, annotation_clip=False, zorder=5,
    )  # fmt: skip


def _draw_heads(axes: Axes, layout: _Layout, width: float) -> None:
    """Write the groups' names, a rule above each, and the titles of the columns of figures."""
    seen: set[str] = set()
    for place in layout.places:
        if place.group not in seen:
            seen.add(place.group)
            first = place.at - (_SECOND_LINE / 2 if place.two_lines else 0)
            _write(axes, place.group, -width, first, weight="bold")
    _write(axes, "gain", _GAIN_COLUMN, -0.85, GREY, right=True)
    _write(axes, "energy", _GAIN_COLUMN + _ENERGY_COLUMN, -0.85, GREY, right=True)


def _draw_legend(figure: Figure, info: GainsInfo, below: float) -> None:
    marks = _legend(info)
    handles: list[Any] = list(marks.values())  # matplotlib takes tuples of artists, its annotations do not
    figure.legend(
        handles, list(marks), loc="lower center", frameon=False, ncols=len(marks),
        bbox_to_anchor=(0.5, below / figure.get_size_inches()[1]), handletextpad=0.5, columnspacing=1.4,
        borderaxespad=0.2, handlelength=1.8, handler_map={tuple: HandlerTuple(ndivide=1)},
    )  # fmt: skip


def _legend(info: GainsInfo) -> dict[str, Line2D | tuple[Line2D, ...]]:
    """Marks by their meaning: only those that occur."""
    handles: dict[str, Line2D | tuple[Line2D, ...]] = {}
    for branch in ("topology", "training"):
        if any(row.branch == branch for row in info.rows):
            handles[branch] = _mark(*MARKS[branch])
    known = [row for row in info.rows if row.error is not None and not row.beyond]
    if any(not row.one_seed for row in known):
        handles["standard error over seeds"] = (_line(0.9), _mark("|", GREY, 5.0))
    if any(row.one_seed for row in known):
        handles["one seed, error as below"] = (_line(3.2, 0.35), _mark("o", GREY, 4.8, hollow=True))
    elif any(row.one_seed for row in info.rows):
        handles["one seed"] = _mark("o", GREY, 4.8, hollow=True)
    if beyond := [row.beyond for row in info.rows if row.beyond]:
        handles["beyond the axis"] = _mark("<" if min(beyond) < 0 else ">", GREY, 5.0)
    return handles


def _mark(shape: str, colour: str, size: float, *, hollow: bool = False) -> Line2D:
    face = "white" if hollow else colour
    return Line2D([], [], linestyle="none", marker=shape, markersize=size, color=colour, markerfacecolor=face)


def _line(width: float, alpha: float = 1.0) -> Line2D:
    return Line2D([], [], color=GREY, linewidth=width, alpha=alpha, solid_capstyle="butt")
