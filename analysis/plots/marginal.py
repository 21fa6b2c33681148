"""The marginal cost: what each method adds to the energy of the plain network, and of the full one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from costmodel.methods import CATEGORIES

FREE_TRAINING, FREE_FOLDS, FREE_WIRING = "0 (training only)", "0 (folds)", "0 (no operation)"
LINEAR_TO = 1.0
"""Percent up to which the axis is linear; beyond, it is logarithmic."""
_NOISE = 1e-9
"""Percent below which a difference of two sums is rounding."""
Ends = tuple[float, float]


@dataclass(frozen=True)
class MarginalRow:
    """One method, or all methods of a category that are free for the same reason.

    `alone` is what the method adds to the plain network, `left_out` what leaving it out of the full design
    saves, both in percent of the plain BNN's energy; `free` says why there is nothing to add. `alone_ends` and
    `left_out_ends` are the least and the most over the ends of the profile's ranges, where they are asked for.
    """

    methods: tuple[str, ...]
    alone: float
    left_out: float
    equivalent_width: float | None
    free: str = ""
    alone_ends: Ends | None = None
    left_out_ends: Ends | None = None

    @property
    def label(self) -> str:
        """The method's name, or those of all."""
        return ", ".join(self.methods)

    @property
    def text(self) -> str:
        """The figure at the end of the bar of `alone`, or why there is no bar."""
        return self.free or percent(self.alone)


@dataclass(frozen=True)
class MarginalGroup:
    """The methods of one category, the most expensive first."""

    category: str
    rows: tuple[MarginalRow, ...]


@dataclass(frozen=True)
class MarginalInfo:
    """All that a picture of marginal costs shows: categories with bars, and those that training alone pays for."""

    title: str
    subtitle: str
    groups: tuple[MarginalGroup, ...]
    free: tuple[MarginalGroup, ...]
    x_limits: tuple[float, float]

    @property
    def ranged(self) -> bool:
        """Whether bars have whiskers."""
        return any(row.alone_ends for group in self.groups for row in group.rows)


def percent(value: float) -> str:
    """Write a percentage with its sign in two significant digits, whole ones from ten on.

    >>> [percent(value) for value in (0.004, 0.294, 5.03, 9.98, 1192, -48.6)]
    ['<0.01 %', '+0.29 %', '+5.0 %', '+10 %', '+1,192 %', '−49 %']
    """
    if 0 < abs(value) < 0.01:
        return "<0.01 %" if value > 0 else ">−0.01 %"
    rounded = float(f"{value:.2g}") if abs(value) < 10 else value
    digits = max(0, 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:+,.{digits}f} %".replace("-", "−")


def marginal_info(frame: pd.DataFrame, title: str, subtitle: str = "") -> MarginalInfo:
    """Say what the picture of marginal costs shows; `frame` is that of `method_frame`."""
    rows: dict[str, list[MarginalRow]] = {category: [] for names in CATEGORIES.values() for category in names}
    for _, row in frame.iterrows():
        rows.setdefault(str(row["category"]), []).append(_row(row))
    priced, free = [], []
    for category, group in rows.items():
        with_bars = sorted((row for row in group if not row.free), key=lambda row: -row.alone)
        bars = (*with_bars, *_together(group, FREE_FOLDS), *_together(group, FREE_WIRING))
        if bars:
            priced.append(MarginalGroup(category, bars))
        if trained := _together(group, FREE_TRAINING):
            free.append(MarginalGroup(category, trained))
    return MarginalInfo(title, subtitle, tuple(priced), tuple(free), _limits(rows))


def _row(row: Mapping[str, object]) -> MarginalRow:
    alone, left_out = (_percentage(row[name]) for name in ("alone_percent", "left_out_percent"))
    width = row["equivalent_width"]
    free = "" if alone or left_out else _why_free(row)
    known = isinstance(width, float) and not math.isnan(width) and not free
    return MarginalRow(
        (str(row["use"]),),
        alone,
        left_out,
        float(str(width)) if known else None,
        free,
        _ends(row, "alone"),
        _ends(row, "left_out"),
    )


def _ends(row: Mapping[str, object], name: str) -> Ends | None:
    """The range of a percentage, where the frame has it."""
    if f"{name}_low_percent" not in row:
        return None
    return _percentage(row[f"{name}_low_percent"]), _percentage(row[f"{name}_high_percent"])


def _why_free(row: Mapping[str, object]) -> str:
    """Operations that are emitted and leave no cost have folded away; most training techniques emit none."""
    if row["emitted_j"] != 0:
        return FREE_FOLDS
    return FREE_TRAINING if row["branch"] == "training" else FREE_WIRING


def _percentage(value: object) -> float:
    number = float(str(value))
    return 0.0 if abs(number) < _NOISE else number


def _together(rows: Iterable[MarginalRow], free: str) -> tuple[MarginalRow, ...]:
    """One row for all methods that are free for this reason."""
    names = tuple(name for row in rows if row.free == free for name in row.methods)
    return (MarginalRow(names, 0.0, 0.0, None, free),) if names else ()


def _limits(rows: Mapping[str, Iterable[MarginalRow]]) -> tuple[float, float]:
    """Axis limits with room for the figures at the ends of bars."""
    values = [
        value
        for group in rows.values()
        for row in group
        for value in (row.alone, row.left_out, *(row.alone_ends or ()), *(row.left_out_ends or ()))
    ]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return low * 1.2, max(high * 4, 2 * LINEAR_TO)
