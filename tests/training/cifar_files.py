"""CIFAR as its authors publish it, small: pickled folders with a few images."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np


def rows(count: int, start: int = 0) -> np.ndarray:
    return ((np.arange(count * 3072) + start) % 256).astype(np.uint8).reshape(count, 3072)


def by_python2(images: np.ndarray, labels: list[int]) -> bytes:
    """Write a batch with the opcodes that Python 2 wrote CIFAR's with: byte strings, and numpy.core's old name."""
    shape = b"".join(b"M" + struct.pack("<H", side) for side in images.shape) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01" + shape + b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<i", images.size) + images.tobytes() + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels" + numbers + b"u."


def cifar10(folder: Path) -> Path:
    """Two images a file; the first two files as Python 2 wrote them, the others by Python 3."""
    folder = folder / "cifar-10-batches-py"
    folder.mkdir()
    for number in range(5):
        images, labels = rows(2, number), [number, 9 - number]
        content = (
            by_python2(images, labels)
            if number < 2
            else pickle.dumps({"data": images, "labels": labels}, protocol=4)
        )
        (folder / f"data_batch_{number + 1}").write_bytes(content)
    (folder / "test_batch").write_bytes(by_python2(rows(3, 50), [7, 8, 9]))
    names = {"label_names": [f"class{number}" for number in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder


def cifar100(folder: Path) -> Path:
    folder = folder / "cifar-100-python"
    folder.mkdir()
    for name, count in (("train", 4), ("test", 2)):
        labels = list(range(96, 96 + count))
        content = {"data": rows(count), "fine_labels": labels, "coarse_labels": [0] * count}
        (folder / name).write_bytes(pickle.dumps(content, protocol=4))
    names = {"fine_label_names": [str(number) for number in range(100)], "coarse_label_names": ["x"] * 20}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder
