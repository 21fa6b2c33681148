"""Which designs fit a set of budgets: all that have an accuracy priced, and sorted into what fits and what does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.costs.cost_columns import cost_values
from analysis.fronts.questions.budgets import Budget
from analysis.fronts.questions.known import Known
from analysis.fronts.questions.variants import Variant, base_of, variants_within
from costmodel import BnncostError, DesignKey, backbone_of, cost
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel


@dataclass(frozen=True)
class Candidate:
    """A design with an accuracy, its cost by column, and the memories off the chip that it needs."""

    known: Known
    values: Mapping[str, float]
    area_unit: str
    off_chip: tuple[str, ...]

    @property
    def energy_j(self) -> float:
        """Energy of one inference."""
        return self.values["energy_j"]

    def overruns(self, budgets: Iterable[Budget]) -> dict[str, float]:
        """By how much of its limit the design is beyond each budget; negative within."""
        return {one.name: one.overrun(self.values[one.column]) for one in budgets}

    def fails(self, budgets: Iterable[Budget], between: str) -> str:
        """Say which budgets the design misses, and by how much."""
        missed = [one for one in budgets if one.overrun(self.values[one.column]) > 0]
        return between.join(one.beyond_text(self.values[one.column]) for one in missed)

    def beyond(self, budgets: Iterable[Budget]) -> float:
        """The largest overrun: the distance to what fits; not above 0 where all budgets are kept."""
        return max(self.overruns(budgets).values(), default=0.0)


@dataclass(frozen=True)
class Answer:
    """What fits, the best first; what does not, the nearest first; what has a price alone; and what has none."""

    plain: DesignKey
    budgets: tuple[Budget, ...]
    fits: tuple[Candidate, ...]
    misses: tuple[Candidate, ...]
    price_only: tuple[Variant, ...]
    left_out: Mapping[str, str]

    @property
    def everything(self) -> tuple[Candidate, ...]:
        """Every design with an accuracy and a cost."""
        return (*self.fits, *self.misses)


def best_designs(
    known: Sequence[Known],
    plain: DesignKey,
    chip: HardwareProfile,
    budgets: tuple[Budget, ...],
    traffic: TrafficModel | None = None,
) -> Answer:
    """Price designs and sort them by the budgets.

    The most accurate is the best, of equals the one of least energy; where accuracy alone is demanded, it is the one of
    least energy. `plain` is widened, beside the best designs, for what has a price but no accuracy. Raises BnncostError
    where no design has a cost on the chip.
    """
    candidates: list[Candidate] = []
    left_out: dict[str, str] = {}
    for one in known:
        try:
            candidates.append(_priced(one, chip, traffic))
        except BnncostError as error:
            left_out[one.name] = str(error)
    if not candidates:
        raise BnncostError("\n".join(left_out.values()))
    within = [one for one in candidates if one.beyond(budgets) <= 0]
    beyond = [one for one in candidates if one.beyond(budgets) > 0]
    fits = tuple(sorted(within, key=_by_energy if _wants_accuracy_alone(budgets) else _by_accuracy))
    misses = tuple(sorted(beyond, key=lambda one: (one.beyond(budgets), *_by_accuracy(one))))
    firsts = (*_first_of_each_class(misses), *_first_of_each_class(fits))
    named = {one.key: one.label for one in known}
    variants = variants_within(_bases(plain, firsts, named), set(named), chip, budgets, traffic)
    return Answer(plain, budgets, fits, misses, variants, left_out)


def plain_design(network: str, dataset: str | None) -> DesignKey:
    """The plain BNN of a network on a data set, its usual one unless given; raises BnncostError for unknown names."""
    backbone_of(network)
    return DesignKey.parse(f"{network}/{dataset}" if dataset else network)


def _priced(known: Known, chip: HardwareProfile, traffic: TrafficModel | None) -> Candidate:
    priced = cost(known.key, chip, traffic=traffic)
    values = cost_values(priced)
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, (int, float))}
    return Candidate(
        known, numbers | {"top1": known.top1}, str(values["area_unit"]), tuple(priced.off_chip_bits)
    )


def _wants_accuracy_alone(budgets: Sequence[Budget]) -> bool:
    return bool(budgets) and all(one.is_accuracy for one in budgets)


def _by_accuracy(one: Candidate) -> tuple[float, float]:
    return -one.known.top1, one.energy_j


def _by_energy(one: Candidate) -> tuple[float, float]:
    return one.energy_j, -one.known.top1


def _first_of_each_class(ranked: Sequence[Candidate]) -> Iterable[Known]:
    first: dict[str, Known] = {}
    for one in ranked:
        first.setdefault(one.known.design_class, one.known)
    return first.values()


def _bases(plain: DesignKey, firsts: Iterable[Known], named: Mapping[DesignKey, str]) -> dict[DesignKey, str]:
    """What is widened, with its name: that of a design which is wide, or has narrow maps, is not that of its base."""
    bases = {plain: "plain BNN"}
    for one in firsts:
        base = base_of(one.key)
        bases.setdefault(base, one.label if base == one.key else named.get(base, str(base)))
    return bases
