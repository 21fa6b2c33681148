"""`bnncost methods`, `networks` and `designs`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.commands.branches import by_branch
from analysis.commands.fidelity import held_text
from analysis.show.document import Document
from analysis.show.tables import Column, Table, records
from costmodel import DATASETS, DESIGNS, METHODS, NETWORKS, DesignKey, build, fold
from costmodel.demand.counts import count, totals
from costmodel.methods import CATEGORIES, REFERENCES
from costmodel.methods.evidence import METHOD_EVIDENCE
from costmodel.validation.fidelity import EVIDENCE


def methods_document() -> Document:
    """Every repair method by branch and category."""
    columns = (
        Column("branch", "branch"), Column("category", "category"), Column("method", "method"),
        Column("summary", "what it does"), Column("hook", "acts on"), Column("options", "options"),
        Column("reference", "reference"), Column("note", "note"), Column("beside", "studied beside"),
        Column("held_against", "held against"),
    )  # fmt: skip
    rows = tuple(
        (
            branch, category, method.name, method.summary, method.hook, _options(method.options),
            REFERENCES[method.source], method.free_because or method.note, ", ".join(method.beside),
            held_text(METHOD_EVIDENCE[method.name]),
        )
        for branch, categories in CATEGORIES.items()
        for category in categories
        for method in METHODS.values()
        if (method.branch, method.category) == (branch, category)
    )  # fmt: skip
    tidy = Table("methods", "Repair methods", columns, rows, grouped=2)
    return Document(by_branch(tidy), records(tidy), tidy, screen=by_branch(_methods_screen(tidy)))


def _methods_screen(tidy: Table) -> Table:
    """The methods in fewer columns: options behind the name, the note behind the summary."""
    columns = (
        Column("branch", "branch"),
        Column("category", "category"),
        Column("method", "method"),
        Column("hook", "acts on"),
        Column("summary", "what it does"),
        Column("reference", "reference"),
        Column("held_against", "held against"),
    )
    rows = tuple(
        (
            row["branch"],
            row["category"],
            f"{row['method']}({row['options']})" if row["options"] else row["method"],
            row["hook"],
            " ".join(
                filter(None, (str(row["summary"]), _sentence(str(row["note"])), _beside(str(row["beside"]))))
            ),
            row["reference"],
            row["held_against"],
        )
        for row in records(tidy)
    )
    return Table("methods", tidy.title, columns, rows, grouped=2)


def _sentence(note: str) -> str:
    """A note as a sentence of its own.

    >>> _sentence("only the training loss changes")
    'Only the training loss changes.'
    """
    return f"{note[:1].upper()}{note[1:].rstrip('.')}." if note else ""


def _beside(names: str) -> str:
    """What stands on both sides of a study of the method, as a sentence.

    >>> _beside("hardtanh, sample_standardize")
    'Studied beside hardtanh, sample_standardize.'
    """
    return f"Studied beside {names}." if names else ""


def _options(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={str(value).lower()}" for name, value in options.items())


def designs_document() -> Document:
    """Every published design on each of its backbones; `name` is what other commands take."""
    columns = (
        Column("title", "title"), Column("name", "name"), Column("backbone", "backbone"),
        Column("design", "composition"), Column("reference", "reference"), Column("note", "note"),
        Column("held_against", "held against"),
    )  # fmt: skip
    rows = tuple(
        (
            design.title, f"{design.name}/{backbone}", backbone, str(design.key(backbone)),
            REFERENCES[design.source], design.note, held_text(EVIDENCE[f"{design.name}/{backbone}"]),
        )
        for design in DESIGNS.values()
        for backbone in design.compositions
    )  # fmt: skip
    caption = "The name without its backbone means the first backbone listed."
    return Document.of(Table("designs", "Published designs", columns, rows, caption, 1))


def networks_document() -> Document:
    """Every network, with its size on the data set that it is mostly used with."""
    columns = (
        Column("network", "network"), Column("summary", "shape"), Column("dataset", "data set"),
        Column("parameters", "parameters", "operation"), Column("binary_macs", "binary MACs", "operation"),
        Column("reference", "reference"),
    )  # fmt: skip
    rows = []
    for backbone in NETWORKS.values():
        dataset = backbone.dataset
        network = build(DesignKey(backbone.name, dataset))
        parameters = sum(int(param.size) for param in network.learned())
        binary_macs = int(totals(count(fold(network)))["mac", "1x1"])
        reference = REFERENCES[backbone.source]
        rows.append((backbone.name, backbone.summary, dataset, parameters, binary_macs, reference))
    caption = (
        f"Counted on the plain network. Data sets: {'; '.join(_dataset_text(name) for name in DATASETS)}."
    )
    return Document.of(Table("networks", "Networks", columns, tuple(rows), caption))


def _dataset_text(name: str) -> str:
    dataset = DATASETS[name]
    channels, height, width = dataset.image
    return f"{name} ({channels} x {height} x {width}, {dataset.classes} classes)"
