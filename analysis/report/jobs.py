"""One job of the report: a network, a data set and a profile become tables, figures and a summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.accuracy.literature import for_network
from analysis.accuracy.studies import Study
from analysis.fronts.from_literature import front_frame, runnable
from analysis.fronts.front_files import accuracies_on_front, write_front, write_tables
from analysis.fronts.nondominated import front_over
from analysis.fronts.verdict import verdict
from analysis.methods.marginal import MethodTable, method_table
from analysis.methods.method_columns import FIGURES, method_frame, table_record
from analysis.methods.method_tables import method_view, ranged_method_view
from analysis.plots import draw_marginal, draw_split, marginal_info, split_info, write_figure
from analysis.report.study_parts import write_measured
from analysis.show.axes import Axis
from analysis.show.figure_words import assumption_sentence
from analysis.show.range_cells import at_all_ends, joined_frames
from analysis.show.tables import Table, csv_text
from analysis.show.text_forms import shown_cells
from analysis.show.units import readable
from analysis.show.words import network_title, profile_title, scope_sentence
from costmodel.designs.outcome import Outcome
from costmodel.designs.records import AccuracyRecord
from costmodel.evaluate.sensitivity import sensitivity
from costmodel.hardware import HardwareProfile
from costmodel.output import write_whole

_SHOWN_COLUMNS = ("category", "method", *FIGURES, "reason")
_PERCENTAGES = ("alone_percent", "left_out_percent")


@dataclass(frozen=True)
class Job:
    """What is computed and drawn together; `source` is the name or path of the profile called `profile_name`.

    `with_front` asks for the front of published accuracies, `with_measured` for those of the shipped studies, `ranges`
    for what the ends of the profile's ranges give.
    """

    network: str
    dataset: str
    source: str
    profile_name: str
    with_front: bool
    with_measured: bool = False
    ranges: bool = False

    @property
    def folder(self) -> str:
        """Where its files go, below the output folder."""
        return f"{self.network}-{self.dataset}/{self.profile_name}"


def run_job(
    job: Job,
    chip: HardwareProfile,
    records: Sequence[AccuracyRecord],
    out: Path,
    measured: Sequence[tuple[Study, Outcome]] = (),
) -> list[Path]:
    """Compute and write everything of one job; the summary that the index page needs is the last file.

    Of the `measured` studies those of the job's network and data set are shown.
    """
    folder = out / job.folder
    table, view, methods = _methods(job, chip)
    written = [
        *write_tables(folder / "methods", view, csv_text(view)),
        write_whole(folder / "methods.json", json.dumps(table_record(table), indent=2) + "\n"),
    ]
    summary = _summary(job, chip, table, view)
    if job.with_front:
        kept, left_out = runnable(for_network(records, job.network, job.dataset), chip)
        frame = front_over(
            lambda at: front_frame(job.network, job.dataset, at, kept), chip, ranges=job.ranges
        )
        written += write_front(frame, job.network, job.dataset, chip, Axis.energy, folder)
        written += _write_split_and_marginal(folder, job, chip, frame, methods)
        summary |= {"front": accuracies_on_front(frame), "designs": len(frame), "left_out": left_out}
        summary["verdict"] = verdict(frame, Axis.energy)
    mine = [item for item in measured if (item[0].network, item[0].dataset) == (job.network, job.dataset)]
    files, parts = write_measured(mine, chip, folder, ranges=job.ranges)
    written += files
    summary["measured"] = parts
    return [*written, write_whole(folder / "summary.json", json.dumps(summary, indent=1) + "\n")]


def _methods(job: Job, chip: HardwareProfile) -> tuple[MethodTable, Table, pd.DataFrame]:
    """What each method costs: as computed, as a table to show, and as a frame; with ranges if the job has them."""
    if not job.ranges:
        table = method_table(job.network, chip, job.dataset)
        return table, method_view(table), method_frame(table)
    three = at_all_ends(lambda at: method_table(job.network, at, job.dataset), chip)
    best, frame, worst = map(method_frame, three)
    return three[1], ranged_method_view(*three), joined_frames((best, frame, worst), "use", _PERCENTAGES)


def _write_split_and_marginal(
    folder: Path, job: Job, chip: HardwareProfile, frame: pd.DataFrame, methods: pd.DataFrame
) -> list[Path]:
    title = network_title(job.network, job.dataset)
    split = draw_split(split_info(frame, f"{title}: what the energy is spent on", profile_title(chip)))
    marginal = marginal_info(methods, f"{title}: marginal energy of each method", profile_title(chip))
    return [
        *write_figure(split, folder / "split"),
        *write_figure(draw_marginal(marginal), folder / "marginal"),
    ]


def _summary(job: Job, chip: HardwareProfile, table: MethodTable, view: Table) -> dict[str, Any]:
    """What the index page says of a job, as texts."""
    plain = table.plain
    statuses = [assumption.status for assumption in plain.assumptions]
    return {
        "network": job.network,
        "dataset": job.dataset,
        "title": network_title(job.network, job.dataset),
        "profile": chip.name,
        "profile_title": chip.title,
        "profile_description": chip.description,
        "scope": chip.scope,
        "scope_sentence": scope_sentence(chip),
        "plain": {"energy": readable(plain.energy_j, "J"), "latency": readable(plain.latency_s, "s")},
        "figures": {status: statuses.count(status) for status in dict.fromkeys(statuses)},
        "heaviest": _heaviest_assumptions(table, chip),
        "traffic": plain.traffic,
        "caption": view.caption,
        "methods": _shown_methods(view),
    }


def _heaviest_assumptions(table: MethodTable, chip: HardwareProfile) -> list[str]:
    """Say of the plain and of the full design which unpublished figure moves its energy most."""
    found = (assumption_sentence(sensitivity(design, chip)) for design in (table.network, table.full))
    return [sentence for sentence in found if sentence]


def _shown_methods(view: Table) -> dict[str, Any]:
    """The method table as texts: rows with a price, and names of the methods of training alone, by category."""
    numbers = [number for number, column in enumerate(view.columns) if column.name in _SHOWN_COLUMNS]
    place = {column.name: number for number, column in enumerate(view.columns)}
    rows = []
    free: dict[str, list[str]] = {}
    for raw, cells in zip(view.rows, shown_cells(_ungrouped(view)), strict=True):
        if raw[place["branch"]] == "training" and not raw[place["emitted_j"]] and not raw[place["alone_j"]]:
            free.setdefault(str(raw[place["category"]]), []).append(str(raw[place["method"]]))
        else:
            rows.append([cells[number] for number in numbers])
    titles = [view.columns[number].screen_title for number in numbers]
    return {
        "titles": titles,
        "numeric": [view.is_numeric(number) for number in numbers],
        "rows": rows,
        "free": free,
    }


def _ungrouped(view: Table) -> Table:
    return Table(view.name, view.title, view.columns, view.rows)
