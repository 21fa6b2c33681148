"""The networks with their shape and size."""

from __future__ import annotations

from analysis.show.document import Document
from analysis.show.tables import Column, Table
from costmodel import DATASETS, NETWORKS, DesignKey, build, fold
from costmodel.demand.counts import count, totals
from costmodel.methods import REFERENCES
from costmodel.operations.elementwise import statistics_of


def networks_document() -> Document:
    """Every network, with its size on the data set that it is mostly used with."""
    columns = (
        Column("network", "network"), Column("summary", "shape"), Column("dataset", "data set"),
        Column("parameters", "parameters", "operation"), Column("binary_macs", "binary MACs", "operation"),
        Column("reference", "reference"),
    )  # fmt: skip
    rows = []
    for name, backbone in NETWORKS.items():
        key = DesignKey.parse(name)
        network = build(key)
        measured = {param for op in network.ops for param in statistics_of(op)}
        parameters = sum(int(param.size) for param in network.learned() if param not in measured)
        binary_macs = int(totals(count(fold(network)))["mac", "1x1"])
        source = backbone.source or ""
        reference = REFERENCES.get(source, source)
        rows.append((name, backbone.summary, key.dataset, parameters, binary_macs, reference))
    caption = (
        f"Counted on the plain network. Data sets: {'; '.join(_dataset_text(name) for name in DATASETS)}."
    )
    return Document.of(Table("networks", "Networks", columns, tuple(rows), caption))


def _dataset_text(name: str) -> str:
    dataset = DATASETS[name]
    channels, height, width = dataset.image
    return f"{name} ({channels} x {height} x {width}, {dataset.classes} classes)"
