"""Export operations that folding makes: the parameters of what remains, computed from those it replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Op
from costmodel.operations.export import ONCE
from costmodel.operations.registry import ANY, known, operation

Arrays = Sequence[np.ndarray]
LARGEST_REAL = 1e30
"""Thresholds on real values are exact for magnitudes up to this."""


def chain_of(op: Op) -> tuple[Op, ...]:
    """Return the replaced operations, in the order in which they ran."""
    chain = op.attributes["chain"]
    assert isinstance(chain, tuple)
    return chain


def _split(chain: tuple[Op, ...], inputs: Arrays) -> list[Arrays]:
    """Hand each operation of the chain its own parameters."""
    parts, start = [], 0
    for op in chain:
        parts.append(inputs[start : start + len(op.params)])
        start += len(op.params)
    return parts


def _run_chain(chain: tuple[Op, ...], parts: list[Arrays], x: np.ndarray) -> np.ndarray:
    for op, params in zip(chain, parts, strict=True):
        x = known(op.kind).meaning(op, [x], params)
    return x


def _ordered(x: np.ndarray) -> np.ndarray:
    """Map doubles to integers in the same order, so that bisection visits every double."""
    bits = x.view(np.int64)
    return np.where(bits >= 0, bits, np.int64(-(2**63)) - bits)


def _double(order: np.ndarray) -> np.ndarray:
    """Undo `_ordered`."""
    return np.where(order >= 0, order, np.int64(-(2**63)) - order).view(np.float64)


PARTS = 64
"""A search cuts its range into so many at once: a chain runs on many points nearly as fast as on one."""
_INNER = np.arange(1, PARTS, dtype=np.uint64).reshape(-1, 1, 1, 1)


class _Search(NamedTuple):
    """The points, whole numbers or doubles in order, from `low` to `high`, of which a chain makes zero or more."""

    whole: bool
    bound: float
    low: np.ndarray
    high: np.ndarray
    positive: Callable[[np.ndarray], np.ndarray]
    at_low: np.ndarray
    at_high: np.ndarray

    @property
    def falls(self) -> np.ndarray:
        """Where the chain goes from zero or more to less."""
        return self.at_low & ~self.at_high


def _search(op: Op, inputs: Arrays) -> _Search:
    """Run the chain at both ends of its range, per channel."""
    chain, parts = chain_of(op), _split(chain_of(op), inputs)
    limit, shape = op.attributes["limit"], (op.output.shape[0], 1, 1)
    whole = limit is not None
    bound = float(limit) if isinstance(limit, (int, np.integer)) else LARGEST_REAL

    def positive(point: np.ndarray) -> np.ndarray:
        value = point.astype(np.float64) if whole else _double(point)
        return _run_chain(chain, parts, value) >= 0

    ends = np.stack([np.full(shape, -bound), np.full(shape, bound)])
    low, high = points = ends.astype(np.int64) if whole else _ordered(ends)
    return _Search(whole, bound, low, high, positive, *positive(points))


def _cut(low: np.ndarray, high: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Where so many of PARTS end; unsigned, since from one end of all doubles to the other is too far for a sign."""
    span = (high - low).view(np.uint64)
    return low + (span // PARTS * part + span % PARTS * part // PARTS).view(np.int64)


@operation("threshold_level", inputs=ANY, attributes=("chain", "limit"), free_because=ONCE)
def threshold_level(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Smallest (direction +1) or largest (-1) value that the replaced operations map to zero or more.

    The search runs the chain itself, so the threshold agrees with it on every input, rounding included.
    A chain that never changes sign gives a level that every, or no, input reaches.
    """
    search = _search(op, inputs)
    below, above, at_low = search.low, search.high, search.at_low
    while np.any(below + 1 < above):  # the sign differs between them, unless it never changes
        same = search.positive(_cut(below, above, _INNER)) == at_low
        passed = same.sum(axis=0, dtype=np.uint64)
        below, above = _cut(below, above, passed), _cut(below, above, passed + 1)
    edge = np.where(search.falls, below, above)
    level = edge.astype(np.float64) if search.whole else _double(edge)
    outside = search.bound + 1 if search.whole else np.inf
    level = np.where(at_low == search.at_high, np.where(at_low, -outside, outside), level)
    return level.reshape(-1)


@operation("threshold_direction", inputs=ANY, attributes=("chain", "limit"), free_because=ONCE)
def threshold_direction(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """+1 where the replaced operations rise, -1 where they fall."""
    return np.where(_search(op, inputs).falls, -1, 1).reshape(-1)


def _composed(op: Op, inputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset of a chain of affine operations."""
    chain = chain_of(op)
    factor, offset = np.ones((1, 1, 1)), np.zeros((1, 1, 1))
    for replaced, params in zip(chain, _split(chain, inputs), strict=True):
        form = known(replaced.kind).affine
        if form is None:
            raise BnncostError(f"{replaced.layer}: '{replaced.kind}' is no multiple plus a constant.")
        times, plus = form(replaced, params)
        if times is not None:
            factor, offset = factor * times, offset * times
        if plus is not None:
            offset = offset + plus
    return factor, offset


def _flat(op: Op, values: np.ndarray) -> np.ndarray:
    channels = tuple(int(side) for side in op.output.shape)
    return np.broadcast_to(values, (*channels, 1, 1)).reshape(channels) if channels else values.reshape(())


@operation("composed_factor", inputs=ANY, attributes=("chain",), free_because=ONCE)
def composed_factor(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Product of the factors of the replaced operations."""
    return _flat(op, _composed(op, inputs)[0])


@operation("composed_offset", inputs=ANY, attributes=("chain",), free_because=ONCE)
def composed_offset(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum of the offsets of the replaced operations, each times the factors behind it."""
    return _flat(op, _composed(op, inputs)[1])


@operation("scaled_weight", inputs=2, free_because=ONCE)
def scaled_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply each filter by the factor of its output channel."""
    weight, factor = inputs
    return weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
