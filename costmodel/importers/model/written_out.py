"""Curves that authors write out as sums: a clamp of two magnitudes, two slopes of two ReLUs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.graph import Tensor
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import RULES, Reading
from costmodel.importers.model.values import ROUNDING, Map


def clamp_of(r: Reading, node: Node, left: Map, right: Map, sign: int) -> tuple[Map, float] | None:
    """|x - l| - |x - h| as 2 clamp(x, l, h) and what is added to it, -l - h (PACT); None of any other sum."""
    found = r.sums.difference(left, right, sign)
    if found is None:
        return None
    ((one, factor), (other, _)), offset = found
    lines = []
    for tensor in (one, other):
        op = r.g.producer(tensor)
        if op is None or op.kind != "absolute":
            return None
        lines.append(r.sums.line(op.inputs[0]))  # type: ignore[arg-type]
    (x, slope, first), (same, slope_too, second) = lines
    if x is not same or not np.isclose(slope, slope_too, rtol=ROUNDING):
        return None
    ends, factor = (-first / slope, -second / slope), factor * abs(slope)
    factor = factor if ends[0] <= ends[1] else -factor
    bounds = [np.asarray(one) for one in sorted(ends)]
    clamped = RULES["Clip"](r, replace(node, attributes={}), [Map(left.view.with_tensor(x)), *bounds])
    assert isinstance(clamped, Map)
    return clamped.times(2 * factor), offset - factor * sum(ends)


def two_slopes_of(r: Reading, left: Map, right: Map, sign: int) -> Map | None:
    """a relu(x) - b relu(-x) as one slope above zero and one below (Maxout, PReLU); None of any other sum."""
    first, second = _rectified(r, left), _rectified(r, right)
    if first is None or second is None:
        return None
    (x, above), (turned, below) = first, second
    for positive, negative, slopes in (
        (x, turned, (above, -sign * below)),
        (turned, x, (sign * below, -above)),
    ):
        times = r.multiple_of(Map(left.view.with_tensor(negative)), positive)
        if times is not None and np.all(times == -1):
            return r.bent(Map(left.view.with_tensor(positive)), *slopes)
    return None


def _rectified(r: Reading, made: Map) -> tuple[Tensor, np.ndarray] | None:
    """What a multiple of a ReLU, perhaps one per channel, rectifies, and the multiple."""
    if made.padding is not None or np.any(made.offset != 0):
        return None
    op, factor = r.g.producer(made.tensor), made.factor
    if op is not None and op.kind == "scale" and op.params[0].axes in ("", "C"):
        factor = factor * r.values[op.params[0].name].reshape(-1, 1, 1)
        op = r.g.producer(op.inputs[0])
    if op is None or op.kind != "relu":
        return None
    return op.inputs[0], factor  # type: ignore[return-value]
