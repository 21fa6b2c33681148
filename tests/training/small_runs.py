"""A run small enough for a test: a narrow network, few generated images that can be learned, two or three epochs."""

from __future__ import annotations

from pathlib import Path

import torch

from costmodel.designs.key import DesignKey
from training.data.dataset import Dataset, Part
from training.run.folders import RunSpec, run_of
from training.run.recipe import Recipe

DESIGN = "resnet20@w0.25/digits"
_NETWORKS = Path(__file__).parent / "networks"
SHORT = str(_NETWORKS / "short_resnet20.yaml")
"""ResNet-20 with one block a stage, where only kinds of layers matter."""
ONE_BLOCK, TWO_BLOCKS = str(_NETWORKS / "one_block.yaml"), str(_NETWORKS / "two_blocks.yaml")
"""Small networks for export, of which torch takes half a second for each block more; the larger has both kinds."""
CLASSES = 10


def small_data(images: int = 96, seed: int = 0) -> Dataset:
    """Images of 8x8 with a bright pixel column that names the class, and noise."""

    def part(count: int) -> Part:
        labels = torch.randint(CLASSES, (count,), generator=generator)
        pixels = torch.randint(0, 60, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
        pixels[torch.arange(count), 0, labels % 5 + 1, :] = 255
        pixels[torch.arange(count), 0, :, labels // 5 + 1] = 180
        return Part(pixels, labels)

    generator = torch.Generator().manual_seed(seed)
    return Dataset("generated", tuple(str(label) for label in range(CLASSES)), part(images), part(60))


def small_recipe(epochs: int = 3, **changes: object) -> Recipe:
    """Three epochs of two steps."""
    settings = {"name": "small", "epochs": epochs, "batch_size": 32, "validation": 0.25, "padding": 1}
    return Recipe.model_validate({**settings, **changes})


def small_run(design: str = DESIGN, epochs: int = 3, seed: int = 0, **changes: object) -> RunSpec:
    """A run of the small recipe."""
    return run_of(DesignKey.parse(design), small_recipe(epochs, **changes), "generated", seed)
