"""Build the network of a design: stem, inner layers, classifier, and ensembles of whole networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from costmodel.builder import Builder
from costmodel.catalogue import DATASETS, NETWORKS, Backbone, Dataset
from costmodel.design import DesignKey
from costmodel.errors import BnncostError, by_closeness
from costmodel.graph import Dimension, Network, Precision, Tensor, precision
from costmodel.methods import MethodUse
from costmodel.methods.site import Composition, chain, emit
from costmodel.networks.blocks import Plan, activate, basic_block, mix, unit


def build(key: DesignKey, widths: np.ndarray | None = None) -> Network:
    """Build a design's network; with `widths`, one network that carries an array of channel counts.

    Raises BnncostError where a method has no place in the network or no channel would be left.
    """
    backbone, dataset = NETWORKS[key.network], DATASETS[key.dataset]
    composition = Composition(key.methods)
    _check_places(key, backbone)
    factor = _width(composition, key.width if widths is None else widths)
    image = Precision("integer", 8) if precision(key.edge).kind == "integer" else precision(key.edge)
    g = Builder(str(key), dataset.image, image, precision(key.features))
    plan = Plan(
        composition,
        precision(key.compute),
        precision(key.edge),
        1 if key.padding == "one" else 0,
        MethodUse.parse(backbone.downsample or "option_a_shortcut"),
    )
    ensemble = composition.first("ensemble")
    if ensemble is None:
        return g.finish(_network(g, plan, backbone, dataset, factor, precision(key.edge)))
    outputs = []
    for number in range(int(ensemble.option("count"))):
        with g.layer(f"net{number + 1}"), g.origin(ensemble.name if number else "base"):
            outputs.append(_network(g, plan, backbone, dataset, factor, precision(key.edge)))
    with g.layer("vote"):
        return g.finish(emit(g, ensemble, tuple(outputs)))


_NEED_BITS = ("before_sign", "features", "weight", "weight_bases", "every_shortcut")


def _check_places(key: DesignKey, backbone: Backbone) -> None:
    for use in key.methods:
        if not backbone.offers(use.method.hook):
            able = by_closeness(
                key.network, [name for name, net in NETWORKS.items() if net.offers(use.method.hook)]
            )
            raise BnncostError(
                f"design '{key}': '{use.name}' has no place in {key.network}, which has no shortcuts. "
                f"Networks that have one: {', '.join(able)}."
            )
        if key.compute != "binary" and use.method.hook in _NEED_BITS:
            raise BnncostError(
                f"design '{key}': '{use.name}' needs binary operands, not compute={key.compute}."
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
    g: Builder, plan: Plan, backbone: Backbone, dataset: Dataset, factor: float | np.ndarray, edge: Precision
) -> Tensor:
    channels = [scaled(count, factor) for count in backbone.channels]
    with g.layer("stem"):
        x = _stem(g, plan, dataset, channels[0], edge, small=backbone.family == "vgg")
    x = _FAMILIES[backbone.family](g, plan, backbone, channels, x)
    with g.layer("classifier"):
        return g.linear(g.quantize(x, edge), dataset.classes, weight=edge)


def _stem(
    g: Builder, plan: Plan, dataset: Dataset, channels: Dimension, edge: Precision, *, small: bool
) -> Tensor:
    """First convolution and norm; large images are strided by 7x7 and pooled by 3x3 windows."""
    large = dataset.large_images and not small
    kernel, stride, padding = (7, 2, 3) if large else (3, 1, 1)
    weight = g.narrow_weight(channels, g.input, kernel, edge)
    y = g.batch_norm(g.conv(g.input, weight, stride=stride, padding=padding))
    if plan.operands.kind != "binary":
        y = g.relu(y)
    if not large:
        return y
    window = {"size": 3, "stride": 2, "padding": 1}
    shape = (y.shape[0], (y.shape[1] + 1) // 2, (y.shape[2] + 1) // 2)
    return g.map("max_pool", (y,), shape=shape, attributes=window)


def _resnet(g: Builder, plan: Plan, backbone: Backbone, channels: list[Dimension], x: Tensor) -> Tensor:
    """Stages of residual blocks, then the average over the map; several branches side by side if asked."""
    use = plan.composition.first("branches")
    maps: tuple[Tensor, ...] = (x,) * (int(use.option("count")) if use else 1)
    for stage, (width, blocks) in enumerate(zip(channels, backbone.blocks, strict=True), 1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            with g.layer(f"stage{stage}.block{block}"):
                maps = _block(g, plan, maps, width, stride)
    last = maps[0]
    with g.with_producer(last):
        for other in maps[1:]:
            last = g.add(last, other)
        return g.map("global_average_pool", (last,), shape=(last.shape[0], 1, 1))


def _block(
    g: Builder, plan: Plan, maps: tuple[Tensor, ...], width: Dimension, stride: int
) -> tuple[Tensor, ...]:
    if len(maps) == 1:
        return (basic_block(g, plan, maps[0], width, stride),)
    use = plan.composition.first("branches")
    made = []
    for number, x in enumerate(maps):
        with g.layer(f"branch{number + 1}"), g.origin(use.name if use and number else "base"):
            made.append(basic_block(g, plan, x, width, stride))
    with g.layer("mix"):
        return mix(g, plan, made)


def _vgg(g: Builder, plan: Plan, backbone: Backbone, channels: list[Dimension], x: Tensor) -> Tensor:
    """Stages of plain convolutions, the last of each followed by a 2x2 max pool."""
    for stage, (width, layers) in enumerate(zip(channels, backbone.blocks, strict=True), 1):
        for number in range(1, layers + 1):
            with g.layer(f"stage{stage}.conv{number}"):
                site = plan.site(x, x, width, 1)
                y = chain(g, "gate", unit(g, site, pool=number == layers), site)
                x = activate(g, activate(g, y, site, early=True), site, early=False)
    return x


_FAMILIES: dict[str, Callable[[Builder, Plan, Backbone, list[Dimension], Tensor], Tensor]] = {
    "resnet": _resnet,
    "vgg": _vgg,
}
