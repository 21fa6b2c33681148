"""Lowered networks in training: statistics, gradients, stacks of models, and what differs from evaluation."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from small_runs import SHORT
from strategies import NARROW, any_values, small_key
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from costmodel.builder import Builder
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import Network, precision
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.operations.run import run
from training.module.calibrate import calibrate
from training.module.lower import Lowered, keep_promises, load_values, lower, set_progress, values_of

PLAIN = build(small_key("resnet20"))
TRAINED = [
    (network, name)
    for network in ("resnet20", "vgg_small")
    for name, item in METHODS.items()
    if backbone_of(network).offers(item.hook) and (item.hook not in ("recipe", "width") or item.estimator)
]


def digits(count: int = 16) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, dtype=torch.float64) * 16


def ready(network: Network) -> tuple[Lowered, torch.Tensor]:
    """A module as training starts with it, and a batch."""
    model, image = lower(network, dtype=torch.float64), digits()
    calibrate(model, image)
    return model, image


def loss_of(model: Lowered, image: torch.Tensor) -> torch.Tensor:
    return cross_entropy(model(image).flatten(1), torch.arange(len(image)) % 10)


# ------------------------------------------------------------------ norms


def one_norm() -> Network:
    g = Builder("toy", (2, 1, 1), precision("fp32"), precision("fp32"))
    return g.finish(g.batch_norm(g.input))


def test_a_norm_uses_the_batch_in_training_and_what_it_saw_in_evaluation() -> None:
    model = lower(one_norm(), dtype=torch.float64)
    x = torch.tensor([[1.0, 10.0], [3.0, 10.0]], dtype=torch.float64)[..., None, None]
    y = model(x).detach()[..., 0, 0]
    # channel 0 has mean 2 and variance 1; the running variance takes the unbiased 2, a tenth at a time
    assert np.allclose(y[:, 0], [-1, 1], atol=1e-4) and np.allclose(y[:, 1], 0)
    values = values_of(model)
    assert np.allclose(values["mean"], [0.2, 1.0]) and np.allclose(values["variance"], [0.9 + 0.2, 0.9])
    expected = (1 - 0.2) / np.sqrt(1.1 + 1e-5)
    assert np.allclose(model.eval()(x).detach()[0, 0, 0, 0], expected)
    assert values_of(model).keys() == values.keys()
    assert all(np.array_equal(values_of(model)[name], values[name]) for name in values)


def test_a_trained_module_evaluates_as_numpy_says() -> None:
    network = build(small_key("resnet20", "rprelu", "squeeze_excitation", "sample_deviation_scale"))
    model, image = ready(network)
    update = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    first = loss_of(model, image).item()
    for _ in range(16):
        update.zero_grad()
        loss = loss_of(model, image)
        loss.backward()
        update.step()
        keep_promises(model)
    assert loss_of(model, image).item() < 0.9 * first
    with torch.no_grad():
        found = model.eval()(image).numpy()
    values = values_of(model)
    assert np.allclose(found, run(network, values, image.numpy()), rtol=1e-8, atol=1e-8)
    assert np.allclose(found, run(fold(network), values, image.numpy()), rtol=1e-8, atol=1e-8)


# ------------------------------------------------------------------ what differs from evaluation


def test_operations_of_training_pass_their_input_on_in_evaluation() -> None:
    network = build(small_key("resnet20", "sample_deviation_scale"))
    values = any_values(network, np.random.default_rng(0))
    plain, divided = lower(PLAIN, dtype=torch.float64), lower(network, dtype=torch.float64)
    for model in (plain, divided):
        load_values(model, values)
        model.eval()
    image = digits()
    assert torch.equal(plain(image), divided(image))
    signed = next(op.inputs[0] for op in network.ops if op.kind == "sign")
    before = next(op for op in network.ops if op.kind == "batch_norm").output
    found = divided.train().maps(image, [signed, before])
    deviation = found[before].std((1, 2, 3), correction=0, keepdim=True)
    assert torch.allclose(found[signed] * deviation, found[before], rtol=1e-12)
    assert torch.allclose(found[signed].std((1, 2, 3), correction=0), torch.ones(16, dtype=torch.float64))


def test_progress_changes_gradients_but_no_output() -> None:
    model, image = ready(build(small_key("resnet20", "ede", "ede_weights")))
    outputs, gradients = [], []
    for progress in (0.0, 0.5, 1.0):
        set_progress(model, progress)
        model.zero_grad()
        outputs.append(model(image).detach())
        loss_of(model, image).backward()
        gradients.append(model.get_parameter("stage1.block1.conv1.weight").grad)
    assert torch.equal(outputs[0], outputs[1]) and torch.equal(outputs[0], outputs[2])
    assert not torch.allclose(gradients[0], gradients[1]) and not torch.allclose(gradients[1], gradients[2])
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(BnncostError, match="must lie from 0 to 1"):
            set_progress(model, wrong)


# ------------------------------------------------------------------ gradients

SATURATED = {"relu"}
"""A ReLU right before a sign makes every bit +1, and stops every gradient there."""


NORMED_TWICE = {"norm_before_sign", "norm_before_classifier", "boolean_shortcut"}
"""A second norm takes away what the first one's offset adds."""


