"""Sums, products and curves of elements; what cancels (a - b + b), and what is only a factor, is not computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from costmodel.graph import Op
from costmodel.importers.model.arranging import like, with_channels_apart
from costmodel.importers.model.document import LEARNED, Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.values import ROUNDING, Map, NotRead, TwoBits, Value
from costmodel.importers.model.views import View, same_places
from costmodel.importers.model.written_out import clamp_of, two_slopes_of

# ------------------------------------------------------------------ sums


@reads("Add", "Sub", "Sum")
def add(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Add or subtract; of more than two, one after the other.

    What a module has learned is added even where it is zero: so it begins, and is other numbers after training.
    """
    total = inputs[0]
    for other in inputs[1:]:
        total = _sum(r, node, total, other, -1 if node.kind == "Sub" else 1)
    return total


def _sum(r: Reading, node: Node, left: Value, right: Value, sign: int) -> Value:
    learned = bool(node.attributes.get(LEARNED, 0))
    if isinstance(right, np.ndarray):
        return shifted(r, left, sign * right, even_zero=learned)
    if isinstance(left, np.ndarray):
        return shifted(r, right if sign > 0 else _times_number(r, right, -1.0), left, even_zero=learned)
    left, right = r.gated(left), r.gated(right)
    known = r.sums.cancelled(left, right, sign)
    if known is not None:
        return known
    if isinstance(left, Map) and isinstance(right, Map):
        bent = two_slopes_of(r, left, right, sign)
        if bent is not None:
            return bent
        if (clamped := clamp_of(r, node, left, right, sign)) is not None:
            return shifted(r, clamped[0], np.asarray(clamped[1]))
    if isinstance(left, Map) and isinstance(right, Map) and _pair_of_bits(left, right):
        made: Value = TwoBits(
            left.view, right.view, _corner(left, (-1, -1, 1, 1)) + sign * _corner(right, (-1, 1, -1, 1))
        )
    elif sign > 0 and isinstance(left, Map) and isinstance(right, Map):
        made = _added(r, left, right)
    elif sign > 0:
        made = Map(_joined(r, "add", left, right))
    else:
        made = Map(_joined(r, "subtract", left, right))
    r.sums.record(made, left, right, sign)
    return made


def _added(r: Reading, left: Map, right: Map) -> Map:
    """Add; a factor of both alike is one of the sum."""
    return Map(_joined(r, "add", left, right))


def _joined(r: Reading, kind: str, left: Value, right: Value) -> View:
    one, other, swapped = in_places(r, left, right)
    if kind == "subtract" and swapped:
        one = one.with_tensor(r.emit("scale", (one.tensor,), constants=(("factor", "", np.array(-1.0)),)))
        kind = "add"
    return one.with_tensor(r.emit(kind, (one.tensor, other.tensor)))


def in_places(r: Reading, left: Value, right: Value) -> tuple[View, View, bool]:
    """Two maps in the same order of their numbers, the larger one first, and whether that is the second."""
    first, second = r.together(left, right)
    less = _unrepeated(r, first), _unrepeated(r, second)
    if less[0] is first or less[1] is second:
        first, second = less
    swapped = bool(second.tensor.size > first.tensor.size)
    one, other = (second, first) if swapped else (first, second)
    if any(mine and not theirs for mine, theirs in zip(other.axes, one.axes, strict=True)):
        raise NotRead("two maps are combined of which either is repeated along an axis")
    return one, other if same_places(one, other) else like(r, other, one), swapped


def _unrepeated(r: Reading, view: View) -> View:
    """What a map repeats over its positions: the other map that it meets has them all."""
    op = r.g.producer(view.tensor)
    if op is None or op.kind != "repeat_positions" or op.inputs[0].shape[1:] != (1, 1):
        return view
    gone = set(view.stored[1]) | set(view.stored[2])
    axes = tuple(tuple(one for one in axis if one not in gone) for axis in view.axes)
    return View(op.inputs[0], (view.stored[0], (), ()), axes)  # type: ignore[arg-type]


