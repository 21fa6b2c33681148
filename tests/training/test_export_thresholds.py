"""Stored values: thresholds are where torch's own rounding changes sign, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from costmodel.builder import Builder
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import Network, precision
from costmodel.networks.build import build
from training.export.stored import fold_exactly, integer_weights, stored_values
from training.module.lower import Lowered, load_values, lower
from training.module.rules import Call

CHANNELS = 6


def sums_then(norm_only: bool) -> Network:
    """A binary 3x3 convolution of 4 channels (sums of 36 bits), a norm, a PReLU and a sign."""
    g = Builder("toy", (4, 5, 5), precision("binary"), precision("int16"))
    y = g.conv(g.input, g.sign_weight(g.binary_weight(CHANNELS, g.input, 3)))
    y = g.batch_norm(y)
    if not norm_only:
        y = g.prelu(y, g.param("slope", (CHANNELS,), "C", initial=0.25, positive=True))
        y = g.bias(y, g.param("shift", (), ""))
    return g.finish(g.sign(y))


def with_norms(network: Network, beta: np.ndarray) -> Lowered:
    """Norm factors of either sign, zero among them, and offsets near a whole number of sums."""
    model = lower(network)
    rng = np.random.default_rng(3)
    values = {param.name: rng.normal(size=[int(side) for side in param.shape]) for param in network.learned()}
    values |= {
        "gamma": np.array([0.7, -0.3, 0.0, 0.0, 1e-4, -2.0]),
        "beta": beta,
        "mean": np.arange(6.0) * 2 - 5,
    }
    values["variance"] = np.array([1.3, 0.4, 1.0, 1.0, 5.0, 0.1])
    values |= {name: np.abs(value) for name, value in values.items() if name == "slope"}
    load_values(model, values)
    return model.eval()


@pytest.mark.parametrize("norm_only", [True, False])
def test_whole_thresholds_agree_with_torch_on_every_sum(norm_only: bool) -> None:
    network = sums_then(norm_only)
    model = with_norms(network, np.array([0.2, -0.1, 0.5, -0.5, 3.0, 0.0]))
    folded = fold(network)
    values = stored_values(model, folded)
    (op,) = (op for op in folded.running() if op.kind == "threshold")
    level, direction = (values[param.name] for param in op.params)
    assert np.array_equal(np.rint(level), level) and set(direction) == {-1, 1}
    for number in range(-36, 37):
        chain = [item for item in network.ops if item.kind in ("batch_norm", "prelu", "bias", "sign")]
        expected = torch.full((1, CHANNELS, 1, 1), float(number))
        with torch.no_grad():
            for step in model._program.steps:
                if step.op in chain:
                    params = [model.value(param) for param in step.params]
                    expected = step.run(Call(step.op, [expected], params, False, model.progress))
        found = np.where(direction > 0, number >= level, number <= level)
        assert np.array_equal(np.where(found, 1, -1), expected.flatten().numpy()), number


def test_a_tie_goes_where_torch_rounds_it() -> None:
    """3 * 0.1 less what single precision makes of it is below zero in doubles, but zero in torch: its sign is +1."""
    g = Builder("toy", (3, 1, 1), precision("binary"), precision("int16"))
    y = g.conv(g.input, g.sign_weight(g.binary_weight(1, g.input, 1)))
    network = g.finish(
        g.sign(g.bias(g.scale(y, g.param("factor", (1,), "C", positive=True)), g.param("shift", (1,), "C")))
    )
    model = lower(network)
    factor = np.float32(0.1)
    shift = -np.float32(factor * np.float32(3))
    load_values(
        model, {"weight": np.ones((1, 3, 1, 1)), "factor": np.array([factor]), "shift": np.array([shift])}
    )
    exact = np.float64(factor) * 3 + np.float64(shift)
    values = stored_values(model.eval(), fold(network))
    level = next(array for name, array in values.items() if name.endswith("threshold"))
    assert level.tolist() == [3] and exact < 0  # doubles would have put the threshold at the next sum


def test_real_thresholds_are_exact_to_the_last_float() -> None:
    g = Builder("toy", (CHANNELS, 1, 1), precision("fp32"), precision("fp32"))
    network = g.finish(g.sign(g.batch_norm(g.input)))
    model = with_norms(network, np.array([0.2, -0.1, 0.5, -0.5, 3.0, 0.0]))
    folded = fold(network)
    values = stored_values(model, folded)
    (op,) = folded.running()
    level, direction = (values[param.name] for param in op.params)
    assert direction.tolist() == [1, -1, 1, 1, 1, -1]
    assert level[2] == -np.inf and level[3] == np.inf  # a factor of zero: always, never
    for channel in (0, 1, 4, 5):
        at = level[channel].astype(np.float32)
        beyond = np.nextafter(at, np.float32(-np.inf * direction[channel]))
        image = np.zeros((2, CHANNELS, 1, 1), np.float32)
        image[:, channel, 0, 0] = at, beyond
        with torch.no_grad():
            assert model(torch.from_numpy(image))[:, channel].flatten().tolist() == [1, -1]


def test_a_chain_that_turns_twice_is_refused() -> None:
    """A slope below zero, which training never leaves, makes a norm and PReLU a valley."""
    network = sums_then(norm_only=False)
    model = with_norms(network, np.full(6, -0.5))
    with torch.no_grad():
        model.value(next(p for p in network.learned() if p.name == "slope")).fill_(-1.0)
        model.value(next(p for p in network.learned() if p.name == "shift")).fill_(-0.5)
    with pytest.raises(BnncostError, match="changes sign 2 times over the whole numbers, so no threshold"):
        stored_values(model, fold(network))


def test_exact_folding_leaves_out_what_rounds_again() -> None:
    network = build(DesignKey.parse("resnet20[double_residual+rprelu]@w0.25/digits"))
    kinds = [op.kind for op in fold_exactly(network).running()]
    merged = [op.kind for op in fold(network).running()]
    assert kinds.count("affine") == merged.count("affine") == 19 and "batch_norm" not in kinds
    assert kinds.count("bias") == 36 and merged.count("bias") < 36
    assert kinds.count("sign") + kinds.count("threshold") == 18


def test_norms_are_stored_as_torch_rounds_them() -> None:
    network = build(DesignKey.parse("resnet20[double_residual]@w0.25/digits"))
    model = lower(network)
    with torch.no_grad():
        for param in network.learned():
            if param.axes == "C":
                model.value(param).copy_(torch.rand(param.shape) + 0.1)
    values = stored_values(model.eval(), fold_exactly(network))
    gamma, beta, mean, variance = (
        model.value(next(p for p in network.learned() if p.name == f"stem.{name}")).detach()
        for name in ("gamma", "beta", "mean", "variance")
    )
    factor = gamma / (variance + 1e-5).sqrt()
    stem = network.producers[next(op for op in network.ops if op.kind == "batch_norm").output].output.name
    assert np.array_equal(values[f"{stem}.factor"], factor.numpy())
    assert np.array_equal(values[f"{stem}.offset"], (beta - mean * factor).numpy())


def test_whole_weights_times_their_steps_are_the_trained_ones() -> None:
    network = build(DesignKey.parse("resnet20@w0.25/digits"))
    op = next(op for op in network.ops if op.kind == "quantize_weight")
    latent = np.array([[[[0.5]], [[-1.27]]], [[[0.0]], [[0.0]]]], np.float32)
    step = np.float32(1.27) / 127
    used = np.array([[[[50 * step]], [[-127 * step]]], [[[0.0]], [[0.0]]]], np.float32)
    numbers, steps = integer_weights(op, latent, used)
    assert numbers[:, :, 0, 0].tolist() == [[50, -127], [0, 0]] and steps[0] == step
    with pytest.raises(BnncostError, match="weights and their whole numbers times the step differ"):
        integer_weights(op, latent, used + 0.01)
