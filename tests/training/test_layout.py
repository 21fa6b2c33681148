"""Maps and their gradients lie in memory with the channels last, throughout a network and in stacks of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from costmodel.designs.key import DesignKey
from costmodel.graph import Tensor
from costmodel.networks.build import build
from training.data.augment import normalize
from training.module.layout import in_one_layout
from training.module.lower import lower
from training.module.rules import Call, rule_of

LAST = torch.channels_last


def is_last(x: torch.Tensor) -> bool:
    return x.is_contiguous(memory_format=LAST)


@pytest.mark.parametrize("last", [True, False])
def test_a_gradient_lies_as_its_map(last: bool) -> None:
    x = torch.randn(2, 3, 4, 5).to(memory_format=LAST if last else torch.contiguous_format).requires_grad_()
    y = x * 1  # whose gradient a hook sees as it comes
    found: list[torch.Tensor] = []
    y.register_hook(found.append)
    given = torch.arange(12.0).reshape(2, 3, 2, 1).expand(2, 3, 2, 3)
    (in_one_layout(y)[..., ::2, ::2] * given).sum().backward()
    expected = torch.zeros(2, 3, 4, 5)
    expected[..., ::2, ::2] = given
    assert torch.equal(found[0], expected)
    assert is_last(found[0]) == last and found[0].is_contiguous() != last


def test_stacks_of_maps_have_the_same_gradients() -> None:
    def gradient(x: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(lambda y: (in_one_layout(y)[..., ::2, ::2] ** 3).sum())(x)

    stack = torch.randn(3, 2, 4, 6, 6)
    assert torch.equal(torch.func.vmap(gradient)(stack), torch.stack([gradient(x) for x in stack]))


def test_normalized_images_have_their_channels_last() -> None:
    for channels in (1, 3):
        images = torch.randint(256, (2, channels, 4, 5), dtype=torch.uint8)
        assert normalize(images, torch.ones(channels, 1, 1), torch.zeros(channels, 1, 1)).stride(1) == 1


@pytest.mark.parametrize(
    "methods", ["", "[squeeze_excitation+double_residual]", "[rprelu]", "[pooled_shortcut]"]
)
def test_no_map_and_no_gradient_changes_the_layout(methods: str) -> None:
    network = build(DesignKey.parse(f"resnet20{methods}/cifar10-16"))
    model, wrong = lower(network), []
    # a view of every other place is neither; padding, or a sum, copies it
    kinds = {op.output: op.kind for op in network.ops if op.kind != "subsample"}
    maps = {value: kind for value, kind in kinds.items() if isinstance(value, Tensor) and value.shape[-1] > 1}
    found = model.maps(torch.randn(4, *network.input.shape).to(memory_format=LAST), maps)
    for value, kind in maps.items():
        if not is_last(found[value]):
            wrong.append(kind)
        found[value].register_hook(
            lambda gradient, kind=kind: None if is_last(gradient) else wrong.append(kind)
        )
    found[network.output].sum().backward()
    assert not wrong


@pytest.mark.parametrize("groups", [1, 2])
def test_padding_with_ones_is_what_convolving_a_padded_map_gives(groups: int) -> None:
    network = build(DesignKey.parse("resnet20/cifar10-16"))
    conv = next(op for op in network.ops if op.kind == "conv" and op.integer("pad_value") == 1)
    conv = replace(conv, attributes={**conv.attributes, "groups": groups})
    made = torch.Generator().manual_seed(0)
    x = torch.randint(2, (3, 16, 6, 6), generator=made).double().mul(2).sub(1).requires_grad_()
    weight = (
        torch.randint(2, (16, 16 // groups, 3, 3), generator=made).double().mul(2).sub(1).requires_grad_()
    )
    run = rule_of("conv").run
    assert run is not None
    mine = run(Call(conv, [x], [weight], True, torch.zeros(())))
    plain = functional.conv2d(functional.pad(x, (1, 1, 1, 1), value=1.0), weight, groups=groups)
    assert torch.equal(mine, plain)  # whole numbers: not one bit differs
    given = torch.randint(-9, 9, mine.shape, generator=made).double()
    for one, other in zip(
        torch.autograd.grad(mine, [x, weight], given),
        torch.autograd.grad(plain, [x, weight], given),
        strict=True,
    ):
        assert torch.equal(one, other)
