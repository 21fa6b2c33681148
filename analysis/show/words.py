"""What networks, profiles, layers and accuracies are called in titles and notes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from costmodel import backbone_of
from costmodel.hardware import HardwareProfile
from costmodel.mapping import LoopNest
from costmodel.mapping.nest import DIMS
from costmodel.pricing.price import TrafficModel

COMPULSORY = "Traffic is compulsory: every value is moved once, and no layer is mapped."
DATASET_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "cifar10": "CIFAR-10",
        "cifar100": "CIFAR-100",
        "cifar10-16": "CIFAR-10 at 16x16",
        "cifar100-16": "CIFAR-100 at 16x16",
        "imagenet": "ImageNet",
        "mnist": "MNIST",
        "fashion-mnist": "Fashion-MNIST",
        "speech-commands": "Speech Commands",
        "visual-wake-words": "Visual Wake Words",
        "toyadmos": "ToyADMOS",
        "own": "own images",
    }
)


def network_title(network: str, dataset: str) -> str:
    """Name a network and data set for people.

    >>> network_title("resnet20", "cifar10")
    'ResNet-20 on CIFAR-10'
    """
    name = backbone_of(network).summary.partition(":")[0].partition(" for ")[0] or PurePath(network).stem
    return f"{name} on {DATASET_TITLES.get(dataset, dataset)}"


def profile_title(chip: HardwareProfile, traffic: TrafficModel | None = None) -> str:
    """Name and title of a profile in one line, with the traffic where its array is not mapped on."""
    unused = chip.array is not None and traffic == "compulsory"
    return f"{chip.name}: {chip.title}{', compulsory traffic' if unused else ''}"


def accuracy_text(top1: float) -> str:
    """Write a top-1 accuracy with the digits that it is given with, one or two.

    >>> accuracy_text(65), accuracy_text(92.65)
    ('65.0 %', '92.65 %')
    """
    return f"{top1:.2f}".removesuffix("0") + " %"


def shape_text(layer: LoopNest) -> str:
    """The loops that have more than one iteration.

    >>> shape_text(LoopNest("", K=16, C=3, FY=3, FX=3))
    'K 16, C 3, FY 3, FX 3'
    """
    loops = [f"{dim} {layer.extent(dim):,}" for dim in DIMS if layer.extent(dim) > 1]
    return ", ".join(loops) or "one MAC"
