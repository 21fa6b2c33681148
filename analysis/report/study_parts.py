"""The measured part of a job of the report: the front of each study, and what its designs gained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.accuracy.outcome import names_in
from analysis.accuracy.studies import Study, stems
from analysis.fronts.from_studies import runnable_designs, study_frame
from analysis.fronts.front_files import accuracies_on_front, write_study_front, write_tables
from analysis.fronts.nondominated import front_over
from analysis.fronts.verdict import verdict
from analysis.gains.gains_files import write_study_gains
from analysis.gains.study_table import paper_table, priced, screen_table, study_table
from analysis.show.axes import Axis
from analysis.show.tables import Table, csv_text
from analysis.show.text_forms import shown_cells
from costmodel.designs.outcome import Outcome
from costmodel.hardware import HardwareProfile

FRONT, GAINS, DOTS = "measured-energy", "measured-gains", "measured-gains-plot"


def write_measured(
    measured: Sequence[tuple[Study, Outcome]], chip: HardwareProfile, folder: Path, *, ranges: bool = False
) -> tuple[list[Path], list[dict[str, Any]]]:
    """Write front and gains of each study of one network and data set, as figures and as tables.

    Returns the paths and what the page says.

    Studies of unlike protocols have files and captions of their own. With `ranges`, fronts show those of their costs.
    """
    written: list[Path] = []
    parts: list[dict[str, Any]] = []
    every = [study for study, _ in measured]
    names = zip(stems(every, FRONT), stems(every, GAINS), stems(every, DOTS), strict=True)
    for (study, outcome), stem in zip(measured, names, strict=True):
        files, part = _study(study, outcome, chip, folder, stem, ranges=ranges)
        written += files
        parts.append(part)
    return written, parts


def _study(
    study: Study,
    outcome: Outcome,
    chip: HardwareProfile,
    folder: Path,
    stem: tuple[str, str, str],
    *,
    ranges: bool,
) -> tuple[list[Path], dict[str, Any]]:
    kept, left_out = runnable_designs(study.designs, chip)
    front, gains, dots = stem
    part: dict[str, Any] = {
        "protocol": study.protocol,
        "left_out": left_out,
        "designs": len(kept),
        "front": [],
    }
    if not kept:
        return [], part
    frame = front_over(
        lambda at: study_frame(kept, at, names_in(outcome), seed_deviation=outcome.seed_deviation),
        chip,
        ranges=ranges,
    )
    costed = priced(outcome, chip)
    table = study_table(costed)
    view = paper_table(table)
    drawn = write_study_gains(costed, chip, folder / dots)
    files = [
        *write_study_front(frame, names_in(outcome), study.protocol, chip, Axis.energy, folder / front),
        *write_tables(folder / gains, view, csv_text(table)),
        *drawn,
    ]
    return files, part | {
        "front": accuracies_on_front(frame),
        "verdict": verdict(frame, Axis.energy),
        "stem": front,
        "gains_stem": gains,
        "dots_stem": dots if drawn else "",
        "gains": _shown(screen_table(table)),
        "caption": view.caption,
    }


def _shown(view: Table) -> dict[str, Any]:
    """The table of gains as texts."""
    return {
        "titles": [column.screen_title for column in view.columns],
        "numeric": [view.is_numeric(number) for number in range(len(view.columns))],
        "rows": shown_cells(view),
    }
