"""What a user's texts mean: design and data set imply each other where one is not said."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import small_data, small_recipe

from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.errors import BnncostError
from costmodel.networks.build import build
from training.data.augment import Augmentation, eight_bit, normalize
from training.data.dataset import Dataset, Part, checked, content_of, load, pinned
from training.data.pins import path_and_digest
from training.data.sources import read_npz
from training.run.devices import choose_device, enough_memory
from training.run.folders import RunSpec
from training.run.preparation import fitted, halved, prepared
from training.run.request import requested


def images(path: Path, size: int, channels: int = 3, classes: int = 10) -> Path:
    """Write a data set of twenty images as .npz."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2 * classes, size, size, channels), dtype=np.uint8)
    labels = np.arange(2 * classes) % classes
    np.savez(path, x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    return path


def test_without_a_data_set_it_is_the_digits(tmp_path: Path) -> None:
    key, source, data = requested("resnet20[prelu]", None, tmp_path)
    assert (str(key), source, data.image) == ("resnet20[prelu]/digits", "digits", (1, 8, 8))


def test_a_design_names_its_data(tmp_path: Path) -> None:
    key, source, _ = requested("resnet20/digits", None, tmp_path)
    assert (str(key), source) == ("resnet20/digits", "digits")


def test_a_file_fits_the_design_of_its_size(tmp_path: Path) -> None:
    path = str(images(tmp_path / "mine.npz", 32))
    key, source, _ = requested("resnet20", path, tmp_path)
    assert (str(key), path_and_digest(source)[0]) == ("resnet20/cifar10", path)
    key, _, _ = requested("ir-net/resnet20/cifar10", path, tmp_path)
    assert key.network == "resnet20"


def _run(source: str) -> RunSpec:
    return RunSpec(DesignKey.parse("resnet20/cifar10"), small_recipe(), source)


def test_images_of_ones_own_are_known_by_what_they_are_not_by_where_they_lie(tmp_path: Path) -> None:
    mine = images(tmp_path / "mine.npz", 32)
    _, source, _ = requested("resnet20", str(mine), tmp_path)
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(mine, tmp_path / "elsewhere" / "yours.npz")
    _, other, _ = requested("resnet20", str(moved), tmp_path)
    assert source != other
    assert _run(source).name == _run(other).name
    arrays = dict(np.load(mine))
    arrays["x_train"][3, 0, 0, 0] ^= 1
    np.savez(mine, **arrays)
    _, changed, _ = requested("resnet20", str(mine), tmp_path)
    assert _run(changed).name != _run(source).name
    with pytest.raises(
        BnncostError, match=r"mine.npz' holds other images or labels than those with the digest"
    ):
        load(source)
    assert load(changed).image == (3, 32, 32)


@pytest.mark.parametrize("changed", ["x_test", "y_train", "y_test", "classes"])
def test_every_part_of_a_data_set_counts(changed: str, tmp_path: Path) -> None:
    path = images(tmp_path / "mine.npz", 8)
    arrays = {**np.load(path), "classes": np.array([f"class {number}" for number in range(10)])}
    np.savez(path, **arrays)
    before = content_of(load(path))
    arrays[changed] = arrays[changed][::-1]
    np.savez(path, **arrays)
    assert content_of(load(path)) != before


def test_names_and_what_is_not_there_stay_as_they_are(tmp_path: Path) -> None:
    assert pinned("digits") == "digits"
    assert pinned(str(tmp_path / "none.npz")) == str(tmp_path / "none.npz")
    assert pinned("mine.npz@sha256:1f3a5b7c9d0e") == "mine.npz@sha256:1f3a5b7c9d0e"
    assert _run("digits").digest == small_run_digest("digits")


def small_run_digest(data: str) -> str:
    """The digest that runs on named sets have had from the first: of their parts, one a line."""
    recipe = small_recipe()
    parts = ["resnet20/cifar10", recipe.name, recipe.digest, data, "0"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def test_averaged_images_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(name: str, folder: Path) -> Dataset:
        asked.append(name)
        return replace(checked("cifar10", read_npz(images(tmp_path / "cifar.npz", 32))), name="cifar10")

    monkeypatch.setattr("training.run.request.load", load)
    key, source, _ = requested("resnet20", "cifar10-16", tmp_path)
    assert (str(key), source, asked) == ("resnet20/cifar10-16", "cifar10", ["cifar10"])
    assert str(requested("resnet20", "cifar10", tmp_path)[0]) == "resnet20/cifar10"


def test_a_file_that_could_be_two_or_none(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="could be mnist or fashion-mnist; write resnet20/DATA"):
        requested("resnet20", str(images(tmp_path / "grey.npz", 28, channels=1)), tmp_path)
    with pytest.raises(BnncostError, match="could be mnist or fashion-mnist; write"):
        requested("resnet20@w0.5", str(images(tmp_path / "grey.npz", 28, channels=1)), tmp_path)


def test_a_file_of_no_known_shape_is_trained_as_it_is(tmp_path: Path) -> None:
    key, _, data = requested("resnet20", str(images(tmp_path / "odd.npz", 20)), tmp_path)
    assert str(key) == "resnet20@input=3x20x20,classes=10/own"
    assert fitted(key, data).image == (3, 20, 20) == build(key).input.shape
    with pytest.raises(BnncostError, match="has 10 classes, but own needs 2"):
        fitted(requested("resnet20@classes=2", str(tmp_path / "odd.npz"), tmp_path)[0], data)


def test_a_network_file_of_its_own_classes_does_not_say_them_again(tmp_path: Path) -> None:
    """Else the record of a run would not be found to belong to it."""
    network = tmp_path / "mine.yaml"
    network.write_text(
        "image: [3, 64, 64]\nclasses: 10\nstem: [{layer: conv, channels: 4}]\nstages: [{block: basic, channels: 4}]\n"
    )
    key, _, _ = requested(str(network), str(images(tmp_path / "mine.npz", 20)), tmp_path)
    assert str(key) == f"{network}@input=20x20/own" and key.classes is None
    assert resolve(str(key)) == key and key.shape.classes == 10


def test_images_of_twice_the_size_are_averaged(tmp_path: Path) -> None:
    _, _, data = requested("resnet20/cifar10-16", str(images(tmp_path / "cifar.npz", 32)), tmp_path)
    small = fitted(DesignKey.parse("resnet20/cifar10-16"), data)
    assert (small.name, small.image) == ("cifar-16", (3, 16, 16))
    window = data.train.images[3, 1, 4:6, 8:10].tolist()
    assert small.train.images[3, 1, 2, 4] == round(sum(map(sum, window)) / 4)
    with pytest.raises(BnncostError, match="images of 3x32x32"):
        fitted(DesignKey.parse("resnet20/digits"), data)


def test_halving_rounds_half_to_even() -> None:
    part = Part(
        torch.tensor([[[[0, 1], [0, 1]]], [[[1, 2], [1, 2]]]], dtype=torch.uint8), torch.tensor([0, 1])
    )
    assert halved(part).images.flatten().tolist() == [0, 2]


def test_all_runs_share_one_split() -> None:
    design = DesignKey.parse("resnet20/digits")
    data = small_data()
    first, second = (prepared(design, small_recipe(batch_size=size), data) for size in (8, 16))
    assert torch.equal(first.validation.images, second.validation.images)
    assert (len(first.train), len(first.validation), len(first.test)) == (72, 24, 60)
    fewer = prepared(design, small_recipe(train_images=40), data)
    assert (len(fewer.train), len(fewer.validation)) == (30, 10)
    with pytest.raises(BnncostError, match="asks for 97 training images, but the data set has 96"):
        prepared(design, small_recipe(train_images=97), data)


def test_augmentation_suits_the_data_unless_the_recipe_says() -> None:
    design = DesignKey.parse("resnet20/digits")
    assert prepared(design, small_recipe(padding=None), small_data()).augmentation == Augmentation(padding=1)
    told = prepared(design, small_recipe(padding=3, flip=True), small_data())
    assert told.augmentation == Augmentation(flip=True, padding=3)


def test_a_chip_reads_the_same_image() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    read = normalize(every, *eight_bit(1).factors("cpu"))
    assert torch.equal(read * 64, every.float() - 128)


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(BnncostError, match=r"unknown device 'gpu'; did you mean"):
        choose_device("gpu")
    with pytest.raises(BnncostError, match="unknown device 'cuda:x'"):
        choose_device("cuda:x")
    with pytest.raises(BnncostError, match="at least one thread and at most 4096, not 0"):
        choose_device("cpu", 0)
    with pytest.raises(BnncostError, match="at least one thread and at most 4096, not 1000000000000"):
        choose_device("cpu", 10**12)
    if not torch.cuda.is_available():
        with pytest.raises(BnncostError, match=r"'cuda' is not available: torch .* take 'cpu'"):
            choose_device("cuda")
        assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_too_little_memory_is_told_in_a_sentence(error: Exception) -> None:
    with pytest.raises(BnncostError, match="too little memory; lower 'batch_size'"), enough_memory():
        raise error


def test_only_too_little_memory_is_told_so() -> None:
    with pytest.raises(BnncostError, match="too little memory"), enough_memory():
        torch.empty(10**15)
    with pytest.raises(RuntimeError, match="shape"), enough_memory():
        torch.zeros(2).view(3)
