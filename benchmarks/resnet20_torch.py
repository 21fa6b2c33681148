"""ResNet-20 as binary networks are usually written in torch: modules by hand, and a sign with a gradient of its own.

It has the layers of `resnet20@edge=fp32`, so that the time of a step can be compared; convolutions pad with zeros.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

CHANNELS, BLOCKS, REDUCTION = (16, 32, 64), 3, 8
VARIANTS = ("plain", "double_residual", "prelu", "rprelu", "squeeze_excitation")


class Sign(torch.autograd.Function):
    """The sign, and the gradient where |x| <= 1, each by `torch.where`, as most published code has it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return torch.where(x.abs() <= 1, gradient, torch.zeros_like(gradient))


class LeanSign(torch.autograd.Function):
    """The same by arithmetic: the cheapest sign that torch's own operations give (but for 0, which stays 0)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class BinaryConv(nn.Conv2d):
    """A 3x3 convolution of signs with signs."""

    def __init__(
        self, channels_in: int, channels: int, stride: int, sign: type[torch.autograd.Function]
    ) -> None:
        super().__init__(channels_in, channels, 3, stride, 1, bias=False)
        self.sign = sign

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bits, weight = self.sign.apply(x), self.sign.apply(self.weight)
        return functional.conv2d(bits, weight, None, self.stride, self.padding)


class RPReLU(nn.Module):
    """A PReLU between two learned shifts (ReActNet, Liu 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = nn.Parameter(torch.zeros(channels, 1, 1))
        self.after = nn.Parameter(torch.zeros(channels, 1, 1))
        self.slope = nn.PReLU(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.slope(x + self.before) + self.after


class Gate(nn.Module):
    """Factors of channels from the means of the block's input (Hu 2018)."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        hidden = channels_in // REDUCTION
        self.factors = nn.Sequential(
            nn.Linear(channels_in, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factors(x.mean((2, 3)))[:, :, None, None]


class Block(nn.Module):
    """Two binary convolutions with a real-valued shortcut round both, or round each."""

    def __init__(
        self, channels_in: int, channels: int, stride: int, variant: str, sign: type[torch.autograd.Function]
    ) -> None:
        super().__init__()
        self.stride, self.missing = stride, channels - channels_in
        self.double = variant == "double_residual"
        self.conv1 = BinaryConv(channels_in, channels, stride, sign)
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv2 = BinaryConv(channels, channels, 1, sign)
        self.act1, self.act2 = activation(variant, channels), activation(variant, channels)
        self.gate = Gate(channels_in, channels) if variant == "squeeze_excitation" else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.missing:
            shortcut = functional.pad(
                shortcut, (0, 0, 0, 0, self.missing // 2, self.missing - self.missing // 2)
            )
        y = self.norm1(self.conv1(x))
        if self.double:
            y = y + shortcut
            shortcut = y
        y = self.norm2(self.conv2(self.act1(y)))
        if self.gate is not None:
            y = y * self.gate(x)
        return self.act2(y + shortcut)


def activation(variant: str, channels: int) -> nn.Module:
    if variant == "prelu":
        return nn.PReLU(channels)
    return RPReLU(channels) if variant == "rprelu" else nn.Identity()


class ResNet20(nn.Module):
    """Stem, three stages of three blocks, average and classifier."""

    def __init__(self, variant: str = "plain", sign: type[torch.autograd.Function] = Sign) -> None:
        super().__init__()
        first = CHANNELS[0]
        self.stem, self.norm = nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first)
        blocks: list[nn.Module] = []
        before = first
        for stage, channels in enumerate(CHANNELS):
            for number in range(BLOCKS):
                blocks.append(Block(before, channels, 2 if stage and not number else 1, variant, sign))
                before = channels
        self.blocks, self.classifier = nn.Sequential(*blocks), nn.Linear(before, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(self.norm(self.stem(x))).mean((2, 3)))
