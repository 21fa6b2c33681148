"""Outcomes of studies, shipped or made from measurements alone, and what their designs are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources

from analysis.accuracy.measurements import shipped_measurements
from analysis.accuracy.names import Names, names_of
from analysis.accuracy.studies import MeasuredDesign, Study, pooled_spread, studies, sure_note
from costmodel import DesignKey, resolve
from costmodel.designs.outcome import Outcome, OutcomeRow, read_outcome

SHIPPED = "measured_study"


def names_in(outcome: Outcome) -> Names:
    """What the designs of an outcome are called."""
    full = next((row.key for row in outcome.rows if row.role == "full"), None)
    return names_of(designs_in(outcome), resolve(outcome.baseline), full)


def designs_in(outcome: Outcome) -> tuple[MeasuredDesign, ...]:
    """The designs of an outcome with their accuracies, each once."""
    return tuple(
        MeasuredDesign(key, row.top1_mean, row.top1_spread, row.seeds)
        for key, row in outcome.by_design.items()
    )


def spread_of(outcome: Outcome) -> float | None:
    """Standard deviation over seeds [points]: pooled from the designs with several, else the one that is assumed."""
    pooled = pooled_spread(designs_in(outcome))
    return outcome.seed_deviation if pooled is None else pooled


def shipped_outcomes() -> tuple[Outcome, ...]:
    """The outcomes that come with the package beside its measurements."""
    folder = resources.files("analysis").joinpath("data")
    files = sorted(
        (item for item in folder.iterdir() if item.name.startswith(SHIPPED) and item.name.endswith(".json")),
        key=lambda item: item.name,
    )
    return tuple(read_outcome(json.loads(item.read_text("utf-8")), item.name) for item in files)


def shipped_with(plain: DesignKey) -> Outcome | None:
    """The first shipped outcome whose plain BNN is `plain`."""
    return next((one for one in shipped_outcomes() if resolve(one.baseline) == plain), None)


def gains_alone(outcome: Outcome) -> Mapping[str, float]:
    """The gain of each method alone over its fair pair [points], by the method's text."""
    rows = (row for row in outcome.rows if row.role == "alone")
    return {row.method: row.gain_against for row in rows if row.gain_against is not None}


def sure_of(outcome: Outcome) -> str:
    """Say which of its differences is none; nothing where no deviation over seeds is known."""
    return sure_note(spread_of(outcome), (row.seeds for row in outcome.rows))


def outcome_of(study: Study, known: Sequence[Outcome] = ()) -> Outcome:
    """The outcome of a study: the known one of its protocol, else gains over its plain BNN alone.

    The plan of a study decides which design is a fair pair; accuracies alone do not say.
    """
    for one in known:
        plain = resolve(one.baseline)
        same = (plain.network, plain.dataset) == (study.network, study.dataset)
        if same and study.protocol in one.protocols:
            return one
    names = names_of(study.trained)
    plain_top1 = next((one.mean for one in study.trained if one.key == names.baseline), None)
    rows = tuple(
        OutcomeRow(
            design=str(one.key),
            method=names.of(one.key),
            seeds=one.seeds,
            top1_mean=one.mean,
            top1_spread=one.spread,
            gain=None if plain_top1 is None or one.key == names.baseline else one.mean - plain_top1,
        )
        for one in study.trained
    )
    return Outcome(
        plan="measured",
        title=f"Gains measured on {study.network}/{study.dataset}",
        protocols=(study.protocol,),
        baseline=str(names.baseline),
        rows=rows,
    )


def shipped_studies() -> tuple[tuple[Study, Outcome], ...]:
    """The studies that come with the package, each with its outcome; none where no measurement was shipped."""
    known = shipped_outcomes()
    return tuple((study, outcome_of(study, known)) for study in studies(shipped_measurements()))
