"""Build the network of a design: stem, stages, head, classifier, and ensembles of whole networks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

import costmodel.networks.gated_blocks  # noqa: F401  fills the table of blocks
from costmodel.builder import Builder
from costmodel.designs.backbone import Backbone, Stage, entering, made_by
from costmodel.designs.blocks import BLOCKS
from costmodel.designs.catalogue import DatasetShape
from costmodel.designs.key import DesignKey, require_key
from costmodel.designs.network_files import NETWORKS, backbone_of
from costmodel.designs.settings import WIDTHS, image_of
from costmodel.errors import SHOWN, BnncostError, by_closeness
from costmodel.graph import Network, Precision, Tensor, precision
from costmodel.methods import MethodUse
from costmodel.methods.site import Composition, emit
from costmodel.networks.blocks import MAKERS, Block, mix
from costmodel.networks.layers import Widths, add_layers, classifier
from costmodel.networks.logic import logic_block, logic_stem
from costmodel.networks.style import LayerStyle
from costmodel.operations.convolution import taps
from costmodel.operations.window import pair_in


def build(key: DesignKey, widths: float | np.ndarray | None = None, side: int | None = None) -> Network:
    """Build a design's network, at another width than its own with `widths`; an array of them makes one of channels.

    With `side` it takes square images of so many pixels instead of the data set's. Raises BnncostError where a method
    has no place in the network or no channel would be left.
    """
    require_key(key)
    backbone, dataset = backbone_of(key.network), key.shape
    if side is not None:
        dataset = replace(dataset, image=image_of(f"design '{key}'", (dataset.image[0], side, side)))
    composition = Composition(key.methods)
    check_places(key)
    factor = key.width if widths is None else _checked_width(key, widths)
    widths_of = Widths(factor, backbone.multiple_of)
    image = Precision("integer", 8) if precision(key.edge).kind == "integer" else precision(key.edge)
    g = Builder(str(key), dataset.image, image, precision(key.features))
    style = LayerStyle(
        composition,
        precision(key.compute),
        precision(key.edge),
        _PADS_WITH[key.padding],
        MethodUse.parse(backbone.downsample),
    )
    ensemble = composition.first("ensemble")
    if ensemble is None:
        return _checked(g.finish(_network(g, style, backbone, dataset, widths_of)))
    outputs = []
    for number in range(int(ensemble.option("count"))):
        with g.layer(f"net{number + 1}"), g.origin(ensemble.name if number else "base"):
            outputs.append(_network(g, style, backbone, dataset, widths_of))
    with g.layer("vote"):
        return _checked(g.finish(emit(g, ensemble, tuple(outputs))))


ANY_MAP_DILATION = 32
"""Taps may lie so far apart on any map, as those of DeepLab do on small ones."""


def _checked(network: Network) -> Network:
    """Refuse taps that lie far beyond their map: what pads it, in training and export, would be many times its size."""
    for op in network.ops:
        far = op.kind == "conv" and max(pair_in(op.attributes, "dilation")) > ANY_MAP_DILATION
        for axis in taps(op) if far else ():
            if axis.kernel > 1 and axis.dilation > max(axis.length, ANY_MAP_DILATION):
                raise BnncostError(
                    f"design '{network.name}': {op.layer}: the taps of its kernel lie {axis.dilation} apart on a map "
                    f"of {axis.length}; a dilation of more than {ANY_MAP_DILATION} is at most a side of the map."
                )
    return network


_PADS_WITH = {"one": 1, "zero": 0, "replicate": None}
_NEED_BITS = ("before_sign", "features", "weight", "weight_bases", "every_shortcut")


def check_places(key: DesignKey) -> None:
    """Raise BnncostError where a method has no place in the design's network or at its precision."""
    backbone = backbone_of(key.network)
    for use in key.methods:
        if not backbone.offers(use.method.hook):
            able = [name for name, network in NETWORKS.items() if network.offers(use.method.hook)]
            raise BnncostError(
                f"design '{key}': '{use.name}' has no place in {key.network}, which has no "
                f"{backbone.lacks(use.method.hook)}. Networks that have one: "
                f"{', '.join(by_closeness(key.network, able)[:SHOWN])}."
            )
        if key.compute != "binary" and use.method.hook in _NEED_BITS:
            raise BnncostError(
                f"design '{key}': '{use.name}' needs binary operands, not compute={key.compute}."
            )


