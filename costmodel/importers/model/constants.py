"""What nodes compute on constants: shapes, and what an author's code does with weights before they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.importers.model.document import Node
from costmodel.importers.model.rule_table import entering
from costmodel.importers.model.values import NotRead

Arrays = Sequence[np.ndarray]
Meaning = Callable[[Node, Arrays], np.ndarray]
MEANINGS: dict[str, Meaning] = {}


computes = entering(MEANINGS, "node '{}' has two meanings.")
"""Registers what nodes of some kinds make of arrays."""


def _elementwise(functions: Mapping[str, Callable[..., Any]]) -> None:
    for kind, function in functions.items():
        computes(kind)(_plain(function))


def _plain(function: Callable[..., Any]) -> Meaning:
    def meaning(node: Node, arrays: Arrays) -> np.ndarray:
        return np.asarray(function(*arrays))

    return meaning


def _divide(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Divide; whole numbers truncate, as ONNX says."""
    if np.issubdtype(left.dtype, np.integer):
        return np.trunc(left / right).astype(left.dtype)
    return left / right


_elementwise(
    {
        "Add": np.add,
        "Sub": np.subtract,
        "Mul": np.multiply,
        "Div": _divide,
        "Pow": lambda base, power: np.power(base, power.astype(base.dtype)),
        "Neg": np.negative,
        "Abs": np.abs,
        "Sqrt": np.sqrt,
        "Exp": np.exp,
        "Log": np.log,
        "Sign": np.sign,
        "Floor": np.floor,
        "Ceil": np.ceil,
        "Round": np.rint,
        "Reciprocal": np.reciprocal,
        "Tanh": np.tanh,
        "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "Relu": lambda x: np.maximum(x, 0),
        "Greater": np.greater,
        "GreaterOrEqual": np.greater_equal,
        "Less": np.less,
        "LessOrEqual": np.less_equal,
        "Equal": np.equal,
        "Not": np.logical_not,
        "And": np.logical_and,
        "Or": np.logical_or,
        "Where": np.where,
        "Identity": lambda x: x,
        "Dropout": lambda x, *rest: x,
        "Expand": lambda x, shape: x * np.ones(_of_few(shape), x.dtype),
    }
)


@computes("Sum", "Max", "Min")
def _several(node: Node, arrays: Arrays) -> np.ndarray:
    function = {"Sum": np.add, "Max": np.maximum, "Min": np.minimum}[node.kind]
    total = arrays[0]
    for other in arrays[1:]:
        total = function(total, other)
    return total


@computes("Clip")
def _clip(node: Node, arrays: Arrays) -> np.ndarray:
    low, high = limits(node, arrays[1:])
    return np.clip(arrays[0], low, high)


def limits(node: Node, bounds: Sequence[np.ndarray | None]) -> tuple[float, float]:
    """Bounds of a clip, from its inputs or, before opset 11, its attributes; raises NotRead where none lies between."""
    given = [None if one is None else float(np.asarray(one).reshape(-1)[0]) for one in bounds]
    given += [None] * (2 - len(given))
    low = given[0] if given[0] is not None else float(node.attributes.get("min", -np.inf))
    high = given[1] if given[1] is not None else float(node.attributes.get("max", np.inf))
    if low > high or low == np.inf or high == -np.inf:
        raise NotRead(f"a clamp from {low:g} to {high:g}, between which there is no number")
    return low, high


@computes("Cast")
def _cast(node: Node, arrays: Arrays) -> np.ndarray:
    return arrays[0].astype(node.attributes.get("to", "float32"))


@computes("Constant")
def _constant(node: Node, arrays: Arrays) -> np.ndarray:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in node.attributes:
            return np.asarray(node.attributes[name])
    raise KeyError("value")


_MOST_ELEMENTS = 2**27
"""Elements of an array that a constant node makes; the largest layers that are known have as many weights."""