@pytest.mark.parametrize(("network", "name"), TRAINED)
def test_gradients_reach_everything_that_is_learned(network: str, name: str) -> None:
    model, image = ready(build(small_key(network, name)))
    loss_of(model, image).backward()
    slopes = {key: param.grad for key, param in model.named_parameters()}
    assert all(slope is not None and bool(torch.isfinite(slope).all()) for slope in slopes.values())
    still = {key for key, slope in slopes.items() if slope is not None and slope.abs().max() < 1e-9}
    if name in NORMED_TWICE:
        still = {key for key in still if not key.endswith(".beta")}
    if name == "boolean_shortcut":  # means of bits lie on the grid, and what is not rounded moves no step
        still.discard("classifier.step")
    assert bool(still) == (name in SATURATED), still


def test_bits_are_what_the_convolutions_multiply() -> None:
    model, image = ready(PLAIN)
    bits = [op.output for op in PLAIN.ops if op.kind == "sign"]
    found = model.maps(image, bits)
    assert len(bits) == 18 and all(set(found[value].unique().tolist()) == {-1, 1} for value in bits)


def test_promises_are_kept() -> None:
    network = build(small_key("resnet20", "prelu", "channel_scale"))
    model = lower(network)
    with torch.no_grad():
        for param in model.parameters():
            param.fill_(-1)
    keep_promises(model)
    for param in network.learned():
        value = model.value(param)
        if param.name not in dict(model.named_parameters()):
            continue
        assert bool((value > 0).all() if param.positive else (value == -1).all()), param.name


# ------------------------------------------------------------------ stacks and copies

STACKED = [
    "", "ede+ede_weights", "rbnn_gradient+magnitude_aware_sign", "sign_to_magnitude+swish_ste",
    "maxout+adaptive_weights", "percentile_clamp+standardize_weights+branches", "rbnn_weight_gradient+clamp_weights",
    "channel_scale+identity_weight_ste", "prelu+squeeze_excitation+sample_deviation_scale",
    "weight_bases+standardize_weights+shift_scale", "boolean_shortcut+wide_ste",
    "spatial_scale+rprelu+data_dependent_shift+real_shortcut",
]  # fmt: skip


@pytest.mark.parametrize("methods", STACKED)
def test_a_stack_of_models_trains_as_its_members_do(methods: str) -> None:
    network = build(DesignKey.parse(f"{SHORT}[{methods}]@w{NARROW['resnet20']:g}/digits"))
    models = [lower(network, dtype=torch.float64) for _ in range(2)]
    for progress, model in zip((0.25, 0.75), models, strict=True):
        set_progress(model, progress)
    params, buffers = stack_module_state(models)
    base, image = copy.deepcopy(models[0]).to("meta"), digits(4)

    def one(parameters: dict[str, torch.Tensor], states: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(base, (parameters, states), (image,))

    together = vmap(one)(params, buffers)
    together.sin().sum().backward()
    for index, model in enumerate(models):
        alone = model(image)
        alone.sin().sum().backward()
        assert torch.allclose(together[index], alone, rtol=1e-9, atol=1e-9)
        for name, param in model.named_parameters():
            assert torch.allclose(params[name].grad[index], param.grad, rtol=1e-6, atol=1e-9), name
        for name, buffer in model.named_buffers():
            assert torch.allclose(buffers[name][index], buffer, rtol=1e-9, atol=1e-12), name


def test_a_copy_is_a_model_of_its_own() -> None:
    model, image = ready(PLAIN)
    twin = copy.deepcopy(model)
    assert torch.equal(twin.eval()(image), model.eval()(image)) and twin.network is model.network
    with torch.no_grad():
        twin.get_parameter("stem.gamma").add_(1)
    assert not torch.equal(twin.get_parameter("stem.gamma"), model.get_parameter("stem.gamma"))
    assert not torch.equal(twin(image), model(image))


# ------------------------------------------------------------------ calibration


def test_steps_fit_the_first_batch() -> None:
    network = build(small_key("resnet20", "squeeze_excitation"))
    model, image = lower(network, dtype=torch.float64).eval(), digits()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    calibrate(model, image)
    assert not model.training
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())
    roundings = [op for op in network.ops if op.kind == "quantize"]
    assert len(roundings) == 1 + 2 * 9
    found = model.train().maps(image, [op.inputs[0] for op in roundings])
    for op in roundings:
        step = 2 * found[op.inputs[0]].abs().mean() / 127**0.5
        assert torch.allclose(model.value(op.params[0]), step)
    with pytest.raises(BnncostError, match="cannot be trained"):
        calibrate(lower(fold(network), dtype=torch.float64), image)


def test_a_map_of_zeros_keeps_its_step() -> None:
    g = Builder("toy", (1, 2, 2), precision("int16"), precision("int16"))
    model = lower(g.finish(g.quantize(g.input, precision("int8"))))
    calibrate(model, torch.zeros(1, 1, 2, 2))
    assert model.get_parameter("step").item() == 1
