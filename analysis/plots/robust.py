"""The picture of a tried front: what it shows, in the units of its axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.show.classes import DesignClass
from analysis.show.words import accuracy_text


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
    """All that the picture shows: designs, and lines that a share [%] of the drawn fronts attains."""

    title: str
    subtitle: str
    x_label: str
    marks: tuple[Mark, ...]
    lines: tuple[tuple[float, np.ndarray], ...]


def mark_label(mark: Mark) -> str:
    """Name of a design, with its probability where that is not sure, and its accuracy where it is."""
    if mark.probability >= 0.95:
        return f"{mark.label} {accuracy_text(mark.top1)}"
    return f"{mark.label} ({100 * mark.probability:.0f} %)"
