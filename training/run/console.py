"""What training prints: lines as they are, and bars. Nothing here loads torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

NOW = "now"
"""The field of a bar that says how far it is, in words."""


def say(console: Console, text: str) -> None:
    """Print a text without markup, colours or line breaks of the console's own: designs have brackets and are long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


Tell = Callable[[str], None]
"""Shows what is at work."""


def untold(_: str) -> None:
    """Show nothing."""


@contextmanager
def under_way(console: Console) -> Iterator[Tell]:
    """Give a function that shows what is at work on a terminal, and nothing elsewhere."""
    if not console.is_terminal:
        yield untold
        return
    with console.status("") as status:
        yield lambda doing: status.update(Text(doing))


def bars(console: Console, *, transient: bool = False) -> Progress:
    """Make bars with a description on the left and the field `now` on the right; transient ones vanish in the end."""
    description = TextColumn(
        "{task.description}", markup=False
    )  # a design's methods stand in brackets, as markup does
    columns = (description, BarColumn(bar_width=24), TextColumn(f"{{task.fields[{NOW}]}}"))
    return Progress(*columns, console=console, transient=transient)
