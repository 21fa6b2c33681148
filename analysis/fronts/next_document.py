"""`bnncost next`: the designs of a plan that are worth training next, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.accuracy.estimators import estimator_of
from analysis.accuracy.literature import LITERATURE
from analysis.accuracy.measurements import MEASURED, load_measurements
from analysis.accuracy.studies import studies
from analysis.costs.cost_columns import area_in_one_unit, cost_values
from analysis.costs.runnable import reasons_against
from analysis.fronts.next_runs import next_runs
from analysis.show.axes import Axis
from analysis.show.document import Document
from analysis.show.tables import Column, Table, records
from costmodel import BnncostError, DesignKey, cost
from costmodel.hardware import HardwareProfile


def next_document(
    designs: Mapping[str, DesignKey],
    accuracy: str,
    recipe: str,
    profile: HardwareProfile,
    runs: int,
    x: Axis,
    plan: str,
) -> tuple[Document, tuple[str, ...]]:
    """Choose among `designs`, by label, those without a record, and give them as a table and by their labels.

    Records are those in `accuracy` that are of the plan's network, data set and recipe, given by its digest. Raises
    BnncostError where there is none, or where every design has one.
    """
    if accuracy == LITERATURE:
        raise BnncostError(
            "--accuracy literature has figures of papers, and no measurements of one recipe; give 'measured', a CSV of "
            "measurements or a folder of runs."
        )
    first = next(iter(designs.values()))
    places = (first.network, first.dataset, recipe)
    study = next(
        (
            one
            for one in studies(load_measurements(accuracy))
            if (one.network, one.dataset, one.recipe_digest) == places
        ),
        None,
    )
    if study is None:
        raise BnncostError(
            f"no record in '{accuracy}' is of {first.network}/{first.dataset} by the recipe of plan '{plan}' "
            f"({recipe}); train its baseline first, with `bnncost review`, and give the folder of runs as --accuracy."
        )
    known = {one.key for one in study.designs}
    open_ = {label: key for label, key in designs.items() if key not in known}
    reasons = reasons_against(open_, profile)
    candidates = {label: key for label, key in open_.items() if label not in reasons}
    if not candidates:
        raise BnncostError(
            f"every design of plan '{plan}' has a record already, or cannot run on {profile.name}."
        )
    priced = (*candidates.values(), *(one.key for one in study.designs))
    costs = {key: float(str(cost_values(cost(key, profile))[x.column])) for key in priced}
    estimator = estimator_of(study, shipped=accuracy == MEASURED)
    chosen = next_runs(study.designs, study.protocol, estimator.seed_deviation, candidates, costs, runs)
    unit = x.unit or area_in_one_unit(cost(first, profile).area)[0]
    columns = (
        Column("label", "run"), Column("design", "design"), Column("gain", "expected gain"),
        Column("top1", "estimated top-1", "%"), Column("top1_low", "low", "%"), Column("top1_high", "high", "%"),
        Column(x.column, str(x), unit),
    )  # fmt: skip
    rows = tuple((one.label, str(one.key), one.gain, one.top1, one.low, one.high, one.cost) for one in chosen)
    caption = (
        f"Expected gain: of the hypervolume of top-1 [points] against the logarithm of {x}, behind the runs above. Of "
        f"a method that no record has, nothing is known but that effects are of some {estimator.of_terms:g} points."
    )
    title = f"Runs of plan {plan} that are expected to move the front on {profile.name} most"
    table = Table("next", title, columns, rows, caption)
    notes = (estimator.sentence, *(f"Left out {label}: {reason}" for label, reason in reasons.items()))
    return Document((table,), records(table), table, notes), tuple(one.label for one in chosen)
