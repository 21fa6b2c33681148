"""Networks of other people's code, read back as operations: every count is that of the design itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import Network, Param, Value
from costmodel.importers.model.naming import Model
from costmodel.importers.model.source import model_of
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.operations.run import run
from training.module.lower import Lowered, load_values, lower
from training.reading.capture import capture, record
from training.reading.convert import graph_of

TOPOLOGY = sorted(name for name, method in METHODS.items() if method.hook not in ("recipe", "width"))


def trained(network: Network, seed: int = 0) -> Lowered:
    """The network's module with values that no exporter can leave out, as training gives them."""
    rng, model = np.random.default_rng(seed), lower(network)
    values = {}
    for param in network.learned():
        shape = [int(side) for side in param.shape]
        if param.positive or param.name.endswith("gamma"):
            values[param.name] = rng.uniform(0.3, 1.7, shape)
        else:
            values[param.name] = rng.normal(size=shape) * (1 if param.axes in ("OIKK", "OI") else 0.3)
    for step, others in steps_beside(network).items():
        values[step.name] *= 16.0**others
    load_values(model, values)
    return model.eval()


def steps_beside(network: Network) -> dict[Param, int]:
    """Steps that round a map, with the number of others that do: of equal ones, an exporter keeps one."""
    readers: Counter[Value] = Counter()
    steps = {}
    for op in fold(network).ops:
        if op.kind == "quantize":
            steps[op.params[0]] = readers[op.inputs[0]]
            readers[op.inputs[0]] += 1
    return steps


def image_of(network: Network) -> torch.Tensor:
    return torch.randn(
        (1, *(int(side) for side in network.input.shape)), generator=torch.Generator().manual_seed(1)
    )


def read_back(text: str) -> tuple[Model, Network, Lowered]:
    network = build(DesignKey.parse(text))
    module = trained(network)
    return model_of(graph_of(record(module, image_of(network), "recorded"), text), text), network, module


def assert_same_counts(read: Network, design: Network) -> None:
    one, other = fold(read), fold(design)
    assert totals(count(one)) == totals(count(other))
    kept, expected = compulsory_traffic(one).storage, compulsory_traffic(other).storage
    assert (kept.weights, kept.parameters) == (expected.weights, expected.parameters)


SUMMED_TWICE = "branches"
"""Its branches of two layers each, whose sums are stored one by one where the design adds all as they come."""


@pytest.mark.parametrize("method", TOPOLOGY)
def test_every_method_is_read_back_with_its_counts_and_traffic(method: str) -> None:
    read, design, _ = read_back(f"resnet20[{method}]/cifar10-16")
    assert_same_counts(read.network, design)
    moved = [
        sum(int(row.read_bits + row.write_bits) for row in compulsory_traffic(fold(one)).rows)
        for one in (read.network, design)
    ]
    assert moved[0] == pytest.approx(moved[1], rel=0.25 if method == SUMMED_TWICE else 0.01)


@pytest.mark.parametrize(
    "text",
    [
        "resnet20/cifar10", "resnet20@padding=zero", "resnet20@padding=replicate", "resnet20@compute=int4",
        "resnet20@compute=ternary", "resnet20@compute=fp32", "resnet8@compute=int8", "vgg_small", "cnv", "binareye",
    ],
)  # fmt: skip
def test_every_network_is_read_back_with_its_counts(text: str) -> None:
    read, design, _ = read_back(text)
    assert_same_counts(read.network, design)


@given(methods=st.sets(st.sampled_from(TOPOLOGY), min_size=2, max_size=5))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_sets_of_methods_are_read_back_with_their_counts(methods: set[str]) -> None:
    text = f"resnet20[{'+'.join(sorted(methods))}]/cifar10-16"
    try:
        build(DesignKey.parse(text))
    except BnncostError:
        return  # methods that exclude each other
    read, design, _ = read_back(text)
    assert_same_counts(read.network, design)


def test_what_is_read_computes_what_torch_does() -> None:
    read, network, module = read_back("resnet20[double_residual+rprelu+squeeze_excitation]/digits")
    image = image_of(network)
    ours = run(read.network, read.values, image.double().numpy())
    theirs = module.double()(image.double()).detach().numpy()
    assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-3)


class AuthorsSign(nn.Module):
    """A sign with the gradient of another function, as many authors write it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low, middle, high = (x < -1).float(), (x < 0).float(), (x < 1).float()
        first = -1 * low + (x * x + 2 * x) * (1 - low)
        second = first * middle + (-x * x + 2 * x) * (1 - middle)
        smooth = second * high + 1 * (1 - high)
        return torch.sign(x).detach() - smooth.detach() + smooth


class AuthorsConv(nn.Module):
    """Binary weights with a scale per filter, by the same trick."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn((8, 8, 3, 3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.weight.abs().mean((1, 2, 3), keepdim=True)
        smooth = self.weight.clamp(-1, 1)
        bits = (scale * torch.sign(self.weight)).detach() - smooth.detach() + smooth
        return nn.functional.conv2d(x, bits, padding=1)


class Author(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        self.sign, self.conv, self.last = AuthorsSign(), AuthorsConv(), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norms[0](self.stem(x))
        y = self.norms[1](self.conv(self.sign(y))) + y
        return self.last(y.mean((2, 3)))


@pytest.mark.parametrize("exported", [True, False])
def test_a_sign_of_twenty_floats_is_a_sign(exported: bool) -> None:
    model = Author().eval()
    captured = capture(model, (3, 8, 8)) if exported else record(model, torch.randn(1, 3, 8, 8), "recorded")
    counted = totals(count(fold(model_of(graph_of(captured, "author"), "author").network)))
    assert counted["mac", "1x1"] == 8 * 8 * 8 * 8 * 9
    assert counted["mac", "8x8"] == 8 * 8 * 8 * 3 * 9 + 8 * 5
    assert counted["compare", "int16"] == 8 * 8 * 8


class Unknown(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumsum(torch.cumsum(x, 2), 3)


def test_what_is_unknown_is_named_and_not_free() -> None:
    captured = record(Unknown(), torch.randn(1, 3, 8, 8), "recorded")
    with pytest.raises(BnncostError, match=r"(?s)2 nodes.*aten::cumsum \(2 times"):
        model_of(graph_of(captured, "unknown"), "unknown")