def _of_few(shape: np.ndarray) -> np.ndarray:
    """A shape as whole numbers; raises NotRead where it holds more elements than any weights."""
    if np.prod(shape, dtype=float) > _MOST_ELEMENTS:
        raise NotRead(
            f"it makes an array of {np.prod(shape, dtype=float):g} elements; {_MOST_ELEMENTS} are the most"
        )
    return shape.astype(int)


@computes("ConstantOfShape")
def _constant_of_shape(node: Node, arrays: Arrays) -> np.ndarray:
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32))).reshape(-1)[0]
    return np.broadcast_to(value, tuple(int(side) for side in _of_few(arrays[0])))


@computes("Shape")
def _shape(node: Node, arrays: Arrays) -> np.ndarray:
    return np.array(arrays[0].shape, np.int64)


@computes("Reshape")
def _reshape(node: Node, arrays: Arrays) -> np.ndarray:
    return arrays[0].reshape(target_shape(arrays[0].shape, arrays[1], node))


def target_shape(shape: Sequence[int], wanted: np.ndarray, node: Node) -> tuple[int, ...]:
    """Shape that a reshape asks for: 0 keeps an axis, -1 takes what is left."""
    keep = not node.attributes.get("allowzero", 0)
    sides = [
        int(shape[place]) if side == 0 and keep else int(side)
        for place, side in enumerate(wanted.reshape(-1))
    ]
    if -1 in sides:
        rest = int(np.prod([side for side in sides if side != -1]))
        sides[sides.index(-1)] = int(np.prod(shape)) // max(rest, 1)
    return tuple(sides)


@computes("Flatten")
def _flatten(node: Node, arrays: Arrays) -> np.ndarray:
    axis = node.attributes.get("axis", 1)
    return arrays[0].reshape(int(np.prod(arrays[0].shape[:axis])), -1)


@computes("Transpose")
def _transpose(node: Node, arrays: Arrays) -> np.ndarray:
    return arrays[0].transpose(node.attributes.get("perm"))


def axes_of(node: Node, arrays: Sequence[np.ndarray | None], rank: int) -> tuple[int, ...] | None:
    """Axes that a node names by an attribute or, in later opsets, by its second input; None where it names none."""
    given = node.attributes.get("axes")
    if given is None and len(arrays) > 1 and arrays[1] is not None:
        given = arrays[1].reshape(-1).tolist()
    return None if given is None else places_of(given, rank)


