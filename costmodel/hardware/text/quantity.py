"""A hardware figure that carries its unit, its source and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from costmodel.errors import BnncostError, by_closeness
from costmodel.hardware.text.physical import physical_problem
from costmodel.hardware.text.units import Kind, dimension_problem, scale_of

Status = Literal["measured", "published", "derived", "scaled", "assumed"]

_NUMBERS = ("value", "low", "high")
_TEXTS = ("unit", "source", "status", "note", "law")
_REQUIRED = ("value", "unit", "source", "status")
_SHOWN = 60  # characters of a wrong value that a message repeats
_PLAIN = '{value: 0.03, unit: pJ/operation, source: "where it is from", status: published}'

# A problem is the field that it concerns and a sentence; it becomes a line of the file's error list.
FieldProblem = tuple[str, str]


class Quantity(BaseModel):
    """One figure as written, with its source; `si`, `si_low` and `si_high` are the value in SI base units.

    >>> figure = Quantity(value=3, unit="MHz", source="a paper", status="published", high=4, note="two chips")
    >>> figure.si, figure.si_low, figure.si_high
    (3000000.0, 3000000.0, 4000000.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float = Field(ge=0, description="The figure, finite and not negative, in `unit`.")
    unit: str = Field(description="Unit of value, low and high: pJ/operation, um^2, MHz, kB (1024 byte) ...")
    source: str = Field(description="A key of hardware_profiles/sources.yaml, or the source in words.")
    status: Status = Field(description="How the figure came about; 'scaled' also needs `law`.")
    low: float | None = Field(None, ge=0, description="Lowest value that sources give; needs a note.")
    high: float | None = Field(None, ge=0, description="Highest value that sources give; needs a note.")
    note: str | None = Field(None, description="Why this value, in words.")
    law: str | None = Field(None, description="The law and factor by which a scaled figure was carried over.")

    @model_validator(mode="before")
    @classmethod
    def _is_sound(cls, raw: Any) -> Any:
        return _refuse(raw, quantity_problems(raw))

    @property
    def si(self) -> float:
        """The value in SI base units (bit, cycle, operation, mac, lut, dsp and bram count as such)."""
        return self.value * scale_of(self.unit).factor

    @property
    def si_low(self) -> float:
        """The low end in SI units; the value itself where no range is given."""
        return self.si if self.low is None else self.low * scale_of(self.unit).factor

    @property
    def si_high(self) -> float:
        """The high end in SI units; the value itself where no range is given."""
        return self.si if self.high is None else self.high * scale_of(self.unit).factor


def measures(kind: Kind) -> BeforeValidator:
    """Pydantic mark of a quantity that must measure `kind`; its message gives an example."""

    def check(raw: Any) -> Any:
        if isinstance(raw, Quantity):
            return _refuse(raw, _kind_problems(raw.model_dump(exclude_none=True), kind))
        return _refuse(raw, quantity_problems(raw) + _kind_problems(raw, kind))

    return BeforeValidator(check, json_schema_input_type=Quantity)


def shown(value: object) -> str:
    """Repeat what the user wrote, cut to a length that fits a message.

    >>> shown("x" * 99)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def unknown_name(what: str, name: object, allowed: tuple[str, ...]) -> str:
    """Say that `name` is no known `what`, the closest allowed names first.

    >>> unknown_name("status", "measuerd", ("assumed", "measured"))
    "unknown status 'measuerd'; did you mean 'measured'? Allowed: measured, assumed"
    """
    closest = by_closeness(str(name)[:_SHOWN], allowed)
    if not closest:
        return f"unknown {what} {shown(name)}; there are none"
    return f"unknown {what} {shown(name)}; did you mean '{closest[0]}'? Allowed: {', '.join(closest)}"


def quantity_problems(raw: object) -> list[FieldProblem]:
    """Everything that is wrong with one quantity as read from a file; empty when it is sound."""
    if isinstance(raw, Quantity):
        return []
    if not isinstance(raw, Mapping):
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return [("", f"a number needs unit, source and status, as in {_PLAIN}; got {shown(raw)}")]
        return [("", f"must be a quantity, as in {_PLAIN}; got {shown(raw)}")]
    absent = [field for field in _REQUIRED if field not in raw]
    problems = [("", f"'{field}' is missing: a quantity is written {_PLAIN}") for field in absent]
    known = _NUMBERS + _TEXTS
    problems += [(str(key), unknown_name("key", key, known)) for key in raw if key not in known]
    for field in _NUMBERS:
        problems += _number_problems(field, raw)
    for field in _TEXTS:
        problems += _text_problems(field, raw)
    return problems + _status_problems(raw) + _range_problems(raw) + _unit_problems(raw)


def _number_problems(field: str, raw: Mapping[str, Any]) -> list[FieldProblem]:
    if field not in raw:
        return []
    value = raw[field]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [(field, f"'{field}' must be a number, got {shown(value)}")]
    if not math.isfinite(value):
        return [(field, f"'{field}' must be a finite number, got {value}")]
    return [(field, f"'{field}' must not be negative, got {shown(value)}")] if value < 0 else []


def _text_problems(field: str, raw: Mapping[str, Any]) -> list[FieldProblem]:
    if field not in raw:
        return []
    value = raw[field]
    if not isinstance(value, str):
        return [(field, f"'{field}' must be text, got {shown(value)}")]
    return [] if value.strip() else [(field, f"'{field}' must not be empty")]


def _status_problems(raw: Mapping[str, Any]) -> list[FieldProblem]:
    status = raw.get("status")
    if not isinstance(status, str) or not status.strip():
        return []
    if status not in get_args(Status):
        return [("status", unknown_name("status", status, get_args(Status)))]
    if status == "scaled" and "law" not in raw:
        return [("status", "a scaled figure needs 'law': which law, from what to what, by which factor")]
    return []


def _range_problems(raw: Mapping[str, Any]) -> list[FieldProblem]:
    problems = []
    if any(_number_problems(field, raw) for field in _NUMBERS):
        return []
    low, value, high = (raw.get(field) for field in ("low", "value", "high"))
    if low is not None and high is not None and low > high:
        problems.append(("low", f"'low' {low} is above 'high' {high}"))
    if low is not None and value is not None and low > value:
        problems.append(("low", f"'low' {low} is above 'value' {value}"))
    if high is not None and value is not None and high < value:
        problems.append(("high", f"'high' {high} is below 'value' {value}"))
    if (low is not None or high is not None) and "note" not in raw:
        problems.append(("", "a range needs 'note': why this value and not another one within it"))
    return problems


def _unit_problems(raw: Mapping[str, Any]) -> list[FieldProblem]:
    if "unit" not in raw or _text_problems("unit", raw):
        return []
    written = [field for field in _NUMBERS if field in raw and not _number_problems(field, raw)]
    try:
        told = [(field, physical_problem(raw[field], raw["unit"])) for field in written]
        scale_of(raw["unit"])
    except BnncostError as error:
        return [("unit", str(error))]
    return [(field, f"'{field}' {sentence}") for field, sentence in told if sentence]


def _kind_problems(raw: object, kind: Kind) -> list[FieldProblem]:
    """Problems with the dimension, with zeros where a figure must be above zero, and with zeros that say not why."""
    if not isinstance(raw, Mapping):
        return []
    problems = []
    if "unit" in raw and not _text_problems("unit", raw) and not _unit_problems({"unit": raw["unit"]}):
        wrong = dimension_problem(raw["unit"], kind)
        problems += [("unit", wrong)] if wrong else []
    if kind.positive:
        problems += [
            (field, f"'{field}' must be greater than zero: it is {kind.name}")
            for field in _NUMBERS
            if field in raw and not _number_problems(field, raw) and raw[field] == 0
        ]
    elif raw.get("value") == 0 and "note" not in raw:
        problems.append(("value", "a figure of zero needs 'note': why nothing has to be paid"))
    return problems


def _refuse(raw: Any, problems: list[FieldProblem]) -> Any:
    """Give `raw` back when there is nothing to say, else raise one error that carries all problems."""
    if problems:
        sentences = "; ".join(sentence for _, sentence in problems)
        raise PydanticCustomError("quantity", "{sentences}", {"sentences": sentences, "problems": problems})
    return raw


def _quantity(name: str, units: tuple[str, ...], example: str, positive: bool = False) -> Any:
    return measures(Kind(name, units, example, positive))


@dataclass(frozen=True)
class Direction:
    """Mark of a quantity's type: at which end of its range results are cheaper; None: at neither, it is kept."""

    cheap_end: Literal["low", "high"] | None


_LESS_IS_CHEAPER, _MORE_IS_CHEAPER = Direction("low"), Direction("high")
# Arrays, units, sizes and supplies of another extent are another chip: faster and larger at once, or neither.
_ANOTHER_CHIP = Direction(None)

_PER_OPERATION = ("J/operation", "J/mac")
_PER_CYCLE = ("mac/cycle", "operation/cycle")
Energy = Annotated[
    Quantity, _quantity("an energy per operation", _PER_OPERATION, "0.03 pJ/operation"), _LESS_IS_CHEAPER
]
EnergyPerCycle = Annotated[
    Quantity, _quantity("an energy per cycle", ("J/cycle",), "12 pJ/cycle"), _LESS_IS_CHEAPER
]
EnergyOfCore = Annotated[
    Quantity, _quantity("an energy per cycle", ("J/cycle",), "12 pJ/cycle", True), _LESS_IS_CHEAPER
]
EnergyPerBit = Annotated[Quantity, _quantity("an energy per bit", ("J/bit",), "0.2 pJ/bit"), _LESS_IS_CHEAPER]
EnergyPerBitLength = Annotated[
    Quantity,
    _quantity("an energy per bit and length", ("J/bit/m",), "0.12 pJ/bit/mm"),
    _LESS_IS_CHEAPER,
]
UnitArea = Annotated[Quantity, _quantity("an area", ("m^2",), "36 um^2"), _LESS_IS_CHEAPER]
MacThroughput = Annotated[
    Quantity, _quantity("a MAC throughput", _PER_CYCLE, "4096 mac/cycle", True), _ANOTHER_CHIP
]
SideThroughput = Annotated[
    Quantity, _quantity("a throughput", ("operation/cycle",), "16 operation/cycle", True), _ANOTHER_CHIP
]
Pace = Annotated[Quantity, _quantity("a pace", ("element/cycle",), "16 element/cycle", True), _ANOTHER_CHIP]
Cycles = Annotated[
    Quantity,
    _quantity("cycles per operation", ("cycle/operation", "cycle/mac"), "1.4 cycle/operation", True),
    _LESS_IS_CHEAPER,
]
CyclesPerBit = Annotated[
    Quantity, _quantity("cycles per bit", ("cycle/bit",), "0.1 cycle/bit"), _LESS_IS_CHEAPER
]
Lut = Annotated[Quantity, _quantity("a number of LUTs", ("lut",), "64 lut"), _LESS_IS_CHEAPER]
Dsp = Annotated[Quantity, _quantity("a number of DSPs", ("dsp",), "1 dsp"), _LESS_IS_CHEAPER]
Bram = Annotated[Quantity, _quantity("a number of BRAMs", ("bram",), "2 bram"), _LESS_IS_CHEAPER]
MemorySize = Annotated[Quantity, _quantity("a memory size", ("bit",), "64 kB", True), _ANOTHER_CHIP]
Words = Annotated[Quantity, _quantity("a number of words", ("word",), "16 word", True), _ANOTHER_CHIP]
Width = Annotated[Quantity, _quantity("a width", ("bit",), "64 bit", True), _ANOTHER_CHIP]
Port = Annotated[Quantity, _quantity("a port width", ("bit/cycle",), "128 bit/cycle", True), _MORE_IS_CHEAPER]
Power = Annotated[Quantity, _quantity("a power", ("W",), "0.5 mW"), _LESS_IS_CHEAPER]
PowerPerArea = Annotated[Quantity, _quantity("a power per area", ("W/m^2",), "2 mW/mm^2"), _LESS_IS_CHEAPER]
Length = Annotated[Quantity, _quantity("a feature size", ("m",), "45 nm", True), _ANOTHER_CHIP]
Voltage = Annotated[Quantity, _quantity("a voltage", ("V",), "0.9 V", True), _ANOTHER_CHIP]
Frequency = Annotated[Quantity, _quantity("a frequency", ("Hz",), "400 MHz", True), _MORE_IS_CHEAPER]
