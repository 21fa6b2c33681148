"""Which front accuracies belong on: its network and data set, as said or where only one is possible."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.costs.runnable import reasons_against
from analysis.fronts.added import AddedModel
from costmodel import BnncostError
from costmodel.designs.records import AccuracyRecord
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel


def place_of(
    network: str | None,
    dataset: str | None,
    everything: Sequence[AccuracyRecord],
    added: Sequence[AccuracyRecord],
) -> tuple[str | None, str]:
    """Network, None for all of them, and data set: as given, or where only one is possible.

    Accuracies of one's own, if there are any, decide what is not given; where nothing else is known of their network,
    they stand among all networks of the data set.
    """
    telling = [one for one in added or everything if network in (None, one.key.network)]
    datasets = {one.key.dataset for one in telling if dataset in (None, one.key.dataset)}
    chosen = dataset or (datasets.pop() if len(datasets) == 1 else None)
    if chosen is None:
        known = ", ".join(sorted({backbone_text(one) for one in telling or everything}))
        raise BnncostError(f"say which with --network and --dataset; there are accuracies of: {known}.")
    if network is not None or dataset is not None:
        return network, chosen
    networks = {one.key.network for one in telling if one.key.dataset == chosen}
    (only,) = networks if len(networks) == 1 else (None,)
    compared = {one.key.network for one in everything if one not in added and one.key.dataset == chosen}
    return only if only in compared or not compared else None, chosen


def check_added(added: Sequence[AccuracyRecord], mine: Sequence[AccuracyRecord], title: str) -> None:
    """Refuse accuracies of one's own that do not belong on the front."""
    apart = [
        f"{one.name} is on {backbone_text(one)}; this front is of {title}."
        for one in added
        if one not in mine
    ]
    if apart:
        raise BnncostError("\n".join(apart))


def runnable_models(
    models: Sequence[AddedModel], chip: HardwareProfile, traffic: TrafficModel | None
) -> tuple[list[AddedModel], dict[str, str]]:
    """Split networks from elsewhere as `runnable` does records."""
    reasons = reasons_against({one.name: one.model for one in models}, chip, traffic=traffic)
    return [one for one in models if one.name not in reasons], reasons


def backbone_text(record: AccuracyRecord) -> str:
    """Network and data set of a record."""
    return f"{record.key.network}/{record.key.dataset}"
