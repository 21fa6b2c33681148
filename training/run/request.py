"""What a user asks for, as a run: a design and a data set by their texts, with what each implies for the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from costmodel.designs.catalogue import DATASETS, OWN
from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.errors import BnncostError
from costmodel.importers.model.naming import refuse_model
from training.data.dataset import NAMES, Dataset, load, pinned
from training.run.folders import source_of

DEFAULT_DATA = "digits"


def requested(design: str, data: str | None, folder: Path) -> tuple[DesignKey, str, Dataset]:
    """Read a design and its data set; gives the design, how the data is known (`pinned`), and the images.

    A design without `/data` takes that of `data`, by default the digits, which need no download; for images at a path
    of no known data set's size and classes the design is built as they are. Raises BnncostError for what is unknown or
    does not fit.
    """
    refuse_model(
        design, "`bnncost cost` prices it as it is, but what is trained is a design or a network file (.yaml)"
    )
    key = resolve(design)
    named = design.strip().rpartition("/")[2].strip() in (*DATASETS, OWN)
    source = source_of(data or (key.dataset if named else DEFAULT_DATA))
    images = load(source, folder=folder)
    if not named:
        key = replace(key, dataset=data) if data in DATASETS else _fitted(key, design, images)
        key = DesignKey.parse(str(key))  # as its record has it: what the data set says is not said again
    return key, pinned(source, images), images


def _fitted(key: DesignKey, design: str, data: Dataset) -> DesignKey:
    """Build the design for images like these: those of a known data set, or else of the design's own."""
    if data.name in NAMES:
        return replace(key, dataset=data.name)
    alike = [
        item.name
        for item in DATASETS.values()
        if (item.image, item.classes) == (data.image, len(data.classes)) and not item.halves
    ]
    if len(alike) == 1 and key.image is None and key.classes is None:
        return replace(key, dataset=alike[0])
    if not alike:
        image, classes = key.image or data.image, key.classes or len(data.classes)
        return replace(key, dataset=OWN, image=image, classes=classes)
    size = "x".join(str(side) for side in data.image)
    raise BnncostError(
        f"design '{design}' names no data set, and '{data.name}' has {len(data.classes)} classes of images of {size}, "
        f"which could be {' or '.join(alike)}; write {design}/DATA with one of: {', '.join([*DATASETS, OWN])}."
    )
