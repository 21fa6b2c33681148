"""Shortcuts: real-valued maps carried round binary convolutions, and how they change shape."""

from __future__ import annotations

import numpy as np

from costmodel.builder import Builder
from costmodel.errors import BnncostError, unknown
from costmodel.graph import BINARY, Dimension, Tensor, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site, prepared, signed, signed_features


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
    source="guo2022boolnet",
    note="Carries bits, not real values: every norm still folds. `slices` bits per channel.",
)
def boolean_shortcut(g: Builder, y: Tensor, shortcut: Tensor, site: Site, *, slices: int = 1) -> Tensor:
    """Combine each convolution's binarized result with its binary input by a logic gate (BoolNet)."""
    widened = not np.all(shortcut.shape[0] == y.shape[0])  # a downsampling shortcut makes all slices at once
    old = shortcut if shortcut.precision == BINARY else sliced(g, shortcut, site, 1 if widened else slices)
    return g.logic_or(sliced(g, y, site, slices), old)


def sliced(g: Builder, x: Tensor, site: Site, slices: int) -> Tensor:
    """Binarize a map against `slices` learned levels per channel: (C, H, W) to (slices C, H, W)."""
    if slices == 1:
        return signed_features(g, x, site)
    levels = [g.param("level", (x.shape[0],), "C", initial="spread") for _ in range(slices)]
    bits = tuple(signed_features(g, g.bias(x, level), site) for level in levels)
    shape = (x.shape[0] * slices, x.shape[1], x.shape[2])
    return g.map("concatenate", bits, shape=shape, stored=BINARY)


def pad_to(g: Builder, x: Tensor, channels: Dimension) -> Tensor:
    """Add channels of zeros (of -1 to bits) until there are `channels`; emits nothing when there are enough."""
    if np.all(x.shape[0] == channels):
        return x
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
    if stride == 1:
        return x
    if x.shape[1] % stride or x.shape[2] % stride:
        raise BnncostError(
            f"a map of {x.shape[1]}x{x.shape[2]} cannot be averaged in whole windows of {stride}x{stride}; "
            "take 'option_a_shortcut' or 'real_shortcut(pool=false)', which stride."
        )
    window = {"size": stride, "stride": stride, "padding": 0}
    shape = (x.shape[0], x.shape[1] // stride, x.shape[2] // stride)
    return g.map("average_pool", (x,), shape=shape, attributes=window)


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
    return pad_to(g, strided(g, x, site.stride), site.channels)


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="liu2018birealnet",
)
def pooled_shortcut(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Average 2x2 windows and add zero channels."""
    return pad_to(g, averaged(g, x, site.stride), site.channels)


REAL_OPERANDS = ("edge", "int4", "int8", "int16", "fp16", "fp32")
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
        weight = g.narrow_weight(site.channels, narrow, 1, chosen, groups=site.groups)
        return g.batch_norm(g.conv(narrow, weight, groups=site.groups))


@repair_method(
    branch="topology",
    category="downsampling shortcut",
    hook="downsample",
    exclusive="downsample",
    source="lin2020",
    note="The cheap sibling of `real_shortcut`: its weights and the map it reads are bits.",
)
def binary_shortcut(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Convolve the binarized map with strided binary 1x1 weights and normalize."""
    with g.with_producer(x):
        bits = x if x.precision == BINARY else signed_features(g, x, site)
    with g.beside("shortcut"):
        latent = prepared(g, g.binary_weight(site.channels, bits, 1, groups=site.groups), site)
        weight = signed(g, latent, site)
        return g.batch_norm(g.conv(bits, weight, stride=site.stride, groups=site.groups))
