"""The repair methods by branch and category."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.catalogue.fidelity import held_text
from analysis.methods.branches import by_branch
from analysis.show.document import Document
from analysis.show.tables import Column, Table, records
from costmodel import METHODS
from costmodel.methods import CATEGORIES, REFERENCES
from costmodel.methods.evidence import evidence_of


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
            REFERENCES.get(method.source, method.source), method.free_because or method.note, ", ".join(method.beside),
            held_text(evidence_of(method.name)),
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
