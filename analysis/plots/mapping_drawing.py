"""Drawing a mapping: a staircase of tiles under the loops, with sizes, traffic and energy beside each level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.plots.mapping import Group, MappingInfo, Panel, Row, axis_text, part_text
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
)
from analysis.show.safe import visible_info
from costmodel.mapping.nest import FEATURES, SUMS, WEIGHTS

COLOURS = MappingProxyType({WEIGHTS: BLUE, FEATURES: GREEN, SUMS: VERMILLION})
PART_COLOURS = (SKY, VERMILLION, ORANGE, PURPLE)
_EDGE = 0.06
_ROW, _BAR, _HEAD, _GAP = 0.19, 0.115, 0.2, 0.05
_LOOPS, _AFTER = 0.34, 0.14
_TITLE, _LINE = 0.28, 0.145
_LEAST_STEP = 0.2
_GAUGE, _ENERGY_BAR = 0.3, 0.55
_BETWEEN = 0.1
_AGAIN = "#dcdcdc"


@dataclass(frozen=True)
class _Columns:
    """Where the columns begin or end, from the left edge [in]."""

    name: float
    count: float
    steps: float
    lanes: float
    end: float
    holds: float
    gauge: float
    capacity: float
    read: float
    written: float
    energy: float
    bar: float
    right: float

    def edges(self, steps: int) -> list[float]:
        """Left edges of so many steps and of the array's column, and where that ends."""
        wide = (self.lanes - self.steps) / max(steps, 1)
        return [*(self.steps + place * wide for place in range(steps)), self.lanes, self.end]


def draw_mapping(info: MappingInfo) -> Figure:
    """Draw the mappings of one layer, one below the other."""
    info = visible_info(info)
    with styled():
        columns = _columns(info)
        width = max(columns.right + _EDGE, DOUBLE)
        lines = [line for subheading in info.lines for line in _wrapped(subheading, width - 2 * _EDGE)]
        titles = _TITLE + _LINE * len(lines) + 2 * _GAP
        height = titles + sum(map(_panel_height, info.panels)) + 0.24
        figure = canvas(width, height)
        axes = axes_in(figure, 0, 0, 0, 0)
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.axis("off")
        top = titles
        for panel in info.panels:
            top = _draw_panel(axes, panel, columns, top)
        _draw_key(axes, columns, height)
        write_titles(figure, info.title)
        for place, line in enumerate(lines):
            _text(axes, columns.name, _TITLE + (place + 0.5) * _LINE, line, colour=GREY)
    return figure


def _wrapped(text: str, width: float) -> list[str]:
    """Break a line where it is wider than the page [in]."""
    probe = canvas(1, 1)
    letters = len(text)
    while letters > 1 and max(text_size(probe, line)[0] for line in wrap(text, letters)) / 72 > width:
        letters -= 1
    return wrap(text, letters)


