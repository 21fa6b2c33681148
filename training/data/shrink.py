"""Smaller images for training: each pixel is the mean of the area that it covers, whole pixels and parts of them."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional


def shrunk(images: torch.Tensor, side: int) -> torch.Tensor:
    """Average square images (N, C, H, H) of numbers to (N, C, side, side), in the layout that convolutions read.

    >>> shrunk(torch.tensor([[[[0.0, 3.0, 6.0]] * 3]]), 2)  # a pixel covers one and a half
    tensor([[[[1., 5.],
              [1., 5.]]]])
    """
    whole = images.shape[-1]
    if whole % side == 0:
        return functional.avg_pool2d(images, whole // side)
    weights = _covered(whole, side).to(images)
    return (weights @ images @ weights.T).contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=16)
def _covered(whole: int, side: int) -> torch.Tensor:
    """Tell which part of each of `side` pixels in a row every one of `whole` pixels covers: rows that sum up to 1."""
    step = whole / side
    first, pixel = torch.arange(side)[:, None] * step, torch.arange(whole)
    return (torch.minimum(first + step, pixel + 1) - torch.maximum(first, pixel)).clamp(min=0) / step
