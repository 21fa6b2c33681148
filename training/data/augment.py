"""Augmentation of whole batches on the device: shift, flip and normalize, without a worker and without a loop.

All random choices of an epoch are drawn at once on the CPU, so an epoch is the same on every device and follows from
its generator alone; one gather then shifts and flips a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as nnf

from costmodel.errors import BnncostError
from training.data.dataset import Part


@dataclass(frozen=True)
class Augmentation:
    """How training images vary: mirrored half of the time, and cropped anywhere after `padding` [pixels] of zeros."""

    flip: bool = False
    padding: int = 0


USUAL = {
    "cifar10": Augmentation(flip=True, padding=4),
    "cifar100": Augmentation(flip=True, padding=4),
    "cifar10-16": Augmentation(flip=True, padding=2),
    "cifar100-16": Augmentation(flip=True, padding=2),
    "fashion-mnist": Augmentation(flip=True, padding=2),
    "mnist": Augmentation(padding=2),
    "digits": Augmentation(padding=1),
}
"""What suits the known data sets: a mirrored digit is none, and CIFAR's is that of ResNet (He 2016, section 4.2)."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What was drawn for N images: `flips` bool; `rows`, `columns` int64, where a crop begins in the padded image."""

    flips: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor

    def to(self, device: torch.device | str) -> Draws:
        """Return the same on another device."""
        return Draws(self.flips.to(device), self.rows.to(device), self.columns.to(device))

    def part(self, chosen: slice) -> Draws:
        """Return the choices for some of the images."""
        return Draws(self.flips[chosen], self.rows[chosen], self.columns[chosen])


def draw(count: int, augmentation: Augmentation, generator: torch.Generator) -> Draws:
    """Draw for `count` images, from a generator on the CPU; raises BnncostError for a negative padding."""
    if augmentation.padding < 0:
        raise BnncostError(f"padding must be 0 or more pixels, not {augmentation.padding}.")
    places = 2 * augmentation.padding + 1
    flips = torch.rand(count, generator=generator) < (0.5 if augmentation.flip else 0.0)
    rows, columns = (torch.randint(places, (count,), generator=generator) for _ in range(2))
    return Draws(flips, rows, columns)


def augment(images: torch.Tensor, choices: Draws, padding: int) -> torch.Tensor:
    """Pad (N, C, H, W) with zeros (black) on all sides, crop to H x W where `choices` says, then mirror.

    >>> image = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    >>> mirrored = Choices(torch.tensor([True]), torch.tensor([1]), torch.tensor([2]))
    >>> augment(image, mirrored, padding=1).tolist()  # one to the left: [[2, 0], [4, 0]], then mirrored
    [[[[0, 2], [0, 4]]]]
    """
    count, channels, height, width = images.shape
    padded = nnf.pad(images, (padding,) * 4)
    along = torch.arange(width, device=images.device)
    columns = choices.columns[:, None] + torch.where(choices.flips[:, None], along.flip(0), along)
    rows = choices.rows[:, None] + torch.arange(height, device=images.device)
    # Each pixel's place in a padded map that is one long row: gathering so takes a sixth of an index per axis.
    places = (rows[:, :, None] * padded.shape[-1] + columns[:, None, :]).reshape(count, 1, -1)
    return padded.flatten(2).gather(2, places.expand(-1, channels, -1)).view(images.shape)


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per channel, of pixels that run from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def factors(
        self, device: torch.device | str, dtype: torch.dtype = torch.float32
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scale and offset (C, 1, 1) with which a byte b becomes b * scale + offset = (b / 255 - mean) / std."""
        mean = torch.tensor(self.mean, dtype=torch.float64)[:, None, None]
        std = torch.tensor(self.std, dtype=torch.float64)[:, None, None]
        return (1 / (255 * std)).to(device, dtype), (-mean / std).to(device, dtype)


IMAGE_STEP = 1 / 64
"""What one step of an 8-bit image stands for."""


def eight_bit(channels: int) -> Normalization:
    """Return the normalization that a chip with an 8-bit input gets for free: a byte b becomes (b - 128) / 64.

    What comes out is a signed 8-bit integer times a power of two, so the trained and the deployed network read the same
    numbers. CIFAR's pixels get a mean near 0 and a deviation near 1; other sets are left to the first norm.

    >>> [factor.item() for factor in eight_bit(1).factors("cpu")]
    [0.015625, -2.0]
    """
    return Normalization((128 / 255,) * channels, (1 / (255 * IMAGE_STEP),) * channels)


def normalize(images: torch.Tensor, scale: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Turn bytes (N, C, H, W) into numbers of mean 0 and standard deviation 1, by `Normalization.factors`."""
    return images.to(scale.dtype, memory_format=torch.channels_last).mul_(scale).add_(offset)


def generator_of(seed: int, epoch: int) -> torch.Generator:
    """Make the generator of one epoch from seed and number alone, so that a resumed run draws what it would have."""
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1)))


def batches_per_epoch(images: int, batch_size: int) -> int:
    """Count the batches of `shuffled`: whole ones only, or one of all images where they do not fill one.

    >>> batches_per_epoch(50_000, 128), batches_per_epoch(100, 128)
    (390, 1)
    """
    if batch_size < 1:
        raise BnncostError(f"a batch needs at least one image, not {batch_size}.")
    return max(1, images // batch_size)


def shuffled(
    part: Part,
    batch_size: int,
    generator: torch.Generator,
    augmentation: Augmentation,
    normalization: Normalization,
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of (images (N, C, H, W), labels (N,)), shuffled, augmented and normalized where `part` lies.

    A last batch that is not full is left out: batch norm on a few images would be noise, and a gradient of few would
    weigh as much as one of many. Other images are left out in the next epoch. `generator` is one of the CPU.
    """
    device = part.images.device
    count = batches_per_epoch(len(part), batch_size)
    order = torch.randperm(len(part), generator=generator).to(device)
    choices = draw(len(part), augmentation, generator).to(device)
    scale, offset = normalization.factors(device, dtype)
    for number in range(count):
        chosen = slice(number * batch_size, (number + 1) * batch_size)
        images = augment(part.images[order[chosen]], choices.part(chosen), augmentation.padding)
        yield normalize(images, scale, offset), part.labels[order[chosen]]
