"""How fast latent weights move by the scale of their gradient: SGD and Adam, with filters' sizes divided out or not.

    python -m benchmarks.latent_scale

prints the table of docs/study.md, "SGD and the size of a filter", as Markdown. It trains ResNet-20 on the digits for
half a minute of one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from costmodel.designs.key import DesignKey
from training.data.dataset import load
from training.module.lower import Lowered
from training.run.folders import RunSpec
from training.run.loop import train_epoch
from training.run.optimizers import latent_weights
from training.run.phases import phases_of
from training.run.preparation import Prepared, prepared
from training.run.recipe import Recipe
from training.run.steps import steps_of
from training.run.trainee import Trainee, begin

LAYERS = ("", "magnitude_aware_sign", "standardize_weights")
"""What divides a latent weight's gradient by the size of its filter; the plain layer does not."""
OPTIMIZERS = ("sgd", "adam")
EPOCHS, BATCH = 5, 64


@dataclass(frozen=True)
class Movement:
    """Latent weights in training: mean |gradient| at the start, in the first and the last convolution, and flips."""

    first_gradient: float
    last_gradient: float
    flips: float


def movement(method: str, optimizer: str, epochs: int = EPOCHS, width: str = "1") -> Movement:
    """Train a design by an optimizer at its published rate, unclipped and without decay, and count changes of sign."""
    inside = f"[{method}]" if method else ""
    numbers = {"decay": 0, "clip": False}
    recipe = Recipe.model_validate(
        {"name": "scale", "epochs": epochs, "batch_size": BATCH, "optimizer": optimizer, "schedule": "constant",
         "optimizers": {optimizer: numbers}}
    )  # fmt: skip
    spec = RunSpec(DesignKey.parse(f"resnet20{inside}@w{width}/digits"), recipe, "digits")
    images = prepared(spec.design, recipe, load("digits"))
    trainee = begin(phases_of(spec)[0], spec, images, None)
    gradients = _gradients(trainee, images)
    flips = sum(_flips(trainee, spec, images))
    return Movement(gradients[0], gradients[-1], flips)


def _weights(model: Lowered) -> list[torch.Tensor]:
    return [model.value(param) for param in latent_weights(model.network)]


def _gradients(trainee: Trainee, images: Prepared) -> list[float]:
    """Mean |gradient| of each convolution's latent weights, on the first images."""
    batch = (images.train.images[: 4 * BATCH].float() - 128) / 64
    loss = trainee.objective(trainee.model.train(), batch, images.train.labels[: 4 * BATCH], 1)
    return [float(found.abs().mean()) for found in torch.autograd.grad(loss, _weights(trainee.model))]


def _flips(trainee: Trainee, spec: RunSpec, images: Prepared) -> Iterator[float]:
    """Yield the part of latent weights whose sign each step changes."""
    bits = [weight >= 0 for weight in _weights(trainee.model)]
    count = sum(bit.numel() for bit in bits)
    steps = steps_of(trainee)
    for epoch in range(spec.recipe.epochs):
        for _ in train_epoch(steps, spec, epoch, images):
            now = [weight >= 0 for weight in _weights(trainee.model)]
            yield sum(int((one != other).sum()) for one, other in zip(bits, now, strict=True)) / count
            bits = now


def table() -> str:
    """The table, as Markdown."""
    plain = movement("", "sgd")
    rows = [
        "| latent weights' gradient | at the start, first; last convolution | flips a weight, SGD 0.1 | Adam 0.0025 |",
        "|---|---|---|---|",
    ]
    for method in LAYERS:
        by_sgd, by_adam = (movement(method, optimizer) for optimizer in OPTIMIZERS)
        first, last = by_sgd.first_gradient / plain.first_gradient, by_sgd.last_gradient / plain.last_gradient
        name = f"`{method}`" if method else "plain"
        rows.append(f"| {name} | x{first:.1f}; x{last:.1f} | {by_sgd.flips:.2f} | {by_adam.flips:.2f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(table())
