"""Ranges: the cost of a design with all figures of a profile at the cheap end, as they stand, and at the costly end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from costmodel.evaluate.cost import AnyDesign, AnyProfile, as_profile, cost
from costmodel.evaluate.results import Cost
from costmodel.hardware.ends import at_end
from costmodel.pricing.price import TrafficModel


class Range(NamedTuple):
    """A result with the least and the largest that the three evaluations give."""

    low: float
    value: float
    high: float

    @classmethod
    def of(cls, best: float, value: float, worst: float) -> Range:
        """The range of a result that is `best` at the cheap end and `worst` at the costly one.

        Mostly these are the low and the high end. Where the best mapping at an end is another one, they need not be,
        and the range still holds all three.

        >>> Range.of(2.0, 1.0, 4.0)
        Range(low=1.0, value=1.0, high=4.0)
        """
        return cls(min(best, value, worst), value, max(best, value, worst))

    def to_dict(self) -> dict[str, float]:
        """JSON form."""
        return self._asdict()


@dataclass(frozen=True)
class CostRange:
    """Three costs of one design: all figures of the profile at the cheap end, as they stand, at the costly end.

    The ends are corners, at which every figure errs to the same side. They are no confidence interval.
    """

    low: Cost
    value: Cost
    high: Cost

    @property
    def energy_j(self) -> Range:
        """Energy of one inference [J]."""
        return Range.of(self.low.energy_j, self.value.energy_j, self.high.energy_j)

    @property
    def latency_s(self) -> Range:
        """Time of one inference [s]."""
        return Range.of(self.low.latency_s, self.value.latency_s, self.high.latency_s)

    @property
    def area(self) -> dict[str, Range]:
        """Area by resource, as in `Cost`."""
        return _by_name(self.low.area, self.value.area, self.high.area)

    @property
    def energy_split_j(self) -> dict[str, Range]:
        """Energy by what it is spent on [J], as in `Cost`."""
        return _by_name(self.low.energy_split_j, self.value.energy_split_j, self.high.energy_split_j)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: low, value and high of each total; `docs/json.md` describes it."""
        return {
            "energy_j": self.energy_j.to_dict(),
            "latency_s": self.latency_s.to_dict(),
            "area": {name: one.to_dict() for name, one in self.area.items()},
            "energy_split_j": {name: one.to_dict() for name, one in self.energy_split_j.items()},
        }


def cost_range(
    design: AnyDesign,
    profile: AnyProfile = "asic-45nm",
    *,
    folding: bool = True,
    traffic: TrafficModel | None = None,
) -> CostRange:
    """Price one inference of a design at both ends of a profile's ranges and as the profile stands.

    Three evaluations by the same functions; `costmodel.hardware.ends.at_end` says what moves. `folding` and `traffic`
    are those of `cost`, and it raises BnncostError as `cost` does.

    >>> costs = cost_range("resnet20/cifar10")
    >>> costs.low.latency_s < costs.value.latency_s < costs.high.latency_s
    True
    """
    chip = as_profile(profile)
    best, worst = at_end(chip, "best"), at_end(chip, "worst")
    return CostRange(*(cost(design, one, folding=folding, traffic=traffic) for one in (best, chip, worst)))


def _by_name(best: Any, value: Any, worst: Any) -> dict[str, Range]:
    return {name: Range.of(best[name], value[name], worst[name]) for name in value}
