"""The layers of a network beside its blocks: stem, transitions between stages, head and classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from costmodel.builder import Builder
from costmodel.designs.backbone import Layer
from costmodel.graph import BINARY, Dimension, Tensor
from costmodel.methods.activations import bent
from costmodel.methods.site import convolve, emit, narrow_features, prepared, signed
from costmodel.networks.style import LayerStyle
from costmodel.operations.window import Around, Pair, same_padding


@dataclass(frozen=True)
class Widths:
    """Channels of a design: those of its network's file times a factor, or an array of them, in whole multiples."""

    factor: float | np.ndarray = 1.0
    multiple: int = 1

    def of(self, channels: int) -> Dimension:
        """Round to the nearest multiple, at least one.

        >>> Widths(1.5).of(16), Widths(np.array([1.0, 0.01])).of(16).tolist(), Widths(1.5, 8).of(8)
        (24, [16, 1], 16)
        """
        parts = np.floor(channels * np.asarray(self.factor) / self.multiple + 0.5)
        whole = np.maximum(parts.astype(np.int64), 1) * self.multiple
        return whole if isinstance(self.factor, np.ndarray) else int(whole)


def add_layers(
    g: Builder, style: LayerStyle, layers: tuple[Layer, ...], x: Tensor, widths: Widths, name: str
) -> Tensor:
    """Append layers; those with MACs are called `name`, from the second on with a number below it.

    The others run in the layer that makes what they read.
    """
    convolutions = 0
    for layer in layers:
        make = _LAYERS[layer.layer]
        if layer.layer in _WITH_MACS:
            convolutions += 1
            with g.layer(name if convolutions == 1 else f"{name}.conv{convolutions}"):
                x = make(g, style, layer, x, widths)
        elif x is g.input:
            with g.layer(name):
                x = make(g, style, layer, x, widths)
        else:
            with g.with_producer(x):
                x = make(g, style, layer, x, widths)
    return x


def _convolved(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    """Convolve at the precision of the edge; an image is read as it is."""
    narrow = x if x is g.input else g.quantize(x, style.edge)
    depthwise = layer.layer == "depthwise_conv"
    groups: Dimension = x.shape[0] if depthwise else layer.groups
    channels = x.shape[0] * layer.multiplier if layer.channels is None else widths.of(layer.channels)
    stride, padding = _slid(layer, narrow, layer.kernel)
    weight = g.narrow_weight(channels, narrow, layer.kernel, style.edge, groups=groups)
    y = g.conv(narrow, weight, stride=stride, padding=padding, dilation=layer.dilation, groups=groups)
    return g.batch_norm(y) if layer.norm else y


def _binary_convolved(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    """Convolve the image as it is with binary weights (of other operands, at the edge's precision)."""
    channels = x.shape[0] if layer.channels is None else widths.of(layer.channels)
    if style.operands == BINARY:
        site = style.site(x, x, channels, 1)
        weight = signed(g, prepared(g, g.binary_weight(channels, x, layer.kernel), site), site)
    else:
        weight = g.narrow_weight(channels, x, layer.kernel, style.edge)
    stride, padding = _slid(layer, x, layer.kernel)
    y = g.conv(x, weight, stride=stride, padding=padding)
    return g.batch_norm(y) if layer.norm else y


def _activated(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    """Apply the activation function of the first layers; networks that are not binary have a ReLU."""
    use = style.composition.first("stem")
    if use:
        made: Tensor = emit(g, use, x)
        return made
    return x if style.operands == BINARY else g.relu(x)


def _expanded(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    """Expand each colour into several maps, shifted by levels that the sign in front of stage 1 compares with.

    Networks that are not binary read the image itself.
    """
    if style.operands != BINARY:
        return x
    channels = x.shape[0] if layer.channels is None else widths.of(layer.channels)
    levels = g.param("level", (channels,), "C", initial="spread_channels")
    shape = (channels, x.shape[1], x.shape[2])
    repeated = g.map(
        "repeat_channels", (x,), shape=shape, stored=x.precision, attributes={"channels": channels}
    )
    return g.bias(repeated, levels)


def _pooled(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    size = layer.size or 1
    stride, padding = _slid(layer, x, size)
    return g.window(layer.layer, x, size, stride=stride, padding=padding)


def _blurred(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    return g.window("blur_pool", x, 3, stride=layer.stride or 1, padding=1)


def _averaged(g: Builder, style: LayerStyle, layer: Layer, x: Tensor, widths: Widths) -> Tensor:
    return g.map("global_average_pool", (x,), shape=(x.shape[0], 1, 1))


def _slid(layer: Layer, x: Tensor, size: Pair) -> tuple[Pair, Around]:
    """Stride and padding of a layer's windows."""
    stride, padding = layer.slid
    if isinstance(padding, str):
        return stride, same_padding((x.shape[1], x.shape[2]), size, stride, layer.dilation)
    return stride, padding


_LAYERS: dict[str, Callable[[Builder, LayerStyle, Layer, Tensor, Widths], Tensor]] = {
    "conv": _convolved,
    "binary_conv": _binary_convolved,
    "depthwise_conv": _convolved,
    "expand": _expanded,
    "activation": _activated,
    "norm": lambda g, style, layer, x, widths: g.batch_norm(x),
    "prelu": lambda g, style, layer, x, widths: bent(g, x),
    "relu": lambda g, style, layer, x, widths: g.relu(x),
    "max_pool": _pooled,
    "average_pool": _pooled,
    "blur_pool": _blurred,
    "global_average_pool": _averaged,
}
_WITH_MACS = ("conv", "binary_conv", "depthwise_conv")


def classifier(g: Builder, style: LayerStyle, kind: str, x: Tensor, classes: int) -> Tensor:
    """Score the classes: at the precision of the edge, or by a layer like the inner ones.

    The latter goes without the methods that act behind a convolution.
    """
    with g.layer("classifier"):
        if kind == "binary":
            return g.batch_norm(convolve(g, narrow_features(g, style.dense_site(x, classes))))
        return g.linear(g.quantize(x, style.edge), classes, weight=style.edge)
