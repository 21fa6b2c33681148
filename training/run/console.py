"""What training prints: lines as they are, and bars. Nothing here loads torch."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

NOW = "now"
"""The field of a bar that says how far it is, in words."""


def say(console: Console, text: str) -> None:
    """Print a text without markup, colours or line breaks of the console's own: designs have brackets and are long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def bars(console: Console, *, transient: bool = False) -> Progress:
    """Make bars with a description on the left and the field `now` on the right; transient ones vanish in the end."""
    description = TextColumn(
        "{task.description}", markup=False
    )  # a design's methods stand in brackets, as markup does
    columns = (description, BarColumn(bar_width=24), TextColumn(f"{{task.fields[{NOW}]}}"))
    return Progress(*columns, console=console, transient=transient)
