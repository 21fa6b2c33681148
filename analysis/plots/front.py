"""The front: top-1 against energy, latency, area or memory, every design named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.plots.class_marks import CLASS_COLOURS, CLASS_MARKERS, source_marker
from analysis.plots.front_ranges import RangeInfo, range_info, range_note
from analysis.plots.style import (
    BLUE,
    DOUBLE,
    GREY,
    INK,
    SINGLE,
    axis_scale,
    note_for,
)
from analysis.show.axes import Axis
from analysis.show.classes import ESTIMATED, DesignClass, class_of_row
from analysis.show.paper import PaperSize
from analysis.show.units import Scale

WIDTHS = (1.0, 1.5, 2.0, 3.0)
"""Widths that the top axis marks, as shares of that of the plain BNN."""
KIND_MARKERS = {
    "author": "o", "measured": "h", "cited": "s", "secondary": "v", "third-party": "^", ESTIMATED: "d",
}  # fmt: skip
KIND_NAMES = {
    "author": "binary, authors' figure",
    "measured": "own measurement",
    "cited": "binary, cited figure",
    "secondary": "binary, from a survey",
    "third-party": "binary, trained by others",
    ESTIMATED: "binary, estimated",
}
_FAR = 3.0
"""Gap to the next cheaper design, as a ratio, from which costly designs stand in a strip of their own."""
_FAR_SHARE = 0.25
"""Share of all designs that may stand in the strip."""
_LOG_SPAN, _STUDY_LOG_SPAN = 10.0, 4.0
"""Ratios of costs from which the axis is logarithmic; designs of a study crowd at the cost of the plain BNN."""
_LEFT_ROOM, _ROOM_BELOW = 0.14, 0.12
_DESIGNS_SHARE = 0.4
"""Least share of the axis that the designs keep when it grows to show a width."""
_FRAME_IN, _LABEL_IN = 1.4, 0.105
"""Height of what is round the axes, and height per design."""
_FEW = 6
"""Designs that one column of a paper has room for."""
_WHISKERS_IN = 4.8
"""Least height of a figure with standard deviations over seeds, which are small."""
_COLUMN_NAMES = 10
"""Names that one column of a paper has room for among more points."""
_SHORT_TITLE = 48
"""Letters of a title that one column has room for."""


@dataclass(frozen=True)
class Point:
    """One design as it is drawn; `x` in the unit of the axis, `top1` [%]; `close`: beaten by less than the spread.

    Where many designs crowd, those that are not `named` have no label. `plain` is the one that a study measures
    the others against. `source` is the file of an own figure where several are laid over each other.
    """

    label: str
    x: float
    top1: float
    low: float
    high: float
    kind: str
    design_class: DesignClass
    on_front: bool
    close: bool = False
    named: bool = True
    plain: bool = False
    source: str = ""
    source_marker: str = ""

    @property
    def marker(self) -> str:
        """Own figures have the marker of their file, rivals that of their class; binary networks show whose it is."""
        return self.source_marker or CLASS_MARKERS.get(self.design_class) or KIND_MARKERS.get(self.kind, "o")

    @property
    def filled(self) -> bool:
        """Whether the inside of the mark has its colour."""
        return (self.on_front or self.plain) and self.kind != ESTIMATED

    @property
    def colour(self) -> str:
        """A rival has the colour of its class; a grey binary one is dominated, and by more than a known spread."""
        if self.design_class in CLASS_COLOURS:
            return CLASS_COLOURS[self.design_class]
        if self.plain and not self.on_front:
            return INK
        return BLUE if self.on_front or self.close else GREY


@dataclass(frozen=True)
class FrontInfo:
    """All that a picture of a front shows.

    `near` are the points of the main panel, `far` those of the strip behind the break, cheap ones first. `step`
    holds the corners of the front, `widths` pairs of a width of the plain BNN and its place on the axis. The
    limits are those of the main panel and of top-1. `ranges` stand in a panel of their own: most reach far beyond
    what sets the designs apart.
    """

    title: str
    subtitle: str
    x_label: str
    near: tuple[Point, ...]
    far: tuple[Point, ...]
    step: tuple[tuple[float, float], ...]
    widths: tuple[tuple[float, float], ...]
    log_x: bool
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    size: tuple[float, float]
    note: str
    ranges: RangeInfo | None = None

    @property
    def points(self) -> tuple[Point, ...]:
        """Every design, cheap ones first."""
        return self.near + self.far


def front_info(
    frame: pd.DataFrame,
    title: str,
    subtitle: str = "",
    x: Axis = Axis.energy,
    widths: pd.DataFrame | None = None,
    note: str = "",
    size: PaperSize | None = None,
) -> FrontInfo:
    """Say what the picture of a front shows.

    `frame` is that of `front_frame` or `study_frame`, `widths` that of `width_curve`, `note` stands below. A `size` is
    the width that a paper has room for; one column names fewer designs, and has no strip of its own for dear ones.
    """
    unit = x.unit or str(frame["area_unit"].iloc[0])
    scale = axis_scale(frame["x"], unit)
    counted = "seeds" in frame and frame["seeds"].nunique() > 1
    sources = tuple(dict.fromkeys(filter(None, frame["source"]))) if "source" in frame else ()
    points = sorted(
        (_point(row, scale, counted, sources) for _, row in frame.iterrows()),
        key=lambda point: (point.x, point.top1),
    )
    near, far = _split_far(points)
    if size is PaperSize.column:
        near, far = _fewer_names(points), ()
    marks = _width_marks(widths, x.column, scale)
    studied = "seeds" in frame
    log_x = near[-1].x > (_STUDY_LOG_SPAN if studied else _LOG_SPAN) * near[0].x
    x_limits = _x_limits(near, marks, log_x)
    ranges = range_info(frame, x.label, unit)
    y_limits = _padded(
        min(point.low for point in points), max(point.high for point in points), False, before=_ROOM_BELOW
    )
    return FrontInfo(
        title=title,
        subtitle=subtitle,
        x_label=f"{x.label} [{scale.label}]",
        near=near,
        far=far,
        step=tuple((point.x, point.top1) for point in near if point.on_front),
        widths=tuple(mark for mark in marks if x_limits[0] <= mark[1] <= x_limits[1]),
        log_x=log_x,
        x_limits=x_limits,
        y_limits=y_limits,
        size=_size(near, far, y_limits, max(map(len, (title, *subtitle.splitlines()))), studied, size),
        note=" ".join(filter(None, (note_for(point.label for point in points), range_note(ranges), note))),
        ranges=ranges,
    )


def _label(row: pd.Series, counted: bool) -> str:
    """Name of a design, with the number of its seeds where that differs between designs."""
    return f"{row['label']} ({row['seeds']})" if counted and row["seeds"] > 1 else str(row["label"])


def _fewer_names(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points with as many names as one column has room for: the front first, then own figures."""
    worth = sorted(
        (point for point in points if point.named),
        key=lambda point: (
            point.on_front,
            point.design_class is DesignClass.MEASURED,
            point.plain,
            point.top1,
        ),
        reverse=True,
    )[:_COLUMN_NAMES]
    return tuple(replace(point, named=point in worth) for point in points)


