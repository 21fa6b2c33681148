"""Data sets: read by name or from a path, checked, and kept whole as bytes on the device that trains.

`load` reads them all. CIFAR-10 is 150 MB as bytes, so the whole of it lives on the device; `training.data.augment`
flips, shifts and normalizes batches there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from costmodel.designs import catalogue
from costmodel.errors import BnncostError, unknown
from costmodel.output import require_plain
from training.data.cifar_pickles import LAYOUTS, layout_of, read_folder
from training.data.image_folders import read_folders
from training.data.pins import path_and_digest, with_digest
from training.data.sources import (
    OTHER_FORMS,
    TORCHVISION,
    Arrays,
    read_digits,
    read_npz,
    read_torchvision,
    torchvision_datasets,
)

NAMES = ("digits", *TORCHVISION)
"""The data sets that `load` knows by name."""


@dataclass(frozen=True, eq=False)
class Part:
    """Labelled images, on one device: `images` uint8 (N, C, H, W), `labels` int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def to(self, device: torch.device | str) -> Part:
        """Return the same on another device."""
        return Part(self.images.to(device), self.labels.to(device))

    def take(self, indices: torch.Tensor) -> Part:
        """Return the images at `indices`, in their order."""
        where = indices.to(self.labels.device)
        return Part(self.images[where], self.labels[where])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: its name, the names of its classes in the order of the labels, training and test images."""

    name: str
    classes: tuple[str, ...]
    train: Part
    test: Part

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same on another device."""
        return Dataset(self.name, self.classes, self.train.to(device), self.test.to(device))


def load(
    name_or_path: str | os.PathLike[str] = "digits",
    *,
    folder: str | os.PathLike[str] = "data",
    download: bool = True,
) -> Dataset:
    """Read a data set by its name, or from a path: an .npz file, a pickled CIFAR folder, or folders of images.

    Named sets but digits come by torchvision, which keeps them in `folder` and fetches them if `download`; where it
    does not load, CIFAR is read from its unpacked folder in there. A name goes before a path: write `./digits` for
    a folder of that name. Behind a path may stand the digest of what it should hold (`training.data.pins`). Raises
    BnncostError with what is wrong, and where.

    >>> digits = load("digits")
    >>> digits.train.images.shape, len(digits.test), digits.image
    (torch.Size([1437, 1, 8, 8]), 360, (1, 8, 8))
    """
    text, digest = path_and_digest(os.fspath(name_or_path))
    if text in NAMES:
        name, arrays = text, _read_named(text, Path(folder), download)
    else:
        name, arrays = _read_path(Path(text), text)
    data = checked(name, arrays)
    if name in NAMES:
        require_fit(data, catalogue.DATASETS[name])
    if digest and digest != content_of(data):
        raise BnncostError(
            f"'{text}' holds other images or labels than those with the digest {digest} (it has {content_of(data)}); "
            "put those back, or begin new runs with what it holds now: give the path alone."
        )
    return data


DIGITS_OF_CONTENT = 12


def content_of(data: Dataset) -> str:
    """Digest all images and labels of a data set and the names of its classes, as hexadecimal digits."""
    digest = hashlib.sha256(repr(data.classes).encode())
    for part in (data.train, data.test):
        for tensor in (part.images, part.labels):
            digest.update(repr(tuple(tensor.shape)).encode())
            digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()[:DIGITS_OF_CONTENT]


def pinned(source: str, data: Dataset | None = None) -> str:
    """Write the digest of what lies at a path behind it; names, and paths where nothing lies, stay as they are.

    `data` is what was read there, where it has been.
    """
    path, digest = path_and_digest(source)
    if digest or path in NAMES or not Path(path).exists():
        return source
    return with_digest(path, content_of(data if data is not None else load(path)))


def _read_named(name: str, folder: Path, download: bool) -> Arrays:
    if name == "digits":
        return read_digits()
    try:
        datasets = torchvision_datasets(name)
    except BnncostError:
        layout = next((layout for layout in LAYOUTS if layout.data == name), None)
        if layout is None or not (folder / layout.folder).is_dir():
            raise
        return read_folder(folder / layout.folder, layout)
    return read_torchvision(datasets, name, folder, download)


