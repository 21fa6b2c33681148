"""Foreign forms: folders of images, and torchvision in the place of which a fake stands."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from cifar_files import cifar10
from PIL import Image

from costmodel.errors import BnncostError
from training.data.dataset import load

# ---------------------------------------------------------------- folders of images


def picture(path: Path, value: int, *, mode: str = "RGB", size: tuple[int, int] = (5, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode in "L" else (value, value + 1, value + 2, 255)[: len(mode)]).save(
        path
    )


def animals(folder: Path, *, mode: str = "RGB") -> Path:
    picture(folder / "train" / "dog" / "a.png", 30, mode=mode)
    picture(folder / "train" / "cat" / "b.png", 20, mode=mode)
    picture(folder / "train" / "cat" / "a.PNG", 10, mode=mode)
    picture(folder / "test" / "dog" / "a.bmp", 40, mode=mode)
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    return folder


def test_folders_of_images_are_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    data = load(animals(tmp_path / "animals"))
    assert (data.name, data.classes, data.image) == ("animals", ("cat", "dog"), (3, 4, 5))
    assert data.train.labels.tolist() == [0, 0, 1] and data.test.labels.tolist() == [1]
    assert data.train.images[:, :, 3, 4].tolist() == [[10, 11, 12], [20, 21, 22], [30, 31, 32]]


def test_grey_images_have_one_channel_unless_one_is_coloured(tmp_path: Path) -> None:
    folder = animals(tmp_path, mode="L")
    assert load(folder).train.images[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert load(folder).image == (1, 4, 5)
    picture(folder / "test" / "cat" / "c.png", 50)
    assert load(folder).train.images[1, :, 0, 0].tolist() == [20, 20, 20]


def test_images_of_another_size_are_named(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    picture(folder / "test" / "dog" / "wide.png", 1, size=(9, 4))
    with pytest.raises(BnncostError, match=r"wide.png' is 9x4 pixels, but .*a.PNG' is 5x4"):
        load(folder)


def broken(path: Path) -> None:
    path.write_bytes(b"no image")


def cut(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:60])


def postscript(path: Path) -> None:
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 4\n%%EndComments\nshowpage\n")


def transparent(path: Path) -> None:
    picture(path, 1, mode="RGBA")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (broken, "x.png' is no image that can be read"),
        (cut, "x.png' is damaged"),
        (postscript, "x.png' is no image that can be read"),
        (transparent, "x.png' is of mode 'RGBA'; save it as 8-bit grey or RGB"),
    ],
)
def test_an_image_that_cannot_be_read_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    folder = animals(tmp_path)
    spoil(folder / "train" / "dog" / "x.png")
    with pytest.raises(BnncostError, match=words):
        load(folder)


def test_images_that_are_too_many_together_are_refused_by_their_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = animals(tmp_path)
    monkeypatch.setattr("training.data.image_folders.MOST_BYTES", 100)
    with pytest.raises(
        BnncostError, match=r"images beside '.*' are \d+ bytes when unpacked, and at most 100"
    ):
        load(folder)


@pytest.mark.parametrize("sides", [(4097, 4096), (12_000, 12_000), (60_000, 60_000)])
def test_an_image_of_a_huge_size_is_refused_by_its_header(tmp_path: Path, sides: tuple[int, int]) -> None:
    """The header of a PNG says the size; no pixel is there, and none is asked for."""
    path = next(animals(tmp_path).rglob("train/*/*.png"))
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", *sides)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(BnncostError, match="more than 16777216 pixels"):
        load(str(tmp_path))


def test_folders_that_are_missing_or_empty_are_named(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    (folder / "test" / "cow").mkdir()
    with pytest.raises(BnncostError, match=r"cow' is a class that .*train' has not"):
        load(folder)
    (folder / "train" / "cow").mkdir()
    with pytest.raises(BnncostError, match="train/cow' has no images"):
        load(folder)
    (tmp_path / "alone" / "train").mkdir(parents=True)
    with pytest.raises(BnncostError, match="alone/train' has no folders"):
        load(tmp_path / "alone")
    picture(tmp_path / "alone" / "train" / "cat" / "a.png", 1)
    with pytest.raises(BnncostError, match="alone/test' is missing"):
        load(tmp_path / "alone")
    (tmp_path / "alone" / "test" / "cat").mkdir(parents=True)
    with pytest.raises(BnncostError, match="alone/test' has no images"):
        load(tmp_path / "alone")


# ---------------------------------------------------------------- torchvision


def fake_torchvision(monkeypatch: pytest.MonkeyPatch, **kinds: Callable[..., Any]) -> None:
    package, datasets = ModuleType("torchvision"), ModuleType("torchvision.datasets")
    for name, kind in kinds.items():
        setattr(datasets, name, kind)
    package.datasets = datasets  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", datasets)


def test_cifar10_comes_from_torchvision_with_channels_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def cifar(root: str, train: bool = True, download: bool = False) -> SimpleNamespace:
        asked.append((root, train, download))
        images = np.zeros((3 if train else 2, 32, 32, 3), np.uint8)
        images[1, 2, 5, 1] = 77
        return SimpleNamespace(data=images, targets=list(range(len(images))), classes=list("abcdefghij"))

    fake_torchvision(monkeypatch, CIFAR10=cifar)
    data = load("cifar10", folder="some/where", download=False)
    assert asked == [("some/where", True, False), ("some/where", False, False)]
    assert data.train.images[1, 1, 2, 5] == 77 and data.image == (3, 32, 32)
    assert data.train.labels.tolist() == [0, 1, 2] and data.test.labels.tolist() == [0, 1]
    assert data.classes == tuple("abcdefghij")


def mnist(root: str, train: bool = True, download: bool = False) -> SimpleNamespace:
    images = torch.full((4, 28, 28), 5, dtype=torch.uint8)
    return SimpleNamespace(data=images, targets=torch.tensor([9, 0, 1, 2]), classes=list("0123456789"))


@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_grey_sets_come_from_torchvision_as_tensors(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    fake_torchvision(monkeypatch, **{kind: mnist})
    data = load(name)
    assert (data.name, data.image, data.train.labels.tolist()) == (name, (1, 28, 28), [9, 0, 1, 2])


def test_a_named_set_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torchvision(monkeypatch, CIFAR10=mnist)
    with pytest.raises(BnncostError, match=r"'cifar10' has images of 1x28x28 .* needs 3x32x32"):
        load("cifar10")


@pytest.mark.parametrize(
    "error",
    [
        IncompleteRead(b"", 10),
        ConnectionResetError("reset by peer"),
        OSError(28, "No space left on device"),
        RuntimeError("File not found or corrupted."),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        AssertionError(),
    ],
)
def test_an_interrupted_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(root: str, train: bool = True, download: bool = False) -> SimpleNamespace:
        raise error

    fake_torchvision(monkeypatch, CIFAR100=fails)
    said = str(error) or "AssertionError"
    with pytest.raises(BnncostError) as caught:
        load("cifar100", folder="here")
    assert f"'cifar100' could not be fetched into 'here' ({said}); delete what lies there" in str(
        caught.value
    )
    with pytest.raises(BnncostError, match=r"could not be read from 'here' .* with download, or give a path"):
        load("cifar100", folder="here", download=False)


class NotLoading:
    """Finds torchvision, the import of which then fails as it does beside a torch of another build."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "torchvision":
            raise self.error