def _columns(info: MappingInfo) -> _Columns:
    """Give each column of text the room that its longest text needs, and the loops the rest of the page."""
    probe = canvas(1, 1)

    def widest(texts: list[str], weight: str = "normal") -> float:
        return max((text_size(probe, text, weight=weight)[0] for text in texts), default=0.0) / 72

    rows = [row for panel in info.panels for group in panel.groups for row in group.rows]
    axes = [axis.axis for panel in info.panels for axis in panel.axes]
    name = widest([*(row.level for row in rows), *axes, "partial sums"]) + _EDGE
    count = widest([_count(row) for row in rows])
    number = max(len(panel.steps) for panel in info.panels)
    holds, capacity = (
        widest([*(row.holds for row in rows), "tile"]),
        widest([f"of {row.capacity}" for row in rows]),
    )
    read, written = (
        widest([*(row.read for row in rows), "read"]),
        widest([*(row.written for row in rows), "written"]),
    )
    energy = widest([*(row.energy for row in rows), "energy"])
    beside = (
        holds + 0.05 + _GAUGE + 0.05 + capacity + read + written + energy + 0.05 + _ENERGY_BAR + 4 * _BETWEEN
    )
    steps = _EDGE + name + 0.05 + count + 0.08
    least = max(
        _LEAST_STEP, widest([f"{step.times:,}" for panel in info.panels for step in panel.steps]) + 0.06
    )
    lanes = widest(["lanes"]) + 0.06
    step = max((DOUBLE - _EDGE - steps - beside - lanes) / max(number, 1), least)
    edge = steps + number * step
    end = edge + lanes
    after_holds = end + _BETWEEN + holds
    gauge = after_holds + 0.05
    after_capacity = gauge + _GAUGE + 0.05 + capacity
    after_read = after_capacity + _BETWEEN + read
    after_written = after_read + _BETWEEN + written
    after_energy = after_written + _BETWEEN + energy
    bar = after_energy + 0.05
    return _Columns(
        _EDGE, steps - 0.08, steps, edge, end, after_holds, gauge, gauge + _GAUGE + 0.05, after_read,
        after_written, after_energy, bar, bar + _ENERGY_BAR,
    )  # fmt: skip


def _count(row: Row) -> str:
    return f"× {row.instances:,}" if row.instances > 1 else ""


def _panel_height(panel: Panel) -> float:
    rows = sum(len(group.rows) for group in panel.groups)
    groups = len(panel.groups) * (_HEAD + _GAP) + rows * _ROW
    time = _HEAD + (_ROW if panel.parts else 0.0)
    return (
        _HEAD
        + (_LINE if panel.subheading else 0.0)
        + _LOOPS
        + groups
        + _HEAD
        + len(panel.axes) * _ROW
        + _GAP
        + time
        + _AFTER
    )


def _draw_panel(axes: Axes, panel: Panel, columns: _Columns, top: float) -> float:
    _text(axes, columns.name, top + _HEAD / 2, panel.heading, weight="bold")
    top += _HEAD
    if panel.subheading:
        _text(axes, columns.name, top + _LINE / 2 - _GAP / 2, panel.subheading, colour=GREY)
        top += _LINE
    _draw_loops(axes, panel, columns, top)
    top += _LOOPS
    first, edges = top, columns.edges(len(panel.steps))
    for group in panel.groups:
        top = _draw_group(axes, group, columns, top, panel.most_j, edges) + _GAP
    for x in edges[:-1]:
        axes.plot([x, x], [first, top - _GAP], color=PALE, linewidth=0.4, zorder=0)
    top = _draw_array(axes, panel, columns, top)
    return _draw_time(axes, panel, columns, top) + _AFTER


def _draw_loops(axes: Axes, panel: Panel, columns: _Columns, top: float) -> None:
    """Write the head of each column: a loop with its steps, the array, and what the numbers beside are."""
    edges = columns.edges(len(panel.steps))
    middles = [(left + right) / 2 for left, right in pairwise(edges)]
    for x, step in zip(middles, panel.steps, strict=False):
        _text(axes, x, top + 0.09, step.dim.lower(), align="center", weight="bold")
        _text(axes, x, top + 0.22, f"{step.times:,}", align="center")
    _text(axes, middles[-1], top + 0.22, "lanes", "center", GREY)
    _text(axes, columns.count, top + 0.09, "loops in time,", "right", GREY)
    _text(axes, columns.count, top + 0.22, "outermost first", "right", GREY)
    for x, word in (
        (columns.holds, "tile"), (columns.read, "read"), (columns.written, "written"),
        (columns.energy, "energy"),
    ):  # fmt: skip
        _text(axes, x, top + 0.22, word, "right", GREY)
    _text(axes, columns.capacity, top + 0.22, "of size", "left", GREY)


