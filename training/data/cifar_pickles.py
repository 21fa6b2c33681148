"""The CIFAR folders as their authors publish them: Python pickles, of which arrays are read and nothing is run.

Nothing of this project is stored as a pickle, since reading one can call any function. CIFAR-10 and CIFAR-100
(Krizhevsky 2009) exist in no other Python form, so `training.data.plain_pickles` reads what is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.errors import BnncostError
from training.data.plain_pickles import NotPlain, array_of, plain
from training.data.sources import Arrays

MOST_BYTES = 2**29
"""Size of a file; the largest of CIFAR has 155 MB."""


@dataclass(frozen=True)
class CifarFiles:
    """How one of the two sets is cut into files, and what its labels are called in them."""

    data: str
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str
    classes: str


LAYOUTS = (
    CifarFiles(
        "cifar10",
        "cifar-10-batches-py",
        tuple(f"data_batch_{number}" for number in range(1, 6)),
        "test_batch",
        "batches.meta",
        "labels",
        "label_names",
    ),
    CifarFiles("cifar100", "cifar-100-python", ("train",), "test", "meta", "fine_labels", "fine_label_names"),
)


def layout_of(folder: Path) -> CifarFiles | None:
    """Say which of the two sets a folder holds, by its name or its files; None where it holds neither."""
    for layout in LAYOUTS:
        names = (layout.meta, layout.test, *layout.train)
        if folder.name == layout.folder or any((folder / name).is_file() for name in names):
            return layout
    return None


def read_folder(folder: Path, layout: CifarFiles) -> Arrays:
    """Read the batches of one folder; raises BnncostError where a file is missing, damaged or holds something else."""
    names = (*layout.train, layout.test, layout.meta)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise BnncostError(
            f"'{folder}' lacks {', '.join(missing)} of {layout.data}; unpack the archive again, whole."
        )
    batches = [_batch(folder / name, layout) for name in layout.train]
    test_images, test_labels = _batch(folder / layout.test, layout)
    classes = _entry(_read(folder / layout.meta), layout.classes, folder / layout.meta)
    if not isinstance(classes, list):
        raise BnncostError(f"'{folder / layout.meta}': '{layout.classes}' must be a list of names.")
    return Arrays(
        np.concatenate([images for images, _ in batches]),
        np.concatenate([labels for _, labels in batches]),
        test_images,
        test_labels,
        tuple(str(name) for name in classes),
    )


def _batch(path: Path, layout: CifarFiles) -> tuple[np.ndarray, np.ndarray]:
    """Read one file: rows of 3072 bytes, all of red, then green, then blue, each row by row; and their labels."""
    content = _read(path)
    rows, labels = array_of(_entry(content, "data", path)), _entry(content, layout.labels, path)
    if rows is None or rows.shape[1] != 3 * 32 * 32:
        raise BnncostError(f"'{path}': 'data' must be rows of 3072 bytes, as CIFAR has them.")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise BnncostError(f"'{path}': '{layout.labels}' must be a list of whole numbers.")
    if len(labels) != len(rows):
        raise BnncostError(f"'{path}' has {len(rows)} images, but {len(labels)} labels.")
    return rows.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)


def _entry(content: dict[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        raise BnncostError(f"'{path}' has no '{key}', so it is no file of CIFAR.")
    return content[key]


def _read(path: Path) -> dict[str, Any]:
    again = "fetch and unpack the archive again."
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BnncostError(
                f"'{path}' has more than {MOST_BYTES} bytes, so it is no file of CIFAR; {again}"
            )
        content = plain(path.read_bytes())
    except OSError as error:
        raise BnncostError(f"'{path}' cannot be read ({error.strerror or error}); {again}") from None
    except NotPlain as error:
        raise BnncostError(f"'{path}' cannot be read as a file of CIFAR ({error}); {again}") from None
    if not isinstance(content, dict):
        raise BnncostError(f"'{path}' holds a {type(content).__name__}, but CIFAR's files are dicts.")
    return content
