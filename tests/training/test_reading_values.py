"""Features in author's code, held against values: what is written as bits and is none, and bits not written so.

Each function stands between a stem and a layer of binary weights, whose MACs say what its features are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from costmodel.demand.counts import count, totals
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.importers.model.naming import Model, parse_model
from costmodel.importers.model.source import model_of
from costmodel.operations.run import run
from training.reading.capture import capture, record
from training.reading.convert import graph_of

Function = Callable[[torch.Tensor], torch.Tensor]
MACS = 12 * 12 * 16 * 16 * 9


class Between(nn.Module):
    """A stem, the function, a convolution by the signs of weights times a scale per filter, and a classifier."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.stem, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Linear(16, 5)
        self.weight = nn.Parameter(torch.randn(16, 16, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bits = torch.sign(self.weight) * self.weight.abs().mean((1, 2, 3), keepdim=True)
        y = functional.conv2d(self.function(self.stem(x)), bits, padding=1)
        return self.last(y.mean((2, 3)))


def read(function: Function, settings: str = "features=int16") -> tuple[Model, nn.Module]:
    torch.manual_seed(0)
    module = Between(function).eval()
    graph = graph_of(capture(module, (3, 12, 12)), "module")
    return model_of(graph, "module", parse_model(f"m.pt2@{settings}")), module


class Curve(nn.Module):
    """A function of a map of real values."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function, self.stem = function, nn.Conv2d(3, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.stem(x))


def with_gradient_of(value: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (value - other).detach() + other


def lsq(x: torch.Tensor) -> torch.Tensor:
    """Learned step size: round past the gradient, then clamp."""
    share = x / 0.37
    return with_gradient_of(share.round(), share).clamp(-2, 1) * 0.37


UNDERSTOOD: dict[str, tuple[Function, str]] = {
    "sign": (lambda x: with_gradient_of(torch.sign(x), x.clamp(-1, 1)), "1x1"),
    "of a choice": (lambda x: torch.where(x > 0, 1.0, -1.0), "1x1"),
    "of whole numbers": (lambda x: (x >= 0).int() * 2 - 1.0, "1x1"),
    "quotient": (lambda x: x / (x.abs() + 1e-20), "1x1"),
    "steep clamp": (lambda x: torch.clamp(x * 1e9, -1, 1), "1x1"),
    "DoReFa of 1 bit": (lambda x: torch.round(torch.clamp(x, 0, 1)), "1x1"),
    "sign of ReLU": (lambda x: torch.sign(torch.relu(x)), "1x1"),
    "positive after ReLU": (lambda x: (torch.relu(x) > 0).float() * 2 - 1, "1x1"),
    "rounded mask": (lambda x: torch.round((x > 0).float() * 0.7), "1x1"),
    "DoReFa of 2 bits": (lambda x: torch.round(torch.clamp(x, 0, 1) * 3) / 3, "1x2"),
    "LSQ": (lsq, "1x2"),
    "one bit of a quarter": (lambda x: torch.clamp(torch.round(x / 0.25), 0, 1) * 0.25, "1x1"),
    "turned": (lambda x: torch.round(torch.clamp(-x, 0, 1) * 15) / 15, "1x4"),
    "codes that are not bounded": (lambda x: torch.clamp(torch.round(x), min=0), "1x8"),
    "sign of whole numbers": (lambda x: torch.sign(torch.round(x)), "1xternary"),
    "bits of two kinds": (lambda x: torch.cat([torch.sign(x[:, :8]), (x[:, 8:] > 0).float()], 1), "1x8"),
    "not steep": (lambda x: torch.clamp(x * 3, -1, 1), "1x8"),
    "smooth sign": (torch.tanh, "1x8"),
}  # fmt: skip


UP_TO_6: dict[str, Function] = {
    "twice scaled": lambda x: torch.round(torch.clamp(x, 0, 6) * 15 / 6) * 6 / 15,
    "clamped before and after": lambda x: torch.clamp(torch.round(torch.clamp(x, 0, 6) * 2.5), 0, 15) / 2.5,
    "PACT": lambda x: torch.round(0.5 * (x.abs() - (x - 6).abs() + 6) * 2.5) / 2.5,
    "clamped by halves": lambda x: torch.round(torch.clamp(torch.clamp(x, min=0), max=6) * 2.5) / 2.5,
    "minimum": lambda x: torch.round(torch.minimum(torch.relu(x), torch.tensor(6.0)) * 2.5) / 2.5,
    "clamped twice": lambda x: torch.round(torch.relu(functional.hardtanh(x, -6, 6)) * 2.5) / 2.5,
    "above after rounding": lambda x: torch.clamp(torch.round(torch.relu(x) * 2.5), max=15) / 2.5,
    "in another shape": lambda x: torch.round(torch.clamp(x, 0, 6).flatten(2) * 2.5).reshape(x.shape) / 2.5,
}


@pytest.mark.parametrize("name", UP_TO_6)
def test_a_quantizer_costs_the_same_however_it_is_written(name: str) -> None:
    """Fifteen steps of 0.4: one rounding to 4 bits, and no clamp beside it."""
    usual, _ = read(lambda x: torch.round(torch.clamp(x, 0, 6) * 2.5) / 2.5)
    model, _ = read(UP_TO_6[name])
    counts = totals(count(fold(model.network)))
    assert counts["mac", "1x4"] == MACS
    assert counts == totals(count(fold(usual.network)))
    exact, module = read(UP_TO_6[name], "features=fp32,edge=fp32")
    assert_computes(exact, module)


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_features_are_what_their_values_are(name: str) -> None:
    function, sort = UNDERSTOOD[name]
    model, _ = read(function)
    assert totals(count(fold(model.network)))["mac", sort] == MACS


@pytest.mark.parametrize("name", [name for name, (_, sort) in UNDERSTOOD.items() if sort != "1x8"])
def test_and_the_network_computes_them(name: str) -> None:
    assert_computes(*read(UNDERSTOOD[name][0], "features=fp32,edge=fp32"))


def assert_computes(model: Model, module: nn.Module) -> None:
    image = torch.randn((1, 3, 12, 12), generator=torch.Generator().manual_seed(5))
    found = run(model.network, model.values, image[0].double().numpy()).reshape(-1)
    assert np.allclose(found, module(image)[0].detach().numpy(), rtol=1e-4, atol=1e-5)


SETTINGS: dict[str, Function] = {
    "var less nothing": lambda x: x * x.var(1, keepdim=True, unbiased=False),
    "var less one": lambda x: x * x.var(1, keepdim=True),
    "var of all less nothing": lambda x: x * x.var(unbiased=False),
    "var by places": lambda x: x * torch.var(x, 1, False, True),
    "std less nothing": lambda x: x * x.std((2, 3), keepdim=True, unbiased=False),
    "elu": lambda x: functional.elu(x, 0.7),
    "celu": lambda x: functional.celu(x, 0.7),
    "softplus": lambda x: functional.softplus(x, 2),
    "rsub": lambda x: torch.rsub(x, 1, alpha=2),
    "hardtanh": lambda x: functional.hardtanh(x, -0.3, 0.5),
    "leaky relu": lambda x: functional.leaky_relu(x, 0.3),
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    "prelu of a sequence": lambda x: functional.prelu(x.flatten(2), torch.arange(8) / 8).unflatten(2, (5, 6)),
}  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True], ids=["exported", "recorded"])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_functions_are_heeded(name: str, recorded: bool) -> None:
    torch.manual_seed(0)
    module, image = Curve(SETTINGS[name]).eval(), torch.randn(1, 3, 5, 6)
    captured = record(module, image, "recorded") if recorded else capture(module, (3, 5, 6))
    model = model_of(graph_of(captured, "module"), "module", parse_model("m.pt2@features=fp32"))
    found = run(model.network, model.values, image[0].double().numpy())
    assert np.allclose(found, module(image)[0].detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: functional.softplus(x, 1, 3), "Softplus that is a line above 3"),
        (lambda x: torch.div(x, 0.3, rounding_mode="trunc"), "aten::div"),
        (lambda x: torch.round(x, decimals=1), "aten::round"),
        (lambda x: torch.addmm(torch.ones(4), x.mean((2, 3)), torch.ones(8, 4), alpha=3), "aten::addmm"),
        (lambda x: functional.scaled_dot_product_attention(x, x, x, dropout_p=0.5), "aten::scaled_dot_product"),
    ],
)  # fmt: skip
def test_settings_that_no_operation_has_are_refused(function: Function, reason: str) -> None:
    with pytest.raises(BnncostError, match=reason):
        model_of(
            graph_of(capture(Curve(function).eval(), (3, 5, 6)), "module"), "module", parse_model("m.pt2")
        )


FOOLED: dict[str, tuple[Function, str]] = {
    "another function added than was subtracted": (
        lambda x: torch.sign(x) - x + 1.000001 * x, r"conv2d_1.*written as bits, but on random inputs",
    ),
    "a choice by whether a sign is not zero": (
        lambda x: torch.where(torch.sign(x).bool(), 1.0, -1.0), r"conv2d_1.*written as bits, but on random inputs",
    ),
    "digits cut off": (lambda x: torch.sign((x * 3).int()).float(), r"Cast.*cuts off what is behind the point"),
    "a choice by a map": (lambda x: torch.where(x.bool(), 1.0, -1.0), r"Cast.*no comparison"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOOLED)
def test_what_only_looks_like_bits_is_refused(name: str) -> None:
    function, reason = FOOLED[name]
    with pytest.raises(BnncostError, match=f"(?s){reason}"):
        read(function)


def said(function: Function) -> str:
    return "\n".join(read(function)[0].remarks)


def test_a_sign_of_zero_is_said_to_occur_only_where_it_does() -> None:
    assert "1 signs are written so that sign(0) = 0, a third value, which occurs on none" in said(torch.sign)
    assert "sign(0)" not in said(lambda x: torch.where(x > 0, 1.0, -1.0))
    padded = said(lambda x: torch.sign(functional.pad(x[:, 4:12], (0, 0, 0, 0, 4, 4))))
    assert (
        "sign(0) = 0 occurs, on random inputs, in features of 'conv' (always in 8 of 16 channels)" in padded
    )
    assert "priced as bits with sign(0) = +1" in padded


def test_signs_of_sums_of_bits_are_zero_as_often_as_a_sum_of_coins() -> None:
    """Half of 16 coins are heads in 12,870 of 65,536 tosses; sums of 3 x 3 x 5 are odd and never zero."""
    torch.manual_seed(0)

    def summed(channels: int, size: int) -> Function:
        weight = torch.sign(torch.randn(16, channels, size, size))
        return lambda x: torch.sign(functional.conv2d(torch.where(x[:, :channels] > 0, 1.0, -1.0), weight))

    class Wide(Between):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            bits = torch.sign(self.weight)
            return functional.conv2d(self.function(self.stem(x)), bits).flatten(1)

    def share(channels: int, size: int) -> str:
        module = Wide(summed(channels, size)).eval()
        return "\n".join(model_of(graph_of(capture(module, (3, 40, 40)), "m"), "m").remarks)

    text = share(16, 1)
    assert "sign(0) = 0 occurs" in text
    found = float(text.partition(" (")[2].partition("%")[0].rpartition("(")[2])
    assert found == pytest.approx(100 * 12870 / 65536, abs=2.5)
    assert "occurs on none" in share(5, 3)


def test_signs_of_what_is_never_negative_are_zero_and_one() -> None:
    assert "signs of what is never negative are 0 and 1" in said(lambda x: torch.sign(functional.max_pool2d(
        torch.relu(x), 3, 1, 1)))  # fmt: skip


def test_what_values_alone_say_is_said() -> None:
    assert "are bits by their two values on random inputs alone" in said(UNDERSTOOD["quotient"][0])


class Adaptive(Between):
    """AdaBin's layer: two values per filter that lie round a centre, features likewise, and zeros round the map."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = 0.8 * (torch.sign(self.stem(x) - 0.3) + 0.25)
        centre = self.weight.mean((1, 2, 3), keepdim=True)
        distance = ((self.weight - centre) ** 2).mean((1, 2, 3), keepdim=True).sqrt()
        weight = torch.sign(self.weight - centre) * distance + centre
        return self.last(functional.conv2d(features, weight, padding=1).mean((2, 3)))


def test_two_values_round_a_centre_are_bits_and_a_sum_of_bits() -> None:
    torch.manual_seed(0)
    module = Adaptive(torch.sign).eval()
    graph = graph_of(capture(module, (3, 12, 12)), "module")
    counted = totals(count(fold(model_of(graph, "module", parse_model("m.pt2@features=int16")).network)))
    assert counted["mac", "1x1"] == MACS + 12 * 12 * 16  # a popcount over channels is binary MACs
    model = model_of(graph, "module", parse_model("m.pt2@features=fp32,edge=fp32"))
    image = torch.randn((1, 3, 12, 12), generator=torch.Generator().manual_seed(5))
    found = run(model.network, model.values, image[0].double().numpy()).reshape(-1)
    assert np.allclose(found, module(image)[0].detach().numpy(), rtol=1e-4, atol=1e-5)
