"""Quantizers that say so: QONNX's BipolarQuant, Quant and IntQuant, and QuantizeLinear with DequantizeLinear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Precision
from costmodel.importers.model.document import Node
from costmodel.importers.model.quantizing import bits_of, quantized
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.signing import sign_of
from costmodel.importers.model.values import Map, NotRead, Value

Array = np.ndarray


@reads("BipolarQuant")
def bipolar(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A sign, times a scale; zero gives +1."""
    x, scale = inputs
    return scaled(r, sign_of(r, r.map_of(x), zero_is="one"), _constant(scale))


@reads("Quant", "IntQuant")
def quant(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Round to whole numbers of so many bits, times a scale."""
    x, scale, zero, bits = inputs
    low, high = _ends(node, float(_constant(bits).reshape(-1)[0]))
    return _rounded(r, x, _constant(scale), _constant(zero), low, high, _way(node, "ROUND"))


def _way(node: Node, default: str) -> str:
    mode = str(node.attributes.get("rounding_mode", default)).upper()
    ways = {"ROUND": "", "HALF_EVEN": "", "FLOOR": "down", "CEIL": "up"}
    if mode not in ways:
        raise NotRead(f"rounding in the mode '{mode}'")
    return ways[mode]


def _ends(node: Node, bits: float) -> tuple[float, float]:
    signed, narrow = int(node.attributes.get("signed", 1)), int(node.attributes.get("narrow", 0))
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return (-(2 ** (bits - 1)) + narrow if signed else 0.0), high


def _rounded(
    r: Reading, x: Value, scale: Array, zero: Array, low: float, high: float, way: str = ""
) -> Value:
    """Codes of a grid, times its step; a zero point shifts the grid's ends."""
    if zero.size != 1 or scale.size != 1:
        raise NotRead("features with a step or a zero point per channel")
    offset = float(zero.reshape(-1)[0])
    value = scaled(r, Map(r.plain(x)), 1 / scale.astype(np.float64))
    codes = quantized(r, r.map_of(value), low - offset, high - offset, way)
    return scaled(r, codes, scale.astype(np.float64))


@reads("Trunc")
def truncate(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Drop the last bits of whole numbers: rounding, as a rule down, to a step that is a power of two larger.

    Version 1 gives the step in bits and keeps the scale of the codes; version 2 gives the new scale, and clamps.
    """
    x, scale, zero, in_bits, *rest = inputs
    step, point = _constant(scale).astype(np.float64), _constant(zero)
    if np.any(point) or step.size != 1:
        raise NotRead("truncation with a zero point, or a step per channel")
    way, bits = _way(node, "FLOOR"), float(_constant(rest[-1]).reshape(-1)[0])
    if len(rest) == 1:
        larger = step * 2 ** (float(_constant(in_bits).reshape(-1)[0]) - bits)
        low, high = -(2.0 ** (bits - 1)), 2.0**bits - 1  # the file does not say whether there are signs
        after = step
    else:
        low, high = _ends(node, bits)
        after = _constant(rest[0]).astype(np.float64)
        larger = step * 2 ** np.rint(np.log2(after / step))
    codes = quantized(r, r.map_of(scaled(r, Map(r.plain(x)), 1 / larger)), low, high, way)
    return scaled(r, codes, after)


@reads("MultiThreshold")
def multi_threshold(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Count the thresholds that an element reaches, times a scale, plus a bias; one threshold is a sign."""
    levels = _constant(inputs[1])
    scale = float(node.attributes.get("out_scale", 1.0))
    bias = float(node.attributes.get("out_bias", 0.0))
    view = r.plain(inputs[0])
    axis = len(view.axes) - 1 if str(node.attributes.get("data_layout", "")).endswith("C") else 1
    if len(levels) > 1 and (view.axes[axis] != view.stored[0] or view.shape[axis] != len(levels)):
        raise NotRead("thresholds over an axis that is not the one of channels")
    if levels.shape[1] == 1:
        shape = [1] * len(view.axes)
        shape[axis] = len(levels)
        bits = sign_of(
            r, r.map_of(shifted(r, Map(view), -levels.astype(np.float64).reshape(shape))), zero_is="one"
        )
        return bits.times(scale / 2, bias + scale / 2)
    low = round(bias / scale) if np.isclose(bias / scale, round(bias / scale)) else 0
    width = bits_of(low, low + levels.shape[1])
    tensor = r.emit(
        "multi_threshold", (view.tensor,), stored=width, constants=(("thresholds", "CT", np.sort(levels)),),
        attributes={"low": low},
    )  # fmt: skip
    codes = scaled(r, Map(view.with_tensor(tensor)), np.array(scale))
    left = bias - low * scale
    return codes if not left else shifted(r, codes, np.array(left))


@reads("QuantizeLinear")
def quantize_linear(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Codes of 8 bits, by the type of the zero point; their step goes with DequantizeLinear."""
    x, scale, zero = (*inputs, np.zeros((), np.uint8))[:3]
    point, step = _constant(zero), _constant(scale)
    if point.size != 1 or step.size != 1:
        raise NotRead("features with a step or a zero point per channel")
    kind = np.iinfo(point.dtype)
    offset = float(point.reshape(-1)[0])
    value = r.map_of(scaled(r, Map(r.plain(x)), 1 / step.astype(np.float64)))
    codes = quantized(r, value, kind.min - offset, kind.max - offset, stored=Precision("integer", kind.bits))
    if offset == 0:
        return codes
    moved = r.map_of(shifted(r, codes, np.asarray(offset)))
    r.zero_points[moved.tensor] = (codes, offset)
    return moved


@reads("DequantizeLinear")
def dequantize_linear(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Codes times their step; a zero point that QuantizeLinear added is a part of how they are stored."""
    x, scale, zero = (*inputs, np.zeros((), np.uint8))[:3]
    return scaled(r, _less_zero_point(r, x, _constant(zero)), _constant(scale).astype(np.float64))


def _less_zero_point(r: Reading, x: Value, point: Array) -> Value:
    if not np.any(point):
        return r.map_of(x)
    made = r.map_of(x)
    codes, offset = r.zero_points.get(made.tensor, (made, None))
    if point.size == 1 and offset == float(point.reshape(-1)[0]) and made.padding is None:
        return Map(made.view.with_tensor(codes.tensor)).times(codes.factor)
    return shifted(r, x, -point.astype(np.float64))


def _constant(value: Value) -> Array:
    if not isinstance(value, np.ndarray):
        raise NotRead("a step that is computed from the image")
    return value


@reads("FloatQuant")
def float_quant(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Minifloats have no price here."""
    raise NotRead("a minifloat, for which profiles have no price")
