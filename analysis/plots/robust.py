"""The picture of a tried front: what it shows, in the units of its axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fronts.robust import ATTAINED, Robustness
from analysis.plots.style import axis_scale
from analysis.show.classes import DesignClass
from analysis.show.words import accuracy_text

_NAMED = 0.05
"""Probability from which a design is named."""


@dataclass(frozen=True)
class Mark:
    """One design: where it stands, and how likely it is on the front."""

    label: str
    sort: DesignClass
    x: float
    top1: float
    probability: float
    named: bool


@dataclass(frozen=True)
class RobustInfo:
    """All that the picture shows: designs, and the lines that a share of the drawn fronts attains, by that share [%]."""

    title: str
    subtitle: str
    x_label: str
    marks: tuple[Mark, ...]
    lines: tuple[tuple[float, np.ndarray], ...]


def robust_info(found: Robustness, title: str) -> RobustInfo:
    """Say what the picture of a tried front shows."""
    scale = axis_scale(found.energies.energies_j.tolist(), "J")
    marks = tuple(
        Mark(
            one.label, one.sort, float(found.energies.energies_j[at]) / scale.size, one.top1,
            float(found.probability[at]), bool(found.now[at] or found.probability[at] >= _NAMED),
        )
        for at, one in enumerate(found.candidates)
    )  # fmt: skip
    lines = []
    for percent in ATTAINED:
        points = found.band[np.isclose(found.band[:, 2], percent)]
        points = points[np.argsort(points[:, 0])]
        lines.append((percent, np.column_stack([points[:, 0] / scale.size, points[:, 1]])))
    sure = sum(1 for one in marks if one.probability >= 0.95)
    return RobustInfo(
        title=f"Does the front survive? {title}",
        subtitle=f"{found.draws:,} draws of all figures within their ranges, the same for every design; {sure} of "
        f"{len(marks)} designs are on the front in 95 % of them",
        x_label=f"Energy per inference [{scale.label}]",
        marks=marks,
        lines=tuple(lines),
    )


def mark_label(mark: Mark) -> str:
    """Name of a design, with its probability where that is not sure, and its accuracy where it is."""
    if mark.probability >= 0.95:
        return f"{mark.label} {accuracy_text(mark.top1)}"
    return f"{mark.label} ({100 * mark.probability:.0f} %)"
