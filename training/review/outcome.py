"""What a study has found so far: every design's accuracy over its seeds, and its gain over its fair pair.

Nothing here is priced: the outcome is written as JSON, and whoever reads it puts cost beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from costmodel.designs.key import DesignKey
from costmodel.designs.records import Measurement
from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from training.review.comparisons import Comparison, baseline_of, comparisons_of, jobs_of
from training.review.plan import Plan
from training.run.folders import RunSpec, measurement_of


@dataclass(frozen=True)
class Sample:
    """Top-1 accuracies [%] of one design, one for each seed."""

    top1: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return fmean(self.top1)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None for one seed."""
        return stdev(self.top1) if len(self.top1) > 1 else None


def gain(sample: Sample, against: Sample | None) -> float | None:
    """Difference of two means, in points; None where the other one is not measured.

    >>> gain(Sample((48.0, 50.0)), Sample((45.0,)))
    4.0
    """
    return None if against is None else sample.mean - against.mean


def gain_error(sample: Sample, against: Sample | None) -> float | None:
    """Standard error of the difference of two means, in points; None unless both have two seeds or more.

    The square root of s1²/n1 + s2²/n2, with the sample variances of the two designs (Welch 1947).
    """
    if against is None or sample.spread is None or against.spread is None:
        return None
    return math.sqrt(sample.spread**2 / len(sample.top1) + against.spread**2 / len(against.top1))


@dataclass(frozen=True)
class Row:
    """One comparison: a design, its accuracy [%], and what it gained [points] over the plain BNN and over `against`.

    `label` is the design's name in the study, `against_label` that of its fair pair; `method` is what is studied.
    """

    label: str
    role: str
    method: str
    design: str
    seeds: int
    top1_mean: float
    top1_spread: float | None
    gain: float | None
    gain_error: float | None
    against: str | None
    against_label: str | None
    gain_against: float | None
    gain_against_error: float | None


@dataclass(frozen=True)
class Outcome:
    """All that a study has found: its rows, and which designs are not measured yet or could not be trained.

    `switches` says how the baseline is built where repairs have a choice; `protocols` has one entry unless runs of
    unlike data lie in one folder.
    """

    plan: str
    title: str
    description: str
    protocols: tuple[str, ...]
    baseline: str
    switches: Mapping[str, str]
    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    failed: Mapping[str, str]

    def to_json(self) -> str:
        """Write as one JSON object."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def to_mapping(self) -> dict[str, Any]:
        """Give what the JSON says, as plain values."""
        values: dict[str, Any] = json.loads(self.to_json())
        return values


def outcome_of(
    plan: Plan, runs: Path, *, data: str = "", failures: Mapping[str, str] | None = None
) -> Outcome:
    """Collect what a folder of runs has of a plan; `failures` are sentences by the names of runs.

    Raises BnncostError for a damaged record, and where runs of the plan differ in more than design and seed.
    """
    specs = [job.spec(data or plan.images) for job in jobs_of(plan)]
    found = {spec: made for spec in specs if (made := measurement_of(runs / spec.name, spec)) is not None}
    protocols = tuple(dict.fromkeys(made.protocol for made in found.values()))
    if len(protocols) > 1:
        raise BnncostError(
            f"'{runs}' holds runs of plan '{plan.name}' that cannot be compared: {'; '.join(protocols)}. "
            "Train them with one data set in a folder of its own: name another --out."
        )
    samples = {
        design: Sample(tuple(made.top1 for spec, made in found.items() if spec.design == design))
        for design in {spec.design for spec in found}
    }
    comparisons = comparisons_of(plan)
    labels = {item.design: item.label for item in reversed(comparisons)}
    baseline = baseline_of(plan)
    return Outcome(
        plan.name, plan.title, plan.description, protocols, str(baseline), switches_of(plan),
        tuple(_row(item, samples, labels, baseline) for item in comparisons if item.design in samples),
        tuple(dict.fromkeys(str(item.design) for item in comparisons if item.design not in samples)),
        _failed(specs, found, failures or {}),
    )  # fmt: skip


def _row(
    item: Comparison,
    samples: Mapping[DesignKey, Sample],
    labels: Mapping[DesignKey, str],
    baseline: DesignKey,
) -> Row:
    sample = samples[item.design]
    plain = samples.get(baseline) if item.against is not None else None
    other = samples.get(item.against) if item.against is not None else None
    return Row(
        label=item.label,
        role=item.role,
        method=item.method,
        design=str(item.design),
        seeds=len(sample.top1),
        top1_mean=sample.mean,
        top1_spread=sample.spread,
        gain=gain(sample, plain),
        gain_error=gain_error(sample, plain),
        against=None if item.against is None else str(item.against),
        against_label=None if item.against is None else labels[item.against],
        gain_against=gain(sample, other),
        gain_against_error=gain_error(sample, other),
    )


def _failed(
    specs: Iterable[RunSpec], found: Mapping[RunSpec, Measurement], failures: Mapping[str, str]
) -> dict[str, str]:
    """Name failed runs by design and seed; a run that has ended since is not one of them."""
    return {
        f"{spec.design}, seed {spec.seed}": failures[spec.name]
        for spec in specs
        if spec.name in failures and spec not in found
    }


SWITCHES = {
    "activation": ("non-linearity after the shortcut", "none"),
    "inner_shortcut": ("shortcuts of a block", "one round two convolutions"),
    "gate": ("gate on the branch", "none"),
    "after_convolution": ("scale behind the convolution", "none besides batch norm"),
}
_CATEGORIES = {
    "feature binarizer": ("gradient of the features' sign", "straight through where |x| <= 1"),
    "feature normalization": (
        "normalization before the sign",
        "none: batch norm stands behind the convolution",
    ),
    "weight binarizer": ("gradient of the weights' sign", "straight through where |w| <= 1"),
    "weight normalization": ("normalization of weights", "none"),
}


def switches_of(plan: Plan) -> dict[str, str]:
    """Say how the baseline is built at each place where a repair could change it."""
    uses = baseline_of(plan).methods
    told = {}
    for hook, (name, plain) in SWITCHES.items():
        told[name] = " and ".join(str(use) for use in uses if use.method.hook == hook) or plain
    for category, (name, plain) in _CATEGORIES.items():
        told[name] = " and ".join(str(use) for use in uses if use.method.category == category) or plain
    optimizers = [str(use) for use in uses if METHODS[use.name].category == "optimizer"]
    told["optimizer"] = " and ".join(optimizers) or plan.recipe.optimizer
    return told
