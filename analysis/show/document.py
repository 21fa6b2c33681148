"""The result of a command, and how it is shown: on the terminal, or as JSON, CSV, Markdown or LaTeX."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from io import StringIO
from pathlib import Path
from typing import Literal, TextIO

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from analysis.show.latex import bib, label_of, latex
from analysis.show.layout import layout, wrapped
from analysis.show.safe import markdown_text, visible
from analysis.show.tables import Listing, Table, chosen_columns, csv_text, group_ends, records
from analysis.show.text_forms import markdown, shown_cells
from costmodel.errors import unknown
from costmodel.output import write_whole

_PIPED = 120
"""Width of what is no terminal, unless COLUMNS says another."""
_NARROWEST = 20


class Format(str, Enum):
    """How results are written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


_BY_SUFFIX = {".json": Format.json, ".csv": Format.csv, ".md": Format.markdown, ".tex": Format.latex}


@dataclass(frozen=True)
class Document:
    """The result of a command: tables for people, `data` for JSON, and one tidy table for CSV.

    `screen` holds the tables for the terminal where they differ from those for papers; `listings` come
    after the tables.
    """

    tables: tuple[Table, ...]
    data: object
    tidy: Table
    notes: tuple[str, ...] = ()
    screen: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Document:
        """A document of one table, which is also its CSV and, as a list of records, its JSON."""
        return cls((table,), records(table), table)


def with_columns(document: Document, names: tuple[str, ...]) -> Document:
    """A document whose tables for people have these columns alone; as it is where none is named."""
    if not names:
        return document
    tables = tuple(chosen_columns(table, names) for table in document.tables)
    return replace(document, tables=tables, screen=())


def console_for(stream: TextIO) -> Console:
    """A console on a stream: as wide as the window on a terminal, else plain and as wide as COLUMNS says, or 120."""
    width = None if stream.isatty() else _piped_width()
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def _piped_width() -> int:
    given = os.environ.get("COLUMNS", "")
    return max(int(given), _NARROWEST) if given.isascii() and given.isdecimal() else _PIPED


def deliver(document: Document, chosen: Format | None, out: Path | None) -> None:
    """Write a document to a file, or to standard output; the file's suffix decides if no format is chosen."""
    form = form_of(chosen, out)
    if out is not None:
        write_whole(out, as_text(document, form))
        say(f"Wrote {out}")
        papers = bib(document.tables) if form is Format.latex else ""
        if papers:
            say(f"Wrote {write_whole(out.with_suffix('.bib'), papers)}")
    elif form is Format.table:
        print_document(document, console_for(sys.stdout))
    else:
        sys.stdout.write(as_text(document, form))


def form_of(chosen: Format | None, out: Path | None) -> Format:
    """The form that is chosen, else that which a file's suffix asks for; one that asks for none raises BnncostError."""
    if chosen or out is None:
        return chosen or Format.table
    suffix = out.suffix.lower()
    if suffix in ("", ".txt"):
        return Format.table
    if suffix not in _BY_SUFFIX:
        raise unknown("suffix", suffix, [".txt", *_BY_SUFFIX], place=f"output file '{out}'")
    return _BY_SUFFIX[suffix]


def as_text(document: Document, form: Format) -> str:
    """A document in one of its forms."""
    if form is Format.json:
        return json.dumps(document.data, indent=2, allow_nan=False) + "\n"
    if form is Format.csv:
        return csv_text(document.tidy)
    if form is Format.table:
        stream = StringIO()
        print_document(document, console_for(stream))
        return stream.getvalue()
    if form is Format.markdown:
        return "\n".join([*map(markdown, document.tables), *map(_markdown_listing, document.listings)])
    return "\n".join([*_latex_tables(document.tables), *map(_latex_listing, document.listings)])


def _latex_tables(tables: tuple[Table, ...]) -> Iterator[str]:
    """The tables, each with a label of its own."""
    used: Counter[str] = Counter()
    for table in tables:
        label = label_of(table)
        used[label] += 1
        yield latex(table, label=label if used[label] == 1 else f"{label}-{used[label]}")


def _markdown_listing(listing: Listing) -> str:
    lines = [visible(line).replace("```", "'''") for line in listing.lines]
    return "\n".join([f"**{markdown_text(listing.title)}**", "", "```", *lines, "```", ""])


def _latex_listing(listing: Listing) -> str:
    lines = [visible(line).replace(r"\end{verbatim}", r"\end {verbatim}") for line in listing.lines]
    return "\n".join([f"% {visible(listing.title)}", r"\begin{verbatim}", *lines, r"\end{verbatim}", ""])


def print_document(document: Document, console: Console) -> None:
    """Print tables below each other, then listings, then the notes."""
    for number, table in enumerate(document.screen or document.tables):
        if number:
            console.print()
        print_table(table, console)
    for listing in document.listings:
        console.print()
        print_text(listing.title, console, style="bold")
        for line in listing.lines:
            console.print(Text(visible(line)), soft_wrap=True)
    if document.notes:
        console.print()
    for note in document.notes:
        print_text(note, console)


def print_table(table: Table, console: Console) -> None:
    """Print one table as wide as the console: cells wrap between words, and what finds no room is named below."""
    print_text(table.title, console, style="bold")
    cells = [list(map(visible, row)) for row in shown_cells(table)]
    titles = [visible(column.screen_title) for column in table.columns]
    numeric = [table.is_numeric(number) for number in range(len(titles))]
    chosen = layout(titles, cells, numeric, console.width)
    grid = Grid()
    for number, width in zip(chosen.columns, chosen.widths, strict=True):
        side: Literal["left", "right"] = "right" if numeric[number] else "left"
        grid.add_column(
            Text(wrapped(titles[number], width)),
            justify=side,
            overflow="fold",
            min_width=width,
            max_width=width,
        )
    for row, ends in zip(cells, group_ends(table), strict=True):
        texts = (
            wrapped(row[number], width) for number, width in zip(chosen.columns, chosen.widths, strict=True)
        )
        grid.add_row(*map(Text, texts), end_section=ends)
    console.print(grid)
    left_out = [title for number, title in enumerate(titles) if number not in chosen.columns]
    if left_out:
        print_text(f"No room for: {', '.join(left_out)}. --format csv has all.", console)
    if table.caption:
        print_text(table.caption, console)


def print_text(text: str, console: Console, style: str = "") -> None:
    """Print a text, its lines cut between words where they are too long."""
    console.print(Text(wrapped(visible(text), console.width), style=style), soft_wrap=True)


def say(sentence: str) -> None:
    """Write a message that is no part of the result to standard error."""
    console_for(sys.stderr).print(Text(visible(sentence)), soft_wrap=True)


def complain(message: str) -> None:
    """Print an error, its text as it is."""
    label = Text("Error:", style="bold red")
    separator = "\n" if "\n" in message else " "
    console_for(sys.stderr).print(label + Text(separator + visible(message)), soft_wrap=True)
