"""`bnncost cost`: what one design costs on one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from analysis.costs.cost_columns import WHAT_PAPERS_COUNT, convention_values
from analysis.costs.cost_tables import TIDY, cost_tables, tidy_cost, tidy_layers, totals_table
from analysis.costs.mapping_tables import listings_of, mapping_record
from analysis.costs.sensitivity_document import effect_record
from analysis.show.document import Document
from analysis.show.figure_words import assumption_sentence
from analysis.show.range_cells import WHAT_RANGES_ARE, joined_tables
from analysis.show.tables import Column, Table
from analysis.show.words import COMPULSORY, scope_sentence
from costmodel import Cost, cost
from costmodel.demand.conventions import OpsConvention
from costmodel.evaluate.cost import AnyProfile, as_design, prepared
from costmodel.evaluate.mappings import mappings_of
from costmodel.evaluate.ranges import CostRange, cost_range
from costmodel.evaluate.sensitivity import Sensitivity, sensitivity
from costmodel.pricing.price import TrafficModel

_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "energy_split": ("part",),
        "area_split": ("part",),
        "operations": ("operation", "precision"),
        "memory": ("level", "role"),
        "layers": ("layer",),
        "layer_traffic": ("layer", "level", "role"),
        "cost": (*TIDY[: TIDY.index("count")], "level", "role"),
    }
)
"""The columns that identify a row of each table."""


def cost_document(
    design: str,
    profile: AnyProfile,
    *,
    per_layer: bool,
    ranges: bool = False,
    traffic: TrafficModel | None = None,
    conventions: Sequence[OpsConvention] = (),
) -> Document:
    """Price a design and arrange the result in tables, with the range of each figure if asked for.

    `per_layer` adds tables of the layers and, where traffic is mapped, the mapping of each. `conventions` add a table
    of operations as papers sum them up.
    """
    if ranges:
        document = _with_ranges(cost_range(design, profile, traffic=traffic), per_layer=per_layer)
    else:
        priced = cost(design, profile, traffic=traffic)
        tidy = tidy_layers(priced) if per_layer else tidy_cost(priced)
        document = Document(cost_tables(priced, per_layer=per_layer), priced.to_dict(), tidy, _notes(priced))
    document = _with_heaviest_assumption(document, sensitivity(design, profile, traffic=traffic))
    assert isinstance(document.data, dict)
    if conventions:
        document = _with_conventions(document, design, conventions)
    assert isinstance(document.data, dict)
    if not per_layer or document.data["traffic"] == "compulsory":
        return document
    mappings = mappings_of(design, profile)
    data = document.data | {"mappings": [mapping_record(one) for one in mappings]}
    return replace(document, data=data, listings=listings_of(mappings))


def _with_heaviest_assumption(document: Document, found: Sensitivity) -> Document:
    """The same document with the figure that is neither published nor measured and moves the energy most."""
    assert isinstance(document.data, dict)
    heaviest = found.heaviest_assumption
    data = document.data | {"heaviest_assumption": effect_record(heaviest) if heaviest else None}
    notes = (*document.notes, assumption_sentence(found)) if heaviest else document.notes
    return replace(document, data=data, notes=notes)


def _with_ranges(priced: CostRange, *, per_layer: bool) -> Document:
    """The same document with ranges in its numbers, and a key more in JSON."""
    three = (priced.low, priced.value, priced.high)
    totals = replace(
        totals_table(priced.value, priced), caption=f"{scope_sentence(priced.value)} {WHAT_RANGES_ARE}"
    )
    low, value, high = (cost_tables(one, per_layer=per_layer)[1:] for one in three)
    tidy = tidy_layers if per_layer else tidy_cost
    return Document(
        (totals, *(_joined(tables) for tables in zip(low, value, high, strict=True))),
        priced.value.to_dict() | {"ranges": priced.to_dict()},
        _joined((tidy(priced.low), tidy(priced.value), tidy(priced.high))),
        _notes(priced.value),
    )


def _with_conventions(document: Document, design: str, conventions: Sequence[OpsConvention]) -> Document:
    """The same document with operations as papers sum them up."""
    values = convention_values(counted(design), conventions)
    columns = (Column("convention", "as papers count"), Column("operations", "operations", "operation"))
    rows = tuple((one.printed, values[one.value]) for one in conventions)
    table = Table("conventions", "Operations as papers print them", columns, rows, WHAT_PAPERS_COUNT)
    assert isinstance(document.data, dict)
    return replace(
        document, tables=(*document.tables, table), data=document.data | {"conventions": dict(values)}
    )


def counted(design: str) -> dict[tuple[str, str], int]:
    """Operations of a design by sort and precision."""
    totals: dict[tuple[str, str], int] = {}
    for row in prepared(as_design(design)).rows:
        totals[row.operation, row.precision] = totals.get((row.operation, row.precision), 0) + int(row.count)
    return totals


def _joined(three: tuple[Table, Table, Table]) -> Table:
    return joined_tables(three, _KEYS[three[1].name])


def _notes(priced: Cost) -> tuple[str, ...]:
    notes = ["Folding:", *(f"  {note}" for note in priced.notes)] if priced.notes else []
    if priced.traffic == "compulsory":
        notes.append(COMPULSORY)
    return (
        *notes,
        f"{len(priced.assumptions)} figures in use are derived, scaled or assumed; --format json lists them.",
    )