def _pair_of_bits(left: Map, right: Map) -> bool:
    same = left.view.shape == right.view.shape and left.tensor is not right.tensor
    return left.is_bits and right.is_bits and same and left.factor.size == right.factor.size == 1


def _corner(bits: Map, values: Sequence[int]) -> np.ndarray:
    return np.array(values) * float(bits.factor) + float(bits.offset)


def shifted(r: Reading, value: Value, constant: np.ndarray, *, even_zero: bool = False) -> Value:
    """Add a constant; to bits it is not added before something reads them as numbers.

    Nothing is added for zero, unless `even_zero` says that it stands for another number; to bits, never.
    """
    if isinstance(value, TwoBits) and constant.size == 1:
        return replace(value, values=value.values + float(constant.reshape(-1)[0]))
    made = r.map_of(value)
    if not np.any(constant) and (made.is_bits or not even_zero):
        return made if made.padding is None and _keeps_shape(made, constant) else Map(r.plain(made))
    if made.padding is not None and constant.size > 1:
        made = Map(r.plain(made))
    made = with_channels_apart(r, made, constant) if made.padding is None else made
    axes, values = r.along(made.view, constant) if made.padding is None else ("", constant.reshape(()))
    if made.is_bits:
        return made.times(1.0, _over_map(axes, values))
    if (before := r.sums.shifted_back(made, constant)) is not None:
        return before
    view = r.plain(made)
    tensor = r.emit("bias", (view.tensor,), constants=(("offset", axes, values),))
    result = Map(view.with_tensor(tensor))
    r.sums.record_shift(result, made, constant)
    return result


def _keeps_shape(made: Map, constant: np.ndarray) -> bool:
    return constant.ndim <= len(made.view.axes)


def _over_map(axes: str, values: np.ndarray) -> np.ndarray:
    shape = [1, 1, 1]
    for axis, side in zip(axes, values.shape, strict=True):
        shape["CHW".index(axis)] = side
    return values.reshape(shape) if axes else values.reshape(())


# ------------------------------------------------------------------ products


