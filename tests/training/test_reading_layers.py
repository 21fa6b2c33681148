"""What layers of modules store and compute, by hand: one way of writing a layer costs what another does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn
from torch.nn import functional

from costmodel.demand.counts import count, totals
from costmodel.folding import fold
from costmodel.graph import Network
from costmodel.importers.model.naming import parse_model
from costmodel.importers.model.source import model_of
from training.reading.capture import capture
from training.reading.convert import graph_of

Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]


class Written(nn.Module):
    """A forward pass, and the parts and parameters that it reads."""

    def __init__(self, forward: Forward, **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.written = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.written(self, x)


def folded(module: nn.Module, image: Sequence[int], settings: str = "") -> Network:
    graph = graph_of(capture(module.eval(), image), "module")
    return fold(model_of(graph, "module", parse_model(f"m.pt2{settings}")).network)


def parameters(network: Network) -> dict[str, int]:
    """Bits of what each layer's weights are, and of all else."""
    bits = {"weights": 0, "others": 0}
    for param in {param for op in network.running() for param in op.params}:
        bits["weights" if "weight" in param.name else "others"] += int(param.bits)
    return bits


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("image", [(16, 8, 8), (16, 16, 4), (16, 1, 64)])
def test_a_binary_classifier_has_a_scale_of_each_output_on_a_map_of_any_shape(image: tuple[int, ...]) -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        scale = m.w.abs().mean(1, keepdim=True)
        return functional.linear(torch.sign(x).flatten(1), torch.sign(m.w) * scale)

    network = folded(Written(forward, w=weight(100, 1024)), image)
    counted = totals(count(network))
    assert (counted["mac", "1x1"], counted["mul", "int16"]) == (100 * 1024, 100)
    assert parameters(network) == {"weights": 100 * 1024, "others": 100 * 16}
