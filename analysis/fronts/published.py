"""Join costs with accuracies and find the designs that no other beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import moocore
import numpy as np
import pandas as pd

from analysis.accuracy.literature import for_network
from costmodel import DESIGNS, BnncostError, Cost, DesignKey, cost
from costmodel.designs.published import PublishedDesign
from costmodel.designs.records import AccuracyRecord
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel

Axis = Literal["energy", "latency", "area", "memory"]
AXIS_COLUMN = {"energy": "energy_j", "latency": "latency_s", "area": "area", "memory": "memory_bits"}
RESOURCES = ("mm2", "lut")


def front_frame(
    network: str,
    dataset: str,
    profile: AnyProfile,
    records: Sequence[AccuracyRecord],
    x: Axis = "energy",
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
        _accuracy(name, group) | cost_columns(cost(group[0].key, chip, traffic=traffic))
        for name, group in groups.items()
    ]
    return with_front(rows, x)


def with_front(rows: Sequence[Mapping[str, object]], x: Axis) -> pd.DataFrame:
    """A frame of designs with their place on the axis and whether they are on the front; sorted by the axis."""
    frame = pd.DataFrame(rows)
    frame["x"] = frame[AXIS_COLUMN[x]]
    frame["on_front"] = on_front(frame["x"].to_numpy(), frame["top1"].to_numpy())
    return frame.sort_values(["x", "top1"]).reset_index(drop=True)


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


def reasons_against(
    designs: Mapping[str, DesignKey], profile: AnyProfile, *, traffic: TrafficModel | None = None
) -> dict[str, str]:
    """By name, why a design has no cost on the profile; those that have one are left out."""
    chip = as_profile(profile)
    reasons: dict[str, str] = {}
    for name, key in designs.items():
        try:
            cost(key, chip, traffic=traffic)
        except BnncostError as error:
            reasons[name] = str(error)
    return reasons


def on_front(x: np.ndarray, top1: np.ndarray) -> np.ndarray:
    """Mark the points that no other beats in both: lower `x`, higher accuracy. Equal points are all kept."""
    points = np.column_stack([x, top1]).astype(float)
    return np.asarray(moocore.is_nondominated(points, maximise=[False, True], keep_weakly=True))


def _accuracy(name: str, group: Sequence[AccuracyRecord]) -> dict[str, object]:
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


def cost_columns(found: Cost) -> dict[str, object]:
    """The columns of a cost that fronts and plots use; area in mm2, else LUT, else bits of memory in use."""
    resource = next((name for name in RESOURCES if name in found.area), "bit")
    split = {f"{part.replace(' ', '_').lower()}_j": energy for part, energy in found.energy_split_j.items()}
    return {
        "energy_j": found.energy_j,
        "latency_s": found.latency_s,
        "area": found.area[resource] if resource in found.area else sum(found.area.values()),
        "area_unit": resource,
        "memory_bits": sum(found.memory_bits.values()),
        **split,
    }
