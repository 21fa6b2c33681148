"""Curves of elements, and rounding: a clamp and a rounding together are a quantizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from costmodel.importers.model.arranging import with_channels_apart
from costmodel.importers.model.constants import limits
from costmodel.importers.model.document import Node
from costmodel.importers.model.quantizing import clipped_of, quantized
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.values import Clipped, Map, NotRead, Rounded, TwoBits, Value
from costmodel.operations.curves import FUNCTIONS, elu

Function = Callable[[np.ndarray], np.ndarray]


@reads("Relu")
def relu(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Keep the positive part; with rounding behind it, the lower end of a quantizer."""
    return _clipped(r, inputs[0], 0.0, np.inf)


def _curve(
    r: Reading, value: Value, kind: str, function: Function, attributes: Mapping[str, object] | None = None
) -> Value:
    if isinstance(value, TwoBits):
        return replace(value, values=function(value.values))
    made = r.map_of(value)
    if made.is_bits and made.padding is None:
        high, low = function(made.factor + made.offset), function(made.offset - made.factor)
        return replace(made, factor=(high - low) / 2, offset=(high + low) / 2)
    view = r.plain(made)
    return Map(view.with_tensor(r.emit(kind, (view.tensor,), attributes=attributes)))


@reads("Clip", "HardTanh")
def clip(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Clamp; with rounding before or after it, a quantizer."""
    bounds = [one for one in inputs[1:] if one is None or (isinstance(one, np.ndarray) and one.size == 1)]
    if len(bounds) < len(inputs[1:]):
        raise NotRead("a clamp whose ends are not one number each, and the same for every image")
    return _clipped(r, inputs[0], *limits(node, bounds))


def _clipped(r: Reading, value: Value, low: float, high: float) -> Value:
    kind = {(0.0, np.inf): "relu", (-1.0, 1.0): "hardtanh"}.get((low, high), "clamp")
    if isinstance(value, Map) and kind != "relu":  # codes that ReLU reads are stored as they were rounded
        codes = _rounded_before(r, value, low, high)
        if codes is not None:
            return codes
    bounds_of: dict[str, object] = {"low": low, "high": high} if kind == "clamp" else {}
    made = _curve(r, value, kind, lambda x: np.clip(x, low, high), bounds_of)
    if isinstance(made, Map) and isinstance(value, Map) and not value.is_bits:
        r.clipped[made.tensor] = _completed(r, Clipped(_unpadded(r, value), low, high))
    return made


def _completed(r: Reading, clamp: Clipped) -> Clipped:
    """A clamp of one end, with the other end from a clamp before it; one of two ends says its width itself."""
    before = None if np.isfinite((clamp.low, clamp.high)).all() else clipped_of(r, clamp.source)
    if before is None:
        return clamp
    low, high = (float(one) for one in np.clip((clamp.low, clamp.high), before.low, before.high))
    return Clipped(before.source, low, high)


def _unpadded(r: Reading, made: Map) -> Map:
    return made if made.padding is None else Map(r.plain(made))


def _rounded_before(r: Reading, value: Map, low: float, high: float) -> Map | None:
    """A clamp of what was rounded, as one quantizer; None where nothing was, or the bounds are no whole numbers."""
    known = r.rounded.get(value.tensor)
    if known is None or known.codes.factor.size > 1 or value.factor.size > 1 or value.padding is not None:
        return None
    unit = float(value.factor / known.codes.factor)
    ends = low / unit, high / unit
    if unit <= 0 or not np.allclose(ends, np.rint(ends), rtol=0, atol=1e-4):
        return None
    lowest, highest = (float(one) for one in np.clip(np.rint(ends), known.low, known.high))
    if (lowest, highest) == (known.low, known.high):
        return value
    source = replace(known.source, view=value.view.with_tensor(known.source.tensor))
    codes = _codes(r, _completed(r, Clipped(source, lowest, highest)))
    return None if codes is None else codes.times(unit)


def _codes(r: Reading, clamp: Clipped) -> Map | None:
    """A quantizer, which a clamp behind it may make narrower; None where a bound is missing."""
    if not np.isfinite((clamp.low, clamp.high)).all():
        return None
    source, low, high = clamp.source, float(np.rint(clamp.low)), float(np.rint(clamp.high))
    codes = quantized(r, source, low, high)
    r.rounded[codes.tensor] = Rounded(source, low, high, codes)
    return codes


@reads("Round")
def rounding(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Round to whole numbers, which is a quantizer where a clamp goes before or after."""
    made = r.map_of(inputs[0])
    if made.is_bits and made.padding is None:
        return _curve(r, made, "table", np.rint)
    clamp = clipped_of(r, made)
    bounded = None if clamp is None else _codes(r, clamp)
    if bounded is not None:
        return bounded
    features = r.widths.features
    most = 2.0 ** ((features.bits if features.kind == "integer" else 32) - 1)
    codes = quantized(r, made, -most, most - 1)
    r.rounded[codes.tensor] = Rounded(_unpadded(r, made), -np.inf, np.inf, codes)
    return codes


@reads("Sigmoid")
def sigmoid(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The logistic function."""
    return _curve(r, inputs[0], "sigmoid", lambda x: 1 / (1 + np.exp(-x)))


@reads("Tanh")
def tanh(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The hyperbolic tangent."""
    return _curve(r, inputs[0], "tanh", np.tanh)


@reads("HardSigmoid")
def hard_sigmoid(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """clamp(alpha x + beta, 0, 1)."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if np.isclose(alpha, 1 / 6) and np.isclose(beta, 0.5):
        view = r.plain(inputs[0])
        return Map(view.with_tensor(r.emit("hard_sigmoid", (view.tensor,))))
    line = shifted(r, Map(r.plain(scaled(r, inputs[0], np.asarray(alpha)))), np.asarray(beta))
    return _curve(r, line, "clamp", lambda x: np.clip(x, 0, 1), {"low": 0.0, "high": 1.0})


@reads("HardSwish")
def hard_swish(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """x times its hard sigmoid."""
    view = r.plain(inputs[0])
    gate = r.emit("hard_sigmoid", (view.tensor,))
    return Map(view.with_tensor(r.emit("multiply", (view.tensor, gate))))


@reads("PRelu")
def prelu(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply negative elements by a slope."""
    return _bent(r, *inputs)


def _bent(r: Reading, x: Value, slope: Value) -> Value:
    if not isinstance(slope, np.ndarray):
        raise NotRead("a slope that is computed from the image")
    view = r.plain(x)
    if slope.ndim == 1 and slope.size > 1:  # torch's slopes are of axis 1
        slope = slope.reshape(-1, *[1] * (len(view.axes) - 2))
    view = with_channels_apart(r, Map(view), slope).view
    axes, values = r.along(view, slope)
    return Map(view.with_tensor(r.emit("prelu", (view.tensor,), constants=(("slope", axes, values),))))


@reads("LeakyRelu")
def leaky_relu(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """PReLU with one fixed slope."""
    return _bent(r, inputs[0], np.asarray(node.attributes.get("alpha", 0.01)))


@reads("Abs")
def absolute(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Magnitudes; summed over channels they cost nothing apart."""
    view = r.plain(inputs[0])
    tensor = r.emit("absolute", (view.tensor,))
    return replace(Map(view.with_tensor(tensor)), magnitude=True)


@reads("Pow")
def power(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A square; other powers of a map are unknown."""
    x, exponent = inputs
    if not isinstance(exponent, np.ndarray) or exponent.size != 1:
        raise NotRead("a power that is computed from the image")
    number = float(exponent.reshape(-1)[0])
    if number == 1:
        return x
    if number in (2, 3):
        view = r.plain(x)
        tensor = r.emit("multiply", (view.tensor, view.tensor))
        return Map(view.with_tensor(tensor if number == 2 else r.emit("multiply", (tensor, view.tensor))))
    if abs(number) != 0.5 and number != -1:
        raise NotRead(f"a map to the power of {number:g}")
    root = x if number == -1 else _by_table(r, x, "sqrt")
    return _by_table(r, root, "reciprocal") if number < 0 else root


_TABLES = {
    "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Erf": "erf", "Softplus": "softplus",
    "Mish": "mish", "Swish": "silu", "Elu": "elu", "Gelu": "gelu",
}  # fmt: skip


@reads(*_TABLES)
def tabulated(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A function of one number, read from a table."""
    name = _TABLES[node.kind]
    if node.kind == "Elu":
        return _elu(r, inputs[0], float(node.attributes.get("alpha", 1.0)))
    if float(node.attributes.get("alpha", 1.0)) != 1:
        raise NotRead(f"{node.kind} with alpha = {node.attributes['alpha']:g}")
    if "threshold" in node.attributes:
        raise NotRead(f"{node.kind} that is a line above {node.attributes['threshold']:g}")
    if name == "gelu" and str(node.attributes.get("approximate", "none")) == "tanh":
        name = "gelu_by_tanh"
    return _by_table(r, inputs[0], name)


def _elu(r: Reading, value: Value, alpha: float) -> Value:
    """ELU, with another slope at zero from below where `alpha` says so."""
    attributes: dict[str, object] = {"function": "elu"} if alpha == 1 else {"function": "elu", "alpha": alpha}
    return _curve(r, value, "table", lambda x: elu(x, alpha), attributes)


def _by_table(r: Reading, value: Value, name: str) -> Value:
    return _curve(r, value, "table", FUNCTIONS[name], {"function": name})


@reads("Max", "Min")
def bounded(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The larger or smaller of a map and a number: a clamp."""
    maps = [one for one in inputs if not isinstance(one, np.ndarray)]
    numbers = [one for one in inputs if isinstance(one, np.ndarray)]
    if len(maps) != 1 or any(one.size != 1 for one in numbers):
        raise NotRead("the larger or smaller of two maps")
    if not numbers:
        return maps[0]
    level = (np.max if node.kind == "Max" else np.min)(np.concatenate([one.reshape(-1) for one in numbers]))
    ends = (level, None) if node.kind == "Max" else (None, level)
    return _clipped(r, maps[0], *limits(node, ends))
