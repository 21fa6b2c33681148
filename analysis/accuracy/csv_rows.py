"""Files of accuracies as text, and the rows of a table, each with its file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from costmodel import BnncostError

_SEPARATORS = (",", ";", "\t")
_NAMED = {",": "','", ";": "';'", "\t": "tabs"}
_NO_PART = re.compile(r"[^a-z0-9_]")
_SHORT = re.compile(r"\d{1,2}", re.ASCII)
Row = dict[str | None, str | None]


def reader_of(text: str) -> csv.DictReader[str]:
    """A reader of the rows below a header, separated by whatever separates the header: commas, semicolons or tabs.

    Names of columns are read in any case, and without spaces or signs.

    >>> [(row["design"], row["top1"]) for row in reader_of("Design; Top-1 [%]\\nresnet20@w1.5,features=int8; 83,1")]
    [('resnet20@w1.5,features=int8', '83,1')]
    """
    lines = text.splitlines()
    header = lines[0] if lines else ""
    separator = max(_SEPARATORS, key=header.count)  # the first of several that are there as often
    reader = csv.DictReader(lines, delimiter=separator, skipinitialspace=True)
    if reader.fieldnames:
        reader.fieldnames = [_NO_PART.sub("", name.lower()) for name in reader.fieldnames]
    return reader


def require_columns(reader: csv.DictReader[str], needed: Iterable[str], where: str, wanted: str) -> None:
    """Raise a BnncostError where the header lacks a column that is needed; `wanted` says what such a file has."""
    names = list(reader.fieldnames or ())
    for column in needed:
        if column not in names:
            there = ", ".join(names)[:_SHOWN] or "nothing"
            raise BnncostError(
                f"{where}:1: the column '{column}' is missing; its header, separated by "
                f"{_NAMED[reader.reader.dialect.delimiter]}, has {there}; {wanted}."
            )


_SHOWN = 100  # characters of a header that a message repeats


def placed_rows(reader: csv.DictReader[str], where: str) -> Iterator[tuple[str, Row]]:
    """Yield each row with its place, "file:line"; cells beyond the header stand under None.

    Raises BnncostError where the text is no CSV.

    >>> list(placed_rows(reader_of("design,top1\\nresnet20,70"), "own.csv"))
    [('own.csv:2', {'design': 'resnet20', 'top1': '70'})]
    """
    try:
        for row in reader:
            yield f"{where}:{reader.line_num}", dict(row)
    except csv.Error as error:
        raise BnncostError(f"{where}:{reader.line_num}: this is no CSV: {error}.") from None


def require_whole_decimals(
    reader: csv.DictReader[str], rows: Iterable[tuple[str, Row]], column: str, whole: Iterable[str]
) -> None:
    """Raise a BnncostError where a comma may have cut a decimal in two: `83,1` as 83 and a neighbour of 1.

    No such thing is possible where something else separates, where a row writes the column with a point, or where whole
    numbers belong into the neighbour, as `whole` names those.
    """
    names = list(reader.fieldnames or ())
    neighbour = names[names.index(column) + 1 :][:1]
    if reader.reader.dialect.delimiter != "," or not neighbour or neighbour[0] in whole:
        return
    cells = [(place, (row[column] or "").strip(), (row[neighbour[0]] or "").strip()) for place, row in rows]
    if any("." in number or "," in number for _, number, _ in cells):
        return
    for place, number, beside in cells:
        if _SHORT.fullmatch(number) and _SHORT.fullmatch(beside):
            raise BnncostError(
                f"{place}: {column} is {number} and the column '{neighbour[0]}' beside it {beside}: "
                f"is {number},{beside} meant? Write {number}.{beside}, or {number}.0 if it is not."
            )
