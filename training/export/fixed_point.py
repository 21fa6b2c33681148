"""Fixed-point numbers: whole numbers and powers of two, how they are rounded, and the table of the rules.

A rule gives the exact result of an operation; `rounded_to` then stores it at the precision and the power of two of the
output map, halves rounded to even, values beyond the range saturated. So an operation rounds once, however many parts
it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from costmodel.errors import BnncostError, unknown
from costmodel.graph import Op, Precision
from training.export.packing import StoredArray

LONGEST_SHIFT = 62


class Number(NamedTuple):
    """Whole numbers q and the power of two that they count: values q * 2**-exponent.

    The exponent is one number, or of shape (C, 1, 1).
    """

    q: np.ndarray
    exponent: int | np.ndarray


class Fixed(NamedTuple):
    """One execution of an operation; `extra` holds arrays that its attributes name."""

    op: Op
    inputs: Sequence[Number]
    params: Sequence[StoredArray]
    extra: Mapping[str, StoredArray]


Rule = Callable[[Fixed], Number]
FIXED_RULES: dict[str, Rule] = {}
EXACT: set[str] = set()
"""Kinds whose result stays on the grid of their (first) input."""


def fixed(kind: str, *, exact: bool = False) -> Callable[[Rule], Rule]:
    """Register the fixed-point rule of a kind; `exact` says that the result stays on the grid of the first input."""

    def register(rule: Rule) -> Rule:
        if kind in FIXED_RULES:
            raise BnncostError(f"the fixed-point rule of '{kind}' is declared twice.")
        FIXED_RULES[kind] = rule
        if exact:
            EXACT.add(kind)
        return rule

    return register


def fixed_rule(kind: str) -> Rule:
    """Look up a rule; a kind without one raises with the closest known one."""
    if kind not in FIXED_RULES:
        raise unknown("operation in fixed point", kind, FIXED_RULES)
    return FIXED_RULES[kind]


# ------------------------------------------------------------------ shifts


def shifted(q: np.ndarray, places: int | np.ndarray) -> np.ndarray:
    """Multiply whole numbers by 2**places; to the right, halves round to even.

    >>> shifted(np.array([5, 6, 7, -5, -6]), -2).tolist(), shifted(np.array([3]), 2).tolist()
    ([1, 2, 2, -1, -2], [12])
    """
    q, places = q.astype(np.int64, copy=False), np.asarray(places)
    if places.ndim == 0 and places == 0:
        return q
    if np.all(places >= 0):
        return q << places
    if not np.all(places <= 0):
        return np.where(places > 0, q << np.maximum(places, 0), shifted(q, np.minimum(places, 0)))
    right = np.minimum(-places, LONGEST_SHIFT)
    total = q >> right  # the floor, whose last bit says to which side a half goes
    total &= 1
    total += q
    total += np.where(right > 0, (np.int64(1) << np.maximum(right - 1, 0)) - 1, 0)
    if places.ndim and not np.all(right):
        total = np.where(right > 0, total, q)
    total >>= right
    return total


def limits(precision: Precision) -> tuple[int, int]:
    """Smallest and largest whole number of a precision."""
    if precision.kind in ("binary", "ternary"):
        return -1, 1
    return -(2 ** (precision.bits - 1)), 2 ** (precision.bits - 1) - 1


def rounded_to(number: Number, precision: Precision, exponent: int) -> np.ndarray:
    """Store a result at the precision and exponent of its map: shift, round halves to even, saturate."""
    low, high = limits(precision)
    kind = np.int8 if precision.bits <= 8 else np.int16 if precision.bits <= 16 else np.int32
    stored = shifted(number.q, exponent - number.exponent)
    return np.minimum(np.maximum(stored, low), high).astype(kind)


def wide(number: Number) -> np.ndarray:
    """The whole numbers, in the widest type."""
    return number.q.astype(np.int64)


def aligned(*numbers: Number) -> tuple[list[np.ndarray], int | np.ndarray]:
    """Bring numbers to the finest of their exponents, exactly.

    Where maps are so unlike that the coarser would not fit into 64 bits, the finer one is rounded first: to 2**-30 of
    what the coarser counts, or less.
    """
    finest = numbers[0].exponent
    for number in numbers[1:]:
        finest = np.maximum(finest, number.exponent)
    for number in numbers:
        if number.q.dtype.itemsize < 8:  # products are kept within bounds when their parameters are stored
            finest = np.minimum(finest, number.exponent + LONGEST_SHIFT - 8 * number.q.dtype.itemsize)
    return [shifted(number.q, finest - number.exponent) for number in numbers], finest
