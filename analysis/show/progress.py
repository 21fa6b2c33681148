"""Progress, shown on a terminal and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from analysis.show.document import console_for


@contextmanager
def under_way(doing: str) -> Iterator[Callable[[str], None] | None]:
    """Return a function that shows what is at work, after the word `doing`; None where stderr is no terminal."""
    console = console_for(sys.stderr)
    if not console.is_terminal:
        yield None
        return
    with console.status(doing) as status:
        yield lambda name: status.update(f"{doing} {name}")


@contextmanager
def counting(doing: str, total: int, console: Console) -> Iterator[Callable[[str], None]]:
    """Give a function to call with each part's name as it ends; a terminal shows how many of `total` have."""
    with bar(doing, total, console) as show:
        ended = count(1)
        yield lambda name: show(next(ended), name)


@contextmanager
def bar(doing: str, total: int, console: Console) -> Iterator[Callable[[int, str], None]]:
    """Give a function that shows on a terminal how many of `total` parts have ended, with a word beside."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda ended, name: progress.update(task, completed=ended, description=name)
