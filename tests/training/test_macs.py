"""Multiply-accumulates of lowered networks, counted by torch's own counter, against those of the list of operations."""

from __future__ import annotations

import math

import pytest
import torch
from small_runs import SHORT
from torch.utils.flop_counter import FlopCounterMode

from costmodel.demand.counts import count, totals
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS
from costmodel.graph import Network
from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.module.lower import lower

RESNET20 = sorted(name for name in METHODS if NETWORKS["resnet20"].offers(METHODS[name].hook))


def macs_in_torch(network: Network) -> int:
    """Torch counts a multiply and an add for each product of a convolution or matrix."""
    model = lower(network).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *network.input.shape))
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def macs_of(network: Network) -> int:
    return sum(int(n) for (sort, _), n in totals(count(network)).items() if sort == "mac")


def popcounts(network: Network) -> int:
    """Bits that are counted up over channels: a MAC each for a chip that has only popcounts, but no product.

    Torch sums them, so its counter, which knows products alone, passes them by.
    """
    return sum(math.prod(op.inputs[0].shape) for op in network.ops if op.kind == "channel_sum")


@pytest.mark.parametrize("text", ["resnet20/cifar10", "resnet18/cifar100", "vgg_small/cifar10"])
@pytest.mark.parametrize("padding", ["one", "zero"])
def test_plain_networks(text: str, padding: str) -> None:
    head, _, data = text.partition("/")
    network = build(DesignKey.parse(f"{head}@padding={padding}/{data}"))
    assert macs_in_torch(network) == macs_of(network)


def test_resnet20_by_hand() -> None:
    network = build(DesignKey.parse("resnet20/cifar10"))
    stem = 3 * 16 * 9 * 32 * 32
    inner = 6 * 16 * 16 * 9 * 32 * 32
    inner += (16 * 32 + 5 * 32 * 32) * 9 * 16 * 16 + (32 * 64 + 5 * 64 * 64) * 9 * 8 * 8
    assert macs_in_torch(network) == stem + inner + 64 * DATASETS["cifar10"].classes


@pytest.mark.parametrize("name", RESNET20)
def test_every_method_on_the_layers_of_resnet20(name: str) -> None:
    network = build(DesignKey.parse(f"{SHORT}[{name}]/cifar10"))
    assert macs_in_torch(network) + popcounts(network) == macs_of(network)
    assert (popcounts(network) > 0) == (name == "adaptive_weights")
