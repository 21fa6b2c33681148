"""How a latent weight's gradient grows as its filter shrinks: what SGD sees of a method, and Adam does not."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from strategies import small_key

from benchmarks.latent_scale import movement
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


def test_what_the_documents_say_of_sgd_is_what_the_shapes_say() -> None:
    """He's start draws n weights of a filter with deviation sqrt(2/n): mean |w| is sqrt(2/n) sqrt(2/pi).

    The documents have ResNet-20's first and last convolution, of 16 and 64 channels; here it is four times as narrow.
    """
    text = (Path(__file__).parents[2] / "docs" / "study.md").read_text("utf-8")
    stated = re.search(r"\| `magnitude_aware_sign` \| x([\d.]+); x([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", text)
    plain = re.search(r"\| plain \| x1.0; x1.0 \| ([\d.]+) \| ([\d.]+) \|", text)
    assert stated and plain
    assert [float(part) for part in stated.groups()[:2]] == pytest.approx([_size(16), _size(64)], rel=0.02)
    assert float(stated[3]) > 5 * float(plain[1]), "by SGD they flip many times as often"
    assert float(stated[4]) == pytest.approx(float(plain[2]), rel=0.1), "by Adam as often"
    slow, fast = (movement(method, "sgd", epochs=1, width="0.25") for method in ("", "magnitude_aware_sign"))
    assert fast.first_gradient / slow.first_gradient == pytest.approx(_size(4), rel=0.1)
    assert fast.last_gradient / slow.last_gradient == pytest.approx(_size(16), rel=0.1)
    assert fast.flips > 2 * slow.flips > 0


def _size(channels: int) -> float:
    """One part in the mean |w| of a filter of 3x3 weights for so many channels."""
    return math.sqrt(math.pi * 9 * channels) / 2


def test_a_plain_layer_leaves_its_gradients() -> None:
    assert growth() == pytest.approx(1.0, rel=1e-6)


def test_every_gradient_of_weights_was_looked_at() -> None:
    declared = {METHODS[name].estimator for name in WEIGHTS} - {""}
    assert declared <= set(ESTIMATORS)
    assert {"clipped", "magnitude", "ede", "siman"} <= declared
