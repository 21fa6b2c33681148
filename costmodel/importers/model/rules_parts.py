"""Padding, cutting and joining of maps: addressing, which often waits for the layer that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from costmodel.graph import Precision, Tensor
from costmodel.importers.model.arranging import as_map, laid_out
from costmodel.importers.model.constants import slices_of
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import shifted
from costmodel.importers.model.values import Map, NotRead, Padding, Value
from costmodel.importers.model.views import Axis, Factor, View, merged, view_of


def _over(r: Reading, value: Value) -> Map:
    """A map whose padding, if any, is there: what looks at positions needs it."""
    made = r.averaged(r.map_of(value))
    return made if made.padding is None else Map(r.plain(made))


def _moved(r: Reading, value: Value) -> Map:
    """A map of which a part, or copies, are made: a factor of real values is multiplied before."""
    made = _over(r, value)
    return made if made.is_bits else Map(r.plain(made))


@reads("Pad")
def pad(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Padding of positions waits for the layer that reads it; padded channels are wired."""
    mode = node.attributes.get("mode", "constant")
    made = _over(r, inputs[0])
    if made.factor.size > 1 or made.offset.size > 1:
        made = Map(r.plain(made))
    given = node.attributes.get("pads")
    pads = [int(one) for one in (given if given is not None else np.ravel(np.asarray(inputs[1])))]
    rank = len(made.shape)
    value = float(node.attributes.get("value", 0.0))
    if len(inputs) > 2 and isinstance(inputs[2], np.ndarray):
        value = float(inputs[2].reshape(-1)[0])
    if min(pads) < 0:
        raise NotRead(f"padding of {min(pads)}, which cuts off a part of the map")
    around = [(pads[axis], pads[axis + rank]) for axis in range(rank)]
    if not any(map(any, around)):
        return made
    if mode not in ("constant", "edge"):
        raise NotRead(f"padding in the mode '{mode}'")
    if rank not in (3, 4) or any(around[0]) or (rank == 3 and any(around[1])):
        raise NotRead("padding of a tensor that is no (N, C, H, W) or (N, C, L) map")
    made = as_map(r, made)
    if any(around[1]):
        if mode == "edge":
            raise NotRead("channels that repeat the first and last one")
        made = _pad_channels(r, made, around[1], value)
    if not any(map(any, around[2:])):
        return made
    (above, below), (left, right), *_ = (*around[2:], (0, 0))
    return replace(made, padding=Padding(above, left, below, right, value, mode == "edge"))


def _pad_channels(r: Reading, made: Map, around: tuple[int, int], value: float) -> Map:
    before, after = around
    made = _moved(r, made)
    inner = (value - float(made.offset)) / float(made.factor)
    if not np.isfinite(inner) or not np.isclose(inner, round(inner)) or after - before not in (0, 1):
        raise NotRead(f"{before} and {after} channels of {value:g} before and after a map")
    channels, height, width = made.tensor.shape
    total = int(channels) + before + after
    tensor = r.emit(
        "pad_channels", (made.tensor,), shape=(total, height, width), stored=made.tensor.precision,
        attributes={"channels": total, "value": round(inner)},
    )  # fmt: skip
    return Map(view_of(tensor, 4)).times(made.factor, made.offset)


