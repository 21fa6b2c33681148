"""What commands print in this process, and what of a picture's texts lies on another."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.cli import run
from analysis.plots.style import styled

Captured = pytest.CaptureFixture[str]


def said(capsys: Captured, *arguments: str) -> str:
    """Run a command that must succeed; give its standard output."""
    code = run(arguments)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out


def read_json(capsys: Captured, *arguments: str) -> Any:
    """Run a command that must succeed; give its JSON."""
    return json.loads(said(capsys, *arguments, "--format", "json"))


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of visible texts of a figure that lie on one another."""
    with styled():
        figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [
        (first, second)
        for (first, one), (second, other) in combinations(boxes, 2)
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 3
    ]
