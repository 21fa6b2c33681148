"""What is reported of the accuracy of each design, without its cost: labels, ranges, and which designs have a cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.costs.runnable import reasons_against
from analysis.show.classes import ADDED, class_of
from analysis.show.words import network_name
from costmodel import BnncostError
from costmodel.designs.declaring import PublishedDesign
from costmodel.designs.records import AccuracyRecord
from costmodel.designs.resolving import published_design
from costmodel.evaluate.cost import AnyProfile
from costmodel.pricing.price import TrafficModel


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
