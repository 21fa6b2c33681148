"""Blocks at the front of the literature, in which gates, norms and shortcuts act together.

They are registered beside those of `blocks`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from costmodel.builder import Builder
from costmodel.graph import Dimension, Tensor, everywhere, precision
from costmodel.methods.activations import bent
from costmodel.methods.gating import excite, squeeze
from costmodel.methods.shortcuts import pad_to
from costmodel.methods.site import Site, chain, convolve, narrow_features
from costmodel.networks.blocks import Block, block_of, concatenated, smaller
from costmodel.networks.style import LayerStyle, activate, branch, unit
from costmodel.operations.window import same_padding

_REDUCTION = 8
"""Channels per feature inside BNext's gates."""


@block_of("bnext")
def bnext(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """A 3x3 convolution and a 1x1 one, or two side by side that double the channels (Guo 2022, BNext).

    Every second block multiplies the 3x3 convolution's result with its shortcut, which a PReLU bends. Each convolution
    takes signs of its own, so that methods before the sign act on each alone; those that come out alike are one.
    """
    attends = block.number % 2 == 0
    with g.layer("conv1"):
        site = narrow_features(g, style.site(x, x, x.shape[0], block.stride))
        residual = smaller(g, bent(g, x) if attends else x, block.stride)
        middle = _recoupled(g, site, residual, attends=attends)
    second = style.pointwise_site(middle, middle, middle.shape[0])
    made = []
    for number in range(2, 3 + (block.share > 1)):
        with g.layer(f"conv{number}"):
            made.append(_recoupled(g, narrow_features(g, second), middle, attends=False))
    if len(made) == 1:
        return made[0]
    with g.layer("joined"):
        return concatenated(g, *made)


def _recoupled(g: Builder, site: Site, residual: Tensor, *, attends: bool) -> Tensor:
    """Gate a convolution's result by the averages of what goes in and comes out, mixed; normalize, and add a shortcut.

    The average of a mix is the mix of averages, so two numbers a channel are mixed. What the gate scales waits for the
    whole map's average, so it is read again in a layer of its own.
    """
    y = bent(g, branch(g, site))
    pooled = [squeeze(g, one) for one in (site.branch, y)]
    with g.layer("recouple"):  # a method's own gate is the layer `gate`
        mix = g.param("mix", (y.shape[0],), "C", initial=0.5)
        rest = g.exported("complement", (mix,), mix)
        mixed = g.add(g.scale(pooled[0], mix), g.scale(pooled[1], rest))
        opened = excite(g, mixed, y.shape[0], _REDUCTION, precision("int8"), bias=True)
        gate = g.map("sigmoid", (opened,))
    with g.layer("gated"):
        y = g.multiply(y, gate)
        if attends:
            y = g.multiply(y, residual)
        return activate(g, g.add(g.batch_norm(y), residual), site, early=False)


@block_of("pokebnn")
def pokebnn(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """A bottleneck with a shortcut round each convolution and one round all (Zhang 2022, PokeBNN).

    Activation and gate stand behind the shortcuts, and a norm behind them.
    """
    inner = x.shape[0] * block.share.numerator // block.share.denominator
    with g.layer("conv1"):
        y = _poke(g, style.pointwise_site(x, x, inner), block.share)
    with g.layer("conv2"):
        y = _poke(g, style.site(y, y, inner, block.stride), Fraction(1))
    with g.layer("conv3"):
        wide = style.pointwise_site(y, y, inner * block.expansion)
        return _poke(g, wide, Fraction(block.expansion), x, block.share * block.expansion)


def _poke(
    g: Builder, site: Site, share: Fraction, long: Tensor | None = None, long_share: Fraction = Fraction(1)
) -> Tensor:
    """One convolution with its shortcuts; shares are channels made per channel of a shortcut."""
    site = narrow_features(g, site)
    y = activate(g, unit(g, site), site, early=True)
    y = g.add(y, _reshaped(g, site.branch, y, share, repeat=False))
    if long is not None:
        y = g.add(y, _reshaped(g, long, y, long_share, repeat=True))
    return g.batch_norm(chain(g, "gate", activate(g, y, site, early=False), site))


def _reshaped(g: Builder, x: Tensor, like: Tensor, share: Fraction, *, repeat: bool) -> Tensor:
    """Bring a shortcut to a map's shape: average or repeat channels (or add zeros), and average windows of 3x3.

    As many channels are averaged as go into the shortcut whole times; the last ones that are left over are not read.
    """
    if share < 1:
        slices = share.denominator // share.numerator
        x = _first_channels(g, x, like.shape[0] * slices)
        if slices > 1:
            shape = (like.shape[0], x.shape[1], x.shape[2])
            x = g.map("channel_mean", (x,), shape=shape, attributes={"slices": slices})
    elif share > 1 and repeat:
        shape = (like.shape[0], x.shape[1], x.shape[2])
        attributes = {"channels": like.shape[0]}
        x = g.map("repeat_channels", (x,), shape=shape, stored=x.precision, attributes=attributes)
    elif share > 1:
        x = pad_to(g, x, like.shape[0])
    if x.shape[1:] == like.shape[1:]:
        return x
    stride = -(-x.shape[1] // like.shape[1])
    return g.window(
        "average_pool", x, 3, stride=stride, padding=same_padding((x.shape[1], x.shape[2]), 3, stride)
    )


def _first_channels(g: Builder, x: Tensor, channels: Dimension) -> Tensor:
    """Keep the first channels of a map; emits nothing where it has no more."""
    if everywhere(x.shape[0] == channels):
        return x
    attributes = {"axis": 0, "outer": 1, "size": x.shape[0], "start": 0, "stop": channels, "every": 1}
    shape = (channels, x.shape[1], x.shape[2])
    return g.map("crop", (x,), shape=shape, stored=x.precision, attributes=attributes)


@block_of("shift_mlp")
def shift_mlp(g: Builder, style: LayerStyle, x: Tensor, block: Block) -> Tensor:
    """Three sums of 1x1 convolutions of shifted bits and one 1x1 convolution, a shortcut round each (BCDNet)."""
    for number in (1, 2, 3):
        with g.layer(f"conv{number}"):
            site = narrow_features(g, style.pointwise_site(x, x, x.shape[0]))
            total = chain(g, "after_convolution", convolve(g, site), site)
            for distance in (1, 3):
                moved = replace(site, bits=tuple(_moved(g, bits, distance) for bits in site.bits))
                total = g.add(total, chain(g, "after_convolution", convolve(g, moved), moved))
            y = g.batch_norm(total) if site.norm_behind else total
            y = activate(g, chain(g, "gate", y, site), site, early=True)
            x = activate(g, g.add(y, x), site, early=False)
    with g.layer("conv4"):
        site = narrow_features(g, style.pointwise_site(x, x, x.shape[0]))
        return activate(g, g.add(branch(g, site), x), site, early=False)


def _moved(g: Builder, bits: Tensor, distance: int) -> Tensor:
    """Shift a quarter of the channels each way."""
    return g.map("shift_quarters", (bits,), stored=bits.precision, attributes={"distance": distance})
