"""What a user asks for, as a run: a design and a data set by their texts, with what each implies for the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey
from costmodel.designs.published import resolve
from costmodel.errors import BnncostError
from training.data.dataset import NAMES, Dataset, load, pinned
from training.run.folders import source_of

DEFAULT_DATA = "digits"


def requested(design: str, data: str | None, folder: Path) -> tuple[DesignKey, str, Dataset]:
    """Read a design and its data set; gives the design, how the data is known (`pinned`), and the images.

    A design without `/data` takes that of `data`, by default the digits, which need no download; a path fits the
    design whose image size and classes it has. Raises BnncostError for what is unknown or does not fit.
    """
    key = resolve(design)
    named = design.strip().rpartition("/")[2].strip() in DATASETS
    source = source_of(data or (key.dataset if named else DEFAULT_DATA))
    images = load(source, folder=folder)
    if not named:
        key = replace(key, dataset=data if data in DATASETS else _matching(design, images))
    return key, pinned(source, images), images


def _matching(design: str, data: Dataset) -> str:
    """Find the known data set that has images and classes like these."""
    if data.name in NAMES:
        return data.name
    alike = [
        item.name
        for item in DATASETS.values()
        if (item.image, item.classes) == (data.image, len(data.classes)) and not item.halves
    ]
    if len(alike) == 1:
        return alike[0]
    size = "x".join(str(side) for side in data.image)
    guess = f"could be {' or '.join(alike)}" if alike else "no design is built for"
    raise BnncostError(
        f"design '{design}' names no data set, and '{data.name}' has {len(data.classes)} classes of images of {size}, "
        f"which {guess}; write {design}/DATA with one of: {', '.join(DATASETS)}."
    )
