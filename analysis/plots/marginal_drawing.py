"""How the picture of marginal costs is drawn: names at the left, bars, equivalent widths at the right."""

from __future__ import annotations

import textwrap

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.marginal import LINEAR_TO, MarginalGroup, MarginalInfo, MarginalRow
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    FONT,
    GREY,
    INK,
    ORANGE,
    PALE,
    axes_in,
    canvas,
    styled,
    subtitle_in,
    text_size,
    write_titles,
)
from analysis.show.safe import visible_info

_TICKS = (-100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1000.0, 10000.0)
_ROW_IN, _LINE_IN = 0.19, 0.15
_HEADER_ROWS = 0.95
_WRAP = 108
_BOTTOM_IN, _RIGHT_IN = 0.62, 0.8
_LINTHRESH_SHARE = 0.55


def draw_marginal(info: MarginalInfo) -> Figure:
    """Draw the marginal costs: a block of bars per category, and below, what training alone pays for."""
    info = visible_info(info)
    with styled():
        free = _free_lines(info)
        rows = max(1.0, sum(_HEADER_ROWS + len(group.rows) for group in info.groups))
        top = 0.42 + subtitle_in(info.subtitle)
        below = _BOTTOM_IN + (_LINE_IN * (len(free) + 1) + 0.1 if free else 0)
        figure = canvas(DOUBLE, top + _ROW_IN * rows + below)
        names = max(
            (text_size(figure, row.label)[0] for group in info.groups for row in group.rows if not row.free),
            default=72,
        )
        axes = axes_in(figure, names / 72 + 0.22, below, _RIGHT_IN, top)
        _draw_axes(axes, info, rows)
        _draw_groups(axes, info.groups, -(names + 0.16 * 72))
        height = figure.get_size_inches()[1]
        write_titles(figure, info.title, info.subtitle)
        figure.text(
            1 - 0.06 / DOUBLE,
            1 - (top - 0.04) / height,
            "same energy\nas width",
            ha="right",
            va="bottom",
            color=GREY,
        )
        _draw_free(figure, free, height)
        _draw_legend(figure, (below - _BOTTOM_IN) / height, whiskers=info.ranged)
    return figure


def _draw_axes(axes: Axes, info: MarginalInfo, rows: float) -> None:
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=LINEAR_TO, linscale=_LINTHRESH_SHARE)
    axes.set_xlim(info.x_limits)
    low, high = info.x_limits
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.axvline(0, color=INK, linewidth=0.6, zorder=3)
    axes.set_xlabel("Energy added [% of the plain BNN's; linear to 1, then logarithmic]")


def _draw_groups(axes: Axes, groups: tuple[MarginalGroup, ...], left: float) -> None:
    at = 0.0
    for group in groups:
        _beside(axes, group.category, left, at, "bold")
        at += _HEADER_ROWS
        for row in group.rows:
            _draw_row(axes, row, at, left)
            at += 1


def _draw_row(axes: Axes, row: MarginalRow, at: float, left: float) -> None:
    if row.free:
        _beside(axes, f"{row.label}: {row.text}", left, at, colour=GREY, backed=True)
        return
    _beside(axes, row.label, left, at)
    axes.barh(at - 0.19, row.alone, height=0.36, color=BLUE, gid=f"alone {row.label}")
    axes.barh(
        at + 0.19, row.left_out, height=0.36, color=ORANGE, hatch="////", edgecolor="white", linewidth=0,
        gid=f"left out {row.label}",
    )  # fmt: skip
    _draw_whisker(axes, row.alone_ends, at - 0.19, f"range alone {row.label}")
    _draw_whisker(axes, row.left_out_ends, at + 0.19, f"range left out {row.label}")
    ends = (row.alone_ends or (0.0,))[-1], (row.left_out_ends or (0.0,))[-1]
    end = max(
        row.alone, row.left_out, *ends, 0.0
    )  # where the bars point to the left, there is room at the right
    axes.annotate(
        row.text,
        (end, at),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
    )
    if row.equivalent_width is not None:
        _beside(axes, f"{row.equivalent_width:.2f}", 0, at, right=True)


def _draw_whisker(axes: Axes, ends: tuple[float, float] | None, at: float, name: str) -> None:
    """Draw how far a bar reaches over the ends of the profile's ranges."""
    if ends is not None and ends[0] < ends[1]:
        axes.plot(
            ends,
            [at, at],
            color=INK,
            linewidth=0.7,
            marker="|",
            markersize=3,
            markeredgewidth=0.7,
            zorder=3,
            gid=name,
        )


def _beside(
    axes: Axes, text: str, offset: float, at: float, weight: str = "normal", colour: str = INK,
    *, right: bool = False, backed: bool = False,
) -> None:  # fmt: skip
    """Write a text in the row `at`: from the left edge, or up to the right one."""
    axes.annotate(
        text, (1.0 if right else 0.0, at), xycoords=axes.get_yaxis_transform(),
        xytext=((_RIGHT_IN - 0.06) * 72 if right else offset, 0), textcoords="offset points",
        ha="right" if right else "left", va="center", fontweight=weight, color=colour, annotation_clip=False, zorder=4,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if backed else None,
    )  # fmt: skip


def _free_lines(info: MarginalInfo) -> list[tuple[str, str]]:
    """Lines of the block of free methods: the category, where it begins, and names."""
    lines = []
    for group in info.free:
        names = ", ".join(row.label for row in group.rows)
        wrapped = textwrap.wrap(f"{group.category}: {names}", _WRAP, break_long_words=False)
        lines += [(line, group.category if number == 0 else "") for number, line in enumerate(wrapped)]
    return lines


def _draw_free(figure: Figure, lines: list[tuple[str, str]], height: float) -> None:
    if not lines:
        return
    left = 0.06 / DOUBLE
    first = 0.06 + _LINE_IN * len(lines)
    figure.text(left, first / height, "0 (training only)", fontweight="bold", va="bottom")
    figure.add_artist(_rule(first + _LINE_IN + 0.03, height))
    for number, (line, _) in enumerate(lines):
        at = (first - _LINE_IN * (number + 1)) / height
        figure.text(left, at, line, va="bottom", fontsize=FONT, color=GREY)


def _rule(at: float, height: float) -> Rectangle:
    return Rectangle(
        (0.06 / DOUBLE, at / height), 1 - 0.12 / DOUBLE, 0.004 / height, facecolor=PALE, edgecolor="none"
    )


def _draw_legend(figure: Figure, bottom: float, *, whiskers: bool) -> None:
    alone = Patch(facecolor=BLUE, label="alone: added to the plain BNN")
    left_out = Patch(
        facecolor=ORANGE,
        hatch="////",
        edgecolor="white",
        linewidth=0,
        label="left out: saved in the full design",
    )
    ends = [Line2D([], [], color=INK, linewidth=0.7, label="over the ends of the profile's ranges")]
    handles: list[Artist] = [alone, left_out, *(ends if whiskers else [])]
    figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, bottom), ncols=len(handles), frameon=False,
        handlelength=1.3, handletextpad=0.4, borderaxespad=0.2,
    )  # fmt: skip
