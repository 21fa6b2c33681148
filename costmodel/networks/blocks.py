"""The blocks of a network, with the places where methods act: one function for each kind that a file may name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from costmodel.builder import Builder
from costmodel.designs.blocks import BLOCKS
from costmodel.errors import BnncostError, unknown
from costmodel.graph import BINARY, Dimension, Tensor
from costmodel.methods.shortcuts import averaged, strided
from costmodel.methods.site import Site, emit, narrow_features
from costmodel.networks.style import LayerStyle, activate, branch, matched, unit


@dataclass(frozen=True)
class Block:
    """One block: the channels that it makes (or adds), and its stride.

    `share` is the file's number of channels over that of the block's input, `number` the block's among all, from 1.
    `behind` are the channels behind a bottleneck, `expansion` times those inside; `pool` is the size and stride of a
    pool in the block.
    """

    channels: Dimension
    behind: Dimension
    stride: int
    share: Fraction
    number: int
    expansion: int
    pool: tuple[int, int] | None = None


MakeBlock = Callable[[Builder, LayerStyle, Tensor, Block], Tensor]
MAKERS: dict[str, MakeBlock] = {}


def block_of(kind: str) -> Callable[[MakeBlock], MakeBlock]:
    """Register how the blocks of a kind are built; a second of a kind, and a kind without a declaration, raise."""

    def register(make: MakeBlock) -> MakeBlock:
        if kind in MAKERS:
            raise BnncostError(f"block '{kind}' is built twice.")
        if kind not in BLOCKS:
            raise unknown("block", kind, BLOCKS)
        MAKERS[kind] = make
        return make

    return register


@block_of("basic")
def basic_block(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """Two 3x3 convolutions with one shortcut round both (He 2016), or one round each (Liu 2018)."""
    inner = style.composition.first("inner_shortcut")
    with g.layer("conv1"):
        first = narrow_features(g, style.site(x, x, block.channels, block.stride))
        if inner:
            shortcut = matched(g, style, first)
            joined = emit(g, inner, branch(g, first), shortcut, first)
            middle = shortcut = activate(g, joined, first, early=False)
        else:
            middle = activate(g, unit(g, first), first, early=False)
    with g.layer("conv2"):
        if not inner:
            shortcut = matched(g, style, first)
        second = narrow_features(g, style.site(middle, middle if inner else x, block.channels, 1))
        return activate(g, g.add(branch(g, second), shortcut), second, early=False)


@block_of("bottleneck")
def bottleneck(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """1x1, 3x3 (strided) and 1x1 convolutions with one shortcut round them (He 2016)."""
    with g.layer("conv1"):
        first = narrow_features(g, style.pointwise_site(x, x, block.channels))
        y = activate(g, unit(g, first), first, early=False)
    with g.layer("conv2"):
        second = narrow_features(g, style.site(y, x, block.channels, block.stride))
        y = activate(g, unit(g, second), second, early=False)
    with g.layer("conv3"):
        third = narrow_features(g, style.pointwise_site(y, x, block.behind))
        whole = replace(first, channels=block.behind, stride=block.stride)
        shortcut = matched(g, style, whole)
        return activate(g, g.add(branch(g, third), shortcut), third, early=False)


@block_of("plain")
def plain(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """One convolution without a shortcut, with the methods that act round it."""
    return _alone(g, style.site(x, x, block.channels, block.stride), block.pool)


@block_of("fully_connected")
def fully_connected(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """A layer that reads the whole map."""
    return _alone(g, style.dense_site(x, block.channels))


def _alone(g: Builder, site: Site, pool: tuple[int, int] | None = None) -> Tensor:
    site = narrow_features(g, site)
    return activate(g, branch(g, site, pool=pool), site, early=False)


@block_of("separable")
def separable(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """A depth-wise convolution, strided, and a 1x1 one (MobileNet, Howard 2017)."""
    with g.layer("conv1"):
        y = _alone(g, replace(style.site(x, x, x.shape[0], block.stride), depthwise=True))
    with g.layer("conv2"):
        return _alone(g, style.pointwise_site(y, y, block.channels))


@block_of("reactnet")
def reactnet(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """3x3 and 1x1 convolutions, a shortcut round each; two of the latter side by side double channels (Liu 2020).

    The shortcut averages windows where the 3x3 convolution strides, and strides too where a map has no whole windows.
    """
    with g.layer("conv1"):
        first = narrow_features(g, style.site(x, x, x.shape[0], block.stride))
        shortcut = smaller(g, x, block.stride)
        middle = activate(g, g.add(branch(g, first), shortcut), first, early=False)
    second = style.pointwise_site(middle, middle, middle.shape[0])
    if block.share == 1:
        with g.layer("conv2"):
            second = narrow_features(g, second)
            return activate(g, g.add(branch(g, second), middle), second, early=False)
    halves = []
    for number in (2, 3):
        with g.layer(f"conv{number}"):
            second = second if second.bits else narrow_features(g, second)
            halves.append(g.add(branch(g, second), middle))
    with g.layer("conv3"):
        return activate(g, concatenated(g, *halves), second, early=False)


def smaller(g: Builder, x: Tensor, stride: int) -> Tensor:
    """Average windows of stride by stride, or stride where a map has no whole windows."""
    whole = x.shape[1] % stride == x.shape[2] % stride == 0
    return averaged(g, x, stride) if whole else strided(g, x, stride)


def concatenated(g: Builder, *maps: Tensor) -> Tensor:
    """Put the channels of maps after each other."""
    channels = maps[0].shape[0]
    for other in maps[1:]:
        channels = channels + other.shape[0]
    return g.map("concatenate", maps, shape=(channels, maps[0].shape[1], maps[0].shape[2]))


@block_of("quicknet")
def quicknet(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """One convolution, a ReLU and a norm, with a shortcut round them (Bannink 2021)."""
    site = narrow_features(g, style.site(x, x, x.shape[0], 1))
    return activate(g, g.add(branch(g, site, bend=g.relu), x), site, early=False)


@block_of("densely_connected")
def densely_connected(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """Put the channels of a norm and a convolution behind those of their input (Bethge 2019)."""
    return concatenated(g, x, _behind_norm(g, style, x, block))


@block_of("improved")
def improved(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """A densely connected convolution, and one that is added to the channels it made (Bethge 2020)."""
    with g.layer("conv1"):
        new = _behind_norm(g, style, x, block)
        wide = concatenated(g, x, new)
    with g.layer("conv2"):
        return concatenated(g, x, g.add(_behind_norm(g, style, wide, block), new))


def _behind_norm(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """Normalize, then convolve; networks that are not binary have a ReLU between. No norm stands behind."""
    with g.with_producer(x):
        y = g.batch_norm(x)
        if style.operands != BINARY and not style.composition.on("activation"):
            y = g.relu(y)
    site = replace(style.site(y, x, block.channels, 1), norm=False)
    site = narrow_features(g, site)
    use = style.composition.first("activation")
    made = branch(g, site)
    return activate(g, made, site, early=False) if use else made


def mix(g: Builder, style: LayerStyle, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Let several branches exchange their results; a single branch passes unchanged."""
    use = style.composition.first("branches")
    return emit(g, use, tuple(maps), None) if use else tuple(maps)
