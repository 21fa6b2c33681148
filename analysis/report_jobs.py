"""One job of the report: a network, a data set and a profile become tables, figures and a summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import tables
from analysis.accuracy import for_network
from analysis.equivalence import width_curve
from analysis.frames import method_frame
from analysis.marginal import MethodTable, method_table
from analysis.pareto import Axis, front_frame, runnable
from analysis.plots import (
    draw_front,
    draw_marginal,
    draw_split,
    front_info,
    marginal_info,
    split_info,
    write_figure,
)
from analysis.plots.front import WIDTHS
from analysis.plots.style import accuracy_text
from analysis.tables import Table
from analysis.units import readable
from analysis.views import front_view, method_view
from costmodel import NETWORKS
from costmodel.evaluate import AnyProfile, as_profile
from costmodel.hardware import HardwareProfile
from costmodel.output import write_whole
from costmodel.records import AccuracyRecord

DATASET_TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet": "ImageNet", "mnist": "MNIST"}
_SHOWN_COLUMNS = (
    "category",
    "method",
    "emitted_j",
    "alone_j",
    "alone_percent",
    "left_out_j",
    "equivalent_width",
    "reason",
)


@dataclass(frozen=True)
class Job:
    """What is computed and drawn together; `source` is the name or path of the profile called `profile_name`."""

    network: str
    dataset: str
    source: str
    profile_name: str
    with_front: bool

    @property
    def folder(self) -> str:
        """Where its files go, below the output folder."""
        return f"{self.network}-{self.dataset}/{self.profile_name}"


def network_title(network: str, dataset: str) -> str:
    """Name a network and data set for people.

    >>> network_title("resnet20", "cifar10")
    'ResNet-20 on CIFAR-10'
    """
    name = NETWORKS[network].summary.partition(":")[0].partition(" for ")[0]
    return f"{name} on {DATASET_TITLES.get(dataset, dataset)}"


def run_job(job: Job, chip: HardwareProfile, records: Sequence[AccuracyRecord], out: Path) -> list[Path]:
    """Compute and write everything of one job; the summary that the index page needs is the last file."""
    folder = out / job.folder
    table = method_table(job.network, chip, job.dataset)
    view = method_view(table)
    written = [
        *_write_tables(folder / "methods", view, tables.csv_text(view)),
        write_whole(folder / "methods.json", json.dumps(table.to_dict(), indent=2) + "\n"),
    ]
    summary = _summary(job, chip, table, view)
    if job.with_front:
        kept, left_out = runnable(for_network(records, job.network, job.dataset), chip)
        frame = front_frame(job.network, job.dataset, chip, kept)
        written += write_front(frame, job.network, job.dataset, chip, "energy", folder)
        written += _write_split_and_marginal(folder, job, chip, frame, table)
        summary |= {"front": _front_steps(frame), "designs": len(frame), "left_out": left_out}
    return [*written, write_whole(folder / "summary.json", json.dumps(summary, indent=1) + "\n")]


def write_front(
    frame: pd.DataFrame, network: str, dataset: str, profile: AnyProfile, x: Axis, out: Path
) -> list[Path]:
    """Write one front as PNG, SVG, CSV, Markdown and LaTeX into a folder; returns the paths."""
    chip = as_profile(profile)
    title = f"{network_title(network, dataset)}: top-1 against {x}"
    view = front_view(frame, f"{title}, {chip.name}")
    widths = width_curve(network, dataset, chip, np.array(WIDTHS))
    figure = draw_front(front_info(frame, title, _subtitle(chip), x, widths))
    csv = frame.to_csv(index=False, lineterminator="\n")
    return [*write_figure(figure, out / f"front-{x}"), *_write_tables(out / f"front-{x}", view, csv)]


def _write_split_and_marginal(
    folder: Path, job: Job, chip: HardwareProfile, frame: pd.DataFrame, table: MethodTable
) -> list[Path]:
    title = network_title(job.network, job.dataset)
    split = draw_split(split_info(frame, f"{title}: what the energy is spent on", _subtitle(chip)))
    marginal = marginal_info(method_frame(table), f"{title}: marginal energy of each method", _subtitle(chip))
    return [
        *write_figure(split, folder / "split"),
        *write_figure(draw_marginal(marginal), folder / "marginal"),
    ]


def _write_tables(stem: Path, view: Table, csv: str) -> list[Path]:
    texts = {".csv": csv, ".md": tables.markdown(view), ".tex": tables.latex(view)}
    return [write_whole(stem.with_name(stem.name + suffix), text) for suffix, text in texts.items()]


def _subtitle(chip: HardwareProfile) -> str:
    return f"{chip.name}: {chip.title}"


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
        "plain": {"energy": readable(plain.energy_j, "J"), "latency": readable(plain.latency_s, "s")},
        "figures": {status: statuses.count(status) for status in dict.fromkeys(statuses)},
        "caption": view.caption,
        "methods": _shown_methods(view),
    }


def _shown_methods(view: Table) -> dict[str, Any]:
    """The method table as texts: rows with a price, and names of the methods of training alone, by category."""
    numbers = [number for number, column in enumerate(view.columns) if column.name in _SHOWN_COLUMNS]
    place = {column.name: number for number, column in enumerate(view.columns)}
    rows = []
    free: dict[str, list[str]] = {}
    for raw, cells in zip(view.rows, tables.shown_cells(_ungrouped(view)), strict=True):
        if raw[place["branch"]] == "training" and not raw[place["emitted_j"]] and not raw[place["alone_j"]]:
            free.setdefault(str(raw[place["category"]]), []).append(str(raw[place["method"]]))
        else:
            rows.append([cells[number] for number in numbers])
    titles = [_title(view, number) for number in numbers]
    return {
        "titles": titles,
        "numeric": [view.is_numeric(number) for number in numbers],
        "rows": rows,
        "free": free,
    }


def _title(view: Table, number: int) -> str:
    column = view.columns[number]
    return f"{column.title} [%]" if column.unit == "%" else column.title


def _ungrouped(view: Table) -> Table:
    return Table(view.name, view.title, view.columns, view.rows)


def _front_steps(frame: pd.DataFrame) -> list[list[str]]:
    """The front in words: label, accuracy and energy of each design on it."""
    return [
        [str(row.label), accuracy_text(float(row.top1)), readable(float(row.energy_j), "J")]
        for row in frame[frame["on_front"]].itertuples()
    ]
