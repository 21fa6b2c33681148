"""How the inner layers of a network are built, and the binary unit with the places where methods act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from costmodel.builder import Builder
from costmodel.graph import BINARY, Dimension, Precision, Tensor, everywhere
from costmodel.methods.registry import MethodUse
from costmodel.methods.site import Composition, Site, called, chain, convolve, emit
from costmodel.operations.window import Pair


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
    dilation: int = 1

    def site(self, x: Tensor, branch: Tensor, channels: Dimension, stride: int) -> Site:
        """Describe one convolution of the stages."""
        value = self.pad_value if self.operands == BINARY else 0
        return Site(
            x, branch, channels, self.kernel, stride, self.padding, value, self.operands, self.edge,
            self.composition, dilation=self.dilation,
        )  # fmt: skip

    def pointwise_site(self, x: Tensor, branch: Tensor, channels: Dimension, stride: int = 1) -> Site:
        """Describe a 1x1 convolution."""
        return replace(self.site(x, branch, channels, stride), kernel=1, padding=0, dilation=1)

    def dense_site(self, x: Tensor, features: Dimension) -> Site:
        """Describe a fully connected layer: a convolution as large as the map."""
        sides: Pair = x.shape[1] if x.shape[1] == x.shape[2] else (x.shape[1], x.shape[2])
        return replace(self.site(x, x, features, 1), kernel=sides, padding=0, dilation=1)


def unit(
    g: Builder, site: Site, *, pool: tuple[int, int] | None = None, bend: Callable | None = None
) -> Tensor:
    """Convolve the site's bits, scale, pool by windows of (size, stride) if asked, bend if asked, and normalize."""
    y = chain(g, "after_convolution", convolve(g, site), site)
    if pool:
        y = g.window("max_pool", y, pool[0], stride=pool[1], stored=y.precision)
    if bend:
        y = bend(y)
    return g.batch_norm(y) if site.norm_behind else y


def activate(g: Builder, y: Tensor, site: Site, *, early: bool) -> Tensor:
    """Apply the activation function if this is its place; networks that are not binary have a ReLU."""
    use = site.composition.first("activation")
    if use is not None:
        return emit(g, use, y, site) if use.option("early") is early else y
    if site.operands != BINARY and not early:
        return g.relu(y)
    return y


def branch(
    g: Builder, site: Site, *, pool: tuple[int, int] | None = None, bend: Callable | None = None
) -> Tensor:
    """One convolution, and what acts on its result before a shortcut joins it."""
    y = unit(g, site, pool=pool, bend=bend)
    return activate(g, chain(g, "gate", y, site), site, early=True)


def matched(g: Builder, style: LayerStyle, site: Site) -> Tensor:
    """Bring a block's input to the shape of its output; emits nothing where it has that shape."""
    x = site.branch
    if site.stride == 1 and everywhere(x.shape[0] == site.channels * site.slices):
        return x
    chosen = style.composition.first("downsample")
    made: Tensor = emit(g, chosen, x, site) if chosen else called(g, style.downsample, x, site)
    return made
