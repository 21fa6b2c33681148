"""Tables as text: cells for a terminal, Markdown.

On a terminal each number has a unit of its own; Markdown and LaTeX put one unit in the header of each column. All have
three significant digits.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.show.safe import markdown_text
from analysis.show.tables import HUNDREDTHS, Cell, Table
from analysis.show.units import EMPTY, common_scale, readable, readable_range, significant
from costmodel.evaluate.ranges import Range


def shown_cells(table: Table) -> list[list[str]]:
    """Rows as text for a terminal: each number with a unit of its own, a repeated group name left out."""
    return [
        [cell_text(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
        for row in _without_repeats(table)
    ]


def markdown(table: Table) -> str:
    """A Markdown (GitHub) table under its title.

    >>> from analysis.show.tables import Column
    >>> column = Column("energy_j", "energy", "J")
    >>> print(markdown(Table("t", "Energy", (Column("name", "name"), column), (("a|b", 1.46e-6),))))
    **Energy**
    <BLANKLINE>
    | name | energy [µJ] |
    | :--- | ---: |
    | a\\|b | 1.46 |
    <BLANKLINE>
    """
    headers, cells = in_common_units(table)
    marks = ["---:" if table.is_numeric(number) else ":---" for number in range(len(headers))]
    body = [[markdown_text(cell) for cell in row] for row in [headers, *cells]]
    lines = [f"| {' | '.join(row)} |" for row in [body[0], marks, *body[1:]]]
    parts = [f"**{markdown_text(table.title)}**", "\n".join(lines)]
    parts += [markdown_text(table.caption)] if table.caption else []
    return "\n\n".join(parts) + "\n"


def _without_repeats(table: Table) -> list[list[Cell]]:
    """Rows in which the leading group columns show a value only where it changes."""
    kept: list[list[Cell]] = []
    above: Sequence[Cell] = ()
    for row in table.rows:
        same = 0
        while above and same < table.grouped and row[same] == above[same]:
            same += 1
        kept.append([*([""] * same), *row[same:]])
        above = row
    return kept


def cell_text(cell: Cell, unit: str) -> str:
    """A cell as a terminal shows it, a number with a unit of its own."""
    if cell is None:
        return EMPTY
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Range):
        if unit and unit not in HUNDREDTHS:
            return readable_range(cell.value, cell.low, cell.high, unit)
        return _plain(cell, 1.0, unit)
    if unit in HUNDREDTHS:
        return _percent(cell)
    if not unit:
        return f"{cell:,}" if isinstance(cell, int) else significant(cell)
    return readable(cell, unit)


def in_common_units(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headers with units, and cells with numbers in them."""
    scales = [
        common_scale([cell for cell in map(_number, table.column(number)) if cell is not None], column.unit)
        for number, column in enumerate(table.columns)
    ]
    headers = [
        f"{column.title} [{scale.label}]" if scale.label else column.title
        for column, scale in zip(table.columns, scales, strict=True)
    ]
    rows = [
        [
            _plain(cell, scale.size, column.unit)
            for cell, column, scale in zip(row, table.columns, scales, strict=True)
        ]
        for row in _without_repeats(table)
    ]
    return headers, rows


def _number(cell: Cell) -> int | float | None:
    """The number that a cell holds, of a range its value."""
    value = cell.value if isinstance(cell, Range) else cell
    return value if isinstance(value, int | float) else None


def _plain(cell: Cell, size: float, unit: str) -> str:
    if cell is None:
        return EMPTY
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Range):
        value, low, high = (_plain(end, size, unit) for end in (cell.value, cell.low, cell.high))
        return f"{value} ({low} to {high})"
    if unit in HUNDREDTHS:
        return _percent(cell)
    return f"{cell:,}" if isinstance(cell, int) and not unit else significant(cell / size)


def _percent(value: float) -> str:
    """Hundredths, as accuracies are published, and fewer digits from a hundred on."""
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
