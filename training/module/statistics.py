"""Running statistics of norms, measured anew where those of training belong to other images."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from training.module.lower import Lowered, statistics_of
from training.module.rules import MOMENTUM


@torch.no_grad()
def settle(model: Lowered, batches: Iterable[torch.Tensor]) -> None:
    """Set the running statistics of all norms to the mean of those of batches (N, C, H, W), each weighing alike.

    The network runs as in training, so that every norm sees maps that the norms before it normalize by their batch.
    Nothing but the statistics changes; without a norm, or a batch, nothing does.
    """
    running = [model.value(param) for param in statistics_of(model.network.ops)]
    totals, count, mode = [torch.zeros_like(one) for one in running], 0, model.training
    model.train()
    for batch in batches if running else ():
        for one in running:
            one.zero_()  # so that what the pass leaves is MOMENTUM times the batch's
        model(batch)
        for total, one in zip(totals, running, strict=True):
            total += one / MOMENTUM
        count += 1
    for total, one in zip(totals, running, strict=True):
        if count:
            one.copy_(total / count)
    model.train(mode)
