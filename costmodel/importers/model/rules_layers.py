"""Layers of MACs, norms and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from costmodel.graph import BINARY, Param, Precision, Tensor
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.values import Map, Mean, NotRead, Value
from costmodel.importers.model.views import View, in_map_order
from costmodel.importers.model.weights import TOLERANCE, FoundWeights, found
from costmodel.operations.window import around as around_of
from costmodel.operations.window import axes_of, same_padding

Sides = tuple[int, int, int, int]

# ------------------------------------------------------------------ convolution


@reads("Conv")
def conv(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Convolve; weights and features are bits where their values say so."""
    x, weight, bias = (*inputs, None)[:3]
    if not isinstance(weight, np.ndarray):
        raise NotRead("weights that are computed from the image")
    if weight.ndim != 4:
        raise NotRead(f"a kernel of shape {'x'.join(map(str, weight.shape[2:]))}")
    made = r.averaged(r.map_of(x))
    slide = _slide(node, (weight.shape[2], weight.shape[3]))
    groups = int(node.attributes.get("group", 1))
    made, around = _merged_padding(r, made, _pads(node, made, slide))
    layer = r.new_layer(_layer_name(node))
    offset = None if bias is None else np.asarray(bias, np.float64)
    return convolved(r, layer, made, weight, slide, around, groups, offset)


def _layer_name(node: Node) -> str:
    return node.place or node.kind.lower()


class Slide(NamedTuple):
    """How a window moves over a map: its size, its stride and the distance of its taps, for rows and columns."""

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)


