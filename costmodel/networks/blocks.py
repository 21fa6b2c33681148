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
    """How the inner layers of a network are built; `pad_value` None repeats what stands at the border of a map."""

    composition: Composition
    operands: Precision
    edge: Precision
    pad_value: int | None
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
    """Convolve the site's bits, scale, pool if asked, and normalize."""
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


def branch(g: Builder, site: Site, *, pool: bool = False) -> Tensor:
    """One convolution, and what acts on its result before a shortcut joins it."""
    return activate(g, chain(g, "gate", unit(g, site, pool=pool), site), site, early=True)


def matched(g: Builder, style: LayerStyle, site: Site) -> Tensor:
    """Bring a block's input to the shape of its output; emits nothing where it has that shape."""
    x = site.branch
    if site.stride == 1 and np.all(x.shape[0] == site.channels * site.groups):
        return x
    chosen = style.composition.first("downsample")
    if chosen:
        made: Tensor = emit(g, chosen, x, site)
        return made
    made = style.downsample.method.emit(g, x, site, **style.downsample.settings())
    return made


def basic_block(g: Builder, style: LayerStyle, x: Tensor, channels: Dimension, stride: int) -> Tensor:
    """Two 3x3 convolutions with one shortcut round both (He 2016), or one round each (Liu 2018)."""
    inner = style.composition.first("inner_shortcut")
    with g.layer("conv1"):
        first = narrow_features(g, style.site(x, x, channels, stride))
        if inner:
            shortcut = matched(g, style, first)
            joined = emit(g, inner, branch(g, first), shortcut, first)
            middle = shortcut = activate(g, joined, first, early=False)
        else:
            middle = activate(g, unit(g, first), first, early=False)
    with g.layer("conv2"):
        if not inner:
            shortcut = matched(g, style, first)
        second = narrow_features(g, style.site(middle, middle if inner else x, channels, 1))
        return activate(g, g.add(branch(g, second), shortcut), second, early=False)


def mix(g: Builder, style: LayerStyle, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Let several branches exchange their results; a single branch passes unchanged."""
    use = style.composition.first("branches")
    return emit(g, use, tuple(maps), None) if use else tuple(maps)
