"""Images per second of this project's training loop, of the usual one, and of what a step cannot do without.

All contestants take turns within one process, epoch by epoch, since a machine's speed drifts; a ratio is the median
of the ratios of neighbours.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional

from benchmarks.per_image import loader
from benchmarks.resnet20_torch import VARIANTS, LeanSign, ResNet20
from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import DESIGNS
from training.data.dataset import Dataset, Part
from training.run.folders import RunSpec
from training.run.loop import train_epoch
from training.run.phases import phases_of
from training.run.preparation import prepared
from training.run.recipe import Recipe
from training.run.steps import steps_of
from training.run.trainee import begin

DATA = {32: "cifar10", 16: "cifar10-16"}
IR_NET = DESIGNS["ir-net"].compositions["resnet20/cifar10"]
RATE = 1e-3

Epoch = Callable[[], int]


@dataclass(frozen=True)
class Setting:
    """What all contestants have in common: pixels of a side, images of a batch, and batches of an epoch."""

    size: int
    batch: int
    batches: int

    @property
    def images(self) -> int:
        return self.batch * self.batches


def design(methods: str, setting: Setting) -> DesignKey:
    """The design whose layers `resnet20_torch` has, with some methods."""
    inside = "" if methods in ("", "plain") else f"[{methods}]"
    return DesignKey.parse(f"resnet20{inside}@edge=fp32/{DATA[setting.size]}")


def generated(setting: Setting) -> Part:
    """Noise with labels; a step takes as long whatever the images show."""
    made = torch.Generator().manual_seed(0)
    shape = (setting.images, 3, setting.size, setting.size)
    pixels = torch.randint(256, shape, generator=made, dtype=torch.uint8)
    return Part(pixels, torch.randint(10, (setting.images,), generator=made))


# ------------------------------------------------------------------ contestants


def ours(methods: str, setting: Setting) -> Epoch:
    """This project's epochs, as `bnncost train` runs them: augmentation, both passes, update and clipping."""
    recipe = Recipe(name="bench", epochs=10_000, batch_size=setting.batch, validation=0.5)
    part = generated(Setting(setting.size, setting.batch, 2 * setting.batches))  # half of them are kept back
    spec = RunSpec(design(methods, setting), recipe, "generated")
    data = Dataset("generated", tuple("0123456789"), part, part.take(torch.arange(1)))
    images = prepared(spec.design, recipe, data)
    steps = steps_of(begin(phases_of(spec)[0], spec, images, None))
    numbers = iter(range(recipe.epochs))

    def epoch() -> int:
        for _ in train_epoch(steps, spec, next(numbers), images):
            pass
        return setting.images

    return epoch


def usual(network: nn.Module, setting: Setting, workers: int) -> Epoch:
    """The usual epochs: images one by one from a DataLoader, Adam as torch makes it."""
    part = generated(setting)
    batches = loader(part.images, part.labels, setting.batch, workers)
    update = torch.optim.Adam(network.parameters(), lr=RATE)

    def epoch() -> int:
        network.train()
        for images, labels in batches:
            loss = functional.cross_entropy(network(images), labels)
            update.zero_grad()
            loss.backward()
            update.step()
        return setting.images

    return epoch


def passes(network: nn.Module, setting: Setting) -> Epoch:
    """Forward and backward pass of a ready batch, and nothing else."""
    images = torch.randn(setting.batch, 3, setting.size, setting.size)
    labels = torch.zeros(setting.batch, dtype=torch.int64)

    def epoch() -> int:
        network.train()
        for _ in range(setting.batches):
            functional.cross_entropy(network(images), labels).backward()
            network.zero_grad()
        return setting.images

    return epoch


def published_ir_net(folder: Path) -> nn.Module:
    """ResNet-20 of github.com/htqin/IR-Net, from a copy of its CIFAR-10/ResNet20/1w1a that runs without CUDA.

    `sed -i 's/\\.cuda()//g' modules/ir_1w1a.py` makes one. Nothing of it is part of this project.
    """
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("resnet").resnet20_1w1a()
    finally:
        sys.path.remove(str(folder))


# ------------------------------------------------------------------ taking turns


def take_turns(contestants: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Images per second of each in every round, after one round that warms up."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, epoch in contestants.items():
            started = time.perf_counter()
            images = epoch()
            if number:
                speeds[name].append(images / (time.perf_counter() - started))
    return speeds


def ratio(speeds: Iterable[float], others: Iterable[float]) -> float:
    """Median over rounds of how many times as fast the first is as the second."""
    return median(first / second for first, second in zip(speeds, others, strict=True))


def compare_loops(setting: Setting, rounds: int, ir_net: Path | None = None) -> dict[str, dict[str, float]]:
    """Speeds of the whole loops on the plain network, and how many times as fast this project's is as each."""
    contestants = {"this project": ours("plain", setting)}
    for workers in (0, 2):
        contestants[f"usual, {workers} workers"] = usual(ResNet20(), setting, workers)
    if ir_net is not None:
        contestants["this project, IR-Net's methods"] = ours(IR_NET, setting)
        contestants["IR-Net as published, 2 workers"] = usual(published_ir_net(ir_net), setting, 2)
    speeds = take_turns(contestants, rounds)
    return {name: _told(name, speeds) for name in contestants}


def _told(name: str, speeds: dict[str, list[float]]) -> dict[str, float]:
    own = "this project, IR-Net's methods" if name.startswith("IR-Net") else "this project"
    return {"images_per_s": median(speeds[name]), "ours_times_as_fast": ratio(speeds[own], speeds[name])}


def compare_steps(setting: Setting, rounds: int) -> dict[str, dict[str, float]]:
    """For each variant, how many times as long a whole step takes as a plain module's two passes alone."""
    told = {}
    for variant in VARIANTS:
        contestants = {"step": ours(variant, setting), "passes": passes(ResNet20(variant, LeanSign), setting)}
        speeds = take_turns(contestants, rounds)
        told[variant] = {
            "images_per_s": median(speeds["step"]),
            "passes_images_per_s": median(speeds["passes"]),
            "times_as_long": ratio(speeds["passes"], speeds["step"]),
        }
    return told
