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
from costmodel.importers.model.values import Map, Mean, NotRead, Padding, Value
from costmodel.importers.model.views import View, in_map_order
from costmodel.importers.model.weights import TOLERANCE, FoundWeights, found

# ------------------------------------------------------------------ convolution


@reads("Conv")
def conv(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Convolve; weights and features are bits where their values say so."""
    x, weight, bias = (*inputs, None)[:3]
    if not isinstance(weight, np.ndarray):
        raise NotRead("weights that are computed from the image")
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3]:
        raise NotRead(f"a kernel of shape {'x'.join(map(str, weight.shape[2:]))}")
    made = r.map_of(x)
    stride = _one(node.attributes.get("strides", (1, 1)), "strides")
    if _one(node.attributes.get("dilations", (1, 1)), "dilations") != 1:
        raise NotRead("a dilated convolution")
    groups = int(node.attributes.get("group", 1))
    pads = _pads(node, made, weight.shape[2], stride)
    made, around = _merged_padding(r, made, pads)
    layer = r.new_layer(_layer_name(node))
    offset = None if bias is None else np.asarray(bias, np.float64)
    return convolved(r, layer, made, weight, stride, around, groups, offset)


def _layer_name(node: Node) -> str:
    return node.place or node.kind.lower()


def _one(sides: Sequence[int], what: str) -> int:
    if len(set(sides)) != 1:
        raise NotRead(f"{what} of {'x'.join(map(str, sides))}")
    return int(sides[0])


def _pads(node: Node, x: Map, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Padding above, left, below and right."""
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
        small = [total // 2 for total in totals]
        large = [total - half for total, half in zip(totals, small, strict=True)]
        first, last = (small, large) if auto == "SAME_UPPER" else (large, small)
        return (*first, *last)
    pads = node.attributes.get("pads", (0, 0, 0, 0)) if auto != "VALID" else (0, 0, 0, 0)
    above, left, below, right = (int(side) for side in pads)
    return above, left, below, right


class Around(NamedTuple):
    """Padding of a layer: positions on each side, and what they hold, or that they repeat the border."""

    width: int = 0
    value: float = 0.0
    replicate: bool = False


def _merged_padding(r: Reading, x: Map, pads: tuple[int, int, int, int]) -> tuple[Map, Around]:
    """One symmetric padding with one value, of a pad before the layer and of its own."""
    given = x.padding
    if given is not None and any(pads) and (given.value != 0 or given.replicate):
        x, given = Map(r.plain(x)), None
    inner = (given.above, given.left, given.below, given.right) if given else (0, 0, 0, 0)
    above, left, below, right = (a + b for a, b in zip(pads, inner, strict=True))
    value, replicate = (given.value, given.replicate) if given else (0.0, False)
    if len({above, left, below, right}) > 1:
        return Map(r.plain(replace(x, padding=Padding(above, left, below, right, value, replicate)))), Around()
    return replace(x, padding=None), Around(above, value, replicate)


def convolved(
    r: Reading, layer: str, x: Map, weight: np.ndarray, stride: int, around: Around, groups: int,
    bias: np.ndarray | None = None,
) -> Map:
    """Convolve a map; factors of bits and of binary weights go behind the layer."""
    if len(x.view.axes) != 4 or any(
        axis and axis != x.view.stored[n] for n, axis in enumerate(x.view.axes[1:])
    ):
        raise NotRead("a convolution of a tensor that is no (N, C, H, W) map")
    kind = found(weight, r.widths.edge)
    if x.is_bits and kind.precision == BINARY and x.factor.size == x.offset.size == 1:
        inner = around._replace(value=(around.value - float(x.offset)) / float(x.factor) if around.width else 0.0)
        if around.replicate or np.isclose(inner.value, round(inner.value)):
            return _of_bits(r, layer, x, kind, stride, inner, groups, bias)
    factor = x.factor if x.factor.size == 1 and np.all(x.offset == 0) else None
    view = x.view if factor is not None else r.plain(x)
    pad = around.value / float(factor) if factor is not None else around.value
    if around.width and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {around.value:g}")
    tensor = narrow(r, view.tensor, kind.precision)
    with r.g.layer(layer):
        made = r.g.conv(
            tensor, stored_weight(r, kind), stride=stride, padding=around.width, pad_value=round(pad), groups=groups,
            replicate=around.replicate,
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
    r: Reading, layer: str, x: Map, kind: FoundWeights, stride: int, around: Around, groups: int,
    bias: np.ndarray | None = None,
) -> Map:
    """Convolve bits with bits."""
    if np.any(kind.centre != 0):
        raise NotRead("binary weights with a centre, which are not split into bits and a sum")
    with r.g.layer(layer):
        weight = stored_weight(r, kind)
        made = r.g.conv(
            x.tensor, weight, stride=stride, padding=around.width, pad_value=round(around.value), groups=groups,
            replicate=around.replicate,
        )  # fmt: skip
    result = _behind(r, Map(r.view(r.note_layer(made, (x.tensor,), layer), 4)), kind)
    result = result.times(float(x.factor))
    total = np.zeros(len(kind.values)) if bias is None else bias
    if np.any(x.offset != 0):
        sums = (kind.values * kind.factor.reshape(-1, 1, 1, 1)).reshape(len(kind.values), -1).sum(axis=1)
        total = total + float(x.offset) * sums
        total = np.where(np.abs(total) <= TOLERANCE * np.abs(sums).max(), 0, total)
    return _offset(r, result, total)


def stored_weight(r: Reading, kind: FoundWeights) -> Param:
    """Declare weights in the current layer, or hand out those that were declared of the same array."""
    axes = "OIKK" if kind.values.ndim == 4 else "OI"
    key = (kind.values.tobytes(), kind.precision, kind.values.shape)
    if key not in r.weights:
        r.weights[key] = r.param("weight", axes, kind.values, stored=kind.precision)
    return r.weights[key]


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
        made = _of_bits(r, layer, bits, cube, 1, Around(), 1, None if bias is None else bias.reshape(-1))
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
    rows = []
    shape = (1,) * (len(view.axes) - 1) + (matrix.shape[1],)
    order = in_map_order(view, np.arange(matrix.shape[1]).reshape(shape), (0, 1, 2)).reshape(-1)
    rows = matrix[:, order]
    return rows


def _at_positions(r: Reading, layer: str, x: Map, matrix: np.ndarray, bias: np.ndarray | None) -> Value:
    flat = Map(r.view(x.tensor, 4)).times(x.factor, x.offset)
    made = convolved(r, layer, flat, matrix[:, :, None, None], 1, Around(), 1)
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


def _window(node: Node, r: Reading, x: Map) -> tuple[Map, int, int, Around]:
    size = _one(node.attributes["kernel_shape"], "windows")
    stride = _one(node.attributes.get("strides", (1,) * len(node.attributes["kernel_shape"])), "strides")
    pads = _pads(node, x, size, stride)
    if node.attributes.get("ceil_mode", 0):
        for side in x.shape[-2:]:
            if (side + pads[0] + pads[2] - size) % stride:
                raise NotRead("a pool whose last windows reach over the border (ceil_mode)")
    made, around = _merged_padding(r, x, pads)
    return made, size, stride, around


def _pooled_shape(x: Tensor, size: int, stride: int, padding: int) -> tuple[int, int, int]:
    height, width = ((int(side) + 2 * padding - size) // stride + 1 for side in x.shape[1:])
    return int(x.shape[0]), height, width


@reads("MaxPool")
def max_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Keep the largest of each window; a positive factor commutes."""
    made = r.map_of(inputs[0])
    if _one(node.attributes.get("dilations", (1, 1)), "dilations") != 1:
        raise NotRead("a dilated pool")
    if made.padding is not None or not np.all(made.factor > 0):
        made = Map(r.plain(made))
    made, size, stride, around = _window(node, r, made)
    padding = around.width
    if made.factor.size > 1 or made.offset.size > 1:
        made = Map(r.plain(made))
    tensor = r.emit(
        "max_pool", (made.tensor,), shape=_pooled_shape(made.tensor, size, stride, padding),
        stored=made.tensor.precision, attributes={"size": size, "stride": stride, "padding": padding},
    )  # fmt: skip
    return Map(r.view(tensor, len(made.view.axes))).times(made.factor, made.offset)


@reads("AveragePool")
def average_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average windows: a sum, and a division that what follows may undo."""
    made = r.map_of(inputs[0])
    if made.is_bits and not np.all(made.offset == 0):
        made = Map(r.plain(made))
    made, size, stride, around = _window(node, r, made)
    padding, value = around.width, around.value
    if size == made.shape[-1] == made.shape[-2] and not padding:
        return global_pool(r, node, inputs)
    if any(node.attributes.get("pads", (0,))) and not node.attributes.get("count_include_pad", 0):
        raise NotRead("an average that leaves padded positions out")
    if made.factor.size > 1:
        made = Map(r.plain(made))
    source, factor = made.tensor, float(made.factor)
    pad = value / factor
    if padding and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {value:g}")
    shape = _pooled_shape(source, size, stride, padding)
    window: dict[str, object] = {"size": size, "stride": stride, "padding": padding}
    summed_window = window | {"pad_value": round(pad)} | ({"replicate": True} if around.replicate else {})
    summed = r.emit("box_sum", (source,), shape=shape, attributes=summed_window)
    mean = None
    if not padding or (not pad and not around.replicate):
        mean = Mean(size**2, lambda: r.emit("average_pool", (source,), shape=shape, attributes=window))
    result = Map(r.view(summed, len(made.view.axes))).times(factor / size**2)
    return replace(result, mean=mean) if factor == 1 else result


@reads("GlobalAveragePool")
def global_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average each channel over its map."""
    view = r.plain(inputs[0])
    tensor = r.emit("global_average_pool", (view.tensor,), shape=(int(view.tensor.shape[0]), 1, 1))
    return Map(r.view(tensor, len(view.axes)))
