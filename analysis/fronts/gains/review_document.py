"""`bnncost review`: the table of a study with the cost of its designs, the front that they make, and their gains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.accuracy.outcome import designs_in, names_in
from analysis.fronts.from_studies import runnable_designs, study_frame
from analysis.fronts.front_files import write_study_front
from analysis.fronts.front_tables import study_front_view
from analysis.fronts.gains.gains_files import write_study_gains
from analysis.fronts.gains.study_table import paper_table, priced, screen_table, study_table
from analysis.show.axes import Axis
from analysis.show.document import Document
from analysis.show.tables import records, without_empty_columns
from costmodel import BnncostError
from costmodel.designs.outcome import Outcome, read_outcome
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.output import make_folder

_SEVERAL = "Its accuracies were measured under {count} protocols and make no one front: {names}."


def review_document(values: Mapping[str, Any], profile: AnyProfile) -> Document:
    """The results of a study: gains and costs of its designs, then the front, then what is missing or failed.

    `values` are those of an outcome in JSON. Accuracies of several protocols make no front, and a note says so. Raises
    BnncostError for values that are no outcome, for an unknown profile, and where no design has a cost on it.
    """
    outcome, chip = read_outcome(values, "outcome of the study"), as_profile(profile)
    study = priced(outcome, chip)
    if not study.costs:
        raise BnncostError("\n".join(study.unpriced.values()))
    table = study_table(study)
    notes = [f"No cost for {name}: {reason}" for name, reason in study.unpriced.items()]
    notes += [f"Failed: {name}: {reason}" for name, reason in outcome.failed.items()]
    if outcome.missing:
        notes.append(f"Not measured yet ({len(outcome.missing)}): {', '.join(outcome.missing)}.")
    fronts = []
    if len(outcome.protocols) > 1:
        notes.insert(0, _SEVERAL.format(count=len(outcome.protocols), names="; ".join(outcome.protocols)))
    else:
        title = f"Top-1 against energy: {outcome.title or outcome.plan} on {chip.name}"
        fronts.append(study_front_view(_frame(outcome, chip, Axis.energy), title, chip))
    data = {
        "plan": outcome.plan,
        "title": outcome.title,
        "profile": chip.name,
        "protocols": list(outcome.protocols),
        "baseline": outcome.baseline,
        "designs": records(table),
        "front": [record for front in fronts for record in records(front)],
        "missing": list(outcome.missing),
        "failed": dict(outcome.failed),
    }
    short = tuple(map(without_empty_columns, fronts))
    return Document((paper_table(table), *short), data, table, tuple(notes), (screen_table(table), *short))


def write_review_front(
    values: Mapping[str, Any], profile: AnyProfile, out: Path, x: Axis = Axis.energy
) -> list[Path]:
    """Write a study's front as PNG, SVG, CSV, Markdown and LaTeX into a folder, and its gains as PNG, SVG and CSV.

    Returns the paths; there are no gains where no comparison has both of its sides yet.
    Raises BnncostError for accuracies of several protocols, which make no front.
    """
    outcome, chip = read_outcome(values, "outcome of the study"), as_profile(profile)
    if len(outcome.protocols) > 1:
        raise BnncostError(_SEVERAL.format(count=len(outcome.protocols), names="; ".join(outcome.protocols)))
    frame = _frame(outcome, chip, x)
    protocol = outcome.protocols[0] if outcome.protocols else "not said"
    folder = make_folder(out)
    return [
        *write_study_front(frame, names_in(outcome), protocol, chip, x, folder / f"{outcome.plan}-front-{x}"),
        *write_study_gains(priced(outcome, chip), chip, folder / f"{outcome.plan}-gains"),
    ]


def _frame(outcome: Outcome, profile: AnyProfile, x: Axis) -> pd.DataFrame:
    kept, _ = runnable_designs(designs_in(outcome), profile)
    return study_frame(kept, profile, names_in(outcome), x, seed_deviation=outcome.seed_deviation)
