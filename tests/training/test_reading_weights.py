"""Weights that an author's code rounds: their width is that of the quantizer, whichever codes occur."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from costmodel.demand.counts import count, totals
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.importers.model.document import read_graph, write_graph
from costmodel.importers.model.naming import Model, parse_model
from costmodel.importers.model.source import model_of
from costmodel.importers.model.weights import Stated
from costmodel.operations.run import run
from training.reading.capture import capture, record
from training.reading.convert import graph_of

Quantizer = Callable[[torch.Tensor], torch.Tensor]
POSITIONS = 6 * 6
MACS = POSITIONS * 16 * 8 * 9


class Quantized(nn.Module):
    """A convolution with quantized weights on an image of 8 channels, and a norm."""

    def __init__(self, quantizer: Quantizer, groups: int = 1, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.quantizer, self.groups = quantizer, groups
        self.weight = nn.Parameter(torch.randn(16, 8 // groups, 3, 3))
        self.norm = nn.BatchNorm2d(16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(functional.conv2d(x, self.quantizer(self.weight), padding=1, groups=self.groups))


def read(module: nn.Module, *, exported: bool = True, settings: str = "features=int16") -> Model:
    image = torch.randn((1, 8, 6, 6), generator=torch.Generator().manual_seed(1))
    captured = capture(module.eval(), (8, 6, 6)) if exported else record(module.eval(), image, "recorded")
    return model_of(graph_of(captured, "module"), "module", parse_model(f"m.pt2@{settings}"))


def counts_of(module: nn.Module, *, exported: bool = True) -> Mapping[tuple[str, str], float]:
    return totals(count(fold(read(module, exported=exported).network)))


def step_of(w: torch.Tensor, levels: float) -> torch.Tensor:
    return w.abs().amax((1, 2, 3), keepdim=True) / levels


def by_torch(w: torch.Tensor) -> torch.Tensor:
    zeros = torch.zeros(len(w), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(w, step_of(w, 4).reshape(-1), zeros, 0, -4, 3)


def by_torch_round_points(w: torch.Tensor) -> torch.Tensor:
    """Codes from -8 to 7 round points from 0 to 4: whole numbers from -12 to 7."""
    points = torch.arange(len(w), dtype=torch.int32) % 5
    return torch.fake_quantize_per_channel_affine(w, step_of(w, 4).reshape(-1), points, 0, -8, 7)


def by_torch_in_one(w: torch.Tensor) -> torch.Tensor:
    return torch.fake_quantize_per_tensor_affine(w, 0.5, 0, -4, 3)


def lsq(w: torch.Tensor, step: torch.Tensor, most: int) -> torch.Tensor:
    return torch.clamp(torch.round(w / step), -most, most - 1) * step


def clamped_before(w: torch.Tensor) -> torch.Tensor:
    """Round past the gradient, behind a clamp of the share of the step."""
    share = torch.clamp(w / step_of(w, 24), -32, 31)
    return ((share.round() - share).detach() + share) * step_of(w, 24)


def past_the_gradient(w: torch.Tensor) -> torch.Tensor:
    quantized = torch.clamp(torch.round(w * 10), -32, 31) / 10
    return w + (quantized - w).detach()


def powers_of_two(w: torch.Tensor) -> torch.Tensor:
    return lsq(w, torch.exp2(torch.ceil(torch.log2(step_of(w, 127)))), 128)


def from_bytes(w: torch.Tensor) -> torch.Tensor:
    return torch.round(w).to(torch.int8).float() * step_of(w, 50)


WIDTHS: dict[str, tuple[Quantizer, int]] = {
    "torch's, by filter": (by_torch, 3),
    "torch's, by filter, round points": (by_torch_round_points, 5),
    "torch's": (by_torch_in_one, 3),
    "LSQ of 8 bits by filter": (lambda w: lsq(w, step_of(w, 100), 128), 8),
    "LSQ of 8 bits, of which 6 occur": (lambda w: lsq(w, w.abs().max() / 25, 128), 8),
    "rounded behind a clamp": (clamped_before, 6),
    "a gradient replaced": (past_the_gradient, 6),
    "powers of two": (powers_of_two, 8),
    "bytes times a step": (from_bytes, 8),
    "codes that nothing bounds, by filter": (
        lambda w: torch.round(w / step_of(w, 3)) * step_of(w, 3).exp(),
        3,
    ),
}


@pytest.mark.parametrize("exported", [True, False])
@pytest.mark.parametrize("name", WIDTHS)
def test_weights_have_the_width_of_their_quantizer(name: str, exported: bool) -> None:
    quantizer, bits = WIDTHS[name]
    assert counts_of(Quantized(quantizer), exported=exported)["mac", f"{bits}x8"] == MACS


def test_weights_that_nothing_rounds_are_real() -> None:
    clamped = read(Quantized(lambda w: w.clamp(-2, 2) * step_of(w, 3)), settings="features=fp32")
    assert totals(count(clamped.network))["mac", "fp32xfp32"] == MACS


def test_what_a_quantizer_says_is_written_and_read_again(tmp_path: Path) -> None:
    graph = graph_of(capture(Quantized(by_torch), (8, 6, 6)), "module")
    write_graph(graph, tmp_path / "graph.npz")
    assert read_graph(tmp_path / "graph.npz").stated == graph.stated
    assert list(graph.stated.values()) == [Stated(3, stepped=True)]


def dorefa(bits: int) -> Quantizer:
    top = 2**bits - 1

    def quantizer(w: torch.Tensor) -> torch.Tensor:
        share = torch.tanh(w) / (2 * torch.tanh(w).abs().max()) + 0.5
        return 2 * torch.round(share * top) / top - 1

    return quantizer


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_levels_round_zero_are_codes_and_a_sum_of_the_features(bits: int, seed: int) -> None:
    """Codes take k bits. The half step is a sum over each window, one product of it, and a sum per filter.

    A sum over 8 channels takes 7, one over 9 taps 8; the norm multiplies and adds once per filter.
    """
    counts = counts_of(Quantized(dorefa(bits), seed=seed))
    assert counts["mac", f"{bits}x8"] == MACS
    assert counts["add", "int16"] == POSITIONS * (7 + 8 + 16 + 16)
    assert counts["mul", "int16"] == POSITIONS * (1 + 16)


def test_levels_round_zero_in_groups_are_odd_numbers_of_one_bit_more() -> None:
    counts = counts_of(Quantized(dorefa(4), groups=8))
    assert counts["mac", "5x8"] == MACS / 8
    assert counts["add", "int16"] == POSITIONS * 16


@pytest.mark.parametrize("groups", [1, 8])
def test_levels_round_zero_are_computed_as_torch_does(groups: int) -> None:
    module = Quantized(dorefa(4), groups=groups)
    model = read(module, settings="features=fp32,edge=fp32")
    image = torch.randn((1, 8, 6, 6), generator=torch.Generator().manual_seed(5))
    made = run(model.network, model.values, image[0].double().numpy())
    assert np.allclose(made, module(image)[0].detach().numpy(), rtol=1e-4, atol=1e-5)


def test_weights_that_are_no_numbers_are_told_as_such() -> None:
    with pytest.raises(BnncostError, match="not all of them are numbers"):
        counts_of(
            Quantized(lambda w: torch.round(w / torch.tensor(float("nan"))) * torch.tensor(float("nan")))
        )
