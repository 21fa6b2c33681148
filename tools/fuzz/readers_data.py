"""Readers of images and labels: arrays, folders of images, CIFAR's pickles."""

from __future__ import annotations

import pickle
import pickletools
import random
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from cifar_files import by_python2, cifar10, rows
from PIL import Image

from tools.fuzz import mutate
from tools.fuzz.loop import Reader
from training.data.dataset import Dataset, load


def checked(data: Dataset) -> None:
    """What is accepted has bytes as images, and a class for each label."""
    for part in (data.train, data.test):
        assert part.images.dim() == 4 and len(part.images) == len(part.labels) > 0
        assert int(part.labels.min()) >= 0 and int(part.labels.max()) < len(data.classes)


def data_sets() -> list[bytes]:
    """A small data set of one's own."""
    rng, stream = np.random.default_rng(0), BytesIO()
    parts = {f"x_{part}": rng.integers(0, 256, (8, 1, 8, 8), np.uint8) for part in ("train", "test")}
    labels = {f"y_{part}": np.arange(8) % 4 for part in ("train", "test")}
    np.savez_compressed(stream, **parts, **labels)
    return [stream.getvalue()]


def bend_data_set(rng: random.Random, content: bytes) -> bytes:
    """Bend an array of the file, header or numbers, the list of members, or the bytes of the archive."""
    if rng.random() < 0.3:
        return mutate.text(rng, content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(list(members))
        held = members.pop(name)
        head = held[:128].replace(*rng.choice(HEADERS))
        bent = rng.choice(
            (
                head + held[128:],
                mutate.text(rng, held),
                members.get("y_test.npy", b""),
                held[: rng.randrange(200)],
            )
        )
        members[rng.choice((name, name, name, "../x.npy", "classes.npy"))] = bent
    stream = BytesIO()
    with zipfile.ZipFile(
        stream, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    ) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return stream.getvalue()


HEADERS = (
    (b"(8,", b"(9,"), (b"(8,", b"(0,"), (b"(8,", b"(10**12,"), (b"(8,", b"(1000000000000,"), (b"(8,", b"(-8,"),
    (b"|u1", b"|O8"), (b"<i8", b"<f8"), (b"<i8", b"<M8"), (b"False", b"True"), (b"}", b""), (b"'descr'", b"'"),
    (b"\x01\x00", b"\x03\x00"), (b"{", b"{" * 60),
)  # fmt: skip


def read_data_set(path: Path) -> None:
    """Read a data set of one's own."""
    checked(load(str(path)))


# ---------------------------------------------------------------- folders of images


KINDS = (("PNG", "L"), ("PNG", "RGB"), ("PNG", "P"), ("BMP", "RGB"), ("JPEG", "L"), ("PPM", "RGB"), ("TIFF", "L"),
         ("WEBP", "RGB"), ("TIFF", "RGB"), ("PNG", "1"))  # fmt: skip
SIDE = 12


def images() -> list[bytes]:
    """One small image of each kind."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    made = []
    for form, mode in KINDS:
        stream = BytesIO()
        Image.fromarray(pixels).convert(mode).save(stream, form)
        made.append(stream.getvalue())
    return made


def bend_image(rng: random.Random, content: bytes) -> bytes:
    """Bend bytes of an image; of a PNG also its size, depth or colours, with the checksum that belongs to them."""
    if content[12:16] == b"IHDR" and rng.random() < 0.4:
        sides = [rng.choice((SIDE, SIDE, 0, 1, 4096, 65536, 2**31 - 1, 2**32 - 1)) for _ in range(2)]
        forms = bytes(rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255)) for _ in range(5))
        head = b"IHDR" + struct.pack(">II", *sides) + rng.choice((content[24:29], forms))
        content = content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]
    if rng.random() < 0.1:
        return rng.choice(OTHER_FORMATS) + content
    return mutate.text(rng, content) if rng.random() < 0.8 else content


OTHER_FORMATS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 12 12\n%%EndComments\nshowpage\n",
    b"GIF89a\x0c\x00\x0c\x00\x80\x00\x00", b"8BPS\0\x01", b"SIMPLE  =  T", b"\x00\x00\x01\x00\x01\x00", b"icns",
    b"II*\x00\xff\xff\xff\xff", b"P5 99999 99999 255\n", b"RIFF\xff\xff\xff\xffWEBPVP8X", b"\xff\xd8\xff\xe0",
)  # fmt: skip
"""How files of other formats begin, and how some of ours may lie."""


def read_images(path: Path) -> None:
    """Read a folder of images of which one is bent."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("train", "test"):
            place = Path(folder) / part / "a"
            place.mkdir(parents=True)
            (place / "sound.png").write_bytes(images_once()[0])
        (Path(folder) / "train" / "a" / "bent.png").write_bytes(path.read_bytes())
        data = load(folder)
        checked(data)
        assert data.train.images.shape[0] == 2 and data.train.images.shape[2:] == (SIDE, SIDE)


@cache
def images_once() -> Sequence[bytes]:
    """The images, made once."""
    return images()


# ---------------------------------------------------------------- pickles of CIFAR


def batches() -> list[bytes]:
    """A batch as Python 2 wrote it, and as Python 3 does in each form."""
    content = {"data": rows(2), "labels": [3, 4]}
    return [by_python2(rows(2), [3, 4]), *(pickle.dumps(content, protocol=number) for number in (3, 4))]


def bend_pickle(rng: random.Random, content: bytes) -> bytes:
    """Leave out, repeat, exchange or add instructions of a pickle, or bend its bytes."""
    if rng.random() < 0.3:
        return mutate.text(rng, content)
    places = [place for *_, place in pickletools.genops(content)]
    steps = [content[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at, other = rng.randrange(len(steps)), rng.randrange(len(steps))
        sort = rng.randrange(5)
        if sort == 0:
            steps[at] = b""
        elif sort == 1:
            steps.insert(other, steps[at])
        elif sort == 2:
            steps[at], steps[other] = steps[other], steps[at]
        elif sort == 3:
            steps.insert(at, rng.choice(STEPS))
        else:
            steps[at] = mutate.text(rng, steps[at]) if len(steps[at]) < 99 else steps[at][:-9]
    return b"".join(steps)


STEPS = (
    b"(", b"0", b"1", b"2", b"N", b"\x88",
    b"]", b"}", b")", b"t", b"l", b"d", b"a", b"e", b"s", b"u", b"b", b"R", b"\x93",
    b"\x85", b"\x86", b"\x87", b"\x94", b"h\x00", b"h\x05", b"q\x01", b"g9\n", b"I-1\n", b"I99999999999999999999\n",
    b"J\xff\xff\xff\x7f", b"K\x01", b"F1e999\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"cos\nsystem\n",
    b"cnumpy.core.multiarray\n_reconstruct\n", b"U\x02O8", b"U\x02u1", b"C\x04AAAA", b"X\x01\x00\x00\x00x", b"Pid\n",
    b"\x81", b"\x92", b"Q", b"i\nx\n", b"o", b"\x82\x01", b"\x97", b"\x96\x08\0\0\0\0\0\0\0", b".", b"L9L\n",
    b"\x8b\xff\xff\xff\x7f", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", b"S'a'\n", b"V\\ud800\n",
)  # fmt: skip


def read_batch(path: Path) -> None:
    """Read CIFAR's folder of which one batch is bent; what is accepted has the bytes that stand in the file."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "cifar-10-batches-py"
        whole.mkdir()
        for name, content in (cifar_files() | {"data_batch_1": path.read_bytes()}).items():
            (whole / name).write_bytes(content)
        data = load(whole)
        checked(data)
        images = data.train.images.numpy()
        bent = images[: len(images) - 8].tobytes()
        assert bent in path.read_bytes() or _in_text(bent, path.read_bytes())


def _in_text(pixels: bytes, content: bytes) -> bool:
    """Whether bytes stand in a pickle as letters of UTF-8."""
    return pixels.decode("latin-1").encode() in content


@cache
def cifar_files() -> dict[str, bytes]:
    """The files of CIFAR-10 as its authors publish it, with a few images."""
    with tempfile.TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in cifar10(Path(folder)).iterdir()}


READERS = (
    Reader("data", ".npz", data_sets, bend_data_set, read_data_set),
    Reader("images", ".png", images, bend_image, read_images),
    Reader("cifar", ".pickle", batches, bend_pickle, read_batch),
)
