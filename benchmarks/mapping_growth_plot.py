"""The picture of how the time of a search grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    VERMILLION,
    axes_in,
    canvas,
    short_number,
    styled,
    write_titles,
)
from benchmarks.mapping_growth_points import STEADY, Point

HEIGHT, TOP, BOTTOM, LEFT, GAP = 2.75, 0.55, 0.5, 0.55, 0.3  # inches
NAMED = (4, 10, 14, 18, 22)
"""Numbers of factors that stand beside their point."""
LIMITS_MS = (0.9, 600.0)
TICKS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def growth_figure(series: Mapping[str, Sequence[Point]], slopes: Mapping[str, float]) -> Figure:
    """Draw three panels with one time axis: sets of prime factors, levels, layers."""
    with styled():
        figure = canvas(DOUBLE, HEIGHT)
        write_titles(
            figure,
            "A search grows with the sets of prime factors and with the levels",
            "CPU time on one core [ms]; both axes are logarithmic, and a slope is the exponent of a power law",
        )
        width = (DOUBLE - LEFT - 0.1 - 2 * GAP) / 3
        panels = []
        for number in range(3):
            left = LEFT + number * (width + GAP)
            axes = axes_in(figure, left, BOTTOM, DOUBLE - left - width, TOP)
            _scales(axes, named=number == 0)
            panels.append(axes)
        _sets(panels[0], series["factors"], slopes["sets"])
        _levels(panels[1], series, slopes)
        _layers(panels[2], series["layers"], slopes["layers"])
    return figure


def _scales(axes: Axes, *, named: bool) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(*LIMITS_MS)
    axes.yaxis.set_major_locator(FixedLocator(TICKS_MS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value) if named else ""))


def _marks(axes: Axes, places: Sequence[float], limits: tuple[float, float], label: str) -> None:
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(FixedLocator(list(places)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlabel(label)


def _sets(axes: Axes, points: Sequence[Point], slope: float) -> None:
    x, y = [point.sets for point in points], [1e3 * point.cpu_s for point in points]
    axes.plot(x, y, marker="o", markersize=3, linewidth=1, color=BLUE)
    for point in points:
        if point.varied in NAMED:
            axes.annotate(
                f"{point.varied}", (point.sets, 1e3 * point.cpu_s), (-3, 4), textcoords="offset points", ha="right"
            )  # fmt: skip
    axes.axvline(STEADY, ymin=0.12, ymax=0.75, color=GREY, linewidth=0.5, linestyle=":")
    axes.text(0.03, 0.97, f"slope {slope:.2f}\nfrom {STEADY:,} sets on", transform=axes.transAxes, va="top")
    axes.text(0.97, 0.03, "beside points: prime factors", transform=axes.transAxes, ha="right", color=GREY)
    _marks(axes, (10, 100, 1000, 10_000), (5, 250_000), "Sets of prime factors in time")


def _levels(axes: Axes, series: Mapping[str, Sequence[Point]], slopes: Mapping[str, float]) -> None:
    for name, colour, words in (
        ("levels", BLUE, "all tiles fit"),
        ("levels that tiles compete for", VERMILLION, "tiles compete"),
    ):
        points = series[name]
        x, y = [point.varied for point in points], [1e3 * point.cpu_s for point in points]
        axes.plot(x, y, marker="o", markersize=3, linewidth=1, color=colour)
        text = f"{words}\nslope {slopes[name]:.1f}"
        if colour == BLUE:  # below the end of the lower line, else above the end of the upper one
            axes.text(x[-1], 0.4 * y[-1], text, color=colour, ha="right", va="top")
        else:
            axes.text(x[-1], 1.4 * y[-1], text, color=colour, ha="right", va="bottom")
    _marks(axes, range(3, 9), (2.8, 8.6), "Memory levels")


def _layers(axes: Axes, points: Sequence[Point], slope: float) -> None:
    x, y = np.array([point.varied for point in points]), np.array([1e3 * point.cpu_s for point in points])
    axes.plot(x, y, marker="o", markersize=3, linewidth=1, color=BLUE)
    axes.text(0.03, 0.97, f"slope {slope:.2f}", transform=axes.transAxes, va="top", color=INK)
    each = f"{y[-1] / x[-1]:.1f} ms a layer"
    axes.text(0.97, 0.03, each, transform=axes.transAxes, ha="right", color=GREY)
    _marks(axes, x.tolist(), (2.5, 60), "Distinct layers")
