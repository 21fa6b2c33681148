"""Tables of methods, cut into one for each branch."""

from __future__ import annotations

from dataclasses import replace

from analysis.show.tables import Table

TITLES = {"topology": "Network topology changes", "training": "Training techniques"}


def by_branch(methods: Table) -> tuple[Table, ...]:
    """Cut a table at the values of its first column, which is left out; the last part keeps the caption."""
    parts = [_part(methods, branch) for branch in dict.fromkeys(map(str, methods.column(0)))]
    return (*parts[:-1], *(replace(last, caption=methods.caption) for last in parts[-1:]))


def _part(methods: Table, branch: str) -> Table:
    rows = tuple(row[1:] for row in methods.rows if row[0] == branch)
    title = methods.title.replace("Repair methods", TITLES[branch])
    return Table(f"{methods.name}_{branch}", title, methods.columns[1:], rows, grouped=1)
