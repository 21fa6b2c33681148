"""A job of the report is run: a network, a data set and a profile become tables and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.accuracy.literature import for_network
from analysis.accuracy.studies import Study
from analysis.fronts.accuracy_rows import runnable
from analysis.fronts.from_literature import front_frame
from analysis.fronts.front_files import write_front, write_tables
from analysis.fronts.nondominated import front_over
from analysis.methods.marginal import MethodTable, method_table
from analysis.methods.method_columns import table_record
from analysis.methods.method_frames import method_frame
from analysis.methods.method_tables import method_view, ranged_method_view
from analysis.plots import draw_marginal, draw_split, marginal_info, split_info, write_figure
from analysis.report.job import Job
from analysis.report.study_parts import write_measured
from analysis.show.axes import Axis
from analysis.show.range_cells import at_all_ends, joined_frames
from analysis.show.tables import Table, csv_text
from analysis.show.words import network_title, profile_title
from costmodel.designs.outcome import Outcome
from costmodel.designs.records import AccuracyRecord
from costmodel.hardware import HardwareProfile
from costmodel.output import write_whole

_PERCENTAGES = ("alone_percent", "left_out_percent")
_FEWEST_ON_A_FRONT = 3


def run_job(
    job: Job,
    chip: HardwareProfile,
    records: Sequence[AccuracyRecord],
    out: Path,
    measured: Sequence[tuple[Study, Outcome]] = (),
) -> list[Path]:
    """Compute and write the files of one job.

    Published accuracies make a front where there are three or more. Of the `measured` studies those of the job's
    network and data set are shown.
    """
    folder = out / job.folder
    table, view, methods = _methods(job, chip)
    written: list[Path] = []
    if job.tables:
        written += write_tables(folder / "methods", view, csv_text(view))
        written.append(
            write_whole(
                folder / "methods.json", json.dumps(table_record(table), indent=2, allow_nan=False) + "\n"
            )
        )
    if job.figures:
        marginal = marginal_info(
            methods, f"{_title(job)}: marginal energy of each method", profile_title(chip)
        )
        written += write_figure(draw_marginal(marginal), folder / "marginal")
    mine = [one for one in records if (one.key.network, one.key.dataset) == (job.network, job.dataset)]
    if len({one.name for one in mine}) >= _FEWEST_ON_A_FRONT:
        written += _write_front(job, chip, for_network(mine, job.network, job.dataset), folder)
    here = [item for item in measured if (item[0].network, item[0].dataset) == (job.network, job.dataset)]
    written += write_measured(here, chip, folder, ranges=job.ranges, tables=job.tables, figures=job.figures)
    return written


def _title(job: Job) -> str:
    return network_title(job.network, job.dataset)


def _methods(job: Job, chip: HardwareProfile) -> tuple[MethodTable, Table, pd.DataFrame]:
    """What each method costs: as computed, as a table to show, and as a frame; with ranges if the job has them."""
    if not job.ranges:
        table = method_table(job.network, chip, job.dataset)
        return table, method_view(table), method_frame(table)
    three = at_all_ends(lambda at: method_table(job.network, at, job.dataset), chip)
    best, frame, worst = map(method_frame, three)
    return three[1], ranged_method_view(*three), joined_frames((best, frame, worst), "use", _PERCENTAGES)


def _write_front(
    job: Job, chip: HardwareProfile, records: Sequence[AccuracyRecord], folder: Path
) -> list[Path]:
    """Write the front of published accuracies, and what the energy of its designs is spent on."""
    kept, _ = runnable(records, chip)
    frame = front_over(lambda at: front_frame(job.network, job.dataset, at, kept), chip, ranges=job.ranges)
    files = write_front(
        frame, job.network, job.dataset, chip, Axis.energy, folder, tables=job.tables, figures=job.figures
    )
    if not job.figures:
        return files
    split = split_info(frame, f"{_title(job)}: what the energy is spent on", profile_title(chip))
    return [*files, *write_figure(draw_split(split), folder / "split")]
