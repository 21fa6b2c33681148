"""How a tornado is drawn: names and values at the left, bars on both sides of the value, ends of ranges beside them."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    NOTE_IN,
    ORANGE,
    axes_in,
    canvas,
    short_number,
    styled,
    text_size,
    write_titles,
)
from analysis.plots.tornado import TornadoInfo, TornadoRow
from analysis.show.safe import visible_info

_ROW_IN, _LINE_IN = 0.21, 0.15
_AXIS_IN, _GAP_IN = 0.42, 0.12
_WRAP = 116
_PAD = 5.0
"""Room between a bar and the text at its end, and behind the text [pt]."""
_SIDES = {-1: "first less", 1: "second less"}
_HATCH = "////"
_VISIBLE = 2e-3
"""Part of the axis from which a bar can be seen."""
_ROUNDS = 20


def draw_tornado(info: TornadoInfo) -> Figure:
    """Draw a tornado."""
    info = visible_info(info)
    with styled():
        subtitle = "\n".join(textwrap.wrap(info.subtitle, _WRAP, break_long_words=False))
        notes = _notes(info)
        above = 0.34 + _LINE_IN * (subtitle.count("\n") + 1) + (0.18 if info.compares else 0.0)
        below = _AXIS_IN + 0.2 + NOTE_IN * len(notes)
        figure = canvas(DOUBLE, above + _ROW_IN * max(1, len(info.rows)) + below)
        names, values, turns = (_widest(figure, column) for column in zip(*_texts(info), strict=True))
        left = names + values + 2 * _GAP_IN + 0.04
        turned = any(row.turns_at for row in info.rows)
        right = turns + _GAP_IN + 0.06 if turned else 0.1
        axes = axes_in(figure, left, below, right, above)
        _draw_axes(axes, info, _limits(figure, info, (DOUBLE - left - right) * 72))
        for at, row in enumerate(info.rows):
            _draw_row(axes, info, row, at)
            _beside(axes, row.label, -left * 72 + 0.06 * 72, at)
            _beside(axes, row.value, -(values + _GAP_IN) * 72, at, colour=GREY)
            if row.turns_at:
                _beside(axes, row.turns_at, _GAP_IN * 72, at, after=True)
        if turned:
            _beside(axes, "equal at", _GAP_IN * 72, -1, colour=GREY, after=True)
        if info.compares:
            _draw_sides(axes)
        write_titles(figure, info.title, subtitle)
        _draw_legend(figure, info, NOTE_IN * len(notes))
        for number, note in enumerate(reversed(notes)):
            height = figure.get_size_inches()[1]
            figure.text(0.06 / DOUBLE, (0.06 + NOTE_IN * number) / height, note, color=GREY, va="bottom")
    return figure


def _texts(info: TornadoInfo) -> list[tuple[str, str, str]]:
    return [(row.label, row.value, row.turns_at) for row in info.rows] + [("", "", "equal at")]


def _widest(figure: Figure, texts: tuple[str, ...]) -> float:
    """Width of the widest of some texts [in]."""
    return max(text_size(figure, text)[0] for text in texts if text) / 72 if any(texts) else 0.0


def _notes(info: TornadoInfo) -> list[str]:
    notes = []
    if any(row.anew for row in info.rows):
        notes.append(
            "* On another size or port all is placed and mapped anew; else what moves and its cycles are held."
        )
    if info.left_out:
        notes.append(f"{info.left_out} figures with less effect are not drawn.")
    return notes


def _end_texts(info: TornadoInfo, row: TornadoRow) -> list[tuple[float, int, str]]:
    """What stands at the ends of a row's bars: where, on which side (-1 or 1), and the text.

    Where both ends lie on one side, the farther one has both texts.
    """
    low, high = info.limits
    ends = [(row.low, row.low_text), (row.high, row.high_text)]
    drawn = [(end, text) for end, text in ends if end is not None]
    star = " *" if row.anew else ""
    found = []
    for side in (-1, 1):
        here = sorted(
            (one for one in drawn if (one[0] - info.now) * side > _VISIBLE * (high - low)),
            key=lambda one: -abs(one[0] - info.now),
        )
        if here:
            inside = f" ({here[1][1]} inside)" if len(here) > 1 else ""
            found.append((here[0][0], side, f"{here[0][1]}{inside}{star}"))
    missing = [text for end, text in ends if end is None]
    if missing:  # on the side that has no text yet
        side = 1 if any(side < 0 for _, side, _ in found) else -1
        found.append((info.now, side, f"{' and '.join(missing)}: does not fit *"))
    return found


def _limits(figure: Figure, info: TornadoInfo, width: float) -> tuple[float, float]:
    """Ends of an axis of `width` [pt] that has room for every text at a bar, and beside the line at zero."""
    low, high = info.limits
    if low == high:
        low, high = low - 1, high + 1
    texts = [one for row in info.rows for one in _end_texts(info, row)]
    texts += [(0.0, side, text) for side, text in _SIDES.items()] if info.compares else []
    needs = [(at, side, text_size(figure, text)[0] + 2 * _PAD) for at, side, text in texts]
    for _ in range(_ROUNDS):  # wider limits make texts wider in units of the axis
        unit = (high - low) / width
        low = min([low, *(at - need * unit for at, side, need in needs if side < 0)])
        high = max([high, *(at + need * unit for at, side, need in needs if side > 0)])
    return low, high


def _draw_axes(axes: Axes, info: TornadoInfo, limits: tuple[float, float]) -> None:
    axes.set_xlim(limits)
    axes.set_ylim(max(1, len(info.rows)) - 0.4, -0.6)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value).replace("-", "−")))
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(info.x_label, loc="right")
    axes.axvline(info.now, color=INK, linewidth=0.8, zorder=4)
    if info.compares:
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=4)


def _draw_row(axes: Axes, info: TornadoInfo, row: TornadoRow, at: int) -> None:
    """Draw both bars of a figure, the longer first, and write the ends of its range beside them."""
    drawn = [(end, colour) for end, colour in ((row.low, BLUE), (row.high, ORANGE)) if end is not None]
    for end, colour in sorted(drawn, key=lambda one: -abs(one[0] - info.now)):
        axes.barh(
            at, end - info.now, left=info.now, height=0.62, color=colour, hatch="" if row.stated else _HATCH,
            edgecolor="white", linewidth=0, gid=f"{row.label} {'low' if colour == BLUE else 'high'}",
        )  # fmt: skip
    for end, side, text in _end_texts(info, row):
        axes.annotate(
            text, (end, at), xytext=(side * _PAD, 0), textcoords="offset points", va="center", zorder=5,
            ha="left" if side > 0 else "right", annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85},
        )  # fmt: skip


def _draw_sides(axes: Axes) -> None:
    """Say above the bars which design takes less energy on which side of zero."""
    for side, text in _SIDES.items():
        axes.annotate(
            text, (0, 1), xycoords=axes.get_xaxis_transform(), xytext=(side * _PAD, 3), textcoords="offset points",
            ha="left" if side > 0 else "right", va="bottom", color=GREY, annotation_clip=False,
        )  # fmt: skip


def _beside(
    axes: Axes, text: str, offset: float, at: float, *, colour: str = INK, after: bool = False
) -> None:
    """Write a text in the row `at`, before the axis or after it; row -1 is above the bars."""
    row = (0.0, 1.0) if at < 0 else (0.0, at)
    across = axes.transAxes if at < 0 else axes.get_yaxis_transform()
    axes.annotate(
        text, (1.0 if after else 0.0, row[1]), xycoords=across, xytext=(offset, 3 if at < 0 else 0),
        textcoords="offset points", ha="left", va="bottom" if at < 0 else "center", color=colour,
        annotation_clip=False, zorder=5,
    )  # fmt: skip


def _draw_legend(figure: Figure, info: TornadoInfo, bottom_in: float) -> None:
    height = figure.get_size_inches()[1]
    handles = [
        Patch(facecolor=BLUE, label="at the low end of its range"),
        Patch(facecolor=ORANGE, label="at the high end"),
    ]
    if not all(row.stated for row in info.rows):
        unstated = Patch(
            facecolor="#d0d0d0", hatch=_HATCH, edgecolor="white", linewidth=0,
            label="half to double: the profile gives no range",
        )  # fmt: skip
        handles.append(unstated)
    figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, (bottom_in + 0.02) / height), ncols=len(handles),
        frameon=False, handlelength=1.3, handletextpad=0.4, borderaxespad=0.2,
    )  # fmt: skip
