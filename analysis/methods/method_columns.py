"""The figures of a method's cost, declared once as columns; frames, CSV, JSON and tables choose among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from analysis.costs.cost_columns import area_in_one_unit, convention_values
from analysis.costs.cost_tables import OPERATION_ORDER, operation_rank
from analysis.methods.marginal import Change, MethodCost, MethodTable
from analysis.show.tables import Column, Table
from analysis.show.units import readable
from analysis.show.words import fits_text
from costmodel import Cost
from costmodel.demand.conventions import OpsConvention

COUNTS = ("mac_binary", "mac_other", *(name for name in OPERATION_ORDER if name != "mac"))
"""Sorts of operations that are counted in a column each."""


@dataclass(frozen=True)
class MethodColumn:
    """One figure of a method: its name in files, how it is read off a cost, and its title and unit for people.

    `value` gets the cost of the method, and that of the plain network.
    """

    name: str
    value: Callable[[MethodCost, Cost], Any]
    title: str = ""
    unit: str = ""

    @property
    def column(self) -> Column:
        """The column of a table."""
        return Column(self.name, self.title or self.name, self.unit)


def operations_text(change: Change) -> str:
    """Added (or, with a minus, saved) operations in few words, the precisions of a sort summed.

    >>> operations_text(Change({("add", "int16"): 1505280, ("compare", "int16"): -250, ("mac", "1x1"): 64}, 0, 0, {}))
    'mac 1x1 64, add 1.51M, compare -250'
    """
    sums: dict[tuple[str, str], int] = {}
    for (operation, precision), count in change.operations.items():
        key = (operation, precision if operation == "mac" else "")
        sums[key] = sums.get(key, 0) + count
    ordered = sorted((key for key in sums if sums[key]), key=lambda key: (operation_rank(key[0]), key[1]))
    return ", ".join(f"{' '.join(key).strip()} {_short_count(sums[key])}" for key in ordered) or "0"


def _short_count(count: int) -> str:
    return readable(count, "operation").replace(" ", "")


def _percent(change: Change, plain: Cost) -> float:
    return 100 * change.energy_j / plain.energy_j


def _added(change: Change) -> dict[str, int]:
    """Added operations by sort, all precisions together, but MACs as binary and other ones."""
    counts = dict.fromkeys(COUNTS, 0)
    for (operation, precision), count in change.operations.items():
        if operation == "mac":
            operation = "mac_binary" if precision == "1x1" else "mac_other"
        counts[operation] += count
    return counts


def _count_column(name: str) -> MethodColumn:
    return MethodColumn(name, lambda one, plain: _added(one.alone)[name])


def _convention_column(one: OpsConvention) -> MethodColumn:
    return MethodColumn(
        f"alone_{one}",
        lambda method, plain: convention_values(method.alone.operations, (one,))[one.value],
        f"{one.printed} alone",
        "operation",
    )


FITS = "fits"
"""The column that people are shown where a design finds no room on the chip."""
_DECLARED = (
    MethodColumn("use", lambda one, plain: one.use),  # as the CSV calls it
    MethodColumn("method", lambda one, plain: one.use, "method"),  # as JSON and the tables for people call it
    MethodColumn("name", lambda one, plain: one.name),
    MethodColumn("branch", lambda one, plain: one.branch, "branch"),
    MethodColumn("category", lambda one, plain: one.category, "category"),
    MethodColumn("emitted", lambda one, plain: one.emitted.to_dict()),
    MethodColumn("emitted_j", lambda one, plain: one.emitted.energy_j, "emitted", "J"),
    MethodColumn("alone", lambda one, plain: one.alone.to_dict()),
    MethodColumn("alone_j", lambda one, plain: one.alone.energy_j, "alone", "J"),
    MethodColumn("alone_percent", lambda one, plain: _percent(one.alone, plain), "of plain", "%"),
    MethodColumn("alone_latency_s", lambda one, plain: one.alone.latency_s),
    MethodColumn("alone_area", lambda one, plain: area_in_one_unit(one.alone.area)[1]),
    MethodColumn("area_unit", lambda one, plain: area_in_one_unit(one.alone.area)[0]),
    MethodColumn("alone_operations", lambda one, plain: operations_text(one.alone), "operations alone"),
    MethodColumn("left_out", lambda one, plain: one.left_out.to_dict()),
    MethodColumn("left_out_j", lambda one, plain: one.left_out.energy_j, "left out", "J"),
    MethodColumn("left_out_percent", lambda one, plain: _percent(one.left_out, plain)),
    MethodColumn("equivalent_width", lambda one, plain: one.equivalent_width, "equivalent width"),
    MethodColumn("gain_against", lambda one, plain: one.gain_against, "gain", "points"),
    MethodColumn(FITS, lambda one, plain: fits_text(one.off_chip), "fits on chip"),
    MethodColumn("off_chip", lambda one, plain: list(one.off_chip)),
    *map(_count_column, COUNTS),
    *map(_convention_column, OpsConvention),
    MethodColumn("reason", lambda one, plain: one.reason, "why"),
)
COLUMNS: Mapping[str, MethodColumn] = MappingProxyType({column.name: column for column in _DECLARED})
"""Every column by its name."""

FIGURES = ("emitted_j", "alone_j", "alone_percent", "left_out_j", "equivalent_width")
"""The numbers of a method that people are shown, and that have ranges in JSON."""
GAIN = "gain_against"
"""The column that people are shown where a study ships."""
PAPER = ("branch", "category", "method", *FIGURES, GAIN, FITS, "alone_operations", "reason")
"""The columns of the tables for people, in their order."""
RECORD = (
    "method", "branch", "category", "emitted", "alone", "left_out", "equivalent_width", GAIN, "off_chip", "reason",
)  # fmt: skip
"""The keys of JSON."""
TIDY = (
    "use", "name", "branch", "category", "emitted_j", "alone_j", "alone_percent", "left_out_j", "left_out_percent",
    "alone_latency_s", "alone_area", "area_unit", "equivalent_width", GAIN, FITS, *COUNTS, "reason",
)  # fmt: skip
"""The columns of CSV and of the frame."""


def names_of(conventions: Iterable[OpsConvention]) -> tuple[str, ...]:
    """The columns of what a method alone adds to operations as papers sum them up.

    >>> names_of([OpsConvention.OPS])
    ('alone_ops',)
    """
    return tuple(f"alone_{one}" for one in conventions)


def tidy_methods(table: MethodTable, conventions: Iterable[OpsConvention] = ()) -> Table:
    """The same as a table, as CSV has it."""
    names = (*TIDY, *names_of(conventions))
    columns = tuple(Column(name, name) for name in names)
    rows = tuple(tuple(row_of(one, table.plain, names).values()) for one in table.rows)
    return Table("methods", table.network, columns, rows)


def table_record(table: MethodTable, conventions: Iterable[OpsConvention] = ()) -> dict[str, Any]:
    """JSON form of a method table; `docs/json.md` describes it."""
    plain, names = table.plain, (*RECORD, *names_of(conventions))
    return {
        "network": table.network,
        "profile": table.profile,
        "scope": plain.scope,
        "weights_from_outside": plain.weights_from_outside,
        "full": table.full,
        "plain": {"energy_j": plain.energy_j, "latency_s": plain.latency_s, "area": dict(plain.area)},
        "protocols": list(table.study.protocols) if table.study is not None else [],
        "methods": [row_of(one, plain, names) for one in table.rows],
    }


def row_of(one: MethodCost, plain: Cost, names: tuple[str, ...]) -> dict[str, Any]:
    """The values of one method in the columns of these names."""
    return {name: COLUMNS[name].value(one, plain) for name in names}
