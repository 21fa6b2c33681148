"""Where images come from: scikit-learn, torchvision, .npz files. Each reader gives plain arrays, (N, C, H, W)."""

from __future__ import annotations

import struct
import tarfile
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from importlib.util import find_spec
from math import prod
from pathlib import Path
from tokenize import TokenError
from types import ModuleType

import numpy as np

from costmodel.errors import BnncostError

TORCHVISION = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "mnist": "MNIST",
    "fashion-mnist": "FashionMNIST",
}
"""What torchvision calls the data sets that it fetches."""

_DIGITS = Path("data") / "digits.csv.gz"
DIGITS_TEST = 360
"""How many of scikit-learn's 1797 digits, the last of its file, are kept for testing."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """A data set as it was read, not checked yet: images (N, C, H, W), labels (N,) and the names of the classes."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]


def read_digits() -> Arrays:
    """Read scikit-learn's 8x8 digits, which need no download; levels 0 .. 16 become 0 .. 255.

    Its file is read as it lies there: to import scikit-learn takes longer than to train an epoch of them. It has no
    test set of its own: the last 360 of 1797 are one, so that no seed decides what is tested.
    """
    package = find_spec("sklearn")
    file = Path(package.origin).with_name("datasets") / _DIGITS if package and package.origin else None
    if file is None or not file.is_file():
        raise BnncostError(
            "data set 'digits' comes with scikit-learn, which is not installed: pip install scikit-learn."
        )
    rows = np.loadtxt(file, delimiter=",")  # of 64 levels and the label
    images = np.rint(rows[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    labels = rows[:, -1].astype(np.int64)
    cut = len(images) - DIGITS_TEST
    return Arrays(images[:cut], labels[:cut], images[cut:], labels[cut:], tuple(str(n) for n in range(10)))


def torchvision_datasets(name: str) -> ModuleType:
    """Import torchvision's data sets; raises BnncostError with what to install where they do not load."""
    other = f"or give a path: {OTHER_FORMS}"
    try:
        from torchvision import datasets
    except ModuleNotFoundError:
        raise BnncostError(
            f"data set '{name}' is fetched by torchvision, which is not installed: pip install the version made "
            f"for this torch (0.28.0 for torch 2.13.0), {other}."
        ) from None
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BnncostError(
            f"data set '{name}' is fetched by torchvision, which does not load beside this torch ({reason}): install "
            "both of one build (pip install torch==2.13.0 torchvision==0.28.0 --index-url "
            f"https://download.pytorch.org/whl/cpu), {other}."
        ) from None
    return datasets


OTHER_FORMS = (
    "an .npz file, a folder cifar-10-batches-py or cifar-100-python, or one with train/CLASS and test/CLASS"
)


def read_torchvision(datasets: ModuleType, name: str, folder: Path, download: bool) -> Arrays:
    """Read a data set by torchvision, which fetches it into `folder` and compares its checksum."""
    kind = getattr(datasets, TORCHVISION[name])
    try:
        train, test = (kind(str(folder), train=part, download=download) for part in (True, False))
    except (
        OSError,  # the connection, the disk
        RuntimeError,  # a checksum
        HTTPException,
        EOFError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        AssertionError,  # how torchvision finds MNIST's files too short
        ValueError,
    ) as error:
        raise BnncostError(
            f"data set '{name}' could not be {'fetched into' if download else 'read from'} '{folder}' "
            f"({str(error) or type(error).__name__}); "
            f"delete what lies there of it and run this again{'' if download else ' with download'}, "
            f"or give a path: {OTHER_FORMS}."
        ) from None
    return Arrays(
        channels_first(np.asarray(train.data), name),
        np.asarray(train.targets),
        channels_first(np.asarray(test.data), name),
        np.asarray(test.targets),
        tuple(str(label) for label in train.classes),
    )


MOST_CLASSES = 65_536
"""Labels from here on are taken for a mistake, not for so many classes."""

MOST_BYTES = 2**36
"""Largest array of a file [byte], unpacked."""
MOST_HEADER = 10_000
"""Bytes in which an array of a file may say what it is, as numpy has it."""
_LENGTHS = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
"""Bytes of the length of a header, by the mark of its version."""
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> Arrays:
    """Read x_train, y_train, x_test, y_test and, if it is there, classes; without it labels are named 0, 1, ...

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels. Raises BnncostError for a damaged
    file or a missing array.
    """
    if not zipfile.is_zipfile(path):
        raise BnncostError(f"'{path}' is no .npz file, or only a part of one; write it with numpy.savez.")
    try:
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist()]
            missing = [key for key in NPZ_KEYS if key not in held]
            named = [key for key in (*NPZ_KEYS, "classes") if key in held]
            arrays = {} if missing else {key: _array(archive, key) for key in named}
    except _Objects as error:
        raise BnncostError(f"'{path}', {error}") from None
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        TokenError,
        RuntimeError,  # a password
    ) as error:
        raise BnncostError(f"'{path}' is damaged ({error}); write it anew with numpy.savez.") from None
    if missing:
        raise BnncostError(f"'{path}' lacks {', '.join(missing)}; it holds {', '.join(held) or 'nothing'}.")
    x_train, y_train, x_test, y_test = (arrays[key] for key in NPZ_KEYS)
    return Arrays(
        channels_first(x_train, f"'{path}', x_train"),
        y_train,
        channels_first(x_test, f"'{path}', x_test"),
        y_test,
        _names(arrays.get("classes"), y_train, path),
    )


