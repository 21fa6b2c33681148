"""Between two designs: which figure would turn their order, and where.

Everything is held (what lies where, what moves, the cycles of each mapping), so that both energies are linear in each
energy and power, and the figure at which they are equal is exact. For the size of a memory, and for a port where layers
are mapped, both designs are placed and mapped anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from costmodel.evaluate.cost import AnyDesign, AnyProfile, as_profile
from costmodel.evaluate.figures import ENDS, Figure, Law, figures_of
from costmodel.evaluate.sensitivity import Held, held
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

_ROUNDING = 1e-12
"""Share of an energy below which a difference is that of two sums."""
_NOTHING = 1e-9
"""A figure that would have to be so many times as large would have to be zero, and differs from it by rounding."""
_FARTHEST = 1000.0
"""Where energy is linear in neither a figure nor its inverse, it is searched so many times above and below."""
_STEPS = 61
_HALVINGS = 8
"""Of a range, in each of which two designs are mapped anew."""
Energies = Callable[[float], tuple[float, float] | None]
"""Both energies [J] with a figure so many times as large; None where a design does not fit."""


@dataclass(frozen=True)
class Turn:
    """What one figure does to the difference of two energies, and where it makes them equal."""

    figure: Figure
    low_j: float | None
    """First energy less the second at the low end of the range [J]; None where a design does not fit then."""
    high_j: float | None
    """The same at the high end [J]."""
    break_even: float | None
    """Value above zero at which both are equal, in the unit of the figure, the nearest one; None if there is none.

    That of a memory that fits the network is its value at the size for the first design; the other's changes alike.
    """

    @property
    def factor(self) -> float:
        """How many times the figure would have to change, up or down; infinite where no value turns the order."""
        if self.break_even is None or self.figure.value == 0:
            return math.inf
        return math.exp(abs(math.log(self.break_even / self.figure.value)))

    @property
    def within(self) -> bool:
        """Whether it turns the order inside its range."""
        return self.break_even is not None and self.figure.low <= self.break_even <= self.figure.high


@dataclass(frozen=True)
class Comparison:
    """Two designs on one profile, and the figures that their order hangs on: those within their range first."""

    design: str
    than: str
    profile: str
    traffic: TrafficModel
    energy_j: float
    than_energy_j: float
    turns: tuple[Turn, ...]

    @property
    def difference_j(self) -> float:
        """Energy of the first less that of the second [J]; zero where that is rounding alone."""
        return _less(self.energy_j, self.than_energy_j)

    @property
    def nearest(self) -> Turn | None:
        """The figure that would turn the order first; None where no single one does."""
        return next((turn for turn in self.turns if turn.break_even is not None), None)


def compare(
    design: AnyDesign,
    than: AnyDesign,
    profile: AnyProfile = "asic-45nm",
    *,
    traffic: TrafficModel | None = None,
) -> Comparison:
    """Find which figures of a profile would turn the order of two designs by energy.

    Raises BnncostError as `cost` does.

    >>> compare("resnet20[double_residual]", "resnet20").nearest is None  # it does what the plain one does, and more
    True
    """
    chip = as_profile(profile)
    return comparison_of(held(design, chip, traffic), held(than, chip, traffic))


def comparison_of(one: Held, other: Held) -> Comparison:
    """Find which figures would turn the order of two held designs on one profile."""
    figures = {figure.place: figure for design in (other, one) for figure in figures_of(design.points)}
    turns = [turn for figure in figures.values() if (turn := _turn(one, other, figure))]
    return Comparison(
        design=one.design,
        than=other.design,
        profile=one.profile.name,
        traffic=one.points.traffic,
        energy_j=one.energy_j,
        than_energy_j=other.energy_j,
        turns=tuple(sorted(turns, key=lambda turn: (not turn.within, turn.factor, -_swing(turn)))),
    )


def _less(one_j: float, other_j: float) -> float:
    """One energy less another [J], without what is rounding alone."""
    difference = one_j - other_j
    return difference if abs(difference) > _ROUNDING * max(one_j, other_j) else 0.0


def _turn(one: Held, other: Held, figure: Figure) -> Turn | None:
    """What a figure does to the difference; None where it does nothing."""

    def energies(factor: float) -> tuple[float, float] | None:
        return _both_on(figure.scaled(one.profile, factor), one, other, figure)

    now = _less(one.energy_j, other.energy_j)
    low, high = (_difference(_both_on(figure.at_end(one.profile, end), one, other, figure)) for end in ENDS)
    even = _SEARCHES[figure.law](figure, now, energies) if now else None
    moved = max((abs(end - now) for end in (low, high) if end is not None), default=math.inf)
    if even is None and moved <= _ROUNDING * max(one.energy_j, other.energy_j) and None not in (low, high):
        return None
    return Turn(figure, low, high, None if even is None else even * figure.value)


def _both_on(chip: HardwareProfile, one: Held, other: Held, figure: Figure) -> tuple[float, float] | None:
    """Both energies on a chip with another value of a figure [J]; None where a design does not fit there."""
    first, second = (design.energy_on(chip, figure) for design in (one, other))
    return None if first is None or second is None else (first, second)


def _difference(both: tuple[float, float] | None) -> float | None:
    return None if both is None else both[0] - both[1]


def _swing(turn: Turn) -> float:
    return abs((turn.high_j or 0.0) - (turn.low_j or 0.0))


# ---------------------------------------------------------------- the factor at which a difference is zero


def _linear(figure: Figure, now: float, energies: Energies) -> float | None:
    """Zero of `now + (factor - 1) * slope`."""
    return _zero(now, _difference(energies(2.0)))


def _inverse(figure: Figure, now: float, energies: Energies) -> float | None:
    """Zero of `now + (1 / factor - 1) * slope`."""
    found = _zero(now, _difference(energies(0.5)))
    return None if found is None else 1 / found


def _root(figure: Figure, now: float, energies: Energies) -> float | None:
    """Zero of `now + (sqrt(factor) - 1) * slope`."""
    found = _zero(now, _difference(energies(4.0)))
    return None if found is None else found**2


def _zero(now: float, at_two: float | None) -> float | None:
    """Where a line that is `now` at 1 and `at_two` at 2 is zero, if that is above zero and not by rounding."""
    slope = 0.0 if at_two is None else at_two - now
    found = 0.0 if slope == 0 else 1 - now / slope
    return found if _NOTHING < found < 1 / _NOTHING else None


def _piecewise(figure: Figure, now: float, energies: Energies) -> float | None:
    """The zero nearest to 1 between the knots of a grid on a logarithmic axis."""
    upwards = [math.exp(math.log(_FARTHEST) * step / _STEPS) for step in range(_STEPS + 1)]
    found = [_first_zero(now, energies, path) for path in (upwards, [1 / factor for factor in upwards])]
    return min((one for one in found if one), key=lambda factor: abs(math.log(factor)), default=None)


def _first_zero(now: float, energies: Energies, factors: list[float]) -> float | None:
    """The first zero along a row of factors that begins at 1.

    It ends where both energies are those of its end: a port that is no longer the slowest part never is again.
    """
    from scipy.optimize import brentq  # a third of a second, which only two designs that are compared pay

    def difference(factor: float) -> float:
        return _difference(energies(factor)) or 0.0

    at_end = energies(factors[-1])
    for before, after in pairwise(factors):
        both = energies(after)
        there = _difference(both)
        if there is not None and there * now <= 0:
            return float(brentq(difference, *sorted((before, after)), xtol=1e-12))
        if both == at_end:
            break
    return None


def _another_chip(figure: Figure, now: float, energies: Energies) -> float | None:
    """A value in the range across which the order turns, to a hundredth or so; sizes and ports may turn it in steps."""
    for end in (figure.low, figure.high):
        same, turned = 1.0, end / figure.value
        there = _difference(energies(turned))
        if there is None or there * now >= 0:
            continue
        for _ in range(_HALVINGS):
            middle = math.sqrt(same * turned)
            there = _difference(energies(middle))
            same, turned = (middle, turned) if there is not None and there * now > 0 else (same, middle)
        return turned
    return None


_SEARCHES: Mapping[Law, Callable[[Figure, float, Energies], float | None]] = MappingProxyType(
    {
        "linear": _linear,
        "leaking": _linear,
        "inverse": _inverse,
        "root": _root,
        "piecewise": _piecewise,
        "another chip": _another_chip,
    }
)
