"""The gains of a study: a dot per comparison, in groups, with its error and what it costs in energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.show.units import EMPTY

_FAR = 2.5
"""Gains this many times larger than the largest of the others lie beyond the axis."""
_FAR_SHARE = 0.15
"""Share of the gains that may lie beyond it."""
_SAME = 1e-9
"""Relative difference below which two energies are the same."""
_AROUND = 0.06
"""Free room at both ends of the axis, as a share of it."""


@dataclass(frozen=True)
class GainRow:
    """One comparison as it is drawn: its gain and standard error [points], and the energy relative to its fair pair.

    `context` says what the fair pair is where it is not the plain BNN. `beyond` is -1 or 1 where the gain lies left or
    right of the axis.
    """

    label: str
    context: str
    branch: str
    gain: float
    error: float | None
    one_seed: bool
    energy_ratio: float | None
    beyond: int = 0

    @property
    def name(self) -> str:
        """Label and context."""
        return f"{self.label} {self.context}".rstrip()

    @property
    def gain_text(self) -> str:
        """The gain with its sign, in hundredths of a point."""
        return f"{self.gain:+.2f}".replace("-", "−")

    @property
    def free(self) -> bool:
        """Whether the design takes the energy of its fair pair."""
        return self.energy_ratio is not None and abs(self.energy_ratio - 1) < _SAME

    @property
    def energy_text(self) -> str:
        """The energy relative to that of the fair pair."""
        return EMPTY if self.energy_ratio is None else times(self.energy_ratio)


@dataclass(frozen=True)
class GainGroup:
    """The comparisons of one category, the largest gain first."""

    name: str
    rows: tuple[GainRow, ...]


@dataclass(frozen=True)
class GainsInfo:
    """All that a picture of gains shows."""

    title: str
    subtitle: str
    x_label: str
    groups: tuple[GainGroup, ...]
    x_limits: tuple[float, float]
    note: str

    @property
    def rows(self) -> tuple[GainRow, ...]:
        """Every comparison, from top to bottom."""
        return tuple(row for group in self.groups for row in group.rows)


def times(ratio: float) -> str:
    """Write a ratio with two decimals, or as many as it takes to tell it from one.

    >>> [times(value) for value in (1.0, 1.0512, 0.93, 1.0029, 1.00004, 12.345)]
    ['×1.00', '×1.05', '×0.93', '×1.003', '×1.00004', '×12.35']
    """
    apart = abs(ratio - 1)
    digits = 2 if apart >= 0.005 or apart < _SAME else math.ceil(-math.log10(apart))
    return f"×{ratio:,.{digits}f}"


def gains_info(
    frame: pd.DataFrame, title: str, subtitle: str = "", note: str = "", over: str = "its fair pair"
) -> GainsInfo:
    """Say what the picture of gains shows; `frame` is that of `gains_frame`, whose order it keeps."""
    limits = _x_limits(frame)
    groups: dict[str, list[GainRow]] = {}
    for _, row in frame.iterrows():
        groups.setdefault(str(row["group"]), []).append(_row(row, limits))
    return GainsInfo(
        title=title,
        subtitle=subtitle,
        x_label=f"Gain in top-1 over {over} [points]",
        groups=tuple(GainGroup(name, tuple(rows)) for name, rows in groups.items()),
        x_limits=limits,
        note=note,
    )


def _row(row: pd.Series, limits: tuple[float, float]) -> GainRow:
    gain = float(row["gain"])
    return GainRow(
        label=str(row["label"]),
        context=str(row["context"]),
        branch=str(row["branch"]),
        gain=gain,
        error=_known(row["error"]),
        one_seed=bool(row["one_seed"]),
        energy_ratio=_known(row["energy_ratio"]),
        beyond=(gain > limits[1]) - (gain < limits[0]),
    )


def _known(value: object) -> float | None:
    return None if value is None or math.isnan(float(str(value))) else float(str(value))


def _x_limits(frame: pd.DataFrame) -> tuple[float, float]:
    """Limits with zero between them and room for the errors; the few gains far beyond all others stay outside.

    One of those that lies on the axis after all, where errors are large, gets room for its own error.
    """
    gains, errors = frame["gain"].astype(float), frame["error"].astype(float).fillna(0.0)
    shown = gains.abs() <= _farthest(list(gains.abs()))
    while True:
        low = min(0.0, float((gains - errors)[shown].min()))
        high = max(0.0, float((gains + errors)[shown].max()))
        room = _AROUND * (high - low) or 1.0
        limits = low - room, high + room
        if not (more := gains.between(*limits) & ~shown).any():
            return limits
        shown |= more


def _farthest(sizes: Sequence[float]) -> float:
    """The largest size, or the largest of those that are left where a few lie far beyond them."""
    ordered = sorted(sizes)
    first = max(2, math.ceil(len(ordered) * (1 - _FAR_SHARE)))
    for at in range(first, len(ordered)):
        if ordered[at - 1] > 0 and ordered[at] > _FAR * ordered[at - 1]:
            return ordered[at - 1]
    return ordered[-1]
