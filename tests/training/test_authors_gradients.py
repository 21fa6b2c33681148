"""Gradients of features and weights against the formulas of the papers, in float64, written again from the source.

Each at three points of training, under scaling of what is binarized, and under shifting a filter. Where a paper's
formula and its authors' code differ, the code is meant; the sentence beside says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from small_runs import SHORT

from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.graph import Op, Param, Tensor
from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.module.estimators import ESTIMATORS, binarize
from training.module.lower import Lowered, lower, set_progress

POINTS_OF_TRAINING = (0.0, 0.5, 0.95)
Array = np.ndarray


# ------------------------------------------------------------------ estimators


def _ede(x: Array, done: float) -> Array:
    t = 10 ** (-3 + 4 * done)
    return max(1 / t, 1) * t / np.cosh(np.clip(t * x, -350, 350)) ** 2


def _triangle(x: Array, t: float, k: float) -> Array:
    """RBNN's function F(x) = k (-sign(x) t^2 x^2 / 2 + sqrt(2) t x) inside |x| < sqrt(2) / t, differentiated."""
    return np.where(abs(x) < math.sqrt(2) / t, k * (math.sqrt(2) * t - t * t * abs(x)), 0)


def _ie_net(x: Array, t: float, k: float) -> Array:
    return np.maximum(k * (3 * math.sqrt(t**2 / 3) - abs(3 * t**2 * x) / 2), 0)


def _swish(x: Array, done: float) -> Array:
    s = 1 / (1 + np.exp(-5 * x))  # 2 s (1 + 5 x (1 - s)) - 1, differentiated by the chain rule
    slope = 5 * s * (1 - s)
    return 2 * slope * (1 + 5 * x * (1 - s)) + 2 * s * (5 * (1 - s) - 5 * x * slope)


FORMULAS: dict[str, Callable[[Array, float], Array]] = {
    "clipped": lambda x, done: 1.0 * (abs(x) <= 1),
    "wide": lambda x, done: 1.0 * (abs(x) <= 1.3),
    "identity": lambda x, done: np.ones_like(x),
    "polynomial": lambda x, done: np.where(x < -1, 0, np.where(x < 0, 2 + 2 * x, np.where(x < 1, 2 - 2 * x, 0))),
    "swish": _swish,
    "ede": _ede,
    # the authors' features keep k = 1 and t at least 1 (imagenet/modules/binarized_modules.py), their weights do not
    "rbnn": lambda x, done: _triangle(x, max(1, 10 ** (-2 + 3 * done)), 1),
    "rbnn_weights": lambda x, done: _triangle(x, 10 ** (-2 + 3 * done), max(1, 10 ** (2 - 3 * done))),
    # Alexrich961210/IE-Net, binary_modules.py: k (3 sqrt(t^2 / 3) - |3 t^2 x| / 2) above 0; features as RBNN's
    "ie_net": lambda x, done: _ie_net(x, max(1, 10 ** (-2 + 3 * done)), 1),
    "ie_net_weights": lambda x, done: _ie_net(x, 10 ** (-2 + 3 * done), max(1, 10 ** (2 - 3 * done))),
    "magnitude": lambda x, done: (abs(x) <= 1) / abs(x).mean(axis=1, keepdims=True),
    "siman": lambda x, done: np.where(x >= 0, 1.0, -1.0),
}  # fmt: skip


def test_every_estimator_has_a_formula() -> None:
    assert set(FORMULAS) == set(ESTIMATORS)


