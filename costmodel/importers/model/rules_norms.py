"""Softmax, norms of each sample, sums over any axes, and the largest of some numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from costmodel.importers.model.arranging import grouped
from costmodel.importers.model.constants import axes_of
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import scaled, shifted
from costmodel.importers.model.values import Map, NotRead, Value
from costmodel.importers.model.views import Factor, View


def _over_axes(
    r: Reading, kind: str, value: Value, axes: Sequence[int], attributes: Mapping[str, object]
) -> Map:
    """An operation that goes over some axes of a tensor and keeps its shape."""
    made = Map(r.plain(value))
    factors = [factor for axis in axes for factor in made.view.axes[axis]]
    if not factors:
        raise NotRead(f"{kind} over axes of one number")
    source, letters, _ = grouped(r, made, factors)
    tensor = r.emit(kind, (source.tensor,), attributes={"over": letters, **attributes})
    return Map(source.view.with_tensor(tensor))


@reads("Softmax", "LogSoftmax")
def softmax(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Shares of 1 over an axis; before opset 13, over all axes from one on."""
    rank = len(r.map_of(inputs[0]).shape)
    axis = int(node.attributes.get("axis", -1)) % rank
    axes = range(axis, rank) if node.attributes.get("flat") else (axis,)
    made = _over_axes(r, "softmax", inputs[0], tuple(axes), {})
    if node.kind == "Softmax":
        return made
    return Map(made.view.with_tensor(r.emit("table", (made.tensor,), attributes={"function": "log"})))


@reads("LayerNormalization")
def layer_norm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Zero mean and unit variance over the last axes; a gain and an offset, if there are any, are constants."""
    x, gain, offset = (*inputs, None, None)[:3]
    rank = len(r.map_of(x).shape)
    axes = tuple(range(int(node.attributes.get("axis", -1)) % rank, rank))
    return _affine(r, _normed(r, node, x, axes), gain, offset)


def _normed(r: Reading, node: Node, x: Value, axes: Sequence[int]) -> Map:
    return _over_axes(r, "layer_norm", x, axes, {"epsilon": float(node.attributes.get("epsilon", 1e-5))})


def _affine(r: Reading, made: Value, gain: Value, offset: Value) -> Value:
    """A gain and an offset, if there are any; those of a norm that was never trained stand for other numbers."""
    if not all(one is None or isinstance(one, np.ndarray) for one in (gain, offset)):
        raise NotRead("a gain or an offset that is computed from the image")
    if isinstance(gain, np.ndarray):
        made = scaled(r, made, gain.astype(np.float64))
    if isinstance(offset, np.ndarray):
        untrained = gain is None or bool(np.all(gain == 1))
        made = shifted(r, made, offset.astype(np.float64), even_zero=untrained)
    return made


@reads("InstanceNormalization")
def instance_norm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Zero mean and unit variance of each channel of each sample; tools write one without a gain with one of ones."""
    x, gain, offset = inputs
    rank = len(r.map_of(x).shape)
    shape = (-1, *[1] * (rank - 2))
    if (
        isinstance(gain, np.ndarray)
        and isinstance(offset, np.ndarray)
        and np.all(gain == 1)
        and not offset.any()
    ):
        gain = offset = None
    per_channel = [one.reshape(shape) if isinstance(one, np.ndarray) else one for one in (gain, offset)]
    return _affine(r, _normed(r, node, x, tuple(range(2, rank))), *per_channel)


