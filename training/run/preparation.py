"""From a data set to what one run trains and is judged on: the right size, a fixed part, and its augmentation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from training.data.augment import USUAL, Augmentation, Normalization, eight_bit
from training.data.dataset import Dataset, Part, hold_out, require_fit
from training.run.recipe import Recipe

SPLIT_SEED = 0
"""One split for all runs, whatever their seed, so that their accuracies differ by nothing else."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a run reads: images to train, to validate and to test on, and how training images vary.

    `data` is the name of the data set as it was used.
    """

    data: str
    train: Part
    validation: Part
    test: Part
    normalization: Normalization
    augmentation: Augmentation

    def to(self, device: torch.device | str) -> Prepared:
        """Return the same with all images on another device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )


def fitted(design: DesignKey, data: Dataset) -> Dataset:
    """Bring a data set to the size that the design is built for: images of twice the size are averaged over 2x2.

    Raises BnncostError where images or classes do not fit.
    """
    expected = design.shape
    channels, height, width = expected.image
    if expected.halves and data.image == (channels, 2 * height, 2 * width):
        data = Dataset(f"{data.name}-{width}", data.classes, halved(data.train), halved(data.test))
    require_fit(data, expected)
    return data


def halved(part: Part) -> Part:
    """Average windows of 2x2 pixels, rounded half to even, in chunks that do not fill the memory."""
    chunks = [
        functional.avg_pool2d(chunk.float(), 2).round().to(torch.uint8) for chunk in part.images.split(4096)
    ]
    return Part(torch.cat(chunks), part.labels)


def prepared(design: DesignKey, recipe: Recipe, data: Dataset) -> Prepared:
    """Fit and split a data set as design and recipe ask; raises BnncostError where it has too few images for that."""
    data = fitted(design, data)
    train = _subset(data.train, recipe.train_images)
    kept = max(1, round(len(train) * recipe.validation))
    train, validation = hold_out(train, kept, SPLIT_SEED)
    usual = USUAL.get(design.dataset, Augmentation())
    augmentation = Augmentation(
        usual.flip if recipe.flip is None else recipe.flip,
        usual.padding if recipe.padding is None else recipe.padding,
    )
    return Prepared(data.name, train, validation, data.test, eight_bit(data.image[0]), augmentation)


def _subset(part: Part, count: int | None) -> Part:
    if count is None or count == len(part):
        return part
    if count > len(part):
        raise BnncostError(
            f"the recipe asks for {count} training images, but the data set has {len(part)}; lower 'train_images'."
        )
    return hold_out(part, count, SPLIT_SEED)[1]