def _checked_width(key: DesignKey, widths: float | np.ndarray) -> float | np.ndarray:
    """Widths as doubles, whose channels do not wrap; refuses those that `@w` does not take."""
    (low, high), asked = WIDTHS, np.asarray(widths)
    if asked.dtype.kind not in "fiu" or not np.all((asked >= low) & (asked <= high)):
        raise BnncostError(
            f"design '{key}': channels times {widths} are asked for, but the factor must lie from {low:g} to {high:g}."
        )
    return asked.astype(np.float64) if asked.ndim else float(asked)


def _network(
    g: Builder, style: LayerStyle, backbone: Backbone, dataset: DatasetShape, widths: Widths
) -> Tensor:
    large = dataset.large_images and backbone.large_stem is not None
    stem = backbone.large_stem if large else backbone.stem
    x = add_layers(g, style, stem or (), g.input, widths, "stem")
    x = _stages(g, style, backbone, x, widths, entering(backbone, stem or ()))
    x = add_layers(g, style, backbone.head, x, widths, "head")
    head = style.composition.first("head")
    if head:
        with g.with_producer(x):
            x = emit(g, head, x)
    return classifier(g, style, backbone.classifier, x, dataset.classes)


def _stages(
    g: Builder, style: LayerStyle, backbone: Backbone, x: Tensor, widths: Widths, inputs: list[int | None]
) -> Tensor:
    """Stages of blocks; several branches side by side if any, whose results are added up in the end.

    `inputs` are the channels that come into each stage at width 1.
    """
    logic = style.composition.first("every_shortcut")
    if logic:
        x = logic_stem(g, style, logic, x)
    use = style.composition.first("branches")
    maps: tuple[Tensor, ...] = (x,) * (int(use.option("count")) if use else 1)
    final = (len(backbone.stages), backbone.stages[-1].blocks)
    dense = built = 0
    for number, stage in enumerate(backbone.stages, 1):
        inner = replace(style, kernel=stage.kernel, padding=stage.pad, dilation=stage.dilation)
        maps = tuple(
            add_layers(g, style, stage.before, one, widths, f"stage{number}.transition") for one in maps
        )
        called = BLOCKS[stage.block].called
        for place in range(1, stage.blocks + 1):
            built += 1
            block = _block(stage, place, widths, inputs[number - 1], built)
            dense += called == "dense"
            with g.layer(f"dense{dense}" if called == "dense" else f"stage{number}.{called}{place}"):
                if logic:
                    last = (number, place) == final
                    maps = (logic_block(g, inner, logic, maps[0], block.channels, block.stride, last=last),)
                else:
                    maps = _blocks(g, inner, stage.block, maps, block)
    total = maps[0]
    with g.with_producer(total):
        for other in maps[1:]:
            total = g.add(total, other)
    return total


def _block(stage: Stage, place: int, widths: Widths, before: int | None, number: int) -> Block:
    """Describe the block at a place of its stage, into which so many channels come at width 1."""
    first = place == 1
    before = before or stage.channels if first else made_by(stage)
    pool = None
    if stage.pool and place == stage.blocks:
        pool = (stage.pool.size, stage.pool.stride or stage.pool.size)
    channels, behind = widths.of(stage.channels), widths.of(made_by(stage))
    share = Fraction(stage.channels, before)
    return Block(channels, behind, stage.stride if first else 1, share, number, stage.expansion, pool)


def _blocks(
    g: Builder, style: LayerStyle, kind: str, maps: tuple[Tensor, ...], block: Block
) -> tuple[Tensor, ...]:
    """Build one block, or a copy of it for each branch."""
    make = MAKERS[kind]
    if len(maps) == 1:
        return (make(g, style, maps[0], block),)
    use = style.composition.first("branches")
    made = []
    for number, x in enumerate(maps):
        with g.layer(f"branch{number + 1}"), g.origin(use.name if use and number else "base"):
            made.append(make(g, style, x, block))
    with g.layer("mix"):
        return mix(g, style, made)
