"""The designs whose front is tried: published, measured or of the user's own, each with what a seed does to it."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.accuracy.literature import LITERATURE, by_design, for_network, load_accuracy
from analysis.accuracy.measurements import MEASURED, holds_measurements, load_measurements
from analysis.accuracy.outcome import names_in, outcome_of, shipped_outcomes
from analysis.accuracy.studies import Study, pooled_spread, select, studies
from analysis.fronts.accuracy_rows import accuracy_of, runnable
from analysis.fronts.added import added_figures
from analysis.fronts.belonging import check_added, place_of, runnable_models
from analysis.fronts.from_studies import runnable_designs
from analysis.fronts.robust import ONE_RUN_POINTS, Candidate
from analysis.show.classes import DesignClass, class_of
from analysis.show.words import network_title
from costmodel import DATASETS, BnncostError, backbone_of
from costmodel.errors import unknown
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel


def candidates_of(
    network: str | None,
    dataset: str | None,
    chip: HardwareProfile,
    accuracy: str = LITERATURE,
    recipe: str | None = None,
    add: Sequence[str] = (),
    traffic: TrafficModel | None = None,
) -> tuple[list[Candidate], dict[str, str]]:
    """List the designs of one network and data set that have a cost, and the others' names with the reason.

    Raises BnncostError where it is not clear which network or data set, or which of several protocols, is meant.
    """
    if network is not None:
        backbone_of(network)
    if dataset is not None and dataset not in DATASETS:
        raise unknown("data set", dataset, DATASETS)
    if accuracy != LITERATURE and holds_measurements(accuracy):
        if add:
            raise BnncostError(
                "--add goes with published accuracies; measurements stand on a front of their own."
            )
        found = select(studies(load_measurements(accuracy)), network, dataset, recipe)
        if len(found) > 1:
            named = "; ".join(f"--recipe {study.recipe}" for study in found)
            raise BnncostError(f"the measurements are of {len(found)} protocols; choose one: {named}.")
        return _measured(found[0], chip, accuracy, traffic)
    if recipe is not None:
        raise BnncostError("--recipe chooses among own measurements; give them with --accuracy measured.")
    return _published(network, dataset, chip, None if accuracy == LITERATURE else accuracy, add, traffic)


def _published(
    network: str | None,
    dataset: str | None,
    chip: HardwareProfile,
    source: str | None,
    add: Sequence[str],
    traffic: TrafficModel | None,
) -> tuple[list[Candidate], dict[str, str]]:
    added = added_figures(add)
    records = [*load_accuracy(source), *added.records]
    network, dataset = place_of(network, dataset, records, added.records)
    mine = for_network(records, network, dataset)
    check_added(added.records, mine, network_title(network, dataset))
    kept, left_out = runnable(mine, chip, traffic=traffic)
    models, without_cost = runnable_models(added.models, chip, traffic)
    groups = by_design(kept)
    several = len({record.key.network for record in kept}) > 1
    found = []
    for name, group in groups.items():
        row = accuracy_of(name, group, several=several)
        sort = DesignClass(str(row["design_class"]))
        found.append(
            Candidate(str(row["label"]), group[0].key, sort, float(str(row["top1"])), ONE_RUN_POINTS)
        )
    found += [
        Candidate(one.label, one.model, DesignClass.MEASURED, one.top1, ONE_RUN_POINTS) for one in models
    ]
    return found, left_out | without_cost


def _measured(
    study: Study, chip: HardwareProfile, accuracy: str, traffic: TrafficModel | None
) -> tuple[list[Candidate], dict[str, str]]:
    """The designs of a study; the mean of n seeds deviates by the pooled deviation over the root of n."""
    outcome = outcome_of(study, shipped_outcomes() if accuracy == MEASURED else ())
    names = names_in(outcome)
    kept, left_out = runnable_designs(study.designs, chip, traffic=traffic)
    if not kept:
        raise BnncostError("\n".join(left_out.values()))
    deviation = pooled_spread(kept) or outcome.seed_deviation or ONE_RUN_POINTS
    return [
        Candidate(names.of(one.key), one.key, class_of(one.key.compute), one.mean, deviation / one.seeds**0.5)
        for one in kept
    ], left_out
