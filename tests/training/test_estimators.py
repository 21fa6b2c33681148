"""Gradients of the sign: each against its formula, worked out by hand at a few points."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.func import grad, vmap

from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from training.module.estimators import ESTIMATORS, binarize, estimator, large_half, rounded, sign

POINTS = [-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 1.3, 1.31, 3.0]
INSIDE_ONE = [0, 1, 1, 1, 1, 1, 1, 0, 0, 0]
SQUARE_OF_TANH_1 = 0.7615941559557649**2


def slopes(name: str, points: list[float], progress: float = 0.0) -> list[float]:
    """Gradient of the sum of all outputs, doubled by the gradient that arrives from above."""
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    (2 * binarize(x, name, progress).sum()).backward()
    assert x.grad is not None
    return (x.grad / 2).tolist()


def test_every_named_estimator_exists_and_none_is_unused() -> None:
    named = {method.estimator for method in METHODS.values()} - {""}
    assert set(ESTIMATORS) == named


def test_schedules_are_declared() -> None:
    points = [-1.5, -0.3, 0.01, 0.7]
    for name, item in ESTIMATORS.items():
        weights = [points] if name in ("magnitude", "siman") else points
        changes = slopes(name, weights, 0.0) != slopes(name, weights, 1.0)  # type: ignore[arg-type]
        assert changes == item.scheduled, name


def test_the_forward_pass_is_the_sign_and_zero_is_positive() -> None:
    x = torch.tensor([-math.inf, -1e-30, -0.0, 0.0, 1e-30, math.inf])
    for name in set(ESTIMATORS) - {"siman"}:
        values = x[None] if name == "magnitude" else x
        assert binarize(values, name).reshape(-1).tolist() == [-1, -1, 1, 1, 1, 1], name


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_bits_and_gradients_keep_the_type(kind: torch.dtype) -> None:
    x = torch.tensor([[-1.0, 0.0, 1.0]], dtype=kind, requires_grad=True)
    for name in ESTIMATORS:
        y = binarize(x, name, 0.5)
        assert y.dtype == kind and set(y.reshape(-1).tolist()) == {-1, 1}
        (given,) = torch.autograd.grad(y.sum(), x)
        assert given.dtype == kind and bool(torch.isfinite(given).all()), name


def test_straight_through_inside_a_limit_that_belongs_to_it() -> None:
    assert slopes("clipped", POINTS) == INSIDE_ONE
    assert slopes("wide", POINTS) == [0, 1, 1, 1, 1, 1, 1, 1, 0, 0]


def test_polynomial_is_a_triangle() -> None:
    assert slopes("polynomial", [-2.0, -1.0, -0.5, 0.0, 0.25, 1.0]) == [0, 0, 1, 2, 1.5, 0]


def test_swish_is_the_slope_of_its_function() -> None:
    # SignSwish is 2 s(bx) (1 + bx (1 - s(bx))) - 1 with b = 5 and s the logistic function (Darabi 2018, eq. 3)
    def function(x: float) -> float:
        s = 1 / (1 + math.exp(-5 * x))
        return 2 * s * (1 + 5 * x * (1 - s)) - 1

    points = [-1.0, -0.3, 0.0, 0.1, 0.5]
    step = 1e-6
    expected = [(function(x + step) - function(x - step)) / (2 * step) for x in points]
    assert np.allclose(slopes("swish", points), expected, rtol=0, atol=1e-8)
    assert slopes("swish", [0.0]) == [5]
    assert slopes("swish", [1000.0]) == [0]


def test_ede_starts_as_the_identity_and_ends_as_a_sharp_tanh() -> None:
    # t = 0.001, 0.1, 1, 10; k t = max(1, t)
    assert np.allclose(slopes("ede", [-1.0, 0.0, 2.0], 0.0), 1, rtol=0, atol=1e-5)
    assert np.allclose(slopes("ede", [0.0, 10.0], 0.5), [1, 1 - SQUARE_OF_TANH_1])
    assert np.allclose(slopes("ede", [0.0, -1.0], 0.75), [1, 1 - SQUARE_OF_TANH_1])
    assert np.allclose(slopes("ede", [0.0, 0.1], 1.0), [10, 10 * (1 - SQUARE_OF_TANH_1)])


def test_rbnn_sharpens_its_triangle_once_t_passes_one() -> None:
    root = math.sqrt(2)
    early = [root, root - 0.5, 0, 0]
    for progress in (0.0, 0.5, 2 / 3):  # t = 0.01, 0.316, 1
        assert np.allclose(slopes("rbnn", [0.0, -0.5, 1.5, -3.0], progress), early)
    assert np.allclose(slopes("rbnn", [0.0, 0.1, -0.2], 1.0), [10 * root, 10 * root - 10, 0])


def test_ie_net_sharpens_features_late_and_narrows_weights_throughout() -> None:
    root = math.sqrt(3)
    for progress in (0.0, 0.5, 2 / 3):  # t = 0.01, 0.316, 1
        assert np.allclose(
            slopes("ie_net", [0.0, -0.5, 1.0, 1.2], progress), [root, root - 0.75, root - 1.5, 0]
        )
    assert np.allclose(slopes("ie_net", [0.0, 0.1, -0.2], 1.0), [10 * root, 10 * root - 15, 0])
    # weights have the factor 1/t while t < 1: sqrt(3) - 3/2 t |w|, which reaches as far as 2 / (sqrt(3) t)
    assert np.allclose(slopes("ie_net_weights", [0.0, -2.0, 100.0], 0.0), [root, root - 0.03, root - 1.5])
    half = 0.1**0.5
    assert np.allclose(slopes("ie_net_weights", [0.0, 2.0, 4.0], 0.5), [root, root - 3 * half, 0])
    assert np.allclose(slopes("ie_net_weights", [0.0, 0.1, -0.2], 1.0), [10 * root, 10 * root - 15, 0])


def test_magnitude_divides_by_each_filters_mean() -> None:
    weight = torch.tensor([[0.25, -0.75], [4.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    weight = weight[:, :, None, None].requires_grad_()
    binarize(weight, "magnitude").sum().backward()
    assert weight.grad is not None
    assert weight.grad.reshape(3, 2).tolist() == [[2, 2], [0, 0.5], [1, 1]]


def test_siman_sets_the_large_half_and_passes_the_gradient_to_the_magnitude() -> None:
    weight = torch.tensor([[0.1, -3.0, 2.0, -1.0], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    bits = binarize(weight, "siman")
    assert bits.tolist() == [[-1, 1, 1, -1], [1, 1, -1, -1]]
    bits.sum().backward()
    assert weight.grad is not None and weight.grad.tolist() == [[1, -1, 1, -1], [1, 1, 1, 1]]
    assert large_half(torch.tensor([[5.0, 1.0, -7.0]])).tolist() == [[-1, -1, 1]]


def test_rounding_passes_the_gradient() -> None:
    x = torch.tensor([-1.5, 0.4, 2.6], requires_grad=True)
    y = rounded(x)
    (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert y.tolist() == [-2, 0, 3] and x.grad is not None and x.grad.tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_stack_gives_what_its_members_give(name: str) -> None:
    stack = torch.randn(3, 4, 6, dtype=torch.float64)
    progress = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)

    def one(x: torch.Tensor, done: torch.Tensor) -> torch.Tensor:
        return (binarize(x, name, done) * torch.arange(6)).sum()

    together = vmap(grad(one))(stack, progress)
    for index in range(3):
        alone = stack[index].clone().requires_grad_()
        (given,) = torch.autograd.grad(one(alone, progress[index]), alone)
        assert torch.allclose(together[index], given, rtol=1e-12, atol=0)


def test_mistakes_are_sentences() -> None:
    with pytest.raises(BnncostError, match="unknown estimator 'cliped'; did you mean 'clipped'"):
        binarize(torch.zeros(1), "cliped")
    with pytest.raises(BnncostError, match="estimator 'wide' is declared twice"):
        estimator("wide")(lambda gradient, x, progress: gradient)


def test_an_exported_sign_is_a_choice() -> None:
    class Sign(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return sign(x)

    exported = torch.export.export(Sign(), (torch.randn(3),))
    assert "aten.where.self" in exported.graph_module.code.replace("torch.ops.", "")
    x = torch.tensor([-1.0, -0.0, 2.0])
    assert exported.module()(x).tolist() == sign(x).tolist() == [-1, 1, 1]
