"""Augmentation on whole batches against one image at a time; normalization and epochs by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.errors import BnncostError
from training.data.augment import (
    Augmentation,
    Draws,
    Normalization,
    augment,
    batches_per_epoch,
    draw,
    generator_of,
    normalize,
    shuffled,
)
from training.data.dataset import Part

PLAIN = Normalization((0.0,), (1.0,))


def one_image(image: np.ndarray, flip: bool, row: int, column: int, padding: int) -> np.ndarray:
    """The slow judge: pad, cut and mirror a single (C, H, W) image by slices."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    crop = padded[:, row : row + height, column : column + width]
    return crop[:, :, ::-1] if flip else crop


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    padding=st.integers(0, 4),
    flip=st.booleans(),
)
def test_a_batch_is_what_its_images_are_alone(
    seed: int, shape: tuple[int, int, int, int], padding: int, flip: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, shape, generator=generator, dtype=torch.uint8)
    choices = draw(shape[0], Augmentation(flip, padding), generator)
    fast = augment(images, choices, padding)
    slow = [
        one_image(image.numpy(), bool(mirror), int(row), int(column), padding)
        for image, mirror, row, column in zip(
            images, choices.flips, choices.rows, choices.columns, strict=True
        )
    ]
    assert fast.dtype == torch.uint8
    assert np.array_equal(fast.numpy(), np.stack(slow))


def test_all_places_and_both_sides_are_drawn_alike() -> None:
    choices = draw(18_000, Augmentation(flip=True, padding=1), torch.Generator().manual_seed(0))
    for axis in (choices.rows, choices.columns):
        assert axis.bincount().tolist() == pytest.approx(
            [6000, 6000, 6000], abs=300
        )  # 4.7 standard deviations
    joint = (choices.rows * 3 + choices.columns) * 2 + choices.flips
    assert joint.bincount(minlength=18).tolist() == pytest.approx([1000] * 18, abs=150)


def test_without_augmentation_images_stay_as_they_are() -> None:
    images = torch.arange(24, dtype=torch.uint8).view(2, 1, 3, 4)
    choices = draw(2, Augmentation(), torch.Generator().manual_seed(0))
    assert torch.equal(augment(images, choices, 0), images)


def test_choices_follow_from_the_generator_alone() -> None:
    first, second, third = (draw(50, Augmentation(True, 4), generator_of(7, epoch)) for epoch in (2, 2, 3))
    for name in ("flips", "rows", "columns"):
        assert torch.equal(getattr(first, name), getattr(second, name))
        assert not torch.equal(getattr(first, name), getattr(third, name))
    assert generator_of(0, 1).initial_seed() != generator_of(1, 0).initial_seed()


def test_negative_padding_is_refused() -> None:
    with pytest.raises(BnncostError, match="padding must be 0 or more pixels, not -1"):
        draw(1, Augmentation(padding=-1), torch.Generator())


def test_normalized_training_images_have_mean_zero_and_deviation_one() -> None:
    images = torch.randint(0, 200, (64, 3, 5, 7), dtype=torch.uint8)
    pixels = images.double() / 255
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
    found = Normalization(tuple(mean.tolist()), tuple(std.tolist()))
    values = normalize(images, *found.factors("cpu", torch.float64))
    assert values.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert values.std((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-12)


def test_normalization_by_hand() -> None:
    images = torch.tensor([[[[0, 255]], [[51, 102]]]], dtype=torch.uint8)
    values = normalize(images, *Normalization((0.5, 0.2), (0.25, 0.1)).factors("cpu"))
    assert values.dtype == torch.float32
    assert values.flatten().tolist() == pytest.approx([-2, 2, 0, 2], abs=1e-6)
    assert images.flatten().tolist() == [0, 255, 51, 102]  # the set on the device is left as it was


@pytest.mark.parametrize(
    ("images", "batch", "count"), [(10, 4, 2), (12, 4, 3), (3, 4, 1), (4, 4, 1), (50_000, 256, 195)]
)
def test_the_number_of_batches(images: int, batch: int, count: int) -> None:
    assert batches_per_epoch(images, batch) == count


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(BnncostError, match="at least one image, not 0"):
        batches_per_epoch(10, 0)


def numbered(count: int) -> Part:
    """One-pixel images whose value is their number and their label."""
    return Part(torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1), torch.arange(count))


def epoch(count: int, batch: int, number: int) -> list[tuple[list[int], list[int]]]:
    batches = shuffled(numbered(count), batch, generator_of(5, number), Augmentation(), PLAIN)
    return [((images * 255).flatten().round().int().tolist(), labels.tolist()) for images, labels in batches]


def test_an_epoch_shuffles_and_leaves_out_what_fills_no_batch() -> None:
    batches = epoch(22, 4, 0)
    assert [len(labels) for _, labels in batches] == [4] * 5
    assert all(pixels == labels for pixels, labels in batches)
    seen = [label for _, labels in batches for label in labels]
    assert len(set(seen)) == 20 and set(seen) <= set(range(22))
    assert seen != sorted(seen)
    assert batches == epoch(22, 4, 0) and batches != epoch(22, 4, 1)


def test_over_the_epochs_no_image_is_always_left_out() -> None:
    seen = {label for number in range(10) for _, labels in epoch(22, 4, number) for label in labels}
    assert seen == set(range(22))


def test_fewer_images_than_a_batch_are_one_batch() -> None:
    ((pixels, labels),) = epoch(3, 8, 0)
    assert sorted(labels) == [0, 1, 2] and pixels == labels


def test_an_epoch_is_order_then_choices_then_normalization() -> None:
    part = Part(torch.randint(0, 256, (9, 3, 6, 6), dtype=torch.uint8), torch.arange(9))
    augmentation, normalization = Augmentation(True, 2), Normalization((0.4, 0.5, 0.6), (0.1, 0.2, 0.3))
    generator = torch.Generator().manual_seed(11)
    batches = list(shuffled(part, 4, generator, augmentation, normalization))

    again = torch.Generator().manual_seed(11)
    order = torch.randperm(9, generator=again)
    choices = draw(9, augmentation, again)
    assert choices.flips[:8].any() and not choices.flips[:8].all()
    for position in range(8):
        images, labels = batches[position // 4]
        image = part.images[order[position]].numpy()
        chosen = (bool(choices.flips[position]), int(choices.rows[position]), int(choices.columns[position]))
        bytes_ = one_image(image, *chosen, 2).astype(np.float64)
        expected = (bytes_ / 255 - np.array([[[0.4]], [[0.5]], [[0.6]]])) / np.array(
            [[[0.1]], [[0.2]], [[0.3]]]
        )
        assert np.allclose(images[position % 4].numpy(), expected, atol=1e-5)
        assert labels[position % 4] == order[position]


def test_choices_can_be_cut_and_moved() -> None:
    choices = Draws(torch.tensor([True, False]), torch.tensor([1, 2]), torch.tensor([3, 4]))
    second = choices.part(slice(1, 2)).to("cpu")
    assert (second.flips.tolist(), second.rows.tolist(), second.columns.tolist()) == ([False], [2], [4])
