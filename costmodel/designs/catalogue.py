"""The names of networks and data sets, with the shapes that go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DatasetShape:
    """What a network must fit to run on a data set: image shape (C, H, W) and number of classes.

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
        DatasetShape("cifar10", (3, 32, 32), 10),
        DatasetShape("cifar100", (3, 32, 32), 100),
        DatasetShape("cifar10-16", (3, 16, 16), 10, halves="cifar10"),
        DatasetShape("cifar100-16", (3, 16, 16), 100, halves="cifar100"),
        DatasetShape("imagenet", (3, 224, 224), 1000),
        DatasetShape("mnist", (1, 28, 28), 10),
        DatasetShape("fashion-mnist", (1, 28, 28), 10),
        DatasetShape("digits", (1, 8, 8), 10),
    )
}


@dataclass(frozen=True)
class Backbone:
    """The shape of a network: channels and blocks per stage, how it changes resolution, its usual data set.

    Convolutions of stages are `kernel` wide; `padded` ones keep the size of the map. A plain network (`vgg`) pools
    behind the stages of `pools` (all, where it is empty); `dense` are the features of its hidden fully connected
    layers. `stem` says what the first layer is: at the precision of the edge, with binary weights on the image, or
    no layer, but an expansion of the image into as many maps of bits as stage 1 has channels. `binary_classifier` is
    a last layer of binary MACs. Smaller images than `smallest_side` leave nothing of the map.
    """

    name: str
    summary: str
    family: Literal["resnet", "vgg"]
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    downsample: str
    dataset: str
    source: str
    kernel: int = 3
    padded: bool = True
    pools: tuple[bool, ...] = ()
    dense: tuple[int, ...] = ()
    stem: Literal["edge", "binary", "expanded"] = "edge"
    binary_classifier: bool = False
    smallest_side: int = 1

    @property
    def padding(self) -> int:
        """Positions added on each side of a map."""
        return self.kernel // 2 if self.padded else 0

    def offers(self, hook: str) -> bool:
        """Say whether the network has the place where methods of this hook act."""
        return not self.lacks(hook)

    def lacks(self, hook: str) -> str:
        """Name what methods of this hook act on and this network does not have; empty where it has it."""
        if hook in _NEED_SHORTCUTS and self.family != "resnet":
            return "shortcuts"
        return "norm in its first layer" if hook == "stem" and self.stem == "expanded" else ""


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
        Backbone(
            "resnet8", "ResNet-8 of MLPerf Tiny: 16/32/64 channels, 1 block each, 1x1 shortcuts; there in int8",
            "resnet", (16, 32, 64), (1, 1, 1), "real_shortcut(pool=false)", "cifar10", "banbury2021",
        ),
        Backbone(
            "cnv", "CNV of FINN: 64-64-pool-128-128-pool-256-256 without padding, 512-512 and a classifier, all binary",
            "vgg", (64, 128, 256), (1, 2, 2), "", "cifar10", "umuroglu2017",
            padded=False, pools=(True, True, False), dense=(512, 512), stem="binary", binary_classifier=True,
            smallest_side=32,
        ),
        Backbone(
            "binareye", "BinarEye's network: 256 maps of bits, 8 layers of 256 channels, 2x2, no padding, all binary",
            "vgg", (256, 256, 256), (4, 2, 2), "", "cifar10", "moons2018",
            kernel=2, padded=False, pools=(True, True, False), stem="expanded", binary_classifier=True,
            smallest_side=20,
        ),
    )
}  # fmt: skip
