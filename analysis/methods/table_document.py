"""`bnncost table`: what every repair method costs on one network and profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from analysis.methods.branches import by_branch
from analysis.methods.marginal import MethodTable, method_table
from analysis.methods.method_columns import FIGURES, PAPER, names_of, table_record, tidy_methods
from analysis.methods.method_tables import method_view, ranged_method_view, screen_view
from analysis.show.document import Document, with_columns
from analysis.show.progress import under_way
from analysis.show.range_cells import at_all_ends, joined_tables
from analysis.show.tables import Cell, Table, records, require_columns
from analysis.show.words import COMPULSORY
from costmodel import BnncostError
from costmodel.demand.conventions import OpsConvention
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.evaluate.ranges import Range
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel, traffic_model


def table_document(
    network: str,
    profile: AnyProfile,
    dataset: str | None,
    full: str | None,
    methods: str | None,
    *,
    features: str | None = None,
    ranges: bool = False,
    traffic: TrafficModel | None = None,
    conventions: Sequence[OpsConvention] = (),
    columns: tuple[str, ...] = (),
) -> Document:
    """Price the methods, showing on a terminal which is being priced; with the range of each figure if asked for.

    `features` is the precision of non-binary maps, where it is not the default. `conventions` add what a method alone
    changes in operations as papers sum them up. `columns` are those of the tables for people, all where none is named.
    """
    require_columns(columns, (*PAPER, *names_of(conventions)), "methods")
    uses, chip = split_methods(methods), as_profile(profile)
    model = traffic_model(chip, traffic)
    document = _priced(
        network,
        chip,
        dataset,
        full,
        uses,
        features,
        ranges=ranges,
        traffic=model,
        conventions=conventions,
    )
    notes = (*document.notes, COMPULSORY) if model == "compulsory" else document.notes
    return with_columns(replace(document, notes=notes), columns)


def _priced(
    network: str,
    profile: HardwareProfile,
    dataset: str | None,
    full: str | None,
    uses: list[str] | None,
    features: str | None,
    *,
    ranges: bool,
    traffic: TrafficModel,
    conventions: Sequence[OpsConvention],
) -> Document:
    with under_way("pricing") as tell:

        def priced(chip: HardwareProfile) -> MethodTable:
            return method_table(network, chip, dataset, full, uses, tell, features=features, traffic=traffic)

        if not ranges:
            table = priced(profile)
            view, tidy = method_view(table, conventions), tidy_methods(table, conventions)
            return _document(table, view, tidy, table_record(table, conventions))
        three = at_all_ends(priced, profile)
    view = ranged_method_view(*three, conventions)
    best, table, worst = three
    tidy = joined_tables(
        (tidy_methods(best, conventions), tidy_methods(table, conventions), tidy_methods(worst, conventions)),
        key=("use",),
    )
    record = table_record(table, conventions) | {"ranges": _range_records(three)}
    return _document(table, view, tidy, record)


def _document(table: MethodTable, view: Table, tidy: Table, record: dict[str, object]) -> Document:
    screen = by_branch(screen_view(view, table))
    return Document(by_branch(view), record, tidy, screen=screen)


def _range_records(three: tuple[MethodTable, MethodTable, MethodTable]) -> list[dict[str, object]]:
    """Each method's figures with low, value and high, for JSON."""
    views = [records(method_view(one)) for one in three]
    return [
        {"method": rows[1]["method"], **{name: _ends(*(row[name] for row in rows)) for name in FIGURES}}
        for rows in zip(*views, strict=True)
    ]


def _ends(best: Cell, value: Cell, worst: Cell) -> object:
    """A figure with its range; a range without ends where an end of the profile's ranges does not give the figure."""
    if value is None:
        return None
    if best is None or worst is None:
        return {"low": None, "value": value, "high": None}
    assert isinstance(best, int | float) and isinstance(value, int | float) and isinstance(worst, int | float)
    return Range.of(best, value, worst).to_dict()


def split_methods(text: str | None) -> list[str] | None:
    """Cut a list at the commas that are not in brackets; None where none is given.

    Raises BnncostError for a list that names nothing.

    >>> split_methods("prelu, real_shortcut(operands=int4,pool=false)")
    ['prelu', 'real_shortcut(operands=int4,pool=false)']
    """
    if text is None:
        return None
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text)]
    if not any(parts):
        raise BnncostError(
            f"--methods '{text}' names none; write names with commas, or leave it out for all."
        )
    return [part for part in parts if part]
