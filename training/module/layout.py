"""Memory layout: maps keep their channels last, which convolutions on a CPU take in half of the time."""

from __future__ import annotations

from typing import Any

import torch

from training.module.signatures import with_signature


class _InOneLayout(torch.autograd.Function):
    """A map as it is, and its gradient in the map's memory layout."""

    generate_vmap_rule = True

    @staticmethod
    @with_signature
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        ctx.channels_last = inputs[0].stride(-3) == 1

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        if ctx.channels_last:
            return gradient.movedim(-3, -1).contiguous().movedim(-1, -3)
        return gradient.contiguous()


def in_one_layout(x: torch.Tensor) -> torch.Tensor:
    """Return the map (..., C, H, W), whose gradient will lie in memory as it does, with the channels first or last.

    The gradients of torch's slices and sums lie otherwise, and batch norm takes four times as long where a map and
    its gradient differ, which shortcuts hand from block to block.
    """
    return x if torch.compiler.is_exporting() else _InOneLayout.apply(x)
