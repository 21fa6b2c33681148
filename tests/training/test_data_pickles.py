"""The pickled CIFAR folders: what is read, and what is refused before it does anything."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from cifar_files import cifar10, cifar100, rows

from costmodel.errors import BnncostError
from training.data.dataset import load


@pytest.mark.parametrize("place", ["itself", "parent"])
def test_the_pickled_batches_are_read_in_order(tmp_path: Path, place: str) -> None:
    folder = cifar10(tmp_path)
    data = load(folder if place == "itself" else tmp_path)
    assert (data.name, data.image, len(data.train), len(data.test)) == ("cifar10", (3, 32, 32), 10, 3)
    assert data.train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert data.classes[0] == "class0" and len(data.classes) == 10
    # Image 1 of the second file, green (the second 1024 bytes), row 2, column 5: start 1 + 3072 + 1024 + 64 + 5.
    assert data.train.images[3, 1, 2, 5] == (1 + 3072 + 1024 + 64 + 5) % 256
    assert data.test.images[0, 0, 0, 0] == 50


def test_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    data = load(cifar100(tmp_path))
    assert (data.name, len(data.classes)) == ("cifar100", 100)
    assert data.train.labels.tolist() == [96, 97, 98, 99]


def call_of(module: str, name: str, argument: str) -> bytes:
    """A pickle that calls a function when it is read, as an attack would."""
    return f"c{module}\n{name}\n(V{argument}\ntR.".encode()


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("numpy", "load")]
)
def test_a_pickle_that_calls_something_is_refused_before_it_does(
    tmp_path: Path, module: str, name: str
) -> None:
    folder = cifar10(tmp_path)
    trace = tmp_path / "called"
    (folder / "data_batch_3").write_bytes(call_of(module, name, f"touch {trace}"))
    with pytest.raises(BnncostError, match=rf"data_batch_3' cannot be read .*asks for '{module}\.{name}'"):
        load(folder)
    assert not trace.exists()


BENT = [
    (b"cos\nsystem\n(S'true'\ntR.", "asks for 'os.system'"),
    (b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\nS'x'\ntb.", "holds a "),
    (b"(i__main__\nExploit\n.", "the instruction INST"),
    (b"(cnumpy\nndarray\no.", "the instruction OBJ"),
    (b"\x80\x02cnumpy\nndarray\n)\x81.", "the instruction NEWOBJ"),
    (b"\x80\x02\x82\x01.", "the instruction EXT1"),
    (b"Pid\n.", "the instruction PERSID"),
    (b"cnumpy\ndtype\n)b.", "cannot be read"),
]


@pytest.mark.parametrize(("pickled", "words"), BENT)
def test_a_bent_pickle_is_a_sentence(tmp_path: Path, pickled: bytes, words: str) -> None:
    folder = cifar10(tmp_path)
    (folder / "data_batch_1").write_bytes(pickled)
    with pytest.raises(BnncostError, match=rf"data_batch_1' (cannot be read as a file of CIFAR.*)?{words}"):
        load(folder)


def test_every_cut_of_a_batch_is_a_sentence(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    whole = (folder / "data_batch_1").read_bytes()
    for length in (0, 1, 10, 40, 90, 150, 1000, len(whole) - 1):
        (folder / "data_batch_1").write_bytes(whole[:length])
        with pytest.raises(BnncostError, match="data_batch_1"):
            load(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds a list"),
        ({"labels": [1]}, "has no 'data'"),
        ({"data": rows(2)}, "has no 'labels'"),
        ({"data": rows(2), "labels": [1]}, "has 2 images, but 1 labels"),
        ({"data": rows(2)[:, :3000], "labels": [1, 2]}, "rows of 3072 bytes"),
        ({"data": rows(2).astype(float), "labels": [1, 2]}, "rows of 3072 bytes"),
        ({"data": [1, 2], "labels": [1, 2]}, "rows of 3072 bytes"),
        ({"data": rows(2), "labels": ["a", "b"]}, "list of whole numbers"),
        ({"data": rows(2), "labels": [1, 10]}, "label 10 of image 3 is out of range"),
    ],
)
def test_a_batch_of_something_else_is_refused(tmp_path: Path, content: object, words: str) -> None:
    folder = cifar10(tmp_path)
    (folder / "data_batch_2").write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(BnncostError, match=words):
        load(folder)


def test_names_of_classes_must_be_a_list(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": 3}, protocol=4))
    with pytest.raises(BnncostError, match="'label_names' must be a list of names"):
        load(folder)


def test_missing_batches_are_named(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    (folder / "data_batch_3").unlink()
    (folder / "test_batch").unlink()
    with pytest.raises(
        BnncostError, match="lacks data_batch_3, test_batch of cifar10; unpack the archive again"
    ):
        load(folder)
