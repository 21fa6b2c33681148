"""Tables as data, and as CSV and records for JSON, which keep every cell as it is.

Cells hold numbers in SI units. A cell may be a range: its value with the low and the high end behind it, which are
columns of their own in CSV and records.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from analysis.show.safe import csv_cell
from costmodel.errors import unknown
from costmodel.evaluate.ranges import Range

Cell = str | int | float | Range | None
HUNDREDTHS = ("%", "points")
"""Units of accuracies and of their differences, which are shown with two digits and named in the header."""
INSIDE_CORE = "inside the core"
"""What stands in place of an energy that the cycles of a processor hold already."""
_NAMED_UNITS = ("j", "s", "w", "hz", "bits", "percent")


@dataclass(frozen=True)
class Column:
    """One column: its name in files, its title for people, and the SI unit of its numbers.

    A `unit` of "operation" marks counts that may be shown rounded; without a unit, integers are exact. The texts of a
    column that `cites` are papers, which LaTeX gives as their keys.
    """

    name: str
    title: str
    unit: str = ""
    cites: bool = False

    @property
    def screen_title(self) -> str:
        """The title on a screen, where each number has its own unit, with that of hundredths behind it."""
        return f"{self.title} [{self.unit}]" if self.unit in HUNDREDTHS else self.title


@dataclass(frozen=True)
class Table:
    """Rows under columns; the first `grouped` columns hold values that repeat and are shown once per group."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    grouped: int = 0

    def column(self, number: int) -> list[Cell]:
        """Cells of one column."""
        return [row[number] for row in self.rows]

    def is_numeric(self, number: int) -> bool:
        """Whether a column holds numbers alone, or what stands in place of one."""
        cells = [cell for cell in self.column(number) if cell not in (None, INSIDE_CORE)]
        return bool(cells) and not any(isinstance(cell, str) for cell in cells)


@dataclass(frozen=True)
class Listing:
    """Lines of text in a fixed layout, under a title."""

    title: str
    lines: tuple[str, ...]


def records(table: Table) -> list[dict[str, Cell]]:
    """Rows as mappings from column name to cell, for JSON."""
    spread = without_ranges(table)
    names = [column.name for column in spread.columns]
    return [dict(zip(names, row, strict=True)) for row in spread.rows]


def without_ranges(table: Table) -> Table:
    """The same table with value, low and high in three columns wherever a column holds ranges.

    >>> column = Column("energy_j", "energy", "J")
    >>> wide = without_ranges(Table("t", "T", (column,), ((Range(1.0, 2.0, 3.0),), (None,))))
    >>> [column.name for column in wide.columns], wide.rows
    (['energy_j', 'energy_low_j', 'energy_high_j'], ((2.0, 1.0, 3.0), (None, None, None)))
    """
    ranged = [any(isinstance(cell, Range) for cell in table.column(n)) for n in range(len(table.columns))]
    if not any(ranged):
        return table
    columns = [
        one
        for column, wide in zip(table.columns, ranged, strict=True)
        for one in (_three_columns(column) if wide else (column,))
    ]
    rows = tuple(
        tuple(
            one for cell, wide in zip(row, ranged, strict=True) for one in (_three(cell) if wide else (cell,))
        )
        for row in table.rows
    )
    return Table(table.name, table.title, tuple(columns), rows, table.caption, table.grouped)


def _three_columns(column: Column) -> tuple[Column, ...]:
    ends = (
        Column(range_name(column.name, end), f"{column.title}, {end}", column.unit) for end in ("low", "high")
    )
    return (column, *ends)


def _three(cell: Cell) -> tuple[Cell, ...]:
    return (cell.value, cell.low, cell.high) if isinstance(cell, Range) else (cell, cell, cell)


def range_name(name: str, end: str) -> str:
    """Name of the column of one end: the unit stays last.

    >>> range_name("energy_j", "low"), range_name("area", "high")
    ('energy_low_j', 'area_high')
    """
    stem, _, unit = name.rpartition("_")
    return f"{stem}_{end}_{unit}" if unit in _NAMED_UNITS and stem else f"{name}_{end}"


def without_empty_columns(table: Table, *left_out: str) -> Table:
    """A table without some columns, and without those in which nothing stands."""
    kept = [
        number
        for number, column in enumerate(table.columns)
        if column.name not in left_out and any(cell not in (None, "") for cell in table.column(number))
    ]
    columns = tuple(table.columns[number] for number in kept)
    rows = tuple(tuple(row[number] for number in kept) for row in table.rows)
    grouped = table.grouped if 0 in kept else 0
    return Table(table.name, table.title, columns, rows, table.caption, grouped)


def chosen_columns(table: Table, names: Sequence[str]) -> Table:
    """A table with some of its columns, in the order in which they are named; an unknown name raises BnncostError."""
    known = {column.name: number for number, column in enumerate(table.columns)}
    require_columns(names, known, table.name)
    kept = [known[name] for name in dict.fromkeys(names)]
    columns = tuple(table.columns[number] for number in kept)
    rows = tuple(tuple(row[number] for number in kept) for row in table.rows)
    return Table(
        table.name, table.title, columns, rows, table.caption, table.grouped if kept[:1] == [0] else 0
    )


def require_columns(names: Iterable[str], known: Collection[str], table: str) -> None:
    """Raise BnncostError for a name that no column of a table has; `known` are those that it may have."""
    for name in names:
        if name not in known:
            raise unknown("column", name, known, place=f"table '{table}'")


def csv_text(table: Table) -> str:
    """Comma-separated values under the column names, numbers in SI units and in full."""
    stream = io.StringIO()
    spread = without_ranges(table)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in spread.columns])
    writer.writerows(["" if cell is None else csv_cell(cell) for cell in row] for row in spread.rows)
    return stream.getvalue()


def group_ends(table: Table) -> list[bool]:
    """Say for each row whether a group of the first column ends with it."""
    following = [*table.rows[1:], None][: len(table.rows)]  # of no rows, none
    return [
        table.grouped > 0 and after is not None and row[0] != after[0]
        for row, after in zip(table.rows, following, strict=True)
    ]
