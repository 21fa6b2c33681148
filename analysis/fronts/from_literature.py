"""The front of published accuracies: costs joined with what the literature reports of each design."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.accuracy.literature import by_design, for_network
from analysis.costs.cost_columns import cost_values
from analysis.costs.runnable import reasons_against
from analysis.fronts.added import AddedModel
from analysis.fronts.nondominated import best_at_cost, with_front
from analysis.show.axes import Axis
from analysis.show.classes import ADDED, DesignClass, class_of
from analysis.show.words import network_name
from costmodel import BnncostError, cost
from costmodel.demand.conventions import OpsConvention
from costmodel.designs.declaring import PublishedDesign
from costmodel.designs.records import AccuracyRecord
from costmodel.designs.resolving import published_design
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel

_NAMES = 22
"""Designs that a figure has room to name."""
_LITTLE_COST, _LITTLE_GAIN = 1.06, 0.5
"""Ratio of costs, and points, within which two neighbours on a front share a name."""


def front_frame(
    network: str | None,
    dataset: str,
    profile: AnyProfile,
    records: Sequence[AccuracyRecord],
    x: Axis = Axis.energy,
    *,
    traffic: TrafficModel | None = None,
    conventions: Sequence[OpsConvention] = (),
    models: Sequence[AddedModel] = (),
) -> pd.DataFrame:
    """One row per design with its accuracy, its cost, and whether it is on the front; sorted by the axis `x`.

    Published figures of one design are merged: the best one by its authors counts, the others give its range.
    Own measurements of one design are averaged. Without a `network` those of all networks stand on one front.
    `models` are networks from elsewhere, which stand on every front. `named` marks what a figure has to name. `traffic`
    is as in `cost`, `conventions` as in `cost_values`.
    """
    chip = as_profile(profile)
    groups = by_design(for_network(records, network, dataset))
    several = len({group[0].key.network for group in groups.values()}) > 1
    priced = partial(cost, profile=chip, traffic=traffic)
    rows = [
        accuracy_of(name, group, several=several) | cost_values(priced(group[0].key), conventions)
        for name, group in groups.items()
    ]
    rows += [_row_of(one) | cost_values(priced(one.model), conventions) for one in models]
    frame = with_front(rows, x)
    frame["named"] = _named(frame)
    return frame


def _row_of(one: AddedModel) -> dict[str, object]:
    """The accuracy of a network from elsewhere, as `accuracy_of` has that of a design."""
    return {
        "label": one.label,
        "name": one.name,
        "design": str(one.model),
        "top1": one.top1,
        "top1_low": one.top1,
        "top1_high": one.top1,
        "kind": ADDED,
        "reference": "given with --add",
        "compute": "",
        "design_class": str(DesignClass.MEASURED),
        "network": str(one.model),
        "source": "",
    }


def _named(frame: pd.DataFrame) -> pd.Series:
    """Mark all of few designs, else what tells most: the front, own figures, the best of each class and network.

    Of neighbours on the front that hardly differ the more accurate one is named. Where all are of one network, whose
    name they need not carry, room that is left goes to the most accurate designs at each cost.
    """
    if len(frame) <= _NAMES:
        return pd.Series(True, index=frame.index)
    first = (frame["on_front"] & ~_nearly_the_next(frame)) | (frame["kind"] == ADDED)
    best = frame.groupby(["design_class", "network"])["top1"].transform("max") == frame["top1"]
    at_cost = best_at_cost(frame["x"].to_numpy(), frame["top1"].to_numpy()) & (
        frame["network"].nunique() == 1
    )
    worth = frame["top1"] + 100.0 * best + 1000.0 * first
    candidates = (best | at_cost) & ~frame["on_front"]
    rank = worth.where(first | candidates).rank(method="first", ascending=False)
    return first | (candidates & (rank <= _NAMES))


def _nearly_the_next(frame: pd.DataFrame) -> pd.Series:
    """Mark designs of the front that the next one of their class beats by little, for little more."""
    front = frame[frame["on_front"]]
    following = front.shift(-1)
    alike = front["design_class"] == following["design_class"]
    near = (following["x"] <= _LITTLE_COST * front["x"]) & (following["top1"] - front["top1"] <= _LITTLE_GAIN)
    return (alike & near).reindex(frame.index, fill_value=False)


def runnable(
    records: Sequence[AccuracyRecord], profile: AnyProfile, *, traffic: TrafficModel | None = None
) -> tuple[list[AccuracyRecord], dict[str, str]]:
    """Split records into those whose design has a cost on the profile, and the others' names with the reason.

    A design may not fit, or need an operation that the profile has no price for. Raises where none is left.
    """
    reasons = reasons_against({record.identity: record.key for record in records}, profile, traffic=traffic)
    kept = [record for record in records if record.identity not in reasons]
    if records and not kept:
        raise BnncostError("\n".join(reasons.values()))
    return kept, reasons


def accuracy_of(name: str, group: Sequence[AccuracyRecord], *, several: bool) -> dict[str, object]:
    """The accuracy of one design from all figures of it, with its range, its label and where it is from.

    The label has the network in it where there are `several`.
    """
    by_authors = [record.top1 for record in group if record.kind == "author"]
    everything = [record.top1 for record in group]
    own = all(record.kind in ("measured", ADDED) for record in group)
    top1 = float(np.mean(everything)) if own else max(by_authors or everything)
    first = next((record for record in group if record.top1 == top1), group[0])
    return {
        "label": _label(first, several=several),
        "name": name,
        "design": str(first.key),
        "top1": top1,
        "top1_low": min(everything + [one.low for one in group if one.low is not None]),
        "top1_high": max(everything + [one.high for one in group if one.high is not None]),
        "kind": first.kind,
        "reference": first.reference,
        "compute": first.key.compute,
        "design_class": str(class_of(first.key.compute, first.kind)),
        "network": first.key.network,
        "source": first.source,
    }


def _label(record: AccuracyRecord, *, several: bool) -> str:
    """Name a design as given, as published, or by its methods, with its network where a front has several."""
    if record.label:
        return record.label
    published = published_design(record.name)
    name = _title(published) if published else short_label(record)
    network = network_name(record.key.network)
    if network.startswith(name):
        return network
    return name if not several or network in name else f"{name}, {network}"


def _title(published: PublishedDesign) -> str:
    """Title of a published design, starred where its accuracy was reached on another, similar backbone."""
    return f"{published.title}{' *' if published.other_backbone else ''}"


def short_label(record: AccuracyRecord) -> str:
    """Name a design that is not published by what distinguishes it from the plain one."""
    text = str(record.key).removeprefix(record.key.network).rpartition("/")[0]
    return text.replace("[", "").replace("]", "") or "plain"
