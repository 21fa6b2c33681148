"""Sums, products, comparisons and curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from training.reading.calls import Call, Ref
from training.reading.writer import Writer, argument, aten

_SAME = {
    "neg": "Neg", "abs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "relu": "Relu", "sign": "Sign", "sgn": "Sign", "floor": "Floor", "ceil": "Ceil",
    "reciprocal": "Reciprocal", "hardswish": "HardSwish", "logical_not": "Not", "bitwise_not": "Not", "erf": "Erf",
    "mul": "Mul", "true_divide": "Div", "gt": "Greater", "ge": "GreaterOrEqual", "lt": "Less",
    "le": "LessOrEqual", "eq": "Equal", "logical_and": "And", "bitwise_and": "And", "logical_or": "Or",
    "bitwise_or": "Or", "where": "Where", "maximum": "Max", "minimum": "Min", "silu": "Swish", "mish": "Mish",
}  # fmt: skip
_MOST_INPUTS = {"Where": 3}


def _same(kind: str) -> Any:
    def write(w: Writer, call: Call) -> None:
        binary = kind in (
            "Mul",
            "Div",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "Equal",
            "And",
            "Or",
            "Max",
            "Min",
        )
        inputs = call.args[: _MOST_INPUTS.get(kind, 2 if binary else 1)]
        w.add(kind, inputs, call)

    return write


for _name, _kind in _SAME.items():
    aten(_name)(_same(_kind))


@aten(
    "detach",
    "clone",
    "contiguous",
    "alias",
    "lift_fresh_copy",
    "type_as",
    "lift_fresh",
    "detach_copy",
    "positive",
)
def same(w: Writer, call: Call) -> None:
    """What changes nothing of the numbers."""
    w.add("Identity", call.args[:1], call)


@aten("dropout", "feature_dropout", "native_dropout")
def dropout(w: Writer, call: Call) -> None:
    """The same numbers, but in training."""
    x, share, training = call.args[:3]
    w.add("Dropout", (x, float(share), bool(training) and share > 0), call)


@aten("to", "_to_copy")
def cast(w: Writer, call: Call) -> None:
    """Another type of the same numbers; to whole numbers and choices it is a cast."""
    given = (*call.args[1:], *call.kwargs.values())
    kind = next((one for one in given if isinstance(one, torch.dtype)), None)
    if kind is None:
        w.add("Identity", call.args[:1], call)
    else:
        name = "float32" if kind.is_floating_point else str(kind).removeprefix("torch.")
        w.add("Cast", call.args[:1], call, {"to": name})


@aten("copy")
def copied(w: Writer, call: Call) -> None:
    """The second argument in the place of the first, repeated to its shape."""
    w.add("Expand", (call.args[1], w.integers(call.results[0][1])), call)


@aten("constant")
def constant(w: Writer, call: Call) -> None:
    """A constant that has a name because something writes into it."""
    w.add("Identity", call.args[:1], call)


@aten("fill")
def filled(w: Writer, call: Call) -> None:
    """One number everywhere."""
    if isinstance(call.args[1], Ref):
        w.unknown(call)
    else:
        number = float(call.args[1])
        w.add("Identity", (np.full(call.results[0][1], number, np.float32),), call)


@aten("zero")
def zeroed(w: Writer, call: Call) -> None:
    """Zero everywhere."""
    w.add("Identity", (np.zeros(call.results[0][1], np.float32),), call)


@aten("add", "sub")
def added(w: Writer, call: Call) -> None:
    """A sum, of which the second may have a factor."""
    left, right = call.args[:2]
    alpha = call.kwargs.get("alpha", 1)
    if alpha != 1:
        right = w.add("Mul", (right, float(alpha)), call, step="alpha")
    w.add("Sub" if call.target.startswith("sub") else "Add", (left, right), call)


@aten("rsub")
def subtracted(w: Writer, call: Call) -> None:
    """The second less the first, which may have a factor."""
    taken, alpha = call.args[0], float(argument(call, 2, "alpha", 1))
    if alpha != 1:
        taken = w.add("Mul", (taken, alpha), call, step="alpha")
    w.add("Sub", (call.args[1], taken), call)


@aten("div")
def quotient(w: Writer, call: Call) -> None:
    """A quotient, perhaps rounded down."""
    mode = argument(call, 2, "rounding_mode")
    if mode == "trunc":
        w.unknown(call)
    elif mode == "floor":
        w.add("Floor", (w.add("Div", call.args[:2], call, step="quotient"),), call)
    else:
        w.add("Div", call.args[:2], call)


@aten("round")
def rounded(w: Writer, call: Call) -> None:
    """The nearest whole number."""
    if argument(call, 1, "decimals", 0):
        w.unknown(call)
    else:
        w.add("Round", call.args[:1], call)


@aten("pow")
def power(w: Writer, call: Call) -> None:
    """A power."""
    w.add("Pow", call.args[:2], call)


@aten("square")
def square(w: Writer, call: Call) -> None:
    """The second power."""
    w.add("Pow", (call.args[0], 2.0), call)


@aten("hardtanh")
def hardtanh(w: Writer, call: Call) -> None:
    """A clamp to -1 .. 1 or other bounds."""
    _clamp(w, call, argument(call, 1, "min_val", -1.0), argument(call, 2, "max_val", 1.0))


@aten("relu6")
def relu6(w: Writer, call: Call) -> None:
    """A clamp to 0 .. 6."""
    _clamp(w, call, 0.0, 6.0)


@aten("clamp", "clip")
def clamp(w: Writer, call: Call) -> None:
    """A clamp to bounds of which one may be missing."""
    _clamp(w, call, argument(call, 1, "min"), argument(call, 2, "max"))


@aten("clamp_min")
def clamp_min(w: Writer, call: Call) -> None:
    """A clamp from below."""
    _clamp(w, call, call.args[1], None)


@aten("clamp_max")
def clamp_max(w: Writer, call: Call) -> None:
    """A clamp from above."""
    _clamp(w, call, None, call.args[1])


def _clamp(w: Writer, call: Call, low: Any, high: Any) -> None:
    bounds = [None if one is None else w.name(np.float32(float(one))) for one in (low, high)]
    w.add("Clip", (call.args[0], *bounds), call)


@aten("hardsigmoid")
def hardsigmoid(w: Writer, call: Call) -> None:
    """clamp(x + 3, 0, 6) / 6."""
    w.add("HardSigmoid", call.args[:1], call, {"alpha": 1 / 6, "beta": 0.5})


@aten("prelu", "_prelu_kernel")
def prelu(w: Writer, call: Call) -> None:
    """PReLU with slopes per channel."""
    x, slope = call.args[:2]
    spread = [1] * (len(call.results[0][1]) - 2) if slope.numel() > 1 else []
    shaped = slope.reshape(-1, *spread)
    if slope.dim() > 1:
        shaped = slope.reshape(slope.shape[1:]) if slope.shape[0] == 1 else slope
    w.add("PRelu", (x, shaped), call)


@aten("leaky_relu")
def leaky_relu(w: Writer, call: Call) -> None:
    """PReLU with one fixed slope."""
    w.add("LeakyRelu", call.args[:1], call, {"alpha": float(argument(call, 1, "negative_slope", 0.01))})


@aten("elu")
def elu(w: Writer, call: Call) -> None:
    """ELU; with a factor of what it takes and one of what it makes, as CELU and SELU have them."""
    alpha, scale, inner = (
        float(argument(call, place, name, 1.0))
        for place, name in enumerate(("alpha", "scale", "input_scale"), 1)
    )
    _between_factors(w, call, inner, "Elu", {"alpha": alpha * inner}, scale / inner)


@aten("celu")
def celu(w: Writer, call: Call) -> None:
    """An ELU of x / alpha, times alpha."""
    alpha = float(argument(call, 1, "alpha", 1.0))
    _between_factors(w, call, 1 / alpha, "Elu", {}, alpha)


@aten("softplus")
def softplus(w: Writer, call: Call) -> None:
    """log(1 + exp(beta x)) / beta; a line above a threshold, which is the same curve where it stands high."""
    beta, threshold = float(argument(call, 1, "beta", 1.0)), float(argument(call, 2, "threshold", 20.0))
    attributes = {} if threshold >= _SAME_CURVE else {"threshold": threshold}
    _between_factors(w, call, beta, "Softplus", attributes, 1 / beta)


_SAME_CURVE = 16.0
"""Above it log(1 + exp(x)) is x in 32-bit floats, but for their rounding."""


def _between_factors(
    w: Writer, call: Call, before: float, kind: str, attributes: Mapping[str, float], behind: float
) -> None:
    """A curve of a multiple, times a number."""
    x = call.args[0] if before == 1 else w.add("Mul", (call.args[0], before), call, step="inner")
    made = w.add(kind, (x,), call, attributes, step="" if behind == 1 else "curve")
    if behind != 1:
        w.add("Mul", (made, behind), call)


@aten("gelu")
def gelu(w: Writer, call: Call) -> None:
    """GELU, exact or by tanh."""
    w.add("Gelu", call.args[:1], call, {"approximate": argument(call, 1, "approximate", "none")})


@aten("softmax", "_softmax")
def softmax(w: Writer, call: Call) -> None:
    """Softmax over an axis."""
    w.add("Softmax", call.args[:1], call, {"axis": int(call.args[1])})


@aten("rsqrt")
def rsqrt(w: Writer, call: Call) -> None:
    """One over a root."""
    w.add("Reciprocal", (w.add("Sqrt", call.args[:1], call, step="root"),), call)


@aten("mean", "sum")
def reduced(w: Writer, call: Call) -> None:
    """A mean or a sum over axes, or over all."""
    axes = argument(call, 1, "dim")
    keep = bool(argument(call, 2, "keepdim", False))
    kind = "ReduceMean" if call.target == "mean" else "ReduceSum"
    attributes: dict[str, Any] = {"keepdims": int(keep and axes is not None)}
    if axes is not None:
        attributes["axes"] = [int(axes)] if isinstance(axes, int) else [int(one) for one in axes]
    w.add(kind, call.args[:1], call, attributes)


@aten("var", "std")
def spread(w: Writer, call: Call) -> None:
    """The variance over axes, or its root: the mean of squares of what is left when the mean is subtracted."""
    axes: Any = argument(call, 1, "dim")
    correction: Any = call.kwargs.get("correction", argument(call, 2, "unbiased", 1))
    if isinstance(axes, bool):  # the oldest form: whether the count is less one
        axes, correction = None, axes
    keep = int(bool(argument(call, 3, "keepdim", False)) and axes is not None)
    if axes is None:
        axes = range(len(call.whole))
    listed = [axes] if isinstance(axes, int) else [int(axis) for axis in axes]
    count = int(np.prod([call.whole[axis] for axis in listed]))
    over = {"axes": listed, "keepdims": 1}
    mean = w.add("ReduceMean", call.args[:1], call, over, step="mean")
    left = w.add("Sub", (call.args[0], mean), call, step="left")
    square = w.add("Mul", (left, left), call, step="square")
    total = w.add("ReduceSum", (square,), call, {**over, "keepdims": keep}, step="total")
    share = 1 / (count - (1.0 if correction is None else float(correction)))
    if call.target == "var":
        w.add("Mul", (total, share), call)
    else:
        w.add("Sqrt", (w.add("Mul", (total, share), call, step="variance"),), call)


@aten("linalg_vector_norm")
def norm(w: Writer, call: Call) -> None:
    """The root of the sum of squares over axes, or the sum of magnitudes."""
    order, axes = float(argument(call, 1, "ord", 2)), argument(call, 2, "dim")
    if order not in (1, 2):
        w.unknown(call)
        return
    over: dict[str, Any] = {"keepdims": int(bool(argument(call, 3, "keepdim", False)) and axes is not None)}
    if axes is not None:
        over["axes"] = [int(axes)] if isinstance(axes, int) else [int(axis) for axis in axes]
    if order == 1:
        w.add("ReduceSum", (w.add("Abs", call.args[:1], call, step="magnitude"),), call, over)
    else:
        square = w.add("Mul", (call.args[0], call.args[0]), call, step="square")
        w.add("Sqrt", (w.add("ReduceSum", (square,), call, over, step="total"),), call)


@aten("einsum")
def einsum(w: Writer, call: Call) -> None:
    """A product of two tensors, as an equation of their axes says."""
    w.add("Einsum", call.args[1], call, {"equation": str(call.args[0])})


@aten("amax", "amin")
def largest(w: Writer, call: Call) -> None:
    """The largest or smallest over axes."""
    axes = argument(call, 1, "dim", ())
    attributes = {
        "axes": [axes] if isinstance(axes, int) else list(axes),
        "keepdims": int(argument(call, 2, "keepdim", False)),
    }
    w.add("ReduceMax" if call.target == "amax" else "ReduceMin", call.args[:1], call, attributes)


@aten("log_softmax", "_log_softmax")
def log_softmax(w: Writer, call: Call) -> None:
    """The logarithm of a softmax."""
    w.add("LogSoftmax", call.args[:1], call, {"axis": int(call.args[1])})


@aten("topk")
def top_k(w: Writer, call: Call) -> None:
    """The largest numbers of an axis and their places."""
    attributes = {
        "axis": int(argument(call, 2, "dim", -1)),
        "largest": int(argument(call, 3, "largest", True)),
    }
    names = tuple(name for name, _ in call.results)
    w.add("TopK", (call.args[0], w.integers((int(call.args[1]),))), call, attributes, outputs=names)


@aten("argmax")
def argmax(w: Writer, call: Call) -> None:
    """The place of the largest number of an axis."""
    axis = argument(call, 1, "dim")
    if axis is None:
        w.unknown(call)
        return
    keep = int(argument(call, 2, "keepdim", False))
    w.add("ArgMax", call.args[:1], call, {"axis": int(axis), "keepdims": keep})


@aten("max")
def maximum(w: Writer, call: Call) -> None:
    """The largest of an axis, or of two tensors."""
    if len(call.results) == 1 and len(call.args) > 1:
        w.add("Max", call.args[:2], call)
    elif len(call.args) > 1:
        attributes = {"axes": [int(call.args[1])], "keepdims": int(argument(call, 2, "keepdim", False))}
        w.add("ReduceMax", call.args[:1], call, attributes)
    else:
        w.add("ReduceMax", call.args[:1], call, {"keepdims": 0})
