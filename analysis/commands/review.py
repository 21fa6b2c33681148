"""`bnncost review`: the table of a study with the cost of its designs, the front that they make, and their gains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.accuracy.outcome import designs_in, names_in
from analysis.costs.tables import study_front_view
from analysis.fronts.files import write_study_front
from analysis.fronts.measured import runnable_designs, study_frame
from analysis.fronts.published import Axis
from analysis.gains.figure import write_study_gains
from analysis.gains.table import paper_table, priced, screen_table, study_table
from analysis.show.document import Document
from analysis.show.tables import records, shown
from costmodel import BnncostError
from costmodel.designs.outcome import Outcome, read_outcome
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.output import make_folder

_SEVERAL = "Its accuracies were measured under {count} protocols and make no one front: {names}."


def review_document(outcome: Mapping[str, Any], profile: AnyProfile) -> Document:
    """What a study found: gains and costs of its designs, then the front, then what is missing or failed.

    Accuracies of several protocols make no front, and a note says so. Raises BnncostError for an outcome that is none,
    for an unknown profile, and where no design has a cost on it.
    """
    found, chip = read_outcome(outcome, "outcome of the study"), as_profile(profile)
    study = priced(found, chip)
    if not study.costs:
        raise BnncostError("\n".join(study.unpriced.values()))
    table = study_table(study)
    notes = [f"No cost for {name}: {reason}" for name, reason in study.unpriced.items()]
    notes += [f"Failed: {name}: {reason}" for name, reason in found.failed.items()]
    if found.missing:
        notes.append(f"Not measured yet ({len(found.missing)}): {', '.join(found.missing)}.")
    fronts = []
    if len(found.protocols) > 1:
        notes.insert(0, _SEVERAL.format(count=len(found.protocols), names="; ".join(found.protocols)))
    else:
        title = f"Top-1 against energy: {found.title or found.plan} on {chip.name}"
        fronts.append(study_front_view(_frame(found, chip, "energy"), title))
    data = {
        "plan": found.plan,
        "title": found.title,
        "profile": chip.name,
        "protocols": list(found.protocols),
        "baseline": found.baseline,
        "designs": records(table),
        "front": [record for front in fronts for record in records(front)],
        "missing": list(found.missing),
        "failed": dict(found.failed),
    }
    short = tuple(map(shown, fronts))
    return Document((paper_table(table), *short), data, table, tuple(notes), (screen_table(table), *short))


def write_review_front(
    outcome: Mapping[str, Any], profile: AnyProfile, out: Path, x: Axis = "energy"
) -> list[Path]:
    """Write a study's front as PNG, SVG, CSV, Markdown and LaTeX into a folder, and its gains as PNG, SVG and CSV.

    Returns the paths; there are no gains where no comparison has both of its sides yet.
    Raises BnncostError for accuracies of several protocols, which make no front.
    """
    found, chip = read_outcome(outcome, "outcome of the study"), as_profile(profile)
    if len(found.protocols) > 1:
        raise BnncostError(_SEVERAL.format(count=len(found.protocols), names="; ".join(found.protocols)))
    frame = _frame(found, chip, x)
    protocol = found.protocols[0] if found.protocols else "not said"
    folder = make_folder(out)
    return [
        *write_study_front(frame, names_in(found), protocol, chip, x, folder / f"{found.plan}-front-{x}"),
        *write_study_gains(priced(found, chip), chip, folder / f"{found.plan}-gains"),
    ]


def _frame(found: Outcome, profile: AnyProfile, x: Axis) -> pd.DataFrame:
    kept, _ = runnable_designs(designs_in(found), profile)
    return study_frame(kept, profile, names_in(found), x)
