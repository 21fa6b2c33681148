"""The blocks and layers that a network file may name, and the methods that find a place in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EVERYWHERE = frozenset(
    {"before_sign", "features", "weight", "weight_bases", "after_convolution", "gate", "activation"}
)
"""Hooks round each single convolution."""
OF_NETWORKS = frozenset({"head", "ensemble", "width", "recipe"})
"""Hooks of whole networks."""
_SHORTCUTS = frozenset({"inner_shortcut", "every_shortcut", "downsample", "branches"})


@dataclass(frozen=True)
class BlockKind:
    """What a block is made of, which hooks it offers beside those of every convolution, and what its layers are called.

    `fields` are what a stage of such blocks may say of them, beside `block`, `channels`, `blocks` and `before`.
    """

    summary: str
    fields: frozenset[str]
    hooks: frozenset[str] = frozenset()
    called: str = "block"
    shortcuts: bool = True


_SLID = frozenset({"stride", "kernel", "padding", "dilation"})

BLOCKS: Mapping[str, BlockKind] = MappingProxyType(
    {
        "basic": BlockKind(
            "two 3x3 convolutions with one shortcut round both (He 2016), or round each by a method",
            frozenset({"stride", "kernel", "dilation"}), _SHORTCUTS,
        ),
        "bottleneck": BlockKind(
            "1x1, 3x3 and 1x1 convolutions with one shortcut; the last has `expansion` times the channels",
            frozenset({"stride", "kernel", "dilation", "expansion"}), frozenset({"downsample"}),
        ),
        "plain": BlockKind(
            "one convolution without a shortcut; `pool` stands in front of the norm of the stage's last",
            _SLID | {"pool"}, called="conv", shortcuts=False,
        ),
        "fully_connected": BlockKind(
            "a layer that reads the whole map", frozenset(), called="dense", shortcuts=False
        ),
        "separable": BlockKind(
            "a depth-wise convolution and a 1x1 one, each with a norm (Howard 2017)", _SLID, shortcuts=False
        ),
        "reactnet": BlockKind(
            "3x3 and 1x1 convolutions with a shortcut round each; two of the latter, side by side, double the channels",
            frozenset({"stride", "kernel"}),
        ),
        "shift_mlp": BlockKind(
            "three sums of 1x1 convolutions of bits, shifted by 0, 1 and 3 positions, and a 1x1 one (Xing 2022)",
            frozenset(),
        ),
        "bnext": BlockKind(
            "3x3 and 1x1 convolutions, each with two norms, PReLU and a gate on what goes in and comes out (Guo 2022)",
            frozenset({"stride"}),
        ),
        "pokebnn": BlockKind(
            "a bottleneck with a shortcut round each convolution, a gate and a norm behind them (Zhang 2022)",
            frozenset({"stride", "kernel", "expansion"}),
        ),
        "quicknet": BlockKind(
            "one convolution, a ReLU and a norm, with a shortcut round them (Bannink 2021)",
            frozenset({"kernel"}), called="conv",
        ),
        "densely_connected": BlockKind(
            "a norm and a convolution, whose `channels` are put behind those of its input (Bethge 2019)",
            frozenset({"kernel", "dilation"}), called="conv",
        ),
        "improved": BlockKind(
            "a densely connected convolution, and one that is added to the channels it made (Bethge 2020)",
            frozenset({"kernel", "dilation"}),
        ),
    }
)  # fmt: skip

LAYERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "conv": frozenset({"channels", "kernel", "stride", "padding", "dilation", "groups", "norm"}),
        "binary_conv": frozenset({"channels", "kernel", "stride", "padding", "norm"}),
        "depthwise_conv": frozenset({"kernel", "stride", "padding", "dilation", "multiplier", "norm"}),
        "expand": frozenset({"channels"}),
        "activation": frozenset(),
        "norm": frozenset(),
        "relu": frozenset(),
        "prelu": frozenset(),
        "max_pool": frozenset({"size", "stride", "padding"}),
        "average_pool": frozenset({"size", "stride", "padding"}),
        "blur_pool": frozenset({"stride"}),
        "global_average_pool": frozenset(),
    }
)
"""Layers in front of, between and behind the stages, and what may be said of each.

`conv` and `depthwise_conv` are at the precision of the edge, `binary_conv` has binary weights; each has a norm behind
unless `norm` is false. `expand` makes maps of bits of each colour. `activation` is where a method puts one, and a ReLU
in networks that are not binary.
"""
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"conv": ("channels",), "binary_conv": ("channels",), "expand": ("channels",), "max_pool": ("size",),
     "average_pool": ("size",)}
)  # fmt: skip
"""What must be said of a layer."""
MISSING: Mapping[str, str] = MappingProxyType(
    {
        "inner_shortcut": "blocks of two convolutions that share a shortcut",
        "every_shortcut": "blocks of two convolutions that share a shortcut",
        "branches": "blocks of two convolutions that share a shortcut",
        "downsample": "shortcuts that change the shape of a map",
        "stem": "activation in its first layers",
    }
)
"""What a network lacks that does not offer a hook."""
