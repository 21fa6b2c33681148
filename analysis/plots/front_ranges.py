"""The panel below a front: how far the cost of each design on it reaches over the ranges of the profile's figures."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.class_marks import CLASS_COLOURS, CLASS_MARKERS
from analysis.plots.style import BLUE, GREY, axes_in, text_size
from analysis.show.classes import DesignClass, class_of_row
from analysis.show.units import common_scale
from costmodel.evaluate.ranges import Range

_ROW_IN, _HEAD_IN, _FOOT_IN = 0.175, 0.3, 0.45
_EDGE_IN = 0.12
_TICK_IN = 0.62
"""Room that a tick with its unit takes [in]."""
_NOTE = (
    "Bars: every figure of the profile at its cheap end, and every one at its dear end, for all designs at once; they "
    "are corners, no confidence interval. The front is that of the values."
)


@dataclass(frozen=True)
class RangeRow:
    """One design with the range of its cost in SI units, and its class."""

    label: str
    cost: Range
    design_class: DesignClass


@dataclass(frozen=True)
class RangeInfo:
    """What the panel shows: the designs on the front, cheap ones first, and what their cost is."""

    title: str
    unit: str
    rows: tuple[RangeRow, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of the logarithmic axis, with free room at both ends."""
        low, high = min(row.cost.low for row in self.rows), max(row.cost.high for row in self.rows)
        room = max(high / low, 1.5) ** 0.03
        return low / room, high * room


def range_info(frame: pd.DataFrame, title: str, unit: str) -> RangeInfo | None:
    """Say what the panel shows; None where the frame has no ranges or they have no extent."""
    if "x_low" not in frame:
        return None
    rows = tuple(
        RangeRow(str(row["label"]), Range(row["x_low"], row["x"], row["x_high"]), class_of_row(row))
        for _, row in frame[frame["on_front"]].iterrows()
    )
    moving = any(row.cost.low < row.cost.high for row in rows) and all(row.cost.low > 0 for row in rows)
    return RangeInfo(title, unit, rows) if moving else None


def range_note(info: RangeInfo | None) -> str:
    """What the bars are, where there are any."""
    return _NOTE if info else ""


def ranges_in(info: RangeInfo | None) -> float:
    """Height of the panel [in]."""
    return 0.0 if info is None else _HEAD_IN + _ROW_IN * len(info.rows) + _FOOT_IN


def draw_ranges(figure: Figure, info: RangeInfo, bottom: float) -> None:
    """Draw the panel, its lower edge `bottom` inches above that of the figure."""
    width, height = figure.get_size_inches()
    names = max(text_size(figure, row.label)[0] for row in info.rows) / 72
    top = bottom + ranges_in(info)
    axes = axes_in(figure, names + 0.2, bottom + _FOOT_IN, _EDGE_IN, height - top + _HEAD_IN)
    axes.set_xscale("log")
    axes.set_xlim(info.limits)
    axes.set_ylim(len(info.rows) - 0.4, -0.6)
    axes.set_yticks(range(len(info.rows)), [row.label for row in info.rows])
    axes.tick_params(axis="y", length=0, pad=3)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(info.limits, width - names - 0.2 - _EDGE_IN)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _with_unit(value, info.unit)))
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(info.title)
    for number, row in enumerate(info.rows):
        colour = CLASS_COLOURS.get(row.design_class, BLUE)
        axes.plot(
            [row.cost.low, row.cost.high], [number] * 2, color=colour, linewidth=0.9, marker="|", markersize=5,
            markeredgewidth=0.9, gid=f"range {row.label}",
        )  # fmt: skip
        axes.plot(
            [row.cost.value], [number], linestyle="none", marker=CLASS_MARKERS.get(row.design_class, "o"),
            markersize=4.2, color=colour, gid=f"value {row.label}",
        )  # fmt: skip
    title = "The designs on the front, over the ranges of the profile's figures"
    figure.text(0.06 / width, (top - 0.08) / height, title, color=GREY, va="top", gid="range title")


def _ticks(limits: tuple[float, float], width_in: float) -> list[float]:
    """Ticks at 1, 2, 5 of each decade, at 1 alone, or at every second or third 1, as the width has room for."""
    low, high = floor(log10(limits[0])), ceil(log10(limits[1]))
    ladders: list[list[float]] = [[step * 10.0**power for power in range(low, high) for step in (1, 2, 5)]]
    ladders += [[10.0**power for power in range(low, high + 1) if power % gap == 0] for gap in (1, 2, 3)]
    inside = [[tick for tick in ladder if limits[0] <= tick <= limits[1]] for ladder in ladders]
    return next((ticks for ticks in inside if len(ticks) * _TICK_IN <= width_in), inside[-1])


def _with_unit(value: float, unit: str) -> str:
    scale = common_scale((value * (1 + 1e-9),), unit)
    return f"{float(f'{value / scale.size:.3g}'):g} {scale.label}"
