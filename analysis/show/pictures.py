"""Where a picture may be written: checked before anything is computed, and without loading what draws it."""

from __future__ import annotations

import re
from pathlib import Path

from costmodel.errors import unknown

SUFFIXES = (".png", ".svg", ".pdf")
_LONGEST = 200  # characters of a name, to which a suffix comes


def check_picture(out: Path) -> None:
    """Refuse a file whose suffix is that of no picture; what has none is a folder."""
    suffix = out.suffix.lower()
    if suffix and suffix not in SUFFIXES and not out.is_dir():
        raise unknown("suffix", suffix, SUFFIXES, place=f"output file '{out}'")


def file_stem(*parts: str) -> str:
    """Name of a file made of parts, in letters that every file system takes.

    >>> file_stem("resnet20[prelu]/cifar10", "asic-45nm")
    'resnet20-prelu-cifar10-asic-45nm'
    """
    return re.sub(r"[^\w.@+-]+", "-", "-".join(parts))[:_LONGEST]