class _Objects(BnncostError):
    """An array whose elements are Python objects: which, and what to store instead."""


def _array(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """Read one array; its header is compared with its size before anything is unpacked. Raises ValueError."""
    member = archive.getinfo(f"{key}.npy")
    if member.file_size > MOST_BYTES:
        raise ValueError(f"'{key}' is said to be {member.file_size} bytes, and at most {MOST_BYTES} are read")
    with archive.open(member) as stream:
        length = int.from_bytes(stream.read(_LENGTHS.get(stream.read(8), 0)), "little")
        if length > MOST_HEADER:
            raise ValueError(f"the header of '{key}' has {length} bytes, and at most {MOST_HEADER} are read")
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in read_header:
            raise ValueError(
                f"'{key}' is of the version {version} of the format, which arrays of numbers are not"
            )
        shape, _, dtype = read_header[version](stream)
        if dtype.hasobject:
            raise _Objects(
                f"{key}: holds Python objects, which are stored as a pickle, and none is read; store plain numbers or "
                f"texts: numpy.array({key}.tolist())."
            )
        claimed = prod(shape) * dtype.itemsize
        if stream.tell() + claimed != member.file_size:
            raise ValueError(f"'{key}' claims {claimed} bytes of {dtype} and has {member.file_size}")
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.lib.format.read_array(stream, allow_pickle=False)


def _names(classes: np.ndarray | None, labels: np.ndarray, path: Path) -> tuple[str, ...]:
    if classes is None:
        whole = labels.dtype.kind in "iu" and labels.size
        for label in (labels.min(), labels.max()) if whole else ():
            if not 0 <= label < MOST_CLASSES:
                raise BnncostError(
                    f"'{path}', y_train: label {label} is out of range; give each class a number from 0 to "
                    f"{MOST_CLASSES - 1}."
                )
        return tuple(str(number) for number in range(int(labels.max()) + 1)) if whole else ()
    if classes.ndim != 1:
        raise BnncostError(f"'{path}', classes: must be a list of names, not of shape {classes.shape}.")
    return tuple(str(name) for name in classes)


def channels_first(images: np.ndarray, place: str) -> np.ndarray:
    """Bring images to (N, C, H, W): a grey axis is added, and 1 or 3 channels that come last come first.

    >>> channels_first(np.zeros((5, 32, 28, 3)), "x").shape, channels_first(np.zeros((5, 8, 9)), "x").shape
    ((5, 3, 32, 28), (5, 1, 8, 9))
    """
    if images.ndim == 3:
        return images[:, None]
    first, last = (images.ndim == 4 and images.shape[axis] in (1, 3) for axis in (1, -1))
    if first == last:
        raise BnncostError(
            f"{place}: shape {images.shape} is not (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels"
            f"{', or it could be both of the last two' if first else ''}."
        )
    return images if first else images.transpose(0, 3, 1, 2)
