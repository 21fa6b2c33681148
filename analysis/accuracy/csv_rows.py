"""Files of accuracies as text, and the rows of a table, each with its file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from costmodel import BnncostError
from costmodel.output import LARGEST_JSON, read_text

_SEPARATORS = (",", ";", "\t")
_NAMED = {",": "','", ";": "';'", "\t": "tabs"}
_NO_PART = re.compile(r"[^a-z0-9_]")
_SHORT = re.compile(r"\d{1,2}", re.ASCII)
_SEPARATOR_SAID = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_UNNAMED = "column"
MOST_PROBLEMS = 50
"""A file in which more is wrong is not read to its end."""
Row = dict[str | None, str | None]


def reader_of(text: str) -> csv.DictReader[str]:
    """A reader of the rows below a header, separated by whatever separates the header: commas, semicolons or tabs.

    Names of columns are read in any case, and without spaces or signs.

    Empty lines before the header, and the line `sep=;` of spreadsheet programs, are passed over. A column without
    a name is called by its number.

    >>> [(row["design"], row["top1"]) for row in reader_of("Design; Top-1 [%]\\nresnet20@w1.5,features=int8; 83,1")]
    [('resnet20@w1.5,features=int8', '83,1')]
    """
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    said = _SEPARATOR_SAID.fullmatch(first.strip())
    header = next((line for line in lines if line.strip() and line is not first), "") if said else first
    separator = said[1] if said else max(_SEPARATORS, key=header.count)  # the first of those as often
    reader: csv.DictReader[str] = csv.DictReader(
        lines, fieldnames=[], delimiter=separator, skipinitialspace=True
    )
    names = next(
        (row for row in reader.reader if any(map(str.strip, row)) and (not said or row[0].lower() != "sep=")),
        [],
    )
    reader.fieldnames = [
        _NO_PART.sub("", name.lower()) or f"{_UNNAMED} {number}" for number, name in enumerate(names, start=1)
    ]
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
    """Yield each row with its place, "file:line"; cells beyond the header stand under None, unless they are empty.

    Raises BnncostError where the text is no CSV, and for a cell in a column that has no name.

    >>> list(placed_rows(reader_of("design,top1\\nresnet20,70"), "own.csv"))
    [('own.csv:2', {'design': 'resnet20', 'top1': '70'})]
    """
    try:
        for row in reader:
            place, read = f"{where}:{reader.line_num}", dict(row)
            if not any(map(str.strip, read.get(None) or ())):
                read.pop(None, None)
            nameless = [
                name for name, cell in read.items() if (name or "").startswith(f"{_UNNAMED} ") and cell
            ]
            if nameless:
                raise BnncostError(
                    f"{place}: the cell in {nameless[0]} stands below no name; give the header one."
                )
            yield (
                place,
                {name: cell for name, cell in read.items() if not (name or "").startswith(f"{_UNNAMED} ")},
            )
    except csv.Error as error:
        raise BnncostError(f"{where}:{reader.line_num}: this is no CSV: {error}.") from None


def require_closed_quotes(reader: csv.DictReader[str], text: str, where: str) -> None:
    """Raise BnncostError where a quote is opened and never closed, so that all rows behind it are one cell."""
    told = csv.reader(
        text.split("\n"), delimiter=reader.reader.dialect.delimiter, skipinitialspace=True, strict=True
    )
    last = 0
    try:
        for _ in told:
            last = told.line_num
    except csv.Error as error:
        if "end of data" in str(error):
            raise BnncostError(f"{where}:{last + 1}: a quote opens here that is never closed.") from None


def listed(problems: Sequence[str]) -> str:
    """All that is wrong with a file as one message, of which a long one is cut."""
    cut = ["What is below is not read."] if len(problems) > MOST_PROBLEMS else []
    return "\n".join([*problems[:MOST_PROBLEMS], *cut])


def text_of(path: Path) -> str:
    """The text of a file of accuracies; raises BnncostError where it has none, or is larger than any of them."""
    text = read_text(
        path, "accuracy file", largest=LARGEST_JSON, advice="keep the rows of one study", marked_utf16=True
    )
    if "\0" in text[:2]:  # a plain letter of UTF-16 is a zero byte and a letter in UTF-8
        raise BnncostError(f"accuracy file '{path}' is UTF-16 without its mark; save it as UTF-8.")
    return text


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
    cells = [
        (place, (row[column] or "").strip(), (row.get(neighbour[0]) or "").strip()) for place, row in rows
    ]
    if any("." in number or "," in number for _, number, _ in cells):
        return
    for place, number, beside in cells:
        if _SHORT.fullmatch(number) and _SHORT.fullmatch(beside):
            raise BnncostError(
                f"{place}: {column} is {number} and the column '{neighbour[0]}' beside it {beside}: "
                f"is {number},{beside} meant? Write {number}.{beside}, or {number}.0 if it is not."
            )
