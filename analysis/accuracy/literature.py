"""Accuracies from the literature or from a user's file, each matched to a design."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

from analysis.accuracy.csv_rows import (
    MOST_PROBLEMS,
    Row,
    listed,
    placed_rows,
    reader_of,
    require_closed_quotes,
    require_columns,
    require_whole_decimals,
    text_of,
)
from analysis.accuracy.percent import percent_of, question_fractions
from costmodel import DATASETS, NETWORKS, BnncostError, DesignKey, resolve
from costmodel.designs.catalogue import OWN, DatasetShape
from costmodel.designs.records import AccuracyRecord
from costmodel.designs.resolving import canonical_name
from costmodel.importers.model.naming import refuse_model

LITERATURE = "literature"
"""What the published accuracies that ship are called."""
COLUMNS = ("design", "top1")
_OPTIONAL = ("kind", "reference", "note", "epochs", "seeds", "top1_low", "top1_high")
_WHOLE = ("epochs", "seeds", "seed", "top1_low", "top1_high")
"""Columns in which whole numbers are nothing strange."""


def load_accuracy(path: str | os.PathLike[str] | None = None) -> list[AccuracyRecord]:
    """Read accuracies from a table with the columns `design` and `top1` [%], or the shipped literature.

    Commas, semicolons or tabs separate its columns; `83,1 %` is read as 83.1 where the comma separates nothing. `kind`,
    `reference`, `arxiv`, `note`, `epochs`, `seeds`, `top1_low` and `top1_high` are read where they are given. Raises
    one BnncostError that lists every row that matches no design or is no percentage, with its line.
    """
    source = Path(path) if path is not None else None
    text = _read(source)
    where = source.name if source else "literature_accuracy.csv"
    reader = reader_of(text)
    require_columns(reader, COLUMNS, where, "an accuracy file has at least the columns design,top1")
    require_closed_quotes(reader, text, where)
    names = list(reader.fieldnames or ())
    if len(set(names)) < len(names):
        raise BnncostError(f"{where}:1: a column is given twice: {', '.join(names)}.")
    problems: list[str] = []
    rows = list(placed_rows(reader, where))
    records = list(_records(rows, problems, "measured" if source else "author"))
    if problems:
        raise BnncostError(listed(problems))
    require_whole_decimals(reader, rows, "top1", _WHOLE)
    if not records:
        raise BnncostError(
            f"{where}: there is no accuracy in it; each row needs a design and its top1 in percent."
        )
    question_fractions([record.top1 for record in records], where)
    return records


def _read(source: Path | None) -> str:
    if source is None:
        return resources.files("analysis").joinpath("data/literature_accuracy.csv").read_text("utf-8")
    return text_of(source)


def _records(rows: Iterable[tuple[str, Row]], problems: list[str], kind: str) -> Iterator[AccuracyRecord]:
    """Turn rows into records; what is wrong with a row goes into `problems`."""
    for place, row in rows:
        name, value = (row["design"] or "").strip(), (row["top1"] or "").strip()
        if not name and not value:
            continue
        if len(problems) > MOST_PROBLEMS:
            return
        if None in row:
            problems.append(
                f"{place}: the row has more cells than the header; put quotes round a design that has a "
                "comma, and write decimals with a point."
            )
            continue
        try:
            refuse_model(name, f"give its accuracy with --add '{name}={value}'")
            key = rated_design(name)
        except BnncostError as error:
            problems.append(f"{place}: {error}")
            continue
        given = {field: (row.get(field) or "").strip() for field in _OPTIONAL}
        try:
            top1 = percent_of(value)
            low, high = (percent_of(given[end]) if given[end] else None for end in ("top1_low", "top1_high"))
            _require_between(low, top1, high)
        except BnncostError as error:
            problems.append(f"{place}: design '{name}': {error}")
            continue
        arxiv = (row.get("arxiv") or "").strip()
        reference = (
            f"{given['reference']}, arXiv {arxiv}" if arxiv and given["reference"] else given["reference"]
        )
        yield AccuracyRecord(
            canonical_name(name, key), key, top1, given["kind"] or kind, reference, given["note"], given["epochs"],
            given["seeds"], low=low, high=high,
        )  # fmt: skip


def rated_design(text: str) -> DesignKey:
    """Read the design of an accuracy; raises BnncostError where that is one of another task than its data set's."""
    key = resolve(text)
    task = DATASETS.get(key.dataset)
    if task is not None and not task.is_task_of(key.shape.image, key.shape.classes):
        shape = key.shape
        raise BnncostError(
            f"design '{key}': its accuracy is none of {key.dataset}, which has {_task(task)}, and not {_task(shape)}; "
            f"give it as that of '{replace(key, dataset=OWN, image=shape.image, classes=shape.classes)}'."
        )
    return key


def _task(shape: DatasetShape) -> str:
    return f"{shape.classes} classes of images of {'x'.join(map(str, shape.image))}"


def _require_between(low: float | None, top1: float, high: float | None) -> None:
    """Raise BnncostError where an interval does not hold what it is the interval of."""
    if (low is not None and low > top1) or (high is not None and high < top1):
        raise BnncostError(
            f"top1 is {top1:g}, which is not between its ends: top1_low {low}, top1_high {high}."
        )


def by_design(records: Iterable[AccuracyRecord]) -> dict[str, list[AccuracyRecord]]:
    """Bring the figures of each design together, by its identity, in the order in which designs are first met."""
    groups: dict[str, list[AccuracyRecord]] = {}
    for record in records:
        groups.setdefault(record.identity, []).append(record)
    return groups


def for_network(records: Iterable[AccuracyRecord], network: str | None, dataset: str) -> list[AccuracyRecord]:
    """Keep the records of one data set, and of one network if given; none at all raises, saying what there is."""
    everything = list(records)
    kept = [
        item for item in everything if item.key.dataset == dataset and network in (None, item.key.network)
    ]
    if kept:
        return kept
    known = sorted({f"{item.key.network}/{item.key.dataset}" for item in everything})
    if network is not None and network not in NETWORKS:
        known = sorted(NETWORKS)
    wanted = f"{network}/{dataset}" if network else dataset
    raise BnncostError(f"there is no accuracy of '{wanted}'; there is one of: {', '.join(known)}.")
