"""Which figure of a profile matters: what each adds to an energy, and what its range does to it.

Energy is a sum of figures times exact counts. With everything held where it is (what lies in which memory, what moves,
the cycles of each mapping) it is linear in every energy and every power, and in every area that leaks, and what a range
does is exact. A memory of another size is another chip, and so is a port where layers are mapped: there, all is placed
and mapped anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from costmodel.demand.arrays import Demand
from costmodel.evaluate.cost import AnyDesign, AnyProfile, as_design, as_profile, check_placed, prepared
from costmodel.evaluate.figures import ENDS, Figure, figures_of
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import PointCosts, TrafficModel, held_energy_j, price

_ROUNDING = 1e-12
"""Share of an energy below which a difference is that of two sums."""


@dataclass(frozen=True)
class Effect:
    """What one figure does to the energy of one inference."""

    figure: Figure
    part_j: float | None
    """Energy in proportion to it [J]; None where energy is not linear in the figure or its inverse."""
    low_j: float | None
    """Energy with the figure at the low end of its range [J]; None where the design does not fit then."""
    high_j: float | None
    """Energy with the figure at the high end of its range [J]; None where the design does not fit then."""
    swing_j: float
    """How far these ends and the energy as it stands lie apart [J]."""
    share: float | None
    """Share of its swing in those of all figures; None without a range of the profile, and for another chip."""


@dataclass(frozen=True)
class Sensitivity:
    """The figures that the energy of a design on a profile hangs on, those of the largest swing first.

    `low_j` and `high_j` are the energy with all figures that have a `share` at the end where it is less, and more [J].
    """

    design: str
    profile: str
    traffic: TrafficModel
    energy_j: float
    low_j: float
    high_j: float
    effects: tuple[Effect, ...]
    anew: bool = True
    """Whether figures are among them that all is mapped anew for."""

    @property
    def spread_j(self) -> float:
        """The swings that have a share, added up [J]."""
        return sum(effect.swing_j for effect in self.effects if effect.share is not None)

    @property
    def heaviest_assumption(self) -> Effect | None:
        """The figure of the largest swing that is neither published nor measured; None if no such figure matters."""
        return next((one for one in self.effects if one.figure.assumed and one.swing_j > 0), None)


def sensitivity(
    design: AnyDesign,
    profile: AnyProfile = "asic-45nm",
    *,
    traffic: TrafficModel | None = None,
    anew: bool = True,
) -> Sensitivity:
    """Find what every figure of a profile does to the energy of a design; raises BnncostError as `cost` does.

    Without `anew`, figures are left out at each end of which every layer is mapped anew: sizes of memories, and ports
    where traffic is mapped.

    >>> found = sensitivity("resnet20/cifar10")
    >>> abs(sum(one.part_j for one in found.effects if one.figure.law == "linear") / found.energy_j - 1) < 1e-9
    True
    """
    return sensitivity_of(held(design, profile, traffic), anew=anew)


@dataclass(frozen=True, eq=False)
class Held:
    """One design priced on one profile, to be priced again with other figures."""

    design: str
    demand: Demand
    points: PointCosts

    @property
    def profile(self) -> HardwareProfile:
        """The chip as it stands."""
        return self.points.setting.profile

    @property
    def energy_j(self) -> float:
        """Energy of one inference [J]."""
        return float(self.points.energy.total_j[0])

    def energy_on(self, profile: HardwareProfile, figure: Figure | None = None) -> float | None:
        """Energy on the profile with other figures [J], everything held; for another chip all is mapped anew.

        None where the design does not fit.
        """
        if profile is self.profile:
            return self.energy_j
        if figure is None or figure.law != "another chip":
            return float(held_energy_j(self.points, self.demand, profile)[0])
        points = price(self.demand, profile, self.points.traffic)
        return None if points.setting.placement.unplaced_bits[0] > 0 else float(points.energy.total_j[0])


def held(design: AnyDesign, profile: AnyProfile, traffic: TrafficModel | None = None) -> Held:
    """Price a design, to hold it; raises BnncostError as `cost` does."""
    key, chip = as_design(design), as_profile(profile)
    return held_demand(prepared(key).demand, chip, str(key), traffic)


def held_demand(
    demand: Demand, profile: HardwareProfile, name: str, traffic: TrafficModel | None = None
) -> Held:
    """Price a demand, to hold it; raises BnncostError for what does not fit."""
    points = price(demand, profile, traffic)
    check_placed(points, name)
    return Held(name, demand, points)


def sensitivity_of(one: Held, *, anew: bool = True) -> Sensitivity:
    """Find what every figure does to the energy of a held design; `anew` is as in `sensitivity`."""
    figures = [figure for figure in figures_of(one.points) if anew or figure.law != "another chip"]
    effects = [effect for figure in figures if (effect := _effect(one, figure))]
    spread = sum(effect.swing_j for effect in effects if _shares(effect))
    shared = [
        replace(effect, share=effect.swing_j / spread if spread and _shares(effect) else None)
        for effect in effects
    ]
    return Sensitivity(
        design=one.design,
        profile=one.profile.name,
        traffic=one.points.traffic,
        energy_j=one.energy_j,
        low_j=_together(one, effects, cheap=True),
        high_j=_together(one, effects, cheap=False),
        effects=tuple(sorted(shared, key=lambda one: (-one.swing_j, -(one.part_j or 0.0), one.figure.place))),
        anew=anew,
    )


def _effect(one: Held, figure: Figure) -> Effect | None:
    """What a figure does; None where it does nothing."""
    low, high = (one.energy_on(figure.at_end(one.profile, end), figure) for end in ENDS)
    part = part_of(one, figure)
    known = [energy for energy in (low, one.energy_j, high) if energy is not None]
    swing = max(known) - min(known)
    negligible = _ROUNDING * one.energy_j
    if (part is None or part <= negligible) and swing <= negligible and None not in (low, high):
        return None
    return Effect(figure, part, low, high, swing, None)


def part_of(one: Held, figure: Figure) -> float | None:
    """Energy in proportion to a figure [J]; None where energy is not linear in it."""
    if figure.law not in ("linear", "leaking"):
        return None
    twice = one.energy_on(figure.scaled(one.profile, 2.0))
    assert twice is not None  # only another chip may be too small
    return twice - one.energy_j


def _shares(effect: Effect) -> bool:
    """Whether a figure has a range of the profile over which everything is held."""
    return effect.figure.stated and effect.figure.law != "another chip"


def _together(one: Held, effects: list[Effect], *, cheap: bool) -> float:
    """Energy with every figure that has a share at the end where it is least, or largest [J]."""
    chip = one.profile
    for effect in filter(_shares, effects):
        assert effect.low_j is not None and effect.high_j is not None
        low_is_cheap = effect.low_j <= effect.high_j
        chip = effect.figure.at_end(chip, "low" if low_is_cheap is cheap else "high")
    energy = one.energy_on(chip)
    assert energy is not None
    return energy
