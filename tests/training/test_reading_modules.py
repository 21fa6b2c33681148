"""Modules of today's kinds, read: their outputs are torch's, and their MACs those of torch's own counter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from costmodel.demand.counts import count, totals
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost
from costmodel.folding import fold, unfolded
from costmodel.importers.model.naming import Model, parse_model
from costmodel.importers.model.source import model_of
from costmodel.operations.run import run
from training.reading.capture import NotCaptured, capture, record
from training.reading.convert import graph_of


class Attention(nn.Module):
    """Self-attention over the positions of a small map, as vision transformers have it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 16, 4, 4), nn.Parameter(torch.randn(1, 1, 16))
        self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(y.shape[0], -1, -1), y], dim=1)
        q, k, v = self.qkv(self.norm(y)).reshape(*y.shape[:2], 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        y = y + self.out(mixed.transpose(1, 2).flatten(2))
        return self.head((y + self.mlp(y))[:, 0])


class Segmenter(nn.Module):
    """An encoder and a decoder: group norm, a transposed convolution, concatenation, enlargement in two ways."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.norm, self.up, self.last = (
            nn.GroupNorm(4, 16),
            nn.ConvTranspose2d(16, 8, 3, 2, 1, 1),
            nn.Conv2d(16, 4, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = functional.hardswish(self.first(x))
        up = self.up(functional.silu(self.norm(self.down(first))))
        y = functional.interpolate(self.last(torch.cat([first, up], 1)), scale_factor=2, mode="bilinear")
        return functional.interpolate(y, size=(20, 40), mode="bicubic", align_corners=True)


class Shuffled(nn.Module):
    """Halves of channels, of which one is convolved in groups, and a shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.grouped = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=1, groups=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stem(x)
        for _ in range(2):
            left, right = y.chunk(2, dim=1)
            y = functional.channel_shuffle(torch.cat([left, self.grouped(right)], 1), 2)
        return functional.pixel_shuffle(torch.roll(y, (1, 2), (2, 3)), 2)


class Windows(nn.Module):
    """Attention by equations in windows, then in a grid over them, with a mask that is filled (MaxViT, Swin)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv, self.bias = (
            nn.Conv2d(3, 8, 1),
            nn.Linear(8, 24),
            nn.Parameter(torch.randn(16, 16)),
        )
        self.mixing = nn.Parameter(torch.randn(8, 5))

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = torch.chunk(self.qkv(x).reshape(*x.shape[:3], 2, 12).permute(0, 1, 3, 2, 4), 3, dim=-1)
        mask = x.new_zeros((16, 16))
        mask[:8, 8:] = 1
        mask = mask.masked_fill(mask != 0, -3.0)
        shares = torch.softmax(
            torch.einsum("b g h i d, b g h j d -> b g h i j", q, k) + self.bias + mask, dim=-1
        )
        mixed = torch.einsum("bghij,bghjd->bghid", shares, v)
        return mixed.permute(0, 1, 3, 2, 4).reshape(x.shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stem(x)
        windows = y.reshape(1, 8, 4, 4, 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(1, 16, 16, 8)
        y = self.attend(windows).reshape(1, 4, 4, 4, 4, 8).permute(0, 5, 1, 3, 2, 4).reshape(1, 8, 16, 16)
        grid = y.reshape(1, 8, 4, 4, 4, 4).permute(0, 3, 5, 2, 4, 1).reshape(1, 16, 16, 8)
        return torch.einsum("bgid,dc->bgic", torch.swapaxes(self.attend(grid), 1, 2), self.mixing)


class Spread(nn.Module):
    """Maps less their mean over their deviation, and over their length, as authors standardize what they binarize."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stem(x)
        y = (y - y.mean((1, 2, 3), keepdim=True)) / torch.sqrt(y.var((1, 2, 3), keepdim=True) + 1e-5)
        y = y / (y.std((2, 3), keepdim=True, correction=0) + 0.1)
        return self.last(y / torch.linalg.vector_norm(y, dim=1, keepdim=True).clamp_min(1e-3))


class Sound(nn.Module):
    """Layers, norms and pools along one axis, as keyword spotting has them; the image's rows are its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv1d(48, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8)
        self.deep = nn.Conv1d(8, 8, 3, padding="same", dilation=2, groups=8)
        self.sample, self.up = nn.InstanceNorm1d(8, affine=True), nn.ConvTranspose1d(8, 6, 4, 2, 1)
        self.last = nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.pad(x.flatten(1, 2), (3, 1))
        y = functional.max_pool1d(functional.relu(self.norm(self.first(y))), 3, 2, 1)
        y = self.up(functional.avg_pool1d(self.sample(self.deep(y)), 2))
        pooled = functional.adaptive_avg_pool1d(y, 1), functional.adaptive_max_pool1d(y, 1)
        return self.last(torch.cat(pooled, 1).squeeze(-1))


MODULES = (Attention, Segmenter, Shuffled, Windows, Spread, Sound)


def read(module: nn.Module, *, exported: bool, settings: str = "features=fp32") -> tuple[Model, torch.Tensor]:
    image = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    captured = capture(module, (3, 16, 16)) if exported else record(module, image, "recorded")
    return model_of(graph_of(captured, "module"), "module", parse_model(f"m.pt2@{settings}")), image


@pytest.mark.parametrize("exported", [True, False], ids=["exported", "recorded"])
@pytest.mark.parametrize("kind", MODULES)
def test_outputs_are_torchs_and_macs_those_of_its_counter(kind: type[nn.Module], exported: bool) -> None:
    torch.manual_seed(0)
    module = kind().eval()
    model, image = read(module, exported=exported)
    with FlopCounterMode(display=False) as judge, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        expected = module(image)[0].numpy()
    found = run(model.network, model.values, image[0].double().numpy())
    assert np.allclose(found.reshape(-1), expected.reshape(-1), rtol=1e-4, atol=1e-5)
    counted = totals(count(unfolded(model.network)))
    assert sum(int(n) for (sort, _), n in counted.items() if sort == "mac") == judge.get_total_flops() // 2


class Standardized(nn.Module):
    """A sign of a map over its deviation, as SiMaN has it (Lin 2021): a positive divisor changes no sign."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.weight = (
            nn.Conv2d(3, 8, 3, padding=1),
            nn.Parameter(torch.sign(torch.randn(8, 8, 3, 3))),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stem(x)
        y = y - y.mean((1, 2, 3), keepdim=True)
        return functional.conv2d(
            torch.sign(y / torch.sqrt(y.var((1, 2, 3), keepdim=True) + 1e-5)), self.weight
        )


def test_what_changes_no_sign_costs_nothing() -> None:
    torch.manual_seed(0)
    model, _ = read(Standardized().eval(), exported=True, settings="features=int16")
    counted = totals(count(fold(model.network)))
    assert not {operation for operation, _ in counted} & {"divide", "lookup"}
    assert counted["mac", "1x1"] == 14 * 14 * 8 * 8 * 9
    assert counted["compare", "int16"] == 16 * 16 * 8


class Heads(nn.Module):
    """A network with two results."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 400, 3)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": self.first(x), "aux": self.second(x)}


@pytest.mark.parametrize("exported", [True, False], ids=["exported", "recorded"])
def test_of_several_results_the_first_is_costed_and_that_is_said(exported: bool) -> None:
    model, _ = read(Heads().eval(), exported=exported)
    assert totals(count(unfolded(model.network)))["mac", "fp32xfp32"] == 14 * 14 * 4 * 27
    assert "2 outputs; what its first one needs is costed" in "\n".join(model.remarks)


# ------------------------------------------------------------------ binary transformers


def sign(x: torch.Tensor) -> torch.Tensor:
    """A sign with the gradient of a clamp, as their authors write it."""
    return (torch.sign(x) - x.clamp(-1, 1)).detach() + x.clamp(-1, 1)


class BinaryLinear(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.weight.abs().mean(1, keepdim=True).detach()
        return functional.linear(sign(x), sign(self.weight) * scale, self.bias)


class BinaryTransformer(nn.Module):
    """The block of BHViT (arXiv 2503.02394) and BiViT (2211.07091): bits in every product, softmax and norms real."""

    def __init__(self, share_bits: bool) -> None:
        super().__init__()
        self.patches, self.norm, self.share_bits = nn.Conv2d(3, 16, 4, 4), nn.LayerNorm(16), share_bits
        self.query, self.key, self.value, self.out = (BinaryLinear(16, 16) for _ in range(4))
        self.mlp = nn.Sequential(nn.LayerNorm(16), BinaryLinear(16, 64), nn.PReLU(), BinaryLinear(64, 16))
        self.head = nn.Linear(16, 5)

    def heads(self, x: torch.Tensor) -> torch.Tensor:
        return sign(x).reshape(x.shape[0], -1, 4, 4).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        y = self.norm(x)
        q, k, v = (self.heads(layer(y)) for layer in (self.query, self.key, self.value))
        shares = torch.softmax(q @ k.transpose(-2, -1) * 0.5, dim=-1)
        if self.share_bits:
            shares = (shares > 0.07).float()
        x = x + self.out((shares @ v).transpose(1, 2).flatten(2))
        return self.head((x + self.mlp(x)).mean(1))


TOKENS, WIDTH, HEADS = 16, 16, 4
SCORES = TOKENS * TOKENS * WIDTH
LAYERS = 4 * TOKENS * WIDTH * WIDTH + 2 * TOKENS * WIDTH * 64


@pytest.mark.parametrize("share_bits", [True, False])
def test_a_binary_transformer_costs_what_its_block_says(share_bits: bool) -> None:
    """Queries times keys are products of bits; shares times values too, where the shares are 0 and 1."""
    torch.manual_seed(0)
    model, _ = read(BinaryTransformer(share_bits).eval(), exported=True, settings="features=int16")
    counted = totals(count(fold(model.network)))
    assert counted["mac", "1x1"] == LAYERS + SCORES * (2 if share_bits else 1)
    assert counted.get(("mac", "1x8"), 0) == (0 if share_bits else SCORES)
    assert counted["mac", "8x8"] == 3 * 16 * 16 * TOKENS + 5 * WIDTH
    assert counted["divide", "int16"] == (HEADS * TOKENS)
    assert cost(model, "asic-45nm").energy_j > 0


def test_an_unknown_node_with_a_result_per_channel_is_named() -> None:
    class Centred(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x - torch.var_mean(x, (0, 2, 3))[1].reshape(-1, 1, 1)

    with pytest.raises(BnncostError, match="var_mean"):
        read(Centred().eval(), exported=False)


@pytest.mark.parametrize(
    ("exported", "trained"),
    [
        (
            False,
            lambda x: torch.native_batch_norm(x, None, None, torch.zeros(3), torch.ones(3), True, 0, 0.1)[0],
        ),
        (False, lambda x: functional.dropout(x, 0.5)),
        (True, lambda x: functional.dropout(x, 0.5)),
    ],
)
def test_functions_that_train_are_refused(
    exported: bool, trained: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """What `eval` does not reach: a norm by the statistics of a batch, and a dropout that drops."""

    class Training(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return trained(x)

    with pytest.raises(
        (BnncostError, NotCaptured), match=r"in training mode.* and functions with training=False"
    ):
        read(Training().eval(), exported=exported)


def dense() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def convolved() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 16), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1))


@pytest.mark.parametrize("seen", [False, True], ids=["untrained", "trained"])
@pytest.mark.parametrize("make", [dense, convolved])
def test_a_norm_leaves_an_offset_behind_layers_of_either_kind_trained_or_not(
    make: Callable[[], nn.Module], seen: bool
) -> None:
    """Its factor is in the weights, and the layer's own bias is in its offset."""
    module = make().eval()
    norm = next(one for one in module.modules() if isinstance(one, (nn.BatchNorm1d, nn.BatchNorm2d)))
    if seen:
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    folded = fold(read(module, exported=True)[0].network)
    assert totals(count(folded)) == {
        ("mac", "fp32xfp32"): 768 * 8 + 8 * 3, ("add", "fp32"): 8 + 3, ("compare", "fp32"): 8,
    }  # fmt: skip


class Rectified(nn.Module):
    """A ReLU between two layers, as a function or as a choice."""

    def __init__(self, choice: bool) -> None:
        super().__init__()
        self.first, self.second, self.choice = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), choice

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.second(torch.where(x > 0, x, 0.0) if self.choice else functional.relu(x))


def test_a_choice_does_not_make_a_network_narrow() -> None:
    chosen, rectified = (
        model_of(graph_of(capture(Rectified(choice).eval(), (3, 16, 16)), "module"), "module").network
        for choice in (True, False)
    )
    assert totals(count(fold(chosen))) == totals(count(fold(rectified)))
    assert {op.params[0].precision.label for op in chosen.ops if op.kind == "conv"} == {"fp32"}
