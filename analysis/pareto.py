"""Join costs with accuracies and find the designs that no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import moocore
import numpy as np
import pandas as pd

from analysis.accuracy import for_network
from costmodel import DESIGNS, Cost, cost
from costmodel.evaluate import AnyProfile, as_profile
from costmodel.records import AccuracyRecord

Axis = Literal["energy", "latency", "area", "memory"]
AXIS_COLUMN = {"energy": "energy_j", "latency": "latency_s", "area": "area", "memory": "memory_bits"}
RESOURCES = ("mm2", "lut")


def front_frame(
    network: str, dataset: str, profile: AnyProfile, records: Sequence[AccuracyRecord], x: Axis = "energy"
) -> pd.DataFrame:
    """One row per design with its accuracy, its cost, and whether it is on the front; sorted by the axis `x`.

    Published figures of one design are merged: the best one by its authors counts, the others give its range.
    Own measurements of one design are averaged.
    """
    chip = as_profile(profile)
    groups: dict[str, list[AccuracyRecord]] = {}
    for record in for_network(records, network, dataset):
        groups.setdefault(record.name, []).append(record)
    rows = [_accuracy(name, group) | cost_columns(cost(group[0].key, chip)) for name, group in groups.items()]
    frame = pd.DataFrame(rows)
    frame["x"] = frame[AXIS_COLUMN[x]]
    frame["on_front"] = on_front(frame["x"].to_numpy(), frame["top1"].to_numpy())
    return frame.sort_values(["x", "top1"]).reset_index(drop=True)


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
        "label": published.title if published else short_label(first),
        "name": name,
        "design": str(first.key),
        "top1": top1,
        "top1_low": min(everything),
        "top1_high": max(everything),
        "kind": first.kind,
        "reference": first.reference,
        "compute": first.key.compute,
    }


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
