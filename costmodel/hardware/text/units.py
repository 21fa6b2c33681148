"""Units of hardware figures: text such as "pJ/operation" to a scale towards SI and a dimension."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pint

from costmodel.errors import BnncostError, by_closeness

# A registry of our own: the default one knows thousands of units, in which a slip such as "mj" still
# has a meaning. Energy is a base dimension here, so that messages say energy and not kg m^2 / s^2.
_DEFINITIONS = (
    "femto- = 1e-15 = f-",
    "pico- = 1e-12 = p-",
    "nano- = 1e-9 = n-",
    "micro- = 1e-6 = u- = µ- = μ-",
    "milli- = 1e-3 = m-",
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "giga- = 1e9 = G-",
    "tera- = 1e12 = T-",
    "joule = [energy] = J",
    "second = [time] = s",
    "metre = [length] = m = meter",
    "volt = [voltage] = V",
    "watt = joule / second = W",
    "hertz = 1 / second = Hz",
    "bit = [information]",
    "byte = 8 bit = B",
    "kilobyte = 1024 byte = kB = KB = KiB = kbyte",
    "megabyte = 1048576 byte = MB = MiB = Mbyte",
    "gigabyte = 1073741824 byte = GB = GiB = Gbyte",
    "kilobit = 1024 bit = kbit = Kbit",
    "megabit = 1048576 bit = Mbit",
    "cycle = [cycle]",
    "operation = [operation] = OP = op",
    "mac = [mac] = MAC",
    "lut = [lut] = LUT",
    "dsp = [dsp] = DSP",
    "bram = [bram] = BRAM",
    "word = [word]",
    "element = [element]",
)
_COMMON = (
    "fJ", "pJ", "nJ", "uJ", "mJ", "J", "nW", "uW", "mW", "W", "ps", "ns", "us", "ms", "s", "kHz", "MHz",
    "GHz", "Hz", "nm", "um", "mm", "m", "mV", "V", "bit", "B", "kB", "MB", "GB", "cycle", "operation", "OP",
    "GOP", "TOP", "mac", "lut", "dsp", "bram", "word", "element",
)  # fmt: skip
_TERM = r"[A-Za-zµμ]+(?:\^-?[1-3])?"
# Only this grammar reaches pint, whose own would also compute powers of any size.
_UNIT = re.compile(rf"{_TERM}(?:[*/]{_TERM})*")
_SPELLINGS = str.maketrans({"²": "^2", "³": "^3", "·": "*"})
_POWER_BEHIND = re.compile(r"(?<=m)(?=[23]\b)")
"""Where a typed power has no sign of its own, as in mm2."""
_WRITTEN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*)?", re.ASCII)
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


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    registry: pint.UnitRegistry = pint.UnitRegistry(None, cache_folder=None)
    for line in _DEFINITIONS:
        registry.define(line)
    return registry


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
    for name in re.findall(r"[A-Za-zµμ]+", text):
        if not _is_known(name):
            raise _unknown_unit(name)
    quantity: Any = _registry().Quantity(1.0, _registry().parse_units(text)).to_base_units()
    powers = {base.strip("[]"): float(power) for base, power in quantity.dimensionality.items()}
    return UnitScale(float(quantity.magnitude), tuple(sorted(powers.items())))


def _is_known(name: str) -> bool:
    try:
        return name in _registry()
    except ValueError:  # pint reads "NaN" as a number
        return False


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
