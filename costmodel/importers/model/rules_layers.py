"""Layers of MACs, norms and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from costmodel.graph import BINARY, Param, Precision, Tensor
from costmodel.importers.model.arranging import as_map, last_as_channels
from costmodel.importers.model.document import LEARNED, Node
from costmodel.importers.model.lines import along_lines
from costmodel.importers.model.products import narrow, product
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.sliding import (
    Around,
    Slide,
    merged_padding,
    pads_of,
    slide_of,
    whole,
    with_centre,
)
from costmodel.importers.model.values import Map, NotRead, Value
from costmodel.importers.model.views import View, in_map_order, transposed
from costmodel.importers.model.weights import TOLERANCE, FoundWeights, found, without_centre
from costmodel.operations.window import geometry

FEW = 0.001
"""The share of zeros among weights up to which they are more likely signs of zero than ternary."""

# ------------------------------------------------------------------ convolution


@reads("Conv")
@along_lines
def conv(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Convolve; weights and features are bits where their values say so."""
    x, weight, bias = (*inputs, None)[:3]
    if not isinstance(weight, np.ndarray):
        raise NotRead("weights that are computed from the image")
    made = r.averaged(r.map_of(x))
    if weight.ndim != 4:
        raise NotRead(f"a kernel of shape {'x'.join(map(str, weight.shape[2:]))}")
    made = as_map(r, made) if made.padding is None else made
    slide = slide_of(node, (weight.shape[2], weight.shape[3]))
    groups = int(node.attributes.get("group", 1))
    if made.shape[1] != weight.shape[1] * groups or len(weight) % groups:
        raise NotRead(
            f"{made.shape[1]} channels meet weights {'x'.join(map(str, weight.shape))} in {groups} groups"
        )
    made, around = merged_padding(r, made, pads_of(node, made, slide))
    layer = r.new_layer(_layer_name(node))
    offset = None if bias is None else np.asarray(bias, np.float64)
    return _begun(r, node, convolved(r, layer, made, weight, slide, around, groups, offset), offset)


