"""Sizes of a recipe: which epoch sees which images, how they are averaged, and what becomes of norms."""

from __future__ import annotations

from collections.abc import Callable
from math import lcm
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from small_runs import DESIGN, SHORT, small_data, small_run

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.networks.build import build
from training.data.augment import eight_bit, normalize
from training.data.shrink import shrunk
from training.module.lower import Lowered, lower, statistics_of
from training.module.statistics import settle
from training.run.folders import CHECKPOINT, RunSpec
from training.run.loop import Progress, evaluate, train, trained_model
from training.run.phases import phases_of
from training.run.recipe import Recipe
from training.run.settings_file import parse_settings
from training.run.sizes import side_of, work_left

SMALL_FIRST = [{"side": 4, "until": 0.5}]


def recipe_of(*sizes: tuple[int, float], epochs: int = 10) -> Recipe:
    listed = [{"side": side, "until": until} for side, until in sizes]
    return Recipe.model_validate({"name": "a", "epochs": epochs, "batch_size": 64, "sizes": listed})


# ------------------------------------------------------------------ which epoch sees which images


@pytest.mark.parametrize(
    ("epochs", "sides"),
    [
        # The middles of ten epochs lie at 5, 15, .. 95 %: seven before 70 %, one more before 85 %.
        (10, [16] * 7 + [24] + [None] * 2),
        (5, [16] * 3 + [24] + [None]),
        (1, [16]),
    ],
)
def test_the_middle_of_an_epoch_decides_its_size(epochs: int, sides: list[int | None]) -> None:
    recipe = recipe_of((16, 0.7), (24, 0.85), epochs=epochs)
    assert [side_of(epoch, recipe) for epoch in range(epochs)] == sides


def test_without_sizes_images_keep_their_own() -> None:
    recipe = Recipe(name="a", epochs=3, batch_size=1)
    assert [side_of(epoch, recipe) for epoch in range(3)] == [None] * 3


def test_work_is_counted_in_pixels() -> None:
    """Of 32x32: seven epochs of a quarter, one of 9/16, two whole ones."""
    recipe, design = recipe_of((16, 0.7), (24, 0.85)), DesignKey.parse("resnet20/cifar10")
    assert work_left(0, recipe, design) == 7 / 4 + 9 / 16 + 2
    assert work_left(7, recipe, design) == 9 / 16 + 2
    assert work_left(10, recipe, design) == 0


def test_the_expected_time_follows_the_sizes_to_come(tmp_path: Path) -> None:
    """Two of four epochs have a quarter of the pixels: when the first ends, one such and two whole ones are left."""
    told: list[Progress] = []
    train(small_run(epochs=4, sizes=SMALL_FIRST), small_data(), tmp_path, watch=told.append)
    seconds_of_the_first = 64 / told[0].images_per_s
    assert told[0].seconds_left == pytest.approx(seconds_of_the_first * (1 + 2 * 4))
    assert told[-1].seconds_left == 0


def test_the_network_sees_small_images_and_its_teacher_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[bool, list[int]] = {True: [], False: []}
    maps = Lowered.maps

    def watched(model: Lowered, image: torch.Tensor, *others: object) -> object:
        seen[model.training].append(image.shape[-1])
        return maps(model, image, *others)  # type: ignore[arg-type]

    design, teacher = "resnet20[logits_teacher]@w0.25/digits", "resnet20@w0.25,compute=fp32/digits"
    spec, data = small_run(design, 4, sizes=SMALL_FIRST, teacher=teacher), small_data()
    train(small_run(teacher, 4, sizes=SMALL_FIRST, teacher=teacher), data, tmp_path)
    monkeypatch.setattr(Lowered, "maps", watched)
    train(spec, data, tmp_path)
    steps = [side for side in seen[True] if side == 4]
    assert len(steps) == 2 * 2  # two epochs of two steps; the start is calibrated on whole images
    assert set(seen[True]) == {4, 8}
    assert seen[False] == [8] * 4 * 2


# ------------------------------------------------------------------ smaller images


