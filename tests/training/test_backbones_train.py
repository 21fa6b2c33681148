"""Every shipped network trains on small images: gradients reach all that is learned, and the loss falls."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS
from costmodel.networks.build import build
from training.module.calibrate import calibrate
from training.module.lower import keep_promises, lower

SIDES = {"cnv": 32, "binareye": 20, "binary_alexnet": 16, "xnornet_alexnet": 16}
"""The smallest images of networks that leave nothing of 8x8 pixels."""
ENOUGH = 0.6
"""Share of the first loss that is reached within 16 steps, as of ten classes only two occur."""


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_on_small_images(name: str) -> None:
    side = SIDES.get(name, 8)
    key = DesignKey.parse(f"{name}[polynomial_ste]@w0.0625,input=1x{side}x{side}/digits")
    generator = torch.Generator().manual_seed(0)
    model = lower(build(key), generator=generator)
    images = torch.randn(8, 1, side, side, generator=generator)
    labels = torch.arange(8) % 2
    calibrate(model, images)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03, fused=True)
    losses = []
    for _ in range(16):
        loss = cross_entropy(model(images).flatten(1), labels)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        keep_promises(model)
        if losses[-1] < ENOUGH * losses[0]:
            break
    assert all(torch.isfinite(param).all() for param in model.parameters())
    assert losses[-1] < ENOUGH * losses[0]
    still = [name for name, param in model.named_parameters() if param.grad is None]
    assert not still