def _draw_group(
    axes: Axes, group: Group, columns: _Columns, top: float, most_j: float, edges: Sequence[float]
) -> float:
    """Draw one operand's levels below each other; returns where the next one may begin."""
    colour = COLOURS[group.operand]
    axes.plot([columns.name, columns.right], [top, top], color=PALE, linewidth=0.5, zorder=0)
    _text(axes, columns.name, top + _HEAD / 2, group.title, weight="bold", colour=colour)
    middle = top + _HEAD + _ROW / 2
    above = middle
    for row in group.rows:
        _draw_tile(axes, row, middle, colour, edges)
        if row.exchange:
            _draw_exchange(axes, edges[row.start] + 0.05, above, middle, row.exchange)
        _write_row(axes, row, columns, middle, colour, most_j)
        above, middle = middle, middle + _ROW
    return middle - _ROW / 2


def _draw_tile(axes: Axes, row: Row, middle: float, colour: str, edges: Sequence[float]) -> None:
    """Draw the bar from the tile's first step to the lanes: pale where the same elements are used again."""
    left, low = edges[row.start], middle - _BAR / 2
    width = edges[-1] - left
    if not row.changing:
        axes.add_patch(
            Rectangle((left, low), width, _BAR, fill=False, edgecolor=GREY, linewidth=0.6, linestyle=":")
        )
        return
    for (x, after), changes in zip(pairwise(edges[row.start :]), row.changing, strict=True):
        face = colour if changes else _tint(colour)
        axes.add_patch(Rectangle((x, low), after - x, _BAR, facecolor=face, linewidth=0))
    for x in edges[row.start + 1 : -1]:
        axes.plot([x, x], [low, low + _BAR], color="white", linewidth=0.6)
    axes.add_patch(Rectangle((left, low), width, _BAR, fill=False, edgecolor=INK, linewidth=0.5))


