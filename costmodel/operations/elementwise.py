"""Operations on each element: binarization, scales, norms, activation functions, sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Op, Param
from costmodel.operations.registry import AffineForm, Count, affine_operation, along, elements, operation

Arrays = Sequence[np.ndarray]


def _compare_input(op: Op) -> list[Count]:
    """One compare per output element, at the precision of what is compared."""
    return [Count("compare", op.inputs[0].precision.label, op.output.size)]


@operation("sign", count=_compare_input, elementwise=True)
def sign(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Binarize to -1 and +1; zero gives +1."""
    return np.where(inputs[0] >= 0, 1, -1)


@operation("threshold", params=2, count=_compare_input, elementwise=True)
def threshold(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Give +1 where x >= threshold, or x <= threshold in channels whose direction is -1.

    One compare: the direction is the order of the comparator's inputs, fixed at export.
    """
    level, direction = along(op, 0, params[0]), along(op, 1, params[1])
    return np.where(
        np.where(direction > 0, inputs[0], level) >= np.where(direction > 0, level, inputs[0]), 1, -1
    )


@operation("compare", inputs=2, count=_compare_input, elementwise=True)
def compare(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Give +1 where the first map is at least the second (which may have size 1 along an axis), else -1."""
    return np.where(inputs[0] >= inputs[1], 1, -1)


def _count_quantize(op: Op) -> list[Count]:
    source = op.inputs[0].precision
    sort = "mul" if source.kind == "float" or op.attributes.get("exact") is True else "shift"
    if op.output.precision.kind == "ternary":
        return [Count("compare", source.label, op.output.size * 2)]
    return [Count(sort, source.label, op.output.size)]


@operation("quantize", params=range(2), attributes=("bits",), count=_count_quantize, elementwise=True)
def quantize(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Round to a grid and saturate to the output's width; its step is the power of two nearest to `step`.

    So integers take a saturating, rounding shift. Ternary needs two compares. A float has no grid: the value is only
    written in another form. Imported grids may be `exact`, whose step is taken as it is and costs a multiply where it
    is no power of two, may have other ends than the width's (`low`, `high`), and may round `down` or `up`.
    """
    if not params:
        return inputs[0]
    exact = op.attributes.get("exact") is True
    step = along(op, 0, params[0] if exact else np.exp2(np.rint(np.log2(params[0]))))
    low, high = ends(op)
    whole = {"down": np.floor, "up": np.ceil}.get(str(op.attributes.get("rounding")), np.rint)
    return np.clip(whole(inputs[0] / step), low, high) * step


def ends(op: Op) -> tuple[int, int]:
    """Least and largest whole number of a grid."""
    bits = op.integer("bits")
    if op.output.precision.kind == "ternary":
        return -1, 1
    if "low" in op.attributes:
        return op.integer("low"), op.integer("high")
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


@affine_operation("scale", count=elements("mul"))
def scale(op: Op, params: Arrays) -> AffineForm:
    """Multiply by a parameter along its axes."""
    return along(op, 0, params[0]), None


@affine_operation("power_of_two", count=elements("shift"))
def power_of_two(op: Op, params: Arrays) -> AffineForm:
    """Multiply by 2 to the power of an integer parameter: one shift."""
    return along(op, 0, np.exp2(np.rint(params[0]))), None


@affine_operation("bias", count=elements("add"))
def bias(op: Op, params: Arrays) -> AffineForm:
    """Add a parameter along its axes."""
    return None, along(op, 0, params[0])


EPSILON = 1e-5
"""Added to the variance before the square root, as torch does."""


@affine_operation("batch_norm", params=4, count=elements("mul", "add"))
def batch_norm(op: Op, params: Arrays) -> AffineForm:
    """Normalize each channel with stored mean and variance, as one multiply and one add (Ioffe 2015)."""
    gamma, beta, mean, variance = params
    factor = gamma / np.sqrt(variance + EPSILON)
    return along(op, 0, factor), along(op, 1, beta - mean * factor)


def statistics_of(op: Op) -> tuple[Param, ...]:
    """The parameters of an operation that training measures rather than learns: mean and variance of a norm."""
    return op.params[2:] if op.kind == "batch_norm" else ()


@affine_operation("affine", params=2, count=elements("mul", "add"))
def affine(op: Op, params: Arrays) -> AffineForm:
    """Multiply by one parameter and add another: what remains of norms and scales after folding."""
    return along(op, 0, params[0]), along(op, 1, params[1])


@operation("relu", count=elements("compare"), monotone=True)
def relu(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep the positive part."""
    return np.where(inputs[0] >= 0, inputs[0], 0)


@operation(
    "hardtanh",
    count=lambda op: [Count("compare", op.output.precision.label, op.output.size * 2)],
    monotone=True,
)
def hardtanh(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Clamp to -1 .. +1."""
    x = inputs[0]
    return np.where(x >= 1, 1, np.where(x >= -1, x, -1))


def _count_clamp(op: Op) -> list[Count]:
    bounds = sum(np.isfinite(float(str(op.attributes[name]))) for name in ("low", "high"))
    return [Count("compare", op.output.precision.label, op.output.size * int(bounds))]


@operation("clamp", attributes=("low", "high"), count=_count_clamp, monotone=True)
def clamp(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Clamp to `low` .. `high`, one compare for each that is finite."""
    x, low, high = inputs[0], float(str(op.attributes["low"])), float(str(op.attributes["high"]))
    below = x if np.isinf(high) else np.where(x >= high, high, x)
    return below if np.isinf(low) else np.where(below >= low, below, low)


@operation("absolute", count=elements("compare"), elementwise=True)
def absolute(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Magnitude: the sign picks the number or its negative."""
    return np.where(inputs[0] >= 0, inputs[0], -inputs[0])


def _count_prelu(op: Op) -> list[Count]:
    shifts = op.attributes.get("shifts") is True and op.output.precision.kind != "float"
    return elements("compare", "shift" if shifts else "mul")(op)


@operation("prelu", params=1, count=_count_prelu, monotone=True)
def prelu(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply negative elements by a slope per channel (He 2015); slopes are positive.

    With `shifts` they are powers of two, so that a whole number is shifted instead.
    """
    x = inputs[0]
    return np.where(x >= 0, x, x * along(op, 0, params[0]))


@operation("two_slope", params=2, count=elements("compare", "mul"), monotone=True)
def two_slope(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply by one positive slope above zero and by another below: one multiply by the chosen one."""
    x = inputs[0]
    return x * np.where(x >= 0, along(op, 0, params[0]), along(op, 1, params[1]))


@operation("sigmoid", count=elements("lookup"), elementwise=True)
def sigmoid(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Map to 0 .. 1 by the logistic function, read from a table."""
    x = inputs[0]
    small = np.exp(-abs(x))  # in this form the result stays above zero down to -745, and nothing overflows
    return np.where(x >= 0, 1, small) / (1 + small)


@operation("tanh", count=elements("lookup"), monotone=True)
def tanh(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Map to -1 .. 1 by the hyperbolic tangent, read from a table."""
    x = inputs[0]
    small = np.exp(-abs(x * 2))
    return np.where(x >= 0, 1 - small, small - 1) / (1 + small)


def _count_hard_sigmoid(op: Op) -> list[Count]:
    label, size = op.output.precision.label, op.output.size
    return [Count("add", label, size), Count("compare", label, size * 2), Count("mul", label, size)]


@operation("hard_sigmoid", count=_count_hard_sigmoid, elementwise=True)
def hard_sigmoid(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Map to 0 .. 1 by clamp(x + 3, 0, 6) / 6."""
    x = inputs[0] + 3
    return np.where(x >= 6, 6, np.where(x >= 0, x, 0)) * (1 / 6)


@operation("add", inputs=2, count=elements("add"), elementwise=True)
def add(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Add two maps."""
    return inputs[0] + inputs[1]


@operation("subtract", inputs=2, count=elements("add"), elementwise=True)
def subtract(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Subtract the second map from the first; a subtraction costs an addition."""
    return inputs[0] - inputs[1]


@operation("multiply", inputs=2, count=elements("mul"), elementwise=True)
def multiply(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply two maps; the second may have size 1 along an axis."""
    return inputs[0] * inputs[1]


@operation("divide", inputs=2, count=elements("divide"), elementwise=True)
def divide(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Divide the first map by the second, which may have size 1 along an axis."""
    return inputs[0] / inputs[1]


@operation("logic_xnor", inputs=2, count=_compare_input, elementwise=True)
def logic_xnor(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Combine two maps of bits by XNOR: +1 where they agree; one gate, counted as a 1-bit compare."""
    return np.where(inputs[0] >= 0, inputs[1], -inputs[1])


@operation("logic_or", inputs=2, count=_compare_input, elementwise=True)
def logic_or(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Combine two maps of bits by OR: one gate, counted as a 1-bit compare."""
    return np.where(inputs[0] >= inputs[1], inputs[0], inputs[1])