def without_torchvision(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotLoading(error), *sys.meta_path])


NO_OPERATOR = RuntimeError("operator torchvision::nms does not exist")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            NO_OPERATOR,
            r"does not load beside this torch \(operator torchvision::nms does not exist\): install both",
        ),
        (
            ImportError("libcudart.so: cannot open"),
            r"\(libcudart.so: cannot open\): install both of one build",
        ),
        (
            ModuleNotFoundError("No module named 'torchvision'"),
            "torchvision, which is not installed: pip install",
        ),
    ],
)
def test_torchvision_that_does_not_load_says_what_to_install_or_give(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, words: str
) -> None:
    without_torchvision(monkeypatch, error)
    for name in ("cifar10", "mnist"):
        with pytest.raises(BnncostError, match=f"'{name}' is fetched by .*{words}") as caught:
            load(name, folder=tmp_path)
        assert "an .npz file, a folder cifar-10-batches-py" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_without_torchvision_an_unpacked_folder_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_torchvision(monkeypatch, NO_OPERATOR)
    cifar10(tmp_path)
    assert load("cifar10", folder=tmp_path).train.labels.tolist()[:2] == [0, 9]
    with pytest.raises(BnncostError, match="'cifar100' is fetched by torchvision"):
        load("cifar100", folder=tmp_path)


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(BnncostError, match="not installed: pip install scikit-learn"):
        load("digits")


def test_digits_without_their_file_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("")
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BnncostError, match="not installed: pip install scikit-learn"):
        load("digits")
