"""The front of published accuracies: costs joined with what the literature reports of each design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.accuracy.literature import for_network
from analysis.costs.cost_columns import cost_values
from analysis.costs.runnable import reasons_against
from analysis.fronts.nondominated import with_front
from analysis.show.axes import Axis
from costmodel import DESIGNS, BnncostError, cost
from costmodel.designs.published import PublishedDesign
from costmodel.designs.records import AccuracyRecord
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel


def front_frame(
    network: str,
    dataset: str,
    profile: AnyProfile,
    records: Sequence[AccuracyRecord],
    x: Axis = Axis.energy,
    *,
    traffic: TrafficModel | None = None,
) -> pd.DataFrame:
    """One row per design with its accuracy, its cost, and whether it is on the front; sorted by the axis `x`.

    Published figures of one design are merged: the best one by its authors counts, the others give its range.
    Own measurements of one design are averaged. `traffic` is as in `cost`.
    """
    chip = as_profile(profile)
    groups: dict[str, list[AccuracyRecord]] = {}
    for record in for_network(records, network, dataset):
        groups.setdefault(record.name, []).append(record)
    rows = [
        accuracy_of(name, group) | cost_values(cost(group[0].key, chip, traffic=traffic))
        for name, group in groups.items()
    ]
    return with_front(rows, x)


def runnable(
    records: Sequence[AccuracyRecord], profile: AnyProfile, *, traffic: TrafficModel | None = None
) -> tuple[list[AccuracyRecord], dict[str, str]]:
    """Split records into those whose design has a cost on the profile, and the others' names with the reason.

    A design may not fit, or need an operation that the profile has no price for. Raises where none is left.
    """
    reasons = reasons_against({record.name: record.key for record in records}, profile, traffic=traffic)
    kept = [record for record in records if record.name not in reasons]
    if records and not kept:
        raise BnncostError("\n".join(reasons.values()))
    return kept, reasons


def accuracy_of(name: str, group: Sequence[AccuracyRecord]) -> dict[str, object]:
    """The accuracy of one design from all figures of it, with its range, its label and where it is from."""
    by_authors = [record.top1 for record in group if record.kind == "author"]
    everything = [record.top1 for record in group]
    own = all(record.kind == "measured" for record in group)
    top1 = float(np.mean(everything)) if own else max(by_authors or everything)
    first = next((record for record in group if record.top1 == top1), group[0])
    published = DESIGNS.get(name.split("/")[0].lower())
    return {
        "label": _title(published) if published else short_label(first),
        "name": name,
        "design": str(first.key),
        "top1": top1,
        "top1_low": min(everything),
        "top1_high": max(everything),
        "kind": first.kind,
        "reference": first.reference,
        "compute": first.key.compute,
    }


def _title(published: PublishedDesign) -> str:
    """Title of a published design, starred where its accuracy was reached on another, similar backbone."""
    return f"{published.title}{' *' if published.other_backbone else ''}"


def short_label(record: AccuracyRecord) -> str:
    """Name a design that is not published by what distinguishes it from the plain one."""
    text = str(record.key).removeprefix(record.key.network).rpartition("/")[0]
    return text.replace("[", "").replace("]", "") or "plain"
