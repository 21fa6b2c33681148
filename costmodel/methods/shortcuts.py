"""Shortcuts: real-valued maps carried round binary convolutions, and how they change shape."""

from __future__ import annotations

from dataclasses import replace

from costmodel.builder import Builder
from costmodel.errors import BnncostError, unknown
from costmodel.graph import BINARY, Dimension, Precision, Tensor, everywhere, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site, before_sign, chain, convolve, signed_features


@repair_method(
    branch="topology",
    category="double residual",
    hook="inner_shortcut",
    exclusive="inner shortcut",
    source="liu2018birealnet",
    note="Un-folds the norm of the first convolution: its real value is read twice.",
    beside={"real_shortcut": "Bi-Real Net's shortcuts are real-valued convolutions where the map halves"},
)
def double_residual(g: Builder, y: Tensor, shortcut: Tensor, site: Site) -> Tensor:
    """Add a shortcut round every convolution, where the plain block has one round two."""
    return g.add(y, shortcut)


@repair_method(
    branch="topology",
    category="double residual",
    hook="every_shortcut",
    exclusive="inner shortcut",
    conflicts=("branches", "features"),
    source="guo2022boolnet",
    note="Carries `slices` bits per channel, not real values: norms still fold. Blocks may concatenate their input.",
)
def boolean_shortcut(
    g: Builder,
    y: Tensor,
    shortcut: Tensor,
    site: Site,
    gate: str,
    *,
    slices: int = 1,
    concatenate: bool = False,
) -> Tensor:
    """Join each convolution's slices of bits with those of the block's input by a logic gate (BoolNet)."""
    made = sliced(g, y, slices, site)
    with g.with_producer(made):
        return g.logic_xnor(made, shortcut) if gate == "xnor" else g.logic_or(made, shortcut)


def sliced(g: Builder, x: Tensor, slices: int, site: Site) -> Tensor:
    """Binarize a map with `slices` fixed levels, even between -1 and 1: (C, H, W) to (slices C, H, W).

    The bits belong to the layer that makes what the signs read.
    """
    if slices > 1 and slices % 2:
        raise BnncostError(
            f"design '{g.name}': slices={slices} must be one or an even number, so that as many levels lie below zero "
            "as above."
        )
    x = before_sign(g, x, replace(site, x=x, branch=x))
    with g.with_producer(x):
        if slices == 1:
            return signed_features(g, x, site)
        half = slices // 2
        levels = [number / (half + 1) for number in range(-half, half + 1) if number]
        bits = tuple(signed_features(g, g.bias(x, g.constant("level", level)), site) for level in levels)
        shape = (x.shape[0] * slices, x.shape[1], x.shape[2])
        return g.map("concatenate", bits, shape=shape, stored=BINARY)


def pad_to(g: Builder, x: Tensor, channels: Dimension) -> Tensor:
    """Add channels of zeros (of -1 to bits) until there are `channels`; emits nothing when there are enough."""
    if everywhere(x.shape[0] == channels):
        return x
    if not everywhere(x.shape[0] <= channels):
        raise BnncostError(
            f"design '{g.name}': a map of {x.shape[0]} channels has more than the {channels} of its block's output; "
            "take a width at which every stage has twice the channels of the one before, or a 1x1 shortcut."
        )
    shape = (channels, x.shape[1], x.shape[2])
    value = -1 if x.precision == BINARY else 0
    attributes = {"channels": channels, "value": value}
    return g.map("pad_channels", (x,), shape=shape, stored=x.precision, attributes=attributes)


def strided(g: Builder, x: Tensor, stride: int) -> Tensor:
    """Keep every `stride`-th row and column; nothing is emitted for a stride of 1."""
    if stride == 1:
        return x
    shape = (x.shape[0], -(-x.shape[1] // stride), -(-x.shape[2] // stride))
    return g.map("subsample", (x,), shape=shape, stored=x.precision, attributes={"stride": stride})


def averaged(g: Builder, x: Tensor, stride: int) -> Tensor:
    """Average windows of stride by stride; nothing is emitted for a stride of 1."""
    return x if stride == 1 else _pooled(g, "average_pool", x, stride, g.features)


def _pooled(g: Builder, kind: str, x: Tensor, stride: int, stored: Precision) -> Tensor:
    """Make one number of each window of stride by stride."""
    if x.shape[1] % stride or x.shape[2] % stride:
        raise BnncostError(
            f"a map of {x.shape[1]}x{x.shape[2]} cannot be averaged or pooled in whole windows of {stride}x{stride}; "
            "take 'option_a_shortcut' or 'real_shortcut(pool=false)', which stride."
        )
    return g.window(kind, x, stride, stride=stride, stored=stored)


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="he2016",
    note="Free: addressing and wiring.",
)
def option_a_shortcut(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Keep every second row and column and add zero channels."""
    return pad_to(g, strided(g, x, site.stride), site.channels * site.slices)


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="liu2018birealnet",
)
def pooled_shortcut(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Average 2x2 windows and add zero channels."""
    return pad_to(g, averaged(g, x, site.stride), site.channels * site.slices)


REAL_OPERANDS = ("edge", "int2", "int3", "int4", "int8", "int16", "fp16", "fp32")
"""What the weights of a real-valued shortcut may be; `edge` is the precision of the first and last layer."""


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="liu2018birealnet",
    note="At the precision of the first and last layer, unless `operands` says another; `pool=false` strides.",
)
def real_shortcut(g: Builder, x: Tensor, site: Site, *, operands: str = "edge", pool: bool = True) -> Tensor:
    """Average 2x2 windows, then convolve with real-valued 1x1 weights and normalize."""
    if operands not in REAL_OPERANDS:
        raise unknown(
            "value of 'operands'", operands, REAL_OPERANDS, place=f"design '{g.name}', real_shortcut"
        )
    chosen = site.edge if operands == "edge" else precision(operands)
    with g.beside("shortcut"):
        small = averaged(g, x, site.stride) if pool else strided(g, x, site.stride)
        narrow = g.quantize(small, chosen)
        weight = g.narrow_weight(site.channels, narrow, 1, chosen, groups=site.slices)
        return g.batch_norm(g.conv(narrow, weight, groups=site.slices))


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="lin2020",
    note="Reads the bits that the block's first convolution reads; `pool=true` pools behind it instead of striding.",
)
def binary_shortcut(g: Builder, x: Tensor, site: Site, *, pool: bool = False) -> Tensor:
    """Convolve the block's bits, all slices of them, with binary 1x1 weights and normalize.

    Where the features have several bases, it reads one sign of its own, as IE-Net's does.
    """
    if site.operands != BINARY or len(site.bits) > 1:
        with g.with_producer(x):
            site = replace(site, bits=(signed_features(g, x, site),), operands=BINARY)
    with g.beside("shortcut"):
        alone = replace(site, kernel=1, padding=0, slices=1, stride=1 if pool else site.stride)
        y = chain(g, "after_convolution", convolve(g, alone), alone)
        if pool:
            y = g.bias(y, g.param("bias", (site.channels,), "C"))
            y = y if site.stride == 1 else _pooled(g, "max_pool", y, site.stride, y.precision)
        return g.batch_norm(y)
