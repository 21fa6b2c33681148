"""The measured part of a job of the report: the front of each study, and what its designs gained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.accuracy.outcome import names_in
from analysis.accuracy.studies import MeasuredDesign, Study, stems
from analysis.fronts.from_studies import runnable_designs, study_frame
from analysis.fronts.front_files import write_study_front, write_tables
from analysis.fronts.gains.gains_files import write_study_gains
from analysis.fronts.gains.study_table import paper_table, priced, study_table
from analysis.fronts.nondominated import front_over
from analysis.show.axes import Axis
from analysis.show.tables import csv_text
from costmodel.designs.outcome import Outcome
from costmodel.hardware import HardwareProfile

FRONT, GAINS, DOTS = "measured-energy", "measured-gains", "measured-gains-plot"


def write_measured(
    measured: Sequence[tuple[Study, Outcome]],
    chip: HardwareProfile,
    folder: Path,
    *,
    ranges: bool = False,
    tables: bool = True,
    figures: bool = True,
) -> list[Path]:
    """Write front and gains of each study of one network and data set, as figures and as tables; returns the paths.

    Studies of unlike protocols have files of their own. With `ranges`, fronts show those of their costs. A study none
    of whose designs has a cost on the chip has no files.
    """
    written: list[Path] = []
    every = [study for study, _ in measured]
    names = zip(stems(every, FRONT), stems(every, GAINS), stems(every, DOTS), strict=True)
    for (study, outcome), (front, gains, dots) in zip(measured, names, strict=True):
        kept, _ = runnable_designs(study.designs, chip)
        if not kept:
            continue
        frame = front_over(partial(_frame, kept, outcome), chip, ranges=ranges)
        costed = priced(outcome, chip)
        table = study_table(costed)
        written += write_study_front(
            frame, names_in(outcome), study.protocol, chip, Axis.energy, folder / front,
            tables=tables, figures=figures,
        )  # fmt: skip
        if tables:
            written += write_tables(folder / gains, paper_table(table), csv_text(table))
        if figures:
            written += write_study_gains(costed, chip, folder / dots)
    return written


def _frame(kept: Sequence[MeasuredDesign], outcome: Outcome, chip: HardwareProfile) -> pd.DataFrame:
    return study_frame(kept, chip, names_in(outcome), seed_deviation=outcome.seed_deviation)
