"""Tables as data, and their text forms: CSV, records for JSON, Markdown, LaTeX.

Cells hold numbers in SI units. CSV and records keep them as they are; Markdown and LaTeX put one unit in the
header of each column and three significant digits in the cells. A cell may be a range: its value with the low and
the high end behind it, which are columns of their own in CSV and records.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.show.units import common_scale, readable, readable_range, significant
from costmodel.evaluate.ranges import Range

Cell = str | int | float | Range | None
EMPTY = "–"
HUNDREDTHS = ("%", "points")
"""Units of accuracies and of their differences, which are shown with two digits and named in the header."""
_NAMED_UNITS = ("j", "s", "w", "hz", "bits", "percent")
_LONG_TEXT = 36  # characters from which a LaTeX column wraps
_MANY_COLUMNS = 6


@dataclass(frozen=True)
class Column:
    """One column: its name in files, its title for people, and the SI unit of its numbers.

    A `unit` of "operation" marks counts that may be shown rounded; without a unit, integers are exact.
    """

    name: str
    title: str
    unit: str = ""


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
        """Whether a column holds numbers alone."""
        cells = [cell for cell in self.column(number) if cell is not None]
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
    >>> found = without_ranges(Table("t", "T", (column,), ((Range(1.0, 2.0, 3.0),), (None,))))
    >>> [column.name for column in found.columns], found.rows
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


def shown(table: Table, *left_out: str) -> Table:
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


def csv_text(table: Table) -> str:
    """Comma-separated values under the column names, numbers in SI units and in full."""
    stream = io.StringIO()
    spread = without_ranges(table)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in spread.columns])
    writer.writerows(["" if cell is None else cell for cell in row] for row in spread.rows)
    return stream.getvalue()


def shown_cells(table: Table) -> list[list[str]]:
    """Rows as text for a terminal: each number with a unit of its own, a repeated group name left out."""
    return [
        [cell_text(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
        for row in _without_repeats(table)
    ]


def group_ends(table: Table) -> list[bool]:
    """Say for each row whether a group of the first column ends with it."""
    following = [*table.rows[1:], None]
    return [
        table.grouped > 0 and after is not None and row[0] != after[0]
        for row, after in zip(table.rows, following, strict=True)
    ]


def markdown(table: Table) -> str:
    """A Markdown (GitHub) table under its title.

    >>> column = Column("energy_j", "energy", "J")
    >>> print(markdown(Table("t", "Energy", (Column("name", "name"), column), (("a|b", 1.46e-6),))))
    **Energy**
    <BLANKLINE>
    | name | energy [µJ] |
    | :--- | ---: |
    | a\\|b | 1.46 |
    <BLANKLINE>
    """
    headers, cells = _in_common_units(table)
    marks = ["---:" if table.is_numeric(number) else ":---" for number in range(len(headers))]
    body = [[_markdown_text(cell) for cell in row] for row in [headers, *cells]]
    lines = [f"| {' | '.join(row)} |" for row in [body[0], marks, *body[1:]]]
    parts = [f"**{_markdown_text(table.title)}**", "\n".join(lines)]
    parts += [_markdown_text(table.caption)] if table.caption else []
    return "\n\n".join(parts) + "\n"


def latex(table: Table) -> str:
    """A LaTeX table with rules of the package booktabs."""
    headers, cells = _in_common_units(table)
    ends = group_ends(table)
    lines = [_latex_row(headers), r"\midrule"]
    for row, ends_here in zip(cells, ends, strict=True):
        lines += [_latex_row(row), r"\midrule"] if ends_here else [_latex_row(row)]
    caption = f"{table.title}. {table.caption}" if table.caption else table.title
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            *([r"\footnotesize"] if len(table.columns) > _MANY_COLUMNS else []),
            rf"\caption{{{_latex_text(caption)}}}",
            rf"\label{{tab:{table.name.replace('_', '-')}}}",
            rf"\begin{{tabular}}{{{_latex_columns(table)}}}",
            r"\toprule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


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


def _in_common_units(table: Table) -> tuple[list[str], list[list[str]]]:
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


def _markdown_text(text: str) -> str:
    escaped = re.sub(r"([\\|*_<`])", r"\\\1", text)
    return " ".join(escaped.split())


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "µ": r"\textmu{}", "²": r"\textsuperscript{2}",
    "×": r"\texttimes{}", "`": "'", "–": "--", "−": "--", "≥": r"$\geq$", "≤": r"$\leq$", "[": "{[}", "]": "{]}",
}  # fmt: skip


def _latex_text(text: str) -> str:
    return " ".join("".join(_LATEX.get(letter, letter) for letter in text).split())


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(_latex_text, cells)) + r" \\"


def _latex_columns(table: Table) -> str:
    """Numbers to the right, texts to the left, long texts as paragraphs."""
    longest = [
        max((len(str(cell)) for cell in table.column(n)), default=0) for n in range(len(table.columns))
    ]
    long = sum(length > _LONG_TEXT for length in longest)
    marks: list[str] = []
    for number, length in enumerate(longest):
        if table.is_numeric(number):
            marks.append("r")
        else:
            marks.append(rf"p{{{0.6 / long:.2f}\linewidth}}" if length > _LONG_TEXT else "l")
    return "".join(marks)