@reads("Slice")
def cut(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Part of a map."""
    made = _over(r, inputs[0])
    arrays = [one if isinstance(one, np.ndarray) else None for one in inputs]
    return cut_by(r, made, slices_of(node, arrays, len(made.shape)))


@reads("Gather")
def gather(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """One index of an axis."""
    made, index = _over(r, inputs[0]), inputs[1]
    if not isinstance(index, np.ndarray) or index.size != 1:
        raise NotRead("several indices are taken from a map")
    axis = int(node.attributes.get("axis", 0)) % len(made.shape)
    start = int(index.reshape(-1)[0]) % made.shape[axis]
    cuts = [slice(None)] * len(made.shape)
    cuts[axis] = slice(start, start + 1)
    part = cut_by(r, made, tuple(cuts))
    if index.ndim:
        return part
    kept = tuple(one for number, one in enumerate(part.view.axes) if number != axis)
    return replace(part, view=View(part.view.tensor, part.view.stored, kept))


def cut_by(r: Reading, made: Map, cuts: Sequence[slice]) -> Map:
    """Keep a range of every axis: a stride over rows and columns, or a range of channels."""
    ranges = [range(side)[one] for side, one in zip(made.shape, cuts, strict=True)]
    changed = [axis for axis, kept in enumerate(ranges) if len(kept) != made.shape[axis]]
    if any(kept.step < 0 for kept in ranges):
        raise NotRead("a map is reversed")
    if not changed:
        return made
    made = _moved(r, made)
    if made.factor.size > 1 or made.offset.size > 1:
        made = Map(r.plain(made))
    rows = [axis for axis in changed if made.view.letters(axis) in ((1,), (2,))]
    steps = {ranges[axis].step for axis in changed}
    whole = all(ranges[axis].start == 0 for axis in changed)
    step = max(steps)
    if len(rows) == 2 == len(changed) and steps == {step} and step > 1 and whole:
        full = all(len(ranges[axis]) == -(-made.shape[axis] // step) for axis in changed)
        if full:
            return _subsampled(r, made, step)
    if len(changed) == 1 and step > 1 and whole:
        before = r.g.producer(made.tensor)
        aligned = before is not None and before.attributes.get("start") == 0
        if before is not None and aligned and before.kind == "crop" and before.attributes["every"] == step:
            other, letters = int(str(before.attributes["axis"])), made.view.letters(changed[0])
            if len(letters) == 1 and {other, letters[0]} == {1, 2}:
                source = before.inputs[0]
                return _subsampled(r, replace(made, view=made.view.with_tensor(source)), step)  # type: ignore[arg-type]
    if len(changed) == 1:
        return _range_of(r, made, changed[0], ranges[changed[0]])
    raise NotRead("a cut through several axes of a map")


def _subsampled(r: Reading, made: Map, step: int) -> Map:
    channels, height, width = (int(side) for side in made.tensor.shape)
    shape = (channels, -(-int(height) // step), -(-int(width) // step))
    tensor = r.emit(
        "subsample", (made.tensor,), shape=shape, stored=made.tensor.precision, attributes={"stride": step}
    )
    sides = {1: shape[1], 2: shape[2]}
    new = {axis: (Factor(side, axis),) if side > 1 else () for axis, side in sides.items()}
    first, _, _ = made.view.stored
    axes = tuple(row if not row or row[0].axis == 0 else new[row[0].axis] for row in made.view.axes)
    return Map(View(tensor, (first, new[1], new[2]), axes)).times(made.factor, made.offset)


def _range_of(r: Reading, made: Map, axis: int, kept: range) -> Map:
    """A range of one factor of the channels, or of rows or columns."""
    if len(made.view.axes[axis]) != 1:
        made = _as_one(r, made, axis)
    (factor,) = made.view.axes[axis]
    row = made.view.stored[factor.axis]
    place = row.index(factor)
    outer = prod(one.size for one in row[:place])
    inner = prod(one.size for one in row[place + 1 :])
    sides = [int(side) for side in made.tensor.shape]
    sides[factor.axis] = outer * len(kept) * inner
    shape = (sides[0], sides[1], sides[2])
    if factor.axis == 0 and factor.size == 2 and len(kept) == 1 and made.is_bits:
        attributes: dict[str, object] = {"slices": outer, "half": kept.start}
        kind = "half_of_slices"
    else:
        attributes = {
            "axis": factor.axis, "outer": outer, "size": factor.size, "start": kept.start, "stop": kept.stop,
            "every": kept.step,
        }  # fmt: skip
        kind = "crop"
    tensor = r.emit(kind, (made.tensor,), shape=shape, stored=made.tensor.precision, attributes=attributes)
    return Map(_smaller(made.view, tensor, factor, len(kept))).times(made.factor, made.offset)


def _as_one(r: Reading, made: Map, axis: int) -> Map:
    """A map of which an axis of several parts is one, so that it can be cut."""
    axes = made.view.axes
    if len(axes) == 4 and not axes[0]:
        made = as_map(r, made)
    else:
        rest = tuple(factor for number, row in enumerate(axes) if number != axis for factor in row)
        made = laid_out(r, made, (axes[axis], rest, ()))
    made = merged_map(made)
    if len(made.view.axes[axis]) != 1:
        raise NotRead("a cut through an axis that is made of several")
    return made


def _smaller(view: View, tensor: Tensor, factor: Factor, size: int) -> View:
    """The view of a map of which one factor has become smaller."""
    new = (Factor(size, factor.axis),) if size > 1 else ()

    def swapped(row: Axis) -> Axis:
        return tuple(one for old in row for one in (new if old is factor else (old,)))

    first, second, third = (swapped(row) for row in view.stored)
    return View(tensor, (first, second, third), tuple(swapped(row) for row in view.axes))


@reads("Split")
def split(r: Reading, node: Node, inputs: Sequence[Value]) -> tuple[Value, ...]:
    """Cut an axis into ranges."""
    made = _over(r, inputs[0])
    axis = int(node.attributes.get("axis", 0)) % len(made.shape)
    given = node.attributes.get("split")
    if given is None and len(inputs) > 1 and isinstance(inputs[1], np.ndarray):
        given = inputs[1].reshape(-1).tolist()
    parts = len(node.outputs)
    each = -(-made.shape[axis] // parts)
    sizes = given if given is not None else [each] * (parts - 1) + [made.shape[axis] - each * (parts - 1)]
    pieces, start = [], 0
    for size in sizes:
        cuts = [slice(None)] * len(made.shape)
        cuts[axis] = slice(start, start + int(size))
        pieces.append(cut_by(r, made, cuts))
        start += int(size)
    return tuple(pieces)


@reads("Concat")
def concat(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Join channels, or positions: addressing."""
    if any(isinstance(one, np.ndarray) for one in inputs):
        return _beside_constants(r, node, inputs)
    maps = [_moved(r, one) for one in inputs]
    axis = int(node.attributes["axis"]) % len(maps[0].shape)
    alike = all(np.all(one.factor == maps[0].factor) and np.all(one.offset == maps[0].offset) for one in maps)
    if alike and maps[0].factor.size == 1 and len({one.tensor.precision for one in maps}) == 1:
        factor, offset = maps[0].factor, maps[0].offset
    else:
        maps, factor, offset = [Map(r.plain(one)) for one in maps], np.ones(()), np.zeros(())
    tensors = [one.tensor for one in maps]
    if len({id(one) for one in tensors}) == 1 and len(tensors) > 1:
        return _repeated(r, maps, axis).times(factor, offset)
    first = maps[0].view
    if len({one.view.shape[:axis] + one.view.shape[axis + 1 :] for one in maps}) > 1:
        raise NotRead("maps of different sizes are joined")
    on_channels = all(one.view.axes[axis] == one.view.stored[0] or not one.view.axes[axis] for one in maps)
    if not on_channels or not all(_stored_alike(one.view, first, axis) for one in maps):
        return _along(r, maps, axis).times(factor, offset)
    inner = first.axes[axis]
    stacked = not inner and first.stored[0]
    channels = sum(int(one.shape[0]) for one in tensors)
    shape = (channels, int(tensors[0].shape[1]), int(tensors[0].shape[2]))
    narrow = {one.precision for one in tensors}
    stored = tensors[0].precision if len(narrow) == 1 else r.widths.features
    if stacked:
        return _interleaved(r, maps, axis, shape, stored).times(factor, offset)
    tensor = r.emit("concatenate", tensors, shape=shape, stored=stored)
    return Map(_like(first, tensor, axis)).times(factor, offset)


def _stored_alike(view: View, other: View, axis: int) -> bool:
    """Whether two maps lie in the same way but for one axis."""

    def sides(one: View) -> list[list[tuple[int, int]]]:
        rows = [row for number, row in enumerate(one.axes) if number != axis]
        return [[(factor.size, factor.axis) for factor in row] for row in (*rows, *one.stored[1:])]

    return sides(view) == sides(other)


def _along(r: Reading, maps: Sequence[Map], axis: int) -> Map:
    """Maps joined along any axis, which is that of channels of what is stored."""
    placed = []
    for one in maps:
        rest = tuple(factor for number, row in enumerate(one.view.axes) if number != axis for factor in row)
        placed.append(merged_map(laid_out(r, one, (one.view.axes[axis], rest, ()))))
    tensors = [one.tensor for one in placed]
    rest = placed[0].view.stored[1]
    channels = sum(int(one.shape[0]) for one in tensors)
    shape = (channels, int(tensors[0].shape[1]), 1)
    tensor = r.emit("concatenate", tensors, shape=shape, stored=tensors[0].precision)
    joined = (Factor(channels, 0),)
    axes = tuple(joined if number == axis else row for number, row in enumerate(placed[0].view.axes))
    return Map(View(tensor, (joined, rest, ()), axes))


def merged_map(made: Map) -> Map:
    """The same map, seen with as few factors as possible."""
    return replace(made, view=merged(made.view))


def _beside_constants(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """A map with constants before and behind it, such as a class token: zeros, and what is added to them."""
    maps = [one for one in inputs if not isinstance(one, np.ndarray)]
    if len(maps) != 1:
        raise NotRead("several maps are joined with constants")
    made = Map(r.plain(maps[0]))
    axis = int(node.attributes["axis"]) % len(made.shape)
    place = [isinstance(one, np.ndarray) for one in inputs].index(False)
    before, behind = (
        sum(int(np.asarray(one).shape[axis]) for one in some)
        for some in (inputs[:place], inputs[place + 1 :])
    )
    rest = tuple(factor for number, row in enumerate(made.view.axes) if number != axis for factor in row)
    made = laid_out(r, made, (rest, made.view.axes[axis], ()))
    length = made.shape[axis] + before + behind
    tensor = r.emit(
        "pad_map", (made.tensor,), shape=(int(made.tensor.shape[0]), length, 1), stored=made.tensor.precision,
        attributes={"above": before, "left": 0, "below": behind, "right": 0, "value": 0.0},
    )  # fmt: skip
    longer = (Factor(length, 1),)
    axes = tuple(longer if number == axis else row for number, row in enumerate(made.view.axes))
    padded = Map(View(tensor, (made.view.stored[0], longer, ()), axes))
    full = np.concatenate(
        [one if isinstance(one, np.ndarray) else np.zeros(made.shape) for one in inputs], axis=axis
    )
    return shifted(r, padded, full)


def _like(view: View, tensor: Tensor, axis: int) -> View:
    """The view of a map with more channels."""
    fresh = view_of(tensor, 4)
    axes = tuple(fresh.stored[0] if number == axis else row for number, row in enumerate(view.axes))
    stored = (fresh.stored[0], view.stored[1], view.stored[2])
    return View(tensor, stored, axes)


def _interleaved(
    r: Reading, maps: Sequence[Map], axis: int, shape: tuple[int, int, int], stored: Precision
) -> Map:
    """Maps stacked behind their channels, which a reshape then joins: channels in turn."""
    view = maps[0].view
    if len(maps) != 2 or view.axes[axis - 1] != view.stored[0]:
        raise NotRead("maps are stacked")
    tensor = r.emit("interleave_channels", [one.tensor for one in maps], shape=shape, stored=stored)
    channel = view.stored[0]
    two = Factor(2, 0)
    rows = ((*channel, two), view.stored[1], view.stored[2])
    axes = tuple((two,) if number == axis else row for number, row in enumerate(view.axes))
    return Map(View(tensor, rows, axes))


def _repeated(r: Reading, maps: Sequence[Map], axis: int) -> Map:
    view = maps[0].view
    if view.axes[axis] != view.stored[0] and view.axes[axis]:
        raise NotRead("a map is repeated along another axis than that of channels")
    source = maps[0].tensor
    channels = int(source.shape[0]) * len(maps)
    shape = (channels, int(source.shape[1]), int(source.shape[2]))
    tensor = r.emit(
        "repeat_channels", (source,), shape=shape, stored=source.precision, attributes={"channels": channels}
    )
    return Map(_like(view, tensor, axis))