@pytest.mark.parametrize("done", POINTS_OF_TRAINING)
@pytest.mark.parametrize("name", FORMULAS)
def test_an_estimator_is_its_papers_formula(name: str, done: float) -> None:
    x = np.random.default_rng(3).normal(size=(8, 60)) * np.geomspace(0.02, 3, 8)[:, None]
    arriving = np.random.default_rng(4).normal(size=x.shape)
    given = torch.tensor(x, requires_grad=True)
    binarize(given, name, done).backward(torch.tensor(arriving))
    assert given.grad is not None
    assert np.allclose(given.grad, arriving * FORMULAS[name](x, done), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------ weights, through the network's own list

LAYER = "stage1.block1.conv1"


def a_model(methods: str, done: float = 0.0) -> Lowered:
    network = build(DesignKey.parse(f"{SHORT}[{methods}]@w0.5/digits"))
    model = lower(network, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    set_progress(model, done)
    return model


def convolution(model: Lowered) -> Op:
    return next(op for op in model.network.ops if op.kind == "conv" and op.layer == LAYER)


def weights(scale: float = 0.1) -> torch.Tensor:
    """Eight filters of 8 x 3 x 3 numbers, whose largest magnitude is below 1 at a scale of 0.1."""
    return torch.randn(8, 8, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(7)) * scale


def bits_and_gradient(
    methods: str, latent: torch.Tensor, done: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bits that a layer's latent weights become in training, and the gradient of a fixed sum of them."""
    model = a_model(methods, done)
    param = next(param for param in model.network.learned() if param.name == f"{LAYER}.weight")
    tensor = model.value(param)
    with torch.no_grad():
        tensor.copy_(latent)
    bits = convolution(model).params[0]
    made = model.maps(torch.zeros(2, 1, 8, 8, dtype=torch.float64), [bits])[bits]
    factors = torch.randn(made.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    (slope,) = torch.autograd.grad((made * factors).sum(), tensor)
    return made.detach(), slope


BEHAVIOUR = {
    # name: (power of a filter's size that its gradient has, whether a constant added to a filter changes nothing)
    "clipped_weight_ste": (0, False),
    "identity_weight_ste": (0, False),
    "magnitude_aware_sign": (-1, False),
    "sign_to_magnitude": (0, False),
    "clamp_weights": (0, False),
    "centre_weights": (0, True),
    "standardize_weights": (-1, True),
    "standardize_weights+ede_weights": (-1, True),
    "standardize_weights+rbnn_weight_gradient": (-1, True),
    "standardize_weights+ie_net_weight_gradient": (-1, True),
    "standardize_weights+sign_to_magnitude": (-1, True),
    "standardize_weights(deviation=2.828)+clamp_weights": (-1, True),
    "adaptive_weights": (-1, True),
    "adaptive_weights+ede_weights": (-1, True),
}
PARTLY = {
    "ede_weights",
    "rbnn_weight_gradient",
    "ie_net_weight_gradient",
    "percentile_clamp",
    "weight_rotation",
}
"""Gradients that are windows of fixed width, no power of the filter's size; or that move latents, or do not train."""


def test_every_method_on_weights_is_held_to_a_behaviour() -> None:
    on_weights = {
        name for name, item in METHODS.items()
        if item.category in ("weight binarizer", "weight normalization")
    }  # fmt: skip
    assert on_weights == {name for name in BEHAVIOUR if name in METHODS} | PARTLY


@pytest.mark.parametrize("done", POINTS_OF_TRAINING)
@pytest.mark.parametrize("methods", BEHAVIOUR)
def test_a_gradient_scales_with_its_filter_as_the_papers_does(methods: str, done: float) -> None:
    power, _ = BEHAVIOUR[methods]
    latent = weights()
    if methods == "clamp_weights":  # its bound is one for the layer, so all filters are scaled
        small = latent * 0.1
    else:
        small = latent.clone()
        small[2] *= 0.1
    bits, slope = bits_and_gradient(methods, latent, done)
    same, changed = bits_and_gradient(methods, small, done)
    assert torch.equal(bits, same)
    assert float(slope[2].abs().max()) > 0
    assert torch.allclose(changed[2], slope[2] * 0.1**power, rtol=1e-8, atol=1e-12)
    assert torch.allclose(changed[5], slope[5] * (0.1**power if methods == "clamp_weights" else 1))


@pytest.mark.parametrize("done", POINTS_OF_TRAINING)
@pytest.mark.parametrize("methods", BEHAVIOUR)
def test_a_constant_added_to_a_filter_matters_only_without_centring(methods: str, done: float) -> None:
    latent = weights()
    shifted = latent.clone()
    shifted[3] += 0.05  # half of a filter's deviation
    bits, slope = bits_and_gradient(methods, latent, done)
    same, changed = bits_and_gradient(methods, shifted, done)
    unmoved = torch.equal(bits, same)
    assert unmoved == BEHAVIOUR[methods][1]
    if unmoved:
        assert torch.allclose(slope, changed, rtol=1e-8, atol=1e-12)
    assert torch.equal(bits[4], same[4])


def test_a_smaller_filter_behind_a_norm_gets_no_smaller_gradient() -> None:
    """Bi-Real's weights: a filter a tenth as large has a gradient ten times as large, as a real filter would."""
    slopes = []
    image = torch.randn(8, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for size in (1.0, 0.1):
        model = a_model("channel_scale_analytic+magnitude_aware_sign")
        tensor = model.get_parameter(f"{LAYER}.weight")
        with torch.no_grad():
            tensor.copy_(weights())
            tensor[2] *= size
        model(image).flatten(1).logsumexp(1).sum().backward()
        assert tensor.grad is not None
        slopes.append(tensor.grad[2].clone())
    assert torch.allclose(slopes[1], slopes[0] * 10, rtol=2e-2, atol=1e-7)  # the norm's epsilon is the rest


# ------------------------------------------------------------------ papers in one piece


def layer_of(methods: str, done: float, *, real: bool = False) -> tuple[Lowered, Tensor, Tensor]:
    """A model, what its first binary convolution reads, and the sum that the norm behind it reads."""
    model = a_model(methods, done)
    model.real_weights = real
    norm = next(op for op in model.network.ops if op.kind == "batch_norm" and op.layer == LAYER)
    read, summed = convolution(model).inputs[0], norm.inputs[0]
    assert isinstance(read, Tensor) and isinstance(summed, Tensor)
    return model, read, summed


def convolved(bits: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.conv2d(torch.nn.functional.pad(bits, (1,) * 4, value=1.0), weight)


@pytest.mark.parametrize("done", POINTS_OF_TRAINING)
def test_adabin_is_its_equations(done: float) -> None:
    """w becomes d sign((w - c) / d) + c, with mean c and deviation d that both have gradients (Tu 2022, eq. 7, 9)."""
    model, read, summed = layer_of("adaptive_weights+ede_weights", done)
    tensor = model.get_parameter(f"{LAYER}.weight")
    with torch.no_grad():
        tensor.copy_(weights())
        tensor[0] += 0.05
        tensor[1] *= 3
    found = model.maps(torch.randn(4, 1, 8, 8, dtype=torch.float64), [read, summed])
    bits, result = found[read].detach(), found[summed]
    latent = tensor.detach().clone().requires_grad_()
    centre = latent.mean((1, 2, 3), keepdim=True)
    distance = ((latent - centre) ** 2).mean((1, 2, 3), keepdim=True).sqrt()
    normal = (latent - centre) / distance
    slope = torch.tensor(_ede(normal.detach().numpy(), done))
    signs = torch.where(normal >= 0, 1.0, -1.0).double() + slope * (normal - normal.detach())
    expected = convolved(bits, distance * signs + centre)
    assert torch.allclose(result, expected, rtol=1e-9, atol=1e-9)
    arriving = torch.randn(result.shape, dtype=torch.float64)
    (one,) = torch.autograd.grad((result * arriving).sum(), tensor)
    (other,) = torch.autograd.grad((expected * arriving).sum(), latent)
    assert torch.allclose(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("methods", ["adaptive_weights", "channel_scale_analytic", "shift_scale"])
def test_real_weights_run_as_they_are(methods: str) -> None:
    model, read, summed = layer_of(methods, 0.5, real=True)
    found = model.maps(torch.randn(4, 1, 8, 8, dtype=torch.float64), [read, summed])
    weight = model.get_parameter(f"{LAYER}.weight")
    assert torch.allclose(found[summed], convolved(found[read], weight), rtol=1e-9, atol=1e-9)


def share_with_a_gradient(methods: str, done: float) -> float:
    latent = torch.randn(8, 8, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    model = a_model(methods, done)
    source = convolution(model).params[0]
    tensor = model.get_parameter(f"{LAYER}.weight")
    with torch.no_grad():
        tensor.copy_(latent)
    # the gradient to what the sign reads, before normalization spreads it over the filter
    op = model.network.producers[source]
    read = op.inputs[0]
    assert isinstance(read, Param)
    made = model.maps(torch.zeros(1, 1, 8, 8, dtype=torch.float64), [read, source])
    (slope,) = torch.autograd.grad(made[source].sum(), made[read])
    if "clamp" in methods:  # its result has one; what it clamped does not
        before = model.network.producers[read].inputs[0]
        made = model.maps(torch.zeros(1, 1, 8, 8, dtype=torch.float64), [before, source])
        (slope,) = torch.autograd.grad(made[source].sum(), made[before])
    return float((slope != 0).double().mean())


def test_recu_revives_nearly_all_weights_at_the_end() -> None:
    """Its bound lies at 0.96 deviations first and at 3.1 in the end, where 99.8 % of a normal distribution are."""
    methods = "standardize_weights(deviation=2.828)+clamp_weights"
    mean = math.sqrt(2 / math.pi)
    for done, quantile in ((0.0, 0.85), (1.0, 0.99)):
        bound = -mean * math.log(2 - 2 * quantile)
        expected = stats.norm.cdf(bound) - stats.norm.cdf(-bound)
        assert share_with_a_gradient(methods, done) == pytest.approx(expected, abs=0.03)
    assert share_with_a_gradient(methods, 1.0) >= 0.97


def test_rbnns_weights_lose_their_gradient_late() -> None:
    for done, expected in ((0.0, 1.0), (0.5, 1.0), (0.75, 0.57), (1.0, 0.11)):
        found = share_with_a_gradient("standardize_weights+rbnn_weight_gradient", done)
        assert found == pytest.approx(expected, abs=0.05)


def test_normalized_weights_all_have_a_gradient() -> None:
    assert share_with_a_gradient("standardize_weights", 0.5) == 1
    assert share_with_a_gradient("clipped_weight_ste+standardize_weights", 0.5) == pytest.approx(
        0.68, abs=0.03
    )


# ------------------------------------------------------------------ published designs


def estimators_of(name: str) -> tuple[set[str], set[str]]:
    """Estimators of the features and of the weights of a published design's whole network."""
    network = build(resolve(name))
    kinds = {kind: {str(op.attributes["estimator"]) for op in network.ops if op.kind == kind}
             for kind in ("sign", "sign_weight")}  # fmt: skip
    return kinds["sign"], kinds["sign_weight"]


@pytest.mark.parametrize(
    ("name", "features", "of_weights"),
    [
        ("bi-real-net", "polynomial", "magnitude"),
        ("reactnet", "polynomial", "magnitude"),
        ("ir-net", "ede", "ede"),
        ("ir-net/resnet18/cifar10", "ede", "ede"),
        ("rbnn", "rbnn", "rbnn_weights"),
        ("rbnn/resnet18/cifar10", "rbnn", "rbnn_weights"),
        ("siman", "polynomial", "siman"),
        ("siman/resnet18/cifar10", "polynomial", "siman"),
        ("recu", "polynomial", "identity"),
        ("recu/resnet18/cifar10", "polynomial", "identity"),
        ("adabin", "polynomial", "ede"),
        ("xnor-net", "clipped", "clipped"),
    ],
)
def test_published_designs_have_their_authors_gradients_everywhere(
    name: str, features: str, of_weights: str
) -> None:
    assert estimators_of(name) == ({features}, {of_weights})


SHORTCUTS = ("binary_shortcut", "boolean_shortcut", "boolean_shortcut(slices=2)+binary_shortcut")
GRADIENTS = sorted(name for name, item in METHODS.items() if item.estimator and item.hook == "recipe")


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("name", GRADIENTS)
def test_shortcuts_and_slices_follow_the_designs_gradient(name: str, shortcut: str) -> None:
    network = build(DesignKey.parse(f"resnet18[{shortcut}+{name}]/cifar10"))
    kind = "sign" if METHODS[name].category == "feature binarizer" else "sign_weight"
    found = {op.attributes["estimator"] for op in network.ops if op.kind == kind}
    assert found == {METHODS[name].estimator}


@pytest.mark.parametrize("name", sorted(name for name, item in METHODS.items() if item.hook == "weight"))
def test_weights_of_shortcuts_go_through_the_designs_methods(name: str) -> None:
    network = build(DesignKey.parse(f"resnet18[binary_shortcut+{name}]/cifar10"))
    for op in network.ops:
        if op.kind == "sign_weight":
            made = network.producers.get(op.inputs[0])
            assert made is not None and made.origin == name, op.layer


def test_siman_reads_no_constant_of_a_filter() -> None:
    """SiMaN as published centres: the large half is that of w less its mean (github.com/lmbxmu/SiMaN)."""
    methods = "+".join(str(use) for use in resolve("siman").methods)
    latent = weights()
    shifted = latent + torch.linspace(-0.05, 0.05, 8, dtype=torch.float64).reshape(-1, 1, 1, 1)
    bits, _ = bits_and_gradient(methods, latent, 1.0)
    same, _ = bits_and_gradient(methods, shifted, 1.0)
    assert torch.equal(bits, same)
    large = (latent - latent.mean((1, 2, 3), keepdim=True)).abs().flatten(1)
    assert torch.equal(bits.flatten(1) > 0, large > large.median(1, keepdim=True).values)


# ------------------------------------------------------------------ floats have no grid


def test_a_float_edge_rounds_nothing() -> None:
    network = build(DesignKey.parse("resnet20@w0.25,edge=fp32/digits"))
    model = lower(network, dtype=torch.float64)
    cast = next(op for op in network.ops if op.kind == "quantize")
    assert not cast.params
    found = model.maps(torch.randn(2, 1, 8, 8, dtype=torch.float64), [cast.inputs[0], cast.output])
    assert torch.equal(found[cast.inputs[0]], found[cast.output])
