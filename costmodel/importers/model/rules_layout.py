"""Reshapes, transposes, cuts, joins and reductions: mostly addressing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from costmodel.graph import BINARY, Tensor
from costmodel.importers.model.arranging import as_map
from costmodel.importers.model.constants import axes_of, places_of, target_shape
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_norms import reduced
from costmodel.importers.model.values import Map, NotRead, TwoBits, Value
from costmodel.importers.model.views import Factor, View, merged, reshaped, transposed, view_of


@reads("Identity", "Dropout")
def same(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The same value: nothing at inference."""
    return inputs[0]


@reads("Shape")
def shape(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The shape of a map is a constant."""
    made = inputs[0]
    assert isinstance(made, (Map, TwoBits))
    return np.array(made.shape, np.int64)


def over(r: Reading, value: Value) -> Map:
    """A map whose padding, if any, is there: what looks at positions needs it."""
    made = r.averaged(r.map_of(value))
    return made if made.padding is None else Map(r.plain(made))


@reads("Reshape")
def reshape(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Another shape of the same numbers in the same order."""
    made = over(r, inputs[0])
    wanted = inputs[1]
    assert isinstance(wanted, np.ndarray)
    sides = target_shape(made.shape, wanted, node)
    view = reshaped(merged(made.view), sides)
    if view is None and len(made.shape) == 4 and not made.view.axes[0]:
        made = as_map(r, made)  # axes that were cut in another way are joined
    return as_shape(made, sides)


def as_shape(made: Map, sides: Sequence[int]) -> Map:
    """The same numbers in the same order in another shape; raises NotRead where that is no order of factors."""
    view = reshaped(made.view, sides) or reshaped(merged(made.view), sides)
    if view is None:
        raise NotRead(f"a reshape of {made.shape} to {tuple(sides)}, which cuts across axes")
    return replace(made, view=view, mean=made.mean)


@reads("Flatten")
def flatten(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Join all axes behind the first."""
    made = over(r, inputs[0])
    axis = int(node.attributes.get("axis", 1)) % (len(made.shape) + 1)
    return as_shape(made, (prod(made.shape[:axis]), prod(made.shape[axis:])))


@reads("Transpose")
def transpose(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Another order of axes."""
    made = over(r, inputs[0])
    order = node.attributes.get("perm") or tuple(reversed(range(len(made.shape))))
    if len(places_of(order, len(made.shape))) < len(made.shape):
        raise NotRead(f"an order of {len(order)} axes of a tensor of {len(made.shape)}")
    return replace(made, view=transposed(made.view, order))


@reads("Unsqueeze", "Squeeze")
def squeeze(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Add or drop axes of size 1."""
    made = over(r, inputs[0])
    arrays = [one if isinstance(one, np.ndarray) else None for one in inputs]
    axes = list(made.view.axes)
    if node.kind == "Squeeze":
        gone = axes_of(node, arrays, len(axes))
        gone = tuple(n for n, axis in enumerate(axes) if not axis) if gone is None else gone
        if any(axes[number] for number in gone):
            raise NotRead("it drops an axis of more than one number")
        kept = [axis for number, axis in enumerate(axes) if number not in gone]
    else:
        given = node.attributes.get("axes")
        listed = [int(one) for one in (given if given is not None else np.ravel(np.asarray(arrays[1])))]
        rank = len(axes) + len(listed)
        new = places_of(listed, rank)
        left = iter(axes)
        kept = [() if number in new else next(left) for number in range(rank)]
    return replace(made, view=View(made.view.tensor, made.view.stored, tuple(kept)))


@reads("Expand")
def expand(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Nothing where the shape is there already; else channels, or positions, that are read again: addressing."""
    made = over(r, inputs[0])
    wanted = np.ravel(np.asarray(inputs[1]))
    sides = (1,) * (len(wanted) - len(made.shape)) + made.shape
    if all(w in (1, -1, s) for w, s in zip(wanted, sides, strict=True)):
        return as_shape(made, sides)
    return _repeated(r, made, sides, wanted)


def _repeated(r: Reading, made: Map, sides: Sequence[int], wanted: np.ndarray) -> Map:
    text = f"a map of shape {made.shape} is repeated to {tuple(int(w) for w in wanted)}"
    if len(wanted) != 4 or wanted[0] not in (1, -1) or len(made.view.axes) != 4:
        raise NotRead(text)
    made = as_map(r, Map(r.plain(made)) if made.factor.size > 1 or made.offset.size > 1 else made)
    channels, height, width = (max(int(w), int(s)) for w, s in zip(wanted[1:], sides[1:], strict=True))
    tensor, stored = made.tensor, made.tensor.precision
    if channels > sides[1]:
        shape = (channels, int(tensor.shape[1]), int(tensor.shape[2]))
        attributes: dict[str, object] = {"channels": channels}
        tensor = r.emit("repeat_channels", (tensor,), shape=shape, stored=stored, attributes=attributes)
    if (height, width) != tuple(sides[2:]):
        rows = tuple(range(height)) if height == sides[2] else (0,) * height
        columns = tuple(range(width)) if width == sides[3] else (0,) * width
        attributes = {"rows": rows, "columns": columns}
        shape = (channels, height, width)
        tensor = r.emit("repeat_positions", (tensor,), shape=shape, stored=stored, attributes=attributes)
    return Map(view_of(tensor, 4)).times(made.factor, made.offset)


# ------------------------------------------------------------------ reductions


@reads("ReduceMean", "ReduceSum")
def reduce(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Sum or average over axes: of each map, of a whole sample, of slices, of bits or magnitudes over channels."""
    made = over(r, inputs[0])
    arrays = [one if isinstance(one, np.ndarray) else None for one in inputs]
    rank = len(made.shape)
    axes = axes_of(node, arrays, rank)
    axes = tuple(range(rank)) if axes is None else axes
    factors = [factor for axis in axes for factor in made.view.axes[axis]]
    keep = bool(node.attributes.get("keepdims", 1))
    size = prod(factor.size for factor in factors)
    if not factors:
        return _without(made, axes, keep)
    source = made if made.factor.size == 1 and np.all(made.offset == 0) else Map(r.plain(made))
    summed = _summed(r, source, factors)
    if summed is None:
        result = reduced(r, "axis_sum", source, factors).times(1 / size)
    else:
        rows = [() if number in axes else row for number, row in enumerate(source.view.axes)]
        first, second, third = (tuple(f for f in row if f not in factors) for row in source.view.stored)
        result = replace(summed, view=View(summed.tensor, (first, second, third), tuple(rows)))
    share = size if node.kind == "ReduceSum" else 1.0
    return _without(result.times(float(source.factor) * share), axes, keep)


def _without(made: Map, axes: Sequence[int], keep: bool) -> Map:
    if keep:
        return made
    kept = tuple(row for number, row in enumerate(made.view.axes) if number not in axes)
    return replace(made, view=View(made.view.tensor, made.view.stored, kept))


def _summed(r: Reading, source: Map, factors: Sequence[Factor]) -> Map | None:
    """The mean over some factors of a map, where networks of this project have an operation of its own for it."""
    tensor, stored = source.tensor, source.view.stored
    channels, height, width = (int(side) for side in tensor.shape)
    gone, positions, all_channels = set(factors), set(stored[1]) | set(stored[2]), set(stored[0])
    size = prod(factor.size for factor in factors)
    if gone == positions:
        return _mean(r, "global_average_pool", tensor, (channels, 1, 1))
    if gone == positions | all_channels:
        return _mean(r, "sample_mean", tensor, (1, 1, 1))
    if gone == all_channels and tensor.precision == BINARY:
        return _mean(r, "channel_sum", tensor, (1, height, width)).times(1 / size)
    if gone == all_channels and source.magnitude:
        op = r.g.producer(tensor)
        assert op is not None and isinstance(op.inputs[0], Tensor)
        return _mean(r, "absolute_sum", op.inputs[0], (1, height, width)).times(1 / size)
    if len(factors) == 1 and factors[0] is stored[0][0] and len(stored[0]) > 1 and tensor.precision == BINARY:
        return _mean(r, "slice_mean", tensor, (channels // size, height, width), {"slices": size})
    return None


def _mean(
    r: Reading,
    kind: str,
    tensor: Tensor,
    shape: tuple[int, int, int],
    attributes: dict[str, object] | None = None,
) -> Map:
    return Map(view_of(r.emit(kind, (tensor,), shape=shape, attributes=attributes), 4))
