"""The accuracies that the page shows: one point for each design and source, literature and shipped studies alike."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from analysis.accuracy.literature import by_design
from analysis.accuracy.measurements import MEASURED
from analysis.accuracy.outcome import names_in, spread_of
from analysis.accuracy.studies import Study
from analysis.fronts.accuracy_rows import accuracy_of
from analysis.fronts.added import AddedModel
from analysis.fronts.robust import ONE_RUN_POINTS
from analysis.show.classes import ESTIMATED, DesignClass, class_of
from costmodel import DesignKey
from costmodel.demand.conventions import macs_in
from costmodel.designs.outcome import Outcome
from costmodel.designs.records import AccuracyRecord
from costmodel.evaluate.cost import prepared
from costmodel.graph import read_precisions
from costmodel.importers.model.naming import Model

_MEASURED_FILE = "data/measured_accuracy.csv"
_ADDED = "own (--add)"
"""Who says an accuracy that was given on the command line; it stands among the published ones, as in `pareto`."""
_NINE_TENTHS = 1.645
"""Half of an interval that holds nine tenths of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Point:
    """A design with its accuracy as the page shows it."""

    key: DesignKey | Model
    record: Mapping[str, Any]


def published_points(records: Iterable[AccuracyRecord]) -> list[Point]:
    """A point for each design of the literature, its figures merged as fronts do it."""
    return [_published(name, group) for name, group in by_design(records).items()]


def measured_points(measured: Sequence[tuple[Study, Outcome]]) -> list[Point]:
    """A point for each design of the shipped studies."""
    commands = _commands()
    points = []
    for study, outcome in measured:
        names, deviation = names_in(outcome), spread_of(outcome) or ONE_RUN_POINTS
        for one in study.designs:
            record = {
                "name": str(one.key),
                "label": names.of(one.key),
                "top1": one.mean,
                "top1_low": one.lowest if one.lowest is not None else one.mean,
                "top1_high": one.highest if one.highest is not None else one.mean,
                "deviation": deviation / one.seeds**0.5,
                "evidence": f"{MEASURED} ({study.recipe})",
                "study": study.stem,
                "source": f"{study.protocol}; {one.seeds} seed{'s' if one.seeds > 1 else ''}",
                "train": commands.get((str(one.key), study.recipe_digest), ""),
            }
            points.append(Point(one.key, _placed(one.key, record)))
    return points


def own_points(records: Iterable[AccuracyRecord]) -> list[Point]:
    """A point for each design of a file of one's own, which make a study, or that was given by itself."""
    return [_own(group) for group in by_design(records).values()]


def added_point(one: AddedModel, network: str, dataset: str) -> Point:
    """The point of a network from elsewhere, which is called `network` on a data set."""
    record = {
        "name": str(one.model),
        "label": one.label,
        "top1": one.top1,
        "top1_low": one.top1,
        "top1_high": one.top1,
        "deviation": ONE_RUN_POINTS,
        "evidence": _ADDED,
        "study": "",
        "source": "given with --add",
        "train": "",
        "added": True,
        "class": str(_class_of_model(one.model)),
        "methods": [],
        "network": network,
        "dataset": dataset,
    }
    return Point(one.model, record)


def _class_of_model(model: Model) -> DesignClass:
    """The class of a network from elsewhere: by the operands of most of its MACs."""
    totals: Counter[tuple[str, str]] = Counter()
    for row in prepared(model).rows:
        totals[row.operation, row.precision] += int(row.count)
    macs = macs_in(totals)
    sides = read_precisions(max(macs, key=lambda label: macs[label])) if macs else ()
    if any(side.kind == "float" for side in sides):
        return DesignClass.FULL_PRECISION
    return DesignClass.BINARY if all(side.bits == 1 for side in sides) else DesignClass.LOW_BIT


def _own(group: Sequence[AccuracyRecord]) -> Point:
    first = group[0]
    estimated = first.kind == ESTIMATED
    found = accuracy_of(first.name, group, several=False)
    interval = (first.high - first.low) / 2 if first.high is not None and first.low is not None else 0.0
    record = {
        "name": str(first.key),
        "label": found["label"],
        "top1": found["top1"],
        "top1_low": found["top1_low"],
        "top1_high": found["top1_high"],
        "deviation": max(ONE_RUN_POINTS, interval / _NINE_TENTHS) if estimated else ONE_RUN_POINTS,
        "evidence": f"{ESTIMATED if estimated else 'own'} ({first.source})" if first.source else _ADDED,
        "study": first.source,
        "source": first.reference,
        "train": "",
        "estimated": estimated,
        "added": not first.source,
    }
    return Point(first.key, _placed(first.key, record))


def _published(name: str, group: Sequence[AccuracyRecord]) -> Point:
    found = accuracy_of(name, group, several=False)
    first = next((record for record in group if record.top1 == found["top1"]), group[0])
    record = {
        "name": name,
        "label": found["label"],
        "top1": found["top1"],
        "top1_low": found["top1_low"],
        "top1_high": found["top1_high"],
        "deviation": ONE_RUN_POINTS,
        "evidence": found["kind"],
        "study": "",
        "source": "; ".join(filter(None, (first.reference, first.note))),
        "train": "",
    }
    return Point(first.key, _placed(first.key, record))


def _placed(key: DesignKey, record: Mapping[str, Any]) -> dict[str, Any]:
    methods = [use.name for use in key.methods]
    return {
        **record,
        "class": str(class_of(key.compute)),
        "methods": methods,
        "network": key.network,
        "dataset": key.dataset,
    }


def _commands() -> dict[tuple[str, str], str]:
    """The command that trains each shipped design again, by its text and the digest of its recipe."""
    text = resources.files("analysis").joinpath(_MEASURED_FILE).read_text("utf-8")
    return {
        (row["design"], row["recipe_digest"]): row.get("command", "")
        for row in csv.DictReader(text.splitlines())
    }
