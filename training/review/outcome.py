"""From the runs of a study to its outcome: every design's accuracy over its seeds, and its gain over its fair pair.

Nothing here is priced: the outcome is written as JSON, and whoever reads it puts costs beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from costmodel.designs.key import DesignKey
from costmodel.designs.outcome import Outcome, OutcomeRow, pooled_deviation, pooled_error, spread
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
        return spread(self.top1)


def gain(sample: Sample, against: Sample | None) -> float | None:
    """Difference of two means, in points; None where the other one is not measured.

    >>> gain(Sample((48.0, 50.0)), Sample((45.0,)))
    4.0
    """
    return None if against is None else sample.mean - against.mean


def gain_error(sample: Sample, against: Sample | None, deviation: float | None) -> float | None:
    """Calculate the standard error of a gain, in points, from the deviation over seeds that all designs share.

    None where the other one is not measured, and where no design of the study has two seeds.
    """
    if against is None or deviation is None:
        return None
    return float(pooled_error(deviation, len(sample.top1), len(against.top1)))


def outcome_of(
    plan: Plan, runs: Path, *, data: str = "", failures: Mapping[str, str] | None = None
) -> Outcome:
    """Collect what a folder of runs has of a plan; `failures` are sentences by the names of runs.

    Raises BnncostError for a damaged record, and where runs of the plan differ in more than design and seed.
    """
    specs = [job.spec(data or plan.images) for job in jobs_of(plan)]
    measured = {spec: made for spec in specs if (made := measurement_of(runs / spec.name, spec)) is not None}
    protocols = tuple(dict.fromkeys(made.protocol for made in measured.values()))
    if len(protocols) > 1:
        raise BnncostError(
            f"'{runs}' holds runs of plan '{plan.name}' that cannot be compared: {'; '.join(protocols)}. "
            "Train them with one data set in a folder of its own: name another --out."
        )
    samples = {
        design: Sample(tuple(made.top1 for spec, made in measured.items() if spec.design == design))
        for design in {spec.design for spec in measured}
    }
    deviation = pooled_deviation((sample.spread, len(sample.top1)) for sample in samples.values())
    comparisons = comparisons_of(plan)
    labels = {item.design: item.label for item in reversed(comparisons)}
    baseline = baseline_of(plan)
    return Outcome(
        plan=plan.name,
        title=plan.title,
        description=plan.description,
        protocols=protocols,
        baseline=str(baseline),
        switches=switches_of(plan),
        rows=tuple(
            _row(item, samples, labels, baseline, deviation) for item in comparisons if item.design in samples
        ),
        missing=tuple(dict.fromkeys(str(item.design) for item in comparisons if item.design not in samples)),
        failed=_failed(specs, measured, failures or {}),
    )


def _row(
    item: Comparison,
    samples: Mapping[DesignKey, Sample],
    labels: Mapping[DesignKey, str],
    baseline: DesignKey,
    deviation: float | None,
) -> OutcomeRow:
    sample = samples[item.design]
    plain = samples.get(baseline) if item.against is not None else None
    other = samples.get(item.against) if item.against is not None else None
    return OutcomeRow(
        label=item.label,
        role=item.role,
        method=item.method,
        design=str(item.design),
        seeds=len(sample.top1),
        top1_mean=sample.mean,
        top1_spread=sample.spread,
        gain=gain(sample, plain),
        gain_error=gain_error(sample, plain, deviation),
        against=None if item.against is None else str(item.against),
        against_label=None if item.against is None else labels[item.against],
        gain_against=gain(sample, other),
        gain_against_error=gain_error(sample, other, deviation),
    )


def _failed(
    specs: Iterable[RunSpec], measured: Mapping[RunSpec, Measurement], failures: Mapping[str, str]
) -> dict[str, str]:
    """Name failed runs by design and seed; a run that has ended since is not one of them."""
    return {
        f"{spec.design}, seed {spec.seed}": failures[spec.name]
        for spec in specs
        if spec.name in failures and spec not in measured
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
    switches = {}
    for hook, (name, plain) in SWITCHES.items():
        switches[name] = " and ".join(str(use) for use in uses if use.method.hook == hook) or plain
    for category, (name, plain) in _CATEGORIES.items():
        switches[name] = " and ".join(str(use) for use in uses if use.method.category == category) or plain
    optimizers = [str(use) for use in uses if METHODS[use.name].category == "optimizer"]
    switches["optimizer"] = " and ".join(optimizers) or plan.recipe.optimizer
    return switches