def places_of(given: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the first, in order; raises NotRead for one that is not there, and for one named twice."""
    axes = [int(axis) for axis in given]
    found = tuple(sorted({axis % rank for axis in axes})) if rank else ()
    if len(found) < len(axes) or not all(-rank <= axis < rank for axis in axes):
        raise NotRead(f"axes {', '.join(map(str, axes))} of a tensor of {rank} axes")
    return found


@computes("Unsqueeze")
def _unsqueeze(node: Node, arrays: Arrays) -> np.ndarray:
    given = node.attributes.get("axes")
    axes = tuple(int(axis) for axis in (given if given is not None else arrays[1].reshape(-1)))
    return np.expand_dims(arrays[0], axes)


@computes("Squeeze")
def _squeeze(node: Node, arrays: Arrays) -> np.ndarray:
    return np.squeeze(arrays[0], axes_of(node, arrays, arrays[0].ndim))


@computes("Concat")
def _concat(node: Node, arrays: Arrays) -> np.ndarray:
    return np.concatenate(list(arrays), axis=node.attributes["axis"])


@computes("Gather")
def _gather(node: Node, arrays: Arrays) -> np.ndarray:
    return np.take(arrays[0], arrays[1].astype(int), axis=node.attributes.get("axis", 0))


@computes("Slice")
def _slice(node: Node, arrays: Arrays) -> np.ndarray:
    return arrays[0][slices_of(node, arrays, arrays[0].ndim)]


def slices_of(node: Node, arrays: Sequence[np.ndarray | None], rank: int) -> tuple[slice, ...]:
    """What of every axis a slice keeps, from inputs or, before opset 10, attributes."""
    if "starts" in node.attributes:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes, steps = node.attributes.get("axes"), None
    else:
        parts = [None if one is None else [int(v) for v in one.reshape(-1)] for one in arrays[1:]]
        parts += [None] * (4 - len(parts))
        starts, ends, axes, steps = parts
    cuts = [slice(None)] * rank
    for number, start in enumerate(starts):
        axis = int(axes[number]) if axes is not None else number
        step = int(steps[number]) if steps is not None else 1
        end = int(ends[number])
        stop = None if (step < 0 and end < -(2**30)) or end >= 2**31 - 1 else end
        cuts[axis] = slice(int(start), stop, step)
    return tuple(cuts)


@computes("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1")
def _reduce(node: Node, arrays: Arrays) -> np.ndarray:
    functions: dict[str, Callable[..., Any]] = {
        "ReduceMean": np.mean,
        "ReduceSum": np.sum,
        "ReduceMax": np.max,
        "ReduceMin": np.min,
    }
    x, kind = (abs(arrays[0]), "ReduceSum") if node.kind == "ReduceL1" else (arrays[0], node.kind)
    axes = axes_of(node, arrays, x.ndim)
    if axes is None and node.attributes.get("noop_with_empty_axes"):
        return x
    return np.asarray(functions[kind](x, axis=axes, keepdims=bool(node.attributes.get("keepdims", 1))))


@computes("MatMul")
def _matmul(node: Node, arrays: Arrays) -> np.ndarray:
    return np.matmul(arrays[0], arrays[1])


@computes("Rot90")
def _rot90(node: Node, arrays: Arrays) -> np.ndarray:
    return np.rot90(arrays[0], node.attributes["turns"], axes=tuple(node.attributes["axes"]))


@computes("Std")
def _std(node: Node, arrays: Arrays) -> np.ndarray:
    """Standard deviation over axes, or all; `correction` is what is taken from the number of elements."""
    axes = node.attributes.get("axes")
    axis = tuple(axes) if axes else None
    return np.std(
        arrays[0], axis=axis, ddof=node.attributes.get("correction", 1), keepdims=node.attributes["keepdims"]
    )


@computes("Range")
def _range(node: Node, arrays: Arrays) -> np.ndarray:
    start, end, step = (float(one.reshape(-1)[0]) for one in arrays)
    _of_few(np.array(max(0, (end - start) / step)))
    return np.arange(*(one.reshape(-1)[0] for one in arrays))


@computes("BipolarQuant")
def _bipolar(node: Node, arrays: Arrays) -> np.ndarray:
    return np.where(arrays[0] >= 0, 1.0, -1.0) * arrays[1]


_WAYS: Mapping[str, Callable[..., Any]] = {
    "ROUND": np.rint, "HALF_EVEN": np.rint, "FLOOR": np.floor, "CEIL": np.ceil, "ROUND_TO_ZERO": np.trunc,
    "DOWN": np.trunc,
}  # fmt: skip


@computes("Quant", "IntQuant")
def _quant(node: Node, arrays: Arrays) -> np.ndarray:
    x, scale, zero, bits = arrays
    signed, narrow = int(node.attributes.get("signed", 1)), int(node.attributes.get("narrow", 0))
    low = -(2.0 ** (bits - 1)) + narrow if signed else np.zeros(())
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    way = _WAYS[str(node.attributes.get("rounding_mode", "ROUND")).upper()]
    return np.asarray((np.clip(way(x / scale + zero), low, high) - zero) * scale)


@computes("DequantizeLinear")
def _dequantize(node: Node, arrays: Arrays) -> np.ndarray:
    x, scale = arrays[:2]
    zero = arrays[2] if len(arrays) > 2 else np.zeros((), x.dtype)
    shape = [1] * x.ndim
    if scale.ndim == 1 and scale.size > 1:
        shape[int(node.attributes.get("axis", 1))] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
    return ((x.astype(np.float64) - zero.astype(np.float64)) * scale).astype(np.float32)