def _tint(colour: str) -> tuple[float, float, float]:
    red, green, blue = (1 - 0.25 * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _draw_exchange(axes: Axes, x: float, above: float, below: float, way: str) -> None:
    """Draw an arrow between two levels, at the step where the inner tile begins."""
    style = {"down": "-|>", "up": "<|-", "both": "<|-|>"}[way]
    arrow = {
        "arrowstyle": style,
        "color": INK,
        "linewidth": 0.6,
        "mutation_scale": 4,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    ends = (x, below - _BAR / 2), (x, above + _BAR / 2)
    axes.annotate("", ends[0], xytext=ends[1], annotation_clip=False, arrowprops=arrow)


def _write_row(axes: Axes, row: Row, columns: _Columns, middle: float, colour: str, most_j: float) -> None:
    """Write a level's name, how many of it are in use, its tile against its size, its traffic and energy."""
    _text(axes, columns.name + _EDGE, middle, row.level, colour=INK if row.changing else GREY)
    _text(axes, columns.count, middle, _count(row), "right", GREY)
    if not row.changing:
        _text(axes, columns.end + _BETWEEN, middle, row.note, "left", GREY)
        return
    for x, text in (
        (columns.holds, row.holds), (columns.read, row.read), (columns.written, row.written),
        (columns.energy, row.energy),
    ):  # fmt: skip
        _text(axes, x, middle, text, "right")
    low = middle - 0.04
    axes.add_patch(
        Rectangle((columns.gauge, low), _GAUGE, 0.08, facecolor="white", edgecolor=GREY, linewidth=0.5)
    )
    axes.add_patch(Rectangle((columns.gauge, low), row.fill * _GAUGE, 0.08, facecolor=GREY, linewidth=0))
    _text(axes, columns.capacity, middle, f"of {row.capacity}", "left", GREY)
    if row.read_j + row.write_j > 0:
        read, write = (energy / most_j * _ENERGY_BAR for energy in (row.read_j, row.write_j))
        low = middle - _BAR / 2
        axes.add_patch(Rectangle((columns.bar, low), read, _BAR, facecolor=colour, linewidth=0))
        axes.add_patch(Rectangle((columns.bar + read, low), write, _BAR, facecolor=_tint(colour), edgecolor=colour,
                                 linewidth=0.4))  # fmt: skip


def _draw_array(axes: Axes, panel: Panel, columns: _Columns, top: float) -> float:
    """Draw each axis of the array as a bar of lanes, those at work filled."""
    axes.plot([columns.name, columns.right], [top, top], color=PALE, linewidth=0.5, zorder=0)
    _text(axes, columns.name, top + _HEAD / 2, "array", weight="bold")
    _text(axes, columns.steps, top + _HEAD / 2, panel.array, colour=GREY)
    middle = top + _HEAD + _ROW / 2
    for axis in panel.axes:
        low, width = middle - _BAR / 2, columns.end - columns.steps
        axes.add_patch(
            Rectangle((columns.steps, low), width, _BAR, facecolor="white", edgecolor=GREY, linewidth=0.5)
        )
        axes.add_patch(Rectangle((columns.steps, low), width * axis.used / axis.lanes, _BAR, facecolor=PALE,
                                 edgecolor=GREY, linewidth=0.5))  # fmt: skip
        _text(axes, columns.name + _EDGE, middle, axis.axis)
        _text(axes, columns.end + _BETWEEN, middle, axis_text(axis))
        middle += _ROW
    return middle - _ROW / 2 + _GAP


def _draw_time(axes: Axes, panel: Panel, columns: _Columns, top: float) -> float:
    """Draw the cycles as one bar of its parts, with their numbers."""
    axes.plot([columns.name, columns.right], [top, top], color=PALE, linewidth=0.5, zorder=0)
    _text(axes, columns.name, top + _HEAD / 2, "time", weight="bold")
    _text(axes, columns.steps, top + _HEAD / 2, panel.time, colour=GREY)
    if not panel.parts:
        return top + _HEAD
    middle = top + _HEAD + _ROW / 2
    total = sum(part.cycles for part in panel.parts) or 1.0
    x = columns.steps
    for part, colour in zip(panel.parts, PART_COLOURS, strict=True):
        width = part.cycles / total * (columns.end - columns.steps)
        axes.add_patch(Rectangle((x, middle - _BAR / 2), width, _BAR, facecolor=colour, linewidth=0))
        x += width
    axes.add_patch(Rectangle((columns.steps, middle - _BAR / 2), columns.end - columns.steps, _BAR, fill=False,
                             edgecolor=INK, linewidth=0.5))  # fmt: skip
    x = columns.end + _BETWEEN
    for part, colour in zip(panel.parts, PART_COLOURS, strict=True):
        if part.cycles:
            axes.add_patch(Rectangle((x, middle - 0.035), 0.07, 0.07, facecolor=colour, linewidth=0))
            _text(axes, x + 0.1, middle, part_text(part))
            x += 0.1 + text_size(axes.figure, part_text(part))[0] / 72 + _BETWEEN
    return middle + _ROW / 2


def _draw_key(axes: Axes, columns: _Columns, height: float) -> None:
    """Say what the two tones of the bars mean, along the lower edge."""
    y = height - 0.13
    x = columns.name
    for face, words in (
        (INK, "the loop walks over the tile"), (_AGAIN, "the loop uses it again"),
    ):  # fmt: skip
        axes.add_patch(Rectangle((x, y - 0.04), 0.16, 0.08, facecolor=face, linewidth=0))
        _text(axes, x + 0.2, y, words, colour=GREY)
        x += 0.2 + text_size(axes.figure, words)[0] / 72 + 0.2
    _text(axes, columns.right, y, "energy: read solid, written pale", "right", GREY)


def _text(
    axes: Axes, x: float, y: float, text: str, align: str = "left", colour: str = INK, weight: str = "normal"
) -> None:
    axes.text(x, y, text, ha=align, va="center_baseline", color=colour, fontweight=weight)
