"""Energies of several designs while all figures of a profile move within their ranges, the same for every design.

Everything is held (what lies where, what moves, the cycles of each mapping), so an energy is linear in each energy
and power, and on a processor in the cycles of each operation; a draw is then a product of matrices. What would map a
layer anew, and the clock, are held: `sensitivity` says what these do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.evaluate.figures import Figure, figures_of
from costmodel.pricing.price import PointCosts, held_energy_j

APART = 3.0
"""Ends of a range that are so many times apart are no error of one measurement but two answers."""
_ENDS_AND_MIDDLE = 3
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


@dataclass(frozen=True, eq=False)
class UncertainEnergies:
    """Energies that designs have on one profile, by the figures that can move.

    `parts_j` (D, F) is the energy of each design in proportion to each energy or power of `figures`, and `by_rate_j`
    (D, F, R) what is in proportion to each of `rates` too, the cycles of an operation on a processor. `low` and
    `high` (D, F + R) are the ends of each range by its value; they differ between designs where the size of a memory
    does. `causes` names what moves together: the figures of one source, while an assumed one stands alone.
    """

    profile: str
    energies_j: np.ndarray
    figures: tuple[Figure, ...]
    rates: tuple[Figure, ...]
    parts_j: np.ndarray
    by_rate_j: np.ndarray
    low: np.ndarray
    high: np.ndarray
    causes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What can move, each once."""
        return tuple(dict.fromkeys(self.causes))

    def moved_by(self, cause: str) -> tuple[Figure, ...]:
        """The figures that move together."""
        everything = (*self.figures, *self.rates)
        return tuple(figure for figure, name in zip(everything, self.causes, strict=True) if name == cause)

    def at(self, quantiles: Mapping[str, np.ndarray]) -> np.ndarray:
        """Energies (D, N) [J] with each cause at N quantiles of its figures' ranges; one not given stays as it is."""
        drawn = np.ones((len(self.energies_j), len(self.causes), len(next(iter(quantiles.values())))))
        for number, cause in enumerate(self.causes):
            if cause in quantiles:
                drawn[:, number] = at_quantile(
                    quantiles[cause][None, :], self.low[:, number, None], self.high[:, number, None]
                )
        count = len(self.figures)
        energy, rate = drawn[:, :count], drawn[:, count:]
        fixed = self.energies_j - self.parts_j.sum(axis=1)
        total = fixed[:, None] + np.einsum("df,dfn->dn", self.parts_j, energy)
        if self.rates:
            total += np.einsum("dfr,dfn,drn->dn", self.by_rate_j, energy, rate - 1.0, optimize=True)
        return np.asarray(total)

    def shares(self) -> dict[str, float]:
        """The share of each cause in the variance of the designs' energies, alone and with all others as they are.

        By quadrature, not by draws; an energy counts by its ratio to what it is. On an array, where energies are
        linear and causes independent, these are all of the variance.
        """
        quantiles = (_NODES + 1.0) / 2.0
        found = {}
        for cause in self.names:
            ratios = self.at({cause: quantiles}) / self.energies_j[:, None]
            mean = ratios @ _WEIGHTS / 2.0
            found[cause] = float((((ratios - mean[:, None]) ** 2) @ _WEIGHTS / 2.0).mean())
        whole = sum(found.values())
        return {
            cause: variance / whole if whole else 0.0
            for cause, variance in sorted(found.items(), key=lambda one: -one[1])
        }


def at_quantile(quantile: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The factor on a value at a quantile of its range, whose ends are `low` and `high` times the value.

    Its logarithm has a triangular density with the value as its mode. Ends that are `APART` or more times apart are
    answers that differ: the low one, the value and the high one are then equally likely, with nothing between.

    >>> at_quantile(np.array([0.0, 0.5, 1.0]), np.array(0.5), np.array(1.25)).round(3).tolist()
    [0.5, 0.878, 1.25]
    >>> at_quantile(np.array([0.1, 0.5, 0.9]), np.array(0.5), np.array(5.0)).tolist()
    [0.5, 1.0, 5.0]
    """
    below, above = -np.log(low), np.log(high)
    width = below + above
    turn = np.divide(below, width, out=np.zeros_like(width), where=width > 0)
    rising = -below + np.sqrt(quantile * width * below)
    falling = above - np.sqrt((1.0 - quantile) * width * above)
    smooth = np.exp(np.where(quantile < turn, rising, falling))
    third = np.minimum((quantile * _ENDS_AND_MIDDLE).astype(int), _ENDS_AND_MIDDLE - 1)
    answers = np.where(third == 0, low, np.where(third == 1, 1.0, high))
    return np.where(high >= APART * low, answers, smooth)


def uncertain_energies(demand: Demand, points: PointCosts) -> UncertainEnergies:
    """Find how the energies of priced designs, a point of the demand each, follow the figures that have a range."""
    chip = points.setting.profile
    by_place: dict[str, dict[int, Figure]] = {}
    for at in range(demand.points):
        for figure in figures_of(points, at, (demand.total_counts[:, at] > 0).tolist()):
            if figure.low != figure.high and figure.value > 0:
                by_place.setdefault(figure.place, {})[at] = figure
    mine = {place: next(iter(found.values())) for place, found in by_place.items()}
    energy = [place for place, figure in mine.items() if figure.law == "linear"]
    rates = [place for place in mine if chip.processor is not None and place.endswith(".cycles")]
    moving = [*energy, *rates]

    def at_twice(*places: str) -> np.ndarray:
        changed = chip
        for place in places:
            changed = mine[place].scaled(changed, 2.0)
        return held_energy_j(points, demand, changed)

    now, twice = np.asarray(points.energy.total_j), {place: at_twice(place) for place in moving}
    shape = (demand.points, len(energy), len(rates))
    parts, by_rate = np.zeros(shape[:2]), np.zeros(shape)
    low, high = np.ones((2, demand.points, len(moving)))
    for number, place in enumerate(energy):
        parts[:, number] = twice[place] - now
        for other, rate in enumerate(rates):
            by_rate[:, number, other] = at_twice(place, rate) - twice[place] - twice[rate] + now
    for number, place in enumerate(moving):
        for at in range(demand.points):
            figure = by_place[place].get(at, mine[place])
            low[at, number], high[at, number] = figure.low / figure.value, figure.high / figure.value
    return UncertainEnergies(
        profile=chip.name,
        energies_j=now,
        figures=tuple(mine[place] for place in energy),
        rates=tuple(mine[place] for place in rates),
        parts_j=parts,
        by_rate_j=by_rate,
        low=low,
        high=high,
        causes=tuple(map(_cause, (mine[place] for place in moving))),
    )


def _cause(figure: Figure) -> str:
    """What errs with a figure: all that its source says, or nothing where it was assumed for itself."""
    return figure.place if figure.status == "assumed" else figure.source
