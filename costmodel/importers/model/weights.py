"""What the weights of a layer are, by their values: bits, ternary or integers on a grid per filter, or floats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from costmodel.graph import BINARY, Precision, precision
from costmodel.importers.model.values import NotRead

TOLERANCE = 1e-5
"""Relative difference of two magnitudes that are one: an author's arithmetic on floats leaves 1e-8 to 1e-6."""

_ENOUGH = 32
"""Weights of a layer that are on one side of a coin each by chance, once in 2^32."""

_GRIDS = ("int2", "int4", "int8", "int16")


@dataclass(frozen=True, eq=False)
class FoundWeights:
    """Weights (O, ...) as a chip stores them, their precision, and the factor of each filter behind them.

    `centre` is what is added to each filter's weights: two values need not be of one magnitude (AdaBin), and levels
    need not have zero among them (DoReFa). Integers keep their steps in `values`; `stepped` says that filters have
    steps of their own.
    """

    values: np.ndarray
    precision: Precision
    factor: np.ndarray
    centre: np.ndarray
    source: np.ndarray | None = None
    stepped: bool = False

    @property
    def scaled(self) -> bool:
        """Whether any filter has a factor that is not 1."""
        return bool(np.any(self.factor != 1))


class Stated(NamedTuple):
    """What a quantizer says of the weights that it made: their bits, and whether each filter has a step of its own."""

    bits: int
    stepped: bool


def found(weight: np.ndarray, real: Precision, stated: Stated | None = None) -> FoundWeights:
    """Find how few bits hold the weights; those that no grid holds are floats, stored as `real`.

    `stated` is what a quantizer says of integers.

    A layer is binary where every filter has one magnitude, and ternary where zeros are among them; weights that are
    all the same number, as of a file without trained ones, and filters of one weight say nothing.

    >>> found(np.array([[0.5, -0.5], [2.0, 2.0]]), precision("fp32")).precision.label
    'binary'
    """
    if not weight.size or not np.isfinite(weight).all():
        raise NotRead("its weights are none, or not all of them are numbers")
    filters = np.ones(len(weight)), np.zeros(len(weight))
    if repeats_one(weight) or weight.size == len(weight) or not weight.any():
        return FoundWeights(weight, real, *filters)
    rows = weight.reshape(len(weight), -1)
    narrow = _narrow(weight, rows, stated) if stated or _may_be_narrow(rows) else None
    return narrow or FoundWeights(weight, real, *filters)


def _narrow(weight: np.ndarray, rows: np.ndarray, stated: Stated | None) -> FoundWeights | None:
    """Weights as bits, ternary numbers or integers; None where they are none of them."""
    ones, zeros = np.ones(len(rows)), np.zeros(len(rows))
    binary = _one_magnitude(rows)
    if binary is not None:
        signs = (weight >= 0) * 2.0 - 1.0
        constant = abs(signs.sum()) == signs.size and np.ptp(binary) <= TOLERANCE * binary.max()
        return None if constant else FoundWeights(signs, BINARY, _clean(binary), zeros)
    flat = rows.astype(np.float64)
    largest = np.abs(flat).max(axis=1, keepdims=True)
    two = _two_values(flat)
    if two is not None:
        centre, distance = two
        above = weight >= centre.reshape(-1, *[1] * (weight.ndim - 1))
        return FoundWeights(np.where(above, 1.0, -1.0), BINARY, distance, centre)
    empty = np.abs(flat) <= TOLERANCE * largest
    if (empty | (np.abs(np.abs(flat) - largest) <= TOLERANCE * largest)).all():
        signs = np.where(empty, 0.0, np.sign(flat)).reshape(weight.shape)
        scale = np.where(largest[:, 0] == 0, 1, largest[:, 0])
        return FoundWeights(signs, precision("ternary"), _clean(scale), zeros)
    if stated:
        return FoundWeights(weight, Precision("integer", stated.bits), ones, zeros, stepped=stated.stepped)
    if (levels := _levels_round_zero(flat)) is not None:
        return FoundWeights(
            weight - levels.half, Precision("integer", levels.bits), ones, zeros + levels.half
        )
    bits = _bits_of_tensor(flat)
    grids = (precision(label) for label in _GRIDS)
    grid = next((one for one in grids if _on_grid(flat, largest, one.bits)), None)
    if grid is None and bits is None and (own := _bits_of_filters(flat)) is not None:
        grid = Precision("integer", own)
    stepped = bits is None or (grid is not None and grid.bits < bits)
    if bits is not None and not stepped:
        grid = Precision("integer", bits)
    stepped = stepped and bool(np.ptp(largest) > TOLERANCE * largest.max())
    return None if grid is None else FoundWeights(weight, grid, ones, zeros, stepped=stepped)


