"""`bnncost pareto`: accuracy against cost, and the designs that no other beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.accuracy.literature import LITERATURE, for_network, load_accuracy
from analysis.accuracy.measurements import MEASURED, holds_measurements, load_measurements
from analysis.accuracy.outcome import names_in, outcome_of, shipped_outcomes
from analysis.accuracy.studies import MeasuredDesign, Study, matching, stems, studies
from analysis.fronts.accuracy_rows import runnable
from analysis.fronts.added import added_figures
from analysis.fronts.belonging import backbone_text, check_added, place_of, runnable_models
from analysis.fronts.from_literature import front_frame
from analysis.fronts.from_studies import runnable_designs, study_frame, table_note
from analysis.fronts.front_files import Look, write_front, write_study_front
from analysis.fronts.front_tables import front_columns, front_view, study_columns, study_front_view
from analysis.fronts.nondominated import front_over
from analysis.fronts.own_figures import Overlay, overlay_of
from analysis.fronts.verdict import verdict_text
from analysis.show.axes import Axis
from analysis.show.document import Document
from analysis.show.tables import Column, Table, records, require_columns, without_empty_columns
from analysis.show.words import COMPULSORY, network_title
from costmodel import DATASETS, BnncostError, backbone_of
from costmodel.demand.conventions import OpsConvention
from costmodel.designs.outcome import Outcome
from costmodel.errors import unknown
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.hardware import HardwareProfile
from costmodel.output import make_folder
from costmodel.pricing.price import TrafficModel, traffic_model


@dataclass(frozen=True)
class FrontChoice:
    """What is drawn: designs of one network and data set by their accuracies from `accuracy`, against `x`.

    `accuracy` is "literature", "measured", a CSV, or a folder of runs, or several of these, which are laid over each
    other on one front; `recipe` keeps the measurements of one recipe, by its name or digest. Measurements of every
    network and data set are drawn, each on its front, unless one is named. `ranges` adds what the ends of the profile's
    ranges give; fronts stay those of the values. `traffic` is as in `cost`. `add` holds accuracies of the user's own,
    each as `DESIGN=TOP1[:LABEL]`; `conventions` add operations as papers sum them up. `look` says how the picture is
    laid out.

    Published accuracies of one data set may be of all networks: then `network` is None.
    """

    network: str | None
    dataset: str | None
    profile: AnyProfile
    x: Axis = Axis.energy
    accuracy: tuple[str, ...] = (LITERATURE,)
    recipe: str | None = None
    ranges: bool = False
    traffic: TrafficModel | None = None
    add: tuple[str, ...] = ()
    conventions: tuple[OpsConvention, ...] = ()
    look: Look = field(default_factory=Look)


def pareto_document(choice: FrontChoice, out: Path) -> tuple[Document, list[Path], dict[str, str]]:
    """Compute fronts and write their files into `out`; gives the fronts, the files, and what is left out and why.

    Published accuracies make one front, and so do several sources laid over each other. Measurements make one per
    protocol, each with its files and its caption.
    """
    if choice.network is not None:
        backbone_of(choice.network)
    if choice.dataset is not None and choice.dataset not in DATASETS:
        raise unknown("data set", choice.dataset, DATASETS)
    chip = as_profile(choice.profile)
    model = traffic_model(chip, choice.traffic)
    document, written, left_out = _fronts(replace(choice, traffic=model), chip, out)
    notes = (*document.notes, COMPULSORY) if model == "compulsory" else document.notes
    return replace(document, notes=notes), written, left_out


def _fronts(
    choice: FrontChoice, chip: HardwareProfile, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    if not choice.accuracy:
        raise BnncostError("name at least one source of accuracies, such as 'literature' or a CSV.")
    measured = [source for source in choice.accuracy if source != LITERATURE and holds_measurements(source)]
    if choice.recipe is not None and not measured:
        raise BnncostError("--recipe chooses among own measurements; give them with --accuracy measured.")
    if len(choice.accuracy) > 1:
        _require_columns(choice, front_columns)
        return _published(choice, overlay_of(choice.accuracy, choice.recipe), chip, out)
    if measured:
        if choice.add:
            raise BnncostError(
                "--add goes with published accuracies, or with a CSV of the columns design,top1: measurements of one "
                "protocol stand on a front of their own; to lay them over others, give --accuracy literature as well."
            )
        _require_columns(choice, study_columns)
        return _measured(choice, chip, out)
    _require_columns(choice, front_columns)
    (source,) = choice.accuracy
    everything = load_accuracy(None if source == LITERATURE else source)
    return _published(choice, Overlay(tuple(everything), (), {}), chip, out)


def _require_columns(
    choice: FrontChoice, columns: Callable[[str, Sequence[OpsConvention]], tuple[Column, ...]]
) -> None:
    """Raise BnncostError for columns that the table cannot have, before its designs are priced."""
    require_columns(choice.look.columns, [one.name for one in columns("", choice.conventions)], "front")


def _published(
    choice: FrontChoice, figures: Overlay, chip: HardwareProfile, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    added = added_figures(choice.add)
    everything = [*figures.published, *figures.own, *added.records]
    network, dataset = place_of(choice.network, choice.dataset, everything, [*added.records, *figures.own])
    mine = for_network(everything, network, dataset)
    check_added(added.records, mine, network_title(network, dataset))
    here, left_out = runnable(mine, chip, traffic=choice.traffic)
    models, without_cost = runnable_models(added.models, chip, choice.traffic)
    left_out |= without_cost
    if choice.accuracy != (LITERATURE,):
        own = figures.own if figures.protocols else figures.published
        left_out |= {one.identity: f"it is on {backbone_text(one)}" for one in own if one not in mine}
    frame = front_over(
        lambda at: front_frame(
            network,
            dataset,
            at,
            here,
            choice.x,
            traffic=choice.traffic,
            conventions=choice.conventions,
            models=models,
        ),
        chip,
        ranges=choice.ranges,
    )
    note = figures.caption if figures.protocols else ""
    written = write_front(
        frame,
        network,
        dataset,
        chip,
        choice.x,
        make_folder(out),
        traffic=choice.traffic,
        note=note,
        look=choice.look,
    )
    place = f"{network}/{dataset}" if network else dataset
    title = f"Top-1 against {choice.x}: {place} on {chip.name}"
    table = front_view(frame, title, chip, " ".join(filter(None, (verdict_text(frame, choice.x), note))))
    return Document((choice.look.of(table),), records(table), table), written, left_out


def _study_frame(
    designs: Sequence[MeasuredDesign], outcome: Outcome, choice: FrontChoice, chip: HardwareProfile
) -> pd.DataFrame:
    return study_frame(
        designs,
        chip,
        names_in(outcome),
        choice.x,
        seed_deviation=outcome.seed_deviation,
        traffic=choice.traffic,
        conventions=choice.conventions,
    )


def _measured(
    choice: FrontChoice, chip: HardwareProfile, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    (source,) = choice.accuracy
    chosen = matching(studies(load_measurements(source)), choice.network, choice.dataset, choice.recipe)
    known = shipped_outcomes() if source == MEASURED else ()
    tables: list[Table] = []
    written: list[Path] = []
    left_out: dict[str, str] = {}
    for study, stem in zip(chosen, stems(chosen, f"front-{choice.x}"), strict=True):
        outcome = outcome_of(study, known)
        names = names_in(outcome)
        kept, reasons = runnable_designs(study.designs, chip, traffic=choice.traffic)
        left_out |= reasons
        if not kept:
            raise BnncostError("\n".join(reasons.values()))
        frame = front_over(partial(_study_frame, kept, outcome, choice), chip, ranges=choice.ranges)
        written += write_study_front(
            frame, names, study.protocol, chip, choice.x, make_folder(out) / stem, traffic=choice.traffic,
            look=choice.look,
        )  # fmt: skip
        title = f"Measured top-1 against {choice.x}: {study.network}/{study.dataset} on {chip.name}"
        caption = f"{verdict_text(frame, choice.x)} {table_note(frame, names, study.protocol)}"
        tables.append(study_front_view(frame, title, chip, caption))
    return _document(choice, chosen, tables), written, left_out


def _document(choice: FrontChoice, chosen: tuple[Study, ...], tables: list[Table]) -> Document:
    """The tables one after another; accuracies of unlike protocols stay apart in JSON and CSV, too."""
    notes: tuple[str, ...] = ()
    if len(chosen) > 1:
        places = {(study.network, study.dataset) for study in chosen}
        named = "; ".join(_alone(study, several=len(places) > 1) for study in chosen)
        notes = (
            f"{len(chosen)} protocols, which are not comparable and make a front each; for one alone: {named}.",
        )
    data = [
        {"protocol": study.protocol, "designs": records(table)}
        for study, table in zip(chosen, tables, strict=True)
    ]
    shown = tuple(choice.look.of(without_empty_columns(table)) for table in tables)
    return Document(shown, data, tables[0], notes)


def _alone(study: Study, *, several: bool) -> str:
    """The options that leave one study; its place among them where studies are of `several`."""
    place = f"--network {study.network} --dataset {study.dataset} " if several else ""
    return f"{place}--recipe {study.recipe_digest}"
