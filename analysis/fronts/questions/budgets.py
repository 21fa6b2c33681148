"""Budgets as people type them, `5uJ` or `100kB`, and by how much a design is within or beyond each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.accuracy.percent import lone_percent
from analysis.show.units import readable
from analysis.show.words import accuracy_text
from costmodel import BnncostError
from costmodel.hardware import HardwareProfile
from costmodel.hardware.text.physical import physical_problem
from costmodel.hardware.text.units import Kind, amount_of

TOP1 = "top1"
_KINDS: Mapping[str, tuple[str, str, Kind]] = {
    "energy": ("energy_j", "J", Kind("an energy", ("J",), "5uJ")),
    "latency": ("latency_s", "s", Kind("a time", ("s",), "1ms")),
    "memory": ("memory_bits", "bit", Kind("a memory", ("bit",), "100kB (1 kB is 1,024 byte)")),
}
_AREAS: Mapping[str, tuple[str, float, Kind]] = {
    "asic": ("mm2", 1e6, Kind("an area", ("m^2",), "2mm2")),
    "fpga": ("lut", 1.0, Kind("a number of LUTs", ("lut",), "20000lut")),
}
"""Unit of the area of a profile by its archetype, how many of it are one SI unit, and how it is typed."""


@dataclass(frozen=True)
class Budget:
    """One limit: the column that it is on, and its value in the column's unit; accuracy has to be at least it."""

    name: str
    column: str
    unit: str
    limit: float

    @property
    def is_accuracy(self) -> bool:
        """Whether more is better."""
        return self.column == TOP1

    @property
    def text(self) -> str:
        """The limit for people.

        >>> Budget("energy", "energy_j", "J", 5e-6).text, Budget("top-1", "top1", "%", 85.0).text
        ('energy ≤ 5.00 µJ', 'top-1 ≥ 85.0 %')
        """
        amount = accuracy_text(self.limit) if self.is_accuracy else readable(self.limit, self.unit)
        return f"{self.name} {'≥' if self.is_accuracy else '≤'} {amount}"

    def overrun(self, value: float) -> float:
        """How far a value is beyond the limit, as a share of it, or in points of a limit of none; negative within.

        >>> Budget("energy", "energy_j", "J", 5e-6).overrun(6e-6), Budget("top-1", "top1", "%", 80.0).overrun(84.0)
        (0.2, -0.05)
        """
        beyond = self.limit - value if self.is_accuracy else value - self.limit
        return round(beyond / (self.limit or 1.0), 12)

    @property
    def left_name(self) -> str:
        """What `left` is called in files."""
        return "top1_left_points" if self.is_accuracy else f"{self.name}_left_percent"

    def left(self, value: float) -> float:
        """How much of the limit is left: points of accuracy, else hundredths of the limit.

        >>> Budget("energy", "energy_j", "J", 5e-6).left_text(5e-6)
        'energy 0 %'
        """
        return value - self.limit if self.is_accuracy else 0.0 - 100 * self.overrun(value)  # never -0.0

    def left_text(self, value: float) -> str:
        """Say how much of the limit is left."""
        if self.is_accuracy:
            return f"{self.name} {self.left(value):.2f} points"
        return f"{self.name} {self.left(value):,.0f} %"

    def beyond_text(self, value: float) -> str:
        """Say by how much a value misses the limit."""
        if self.is_accuracy:
            return f"{self.name} {self.limit - value:.2f} points short"
        return f"{self.name} {100 * self.overrun(value):,.0f} % over"


def read_budgets(
    chip: HardwareProfile,
    *,
    energy: str | None = None,
    latency: str | None = None,
    memory: str | None = None,
    area: str | None = None,
    top1: str | None = None,
) -> tuple[Budget, ...]:
    """Read the limits that are given; what is wrong with several raises one BnncostError that says all of it."""
    budgets: list[Budget] = []
    problems: list[str] = []
    given = {"energy": energy, "latency": latency, "memory": memory, "area": area, "top1": top1}
    for name, text in given.items():
        if text is None:
            continue
        try:
            budgets.append(_read(name, text, chip))
        except BnncostError as error:
            problems.append(f"--{name} {str(error).removeprefix('top1 ')}")
    if problems:
        raise BnncostError("\n".join(problems))
    return tuple(budgets)


def limit_text(name: str, column: str, limit: float, chip: HardwareProfile) -> str:
    """Write the most that a cost may be, in SI units, an area in the unit of the chip.

    >>> from costmodel import load_profile
    >>> limit_text("area", "area", 2.0, load_profile("asic-45nm"))
    'area ≤ 2.00 mm²'
    """
    unit = _AREAS[chip.archetype][0] if name == "area" else _KINDS[name][1]
    return Budget(name, column, unit, limit).text


def _read(name: str, text: str, chip: HardwareProfile) -> Budget:
    if name == TOP1:
        return Budget("top-1", TOP1, "%", lone_percent(text))
    if name == "area":
        if chip.archetype not in _AREAS:
            raise BnncostError(
                f"'{text}': profile '{chip.name}' is a microcontroller, whose area no design changes; "
                "give --memory, which counts weights, parameters and the peak of the maps."
            )
        unit, per_si, kind = _AREAS[chip.archetype]
        return Budget(name, name, unit, _physical(text, kind) * per_si)
    column, unit, kind = _KINDS[name]
    return Budget(name, column, unit, _physical(text, kind))


def _physical(text: str, kind: Kind) -> float:
    """Read an amount that a chip can take; beside any other every share would be a number of hundreds of digits."""
    amount = amount_of(text, kind)
    wrong = physical_problem(amount, kind.units[0])
    if wrong:
        raise BnncostError(f"'{text}' {wrong}.")
    return amount
