"""The door to data sets: what is read by name and by path, what is refused, validation and evaluation order."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from costmodel.designs import catalogue
from costmodel.errors import BnncostError
from training.data.augment import USUAL
from training.data.dataset import NAMES, Dataset, Part, content_of, hold_out, in_order, load, require_fit

CIFAR10 = catalogue.DatasetShape("cifar10", (3, 32, 32), 10)


def four_images(*, width: int = 5) -> dict[str, np.ndarray]:
    """Four training images and two of test, (N, 4, width, 3), every pixel its own value."""
    pixels = np.arange(6 * 4 * width * 3, dtype=np.uint16) % 251
    images = pixels.astype(np.uint8).reshape(6, 4, width, 3)
    return {
        "x_train": images[:4],
        "y_train": np.array([0, 1, 1, 0]),
        "x_test": images[4:],
        "y_test": np.array([1, 0]),
        "classes": np.array(["cat", "dog"]),
    }


def saved(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(folder / "set.npz", **arrays)  # type: ignore[arg-type]
    return folder / "set.npz"


def changed(**arrays: object) -> dict[str, np.ndarray]:
    return {**four_images(), **{key: np.asarray(value) for key, value in arrays.items()}}


def labelled(count: int) -> Part:
    """Images whose only pixel is their own number, which is their label, too."""
    return Part(torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1), torch.arange(count))


def test_every_named_data_set_has_a_usual_augmentation_and_a_shape() -> None:
    assert set(NAMES) <= set(USUAL) <= set(catalogue.DATASETS)


def test_digits_are_scikit_learns() -> None:
    data = load()
    assert (data.name, data.image, data.classes) == ("digits", (1, 8, 8), tuple("0123456789"))
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.train.images.dtype == torch.uint8 and data.train.labels.dtype == torch.int64
    # The first row of the published file: 0,0,5,13,9,1,0,0 of 16 levels, a zero.
    assert data.train.images[0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert data.train.labels[:10].tolist() == list(range(10))
    assert data.test.labels.bincount().tolist() == [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]
    assert data.train.images.max() == 255
    assert content_of(data) == "d0604a5e8e74", "what sklearn.datasets.load_digits gives"
    require_fit(data, catalogue.DatasetShape("digits", (1, 8, 8), 10))


def test_an_npz_file_is_read_whichever_axis_has_the_channels(tmp_path: Path) -> None:
    arrays = four_images()
    data = load(saved(tmp_path, arrays))
    assert (data.name, data.classes, data.image) == ("set", ("cat", "dog"), (3, 4, 5))
    assert data.train.images[2, 1, 3, 4] == arrays["x_train"][2, 3, 4, 1]
    assert data.train.labels.tolist() == [0, 1, 1, 0] and data.test.labels.tolist() == [1, 0]

    first = {key: arrays[key].transpose(0, 3, 1, 2) for key in ("x_train", "x_test")}
    again = load(str(saved(tmp_path, {**arrays, **first})))
    assert torch.equal(again.train.images, data.train.images)
    assert torch.equal(again.test.images, data.test.images)


def test_grey_npz_images_without_class_names(tmp_path: Path) -> None:
    arrays = four_images()
    grey = {key: arrays[key][..., 0].astype(np.int32) for key in ("x_train", "x_test")}
    labels = {key: arrays[key].astype(np.uint8) for key in ("y_train", "y_test")}
    data = load(saved(tmp_path, {**grey, **labels}))
    assert (data.image, data.classes) == ((1, 4, 5), ("0", "1"))
    assert data.train.images.dtype == torch.uint8 and data.train.labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            changed(y_train=[0, 1, 2, 0]),
            "training: label 2 of image 2 is out of range; 2 classes have labels 0 to 1",
        ),
        (changed(y_test=[1, -1]), "test: label -1 of image 1 is out of range"),
        (changed(y_train=[0, 1, 1]), "4 images, but 3 labels"),
        (changed(y_train=[0.0, 1, 1, 0]), "labels must be a list of whole numbers, not float64"),
        (changed(y_train=[[0], [1], [1], [0]]), r"not int64 \(4, 1\)"),
        (changed(x_train=np.zeros((4, 4, 5, 3))), "whole numbers from 0 to 255, not float64; scale"),
        (changed(x_train=np.full((4, 4, 5, 3), 256)), "not int64 beyond that"),
        (
            changed(x_train=np.zeros((4, 4, 5, 2), np.uint8)),
            r"x_train: shape \(4, 4, 5, 2\) is not \(N, H, W\)",
        ),
        (changed(x_train=np.zeros((4, 3, 5, 3), np.uint8)), "could be both"),
        (changed(x_train=np.zeros((0, 4, 5, 3), np.uint8)), "at least one"),
        (changed(x_test=four_images(width=6)["x_test"]), "training images are 3x4x5 .* test images 3x4x6"),
        (changed(classes=[["cat", "dog"]]), r"must be a list of names, not of shape \(1, 2\)"),
        ({"x_train": np.zeros(1), "z": np.zeros(1)}, "lacks y_train, x_test, y_test; it holds x_train, z"),
        (
            changed(y_train=np.array([0, None, 1, 2])),
            r"set\.npz', y_train: holds Python objects, which are stored",
        ),
        (changed(classes=np.array(["cat", "dog"], object)), r"numpy\.array\(classes\.tolist\(\)\)"),
        (
            {key: array for key, array in changed(y_train=[-1, 0, 1, 2]).items() if key != "classes"},
            r"y_train: label -1 is out of range; give each class a number from 0 to 65535",
        ),
    ],
)
def test_a_wrong_npz_file_is_refused_with_the_place(
    tmp_path: Path, arrays: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(BnncostError, match=words):
        load(saved(tmp_path, arrays))


def test_a_damaged_npz_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, four_images())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BnncostError, match=r"no \.npz file, or only a part of one"):
        load(path)
    place = whole.index(four_images()["x_train"].tobytes()[:40])
    path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    with pytest.raises(BnncostError, match="is damaged"):
        load(path)


def header(claimed: str) -> bytes:
    """The header of an array as numpy writes it, of version 1.0, with `claimed` as its text."""
    text = claimed.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"no array at all", "is damaged .*magic"),
        (b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1'", "is damaged"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }"), "'x_train' claims"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (10**18, 10**18), }"), "is damaged"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 8), }"), "is damaged"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 3, 5"), "is damaged"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "is damaged .*header of 'x_train' has 2147483647 bytes"),
        (b"\x93NUMPY\x03\x00" + header("{}")[8:], "is damaged .*version"),
    ],
)
def test_an_array_that_lies_about_itself_is_refused_before_it_is_made(
    tmp_path: Path, member: bytes, words: str
) -> None:
    path = saved(tmp_path, {key: value for key, value in four_images().items() if key != "x_train"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", member)
    with pytest.raises(BnncostError, match=words):
        load(path)


def test_an_archive_that_would_unpack_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, four_images())
    monkeypatch.setattr("training.data.sources.MOST_BYTES", 100)
    with pytest.raises(BnncostError, match="'x_train' is said to be 368 bytes, and at most 100 are read"):
        load(path)


def test_unknown_and_missing_names_say_what_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(
        BnncostError, match=r"unknown data set 'cifar'; did you mean 'cifar10'\? Known: cifar10, cif"
    ):
        load("cifar")
    with pytest.raises(BnncostError, match=r"'nowhere/set.npz' does not exist; give an .npz file"):
        load("nowhere/set.npz")
    with pytest.raises(BnncostError, match="holds no data set that is known"):
        load(tmp_path)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"x")
    with pytest.raises(BnncostError, match="unpack archives first"):
        load(tmp_path / "cifar-10-python.tar.gz")


def test_images_or_classes_that_do_not_fit_the_design_are_refused(tmp_path: Path) -> None:
    data = load(saved(tmp_path, four_images()))
    with pytest.raises(BnncostError, match=r"'set' has images of 3x4x5 .*, but cifar10 needs 3x32x32"):
        require_fit(data, CIFAR10)
    with pytest.raises(BnncostError, match="'set' has 2 classes, but x needs 3"):
        require_fit(data, catalogue.DatasetShape("x", (3, 4, 5), 3))
    require_fit(data, catalogue.DatasetShape("x", (3, 4, 5), 2))


def test_validation_is_a_part_of_training_that_the_seed_decides() -> None:
    part = labelled(20)
    train, validation = hold_out(part, 6, seed=3)
    assert (len(train), len(validation)) == (14, 6)
    assert sorted(train.labels.tolist() + validation.labels.tolist()) == list(range(20))
    for side in (train, validation):
        assert torch.equal(side.images.flatten().long(), side.labels)  # images went with their labels
        assert side.labels.tolist() == sorted(side.labels.tolist())
    assert torch.equal(hold_out(part, 6, seed=3)[1].labels, validation.labels)
    assert not torch.equal(hold_out(part, 6, seed=4)[1].labels, validation.labels)


@pytest.mark.parametrize("count", [0, -1, 20, 21])
def test_validation_leaves_images_on_both_sides(count: int) -> None:
    with pytest.raises(BnncostError, match=f"{count} of 20 .* 1 to 19 can"):
        hold_out(labelled(20), count, seed=0)


def test_evaluation_reads_every_image_once_and_in_order() -> None:
    parts = list(in_order(labelled(10), 4))
    assert [part.labels.tolist() for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert torch.equal(torch.cat([part.images for part in parts]), labelled(10).images)
    with pytest.raises(BnncostError, match="at least one image, not 0"):
        list(in_order(labelled(10), 0))


def test_a_data_set_moves_as_a_whole() -> None:
    data = Dataset("x", ("a",), labelled(2), labelled(3)).to("meta")
    tensors = [data.train.images, data.train.labels, data.test.images, data.test.labels]
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert data.train.images.dtype == torch.uint8


def test_cifar10_has_the_published_statistics() -> None:
    path = os.environ.get("BNNCOST_CIFAR10")
    if not path:
        pytest.skip("BNNCOST_CIFAR10 does not name CIFAR-10 as an .npz file or a pickled folder")
    data = load(path)
    require_fit(data, CIFAR10)
    assert data.train.labels.bincount().tolist() == [5000] * 10
    channels = [data.train.images[:, number].double() / 255 for number in range(3)]
    means = [channel.mean().item() for channel in channels]
    stds = [channel.std(correction=0).item() for channel in channels]
    assert means == pytest.approx((0.49139968, 0.48215841, 0.44653091), abs=1e-8)
    assert stds == pytest.approx((0.24703223, 0.24348513, 0.26158784), abs=1e-8)


def test_a_label_beyond_any_number_of_classes_is_told_not_counted_up_to(tmp_path: Path) -> None:
    arrays = changed(y_train=[0, 1, 10**12, 0])
    del arrays["classes"]
    with pytest.raises(BnncostError, match="y_train: label 1000000000000 is out of range"):
        load(saved(tmp_path, arrays))
