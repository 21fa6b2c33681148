"""Quantizers that say so: QONNX's BipolarQuant, Quant and IntQuant, and QuantizeLinear with DequantizeLinear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.rules_curves import quantized
from costmodel.importers.model.rules_signs import sign_of
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
    if str(node.attributes.get("rounding_mode", "ROUND")) not in ("ROUND", "HALF_EVEN"):
        raise NotRead(f"rounding in the mode '{node.attributes['rounding_mode']}'")
    return _rounded(r, x, _constant(scale), _constant(zero), low, high)


def _ends(node: Node, bits: float) -> tuple[float, float]:
    signed, narrow = int(node.attributes.get("signed", 1)), int(node.attributes.get("narrow", 0))
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return (-(2 ** (bits - 1)) + narrow if signed else 0.0), high


def _rounded(r: Reading, x: Value, scale: Array, zero: Array, low: float, high: float) -> Value:
    """Codes of a grid, times its step; a zero point shifts the grid's ends."""
    if zero.size != 1 or scale.size != 1:
        raise NotRead("features with a step or a zero point per channel")
    offset = float(zero.reshape(-1)[0])
    value = scaled(r, Map(r.plain(x)), 1 / scale.astype(np.float64))
    codes = quantized(r, r.map_of(value), low - offset, high - offset)
    return scaled(r, codes, scale.astype(np.float64))


@reads("QuantizeLinear")
def quantize_linear(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Codes of 8 bits, by the type of the zero point; their step goes with DequantizeLinear."""
    x, scale, zero = (*inputs, np.zeros((), np.uint8))[:3]
    point, step = _constant(zero), _constant(scale)
    if point.size != 1 or step.size != 1:
        raise NotRead("features with a step or a zero point per channel")
    kind = np.iinfo(point.dtype)
    offset = float(point.reshape(-1)[0])
    value = scaled(r, Map(r.plain(x)), 1 / step.astype(np.float64))
    codes = quantized(r, r.map_of(value), kind.min - offset, kind.max - offset)
    return codes if offset == 0 else shifted(r, codes, np.asarray(offset))


@reads("DequantizeLinear")
def dequantize_linear(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Codes times their step."""
    x, scale, zero = (*inputs, np.zeros((), np.uint8))[:3]
    point = _constant(zero)
    less = r.map_of(x) if not np.any(point) else shifted(r, x, -point.astype(np.float64))
    return scaled(r, less, _constant(scale).astype(np.float64))


def _constant(value: Value) -> Array:
    if not isinstance(value, np.ndarray):
        raise NotRead("a step that is computed from the image")
    return value


@reads("FloatQuant")
def float_quant(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Minifloats have no price here."""
    raise NotRead("a minifloat, for which profiles have no price")
