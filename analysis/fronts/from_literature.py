"""The front of published accuracies: costs joined with what the literature reports of each design."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis.accuracy.literature import by_design, for_network
from analysis.costs.cost_columns import cost_values
from analysis.fronts.accuracy_rows import accuracy_of
from analysis.fronts.added import AddedModel
from analysis.fronts.nondominated import best_at_cost, with_front
from analysis.show.axes import Axis
from analysis.show.classes import ADDED, DesignClass
from costmodel import cost
from costmodel.demand.conventions import OpsConvention
from costmodel.designs.records import AccuracyRecord
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
