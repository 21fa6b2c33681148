"""`bnncost cost`: what one design costs on one profile."""

from __future__ import annotations

from analysis.commands.show import Document
from analysis.views import cost_tables, tidy_cost, tidy_layers
from costmodel import Cost, cost


def cost_document(design: str, profile: str, *, per_layer: bool) -> Document:
    """Price a design and put the result in order."""
    found = cost(design, profile)
    tidy = tidy_layers(found) if per_layer else tidy_cost(found)
    return Document(cost_tables(found, per_layer=per_layer), found.to_dict(), tidy, _notes(found))


def _notes(found: Cost) -> tuple[str, ...]:
    notes = ["Folding:", *(f"  {note}" for note in found.notes)] if found.notes else []
    return (
        *notes,
        f"{len(found.assumptions)} figures in use are derived, scaled or assumed; --format json lists them.",
    )
