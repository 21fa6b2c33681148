"""`bnncost table`: what every repair method costs on one network and profile."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from analysis.commands.branches import by_branch
from analysis.commands.show import Document, console_for
from analysis.frames import method_frame
from analysis.marginal import Change, MethodTable, method_table
from analysis.tables import Column, Table
from analysis.units import readable
from analysis.views import by_category, method_caption, method_view, operations_text


def table_document(
    network: str, profile: str, dataset: str | None, full: str | None, methods: str | None
) -> Document:
    """Price the methods, saying on a terminal which one is under way."""
    with _progress(console_for(sys.stderr)) as tell:
        found = method_table(network, profile, dataset, full, split_methods(methods), tell)
    return Document(
        by_branch(method_view(found)), found.to_dict(), _tidy(found), screen=by_branch(_screen_table(found))
    )


def _tidy(found: MethodTable) -> Table:
    frame = method_frame(found)
    columns = tuple(Column(str(name), str(name)) for name in frame.columns)
    cells = frame.astype(object).where(frame.notna(), None)
    return Table(
        "methods", found.network, columns, tuple(tuple(row) for row in cells.itertuples(index=False))
    )


def _screen_table(found: MethodTable) -> Table:
    """The methods in fewer and wider columns: energy and operations in one cell."""
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
    rows = tuple(
        (
            row.branch,
            row.category,
            row.use,
            _change_text(row.emitted),
            _change_text(row.alone),
            100 * row.alone.energy_j / found.plain.energy_j,
            _change_text(row.left_out),
            row.equivalent_width,
            row.reason,
        )
        for row in by_category(found)
    )
    title = f"Repair methods on {found.network}, {found.profile}"
    return Table("methods", title, columns, rows, method_caption(found), 2)


def _change_text(change: Change) -> str:
    """Energy, and the operations that change; a bare 0 where nothing does."""
    operations = operations_text(change)
    if change.energy_j == 0 and operations == "0":
        return "0"
    return f"{readable(change.energy_j, 'J')}: {operations}"


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