@reads("LRN")
def local_response_norm(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Divide by a power of the squares of neighbouring channels."""
    view = r.plain(inputs[0])
    if view.axes[1] != view.stored[0]:
        raise NotRead("a norm over an axis that is not the one of channels")
    attributes: dict[str, object] = {
        "channels": int(node.attributes["size"]),
        "alpha": float(node.attributes.get("alpha", 1e-4)),
        "beta": float(node.attributes.get("beta", 0.75)),
        "bias": float(node.attributes.get("bias", 1.0)),
    }
    return Map(view.with_tensor(r.emit("local_response_norm", (view.tensor,), attributes=attributes)))


# ------------------------------------------------------------------ what fewer numbers are left of


def reduced(r: Reading, kind: str, made: Map, factors: Sequence[Factor]) -> Map:
    """Sum, or keep the largest, over some factors of a map, which are then gone."""
    source, letters, placed = grouped(r, made, factors)
    shape = [int(side) for side in source.tensor.shape]
    for letter in letters:
        shape["CHW".index(letter)] = 1
    tensor = r.emit(
        kind, (source.tensor,), shape=(shape[0], shape[1], shape[2]), attributes={"over": letters}
    )
    return Map(_without(source.view, tensor, placed))


def _without(view: View, tensor: object, factors: Sequence[Factor]) -> View:
    gone = set(factors)
    first, second, third = (tuple(one for one in row if one not in gone) for row in view.stored)
    axes = tuple(tuple(one for one in axis if one not in gone) for axis in view.axes)
    return View(tensor, (first, second, third), axes)  # type: ignore[arg-type]


@reads("ReduceMax", "GlobalMaxPool")
def largest(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The largest over some axes; a positive factor commutes."""
    made = r.map_of(inputs[0])
    if made.padding is not None or made.factor.size > 1 or made.offset.size > 1 or np.any(made.factor < 0):
        made = Map(r.plain(made))
    rank = len(made.shape)
    if node.kind == "GlobalMaxPool":
        axes: tuple[int, ...] = tuple(range(2, rank))
    else:
        arrays = [one if isinstance(one, np.ndarray) else None for one in inputs]
        axes = axes_of(node, arrays, rank) or tuple(range(rank))
    factors = [factor for axis in axes for factor in made.view.axes[axis]]
    result = made
    if factors:
        result = reduced(r, "axis_maximum", made, factors)
        result = result.times(made.factor, made.offset)
    if node.attributes.get("keepdims", 1):
        return result
    kept = tuple(row for number, row in enumerate(result.view.axes) if number not in axes)
    return replace(result, view=View(result.view.tensor, result.view.stored, kept))


@reads("TopK", "ArgMax")
def selected(r: Reading, node: Node, inputs: Sequence[Value]) -> tuple[Value, ...] | Value:
    """The largest numbers of an axis, or their places."""
    made = Map(r.plain(inputs[0]))
    best = node.kind == "ArgMax"
    if not node.attributes.get("largest", 1):
        raise NotRead("the smallest numbers of a map")
    axis = int(node.attributes.get("axis", 0 if best else -1)) % len(made.shape)
    given = inputs[1] if len(inputs) > 1 else node.attributes.get("k", 1)
    kept = 1 if best else int(np.ravel(np.asarray(given))[0])
    if not 1 <= kept <= made.shape[axis]:
        raise NotRead(f"the largest {kept} of {made.shape[axis]} numbers")
    source, letters, factors = grouped(r, made, made.view.axes[axis])
    if len(letters) != 1:
        raise NotRead("a selection over an axis of one number")
    shape = [int(side) for side in source.tensor.shape]
    shape["CHW".index(letters)] = kept
    results = []
    for numbers in (True,) if best else (False, True):
        tensor = r.emit(
            "top", (source.tensor,), shape=(shape[0], shape[1], shape[2]),
            attributes={"over": letters, "kept": kept, "numbers": numbers},
        )  # fmt: skip
        results.append(Map(_kept(source.view, tensor, factors, kept)))
    if not best:
        return tuple(results)
    if node.attributes.get("keepdims", 1):
        return results[0]
    view = results[0].view
    axes = tuple(row for number, row in enumerate(view.axes) if number != axis)
    return replace(results[0], view=View(view.tensor, view.stored, axes))


def _kept(view: View, tensor: object, factors: Sequence[Factor], kept: int) -> View:
    """The view of a map whose axis of these factors has become `kept` long."""
    new = (Factor(kept, factors[0].axis),) if kept > 1 else ()

    def swapped(row: Sequence[Factor]) -> tuple[Factor, ...]:
        return tuple(
            one for old in row for one in (new if old is factors[0] else () if old in factors else (old,))
        )

    first, second, third = (swapped(row) for row in view.stored)
    return View(tensor, (first, second, third), tuple(swapped(row) for row in view.axes))  # type: ignore[arg-type]