def _point(row: pd.Series, scale: Scale, counted: bool, sources: Sequence[str]) -> Point:
    source = str(row.get("source", ""))
    return Point(
        label=_label(row, counted),
        x=float(row["x"]) / scale.size,
        top1=float(row["top1"]),
        low=float(row["top1_low"]),
        high=float(row["top1_high"]),
        kind=str(row["kind"]),
        design_class=class_of_row(row),
        on_front=bool(row["on_front"]),
        close=bool(row.get("within_spread", False)),
        named=bool(row.get("named", True)),
        plain=bool(row.get("plain", False)),
        source=source,
        source_marker=source_marker(source, sources) if source else "",
    )


def _split_far(points: Sequence[Point]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Separate the few most expensive designs from the others at the widest gap, if it is wide."""
    first = max(1, int(np.ceil(len(points) * (1 - _FAR_SHARE))))
    gaps = [(points[at].x / points[at - 1].x, at) for at in range(first, len(points)) if points[at - 1].x > 0]
    widest, at = max(gaps, default=(1.0, 0))
    if widest < _FAR:
        return tuple(points), ()
    return tuple(points[:at]), tuple(points[at:])


def _width_marks(widths: pd.DataFrame | None, column: str, scale: Scale) -> tuple[tuple[float, float], ...]:
    if widths is None:
        return ()
    places = widths[column] / scale.size
    marks = [(float(width), float(place)) for width, place in zip(widths["width"], places, strict=True)]
    return tuple(marks) if len({place for _, place in marks}) == len(marks) else ()


def _x_limits(
    near: Sequence[Point], marks: Sequence[tuple[float, float]], log_x: bool
) -> tuple[float, float]:
    """Limits round the designs, and round the two least widths where that leaves the designs much of the axis."""
    low, high = near[0].x, near[-1].x
    for _, place in marks[:2]:
        lower, upper = min(low, place), max(high, place)
        if _span(low, high, log_x) >= _DESIGNS_SHARE * _span(lower, upper, log_x):
            low, high = lower, upper
    return _padded(low, high, log_x, before=_LEFT_ROOM)  # names of cheap designs stand at their left, too


def _span(low: float, high: float, log: bool) -> float:
    return float(np.log(high / low)) if log else high - low


def _padded(
    low: float, high: float, log: bool, *, before: float = 0.07, after: float = 0.07
) -> tuple[float, float]:
    """Limits with free room at both ends, as shares of the span."""
    if log:
        span = high / low
        return float(low / span**before), float(high * span**after)
    span = high - low or abs(high) or 1.0
    return low - before * span, high + after * span


def _size(
    near: Sequence[Point],
    far: Sequence[Point],
    y_limits: tuple[float, float],
    letters: int,
    whiskers: bool,
    size: PaperSize | None,
) -> tuple[float, float]:
    """Width and height [in]; the more designs crowd into part of the accuracies, the taller."""
    few = len(near) + len(far) <= _FEW and letters <= _SHORT_TITLE
    width = size.width_in if size else SINGLE if few and not far else DOUBLE
    named = [point for point in near if point.named]
    accuracies = [point.top1 for point in named]
    share = max((max(accuracies) - min(accuracies)) / (y_limits[1] - y_limits[0]), 0.2)
    least = _WHISKERS_IN if whiskers and len(near) > _FEW else 3.2
    return width, float(np.clip(_FRAME_IN + _LABEL_IN * len(named) / share, least, 5.4))
