"""The CIFAR folders as their authors publish them: Python pickles, read so that they can build arrays and nothing else.

Nothing of this project is stored as a pickle, since reading one can call any function. CIFAR-10 and CIFAR-100
(Krizhevsky 2009) exist in no other Python form, so they are read by an unpickler which refuses every name but the
three that an array is made of; all else in them are dicts, lists, strings and numbers, which need no name.
"""

from __future__ import annotations

import pickle
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from costmodel.errors import BnncostError
from training.data.sources import Arrays


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
    rows, labels = _entry(content, "data", path), _entry(content, layout.labels, path)
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape[1:] != (3 * 32 * 32,):
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
    try:
        with path.open("rb") as file:
            _check_instructions(file)
            file.seek(0)
            # Python 2 wrote them: its byte strings become text and arrays alike through latin-1.
            content = _ArraysOnly(file, encoding="latin1").load()
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        MemoryError,
        OSError,
        SystemError,
        TypeError,
        ValueError,
    ) as error:
        raise BnncostError(
            f"'{path}' cannot be read as a file of CIFAR ({error}); fetch and unpack the archive again."
        ) from None
    if not isinstance(content, dict):
        raise BnncostError(f"'{path}' holds a {type(content).__name__}, but CIFAR's files are dicts.")
    return content


_PLAIN = {
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
    *(
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "FLOAT",
        "BINFLOAT",
    ),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
}
"""Instructions of a pickle that plain data and arrays are written with."""


def _check_instructions(file: IO[bytes]) -> None:
    """Read a pickle without running it; raises UnpicklingError for an instruction that plain data does not need."""
    for instruction, argument, _ in pickletools.genops(file):
        if instruction.name not in _PLAIN:
            raise pickle.UnpicklingError(
                f"it has the instruction {instruction.name}, which arrays do not need"
            )
        if instruction.name == "GLOBAL":
            _allowed(*str(argument).split(" ", 1))


_RECONSTRUCT = np.empty(0).__reduce__()[0]
"""What numpy names as the maker of arrays; it moved between modules, and the old name warns."""


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows the names of which an array consists, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three allowed objects; raises UnpicklingError for every other name."""
        return _allowed(module, name)


def _allowed(module: str, name: str) -> Any:
    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
        ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }
    if (module, name) not in allowed:
        raise pickle.UnpicklingError(f"it asks for '{module}.{name}', which arrays do not need")
    return allowed[module, name]
