"""`bnncost pareto`: accuracy against cost, and the designs that no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.accuracy.literature import for_network, load_accuracy
from analysis.accuracy.measured import MEASURED, holds_measurements, load_measurements
from analysis.accuracy.names import Names
from analysis.accuracy.outcome import names_in, outcome_of, shipped_outcomes
from analysis.accuracy.studies import MeasuredDesign, Study, select, stems, studies
from analysis.costs.mappings import COMPULSORY
from analysis.costs.tables import front_view, study_front_view
from analysis.fronts.files import write_front, write_study_front
from analysis.fronts.measured import runnable_designs, study_frame, table_note
from analysis.fronts.published import Axis, front_frame, runnable
from analysis.show.document import Document
from analysis.show.ranges import front_over
from analysis.show.tables import Table, records, shown
from costmodel import DATASETS, NETWORKS, BnncostError, load_profile
from costmodel.designs.records import AccuracyRecord
from costmodel.errors import unknown
from costmodel.hardware import HardwareProfile
from costmodel.output import make_folder
from costmodel.pricing.price import TrafficModel, with_traffic

LITERATURE = "literature"


@dataclass(frozen=True)
class Choice:
    """What is drawn: designs of one network and data set by their accuracies from `accuracy`, against `x`.

    `accuracy` is "literature", "measured", a CSV, or a folder of runs; `recipe` keeps the measurements of one
    recipe, by its name or digest. Measurements that are all of one network and data set need no name of them.
    `ranges` adds what the ends of the profile's ranges give; fronts stay those of the values. `traffic` is as
    in `cost`.
    """

    network: str | None
    dataset: str | None
    profile: str
    x: Axis = "energy"
    accuracy: str = LITERATURE
    recipe: str | None = None
    ranges: bool = False
    traffic: TrafficModel | None = None


def pareto_document(choice: Choice, out: Path) -> tuple[Document, list[Path], dict[str, str]]:
    """Compute fronts and write their files into `out`; gives the fronts, the files, and what is left out and why.

    Published accuracies make one front. Measurements make one per protocol, each with its files and its caption.
    """
    if choice.network is not None and choice.network not in NETWORKS:
        raise unknown("network", choice.network, NETWORKS)
    if choice.dataset is not None and choice.dataset not in DATASETS:
        raise unknown("data set", choice.dataset, DATASETS)
    chip = with_traffic(load_profile(choice.profile), choice.traffic)
    document, written, left_out = _fronts(choice, chip, out)
    notes = (*document.notes, COMPULSORY) if chip.array is None else document.notes
    return replace(document, notes=notes), written, left_out


def _fronts(choice: Choice, chip: HardwareProfile, out: Path) -> tuple[Document, list[Path], dict[str, str]]:
    if choice.accuracy != LITERATURE and holds_measurements(choice.accuracy):
        return _measured(choice, chip, out)
    if choice.recipe is not None:
        raise BnncostError("--recipe chooses among own measurements; give them with --accuracy measured.")
    return _published(choice, chip, out)


def _published(
    choice: Choice, chip: HardwareProfile, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    own = choice.accuracy != LITERATURE
    everything = load_accuracy(choice.accuracy if own else None)
    network, dataset = _named(choice, everything)
    mine = for_network(everything, network, dataset)
    here, left_out = runnable(mine, chip)
    if own:
        left_out |= {one.name: f"it is on {_backbone(one)}" for one in everything if one not in mine}
    frame = front_over(
        lambda at: front_frame(network, dataset, at, here, choice.x), chip, ranges=choice.ranges
    )
    written = write_front(frame, network, dataset, chip, choice.x, make_folder(out))
    table = front_view(frame, f"Top-1 against {choice.x}: {network}/{dataset} on {chip.name}")
    return Document((table,), records(table), table), written, left_out


def _study_frame(
    designs: Sequence[MeasuredDesign], names: Names, x: Axis, chip: HardwareProfile
) -> pd.DataFrame:
    return study_frame(designs, chip, names, x)


def _named(choice: Choice, records: list[AccuracyRecord]) -> tuple[str, str]:
    """Network and data set, which have to be said where accuracies are not measured."""
    if choice.network is None or choice.dataset is None:
        known = ", ".join(sorted({_backbone(one) for one in records}))
        raise BnncostError(f"say which with --network and --dataset; there are accuracies of: {known}.")
    return choice.network, choice.dataset


def _measured(
    choice: Choice, chip: HardwareProfile, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    found = select(studies(load_measurements(choice.accuracy)), choice.network, choice.dataset, choice.recipe)
    known = shipped_outcomes() if choice.accuracy == MEASURED else ()
    tables: list[Table] = []
    written: list[Path] = []
    left_out: dict[str, str] = {}
    for study, stem in zip(found, stems(found, f"front-{choice.x}"), strict=True):
        names = names_in(outcome_of(study, known))
        kept, reasons = runnable_designs(study.designs, chip)
        left_out |= reasons
        if not kept:
            raise BnncostError("\n".join(reasons.values()))
        frame = front_over(partial(_study_frame, kept, names, choice.x), chip, ranges=choice.ranges)
        written += write_study_front(frame, names, study.protocol, chip, choice.x, make_folder(out) / stem)
        title = f"Measured top-1 against {choice.x}: {study.network}/{study.dataset} on {chip.name}"
        tables.append(study_front_view(frame, title, table_note(names, study.protocol)))
    return _document(found, tables), written, left_out


def _document(found: tuple[Study, ...], tables: list[Table]) -> Document:
    """The tables one after another; accuracies of unlike protocols stay apart in JSON and CSV, too."""
    notes: tuple[str, ...] = ()
    if len(found) > 1:
        named = "; ".join(f"--recipe {study.recipe_digest}" for study in found)
        notes = (
            f"{len(found)} protocols, which are not comparable and make a front each; for one alone: {named}.",
        )
    data = [
        {"protocol": study.protocol, "designs": records(table)}
        for study, table in zip(found, tables, strict=True)
    ]
    return Document(tuple(map(shown, tables)), data, tables[0], notes)


def _backbone(record: AccuracyRecord) -> str:
    return f"{record.key.network}/{record.key.dataset}"
