"""Networks whose shortcuts carry bits, joined by gates in place of sums (BaseNet and BoolNet, Guo 2021).

A map has several slices of bits per channel, one slice after the other: (slices C, H, W).
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.builder import Builder
from costmodel.graph import BINARY, Dimension, Tensor, everywhere
from costmodel.methods.registry import MethodUse
from costmodel.methods.shortcuts import sliced
from costmodel.methods.site import Site, emit
from costmodel.networks.style import LayerStyle, branch, matched


def logic_stem(g: Builder, style: LayerStyle, use: MethodUse, x: Tensor) -> Tensor:
    """Normalize the stem's map and cut it into slices of bits, in the layer that makes it.

    Where blocks concatenate, the norm of a real-valued depthwise 3x3 convolution is added first.
    """
    slices = int(use.option("slices"))
    with g.origin(use.name):
        if not use.option("concatenate"):
            with g.with_producer(x):
                y = g.batch_norm(x)
        else:
            with g.layer("stem_depthwise"):
                y = g.add(g.batch_norm(x), _depthwise(g, style, g.batch_norm(x)))
        return sliced(g, y, slices, style.site(y, y, y.shape[0], 1))


def _depthwise(g: Builder, style: LayerStyle, x: Tensor) -> Tensor:
    """Convolve each channel alone, at the precision of the edge, and normalize."""
    narrow = g.quantize(x, style.edge)
    weight = g.narrow_weight(x.shape[0], narrow, 3, style.edge, groups=x.shape[0])
    return g.batch_norm(g.conv(narrow, weight, padding=1, groups=x.shape[0]))


def logic_block(
    g: Builder, style: LayerStyle, use: MethodUse, x: Tensor, channels: Dimension, stride: int, *, last: bool
) -> Tensor:
    """Two convolutions joined with the block's bits: by XNOR, then by OR, in the last block by a real-valued sum.

    With concatenation a block that keeps its shape reads half of the channels and passes the other half on.
    """
    slices, wide = int(use.option("slices")), bool(use.option("concatenate"))
    passed = None
    if wide and stride == 1 and everywhere(x.shape[0] == 2 * channels * slices):
        with g.origin(use.name), g.with_producer(x):
            x, passed = (_half(g, x, slices, number) for number in (0, 1))
    with g.layer("conv1"):
        first = replace(style.site(x, x, channels, stride), bits=(x,), slices=slices)
        shortcut = _shortcut(g, style, use, first)
        middle = emit(g, use, branch(g, first), shortcut, first, "xnor")
    with g.layer("conv2"):
        second = replace(style.site(middle, middle, channels, 1), bits=(middle,), slices=slices)
        y = branch(g, second)
        if last:
            with g.origin(use.name):
                return _real_valued(g, y, middle, slices)
        made: Tensor = emit(g, use, y, shortcut, second, "or")
        if not wide:
            return made
        other = shortcut if passed is None else passed
        with g.origin(use.name), g.with_producer(made):
            shape = (made.shape[0] + other.shape[0], made.shape[1], made.shape[2])
            return g.map("interleave_channels", (made, other), shape=shape, stored=BINARY)


def _half(g: Builder, x: Tensor, slices: int, half: int) -> Tensor:
    """Take the first or the second half of the channels of each slice."""
    shape = (x.shape[0] // 2, x.shape[1], x.shape[2])
    attributes = {"slices": slices, "half": half}
    return g.map("half_of_slices", (x,), shape=shape, stored=BINARY, attributes=attributes)


def _shortcut(g: Builder, style: LayerStyle, use: MethodUse, site: Site) -> Tensor:
    """Bits of the block's input in the shape of its output: sliced where a real-valued map was made of them."""
    made = matched(g, style, site)
    if made.precision == BINARY:
        return made
    levels = site.slices if everywhere(made.shape[0] == site.channels) else 1
    with g.origin(use.name):
        return sliced(g, made, levels, site)


def _real_valued(g: Builder, y: Tensor, bits: Tensor, slices: int) -> Tensor:
    """Add the normalized mean of the slices, and bend by PReLU: what the classifier reads."""
    mean = bits
    if slices > 1:
        attributes = {"slices": slices}
        mean = g.map("slice_mean", (bits,), shape=y.shape, attributes=attributes)
    total = g.add(y, g.batch_norm(mean))
    return g.prelu(total, g.param("slope", (y.shape[0],), "C", initial=0.25, positive=True))
