"""One fault of a file: where it is, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# Keys of mappings and positions in lists, from the top of a file to a node.
Path = tuple[str | int, ...]
# The path of a node and what is wrong with it; whoever knows the file makes a `Problem` of it.
Finding = tuple[Path, str]
Findings = Iterator[Finding]

_SHORT = 60  # characters of a key that a message repeats


class Problem(NamedTuple):
    """One fault: where it is and a sentence; line 0 stands for the file as a whole."""

    file: str
    line: int
    place: str
    sentence: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{where}: {self.place}: {self.sentence}" if self.place else f"{where}: {self.sentence}"
        # A lone surrogate or a line break in a key must not spoil the terminal or the line-wise format.
        return text.encode("utf-8", "backslashreplace").decode().replace("\r", "\\r").replace("\n", "\\n")


def place_of(path: Path) -> str:
    """Write a path as a user reads it.

    >>> place_of(("memories", "on_chip", "macros", 0, "read"))
    'memories.on_chip.macros[0].read'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:_SHORT]}" for part in path)
    return text.removeprefix(".")
