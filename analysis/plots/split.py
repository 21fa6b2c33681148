"""The split: what each design spends its energy on, as stacked bars."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREEN,
    GREY,
    INK,
    NOTE_IN,
    ORANGE,
    PURPLE,
    SKY,
    axes_in,
    axis_scale,
    canvas,
    note_for,
    short_number,
    styled,
    subtitle_in,
    text_size,
    write_note,
    write_titles,
)
from analysis.show.safe import visible_info
from analysis.show.words import accuracy_text

PARTS = {
    "binary compute": ("binary_compute_j", BLUE, ""),
    "other MACs": ("other_macs_j", SKY, "////"),
    "side operations": ("side_operations_j", ORANGE, ""),
    "memory": ("memory_j", GREEN, "...."),
    "control": ("control_j", PURPLE, "\\\\\\\\"),
    "leakage": ("leakage_j", "#d9d9d9", ""),
}
"""Parts of the energy: their column, colour and hatch; neighbours differ in grey too."""
_FAR = 1.6
"""Bars this many times longer than the longest of the others are cut."""
_CUT_SHARE = 0.25
_ROW_IN = 0.175


@dataclass(frozen=True)
class Bar:
    """One design: energy per part, in the unit of the axis, its total, and what stands at the end of the bar.

    `cut` where the bar is not drawn whole.
    """

    label: str
    parts: tuple[float, ...]
    total: float
    text: str
    cut: bool
    binary: bool


@dataclass(frozen=True)
class SplitInfo:
    """All that the picture of an energy split shows; the cheapest design first, which is drawn on top."""

    title: str
    subtitle: str
    x_label: str
    unit: str
    bars: tuple[Bar, ...]
    x_limit: float
    note: str


def split_info(frame: pd.DataFrame, title: str, subtitle: str = "") -> SplitInfo:
    """Say what the picture of the energy split shows; `frame` is that of `front_frame`."""
    scale = axis_scale(frame["energy_j"], "J")
    ordered = frame.sort_values(["energy_j", "top1"], ascending=[True, False])
    totals = [float(energy) / scale.size for energy in ordered["energy_j"]]
    limit = _limit(totals)
    bars = tuple(
        Bar(
            label=str(row["label"]),
            parts=tuple(float(row[column]) / scale.size for column, _, _ in PARTS.values()),
            total=total,
            text=accuracy_text(float(row["top1"])),
            cut=total > limit,
            binary=row["compute"] == "binary",
        )
        for (_, row), total in zip(ordered.iterrows(), totals, strict=True)
    )
    note = note_for(bar.label for bar in bars)
    return SplitInfo(title, subtitle, f"Energy per inference [{scale.label}]", scale.label, bars, limit, note)


def _limit(totals: list[float]) -> float:
    """Longest bar that is drawn whole: that of the most expensive design that is not far from all cheaper ones."""
    first = max(1, round(len(totals) * (1 - _CUT_SHARE)))
    for at in range(first, len(totals)):
        if totals[at] > _FAR * totals[at - 1]:
            return totals[at - 1] * 1.15
    return totals[-1]


# ---------------------------------------------------------------- drawing


def draw_split(info: SplitInfo) -> Figure:
    """Draw the energy split."""
    info = visible_info(info)
    with styled():
        below = NOTE_IN if info.note else 0.0
        lines = max(bar.label.count("\n") + 1 for bar in info.bars)
        height = 1.05 + below + _ROW_IN * lines * len(info.bars) + subtitle_in(info.subtitle)
        figure = canvas(DOUBLE, height)
        names = max(text_size(figure, bar.label)[0] for bar in info.bars) / 72
        ends = 0.5 if not any(bar.cut for bar in info.bars) else 1.15
        top = 0.3 + subtitle_in(info.subtitle)
        axes = axes_in(figure, names + 0.14, 0.68 + below, ends, top)
        _draw_bars(axes, info)
        write_titles(figure, info.title, info.subtitle)
        write_note(figure, info.note)
        figure.legend(
            handles=[_patch(name) for name in PARTS], loc="lower center",
            bbox_to_anchor=(0.5, below / height), ncols=len(PARTS), frameon=False,
            handlelength=1.3, handletextpad=0.4, columnspacing=1.1, borderaxespad=0.2,
        )  # fmt: skip
    return figure


def _draw_bars(axes: Axes, info: SplitInfo) -> None:
    rows = range(len(info.bars))
    starts = [0.0] * len(info.bars)
    for number, (name, (_, colour, hatch)) in enumerate(PARTS.items()):
        shown = [
            min(bar.parts[number], max(info.x_limit - start, 0))
            for bar, start in zip(info.bars, starts, strict=True)
        ]
        axes.barh(
            rows, shown, left=starts, height=0.72, color=colour, hatch=hatch, edgecolor="white", linewidth=0,
            label=name,
        )  # fmt: skip
        starts = [start + length for start, length in zip(starts, shown, strict=True)]
    axes.set_xlim(0, info.x_limit)
    axes.set_ylim(len(info.bars) - 0.4, -0.6)
    axes.set_yticks(list(rows), [bar.label for bar in info.bars])
    axes.tick_params(axis="y", length=0, pad=3)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlabel(info.x_label)
    for row, bar in enumerate(info.bars):
        _draw_end(axes, info, row, bar)


def _draw_end(axes: Axes, info: SplitInfo, row: int, bar: Bar) -> None:
    """Write the accuracy at the end of a bar; a cut one has a break and its total."""
    text = f"{bar.text}  ({short_number(bar.total)} {info.unit})" if bar.cut else bar.text
    if bar.cut:
        for shift in (0.962, 0.968):
            axes.plot(
                [shift * info.x_limit - 0.004 * info.x_limit, shift * info.x_limit + 0.004 * info.x_limit],
                [row + 0.42, row - 0.42], color="white", linewidth=1.4, solid_capstyle="butt", zorder=3,
            )  # fmt: skip
    axes.annotate(
        text, (min(bar.total, info.x_limit), row), xytext=(3, 0), textcoords="offset points", va="center",
        color=INK if bar.binary else GREY, annotation_clip=False,
    )  # fmt: skip


def _patch(name: str) -> Patch:
    _, colour, hatch = PARTS[name]
    return Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
