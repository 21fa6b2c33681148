"""The names of networks and data sets, with the shapes that go with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """What a data set asks of a network: image shape (C, H, W) and number of classes.

    `halves` names the data set whose images, averaged over windows of 2x2 pixels, these are.
    """

    name: str
    image: tuple[int, int, int]
    classes: int
    halves: str = ""

    @property
    def large_images(self) -> bool:
        """True where a ResNet begins with a strided 7x7 convolution and a max pool."""
        return self.image[1] >= 128


DATASETS = {
    item.name: item
    for item in (
        Dataset("cifar10", (3, 32, 32), 10),
        Dataset("cifar100", (3, 32, 32), 100),
        Dataset("cifar10-16", (3, 16, 16), 10, halves="cifar10"),
        Dataset("cifar100-16", (3, 16, 16), 100, halves="cifar100"),
        Dataset("imagenet", (3, 224, 224), 1000),
        Dataset("mnist", (1, 28, 28), 10),
        Dataset("fashion-mnist", (1, 28, 28), 10),
        Dataset("digits", (1, 8, 8), 10),
    )
}


@dataclass(frozen=True)
class Backbone:
    """The shape of a network: channels and blocks per stage, how it changes resolution, its usual data set."""

    name: str
    summary: str
    family: str
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    downsample: str
    dataset: str
    source: str

    def offers(self, hook: str) -> bool:
        """Say whether the network has the place where methods of this hook act."""
        return self.family == "resnet" or hook not in _NEED_SHORTCUTS


_NEED_SHORTCUTS = ("inner_shortcut", "every_shortcut", "downsample", "branches")

NETWORKS = {
    item.name: item
    for item in (
        Backbone(
            "resnet20", "ResNet-20 for small images: 16/32/64 channels, 3 blocks each, option-A shortcuts",
            "resnet", (16, 32, 64), (3, 3, 3), "option_a_shortcut", "cifar10", "he2016",
        ),
        Backbone(
            "resnet18", "ResNet-18: 64/128/256/512 channels, 2 blocks each, real-valued 1x1 shortcuts",
            "resnet", (64, 128, 256, 512), (2, 2, 2, 2), "real_shortcut(pool=false)", "imagenet", "he2016",
        ),
        Backbone(
            "resnet34", "ResNet-34: 64/128/256/512 channels, 3/4/6/3 blocks, real-valued 1x1 shortcuts",
            "resnet", (64, 128, 256, 512), (3, 4, 6, 3), "real_shortcut(pool=false)", "imagenet", "he2016",
        ),
        Backbone(
            "vgg_small", "VGG-small: 128-128-pool-256-256-pool-512-512-pool and one classifier; no shortcuts",
            "vgg", (128, 256, 512), (1, 2, 2), "", "cifar10", "zhang2018lqnets",
        ),
    )
}  # fmt: skip
