"""The published designs as compositions of methods."""

from __future__ import annotations

from analysis.catalogue.fidelity import held_text
from analysis.show.document import Document
from analysis.show.tables import Column, Table
from costmodel import DESIGNS
from costmodel.methods import REFERENCES
from costmodel.validation.fidelity import EVIDENCE


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
