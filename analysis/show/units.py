"""Numbers for people: three significant digits and a unit of fitting size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

DIGITS = 3
EMPTY = "–"
"""What stands where there is no number."""


class Scale(NamedTuple):
    """A unit as it is shown, and how much of the base unit it stands for."""

    size: float
    label: str


def _metric(unit: str) -> tuple[Scale, ...]:
    prefixes = (
        (1e-18, "a"), (1e-15, "f"), (1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""),
        (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"),
    )  # fmt: skip
    return tuple(Scale(size, prefix + unit) for size, prefix in prefixes)


# Sizes of each base unit, the smallest first. Storage counts in kB of 1024 byte, as profiles do.
_SCALES: dict[str, tuple[Scale, ...]] = {
    **{unit: _metric(unit) for unit in ("J", "s", "W", "Hz")},
    "bit": (
        Scale(1, "bit"),
        Scale(8, "B"),
        Scale(8 * 2**10, "kB"),
        Scale(8 * 2**20, "MB"),
        Scale(8 * 2**30, "GB"),
    ),
    "mm2": (Scale(1e-6, "µm²"), Scale(1.0, "mm²")),
    "lut": (Scale(1.0, "LUT"),),
    "dsp": (Scale(1.0, "DSP"),),
    "bram": (Scale(1.0, "BRAM"),),
    "operation": (Scale(1.0, ""), Scale(1e3, "k"), Scale(1e6, "M"), Scale(1e9, "G"), Scale(1e12, "T")),
}
_COUNTED = ("bit", "operation", "lut", "dsp", "bram")
# A square micrometre is a millionth, not a thousandth, of the next unit: below this, the larger one has no digits.
_SMALLEST_MM2 = 1e-3


def readable(value: float, unit: str) -> str:
    """Write a value with three significant digits and a prefix; an unknown unit is taken as it is.

    >>> readable(1.46e-6, "J"), readable(64 * 8192, "bit"), readable(16.24, "mm2")
    ('1.46 µJ', '64.0 kB', '16.2 mm²')
    >>> readable(1_505_280, "operation"), readable(12, "dsp"), readable(0.0, "s")
    ('1.51 M', '12 DSP', '0 s')
    """
    scale = common_scale((value,), unit)
    if unit in _COUNTED and scale.size == 1 and float(value).is_integer():
        return f"{value:,.0f} {scale.label}".rstrip()
    return f"{significant(value / scale.size)} {scale.label}".rstrip()


def readable_range(value: float, low: float, high: float, unit: str) -> str:
    """Write a value with its range, all three in the value's unit; a range without extent is left out.

    >>> readable_range(1.46e-6, 0.9e-6, 23e-6, "J"), readable_range(12, 12, 12, "dsp")
    ('1.46 µJ (0.900 to 23.0)', '12 DSP')
    """
    text = readable(value, unit)
    if low == value == high:
        return text
    scale = common_scale((value,), unit)
    return f"{text} ({significant(low / scale.size)} to {significant(high / scale.size)})"


def common_scale(values: Iterable[float], unit: str) -> Scale:
    """Choose the size of a unit in which the largest of several values has one to three digits before the point.

    >>> common_scale([3e-9, 1.46e-6], "J")
    Scale(size=1e-06, label='µJ')
    """
    scales = _SCALES.get(unit, (Scale(1.0, unit),))
    largest = max((abs(_rounded(value)) for value in values if math.isfinite(value)), default=0.0)
    base = next((scale for scale in scales if scale.size == 1), scales[0])
    if largest == 0:
        return base
    if unit == "mm2":
        return scales[1] if largest >= _SMALLEST_MM2 else scales[0]
    return next((scale for scale in reversed(scales) if largest >= scale.size * (1 - 1e-12)), scales[0])


def significant(value: float) -> str:
    """Write a number with three significant digits, without exponent where that is short.

    >>> [significant(number) for number in (1.4649, 0.03125, 146.5, 40108032.0, 2e-7)]
    ['1.46', '0.0312', '146', '40,108,032', '2e-07']
    """
    if not math.isfinite(value):
        return EMPTY if math.isnan(value) else f"{value:+}".replace("inf", "∞")
    if value == 0:
        return "0"
    rounded = _rounded(value)
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent < -4 or exponent > 11:
        return f"{rounded:.{DIGITS}g}"
    if exponent >= DIGITS - 1:
        return f"{value:,.0f}"
    return f"{rounded:.{DIGITS - 1 - exponent}f}"


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else value
