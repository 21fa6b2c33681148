"""What layers of modules store and compute, by hand: one way of writing a layer costs what another does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn
from torch.nn import functional

from costmodel.demand.compulsory import compulsory_traffic
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


@pytest.mark.parametrize("groups", [1, 4, 64])
def test_a_norm_of_groups_has_a_gain_and_an_offset_of_each_channel(groups: int) -> None:
    norm = nn.GroupNorm(groups, 64)
    for one in norm.parameters():
        nn.init.uniform_(one, 0.5, 1.5)
    network = folded(nn.Sequential(nn.Conv2d(16, 64, 3, bias=False), norm), (16, 10, 10))
    assert parameters(network) == {"weights": 64 * 16 * 9 * 32, "others": 2 * 64 * 32}


def scaled_signs(w: torch.Tensor) -> torch.Tensor:
    return torch.sign(w) * w.abs().mean((1, 2, 3), keepdim=True)


@pytest.mark.parametrize(("second", "layers"), [("v", 1), ("w", 2)], ids=["one", "two that are alike"])
def test_a_binary_layer_that_runs_twice_is_stored_once(second: str, layers: int) -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = functional.conv2d(torch.sign(x), scaled_signs(m.v))
        return functional.conv2d(torch.sign(y), scaled_signs(getattr(m, second)))

    network = folded(Written(forward, v=weight(32, 32, 3, 3), w=weight(32, 32, 3, 3)), (32, 8, 8))
    assert totals(count(network))["mac", "1x1"] == 32 * 32 * 9 * (6 * 6 + 4 * 4)
    assert parameters(network)["weights"] == layers * 32 * 32 * 9


@pytest.mark.parametrize("flat", [True, False])
def test_a_fully_connected_layer_that_runs_twice_is_stored_once(flat: bool) -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return m.a(torch.relu(m.a(x.flatten(1) if flat else x.flatten(2).transpose(1, 2))))

    image = (16, 1, 1) if flat else (16, 3, 3)
    network = folded(Written(forward, a=nn.Linear(16, 16)), image)
    assert parameters(network)["weights"] == 16 * 16 * 32


def test_sound_is_read_as_a_map_of_one_column_is() -> None:
    line = folded(nn.Sequential(nn.Conv1d(8, 8, 3, padding=1), nn.ReLU()), (8, 64))
    column = folded(nn.Sequential(nn.Conv2d(8, 8, (3, 1), padding=(1, 0)), nn.ReLU()), (8, 64, 1))
    read = 8 * 64 * 32 + 8 * 8 * 3 * 32 + 8 * 32  # the image, the weights and the bias
    for network in (line, column):
        assert len(network.layers()) == 1
        assert sum(int(row.read_bits) for row in compulsory_traffic(network).rows) == read


def test_an_image_whose_last_axis_is_of_channels_is_not_stored_in_another_order_first() -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return m.a(x.permute(0, 3, 1, 2))

    network = folded(Written(forward, a=nn.Conv2d(3, 8, 3)), (10, 12, 3))
    assert len(network.layers()) == 1


NORMS: dict[str, Callable[[], nn.Module]] = {
    "group": lambda: nn.GroupNorm(4, 16),
    "layer": lambda: nn.LayerNorm([16, 6, 6]),
    "instance": lambda: nn.InstanceNorm2d(16, affine=True),
    "batch": lambda: nn.BatchNorm2d(16),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_count_the_same_before_and_after_training(name: str) -> None:
    fresh, trained = NORMS[name](), NORMS[name]()
    for one in trained.parameters():
        nn.init.uniform_(one, 0.5, 1.5)
    first, second = (
        totals(count(folded(nn.Sequential(nn.Conv2d(16, 16, 1), norm), (16, 6, 6))))
        for norm in (fresh, trained)
    )
    assert first == second


def test_an_instance_norm_without_a_gain_multiplies_by_none() -> None:
    """Centring and spread are those of the norm: per element a gain and an offset are one product and one sum."""
    plain, affine = (
        totals(count(folded(nn.Sequential(nn.Conv2d(16, 16, 1), norm), (16, 6, 6))))
        for norm in (nn.InstanceNorm2d(16), nn.InstanceNorm2d(16, affine=True))
    )
    for sort in (("mul", "fp32"), ("add", "fp32")):
        assert affine[sort] - plain[sort] == 16 * 6 * 6


class ReActNet(nn.Module):
    """A block with learned offsets in front of its sign and round its PReLU (Liu 2020), as its authors write them."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.w, self.norm, self.slope = weight(16, 16, 3, 3), nn.BatchNorm2d(16), nn.PReLU(16)
        self.before, self.first, self.last = (
            nn.Parameter(torch.full((1, 16, 1, 1), offset)) for _ in range(3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        signs = torch.sign(x + self.before.expand_as(x))
        y = self.norm(functional.conv2d(signs, scaled_signs(self.w), padding=1)) + x
        return self.slope(y + self.first.expand_as(y)) + self.last.expand_as(y)


def test_learned_offsets_are_added_before_training_too() -> None:
    fresh, trained = (folded(ReActNet(offset), (16, 8, 8)) for offset in (0.0, 0.3))
    assert totals(count(fresh)) == totals(count(trained))
    assert parameters(fresh) == parameters(trained)


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_offsets_of_channels_are_added_to_what_is_padded_too(offset: float) -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return functional.pad(m.a(x), (1, 1, 1, 1)) + m.offset

    parts = {"a": nn.Conv2d(3, 4, 1, bias=False), "offset": nn.Parameter(torch.full((4, 1, 1), offset))}
    assert totals(count(folded(Written(forward, **parts), (3, 6, 6))))["add", "fp32"] == 4 * 8 * 8


def test_a_bias_that_begins_as_zero_is_added_and_a_zero_that_nothing_learns_is_not() -> None:
    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(m.a(x)) + torch.zeros(4, 1, 1)

    conv = nn.Conv2d(3, 4, 1)
    nn.init.zeros_(conv.bias)
    assert totals(count(folded(Written(forward, a=conv), (3, 6, 6))))["add", "fp32"] == 4 * 6 * 6


@pytest.mark.parametrize("flat", [False, True], ids=["convolution", "fully connected"])
@pytest.mark.parametrize("learned", [False, True])
def test_a_bias_of_zero_is_added_where_it_is_a_parameter(learned: bool, flat: bool) -> None:
    """Beside weights that are one, a constant that stays zero is none."""
    bias = nn.Parameter(torch.zeros(4)) if learned else torch.zeros(4)

    def forward(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if flat:
            return functional.linear(x.flatten(1), m.w, m.b)
        return functional.conv2d(x, m.w, m.b)

    made = weight(4, 3 * 8 * 8) if flat else weight(4, 3, 3, 3)
    counts = totals(count(folded(Written(forward, w=made, b=bias), (3, 8, 8))))
    assert counts.get(("add", "fp32"), 0) == (0 if not learned else 4 if flat else 4 * 6 * 6)
