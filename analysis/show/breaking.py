"""Lines of a text that are cut between words, and in the text of a design between its parts; never inside a name."""

from __future__ import annotations

import re

from rich.cells import cell_len

_BREAKS = re.compile(r"(?<=[+/;])(?=\S)|(?<=,)(?=[^\s\d])|(?<=\S)(?=[\[@])")
"""Where a long word may be cut: behind what joins the parts of a design or of a path, and before its brackets."""

_WITHIN_AMOUNTS = re.compile(
    r" (?=±)|(?<=±) |(?<=\d) (?=(?:%|[µm]?m²|[afpnµmkMGT]?(?:J|s|W|Hz|B)\b|bit\b|points\b|times\b))"
)
"""Spaces of an amount, in front of its unit or its deviation."""
_GLUE = "\ue000"


def pieces(text: str) -> list[str]:
    """The parts of a text that stay whole, each with the space in front of it.

    >>> pieces("resnet20[prelu+relu]@w1.5 is at 3.10 µJ")
    ['resnet20', '[prelu+', 'relu]', '@w1.5', ' is', ' at', ' 3.10 µJ']
    """
    words = re.findall(r"\s*\S+", _WITHIN_AMOUNTS.sub(_GLUE, text))
    return [piece.replace(_GLUE, " ") for word in words for piece in _BREAKS.split(word) if piece]


def least_width(text: str) -> int:
    """Cells that the longest part takes."""
    return max((cell_len(piece.strip()) for piece in pieces(text)), default=0)


def broken(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, unless a part alone is longer; lines of the text itself stay.

    >>> broken("resnet20[double_residual+prelu] on it", 18)
    ['resnet20', '[double_residual+', 'prelu] on it']
    """
    return [line for own in text.split("\n") for line in _lines(own, width)]


def _lines(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    lines = [""]
    for piece in pieces(text):
        if lines[-1].strip() and cell_len(lines[-1] + piece) > width:
            lines.append(indent + piece.lstrip())
        else:
            lines[-1] += piece
    return lines
