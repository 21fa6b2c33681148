"""Operations that divide by what they find in the map itself: softmax, norms of each sample, local response norm."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from costmodel.graph import Op
from costmodel.operations.registry import Count, operation

Arrays = Sequence[np.ndarray]


def _axes(op: Op) -> tuple[int, ...]:
    """The axes that an operation goes `over`, counted from the last."""
    return tuple("CHW".index(letter) - 3 for letter in str(op.attributes["over"]))


def _group(op: Op) -> tuple[int, int]:
    """Elements of each group that an operation goes over, and the number of groups."""
    shape = op.inputs[0].shape
    each = prod(int(shape[axis]) for axis in _axes(op))
    return each, int(op.inputs[0].size) // each


def _reduced(function: np.ufunc, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Reduce over axes one after the other, which stay with size 1."""
    for axis in axes:
        x = function.reduce(x, axis=axis, keepdims=True)
    return x


def _count_sum(op: Op) -> list[Count]:
    each, groups = _group(op)
    return [Count("add", op.output.precision.label, groups * (each - 1))]


@operation("axis_sum", attributes=("over",), count=_count_sum)
def axis_sum(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum over some of the axes C, H and W, which stay with size 1."""
    return _reduced(np.add, inputs[0], _axes(op))


def _count_maximum(op: Op) -> list[Count]:
    each, groups = _group(op)
    return [Count("compare", op.output.precision.label, groups * (each - 1))]


@operation("axis_maximum", attributes=("over",), count=_count_maximum)
def axis_maximum(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep the largest over some of the axes C, H and W, which stay with size 1."""
    return _reduced(np.maximum, inputs[0], _axes(op))


def _count_softmax(op: Op) -> list[Count]:
    label, (each, groups) = op.output.precision.label, _group(op)
    return [
        Count("compare", label, groups * (each - 1)),
        Count("add", label, groups * (2 * each - 1)),
        Count("lookup", label, groups * each),
        Count("divide", label, groups),
        Count("mul", label, groups * each),
    ]


@operation("softmax", attributes=("over",), count=_count_softmax)
def softmax(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Turn the numbers of each group into shares of 1: the exponential of each less the largest, over their sum.

    The exponential is read from a table; one division per group, and a product per element.
    """
    x, axes = inputs[0], _axes(op)
    powers = np.exp(x - _reduced(np.maximum, x, axes))
    return powers * (1 / _reduced(np.add, powers, axes))


def _count_layer_norm(op: Op) -> list[Count]:
    label, (each, groups) = op.output.precision.label, _group(op)
    return [
        Count("add", label, groups * (3 * each - 1)),
        Count("mul", label, groups * (2 * each + 2)),
        Count("lookup", label, groups),
    ]


@operation("layer_norm", attributes=("over", "epsilon"), count=_count_layer_norm)
def layer_norm(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Give each group zero mean and unit variance (Ba 2016); one over the root is read from a table.

    Its gain and offset are operations of their own.
    """
    x, axes, epsilon = inputs[0], _axes(op), float(str(op.attributes["epsilon"]))
    share = 1 / _group(op)[0]
    centred = x - _reduced(np.add, x, axes) * share
    variance = _reduced(np.add, centred * centred, axes) * share
    return centred * (1 / np.sqrt(variance + epsilon))


def _neighbours(op: Op) -> list[range]:
    """The channels that the norm of each channel looks at."""
    channels, size = int(op.output.shape[0]), op.integer("channels")
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    return [range(max(0, one - before), min(channels, one + after + 1)) for one in range(channels)]


def _count_local_response(op: Op) -> list[Count]:
    label, size = op.output.precision.label, int(op.output.size)
    positions = size // int(op.output.shape[0])
    sums = sum(len(seen) - 1 for seen in _neighbours(op)) * positions
    return [Count("add", label, sums + size), Count("mul", label, 3 * size), Count("lookup", label, size)]


@operation(
    "local_response_norm", attributes=("channels", "alpha", "beta", "bias"), count=_count_local_response
)
def local_response_norm(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Divide by (bias + alpha / n times the sum of squares of n neighbouring channels) ** beta (Krizhevsky 2012).

    The power of the sum is read from a table, and multiplied.
    """
    alpha, beta, bias = (float(str(op.attributes[name])) for name in ("alpha", "beta", "bias"))
    x = inputs[0]
    squares = x * x
    sums = [np.add.reduce(squares[..., seen.start : seen.stop, :, :], axis=-3) for seen in _neighbours(op)]
    inside = np.stack(sums, axis=-3) * (alpha / op.integer("channels")) + bias
    return x * inside**-beta


def _count_top(op: Op) -> list[Count]:
    (each, groups), kept = _group(op), op.integer("kept")
    return [Count("compare", op.inputs[0].precision.label, groups * sum(each - 1 - n for n in range(kept)))]


@operation("top", attributes=("over", "kept", "numbers"), count=_count_top)
def top(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Select the `kept` largest of each group, in order, by as many passes; of equals the first comes first.

    The result is their values, or with `numbers` their places, along the axis that was gone over.
    """
    (axis,), kept = _axes(op), op.integer("kept")
    values = list(np.moveaxis(inputs[0], axis, 0))
    places = [np.full(values[0].shape, number) for number in range(len(values))]
    for done in range(kept):
        for one in range(len(values) - 1, done, -1):
            swap = (values[one] > values[one - 1]).astype(bool)
            for row in (values, places):
                row[one - 1], row[one] = (
                    np.where(swap, row[one], row[one - 1]),
                    np.where(swap, row[one - 1], row[one]),
                )
    chosen = places if op.attributes["numbers"] is True else values
    return np.moveaxis(np.stack(chosen[:kept]), 0, axis)
