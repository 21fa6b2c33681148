"""The costs of methods as tables for people, by branch and category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from analysis.accuracy.outcome import sure_of
from analysis.costs.cost_columns import WHAT_PAPERS_COUNT
from analysis.costs.cost_tables import area_text
from analysis.methods.marginal import Change, MethodCost, MethodTable
from analysis.methods.method_columns import COLUMNS, FITS, GAIN, PAPER, names_of, operations_text, row_of
from analysis.show.range_cells import WHAT_RANGES_ARE, joined_tables
from analysis.show.tables import Cell, Column, Table
from analysis.show.text_forms import cell_text
from analysis.show.units import readable
from analysis.show.words import scope_sentence
from costmodel.demand.conventions import OpsConvention
from costmodel.methods import CATEGORIES

_JOINED: Mapping[str, str] = MappingProxyType(
    {"emitted_j": "emitted", "alone_j": "alone", "left_out_j": "left_out"}
)
"""Energies that stand before their operations on a screen, and what the two together are called."""


def method_view(table: MethodTable, conventions: Sequence[OpsConvention] = ()) -> Table:
    """Every method as emitted, alone over the plain network, and left out of the full design, by category.

    `conventions` add what it alone changes in operations as papers sum them up.
    """
    spills = any(one.off_chip for one in table.rows)
    hidden = [name for name, shown in ((GAIN, table.study is not None), (FITS, spills)) if not shown]
    shown = tuple(name for name in PAPER if name not in hidden)
    names = (*shown[:-1], *names_of(conventions), shown[-1])
    columns = tuple(COLUMNS[name].column for name in names)
    rows = tuple(tuple(row_of(one, table.plain, names).values()) for one in by_category(table))
    title = f"Repair methods on {table.network}, {table.profile}"
    caption = " ".join((method_caption(table), *([WHAT_PAPERS_COUNT] if conventions else [])))
    return Table("methods", title, columns, rows, caption, 2)


def ranged_method_view(
    best: MethodTable, table: MethodTable, worst: MethodTable, conventions: Sequence[OpsConvention] = ()
) -> Table:
    """The table of `method_view` with the range of each figure over both ends of the profile's ranges."""
    three = method_view(best, conventions), method_view(table, conventions), method_view(worst, conventions)
    joined = joined_tables(three, key=("branch", "category", "method"))
    return replace(joined, caption=f"{joined.caption} {WHAT_RANGES_ARE}")


def screen_view(view: Table, table: MethodTable) -> Table:
    """The table of `method_view`, or the ranged one, in fewer and wider columns: energy and operations in one cell."""
    kept = [number for number, column in enumerate(view.columns) if column.name != "alone_operations"]
    names = [view.columns[number].name for number in kept]
    rows = tuple(
        tuple(_screen_cell(one, name, cells[number]) for name, number in zip(names, kept, strict=True))
        for one, cells in zip(by_category(table), view.rows, strict=True)
    )
    return Table("methods", view.title, tuple(map(_screen_column, names)), rows, view.caption, 2)


def _screen_column(name: str) -> Column:
    if name == "equivalent_width":
        return Column(name, "equal width")
    return Column(_JOINED[name], COLUMNS[name].title) if name in _JOINED else COLUMNS[name].column


def _screen_cell(one: MethodCost, name: str, cell: Cell) -> Cell:
    if name not in _JOINED:
        return cell
    return _change_text(cell, getattr(one, _JOINED[name]))


def _change_text(energy: Cell, change: Change) -> str:
    """Energy, and the operations that change; a bare 0 where nothing does."""
    operations = operations_text(change)
    if change.energy_j == 0 and operations == "0":
        return "0"
    return f"{cell_text(energy, 'J')}: {operations}"


def by_category(table: MethodTable) -> list[MethodCost]:
    """The methods in the order of branches and categories."""
    branches = list(CATEGORIES)
    return sorted(
        table.rows, key=lambda row: (branches.index(row.branch), CATEGORIES[row.branch].index(row.category))
    )


def method_caption(table: MethodTable) -> str:
    """What the columns of a method table mean, and the plain BNN that they are measured against."""
    plain = table.plain
    area = ", ".join(" ".join(area_text(resource, amount)) for resource, amount in plain.area.items())
    return (
        f"{scope_sentence(plain)} "
        f"Plain BNN: {readable(plain.energy_j, 'J')}, {readable(plain.latency_s, 's')}, {area}. "
        "Emitted: what the method asks for, before folding. Alone: what is left of it after folding, over the "
        f"plain BNN. Left out: what {table.full}, with the method in it, saves without it. Equivalent width: what "
        "width of the plain BNN as much energy buys, between widths of four to a doubling on logarithmic axes; its "
        f"whole channels make steps there.{_fits_caption(table)}{_gain_caption(table)}"
    )


def _fits_caption(table: MethodTable) -> str:
    """What it means that a design finds no room."""
    if not any(one.off_chip for one in table.rows):
        return ""
    return (
        " Fits on chip: whether the plain BNN with the method does; else from which memory outside it runs."
    )


def _gain_caption(table: MethodTable) -> str:
    """What a gain is, how sure it is, and under which protocol it was measured."""
    if table.study is None:
        return ""
    parts = ("Gain: in top-1 over the fair pair, measured.", sure_of(table.study))
    return f" {' '.join(filter(None, parts))} Protocol: {'; '.join(table.study.protocols)}."
