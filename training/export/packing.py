"""Whole numbers as packed bits, and real ones as a mantissa and a power of two: how a chip stores an array."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from costmodel.errors import BnncostError

_MOST_BITS = 62
"""Bits of a stored number, which whole numbers of 64 bits hold with all that is done to them."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """One stored array: whole numbers of `bits` bits that stand for values 2**-exponent, or floats of 32 bits.

    `signs` says that the values are -1 and +1, of one bit each. `exponent` is one number, or one per entry of the
    first axis.
    """

    values: np.ndarray
    bits: int
    exponent: np.ndarray
    signs: bool = False

    @property
    def real(self) -> bool:
        """True where floats are stored."""
        return self.values.dtype.kind == "f"

    @property
    def stored_bits(self) -> int:
        """Storage [bit]; an exponent takes 8 unless all of them are 0."""
        shifts = int(self.exponent.size) * 8 if np.any(self.exponent) else 0
        return int(self.values.size) * self.bits + shifts

    def numbers(self) -> np.ndarray:
        """The values that the array stands for, as doubles."""
        return np.ldexp(self.values.astype(np.float64), -spread(self.exponent, self.values.ndim))


NO_EXPONENT = np.zeros((), np.int64)


def spread(exponent: np.ndarray, axes: int) -> np.ndarray:
    """Shape exponents, one or one per entry of the first axis, so that they broadcast over `axes` axes."""
    return exponent.reshape(-1, *[1] * (axes - 1)) if exponent.ndim else exponent


def whole(values: np.ndarray, bits: int, exponent: np.ndarray = NO_EXPONENT) -> StoredArray:
    """Store whole numbers; raises BnncostError where one does not fit into `bits` bits."""
    numbers = np.asarray(values, np.float64)
    if numbers.size and not (-(2 ** (bits - 1)) <= numbers.min() and numbers.max() < 2 ** (bits - 1)):
        raise BnncostError(
            f"a number from {numbers.min():g} to {numbers.max():g} does not fit into {bits} bits."
        )
    return StoredArray(np.rint(numbers).astype(np.int64), bits, np.asarray(exponent, np.int64))


def bits_of(values: np.ndarray) -> StoredArray:
    """Store values of -1 and +1 as one bit each."""
    return StoredArray(np.where(np.asarray(values) > 0, 1, -1), 1, NO_EXPONENT, signs=True)


def floats(values: np.ndarray) -> StoredArray:
    """Store floats of 32 bits."""
    return StoredArray(np.asarray(values, np.float32), 32, NO_EXPONENT)


def mantissas(values: np.ndarray, bits: int, *, apart: bool, finest: int | np.ndarray = 62) -> StoredArray:
    """Round real numbers to mantissas of `bits` bits and the finest power of two at which they fit.

    `apart` gives every entry of a vector a power of its own, else all share one. None is finer than 2**-`finest`.
    Halves round to even.

    >>> kept = mantissas(np.array([0.3, 5.0]), 4, apart=True)
    >>> kept.values.tolist(), kept.exponent.tolist(), kept.numbers().tolist()
    ([5, 5], [4, 0], [0.3125, 5.0])
    """
    values = np.asarray(values, np.float64)
    size = np.abs(values) if apart else np.max(np.abs(values), initial=0.0)
    top = 2 ** (bits - 1) - 1
    exponent = np.where(size > 0, np.floor(np.log2(top / np.where(size > 0, size, 1))), 0).astype(np.int64)
    finer = (
        np.rint(np.ldexp(size, exponent + 1)) <= top
    )  # log2 rounds, and a mantissa may round down to the top
    exponent = np.minimum(exponent + finer * (size > 0), finest)
    rounded = np.rint(np.ldexp(values, spread(exponent, values.ndim)))
    return whole(rounded, bits, exponent)


# ------------------------------------------------------------------ packed bits


def pack(array: StoredArray) -> np.ndarray:
    """Pack to bytes: entries in the order of their indices (the last runs fastest), the highest bit of each first.

    A sign takes one bit, 1 for +1; a whole number its two's complement of `bits` bits. The first bit is the highest of
    the first byte; the last byte is filled up with zeros.

    >>> pack(bits_of(np.array([1, -1, -1, 1]))).tolist(), pack(whole(np.array([-1, 3]), 4)).tolist()
    ([144], [243])
    """
    flat = array.values.reshape(-1)
    if array.real:
        return flat.astype("<f4").view(np.uint8)
    if array.signs:
        return np.packbits(flat > 0)
    places = np.arange(array.bits - 1, -1, -1)
    return np.packbits((flat[:, None] >> places) & 1)


def unpack(
    data: np.ndarray, shape: tuple[int, ...], bits: int, exponent: np.ndarray, form: str
) -> StoredArray:
    """Undo `pack`; `form` is "sign", "whole" or "float". Raises BnncostError where the bytes are too few or many."""
    count = prod(map(int, shape))
    if min(shape, default=0) < 0 or not 1 <= bits <= _MOST_BITS:
        raise BnncostError(f"numbers of {bits} bits in the shape {shape} are none that an export has.")
    if data.size != -(-count * bits // 8):
        raise BnncostError(f"{data.size} bytes cannot hold {count} numbers of {bits} bits.")
    if form == "float":
        return StoredArray(data.view("<f4").astype(np.float32).reshape(shape), 32, exponent)
    flat = np.unpackbits(data, count=count * bits)
    if form == "sign":
        return StoredArray(flat.astype(np.int64).reshape(shape) * 2 - 1, 1, exponent, signs=True)
    weights = 2 ** np.arange(bits - 1, -1, -1, dtype=np.int64)
    weights[0] = -weights[0]
    return StoredArray((flat.reshape(-1, bits) @ weights).reshape(shape), bits, exponent)
