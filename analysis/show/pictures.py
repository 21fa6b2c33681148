"""Where a picture may be written: checked before anything is computed, and without loading what draws it."""

from __future__ import annotations

from pathlib import Path

from costmodel.errors import unknown

SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(out: Path) -> None:
    """Refuse a file whose suffix is that of no picture; what has none is a folder."""
    suffix = out.suffix.lower()
    if suffix and suffix not in SUFFIXES and not out.is_dir():
        raise unknown("suffix", suffix, SUFFIXES, place=f"output file '{out}'")
