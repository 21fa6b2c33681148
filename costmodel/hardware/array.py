"""How a MAC layer lies on an array: the loops that run side by side, and the buffers between lanes and memories."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from costmodel.errors import BnncostError
from costmodel.hardware.memories.registers import register_figures
from costmodel.hardware.text.fields import Flag, Section, Text
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.quantity import (
    EnergyPerBit,
    EnergyPerCycle,
    Length,
    MemorySize,
    Port,
    Power,
    Quantity,
    UnitArea,
    Voltage,
    Words,
    shown,
)
from costmodel.mapping.nest import LoopName, Operand

HeldOperand = Literal[Operand.WEIGHTS, Operand.FEATURES, Operand.SUMS]

_MOST_LANES = 10**9


def _lanes(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= _MOST_LANES:
        raise refused(f"must be a whole number of lanes, from 1 to {_MOST_LANES}; got {shown(raw)}")
    return raw


Lanes = Annotated[int, BeforeValidator(_lanes)]


class RegisterFile(Section):
    """Registers whose energies follow from their number of words and the process, by the shipped table."""

    node: Length = Field(description="Process [nm].")
    voltage: Voltage = Field(description="Supply [V].")

    def energy(self, words: float) -> Quantity:
        """Energy of reading or writing a bit; raises BnncostError for words that the table does not cover."""
        volts, nanometres = self.voltage.si, round(self.node.si * 1e9, 6)
        picojoules = float(register_figures(nanometres, volts, words, 1).read_j_per_bit) * 1e12
        law = (
            f"register files by number of words, Stillmaker & Baas to {nanometres:g} nm, C V^2 to {volts:g} V"
        )
        written = {
            "value": picojoules,
            "unit": "pJ/bit",
            "source": "interstellar",
            "status": "scaled",
            "law": law,
        }
        return Quantity.model_validate(written)


class RegisterBit(Section):
    """What one bit of a buffer brings with it on each array; a buffer in words has as many as the array needs."""

    energy: EnergyPerCycle | None = Field(
        None, description="Energy of its clock while its array runs [fJ/cycle]; else it is gated."
    )
    area: UnitArea | None = Field(None, description="Area [um^2].")


class Buffer(Section):
    """One kind of memory near the lanes: registers, latches or a small memory, in one or many instances."""

    holds: Annotated[tuple[HeldOperand, ...], Field(min_length=1)] = Field(
        description="Operands that it holds: weights, features, sums (partial sums)."
    )
    serves: tuple[str, ...] = Field(
        (), description="Array axes that share one instance; along the others every lane has its own."
    )
    words: Words | None = Field(None, description="Elements of each operand that one instance holds [word].")
    size: MemorySize | None = Field(None, description="Capacity of one instance [bit], in place of words.")
    read: EnergyPerBit | None = Field(None, description="Energy of reading [pJ/bit].")
    write: EnergyPerBit | None = Field(None, description="Energy of writing [pJ/bit].")
    free: Text | None = Field(
        None, description="Why reads and writes cost nothing here, in place of the energies."
    )
    register_file: RegisterFile | None = Field(
        None, description="Process of registers, 8 to 512 words, in place of the energies."
    )
    port: Port | None = Field(
        None, description="Bits a cycle into, and out of, one instance; default: as its lanes need."
    )
    double_buffered: Flag = Field(
        False, description="True where the next tile is loaded while this one is in use."
    )
    windows: Flag = Field(
        False, description="True where the lines that windows of pools slide over lie here, too."
    )
    area: UnitArea | None = Field(
        None, description="Area of all instances [um^2]; where it is not inside the units or the control."
    )
    leakage: Power | None = Field(
        None, description="Static power of all instances [mW]; where it is not inside that of the control."
    )
    bit: RegisterBit | None = Field(
        None,
        description="Clock energy and area of one bit; every array brings its own, and is gated while another runs.",
    )

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, raw: Any) -> Any:
        """Put the energies of a register file beside it; what is wrong is left for the types to report."""
        if (
            not isinstance(raw, Mapping)
            or raw.get("register_file") is None
            or "read" in raw
            or "write" in raw
        ):
            return raw
        try:
            registers = RegisterFile.model_validate(raw["register_file"])
            words = Quantity.model_validate(raw.get("words"))
        except ValidationError:
            return raw
        try:
            energy = registers.energy(words.value)
        except BnncostError as error:
            raise refused(str(error)) from error
        return {**raw, "register_file": registers, "read": energy, "write": energy}

    def instances(self, lanes: Mapping[str, int]) -> int:
        """How many there are on an array of so many lanes along each axis."""
        return math.prod(count for axis, count in lanes.items() if axis not in self.serves)

    def bits(self, widths: Mapping[Operand, int]) -> int:
        """Capacity of one instance [bit] for operands of these widths [bit]."""
        if self.size is not None:
            return int(self.size.si)
        assert self.words is not None  # a rule of the file
        return math.floor(self.words.si) * sum(widths[operand] for operand in self.holds)


class ArraySection(Section):
    """The wiring of the array, for all its precisions."""

    loops: dict[str, Annotated[tuple[tuple[LoopName, ...], ...], Field(min_length=1)]] = Field(
        description="Axis -> orders in which loops fill it, each as far as it can; the search tries each."
    )
    systolic: tuple[str, ...] = Field((), description="Axes along which lanes pass their results on.")
    buffers: dict[str, Buffer] = Field({}, description="Buffers from the lanes outwards, below the memories.")
