"""Folders of images, one per class: train/cat/1.png, train/dog/2.png, ..., test/cat/3.png."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from costmodel.errors import BnncostError
from training.data.sources import MOST_BYTES, Arrays

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MOST_PIXELS = 2**24
"""Pixels of an image, by what its header says before anything is unpacked."""
GREY = ("1", "L")
COLOUR = ("P", "RGB")


def read_folders(folder: Path) -> Arrays:
    """Read the images below `folder`/train and `folder`/test; the names of the folders there are the classes.

    Grey images alone give one channel, otherwise all become RGB. Classes are numbered in the order of their names.
    Raises BnncostError where a folder is missing or empty, or images differ in size or cannot be read.
    """
    classes = _classes(folder / "train")
    stray = sorted(set(_classes(folder / "test")) - set(classes))
    if stray:
        raise BnncostError(f"'{folder / 'test' / stray[0]}' is a class that '{folder / 'train'}' has not.")
    train, test = (_files(folder / part, classes) for part in ("train", "test"))
    size, mode = _common([path for path, _ in (*train, *test)])
    images = [np.stack([_pixels(path, mode, size) for path, _ in part]) for part in (train, test)]
    labels = [np.array([label for _, label in part], dtype=np.int64) for part in (train, test)]
    return Arrays(images[0], labels[0], images[1], labels[1], classes)


def _classes(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise BnncostError(f"'{folder}' is missing: images lie in train/CLASS/ and test/CLASS/.")
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not classes:
        raise BnncostError(f"'{folder}' has no folders; put the images of each class into one.")
    return tuple(classes)


def _files(folder: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """List the images of one part with their labels, in an order that does not depend on the file system."""
    files = []
    for label, name in enumerate(classes):
        inside = (folder / name).iterdir() if (folder / name).is_dir() else ()
        paths = sorted(p for p in inside if p.suffix.lower() in SUFFIXES and p.name[0] != ".")
        if not paths and folder.name == "train":
            raise BnncostError(f"'{folder / name}' has no images; {', '.join(SUFFIXES)} are read.")
        files += [(path, label) for path in paths]
    if not files:
        raise BnncostError(f"'{folder}' has no images; {', '.join(SUFFIXES)} are read.")
    return files


def _common(paths: list[Path]) -> tuple[tuple[int, int], str]:
    """Return the (width, height) that all images share, and the mode, "L" or "RGB", that suits them all."""
    headers = [_header(path) for path in paths]
    size = headers[0][0]
    for path, (other, _) in zip(paths, headers, strict=True):
        if other != size:
            raise BnncostError(
                f"'{path}' is {other[0]}x{other[1]} pixels, but '{paths[0]}' is {size[0]}x{size[1]}; "
                "bring all images to one size first."
            )
    mode = "L" if all(mode in GREY for _, mode in headers) else "RGB"
    total = size[0] * size[1] * len(mode) * len(paths)
    if total > MOST_BYTES:
        raise BnncostError(
            f"{len(paths)} images beside '{paths[0]}' are {total} bytes when unpacked, and at most {MOST_BYTES} are "
            "read; make them smaller first."
        )
    return size, mode


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image of the formats that are read, whatever its name says: others can start programs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as image:
            yield image


def _header(path: Path) -> tuple[tuple[int, int], str]:
    try:
        with _opened(path) as image:
            size, mode = image.size, image.mode
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BnncostError(f"'{path}' has more than {MOST_PIXELS} pixels; make it smaller first.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise BnncostError(f"'{path}' is no image that can be read ({error}).") from None
    if size[0] * size[1] > MOST_PIXELS:
        raise BnncostError(f"'{path}' has more than {MOST_PIXELS} pixels; make it smaller first.")
    if mode not in (*GREY, *COLOUR):
        raise BnncostError(f"'{path}' is of mode '{mode}'; save it as 8-bit grey or RGB.")
    return size, mode


def _pixels(path: Path, mode: str, size: tuple[int, int]) -> np.ndarray:
    """Read one image as bytes (C, H, W)."""
    try:
        with _opened(path) as image:
            pixels = np.asarray(image.convert(mode), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise BnncostError(f"'{path}' is damaged ({error}); replace or remove it.") from None
    return pixels.reshape(size[1], size[0], -1).transpose(2, 0, 1)
