"""Signs, in whichever form their author wrote them: sign(x), x > 0, where(x > 0, 1, -1), and masks of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.importers.model.document import Node
from costmodel.importers.model.quantizing import quantized
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_arithmetic import in_places, scaled, shifted
from costmodel.importers.model.signing import before_relu, sign_of
from costmodel.importers.model.values import Map, NotRead, TwoBits, Value


@reads("Sign")
def sign(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The sign, whose zero is taken as +1."""
    made = r.map_of(inputs[0])
    if made.is_bits and made.padding is None:
        high, low = np.sign(made.factor + made.offset), np.sign(made.offset - made.factor)
        if np.any(made.offset != 0) and made.tensor in r.signs_with_zero:
            r.signs_with_zero.remove(made.tensor)  # sign(sign(x) + 0.5) has no zero
        return Map(made.view).times((high - low) / 2, (high + low) / 2)
    return _without_zero(r, made) or sign_of(r, made, zero_is="zero")


def _without_zero(r: Reading, x: Map) -> Map | None:
    """The sign of a quantizer's codes: ternary, or 0 and 1; None of any other map."""
    op = r.g.producer(x.tensor)
    if op is None or op.kind != "quantize" or x.padding is not None or x.factor.size > 1 or np.any(x.offset):
        return None
    codes, turn = Map(x.view), float(np.sign(x.factor))
    if float(str(op.attributes.get("low", -1))) >= 0:
        return sign_of(r, r.map_of(shifted(r, codes, np.array(-0.5))), zero_is="one").times(
            turn / 2, turn / 2
        )
    return quantized(r, codes, -1, 1).times(turn)


@reads("Greater", "GreaterOrEqual", "Less", "LessOrEqual")
def compare(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Compare a map with a constant, or two maps: 0 or 1, by the sign of their difference."""
    left, right = inputs
    rises, above_alone = node.kind.startswith("Greater"), node.kind in ("Greater", "LessOrEqual")
    if isinstance(left, np.ndarray):
        left, right, rises, above_alone = right, left, not rises, not above_alone
    if isinstance(right, np.ndarray):
        made = r.map_of(left)
        if made.is_bits and right.size == 1:
            return _compared_bits(made, float(right.reshape(-1)[0]), node.kind, rises)
        before = before_relu(r, made) if above_alone and not np.any(right) else None
        difference = before or (made if not np.any(right) else shifted(r, Map(r.plain(made)), -right))
    else:
        first, second, swapped = in_places(r, left, right)
        rises = rises != swapped
        difference = Map(first.with_tensor(r.emit("subtract", (first.tensor, second.tensor))))
    bits = sign_of(r, r.map_of(difference), zero_is="one")
    return bits.times(0.5 if rises else -0.5, 0.5)


def _compared_bits(bits: Map, level: float, kind: str, rises: bool) -> Map:
    """Compare the two values of a map of bits with a number."""
    functions = {
        "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal,
    }  # fmt: skip
    function = functions[kind]
    swapped = rises != kind.startswith("Greater")
    sides = [bits.factor + bits.offset, bits.offset - bits.factor]
    high, low = (np.asarray(function(level, s) if swapped else function(s, level), float) for s in sides)
    return Map(bits.view).times((high - low) / 2, (high + low) / 2)


@reads("Where")
def where(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Choose by a mask: between constants, as its bits do; between multiples of x by its sign, two slopes."""
    mask, above, below = inputs
    made = r.map_of(mask)
    if not made.is_bits:
        raise NotRead("a choice by a mask that is no comparison")
    if isinstance(above, np.ndarray) and isinstance(below, np.ndarray):
        step = scaled(r, made, above.astype(np.float64) - below)
        return shifted(r, step, below.astype(np.float64))
    return _chosen(r, made, above, below)


def _chosen(r: Reading, mask: Map, above: Value, below: Value) -> Value:
    op = r.g.producer(mask.tensor)
    if op is None or op.kind != "sign" or not np.all(np.abs(mask.factor) == 0.5):
        raise NotRead("a choice between two maps")
    if np.all(mask.factor < 0):
        above, below = below, above
    slopes = []
    for one in (above, below):
        if isinstance(one, np.ndarray) and not np.any(one):
            slopes.append(np.zeros(()))
        else:
            slope = r.multiple_of(one, op.inputs[0])
            if slope is None:
                raise NotRead("a choice between two maps")
            slopes.append(slope)
    view = next(r.map_of(one).view for one in (above, below) if not isinstance(one, np.ndarray))
    x = Map(view.with_tensor(op.inputs[0]))  # type: ignore[arg-type]
    return r.bent(x, slopes[0], slopes[1])


@reads("Not")
def negation(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """1 less the mask."""
    return r.map_of(inputs[0]).times(-1.0, 1.0)


@reads("And", "Or")
def logic(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Combine two masks of comparisons."""
    left, right = inputs
    if not (isinstance(left, Map) and isinstance(right, Map) and left.is_bits and right.is_bits):
        raise NotRead("masks that are no comparisons are combined")
    first, second = (np.array(corner) > 0 for corner in ((-1, -1, 1, 1), (-1, 1, -1, 1)))
    first = first if np.all(left.factor > 0) else ~first
    second = second if np.all(right.factor > 0) else ~second
    both = first & second if node.kind == "And" else first | second
    return TwoBits(left.view, right.view, both.astype(np.float64))
