"""How long this project's recipe for one core takes to the accuracy of the usual loop, and the usual loop to it.

The usual loop is that of most published code: a DataLoader with transforms per image, an eager straight-through
estimator, Adam at torch's own rate, a cosine. Both train the plain ResNet-20 on the same images and are judged on the
same others. Time is that of the process's CPU, with one thread, for training alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from benchmarks.per_image import PerImage, loader
from benchmarks.resnet20_torch import ResNet20
from benchmarks.training_speed import RATE
from costmodel.designs.key import DesignKey
from training.data.dataset import Dataset, Part, in_order
from training.module.statistics import settle
from training.run.folders import RunSpec
from training.run.loop import evaluate, train_epoch, whole_images
from training.run.phases import phases_of
from training.run.preparation import Prepared, prepared
from training.run.recipe import Recipe, load_recipe
from training.run.steps import steps_of
from training.run.trainee import begin

DESIGN = DesignKey.parse("resnet20@edge=fp32/cifar10")
VALIDATION = 0.2


@dataclass(frozen=True)
class Race:
    """How much both may learn from: images (a fifth of them judges), epochs of the usual loop, of this project's runs.

    Runs of this project get longer until one is as good as the usual loop.
    """

    images: int
    usual_epochs: int
    own_epochs: Sequence[int]


@dataclass(frozen=True)
class Finish:
    """What one run came to: its epochs, validation top-1 [%] and CPU time [s]."""

    epochs: int
    top1: float
    cpu_s: float


def race(data: Dataset, rules: Race) -> dict[str, object]:
    """Train the usual loop, then this project's recipe until it is as good; gives both and how many times as fast.

    `times_as_fast` is None where no run was as good.
    """
    torch.manual_seed(0)
    recipe = _recipe(rules.images, max(rules.own_epochs))
    images = prepared(DESIGN, recipe, data)
    usual = usual_run(images, rules.usual_epochs, recipe.batch_size)
    runs = []
    for epochs in rules.own_epochs:
        runs.append(own_run(images, _recipe(rules.images, epochs)))
        if runs[-1].top1 >= usual.top1:
            break
    reached = runs[-1].top1 >= usual.top1
    return {
        "images": len(images.train),
        "usual": vars(usual),
        "this project": [vars(run) for run in runs],
        "times_as_fast": usual.cpu_s / runs[-1].cpu_s if reached else None,
    }


def _recipe(images: int, epochs: int) -> Recipe:
    """The recipe for one core with fewer images and epochs; its warm-up stays the same part of them."""
    shipped = load_recipe("cifar-cpu")
    warmup = shipped.warmup_epochs / shipped.epochs * epochs
    changes = {"epochs": epochs, "warmup_epochs": warmup, "train_images": images, "validation": VALIDATION}
    return shipped.model_copy(update=changes)


def own_run(images: Prepared, recipe: Recipe) -> Finish:
    """Train by this project's loop."""
    spec = RunSpec(DESIGN, recipe, "raced")
    started = time.process_time()
    trainee = begin(phases_of(spec)[0], spec, images, None)
    steps = steps_of(trainee)
    for epoch in range(recipe.epochs):
        for _ in train_epoch(steps, spec, epoch, images):
            pass
    settle(trainee.model, whole_images(images))
    took = time.process_time() - started
    return Finish(recipe.epochs, evaluate(trainee.model, images.validation, images.normalization), took)


def usual_run(images: Prepared, epochs: int, batch_size: int) -> Finish:
    """Train by the usual loop."""
    network, part = ResNet20(), images.train
    batches = loader(part.images, part.labels, batch_size, workers=0)
    started = time.process_time()
    update = torch.optim.Adam(network.parameters(), lr=RATE)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(update, epochs * len(batches))
    for _ in range(epochs):
        network.train()
        for batch, labels in batches:
            loss = functional.cross_entropy(network(batch), labels)
            update.zero_grad()
            loss.backward()
            update.step()
            rates.step()
    took = time.process_time() - started
    return Finish(epochs, usual_top1(network, images.validation, PerImage(part.images, part.labels, 0)), took)


@torch.no_grad()
def usual_top1(network: nn.Module, part: Part, transforms: PerImage) -> float:
    """Measure top-1 [%] of images that are normalized as the usual loop's, neither shifted nor mirrored."""
    network.eval()
    right = 0
    for batch in in_order(part, 500):
        pixels = (batch.images.float() / 255 - transforms.mean) / transforms.std
        right += int((network(pixels).argmax(1) == batch.labels).sum())
    return 100 * right / len(part)
