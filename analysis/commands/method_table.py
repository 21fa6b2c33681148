"""`bnncost table`: what every repair method costs on one network and profile."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console

from analysis.commands.branches import by_branch
from analysis.costs.frames import method_frame
from analysis.costs.mappings import COMPULSORY
from analysis.costs.tables import by_category, method_view, operations_text, ranged_method_view
from analysis.methods.marginal import Change, MethodTable, method_table
from analysis.show.document import Document, console_for
from analysis.show.ranges import at_all_ends, joined_tables
from analysis.show.tables import Cell, Column, Table, cell_text, records
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.evaluate.ranges import Range
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel, traffic_model

_RANGED = ("emitted_j", "alone_j", "alone_percent", "left_out_j", "equivalent_width")
"""Figures of a method that have a range in JSON."""


def table_document(
    network: str,
    profile: AnyProfile,
    dataset: str | None,
    full: str | None,
    methods: str | None,
    *,
    ranges: bool = False,
    traffic: TrafficModel | None = None,
) -> Document:
    """Price the methods, saying on a terminal which one is under way; with the range of each figure if asked for."""
    uses, chip = split_methods(methods), as_profile(profile)
    model = traffic_model(chip, traffic)
    document = _priced(network, chip, dataset, full, uses, ranges=ranges, traffic=model)
    return replace(document, notes=(*document.notes, COMPULSORY)) if model == "compulsory" else document


def _priced(
    network: str,
    profile: HardwareProfile,
    dataset: str | None,
    full: str | None,
    uses: list[str] | None,
    *,
    ranges: bool,
    traffic: TrafficModel,
) -> Document:
    with _progress(console_for(sys.stderr)) as tell:
        if not ranges:
            found = method_table(network, profile, dataset, full, uses, tell, traffic=traffic)
            return _document(found, method_view(found), _tidy(found), {})
        three = at_all_ends(
            lambda chip: method_table(network, chip, dataset, full, uses, tell, traffic=traffic), profile
        )
    view = ranged_method_view(*three)
    best, found, worst = three
    tidy = joined_tables((_tidy(best), _tidy(found), _tidy(worst)), key=("use",))
    return _document(found, view, tidy, {"ranges": _range_records(three)})


def _document(found: MethodTable, view: Table, tidy: Table, more: dict[str, object]) -> Document:
    return Document(
        by_branch(view), found.to_dict() | more, tidy, screen=by_branch(_screen_table(found, view))
    )


def _range_records(three: tuple[MethodTable, MethodTable, MethodTable]) -> list[dict[str, object]]:
    """Each method's figures with low, value and high, for JSON."""
    views = [records(method_view(one)) for one in three]
    return [
        {"method": rows[1]["method"], **{name: _ends(*(row[name] for row in rows)) for name in _RANGED}}
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


def _tidy(found: MethodTable) -> Table:
    frame = method_frame(found)
    columns = tuple(Column(str(name), str(name)) for name in frame.columns)
    cells = frame.astype(object).where(frame.notna(), None)
    return Table(
        "methods", found.network, columns, tuple(tuple(row) for row in cells.itertuples(index=False))
    )


def _screen_table(found: MethodTable, view: Table) -> Table:
    """The methods in fewer and wider columns: energy and operations in one cell; figures are those of `view`."""
    columns = (
        Column("branch", "branch"),
        Column("category", "category"),
        Column("method", "method"),
        Column("emitted", "emitted"),
        Column("alone", "alone"),
        Column("alone_percent", "of plain", "%"),
        Column("left_out", "left out"),
        Column("equivalent_width", "equal width"),
        Column("reason", "why"),
    )
    place = {column.name: number for number, column in enumerate(view.columns)}
    rows = tuple(
        (
            row.branch,
            row.category,
            row.use,
            _change_text(cells[place["emitted_j"]], row.emitted),
            _change_text(cells[place["alone_j"]], row.alone),
            cells[place["alone_percent"]],
            _change_text(cells[place["left_out_j"]], row.left_out),
            cells[place["equivalent_width"]],
            row.reason,
        )
        for row, cells in zip(by_category(found), view.rows, strict=True)
    )
    return Table("methods", view.title, columns, rows, view.caption, 2)


def _change_text(energy: Cell, change: Change) -> str:
    """Energy, and the operations that change; a bare 0 where nothing does."""
    operations = operations_text(change)
    if change.energy_j == 0 and operations == "0":
        return "0"
    return f"{cell_text(energy, 'J')}: {operations}"


def split_methods(text: str | None) -> list[str] | None:
    """Cut a list at the commas that are not in brackets; None where there is nothing in it.

    >>> split_methods("prelu, real_shortcut(operands=int4,pool=false)")
    ['prelu', 'real_shortcut(operands=int4,pool=false)']
    """
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text or "")]
    return [part for part in parts if part] or None


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None] | None]:
    """Give a function that shows the method at work, None where nobody looks."""
    if not console.is_terminal:
        yield None
        return
    with console.status("") as status:
        yield lambda name: status.update(f"pricing {name}")
