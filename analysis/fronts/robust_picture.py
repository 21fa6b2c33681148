"""What the picture of a tried front shows, in the units of its axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.fronts.robust import ATTAINED, Robustness
from analysis.plots.robust import Mark, RobustInfo
from analysis.plots.robust_drawing import draw_robust
from analysis.plots.style import axis_scale, write_drawn
from analysis.show.safe import file_stem

_NAMED, _NAMED_OF_MANY, _MANY = 0.05, 0.5, 18
"""Probability from which a design is named, where that names no more than so many, and else."""


def write_robust(found: Robustness, out: Path, title: str) -> list[Path]:
    """Draw what was found to a file, or as PNG and SVG into a folder."""
    return write_drawn(draw_robust(robust_info(found, title)), out, file_stem("robust", title))


def robust_info(found: Robustness, title: str) -> RobustInfo:
    """Say what the picture of a tried front shows."""
    scale = axis_scale(found.energies.energies_j.tolist(), "J")
    least = _NAMED if int((found.probability >= _NAMED).sum()) <= _MANY else _NAMED_OF_MANY
    marks = tuple(
        Mark(
            one.label, one.sort, float(found.energies.energies_j[at]) / scale.size, one.top1,
            float(found.probability[at]), bool(found.probability[at] >= least),
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
