"""Designs that have a price and no accuracy: the widest forms of known designs that the budgets allow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.costs.cost_columns import area_in_one_unit
from analysis.costs.runnable import reasons_against
from analysis.fronts.questions.budgets import Budget
from costmodel import DesignKey
from costmodel.evaluate.sweep import SweepResult, sweep
from costmodel.graph import precision
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
FEATURES = ("int16", "int8", "int4")
"""Precisions of the features that are tried, the usual one first."""
RIVALS = ("int8", "int4", "int3", "int2", "ternary", "fp32")
"""Operands of the networks of the same shape that a repaired BNN is held against."""


@dataclass(frozen=True)
class Variant:
    """A design without an accuracy, and what it costs; `fits` says whether within all budgets on cost."""

    label: str
    key: DesignKey
    energy_j: float
    latency_s: float
    area: float
    memory_bits: float
    fits: bool

    def overruns(self, budgets: Iterable[Budget]) -> dict[str, float]:
        """By how much of its limit the design is beyond each budget on cost; negative within."""
        return {one.name: one.overrun(getattr(self, one.column)) for one in budgets if not one.is_accuracy}


def variants_within(
    bases: Mapping[DesignKey, str],
    known: Collection[DesignKey],
    chip: HardwareProfile,
    budgets: Sequence[Budget],
    traffic: TrafficModel | None = None,
) -> tuple[Variant, ...]:
    """The widest form of each base that the budgets allow at each feature precision, and the rivals of its shape.

    `bases` are designs as `base_of` gives them with what they are called; the rivals are those of the first. Those
    whose accuracy is known are left out; so is all where no budget limits a cost. Rivals come last, whether they fit or
    not.
    """
    if all(one.is_accuracy for one in budgets):
        return ()
    forms = {form: label for base, label in bases.items() for form in _forms(base)}
    found = [_widest(row) for row in _priced(forms, WIDTHS, chip, budgets, traffic)]
    wide = [one for one in found if one is not None and one.key not in known]
    missing = _rivals_without(known, next(iter(bases)))
    rivals = [one for row in _priced(missing, (1.0,), chip, budgets, traffic) for one in row]
    return (*wide, *rivals)


def base_of(key: DesignKey) -> DesignKey:
    """A design at width 1 and the usual precision of its features: what its forms are named after."""
    narrow = replace(key, width=1.0)
    return narrow if precision(key.compute).kind == "float" else narrow.with_features(FEATURES[0])


def _rivals_without(known: Iterable[DesignKey], plain: DesignKey) -> dict[DesignKey, str]:
    """The networks of the plain one's shape with other operands of which no accuracy is known."""
    there = {one.compute for one in known if (one.network, one.width) == (plain.network, 1.0)}
    text = "{0.network}@compute={1}/{0.dataset}"
    return {DesignKey.parse(text.format(plain, one)): f"{one} network" for one in RIVALS if one not in there}


def _forms(base: DesignKey) -> Iterator[DesignKey]:
    """A base at every feature precision; networks in floating point have their own."""
    if precision(base.compute).kind == "float":
        yield base
        return
    yield from (base.with_features(features) for features in FEATURES)


def _widest(row: Sequence[Variant]) -> Variant | None:
    return next((one for one in reversed(row) if one.fits), None)


def _priced(
    designs: Mapping[DesignKey, str],
    widths: Sequence[float],
    chip: HardwareProfile,
    budgets: Sequence[Budget],
    traffic: TrafficModel | None,
) -> list[list[Variant]]:
    """The designs that the chip can run, each at every width."""
    against = reasons_against({str(one): one for one in designs}, chip, traffic=traffic)
    runnable = [one for one in designs if str(one) not in against]
    if not runnable:
        return []
    swept = sweep(runnable, np.array(widths), [chip], workers=1, traffic=traffic)
    return [
        [_variant(swept, (number, at, 0), designs[key], budgets) for at in range(len(widths))]
        for number, key in enumerate(runnable)
    ]


def _variant(
    swept: SweepResult, place: tuple[int, int, int], label: str, budgets: Sequence[Budget]
) -> Variant:
    number, at, _ = place
    key = replace(swept.designs[number], width=float(swept.widths[at]))
    areas = {unit: float(amounts[place]) for unit, amounts in swept.area.items()}
    _, area = area_in_one_unit({unit: amount for unit, amount in areas.items() if amount == amount})
    made = Variant(
        label=_called(label, key),
        key=key,
        energy_j=float(swept.energy_j[place]),
        latency_s=float(swept.latency_s[place]),
        area=area,
        memory_bits=sum(float(bits[number, at]) for bits in swept.memory_bits.values()),
        fits=False,
    )
    within = all(over <= 0 for over in made.overruns(budgets).values())
    return replace(made, fits=bool(swept.fits[place]) and within)


def _called(label: str, key: DesignKey) -> str:
    """Name a variant by what it is a variant of, and in what."""
    parts = [label] + ([f"width {key.width:g}"] if key.width != 1 else [])
    return ", ".join(parts + ([f"{key.features} features"] if key.features in FEATURES[1:] else []))
