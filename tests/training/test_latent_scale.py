"""How a latent weight's gradient grows as its filter shrinks: what SGD sees of a method, and Adam does not."""

from __future__ import annotations

import pytest
import torch
from strategies import small_key

from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.module.estimators import ESTIMATORS
from training.module.lower import Lowered, lower
from training.run.optimizers import latent_weights

WEIGHTS = sorted(
    name
    for name, method in METHODS.items()
    if method.category in ("weight binarizer", "weight normalization") and name != "weight_rotation"
)
SHRUNK = 0.125


def growth(*names: str) -> float:
    """Median gradient of the first block's latent weights when they are eight times smaller, by what it was before.

    Batch norm stands behind the convolution, so that the loss does not change where bits do not.
    """
    network = build(small_key("resnet20", *names))
    images = torch.randn(16, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(16) % 10

    def gradient(model: Lowered) -> torch.Tensor:
        weight = model.value(latent_weights(network)[0])
        loss = torch.nn.functional.cross_entropy(model(images).flatten(1), labels)
        (found,) = torch.autograd.grad(loss, weight)
        return found.abs()[found != 0].median()

    model = lower(network, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).train()
    before = gradient(model)
    with torch.no_grad():
        model.value(latent_weights(network)[0]).mul_(SHRUNK)
    return float(gradient(model) / before)


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradients_grow_as_filters_shrink_exactly_where_that_is_declared(name: str) -> None:
    expected = 1 / SHRUNK if METHODS[name].rescales_latents else 1.0
    assert growth(name) == pytest.approx(expected, rel=1e-2)


def test_a_plain_layer_leaves_its_gradients() -> None:
    assert growth() == pytest.approx(1.0, rel=1e-6)


def test_every_gradient_of_weights_was_looked_at() -> None:
    declared = {METHODS[name].estimator for name in WEIGHTS} - {""}
    assert declared <= set(ESTIMATORS)
    assert {"clipped", "magnitude", "ede", "siman"} <= declared
