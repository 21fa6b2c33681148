"""How wide the columns of a table are on a screen: wrapped between words, and where that is not enough left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from analysis.show.breaking import broken, least_width

_FRAME = 3
"""Cells that a column takes beside its text."""


@dataclass(frozen=True)
class Layout:
    """The columns that are shown, by number, and the width of each."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]


def layout(
    titles: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], width: int
) -> Layout:
    """Choose widths so that a table fits into `width` cells of a screen.

    The widest columns wrap first, between words and parts of names. Numbers and names stay whole; where they leave no
    room, columns of text are left out from the right, then those of numbers, never the first column.

    >>> layout(["design", "why"], [["resnet20", "it is the network that all papers have"]], [False, False], 30)
    Layout(columns=(0, 1), widths=(8, 15))
    """
    shown = list(range(len(titles)))
    columns = [[row[number] for row in cells] for number in shown]
    least = [
        max(_least(columns[number], numeric=numeric[number]), least_width(titles[number])) for number in shown
    ]
    while _total([least[number] for number in shown]) > width and len(shown) > 1:
        shown.remove(_droppable(shown[1:], numeric))
    wanted = {number: max(map(cell_len, [titles[number], *columns[number]])) for number in shown}
    while _total(wanted.values()) > width:
        loose = [number for number in shown if wanted[number] > least[number]]
        if not loose:
            break
        widest = max(loose, key=lambda number: wanted[number])
        wanted[widest] -= 1
    return Layout(tuple(shown), tuple(wanted[number] for number in shown))


def wrapped(text: str, width: int) -> str:
    """A text in lines of at most `width` cells."""
    return "\n".join(broken(text, width))


def _least(column: Sequence[str], *, numeric: bool) -> int:
    """The narrowest that a column may be."""
    return max(map(cell_len if numeric else least_width, column), default=0)


def _total(widths: Iterable[int]) -> int:
    widths = list(widths)
    return sum(widths) + _FRAME * len(widths) + 1


def _droppable(shown: Sequence[int], numeric: Sequence[bool]) -> int:
    """The column that is left out next: the last of text, else the last."""
    texts = [number for number in shown if not numeric[number]]
    return (texts or list(shown))[-1]
