"""What networks, profiles, layers and accuracies are called in titles and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import MappingProxyType

from costmodel import Cost, backbone_of
from costmodel.hardware import HardwareProfile
from costmodel.hardware.profile import Scope, WeightsFromOutside
from costmodel.mapping import LoopNest
from costmodel.mapping.nest import DIMS
from costmodel.pricing.price import TrafficModel

COMPULSORY = "Traffic is compulsory: every value is moved once, and no layer is mapped."
SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        "core": "an accelerator core with its memories",
        "chip": "a chip with its memories",
        "board": "a whole board",
    }
)
"""What of a system the energies of a profile count."""
_WEIGHTS: Mapping[WeightsFromOutside, str] = MappingProxyType(
    {
        "never": "weights stay on it",
        "where they do not fit": "weights that do not fit come from outside for each inference",
        "always": "weights come from outside for each inference",
    }
)
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


def network_name(network: str) -> str:
    """Name a network for people.

    >>> network_name("resnet20")
    'ResNet-20'
    """
    return backbone_of(network).summary.partition(":")[0].partition(" for ")[0] or PurePath(network).stem


def network_title(network: str | None, dataset: str) -> str:
    """Name a network, or all of them, and a data set for people.

    >>> network_title("resnet20", "cifar10"), network_title(None, "imagenet")
    ('ResNet-20 on CIFAR-10', 'ImageNet')
    """
    title = DATASET_TITLES.get(dataset, dataset)
    return f"{network_name(network)} on {title}" if network else title


def profile_title(chip: HardwareProfile, traffic: TrafficModel | None = None) -> str:
    """Name and title of a profile, and below them its scope, with the traffic where its array is not mapped on."""
    unused = chip.array is not None and traffic == "compulsory"
    return f"{chip.name}: {chip.title}\n{scope_sentence(chip)}{' Compulsory traffic.' if unused else ''}"


def scope_sentence(of: HardwareProfile | Cost) -> str:
    """Say what of a system the energies of a profile count, and where its weights come from.

    >>> from costmodel import load_profile
    >>> scope_sentence(load_profile("asic-45nm"))
    'Energy of a chip with its memories; weights stay on it.'
    """
    return f"Energy of {SCOPES[of.scope]}; {_WEIGHTS[of.weights_from_outside]}."


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


def fits_text(off_chip: Iterable[str]) -> str:
    """Whether a design runs from the memories of the chip alone, or from which outside.

    >>> fits_text(()), fits_text(("external_flash",))
    ('yes', 'no: external_flash')
    """
    names = list(off_chip)
    return f"no: {', '.join(names)}" if names else "yes"