@reads("Mul")
def multiply(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply by a constant, or two maps."""
    left, right = inputs
    if isinstance(left, np.ndarray):
        left, right = right, left
    if isinstance(right, np.ndarray):
        return scaled(r, left, right)
    left, right = r.gated(left), r.gated(right)
    if isinstance(left, Map) and isinstance(right, Map):
        if _pair_of_bits(left, right):
            return TwoBits(
                left.view, right.view, _corner(left, (-1, -1, 1, 1)) * _corner(right, (-1, 1, -1, 1))
            )
        for x, other in ((left, right), (right, left)):
            known = _two_slopes(r, x, other) or _known_curve(r, x, other)
            if known is not None:
                return known
    return Map(_joined(r, "multiply", left, right))


@reads("Div")
def divide(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Divide by a constant, or by a map; by a smaller one, multiply by one over it."""
    left, right = inputs
    if isinstance(right, np.ndarray):
        if not np.all(right):
            raise NotRead("a division by zero")
        return scaled(r, left, 1 / right.astype(np.float64))
    below = r.plain(right)
    if not isinstance(left, np.ndarray) and below.tensor.size == r.map_of(left).tensor.size:
        return Map(_joined(r, "divide", left, right))
    share = Map(below.with_tensor(r.emit("table", (below.tensor,), attributes={"function": "reciprocal"})))
    return (
        scaled(r, share, left) if isinstance(left, np.ndarray) else Map(_joined(r, "multiply", left, share))
    )


@reads("Neg")
def negate(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Turn the sign."""
    return _times_number(r, inputs[0], -1.0)


def _times_number(r: Reading, value: Value, number: float) -> Value:
    return scaled(r, value, np.asarray(number))


def scaled(r: Reading, value: Value, constant: np.ndarray) -> Value:
    """Multiply by a constant; one number, or any to bits, waits until something reads the product."""
    if isinstance(value, TwoBits) and constant.size == 1:
        return replace(value, values=value.values * float(constant.reshape(-1)[0]))
    made = r.map_of(value)
    if constant.size == 1 and _keeps_shape(made, constant):
        if made.padding is not None:
            factor = float(constant.reshape(-1)[0])
            return replace(
                made.times(factor), padding=made.padding._replace(value=made.padding.value * factor)
            )
        number = float(constant.reshape(-1)[0])
        return (Map(r.plain(made)) if _computed_once(r, made, number) else made).times(number)
    wider = _widened(r, made, constant)
    if wider is not None:
        return wider
    made = with_channels_apart(r, made, constant)
    axes, values = r.along(made.view, constant)
    if made.is_bits:
        return made.times(_over_map(axes, values))
    view = r.plain(made)
    return Map(view.with_tensor(r.emit("scale", (view.tensor,), constants=(("factor", axes, values),))))


def _computed_once(r: Reading, made: Map, number: float) -> bool:
    """Whether a factor that waits is a product of its own: it is one of several that may share it."""
    op = r.g.producer(made.tensor)
    whole = made.is_bits or made.mean is not None or (op is not None and op.kind in ("quantize", *_SUMS))
    undone = bool(np.allclose(np.abs(made.factor * number), 1, rtol=ROUNDING))
    return not whole and not undone and abs(number) != 1 and bool(np.all(np.abs(made.factor) != 1))


_SUMS = ("global_average_pool", "sample_mean", "channel_sum", "absolute_sum", "slice_mean", "box_sum")


def _widened(r: Reading, made: Map, constant: np.ndarray) -> Map | None:
    """A map of one channel times a number per channel: the product has them all."""
    shape = made.view.shape
    if constant.ndim > len(shape) or len(shape) != 4 or made.view.axes[1:] != ((), *made.view.stored[1:]):
        return None
    aligned = constant.reshape((1,) * (4 - constant.ndim) + constant.shape)
    if aligned.shape[1] == 1 or aligned.size != aligned.shape[1]:
        return None
    view = r.plain(made)
    channels = aligned.shape[1]
    full = (channels, int(view.tensor.shape[1]), int(view.tensor.shape[2]))
    tensor = r.emit("scale", (view.tensor,), shape=full, constants=(("factor", "C", aligned.reshape(-1)),))
    return Map(r.view(tensor, 4))


def _two_slopes(r: Reading, x: Map, slopes: Map) -> Map | None:
    """x times a number that depends on the sign of x: two slopes, of which one may be 1 or 0."""
    op = r.g.producer(slopes.tensor)
    if not slopes.is_bits or op is None or op.kind != "sign" or op.inputs[0] is not x.tensor or not x.plain:
        return None
    above, below = slopes.factor + slopes.offset, slopes.offset - slopes.factor
    return r.bent(x, above, below)


def _known_curve(r: Reading, x: Map, other: Map) -> Map | None:
    """x (1 + erf(x / sqrt 2)) is two GELUs, and x sigmoid(x) one SiLU, however they are written."""
    if (
        not (x.plain or (x.factor.size == 1 and not np.any(x.offset) and x.padding is None))
        or not other.plain
    ):
        return None
    op = r.g.producer(other.tensor)
    if op is not None and op.kind == "sigmoid" and op.inputs[0] is x.tensor and x.plain:
        return Map(x.view.with_tensor(r.emit("table", (x.tensor,), attributes={"function": "silu"})))
    curve = r.g.producer(op.inputs[0]) if op is not None and op.kind == "bias" and _is_one(r, op) else None
    if curve is None or curve.attributes.get("function") != "erf":
        return None
    share = r.g.producer(curve.inputs[0])
    if share is None or share.kind != "scale" or share.inputs[0] is not x.tensor:
        return None
    if not np.allclose(r.values[share.params[0].name], np.sqrt(0.5), rtol=1e-4):
        return None
    tensor = r.emit("table", (x.tensor,), attributes={"function": "gelu"})
    return Map(x.view.with_tensor(tensor)).times(2 * float(x.factor))


def _is_one(r: Reading, op: Op) -> bool:
    return op.params[0].axes == "" and bool(np.isclose(r.values[op.params[0].name], 1))
