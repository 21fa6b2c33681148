"""Build the network of a design: stem, inner layers, classifier, and ensembles of whole networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from costmodel.builder import Builder
from costmodel.designs.catalogue import DATASETS, NETWORKS, Backbone, DatasetShape
from costmodel.designs.key import WIDTHS, DesignKey
from costmodel.errors import BnncostError, by_closeness
from costmodel.graph import BINARY, Dimension, Network, Precision, Tensor, precision
from costmodel.methods import MethodUse
from costmodel.methods.site import Composition, Site, convolve, emit, narrow_features, prepared, signed
from costmodel.networks.blocks import LayerStyle, activate, basic_block, branch, mix
from costmodel.networks.logic import logic_block, logic_stem


def build(key: DesignKey, widths: np.ndarray | None = None, side: int | None = None) -> Network:
    """Build a design's network; with `widths`, one network that carries an array of channel counts.

    With `side` it takes square images of so many pixels instead of the data set's. Raises BnncostError where a method
    has no place in the network or no channel would be left.
    """
    backbone, dataset = NETWORKS[key.network], DATASETS[key.dataset]
    if side is not None:
        dataset = replace(dataset, image=(dataset.image[0], side, side))
    composition = Composition(key.methods)
    _check_places(key, backbone)
    _check_image(key, backbone, dataset)
    factor = _width(composition, key.width if widths is None else widths)
    _check_width(key, factor)
    image = Precision("integer", 8) if precision(key.edge).kind == "integer" else precision(key.edge)
    g = Builder(str(key), dataset.image, image, precision(key.features))
    style = LayerStyle(
        composition,
        precision(key.compute),
        precision(key.edge),
        _PADS_WITH[key.padding],
        MethodUse.parse(backbone.downsample or "option_a_shortcut"),
        backbone.kernel,
        backbone.padding,
    )
    ensemble = composition.first("ensemble")
    if ensemble is None:
        return g.finish(_network(g, style, backbone, dataset, factor, precision(key.edge)))
    outputs = []
    for number in range(int(ensemble.option("count"))):
        with g.layer(f"net{number + 1}"), g.origin(ensemble.name if number else "base"):
            outputs.append(_network(g, style, backbone, dataset, factor, precision(key.edge)))
    with g.layer("vote"):
        return g.finish(emit(g, ensemble, tuple(outputs)))


_PADS_WITH = {"one": 1, "zero": 0, "replicate": None}
_NEED_BITS = ("before_sign", "features", "weight", "weight_bases", "every_shortcut")


def _check_places(key: DesignKey, backbone: Backbone) -> None:
    for use in key.methods:
        if not backbone.offers(use.method.hook):
            able = by_closeness(
                key.network, [name for name, net in NETWORKS.items() if net.offers(use.method.hook)]
            )
            raise BnncostError(
                f"design '{key}': '{use.name}' has no place in {key.network}, which has no "
                f"{backbone.lacks(use.method.hook)}. Networks that have one: {', '.join(able)}."
            )
        if key.compute != "binary" and use.method.hook in _NEED_BITS:
            raise BnncostError(
                f"design '{key}': '{use.name}' needs binary operands, not compute={key.compute}."
            )


def _check_image(key: DesignKey, backbone: Backbone, dataset: DatasetShape) -> None:
    """Refuse images of which a network without padding would leave nothing."""
    _, height, width = dataset.image
    if min(height, width) < backbone.smallest_side:
        large = [name for name, data in DATASETS.items() if min(data.image[1:]) >= backbone.smallest_side]
        raise BnncostError(
            f"design '{key}': {backbone.name} has no padding and needs images of at least {backbone.smallest_side}x"
            f"{backbone.smallest_side}; '{dataset.name}' has {height}x{width}. "
            f"Data sets with large enough images: {', '.join(by_closeness(dataset.name, large))}."
        )


def _check_width(key: DesignKey, factor: float | np.ndarray) -> None:
    """Refuse channels by another factor than `@w` takes, whether it is given so, by a method or by both."""
    low, high = WIDTHS
    if not np.all((np.asarray(factor) >= low) & (np.asarray(factor) <= high)):
        raise BnncostError(
            f"design '{key}': channels times {factor} are asked for, but the factor must lie from {low:g} to {high:g}."
        )


def _width(composition: Composition, width: float | np.ndarray) -> float | np.ndarray:
    use = composition.first("width")
    return width * float(use.option("factor")) if use else width


def scaled(channels: int, factor: float | np.ndarray) -> Dimension:
    """Round `channels` times `factor` to the nearest whole number, at least 1.

    >>> scaled(16, 1.5), scaled(16, np.array([1.0, 0.01])).tolist()
    (24, [16, 1])
    """
    if isinstance(factor, np.ndarray):
        return np.maximum(np.floor(channels * factor + 0.5).astype(np.int64), 1)
    return max(int(np.floor(channels * factor + 0.5)), 1)


def _network(
    g: Builder,
    style: LayerStyle,
    backbone: Backbone,
    dataset: DatasetShape,
    factor: float | np.ndarray,
    edge: Precision,
) -> Tensor:
    channels = [scaled(count, factor) for count in backbone.channels]
    with g.layer("stem"):
        x = _STEMS[backbone.stem](g, style, backbone, dataset, channels[0])
    x = _FAMILIES[backbone.family](g, style, backbone, channels, x)
    for number, features in enumerate(backbone.dense, 1):
        with g.layer(f"dense{number}"):
            x = _plain_layer(g, style.dense_site(x, scaled(features, factor)), pool=False)
    head = style.composition.first("head")
    if head:
        with g.with_producer(x):
            x = emit(g, head, x)
    with g.layer("classifier"):
        if backbone.binary_classifier:
            return _binary_classifier(g, style.dense_site(x, dataset.classes))
        return g.linear(g.quantize(x, edge), dataset.classes, weight=edge)


def _binary_classifier(g: Builder, site: Site) -> Tensor:
    """Score the classes by a layer like the inner ones, without the methods that act behind a convolution."""
    return g.batch_norm(convolve(g, narrow_features(g, site)))


def _edge_stem(
    g: Builder, style: LayerStyle, backbone: Backbone, dataset: DatasetShape, channels: Dimension
) -> Tensor:
    """First convolution and norm; large images are strided by 7x7 and pooled by 3x3 windows, but for plain networks."""
    large = dataset.large_images and backbone.family != "vgg"
    kernel, stride, padding = (7, 2, 3) if large else (3, 1, 1)
    weight = g.narrow_weight(channels, g.input, kernel, style.edge)
    y = _bent_stem(g, style, g.batch_norm(g.conv(g.input, weight, stride=stride, padding=padding)))
    if not large:
        return y
    window = {"size": 3, "stride": 2, "padding": 1}
    shape = (y.shape[0], (y.shape[1] + 1) // 2, (y.shape[2] + 1) // 2)
    return g.map("max_pool", (y,), shape=shape, attributes=window)


def _binary_stem(
    g: Builder, style: LayerStyle, backbone: Backbone, dataset: DatasetShape, channels: Dimension
) -> Tensor:
    """First convolution, of the image as it is with binary weights (of other operands, at the edge's precision)."""
    if style.operands == BINARY:
        site = style.site(g.input, g.input, channels, 1)
        weight = signed(g, prepared(g, g.binary_weight(channels, g.input, backbone.kernel), site), site)
    else:
        weight = g.narrow_weight(channels, g.input, backbone.kernel, style.edge)
    return _bent_stem(g, style, g.batch_norm(g.conv(g.input, weight, padding=backbone.padding)))


def _bent_stem(g: Builder, style: LayerStyle, y: Tensor) -> Tensor:
    """Apply the activation function of the first layer; networks that are not binary have a ReLU."""
    use = style.composition.first("stem")
    if use:
        bent: Tensor = emit(g, use, y)
        return bent
    return y if style.operands == BINARY else g.relu(y)


def _expanded_stem(
    g: Builder, style: LayerStyle, backbone: Backbone, dataset: DatasetShape, channels: Dimension
) -> Tensor:
    """Expand each colour into several maps, shifted by levels that the sign in front of stage 1 compares with.

    Networks that are not binary read the image itself.
    """
    if style.operands != BINARY:
        return g.input
    levels = g.param("level", (channels,), "C", initial="spread_channels")
    shape = (channels, g.input.shape[1], g.input.shape[2])
    return g.bias(
        g.map(
            "repeat_channels",
            (g.input,),
            shape=shape,
            stored=g.input.precision,
            attributes={"channels": channels},
        ),
        levels,
    )


_STEMS: dict[str, Callable[[Builder, LayerStyle, Backbone, DatasetShape, Dimension], Tensor]] = {
    "edge": _edge_stem,
    "binary": _binary_stem,
    "expanded": _expanded_stem,
}


def _resnet(
    g: Builder, style: LayerStyle, backbone: Backbone, channels: list[Dimension], x: Tensor
) -> Tensor:
    """Stages of residual blocks, then the average over the map; several branches side by side if any."""
    logic = style.composition.first("every_shortcut")
    if logic:
        x = logic_stem(g, style, logic, x)
    use = style.composition.first("branches")
    maps: tuple[Tensor, ...] = (x,) * (int(use.option("count")) if use else 1)
    final = (len(channels), backbone.blocks[-1])
    for stage, (width, blocks) in enumerate(zip(channels, backbone.blocks, strict=True), 1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            with g.layer(f"stage{stage}.block{block}"):
                if logic:
                    last = (stage, block) == final
                    maps = (logic_block(g, style, logic, maps[0], width, stride, last=last),)
                else:
                    maps = _block(g, style, maps, width, stride)
    total = maps[0]
    with g.with_producer(total):
        for other in maps[1:]:
            total = g.add(total, other)
        return g.map("global_average_pool", (total,), shape=(total.shape[0], 1, 1))


def _block(
    g: Builder, style: LayerStyle, maps: tuple[Tensor, ...], width: Dimension, stride: int
) -> tuple[Tensor, ...]:
    if len(maps) == 1:
        return (basic_block(g, style, maps[0], width, stride),)
    use = style.composition.first("branches")
    made = []
    for number, x in enumerate(maps):
        with g.layer(f"branch{number + 1}"), g.origin(use.name if use and number else "base"):
            made.append(basic_block(g, style, x, width, stride))
    with g.layer("mix"):
        return mix(g, style, made)


def _vgg(g: Builder, style: LayerStyle, backbone: Backbone, channels: list[Dimension], x: Tensor) -> Tensor:
    """Stages of plain convolutions, a 2x2 max pool behind the last of each, or of those that `pools` names."""
    pools = backbone.pools or (True,) * len(channels)
    for stage, (width, layers, pool) in enumerate(zip(channels, backbone.blocks, pools, strict=True), 1):
        for number in range(1, layers + 1):
            with g.layer(f"stage{stage}.conv{number}"):
                x = _plain_layer(g, style.site(x, x, width, 1), pool=pool and number == layers)
    return x


def _plain_layer(g: Builder, site: Site, *, pool: bool) -> Tensor:
    """One convolution without a shortcut, with the methods that act round it."""
    site = narrow_features(g, site)
    return activate(g, branch(g, site, pool=pool), site, early=False)


_FAMILIES: dict[str, Callable[[Builder, LayerStyle, Backbone, list[Dimension], Tensor], Tensor]] = {
    "resnet": _resnet,
    "vgg": _vgg,
}
