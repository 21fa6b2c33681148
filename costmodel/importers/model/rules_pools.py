"""Norms with stored statistics, and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from costmodel.graph import Precision, Tensor
from costmodel.importers.model.arranging import as_map
from costmodel.importers.model.document import Node
from costmodel.importers.model.lines import along_lines
from costmodel.importers.model.quantizing import quantized
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.sliding import Around, Slide, merged_padding, pads_of, slide_of
from costmodel.importers.model.values import Map, Mean, NotRead, Value
from costmodel.importers.model.views import transposed
from costmodel.operations.window import Axis, axes_of, taps_before

# ------------------------------------------------------------------ norms


@reads("BatchNormalization")
def batch_norm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A factor and an offset per channel; a norm that never saw an image gets the offset that training will leave."""
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
    untrained = not mean.any() and not beta.any() and bool(np.all(variance == 1))
    return shifted(r, scaled_map, (beta - mean * factor).reshape(shape), even_zero=untrained)


# ------------------------------------------------------------------ pools


def _window(r: Reading, node: Node, x: Map) -> tuple[Map, Slide, Around]:
    """Windows of a pool; with `ceil_mode` the last ones may reach over the border: more padding behind."""
    x = as_map(r, x) if x.padding is None else x
    slide = slide_of(node, node.attributes["kernel_shape"])
    above, below, left, right = pads_of(node, x, slide)
    axes = axes_of((x.shape[-2], x.shape[-1]), *slide[:2], (above, below, left, right), slide.dilation)
    if any(max(axis.before, axis.after) >= axis.reach or axis.has_empty for axis in axes):
        raise NotRead("padding so wide that windows hold nothing else")
    if node.attributes.get("ceil_mode", 0):
        below, right = (axis.after + _missing(axis) for axis in axes)
    made, around = merged_padding(r, x, (above, below, left, right))
    return made, slide, around


def _missing(axis: Axis) -> int:
    """Positions behind the map that one more window needs; none where it would begin behind the map."""
    left = (axis.length + axis.before + axis.after - axis.reach) % axis.stride
    begins = axis.outputs * axis.stride
    return axis.stride - left if left and begins < axis.length + axis.before else 0


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
@along_lines
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
@along_lines
def average_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average windows: a sum, and a division that what follows may undo."""
    made = r.map_of(inputs[0])
    if (made.is_bits and not np.all(made.offset == 0)) or made.factor.size > 1:
        made = Map(r.plain(made))
    before = made
    made, slide, around = _window(r, node, made)
    if slide.kernel == made.shape[-2:] and not any(around.sides):
        return _global(r, inputs[0])
    source, factor = made.tensor, float(made.factor)
    pad = around.value / factor
    if any(around.sides) and not np.isclose(pad, round(pad)):
        raise NotRead(f"padding with {around.value:g}")
    size = slide.kernel[0] * slide.kernel[1]
    summed = _pool(r, "box_sum", source, slide, around, pad_value=round(pad))
    result = Map(r.view(summed, len(made.view.axes)))
    inside = _inside(node, before, slide, summed.shape[1:]) if any(around.sides) else None
    if inside is not None and (inside != size).any():
        return Map(result.view.with_tensor(r.affine("scale", summed, (factor / inside)[None])))
    mean = None
    if not pad and not around.replicate:
        mean = Mean(size, lambda: _pool(r, "average_pool", source, slide, around))
    result = result.times(factor / size)
    return replace(result, mean=mean) if factor == 1 else result


def _inside(node: Node, x: Map, slide: Slide, made: Sequence[int]) -> np.ndarray:
    """How many positions of each window count: those of the map, or of its padding too; never those behind both."""
    padded = bool(node.attributes.get("count_include_pad", 0))
    counts = []
    pads = pads_of(node, x, slide)
    for axis, (side, outputs) in enumerate(zip(x.shape[-2:], made, strict=True)):
        before, after = pads[2 * axis : 2 * axis + 2]
        starts = np.arange(int(outputs)) * slide.stride[axis] - before
        first, last = (
            taps_before(end, starts, slide.kernel[axis], slide.dilation[axis])
            for end in ((-before, side + after) if padded else (0, side))
        )
        counts.append(last - first)
    return counts[0][:, None] * counts[1]


@reads("QuantAvgPool2d")
def quantized_average_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Sum the windows of whole numbers and drop the last bits of the sums, as QONNX does."""
    side, step = int(node.attributes["kernel"]), int(node.attributes.get("stride", node.attributes["kernel"]))
    read, kept = int(node.attributes["ibits"]), int(node.attributes["obits"])
    last = str(node.attributes.get("data_layout", "NCHW")) == "NHWC"
    made = Map(r.plain(inputs[0]))
    if last:
        made = Map(transposed(made.view, (0, 3, 1, 2)))
    source = as_map(r, made).tensor
    summed = _pool(r, "box_sum", source, Slide((side, side), (step, step)), Around(), pad_value=0)
    dropped = max(((2**read - 1) * side**2).bit_length() - kept, 0)
    signed = bool(node.attributes.get("signed", 0))
    low, high = (-(2.0 ** (kept - 1)), 2.0 ** (kept - 1) - 1) if signed else (0.0, 2.0**kept - 1)
    codes = quantized(r, Map(r.view(summed, 4)).times(0.5**dropped), low, high, "down")
    return Map(transposed(codes.view, (0, 2, 3, 1)), codes.factor) if last else codes


@reads("GlobalAveragePool")
@along_lines
def global_pool(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Average each channel over its map."""
    return _global(r, inputs[0])


def _global(r: Reading, value: Value) -> Map:
    view = r.plain(as_map(r, Map(r.plain(value))))
    tensor = r.emit("global_average_pool", (view.tensor,), shape=(int(view.tensor.shape[0]), 1, 1))
    return Map(r.view(tensor, len(view.axes)))
