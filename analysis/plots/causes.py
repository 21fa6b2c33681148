"""Energy by cause of designs side by side, or of the layers of one, as stacked bars in the order given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.plots.split import PARTS, Bar, SplitInfo
from analysis.plots.style import axis_scale
from analysis.show.breaking import broken
from analysis.show.units import readable

_LONGEST = 34
"""Characters of a line of a label."""


def causes_info(rows: Sequence[tuple[str, Mapping[str, float]]], title: str, subtitle: str = "") -> SplitInfo:
    """Say what the picture shows: each row's energy by part [J] under its label, with its total at the bar's end."""
    totals = [sum(parts.values()) for _, parts in rows]
    scale = axis_scale(totals, "J")
    bars = tuple(
        Bar(
            label="\n".join(broken(label, _LONGEST)),
            parts=tuple(parts.get(name, 0.0) / scale.size for name in PARTS),
            total=total / scale.size,
            text=readable(total, "J"),
            cut=False,
            binary=True,
        )
        for (label, parts), total in zip(rows, totals, strict=True)
    )
    limit = 1.02 * max(bar.total for bar in bars) or 1.0
    return SplitInfo(title, subtitle, f"Energy per inference [{scale.label}]", scale.label, bars, limit, "")