def _slide(node: Node, kernel: Sequence[int]) -> Slide:
    stride, dilation = (tuple(node.attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
    if not len(kernel) == len(stride) == len(dilation) == 2:
        raise NotRead(f"windows along {len(kernel)} axes")
    return Slide(*((int(side[0]), int(side[1])) for side in (kernel, stride, dilation)))


def _pads(node: Node, x: Map, slide: Slide) -> Sides:
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


def _merged_padding(r: Reading, x: Map, pads: Sides) -> tuple[Map, Around]:
    """One padding with one value, of a pad before the layer and of its own."""
    given = x.padding
    if given is not None and any(pads) and (given.value != 0 or given.replicate):
        x, given = Map(r.plain(x)), None
    inner = (given.above, given.below, given.left, given.right) if given else (0, 0, 0, 0)
    above, below, left, right = (a + b for a, b in zip(pads, inner, strict=True))
    value, replicate = (given.value, given.replicate) if given else (0.0, False)
    return replace(x, padding=None), Around((above, below, left, right), value, replicate)


def convolved(
    r: Reading,
    layer: str,
    x: Map,
    weight: np.ndarray,
    slide: Slide,
    around: Around,
    groups: int,
    bias: np.ndarray | None = None,
) -> Map:
    """Convolve a map; factors of bits and of binary weights go behind the layer."""
    if len(x.view.axes) != 4 or any(
        axis and axis != x.view.stored[n] for n, axis in enumerate(x.view.axes[1:])
    ):
        raise NotRead("a convolution of a tensor that is no (N, C, H, W) map")
    kind = found(weight, r.widths.edge)
    if x.is_bits and kind.precision == BINARY and x.factor.size == x.offset.size == 1:
        inner = around._replace(
            value=(around.value - float(x.offset)) / float(x.factor) if any(around.sides) else 0.0
        )
        if around.replicate or np.isclose(inner.value, round(inner.value)):
            return _of_bits(r, layer, x, replace(kind, source=weight), slide, inner, groups, bias)
    factor = x.factor if x.factor.size == 1 and np.all(x.offset == 0) else None
    view = x.view if factor is not None else r.plain(x)
    pad = around.value / float(factor) if factor is not None else around.value
    if any(around.sides) and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {around.value:g}")
    tensor = narrow(r, view.tensor, kind.precision)
    with r.g.layer(layer):
        made = r.g.conv(
            tensor, stored_weight(r, kind, weight), stride=slide.stride, padding=around.sides, dilation=slide.dilation,
            pad_value=round(pad), groups=groups, replicate=around.replicate,
        )  # fmt: skip
    result = _behind(r, Map(r.view(r.note_layer(made, (tensor,), layer), 4)), kind)
    if np.any(kind.centre != 0):
        raise NotRead("binary weights with a centre on features that are not bits")
    return _offset(r, result if factor is None else result.times(float(factor)), bias)


def _offset(r: Reading, result: Map, bias: np.ndarray | None) -> Map:
    """Add a bias per channel; of one that is zero, nothing."""
    if bias is None or not np.any(bias):
        return result
    return r.map_of(shifted(r, result, bias.reshape(-1, 1, 1)))


def _of_bits(
    r: Reading,
    layer: str,
    x: Map,
    kind: FoundWeights,
    slide: Slide,
    around: Around,
    groups: int,
    bias: np.ndarray | None = None,
) -> Map:
    """Convolve bits with bits."""
    if np.any(kind.centre != 0):
        raise NotRead("binary weights with a centre, which are not split into bits and a sum")
    with r.g.layer(layer):
        weight = stored_weight(r, kind, kind.source)
        made = r.g.conv(
            x.tensor, weight, stride=slide.stride, padding=around.sides, dilation=slide.dilation,
            pad_value=round(around.value), groups=groups, replicate=around.replicate,
        )  # fmt: skip
    result = _behind(r, Map(r.view(r.note_layer(made, (x.tensor,), layer), 4)), kind)
    result = result.times(float(x.factor))
    total = np.zeros(len(kind.values)) if bias is None else bias
    if np.any(x.offset != 0):
        sums = (kind.values * kind.factor.reshape(-1, 1, 1, 1)).reshape(len(kind.values), -1).sum(axis=1)
        total = total + float(x.offset) * sums
        total = np.where(np.abs(total) <= TOLERANCE * np.abs(sums).max(), 0, total)
    return _offset(r, result, total)


def stored_weight(r: Reading, kind: FoundWeights, source: np.ndarray | None = None) -> Param:
    """Declare weights in the current layer, or hand out those that were declared of the same array."""
    axes = "OIKK" if kind.values.ndim == 4 else "OI"
    if source is None:
        return r.param("weight", axes, kind.values, stored=kind.precision)
    if id(source) not in r.weights:
        r.weights[id(source)] = (r.param("weight", axes, kind.values, stored=kind.precision), source)
    return r.weights[id(source)][0]


def _behind(r: Reading, result: Map, kind: FoundWeights) -> Map:
    """The factors of the filters, behind the layer: one number waits, several are a scale."""
    if not kind.scaled:
        return result
    if np.all(kind.factor == kind.factor[0]):
        return result.times(float(kind.factor[0]))
    made = scaled(r, result, kind.factor.reshape(-1, 1, 1))
    assert isinstance(made, Map)
    return made


def narrow(r: Reading, x: Tensor, weight: Precision) -> Tensor:
    """Features of a layer whose weights are no bits: as a quantizer left them, else at the width of the edge."""
    wanted = r.widths.edge
    if wanted.kind == "float" or x.precision.kind == "float" or x is r.g.input:
        return x
    if x.precision.bits <= wanted.bits:
        return x
    tensor = r.emit("quantize", (x,), stored=wanted, attributes={"bits": wanted.bits})
    r.narrowed.append(r.layer_of(x))
    return tensor


# ------------------------------------------------------------------ fully connected


@reads("Gemm")
def gemm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply with a matrix of constants and add a bias."""
    x, weight, bias = (*inputs, None)[:3]
    attributes = node.attributes
    if not isinstance(weight, np.ndarray) or attributes.get("transA", 0):
        raise NotRead("a matrix that is computed from the image")
    matrix = weight if attributes.get("transB", 0) else weight.T
    matrix = matrix * attributes.get("alpha", 1.0)
    offset = None if bias is None else np.asarray(bias) * attributes.get("beta", 1.0)
    return connected(r, node, r.map_of(x), matrix, offset)


@reads("MatMul")
def matmul(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply with a matrix of constants, or two maps."""
    left, right = inputs
    if isinstance(right, np.ndarray) and right.ndim == 2:
        return connected(r, node, r.map_of(left), right.T, None)
    raise NotRead("a product of two maps that are computed from the image")


def connected(r: Reading, node: Node, x: Map, matrix: np.ndarray, bias: np.ndarray | None) -> Value:
    """A fully connected layer of a vector, or the same one at every position: a 1x1 convolution."""
    if x.padding is not None:
        x = Map(r.plain(x))
    last = x.view.axes[-1]
    if matrix.shape[1] != x.view.shape[-1]:
        raise NotRead(f"a matrix of {matrix.shape[1]} columns meets {x.view.shape[-1]} features")
    others = [factor for axis in x.view.axes[:-1] for factor in axis]
    layer = r.new_layer(_layer_name(node))
    if others:
        if last != x.view.stored[0]:
            raise NotRead("a matrix product over an axis that is not the one of channels")
        return _at_positions(r, layer, x, matrix, bias)
    columns = _columns_in_map_order(x.view, matrix)
    kind = found(columns, r.widths.edge)
    rank = len(x.view.axes)
    if (
        x.is_bits
        and kind.precision == BINARY
        and x.tensor.shape[1] == x.tensor.shape[2]
        and x.factor.size == 1
    ):
        side = int(x.tensor.shape[1])
        cube = replace(kind, values=kind.values.reshape(len(columns), -1, side, side))
        bits = Map(r.view(x.tensor, 4)).times(x.factor, x.offset)
        made = _of_bits(
            r, layer, bits, cube, Slide((side, side)), Around(), 1, None if bias is None else bias.reshape(-1)
        )
        return replace(made, view=r.view(made.tensor, rank))
    factor = float(x.factor) if x.factor.size == 1 and np.all(x.offset == 0) and bias is None else None
    view = x.view if factor is not None else r.plain(x)
    return _linear(r, layer, view, kind, bias, rank, factor)


def _linear(
    r: Reading,
    layer: str,
    view: View,
    kind: FoundWeights,
    bias: np.ndarray | None,
    rank: int,
    factor: float | None,
) -> Value:
    tensor = narrow(r, view.tensor, kind.precision)
    exact = replace(kind, values=kind.values * kind.factor[:, None] + kind.centre[:, None])
    with r.g.layer(layer):
        params: tuple[Param, ...] = (stored_weight(r, exact),)
        if bias is not None:
            params += (r.param("bias", "C", np.broadcast_to(bias.reshape(-1), (len(exact.values),))),)
        wide = tensor.precision if tensor.precision.kind == "float" else Precision("integer", 32)
        made = r.g.map("linear", (tensor,), shape=(len(exact.values), 1, 1), stored=wide, params=params)
    result = Map(r.view(r.note_layer(made, (tensor,), layer), rank))
    return result if factor is None else result.times(factor)


def _columns_in_map_order(view: View, matrix: np.ndarray) -> np.ndarray:
    """Reorder a matrix's columns from the order in which the tool flattens a map to that of (C, H, W)."""
    shape = (1,) * (len(view.axes) - 1) + (matrix.shape[1],)
    order = in_map_order(view, np.arange(matrix.shape[1]).reshape(shape), (0, 1, 2)).reshape(-1)
    return matrix[:, order]


def _at_positions(r: Reading, layer: str, x: Map, matrix: np.ndarray, bias: np.ndarray | None) -> Value:
    flat = Map(r.view(x.tensor, 4)).times(x.factor, x.offset)
    made = convolved(r, layer, flat, matrix[:, :, None, None], Slide(), Around(), 1)
    view = made.view
    channels = view.stored[0]
    axes = (*x.view.axes[:-1], channels)
    stored = (channels, x.view.stored[1], x.view.stored[2])
    result: Value = replace(made, view=View(made.tensor, stored, axes))
    return result if bias is None else shifted(r, result, bias)


# ------------------------------------------------------------------ norms


@reads("BatchNormalization")
def batch_norm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A factor and an offset per channel."""
    x, *statistics = inputs[:5]
    if not all(isinstance(one, np.ndarray) for one in statistics):
        raise NotRead("statistics that are computed from the image")
    gamma, beta, mean, variance = (np.asarray(one, np.float64) for one in statistics)
    factor = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    made = r.map_of(x)
    shape = (-1, *[1] * (len(made.view.axes) - 2))
    if made.padding is None and not made.is_bits:
        made = Map(r.plain(made)) if made.factor.size > 1 else made
    scaled_map = scaled(r, made, factor.reshape(shape))
    return shifted(r, scaled_map, (beta - mean * factor).reshape(shape))


# ------------------------------------------------------------------ pools


def _window(r: Reading, node: Node, x: Map) -> tuple[Map, Slide, Around]:
    slide = _slide(node, node.attributes["kernel_shape"])
    pads = _pads(node, x, slide)
    if node.attributes.get("ceil_mode", 0):
        axes = axes_of((x.shape[-2], x.shape[-1]), slide.kernel, slide.stride, pads, slide.dilation)
        if any((axis.length + axis.before + axis.after - axis.reach) % axis.stride for axis in axes):
            raise NotRead("a pool whose last windows reach over the border (ceil_mode)")
    made, around = _merged_padding(r, x, pads)
    return made, slide, around


def _pool(
    r: Reading, kind: str, source: Tensor, slide: Slide, around: Around, *, pad_value: int | None = None,
    stored: Precision | None = None,
) -> Tensor:  # fmt: skip
    """Emit an operation on windows in the layer that makes the map."""
    layer = r.home((source,))
    with r.g.layer(layer):
        made = r.g.window(
            kind, source, slide.kernel, stride=slide.stride, padding=around.sides, dilation=slide.dilation,
            pad_value=pad_value, replicate=around.replicate, stored=stored,
        )  # fmt: skip
    return r.note_layer(made, (source,), layer)


@reads("MaxPool")
def max_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Keep the largest of each window; a positive factor commutes."""
    made = r.map_of(inputs[0])
    if (
        made.padding is not None
        or not np.all(made.factor > 0)
        or made.factor.size > 1
        or made.offset.size > 1
    ):
        made = Map(r.plain(made))
    made, slide, around = _window(r, node, made)
    tensor = _pool(r, "max_pool", made.tensor, slide, around, stored=made.tensor.precision)
    return Map(r.view(tensor, len(made.view.axes))).times(made.factor, made.offset)


@reads("AveragePool")
def average_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average windows: a sum, and a division that what follows may undo."""
    made = r.map_of(inputs[0])
    if (made.is_bits and not np.all(made.offset == 0)) or made.factor.size > 1:
        made = Map(r.plain(made))
    counted = bool(node.attributes.get("count_include_pad", 0))
    made, slide, around = _window(r, node, made)
    if slide.kernel == made.shape[-2:] and not any(around.sides):
        return _global(r, inputs[0])
    if any(node.attributes.get("pads", (0,))) and not counted:
        raise NotRead("an average that leaves padded positions out")
    source, factor = made.tensor, float(made.factor)
    pad = around.value / factor
    if any(around.sides) and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {around.value:g}")
    size = slide.kernel[0] * slide.kernel[1]
    summed = _pool(r, "box_sum", source, slide, around, pad_value=round(pad))
    mean = None
    if not pad and not around.replicate:
        mean = Mean(size, lambda: _pool(r, "average_pool", source, slide, around))
    result = Map(r.view(summed, len(made.view.axes))).times(factor / size)
    return replace(result, mean=mean) if factor == 1 else result


@reads("GlobalAveragePool")
def global_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average each channel over its map."""
    return _global(r, inputs[0])


def _global(r: Reading, value: Value) -> Map:
    view = r.plain(value)
    tensor = r.emit("global_average_pool", (view.tensor,), shape=(int(view.tensor.shape[0]), 1, 1))
    return Map(r.view(tensor, len(view.axes)))