def _read_path(path: Path, text: str) -> tuple[str, Arrays]:
    """Read what lies at `path`, by what it is; the name of the data set comes with it."""
    if path.is_dir():
        if (path / "train").is_dir() or (path / "test").is_dir():
            return path.resolve().name, read_folders(path)
        for inside in (path, *(path / layout.folder for layout in LAYOUTS)):
            layout = layout_of(inside)
            if layout and inside.is_dir():
                return layout.data, read_folder(inside, layout)
        raise BnncostError(f"'{path}' holds no data set that is known here; give {OTHER_FORMS}.")
    require_plain(path)
    if path.is_file():
        if path.suffix != ".npz":
            raise BnncostError(f"'{path}' is no data set; unpack archives first, and give {OTHER_FORMS}.")
        return path.stem, read_npz(path)
    if path.suffix or len(path.parts) > 1:
        raise BnncostError(f"'{path}' does not exist; give {OTHER_FORMS}, or one of {', '.join(NAMES)}.")
    raise BnncostError(f"{unknown('data set', text, NAMES)} A path is read, too: {OTHER_FORMS}.")


def checked(name: str, arrays: Arrays) -> Dataset:
    """Make a data set of arrays; raises BnncostError where sizes differ or a value is out of its range."""
    classes = len(arrays.classes)
    train = _part(arrays.train_images, arrays.train_labels, classes, f"data set '{name}', training")
    test = _part(arrays.test_images, arrays.test_labels, classes, f"data set '{name}', test")
    if train.images.shape[1:] != test.images.shape[1:]:
        raise BnncostError(
            f"data set '{name}': training images are {_size(train.images.shape[1:])}, "
            f"but test images {_size(test.images.shape[1:])}."
        )
    return Dataset(name, arrays.classes, train, test)


def _part(images: np.ndarray, labels: np.ndarray, classes: int, place: str) -> Part:
    if images.ndim != 4 or not images.size:
        raise BnncostError(f"{place}: images must be (N, C, H, W) and at least one, not {images.shape}.")
    if images.dtype.kind not in "iu" or (
        images.dtype != np.uint8 and (images.min() < 0 or images.max() > 255)
    ):
        raise BnncostError(
            f"{place}: images must be whole numbers from 0 to 255, not {images.dtype}"
            f"{' beyond that' if images.dtype.kind in 'iu' else '; scale and round them first'}."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise BnncostError(
            f"{place}: labels must be a list of whole numbers, not {labels.dtype} {labels.shape}."
        )
    if len(labels) != len(images):
        raise BnncostError(f"{place}: {len(images)} images, but {len(labels)} labels.")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise BnncostError(
            f"{place}: label {labels[wrong[0]]} of image {wrong[0]} is out of range; "
            f"{classes} classes have labels 0 to {classes - 1}."
        )
    # A copy of our own where numpy may not write, which torch needs.
    pixels = np.require(images, np.uint8, ["C", "W"])
    return Part(torch.from_numpy(pixels), torch.from_numpy(np.require(labels, np.int64, ["C", "W"])))


def require_fit(data: Dataset, expected: catalogue.DatasetShape) -> None:
    """Raise BnncostError unless images and classes are those for which a design is built."""
    if data.image != expected.image:
        raise BnncostError(
            f"data set '{data.name}' has images of {_size(data.image)}, but {expected.name} needs "
            f"{_size(expected.image)}."
        )
    if len(data.classes) != expected.classes:
        raise BnncostError(
            f"data set '{data.name}' has {len(data.classes)} classes, but {expected.name} needs {expected.classes}."
        )


def _size(shape: tuple[int, ...]) -> str:
    """Write a shape as people do: 3x32x32 (C, H, W)."""
    return f"{'x'.join(str(side) for side in shape)} (C, H, W)"


def hold_out(part: Part, count: int, seed: int) -> tuple[Part, Part]:
    """Split off `count` images, drawn by `seed`, for validation: (the rest for training, those).

    The draw is made on the CPU, so it is the same on every device; both keep the order of the set. Raises
    BnncostError unless at least one image is left on each side.
    """
    if not 0 < count < len(part):
        raise BnncostError(
            f"{count} of {len(part)} training images cannot be kept for validation; 1 to {len(part) - 1} can."
        )
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))
    return part.take(order[count:].sort().values), part.take(order[:count].sort().values)


def in_order(part: Part, batch_size: int) -> Iterator[Part]:
    """Yield every image once, in order, as evaluation reads them; the last batch is what is left, never dropped."""
    if batch_size < 1:
        raise BnncostError(f"a batch needs at least one image, not {batch_size}.")
    for start in range(0, len(part), batch_size):
        yield Part(part.images[start : start + batch_size], part.labels[start : start + batch_size])
