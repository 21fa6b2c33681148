"""Units of hardware figures: text such as "pJ/operation" to a scale towards SI and a dimension."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from costmodel.errors import BnncostError, by_closeness

COMMON = (
    "fJ", "pJ", "nJ", "uJ", "mJ", "J", "nW", "uW", "mW", "W", "ps", "ns", "us", "ms", "s", "kHz", "MHz",
    "GHz", "Hz", "nm", "um", "mm", "m", "mV", "V", "bit", "B", "kB", "MB", "GB", "cycle", "operation", "OP",
    "GOP", "TOP", "mac", "lut", "dsp", "bram", "word", "element",
)  # fmt: skip
"""Units that people write by themselves."""
_TERM = r"[A-Za-zµμ]+(?:\^-?[1-3])?"
# Only this grammar reaches the registry, whose own would also compute powers of any size.
_UNIT = re.compile(rf"{_TERM}(?:[*/]{_TERM})*")
_SPELLINGS = str.maketrans({"²": "^2", "³": "^3", "·": "*"})
_POWER_BEHIND = re.compile(r"(?<=m)(?=[23]\b)")
"""Where a typed power has no sign of its own, as in mm2."""
_WRITTEN = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(\S.*)?")
_PAIR = re.compile(r"(\w+)\^(\S+)")
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
    return shipped_scales().get(text) or registered_scale(text)


@lru_cache(maxsize=1)
def shipped_scales() -> dict[str, UnitScale]:
    """Common units and those of shipped figures, written down: to import pint takes longer than to price a network."""
    text = files("costmodel.hardware.text").joinpath("unit_scales.csv").read_text("utf-8")
    return {
        unit: UnitScale(
            float(factor), tuple((base, float(power)) for base, power in _PAIR.findall(dimension))
        )
        for unit, factor, dimension in csv.reader(text.splitlines()[1:])
    }


def registered_scale(text: str) -> UnitScale:
    """The factor and dimension of a unit in the registry; raises BnncostError for a name that is not in it."""
    from costmodel.hardware.text.unit_registry import is_known, to_si  # it loads pint

    for name in re.findall(r"[A-Za-zµμ]+", text):
        if not is_known(name):
            raise _unknown_unit(name)
    factor, powers = to_si(text)
    return UnitScale(factor, tuple(sorted(powers.items())))


def _unknown_unit(name: str) -> BnncostError:
    names = by_closeness(name, COMMON)
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
        ended = "" if str(error).endswith(".") else "."
        raise BnncostError(f"'{text}': {error}{ended} Write {kind.name} as in {kind.example}.") from None
    if wrong:
        raise BnncostError(f"'{text}': {wrong}.")
    if not 0 < amount < math.inf:
        raise BnncostError(f"'{text}' must be above zero and finite, as in {kind.example}.")
    return amount