@reads("ConvTranspose")
@along_lines
def transposed_conv(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Spread each element over the outputs round it."""
    x, weight, bias = (*inputs, None)[:3]
    if not isinstance(weight, np.ndarray) or weight.ndim != 4:
        raise NotRead("a transposed convolution whose weights are no constant kernel of one or two axes")
    groups = int(node.attributes.get("group", 1))
    if "output_shape" in node.attributes or node.attributes.get("auto_pad", "NOTSET") not in (
        "NOTSET",
        "VALID",
    ):
        raise NotRead("a transposed convolution whose padding follows from its output")
    made = as_map(r, r.averaged(r.map_of(x)))
    made = made if made.factor.size == 1 and not np.any(made.offset) else Map(r.plain(made))
    filters = (
        weight.reshape(groups, -1, *weight.shape[1:])
        .swapaxes(1, 2)
        .reshape(-1, len(weight) // groups, *weight.shape[2:])
    )
    slide = slide_of(node, weight.shape[2:])
    above, left, below, right = (int(one) for one in node.attributes.get("pads", (0, 0, 0, 0)))
    more = tuple(int(one) for one in node.attributes.get("output_padding", (0, 0)))
    sides = [
        (int(side) - 1) * slide.stride[axis]
        + (slide.kernel[axis] - 1) * slide.dilation[axis]
        + 1
        + more[axis]
        - cut
        for axis, (side, cut) in enumerate(
            zip(made.tensor.shape[1:], (above + below, left + right), strict=True)
        )
    ]
    kind = without_centre(found(filters, r.widths.edge, r.stated_of(weight)))
    if np.any(kind.centre != 0):
        raise NotRead("binary weights with a centre in a transposed convolution")
    layer = r.new_layer(_layer_name(node))
    tensor = made.tensor if made.is_bits and kind.precision == BINARY else narrow(r, made.tensor, layer)
    attributes = geometry(slide.stride, (above, below, left, right), slide.dilation) | {"groups": groups}
    wide = tensor.precision if tensor.precision.kind == "float" else Precision("integer", 32)
    with r.g.layer(layer):
        result = r.g.map(
            "transposed_conv", (tensor,), shape=(len(filters), sides[0], sides[1]), stored=wide,
            params=(stored_weight(r, kind, kind.values),), attributes=attributes,
        )  # fmt: skip
    behind = _behind(r, Map(r.view(r.note_layer(result, (tensor,), layer), 4)), kind)
    offset = None if bias is None else np.asarray(bias, np.float64)
    return _begun(r, node, _offset(r, behind.times(float(made.factor)), offset), offset)


def _layer_name(node: Node) -> str:
    return node.place or node.kind.lower()


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
    kind = _found(r, layer, weight, weight)
    kind = without_centre(kind) if groups > 1 else kind
    if x.is_bits and kind.precision == BINARY and x.factor.size == x.offset.size == 1:
        inner = around._replace(
            value=(around.value - float(x.offset)) / float(x.factor) if any(around.sides) else 0.0
        )
        return _of_bits(r, layer, x, replace(kind, source=weight), slide, inner, groups, bias)
    factor = x.factor if x.factor.size == 1 and np.all(x.offset == 0) else None
    view = x.view if factor is not None else r.plain(x)
    pad = around.value / float(factor) if factor is not None else around.value
    if any(around.sides) and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {around.value:g}")
    tensor = narrow(r, view.tensor, layer)
    result = _centred(
        r, layer, tensor, replace(kind, source=weight), slide, around._replace(value=pad), groups
    )
    return _offset(r, result if factor is None else result.times(float(factor)), bias)


def _emitted(
    r: Reading, layer: str, x: Tensor, kind: FoundWeights, slide: Slide, around: Around, groups: int
) -> Map:
    """Emit a convolution, and what its filters' factors are behind it."""
    with r.g.layer(layer):
        made = r.g.conv(
            x, stored_weight(r, kind, kind.source), stride=slide.stride, padding=around.sides,
            dilation=slide.dilation, pad_value=whole(around.value), groups=groups, replicate=around.replicate,
        )  # fmt: skip
    return _behind(r, Map(r.view(r.note_layer(made, (x,), layer), 4)), kind)


def _centred(
    r: Reading, layer: str, x: Tensor, kind: FoundWeights, slide: Slide, around: Around, groups: int
) -> Map:
    """Emit a convolution, what the centres of its filters add to it, and what their factors are behind both."""
    if not np.any(kind.centre):
        return _emitted(r, layer, x, kind, slide, around, groups)
    bare = replace(kind, factor=np.ones(len(kind.values)))
    result = _emitted(r, layer, x, bare, slide, around, groups)
    return _behind(r, with_centre(r, layer, x, result, kind, slide, around, groups), kind)


def _offset(r: Reading, result: Map, bias: np.ndarray | None) -> Map:
    """Add a bias per channel; of one that is zero, nothing."""
    if bias is None or not np.any(bias):
        return result
    return r.map_of(shifted(r, result, bias.reshape(-1, 1, 1)))


def _begun(r: Reading, node: Node, result: Map, bias: np.ndarray | None) -> Value:
    """Add a bias that is zero where a module learns it: training begins with it so."""
    if bias is None or np.any(bias) or not node.attributes.get(LEARNED, 0):
        return result
    return shifted(r, result, bias.reshape(-1, 1, 1), even_zero=True)


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
    result = _centred(r, layer, x.tensor, kind, slide, around, groups).times(float(x.factor))
    total = np.zeros(len(kind.values)) if bias is None else bias
    if np.any(x.offset != 0):
        filters = kind.values * kind.factor.reshape(-1, 1, 1, 1) + kind.centre.reshape(-1, 1, 1, 1)
        sums = filters.reshape(len(kind.values), -1).sum(axis=1)
        total = total + float(x.offset) * sums
        total = np.where(np.abs(total) <= TOLERANCE * np.abs(sums).max(), 0, total)
    return _offset(r, result, total)


def _found(r: Reading, layer: str, weight: np.ndarray, stated: np.ndarray) -> FoundWeights:
    """What weights are by their values; the few zeros that make bits ternary are remembered."""
    kind = found(weight, r.widths.edge, r.stated_of(stated))
    zeros = kind.values.size - int(np.count_nonzero(kind.values)) if kind.precision.kind == "ternary" else 0
    if 0 < zeros < FEW * kind.values.size:
        r.few_zeros.append(f"'{layer}' ({zeros:,} of {kind.values.size:,})")
    return kind


def stored_weight(r: Reading, kind: FoundWeights, source: np.ndarray | None = None) -> Param:
    """Declare weights in the current layer, or hand out those that were declared of the same numbers in memory."""
    key = None if source is None else (source.ctypes.data, source.shape, source.strides)
    known = None if key is None else r.weights.get(key)
    if known is not None and np.array_equal(r.values[known[0].name], kind.values):
        return known[0]
    axes = "OIKK" if kind.values.ndim == 4 else "OI"
    made = r.param("weight", axes, kind.values, stored=kind.precision)
    if kind.stepped:
        r.stepped.add(made.name)
    if key is not None and source is not None:
        r.weights[key] = (made, source)
    return made


def _behind(r: Reading, result: Map, kind: FoundWeights) -> Map:
    """The factors of the filters, behind the layer: one number waits, several are a scale."""
    if not kind.scaled:
        return result
    if np.all(kind.factor == kind.factor[0]):
        return result.times(float(kind.factor[0]))
    made = scaled(r, result, kind.factor.reshape(-1, 1, 1))
    assert isinstance(made, Map)
    return made


# ------------------------------------------------------------------ fully connected


@reads("Gemm")
def gemm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply with a matrix of constants and add a bias."""
    x, weight, bias = (*inputs, None)[:3]
    attributes = node.attributes
    if not isinstance(weight, np.ndarray) or attributes.get("transA", 0):
        raise NotRead("a Gemm whose second matrix is computed from the image, or whose first is turned")
    matrix = weight if attributes.get("transB", 0) else weight.T
    if attributes.get("alpha", 1.0) != 1:
        matrix = matrix * attributes["alpha"]
    offset = None if bias is None else np.asarray(bias) * attributes.get("beta", 1.0)
    return connected(r, node, r.map_of(x), matrix, offset)


@reads("MatMul")
def matmul(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply with a matrix of constants on either side, or two maps."""
    left, right = (_one_matrix(one) for one in inputs)
    if isinstance(right, np.ndarray) and right.ndim == 2:
        return connected(r, node, r.map_of(left), right.T, None)
    if isinstance(left, np.ndarray) and left.ndim == 2:
        turned = connected(r, node, _turned(r.map_of(right)), left, None)
        return _turned(r.map_of(turned))
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        raise NotRead("a product with several matrices of constants")
    return product(r, r.new_layer(_layer_name(node)), r.map_of(left), r.map_of(right))


def _one_matrix(value: Value) -> Value:
    """Constants that are one matrix in spite of more axes, as such."""
    if isinstance(value, np.ndarray) and value.ndim > 2 and value.size == np.prod(value.shape[-2:]):
        return value.reshape(value.shape[-2:])
    return value


def _turned(made: Map) -> Map:
    """The last two axes exchanged."""
    order = list(range(len(made.view.axes)))
    order[-2:] = reversed(order[-2:])
    return replace(made, view=transposed(made.view, order))


def connected(r: Reading, node: Node, x: Map, matrix: np.ndarray, bias: np.ndarray | None) -> Value:
    """A fully connected layer of a vector, or the same one at every position: a 1x1 convolution."""
    if x.padding is not None:
        x = Map(r.plain(x))
    if matrix.shape[1] != x.view.shape[-1]:
        raise NotRead(f"a matrix of {matrix.shape[1]} columns meets {x.view.shape[-1]} features")
    others = [factor for axis in x.view.axes[:-1] for factor in axis]
    layer = r.new_layer(_layer_name(node))
    if others:
        return _at_positions(r, layer, last_as_channels(r, x), matrix, bias)
    columns = _columns_in_map_order(x.view, matrix)
    kind = replace(_found(r, layer, columns, matrix), source=matrix)
    rank = len(x.view.axes)
    if x.is_bits and kind.precision == BINARY and x.factor.size == 1:
        sides = int(x.tensor.shape[1]), int(x.tensor.shape[2])
        cube = replace(kind, values=kind.values.reshape(len(columns), -1, *sides))
        bits = Map(r.view(x.tensor, 4)).times(x.factor, x.offset)
        made = _of_bits(
            r, layer, bits, cube, Slide(sides), Around(), 1, None if bias is None else bias.reshape(-1)
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
    tensor = narrow(r, view.tensor, layer)
    exact = kind
    if kind.scaled or np.any(kind.centre):
        several = bool(np.ptp(kind.factor) > TOLERANCE * kind.factor.max())
        exact = replace(
            kind, values=kind.values * kind.factor[:, None] + kind.centre[:, None], stepped=several
        )
    with r.g.layer(layer):
        params: tuple[Param, ...] = (stored_weight(r, exact, exact.source),)
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
    return matrix if np.array_equal(order, np.arange(len(order))) else matrix[:, order]


def _at_positions(r: Reading, layer: str, x: Map, matrix: np.ndarray, bias: np.ndarray | None) -> Value:
    flat = Map(r.view(x.tensor, 4)).times(x.factor, x.offset)
    made = convolved(r, layer, flat, matrix[:, :, None, None], Slide(), Around(), 1)
    view = made.view
    channels = view.stored[0]
    axes = (*x.view.axes[:-1], channels)
    stored = (channels, x.view.stored[1], x.view.stored[2])
    result: Value = replace(made, view=View(made.tensor, stored, axes))
    return result if bias is None else shifted(r, result, bias)
