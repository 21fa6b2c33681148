"""Units of hardware figures: text such as "pJ/operation" to a scale towards SI and a dimension."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from costmodel.errors import BnncostError, by_closeness

_Unit = tuple[int, dict[str, int]]
"""A factor to SI, and powers of dimensions."""

# A table of our own: libraries know thousands of units, in which a slip such as "mj" still has a meaning, and take
# longer to import than most commands run. Energy is a base dimension here, so that messages say energy and not
# kg m^2 / s^2.
_PREFIXES = {
    "femto f": -15,
    "pico p": -12,
    "nano n": -9,
    "micro u µ μ": -6,
    "milli m": -3,
    "kilo k": 3,
    "mega M": 6,
    "giga G": 9,
    "tera T": 12,
}
"""Powers of ten."""
_UNITS: dict[str, _Unit] = {
    "joule J": (1, {"energy": 1}),
    "second s": (1, {"time": 1}),
    "metre meter m": (1, {"length": 1}),
    "volt V": (1, {"voltage": 1}),
    "watt W": (1, {"energy": 1, "time": -1}),
    "hertz Hz": (1, {"time": -1}),
    "bit": (1, {"information": 1}),
    "byte B": (8, {"information": 1}),
    "cycle": (1, {"cycle": 1}),
    "operation op OP": (1, {"operation": 1}),
    "mac MAC": (1, {"mac": 1}),
    "lut LUT": (1, {"lut": 1}),
    "dsp DSP": (1, {"dsp": 1}),
    "bram BRAM": (1, {"bram": 1}),
    "word": (1, {"word": 1}),
    "element": (1, {"element": 1}),
}
"""Units by their names."""
_MULTIPLES: dict[str, _Unit] = {
    "kilobyte kB KB KiB kbyte": (8 * 1024, {"information": 1}),
    "megabyte MB MiB Mbyte": (8 * 1024**2, {"information": 1}),
    "gigabyte GB GiB Gbyte": (8 * 1024**3, {"information": 1}),
    "kilobit kbit Kbit": (1024, {"information": 1}),
    "megabit Mbit": (1024**2, {"information": 1}),
}
"""Units that take no prefix, since they have one, in steps of 1024."""


def _by_name(units: Mapping[str, _Unit]) -> dict[str, _Unit]:
    """Units by each of their names, and by the plurals of those that are longer than a letter."""
    names = {name: unit for names, unit in units.items() for name in names.split()}
    return names | {f"{name}s": unit for name, unit in names.items() if len(name) > 1}


_EXPONENTS = {name: exponent for names, exponent in _PREFIXES.items() for name in names.split()}
_PREFIXED = _by_name(_UNITS)
_WHOLE = _PREFIXED | _by_name(_MULTIPLES)
_COMMON = (
    "fJ", "pJ", "nJ", "uJ", "mJ", "J", "nW", "uW", "mW", "W", "ps", "ns", "us", "ms", "s", "kHz", "MHz",
    "GHz", "Hz", "nm", "um", "mm", "m", "mV", "V", "bit", "B", "kB", "MB", "GB", "cycle", "operation", "OP",
    "GOP", "TOP", "mac", "lut", "dsp", "bram", "word", "element",
)  # fmt: skip
_TERM = re.compile(r"([*/]?)([A-Za-zµμ]+)(?:\^(-?[1-3]))?")
_UNIT = re.compile(r"[A-Za-zµμ]+(?:\^-?[1-3])?(?:[*/][A-Za-zµμ]+(?:\^-?[1-3])?)*")
_SPELLINGS = str.maketrans({"²": "^2", "³": "^3", "·": "*"})
_POWER_BEHIND = re.compile(r"(?<=m)(?=[23]\b)")
"""Where a typed power has no sign of its own, as in mm2."""
_WRITTEN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*)?")
_LONGEST_UNIT = 60  # characters
_NAMES_SHOWN = 6


@dataclass(frozen=True)
class Kind:
    """What a figure measures: its name for messages, the units that have its dimension, an example."""

    name: str
    units: tuple[str, ...]
    example: str
    positive: bool = False


@dataclass(frozen=True)
class UnitScale:
    """A unit as its factor to SI base units and its dimension (a sorted tuple of base and exponent)."""

    factor: float
    dimension: tuple[tuple[str, float], ...]


@lru_cache(maxsize=1024)
def scale_of(unit: str) -> UnitScale:
    """The factor from `unit` to SI and its dimension; raises BnncostError for a unit that is not known.

    >>> scale_of("pJ/bit").factor, scale_of("kB").factor
    (1e-12, 8192.0)
    >>> scale_of("pj/bit")
    Traceback (most recent call last):
    costmodel.errors.BnncostError: unknown unit 'pj'; did you mean 'pJ'? Known: pJ, J, OP, fJ, mJ, nJ ...
    """
    text = _POWER_BEHIND.sub("^", unit.strip().replace(" ", "").replace("**", "^").translate(_SPELLINGS))
    if len(text) > _LONGEST_UNIT or not _UNIT.fullmatch(text):
        raise BnncostError(
            f"'{unit[:_LONGEST_UNIT]}' is no unit; use units joined by '/' or '*', as in pJ/operation"
        )
    factor, powers = Fraction(1), Counter[str]()
    for sign, name, exponent in _TERM.findall(text):
        times = int(exponent or 1) * (-1 if sign == "/" else 1)
        own, dimension = _named(name)
        factor *= own**times
        powers.update({base: power * times for base, power in dimension.items()})
    return UnitScale(
        float(factor), tuple(sorted((base, float(power)) for base, power in powers.items() if power))
    )


def _named(name: str) -> tuple[Fraction, dict[str, int]]:
    """Look a unit up: by its name, with a prefix, or in the plural."""
    if name in _WHOLE:
        factor, dimension = _WHOLE[name]
        return Fraction(factor), dimension
    for prefix, exponent in _EXPONENTS.items():
        if name.startswith(prefix) and (behind := name.removeprefix(prefix)) in _PREFIXED:
            factor, dimension = _PREFIXED[behind]
            return factor * Fraction(10) ** exponent, dimension
    raise _unknown_unit(name)


def _unknown_unit(name: str) -> BnncostError:
    names = by_closeness(name, _COMMON)
    # Letters in the wrong case are the commonest slip, so they come first.
    names.sort(key=lambda known: known.lower() != name.lower())
    listed = ", ".join(names[:_NAMES_SHOWN])
    return BnncostError(f"unknown unit '{name}'; did you mean '{names[0]}'? Known: {listed} ...")


def dimension_problem(unit: str, kind: Kind) -> str | None:
    """A sentence when `unit` does not measure `kind`, else None; raises BnncostError for an unknown unit.

    >>> dimension_problem("MHz", Kind("an energy per bit", ("J/bit",), "0.2 pJ/bit"))
    "'MHz' does not measure an energy per bit, such as 0.2 pJ/bit"
    """
    if any(scale_of(unit).dimension == scale_of(allowed).dimension for allowed in kind.units):
        return None
    return f"'{unit}' does not measure {kind.name}, such as {kind.example}"


def number_and_unit(text: str) -> tuple[str, str] | None:
    """Cut an amount as people type it into its number and its unit, which is empty where there is none.

    >>> number_and_unit("5uJ"), number_and_unit("1e-3 s"), number_and_unit("7"), number_and_unit("lots")
    (('5', 'uJ'), ('1e-3', 's'), ('7', ''), None)
    """
    found = _WRITTEN.fullmatch(text.strip())
    return None if found is None else (found[1], found[2] or "")


def amount_of(text: str, kind: Kind) -> float:
    """Read an amount above zero such as `5uJ` in SI units; raises BnncostError that says what it should be.

    >>> amount_of("100kB", Kind("a memory", ("bit",), "100kB")), amount_of("2 mm2", Kind("an area", ("m^2",), "2mm2"))
    (819200.0, 2e-06)
    """
    cut = number_and_unit(text)
    if cut is None:
        raise BnncostError(f"'{text}' is no amount; write a number with its unit, as in {kind.example}.")
    number, unit = cut
    if not unit:
        raise BnncostError(f"'{text}' has no unit; write {kind.name} as in {kind.example}.")
    try:
        wrong = dimension_problem(unit, kind)
        amount = float(number) * scale_of(unit).factor
    except BnncostError as error:
        raise BnncostError(f"'{text}': {error}.") from None
    if wrong:
        raise BnncostError(f"'{text}': {wrong}.")
    if not 0 < amount < math.inf:
        raise BnncostError(f"'{text}' must be above zero and finite, as in {kind.example}.")
    return amount