@settings(max_examples=60, deadline=None)
@given(whole=st.integers(1, 12), part=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_pixels_are_means_of_the_area_that_they_cover(whole: int, part: float, seed: int) -> None:
    """The judge repeats pixels until both sides divide the image, and averages whole windows."""
    side = max(1, round(part * whole))
    images = np.random.default_rng(seed).normal(size=(2, 3, whole, whole))
    large = lcm(whole, side)
    repeated = images.repeat(large // whole, 2).repeat(large // whole, 3)
    window = large // side
    expected = repeated.reshape(2, 3, side, window, side, window).mean((3, 5))
    assert np.allclose(shrunk(torch.from_numpy(images), side).numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("side", [4, 6])
def test_small_images_keep_the_layout_that_convolutions_read(side: int) -> None:
    images = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    assert shrunk(images, side).is_contiguous(memory_format=torch.channels_last)


# ------------------------------------------------------------------ norms


def spoiled(model: Lowered) -> Lowered:
    """Put statistics of no image into every norm."""
    for param in statistics_of(model.network.ops):
        model.value(param).fill_(7.0)
    return model


def test_statistics_are_the_means_of_those_of_batches() -> None:
    model = spoiled(lower(build(DesignKey.parse(DESIGN))))
    norm = next(op for op in model.network.ops if op.kind == "batch_norm")
    batches = [torch.randn(6, 1, 8, 8), 2 * torch.randn(6, 1, 8, 8) + 1]
    maps = [model.maps(batch, [norm.inputs[0]])[norm.inputs[0]].detach().double() for batch in batches]
    model = spoiled(model).eval()
    settle(model, batches)
    mean, variance = (model.value(param).double() for param in norm.params[2:])
    assert torch.allclose(mean, torch.stack([x.mean((0, 2, 3)) for x in maps]).mean(0), atol=1e-5)
    unbiased = torch.stack([x.transpose(0, 1).flatten(1).var(1) for x in maps]).mean(0)
    assert torch.allclose(variance, unbiased, rtol=1e-4)
    assert not model.training


def test_settling_changes_statistics_alone() -> None:
    model = lower(build(DesignKey.parse(DESIGN)))
    statistics = {id(model.value(param)) for param in statistics_of(model.network.ops)}
    before = {name: tensor.clone() for name, tensor in model.state_dict(keep_vars=True).items()}
    settle(model, [torch.randn(6, 1, 8, 8)])
    after = model.state_dict(keep_vars=True)
    changed = {id(after[name]) for name in after if not torch.equal(after[name], before[name])}
    assert changed and changed <= statistics
    settle(spoiled(model), [])
    assert all((model.value(param) == 7).all() for param in statistics_of(model.network.ops))


def test_a_network_whose_statistics_were_spoiled_is_mended(small_runs_once: Callable[..., Path]) -> None:
    spec, data = small_run("resnet20@w0.5/digits", epochs=8), small_data(480)
    model = trained_model(small_runs_once(spec, images=480), spec)
    images, factors = data.train.images, eight_bit(1).factors("cpu")
    logits = model(normalize(images, *factors)).flatten(1).log_softmax(1)
    right = evaluate(model, data.train, eight_bit(1))
    bad = spoiled(model)(normalize(images, *factors)).flatten(1).log_softmax(1)
    settle(model, (normalize(batch, *factors) for batch in images.split(120)))
    mended = model(normalize(images, *factors)).flatten(1).log_softmax(1)
    assert (mended - logits).abs().mean() < 0.3 * (bad - logits).abs().mean()
    assert evaluate(model, data.train, eight_bit(1)) > right - 10


def test_a_run_with_sizes_ends_with_statistics_of_whole_images(tmp_path: Path) -> None:
    """Where the last epoch has small images too, what the first norm holds is still that of whole ones."""
    spec, data = small_run(epochs=2, sizes=[{"side": 4, "until": 1}]), small_data()
    train(spec, data, tmp_path)
    model = trained_model(tmp_path / spec.name, spec)
    norm = next(op for op in model.network.ops if op.kind == "batch_norm")
    factors = eight_bit(1).factors("cpu")
    whole = model.maps(normalize(data.train.images, *factors), [norm.inputs[0]])[norm.inputs[0]]
    small = model.side = 4
    images = shrunk(normalize(data.train.images, *factors), small)
    seen = model.maps(images, [norm.inputs[0]])[norm.inputs[0]]
    held = model.value(norm.params[3])
    assert torch.allclose(held, whole.transpose(0, 1).flatten(1).var(1), rtol=0.1)  # it held a quarter back
    assert not torch.allclose(held, seen.transpose(0, 1).flatten(1).var(1), rtol=0.1)


# ------------------------------------------------------------------ runs


class Stopped(Exception):
    """Stands for whatever ends a process."""


@pytest.mark.parametrize("design", [DESIGN, f"{SHORT}[two_stage]@w0.25/digits"])
@pytest.mark.parametrize("stopped_in", [2, 3, 4])
def test_a_run_stopped_round_a_change_of_size_comes_to_the_same_weights(
    design: str, stopped_in: int, small_runs_once: Callable[..., Path], tmp_path: Path
) -> None:
    spec, data = small_run(design, 4, sizes=SMALL_FIRST), small_data()
    whole, cut = small_runs_once(spec), tmp_path / spec.name

    def stop(state: Progress) -> None:
        if state.epoch == stopped_in:
            raise Stopped

    with pytest.raises(Stopped):
        train(spec, data, tmp_path, watch=stop)
    train(spec, data, tmp_path)
    left, right = (load_file(folder / CHECKPOINT) for folder in (whole, cut))
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(
    ("design", "side", "said"),
    [
        ("resnet20/cifar10", 18, "side 18 does not divide: .* multiples of 4, such as 16 or 20"),
        ("resnet18/cifar100", 20, "side 20 does not divide: .* multiples of 8, such as 16 or 24"),
        ("resnet20/cifar10", 40, "side 40 is larger than the images of 'cifar10', which are 32x32; take 32"),
        ("vgg_small/cifar10", 16, r"'classifier.weight' has the shape \(10, 8192\), .* of \(10, 2048\)"),
        ("resnet20[position_scale]/cifar10", 16, r"beta' has the shape \(32, 32\), .*\(16, 16\) for images of 16"),
        ("resnet20[separable_scale]/cifar10", 16, "leave 'sizes' out"),
        ("resnet20[attention_teacher]/cifar10", 16, "'sizes' does not go with 'attention_teacher'"),
    ],
)  # fmt: skip
def test_designs_that_cannot_take_smaller_images_are_refused(design: str, side: int, said: str) -> None:
    spec = RunSpec(DesignKey.parse(design), recipe_of((side, 0.5)), "cifar10")
    with pytest.raises(BnncostError, match=f"recipe 'a'.*{said}"):
        phases_of(spec)


def test_a_refused_run_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="side 6 does not divide"):
        train(small_run(sizes=[{"side": 6, "until": 0.5}]), small_data(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ("[{side: 0, until: 0.5}]", r"sizes\[0\].side: .*greater than or equal to 1"),
        ("[{side: 8, until: 1.5}]", r"sizes\[0\].until: .*less than or equal to 1"),
        ("[{side: 8}]", r"sizes\[0\].until: is missing"),
        (
            "[{side: 8, until: 0.7}, {side: 12, until: 0.7}]",
            "sizes: has side 12 until 0.7 behind side 8 until 0.7",
        ),
    ],
)
def test_mistakes_in_sizes_are_told(sizes: str, said: str) -> None:
    with pytest.raises(BnncostError, match=f"a.yaml:4: {said}"):
        parse_settings(f"name: x\nepochs: 1\nbatch_size: 1\nsizes: {sizes}\n", "a.yaml", Recipe)


def test_sizes_are_part_of_what_a_recipe_is() -> None:
    plain = Recipe(name="a", epochs=10, batch_size=64)
    assert len({plain.digest, recipe_of((16, 0.7)).digest, recipe_of((16, 0.8)).digest}) == 3
    assert Recipe.model_validate(recipe_of((16, 0.7)).model_dump(mode="json")) == recipe_of((16, 0.7))
