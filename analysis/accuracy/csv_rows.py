"""Files of accuracies as text, and the rows of a CSV, each with its file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from costmodel import BnncostError


def reader_of(text: str) -> csv.DictReader[str]:
    """A reader of the rows below a CSV's header."""
    return csv.DictReader(text.splitlines())


def require_columns(reader: csv.DictReader[str], needed: Iterable[str], where: str, wanted: str) -> None:
    """Raise a BnncostError where the header lacks a column that is needed; `wanted` says what such a file has."""
    for column in needed:
        if column not in (reader.fieldnames or ()):
            raise BnncostError(f"{where}:1: the column '{column}' is missing; {wanted}.")


def placed_rows(
    reader: csv.DictReader[str], where: str
) -> Iterator[tuple[str, dict[str | None, str | None]]]:
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
