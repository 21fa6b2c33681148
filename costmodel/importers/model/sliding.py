"""How windows slide over a map and what stands round it; and what the centres of two-valued weights bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from costmodel.graph import BINARY, Tensor
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.values import Map, NotRead
from costmodel.importers.model.weights import FoundWeights
from costmodel.operations.window import around as around_of
from costmodel.operations.window import same_padding

Sides = tuple[int, int, int, int]


class Slide(NamedTuple):
    """How a window moves over a map: its size, its stride and the distance of its taps, for rows and columns."""

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)


def slide_of(node: Node, kernel: Sequence[int]) -> Slide:
    """How the windows of a layer or a pool move."""
    stride, dilation = (tuple(node.attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
    if not len(kernel) == len(stride) == len(dilation) == 2:
        raise NotRead(f"windows along {len(kernel)} axes")
    return Slide(*((int(side[0]), int(side[1])) for side in (kernel, stride, dilation)))


def pads_of(node: Node, x: Map, slide: Slide) -> Sides:
    """Padding above, below, on the left and on the right."""
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        above, below, left, right = around_of(same_padding(x.shape[-2:], *slide))  # type: ignore[arg-type]
        return (above, below, left, right) if auto == "SAME_UPPER" else (below, above, right, left)
    above, left, below, right = node.attributes.get("pads", (0, 0, 0, 0)) if auto != "VALID" else (0, 0, 0, 0)
    return int(above), int(below), int(left), int(right)


class Around(NamedTuple):
    """Padding of a layer: positions above, below, left and right, and what they hold; or they repeat the border."""

    sides: Sides = (0, 0, 0, 0)
    value: float = 0.0
    replicate: bool = False


def merged_padding(r: Reading, x: Map, pads: Sides) -> tuple[Map, Around]:
    """One padding with one value, of a pad before the layer and of its own."""
    given = x.padding
    if given is not None and any(pads) and (given.value != 0 or given.replicate):
        x, given = Map(r.plain(x)), None
    inner = (given.above, given.below, given.left, given.right) if given else (0, 0, 0, 0)
    above, below, left, right = (a + b for a, b in zip(pads, inner, strict=True))
    value, replicate = (given.value, given.replicate) if given else (0.0, False)
    if not np.isfinite(value):
        raise NotRead(f"padding with {value:g} in front of what computes sums")
    return replace(x, padding=None), Around((above, below, left, right), value, replicate)


def whole(number: float) -> float:
    """A number as an integer, where it is one but for rounding."""
    return round(number) if np.isclose(number, round(number)) else number


def with_centre(
    r: Reading,
    layer: str,
    x: Tensor,
    made: Map,
    kind: FoundWeights,
    slide: Slide,
    around: Around,
    groups: int,
) -> Map:
    """Add what the centre of each filter's weights brings: the sum of the features under each window (AdaBin).

    What padding brings is a constant of each border position, and a part of the correction there.
    """
    if groups > 1:
        raise NotRead("binary weights with a centre in groups")
    channels, height, width = (int(side) for side in x.shape)
    kind_of_sum = "channel_sum" if x.precision == BINARY else "axis_sum"
    over = {} if x.precision == BINARY else {"over": "C"}
    ones = r.emit(kind_of_sum, (x,), shape=(1, height, width), attributes=over, layer=layer)
    with r.g.layer(layer):
        summed = r.g.window(
            "box_sum", ones, slide.kernel, stride=slide.stride, padding=around.sides, dilation=slide.dilation,
            pad_value=whole(around.value * channels), replicate=around.replicate,
        )  # fmt: skip
    r.note_layer(summed, (ones,), layer)
    ratio, (_, rows, columns) = kind.centre / kind.factor, made.tensor.shape
    alike = bool(np.all(ratio == ratio[0]))  # one product for all filters
    spread = r.emit(
        "scale", (summed,), shape=(1 if alike else len(ratio), int(rows), int(columns)), layer=layer,
        constants=(("centre", "", ratio[0]) if alike else ("centre", "C", ratio),),
    )  # fmt: skip
    return Map(made.view.with_tensor(r.emit("add", (made.tensor, spread), layer=layer)))
