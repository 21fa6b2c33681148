"""The binary unit and the residual block, with the places where methods act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from costmodel.builder import Builder
from costmodel.graph import BINARY, Dimension, Precision, Tensor
from costmodel.methods.registry import MethodUse
from costmodel.methods.site import Composition, Site, chain, convolve, emit, narrow_features


@dataclass(frozen=True)
class LayerStyle:
    """How the inner layers of a network are built."""

    composition: Composition
    operands: Precision
    edge: Precision
    pad_value: int
    downsample: MethodUse
    kernel: int = 3
    padding: int = 1

    def site(self, x: Tensor, branch: Tensor, channels: Dimension, stride: int) -> Site:
        """Describe one convolution of the stages."""
        value = self.pad_value if self.operands == BINARY else 0
        return Site(
            x, branch, channels, self.kernel, stride, self.padding, value, self.operands, self.edge,
            self.composition,
        )  # fmt: skip

    def dense_site(self, x: Tensor, features: Dimension) -> Site:
        """Describe a fully connected layer: a convolution as wide as the map, which must be square."""
        return replace(self.site(x, x, features, 1), kernel=x.shape[1], padding=0)


def unit(g: Builder, site: Site, *, pool: bool = False) -> Tensor:
    """Binarize, convolve, scale, pool if asked, and normalize."""
    site = narrow_features(g, site)
    y = chain(g, "after_convolution", convolve(g, site), site)
    if pool:
        window = {"size": 2, "stride": 2, "padding": 0}
        shape = (y.shape[0], y.shape[1] // 2, y.shape[2] // 2)
        y = g.map("max_pool", (y,), shape=shape, stored=y.precision, attributes=window)
    return g.batch_norm(y) if site.composition.norm_behind else y


def activate(g: Builder, y: Tensor, site: Site, *, early: bool) -> Tensor:
    """Apply the activation function if this is its place; networks that are not binary have a ReLU."""
    use = site.composition.first("activation")
    if use is not None:
        return emit(g, use, y, site) if use.option("early") is early else y
    if site.operands != BINARY and not early:
        return g.relu(y)
    return y


def _match(g: Builder, style: LayerStyle, x: Tensor, channels: Dimension, stride: int) -> Tensor:
    """Bring a block's input to the shape of its output; emits nothing where it has that shape."""
    site = style.site(x, x, channels, stride)
    site = replace(site, channels=channels * site.groups)
    if stride == 1 and np.all(x.shape[0] == site.channels):
        return x
    chosen = style.composition.first("downsample")
    return (
        emit(g, chosen, x, site)
        if chosen
        else style.downsample.method.emit(g, x, site, **style.downsample.settings())
    )


def _convolution(g: Builder, site: Site, shortcut: Tensor | None, join: MethodUse | None) -> Tensor:
    """One convolution of a block, with a shortcut added if it ends a residual branch."""
    y = unit(g, site)
    if shortcut is None:
        return activate(g, y, site, early=False)
    y = activate(g, chain(g, "gate", y, site), site, early=True)
    y = emit(g, join, y, shortcut, site) if join else g.add(y, shortcut)
    return y if y.precision == BINARY else activate(g, y, site, early=False)


def basic_block(g: Builder, style: LayerStyle, x: Tensor, channels: Dimension, stride: int) -> Tensor:
    """Two 3x3 convolutions with one shortcut round both (He 2016), or one round each (Liu 2018)."""
    every, inner = (style.composition.first(hook) for hook in ("every_shortcut", "inner_shortcut"))
    if every or inner:
        with g.layer("conv1"):
            shortcut = _match(g, style, x, channels, stride)
            middle = _convolution(g, style.site(x, x, channels, stride), shortcut, every or inner)
        with g.layer("conv2"):
            return _convolution(g, style.site(middle, middle, channels, 1), middle, every)
    with g.layer("conv1"):
        middle = _convolution(g, style.site(x, x, channels, stride), None, None)
    with g.layer("conv2"):
        shortcut = _match(g, style, x, channels, stride)
        return _convolution(g, style.site(middle, x, channels, 1), shortcut, None)


def mix(g: Builder, style: LayerStyle, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Let several branches exchange their results; a single branch passes unchanged."""
    use = style.composition.first("branches")
    return emit(g, use, tuple(maps), None) if use else tuple(maps)
