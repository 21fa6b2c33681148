"""Export operations that folding makes: the parameters of what remains, computed from those it replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Op
from costmodel.operations.export import ONCE
from costmodel.operations.registry import known, operation

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


def _threshold(op: Op, inputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Find per channel where the chain's result changes sign: (level, direction).

    Bisection runs the chain itself, so the threshold agrees with it on every input, rounding included.
    A chain that never changes sign gives a level that every, or no, input reaches.
    """
    chain, parts = chain_of(op), _split(chain_of(op), inputs)
    shape = (op.output.shape[0], 1, 1)
    limit = op.attributes["limit"]
    whole = limit is not None
    bound = float(limit) if isinstance(limit, (int, np.integer)) else LARGEST_REAL
    low = _ordered(np.full(shape, -bound)) if not whole else np.full(shape, -int(bound))
    high = _ordered(np.full(shape, bound)) if not whole else np.full(shape, int(bound))

    def positive(point: np.ndarray) -> np.ndarray:
        value = point.astype(np.float64) if whole else _double(point)
        return _run_chain(chain, parts, value) >= 0

    at_low, at_high = positive(low), positive(high)
    direction = np.where(at_low & ~at_high, -1, 1)
    never, always = ~at_low & ~at_high, at_low & at_high
    below, above = low.copy(), high.copy()  # the sign differs between them, unless never or always
    while np.any(below + 1 < above):
        middle = (below >> 1) + (above >> 1) + (below & above & 1)  # the difference may overflow
        same = positive(middle) == at_low
        below, above = np.where(same, middle, below), np.where(same, above, middle)
    edge = np.where(direction > 0, above, below)
    level = edge.astype(np.float64) if whole else _double(edge)
    outside = bound + 1 if whole else np.inf
    level = np.where(never, outside, np.where(always, -outside, level))
    return level.reshape(-1), direction.reshape(-1)


@operation("threshold_level", free_because=ONCE)
def threshold_level(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Smallest (direction +1) or largest (-1) value that the replaced operations map to zero or more."""
    return _threshold(op, inputs)[0]


@operation("threshold_direction", free_because=ONCE)
def threshold_direction(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """+1 where the replaced operations rise, -1 where they fall."""
    return _threshold(op, inputs)[1]


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


@operation("composed_factor", free_because=ONCE)
def composed_factor(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Product of the factors of the replaced operations."""
    return _flat(op, _composed(op, inputs)[0])


@operation("composed_offset", free_because=ONCE)
def composed_offset(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum of the offsets of the replaced operations, each times the factors behind it."""
    return _flat(op, _composed(op, inputs)[1])


@operation("scaled_weight", free_because=ONCE)
def scaled_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Multiply each filter by the factor of its output channel."""
    weight, factor = inputs
    return weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
