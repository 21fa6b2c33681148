"""How a MAC layer lies on an array: the loops that run side by side, and the buffers between lanes and memories."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from costmodel.hardware.quantity import EnergyPerBit, MemorySize, Port, UnitArea, Words, shown
from costmodel.hardware.text import Flag, Section, Text

Operand = Literal["weights", "features", "sums"]
LoopName = Literal["K", "C", "OY", "OX", "FY", "FX", "G"]


def _lanes(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
        raise PydanticCustomError(
            "plain",
            "{sentence}",
            {"sentence": f"must be a whole number of lanes, at least 1; got {shown(raw)}"},
        )
    return raw


Lanes = Annotated[int, BeforeValidator(_lanes)]


class Buffer(Section):
    """One kind of memory near the lanes: registers, latches or a small memory, in one or many instances."""

    holds: Annotated[tuple[Operand, ...], Field(min_length=1)] = Field(
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
    port: Port | None = Field(
        None, description="Bits a cycle into, and out of, one instance; default: as its lanes need."
    )
    double_buffered: Flag = Field(
        False, description="True where the next tile is loaded while this one is in use."
    )
    area: UnitArea | None = Field(
        None, description="Area of all instances [um^2]; where it is not inside the units or the control."
    )

    def bits(self, widths: dict[str, int]) -> int:
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
