"""Where an estimator's records come from: the shipped measurements, a file, or a folder of runs, of one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.accuracy.estimate import Estimator
from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.measurements import MEASURED, holds_measurements, load_measurements
from analysis.accuracy.outcome import outcome_of, shipped_outcomes, spread_of
from analysis.accuracy.studies import MeasuredDesign, Study, pooled_spread, select, studies
from costmodel import BnncostError, DesignKey


def load_estimator(
    source: str, network: str | None = None, dataset: str | None = None, recipe: str | None = None
) -> Estimator:
    """The estimator of the records in `source` that are of one network, data set and protocol.

    `source` is "measured" (the shipped records), a CSV of measurements or of the columns design,top1, or a folder of
    runs. Raises BnncostError where records are of several protocols, naming the recipes to choose from.
    """
    if not holds_measurements(source):
        if recipe is not None:
            raise BnncostError(
                f"--recipe chooses among measurements, and '{source}' says no recipe; leave it away."
            )
        records = _bare(source, network, dataset)
        return Estimator.of(records, Path(source).name, pooled_spread(records) or assumed_deviation())
    found = select(studies(load_measurements(source)), network, dataset, recipe)
    if len(found) > 1:
        named = " or ".join(f"--recipe {study.recipe}" for study in found)
        if len({study.recipe for study in found}) < len(found):
            named = " or ".join(f"--recipe {study.recipe_digest}" for study in found)
        raise BnncostError(
            f"the records are of {len(found)} protocols, whose accuracies are not comparable; choose with {named}."
        )
    return estimator_of(found[0], shipped=source == MEASURED)


def estimator_of(study: Study, *, shipped: bool) -> Estimator:
    """The estimator of a study's designs, exported integer networks included."""
    known = shipped_outcomes() if shipped else ()
    return Estimator.of(
        study.designs, study.protocol, spread_of(outcome_of(study, known)) or assumed_deviation()
    )


def assumed_deviation() -> float:
    """Deviation over seeds [points] where no design has several: that of the first shipped study that knows one."""
    return next(found for one in shipped_outcomes() if (found := spread_of(one)) is not None)


def _bare(source: str, network: str | None, dataset: str | None) -> Sequence[MeasuredDesign]:
    """The designs of a file without a protocol, each with the mean of its figures."""
    figures: dict[DesignKey, list[float]] = {}
    for one in load_accuracy(source):
        if network in (None, one.key.network) and dataset in (None, one.key.dataset):
            figures.setdefault(one.key, []).append(one.top1)
    return [MeasuredDesign.of(key, top1) for key, top1 in figures.items()]
