"""Searches as points: how long each took as something grew, and the exponents with which the time grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

STEADY = 5000
"""From this many sets on, the time of a search is that of its arrays; below, that of calling numpy."""


@dataclass(frozen=True)
class Point:
    """One search, or some: what was varied, the sets of prime factors, the least CPU time of some rounds [s]."""

    varied: int
    sets: int
    cpu_s: float


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent of the power of x that y grows with, by least squares of the logarithms.

    >>> round(slope([1, 2, 4, 8], [3, 12, 48, 192]), 9)
    2.0
    """
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def slopes(series: Mapping[str, Sequence[Point]]) -> dict[str, float]:
    """How the time grows: with the sets, where there are many; with the levels; with the layers."""
    many = [point for point in series["factors"] if point.sets >= STEADY]
    exponents = {"sets": slope([point.sets for point in many], [point.cpu_s for point in many])}
    for name in ("levels", "levels that tiles compete for", "layers"):
        exponents[name] = slope(
            [point.varied for point in series[name]], [point.cpu_s for point in series[name]]
        )
    return exponents