def without_centre(kind: FoundWeights) -> FoundWeights:
    """Integers with their centre in them, which takes one bit more; bits keep theirs."""
    if kind.precision.kind != "integer" or not np.any(kind.centre):
        return kind
    centre = kind.centre.reshape(-1, *[1] * (kind.values.ndim - 1))
    wider = Precision("integer", kind.precision.bits + 1)
    return replace(kind, values=kind.values + centre, precision=wider, centre=np.zeros(len(kind.values)))


def _one_magnitude(rows: np.ndarray) -> np.ndarray | None:
    """The magnitude of each filter, where all filters have one."""
    sizes = np.abs(rows)
    largest, smallest = sizes.max(axis=1).astype(np.float64), sizes.min(axis=1)
    return largest if (largest > 0).all() and (largest - smallest <= TOLERANCE * largest).all() else None


def repeats_one(array: np.ndarray) -> bool:
    """Whether an array is one number, stored once and repeated."""
    return array.ndim > 0 and not any(array.strides)


def _may_be_narrow(rows: np.ndarray) -> bool:
    """Whether the first filter lies on a grid, or the first numbers are few: without either, the weights are real."""
    first = rows[:1].astype(np.float64)
    largest = np.abs(first).max(axis=1, keepdims=True)
    if _two_values(first) is not None or _bits_of_filters(first) is not None:
        return True
    if any(_on_grid(first, largest, precision(one).bits) for one in _GRIDS):
        return True
    some = rows.reshape(-1)[:4096].astype(np.float64)
    return first.size <= 4 or len(np.unique(some.round(9))) <= 256


def _clean(scale: np.ndarray) -> np.ndarray:
    """Factors that are 1 but for rounding are 1."""
    return np.where(np.abs(scale - 1) <= TOLERANCE, 1.0, scale)


def _two_values(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre and distance of each filter's two values, where all have two; filters need weights enough to tell."""
    if flat.shape[1] < 8:
        return None
    low, high = flat.min(axis=1, keepdims=True), flat.max(axis=1, keepdims=True)
    size = np.maximum(np.abs(low), np.abs(high))
    near = np.minimum(np.abs(flat - low), np.abs(flat - high)) <= TOLERANCE * size
    if not near.all() or not (high - low > TOLERANCE * size).all():
        return None
    return (low + high)[:, 0] / 2, (high - low)[:, 0] / 2


def _bits_of_tensor(flat: np.ndarray) -> int | None:
    """Bits of whole multiples of one step for the whole layer, up to 8; None where there is no such step."""
    values = np.unique(flat.round(9))
    if not 2 < len(values) <= 256 or flat.size < 2 * len(values):
        return None
    step = np.diff(np.unique(np.abs(values))).min()
    levels = values / step
    if np.abs(levels - np.rint(levels)).max() > 1e-2 or np.abs(levels).max() > 128.5:
        return None
    return _bits_between(levels.min(), levels.max())


class _Levels(NamedTuple):
    """Levels of so many bits that lie in pairs round zero, and half the distance of two."""

    bits: int
    half: float


def _levels_round_zero(flat: np.ndarray) -> _Levels | None:
    """Odd multiples of the layer's largest over 2^k - 1, as DoReFa makes of k bits; None of others, and of few."""
    largest = float(np.abs(flat).max())
    for bits in range(2, 9) if flat.size >= _ENOUGH else ():
        top = 2**bits - 1
        pairs = (flat / largest * top - 1) / 2
        if np.abs(pairs - np.rint(pairs)).max() <= 1e-3:
            return _Levels(bits, largest / top)
    return None


def _bits_of_filters(flat: np.ndarray) -> int | None:
    """Bits of whole multiples of a step of each filter's own, up to 8; None where any filter has none."""
    most = 2
    for row in flat:
        filled = np.sort(row[np.abs(row) > TOLERANCE * np.abs(row).max()])
        if not filled.size:
            continue
        values = filled[np.diff(filled, prepend=-np.inf) > TOLERANCE * np.abs(filled).max()]
        if filled.size < 2 * len(values):  # real numbers do not repeat, as codes do
            return None
        sizes = np.sort(np.abs(values))
        apart = np.diff(sizes, prepend=0.0)
        levels = values / apart[apart > TOLERANCE * sizes[-1]].min()
        if np.abs(levels - np.rint(levels)).max() > 1e-2 or np.abs(levels).max() > 128.5:
            return None
        most = max(most, _bits_between(levels.min(), levels.max()))
    return most


def _bits_between(lowest: float, highest: float) -> int:
    low, high = np.rint(lowest), np.rint(highest)
    return int(np.ceil(np.log2(max(high + 1, -low, 1)))) + 1


def _on_grid(flat: np.ndarray, largest: np.ndarray, bits: int) -> bool:
    """Say whether every filter lies on whole multiples of its largest magnitude over 2^(bits - 1) - 1."""
    top = 2 ** (bits - 1) - 1
    steps = flat / np.where(largest == 0, 1, largest) * top
    return bool(np.abs(steps - np.rint(steps)).max() <= 2 * TOLERANCE * top**0.5 * 10 and flat.size > 4)
