"""`bnncost pareto`: accuracy against cost, and the designs that no other beats."""

from __future__ import annotations

from pathlib import Path

from analysis.accuracy import for_network, load_accuracy
from analysis.commands.show import Document
from analysis.pareto import Axis, front_frame, runnable
from analysis.report import write_front
from analysis.tables import records
from analysis.views import front_view
from costmodel import DATASETS, NETWORKS, load_profile
from costmodel.errors import unknown
from costmodel.output import make_folder
from costmodel.records import AccuracyRecord


def pareto_document(
    network: str, dataset: str, profile: str, x: Axis, accuracy: Path | None, out: Path
) -> tuple[Document, list[Path], dict[str, str]]:
    """Compute a front and write its files into `out`; gives the front, the files, and what is left out and why."""
    if network not in NETWORKS:
        raise unknown("network", network, NETWORKS)
    if dataset not in DATASETS:
        raise unknown("data set", dataset, DATASETS)
    chip = load_profile(profile)
    everything = load_accuracy(accuracy)
    mine = for_network(everything, network, dataset)
    here, left_out = runnable(mine, chip)
    if accuracy is not None:
        left_out |= {one.name: f"it is on {_backbone(one)}" for one in everything if one not in mine}
    frame = front_frame(network, dataset, chip, here, x)
    written = write_front(frame, network, dataset, chip, x, make_folder(out))
    table = front_view(frame, f"Top-1 against {x}: {network}/{dataset} on {chip.name}")
    return Document((table,), records(table), table), written, left_out


def _backbone(record: AccuracyRecord) -> str:
    return f"{record.key.network}/{record.key.dataset}"
