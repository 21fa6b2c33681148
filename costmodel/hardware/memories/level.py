"""Memory levels of a profile: what they hold, and the cost of a memory of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator
from typing_extensions import Self

from costmodel.errors import BnncostError
from costmodel.graph import Role
from costmodel.hardware.memories.banks import Banks, split_into_banks, wire_length_mm
from costmodel.hardware.memories.sram import MemoryFigures
from costmodel.hardware.memories.sram_section import Sram, written_out
from costmodel.hardware.text.fields import Flag, Section, Text
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.problem import place_of
from costmodel.hardware.text.quantity import Bram, EnergyPerBit, MemorySize, Port, Power, Quantity, UnitArea
from costmodel.hardware.walk import own_quantities, quantities

__all__ = ["PRICED_BY", "Macro", "MemoryFigures", "MemoryLevel"]

StoredRole = Literal[Role.WEIGHTS, Role.PARAMETERS, Role.BINARY_FEATURES, Role.FEATURES]
_READ, _WRITE, _AREA, _LEAKAGE = range(1, 5)  # columns of a level's table
PRICED_BY = ("macros", "sram", "free")  # fields of a level, of which it has one
_SQUARE_METRE = 1e6  # mm2
_METRES_OF_MM = 1e-3
_KILOBYTE = 8192  # bits


class Macro(Section):
    """One memory macro whose figures are known; other sizes are interpolated between macros."""

    size: MemorySize | None = Field(None, description="Capacity [kB]; may be left out off chip.")
    read: EnergyPerBit = Field(description="Energy of reading [pJ/bit].")
    write: EnergyPerBit = Field(description="Energy of writing [pJ/bit].")
    area: UnitArea | None = Field(None, description="Area [mm^2]; on chip of an asic.")
    bram: Bram | None = Field(None, description="Blocks of RAM [bram]; on chip of an fpga, in place of area.")
    leakage: Power | None = Field(None, description="Leakage power [mW]; on chip.")


def _size_form(raw: object) -> str:
    return "fit" if isinstance(raw, str) else "quantity"


LevelSize = Annotated[
    Annotated[Literal["fit"], Tag("fit")] | Annotated[MemorySize, Tag("quantity")],
    Discriminator(_size_form),
]


class MemoryLevel(Section):
    """One level of the memory hierarchy."""

    holds: Annotated[tuple[StoredRole, ...], Field(min_length=1)] = Field(
        description="What may live here; the first level that holds a role and has room is used."
    )
    size: LevelSize = Field(description="Capacity [kB], or 'fit': it grows with the network.")
    port: Port | None = Field(None, description="Read and write traffic [bit/cycle]; optional where free.")
    sram: Sram | None = Field(None, description="SRAM from the shipped table, in place of macros.")
    macros: tuple[Macro, ...] = Field((), description="Macros by increasing size; an `sram` writes its own.")
    banks: Banks | None = Field(
        None, description="What a memory is built of that is larger than a bank; where the size is 'fit'."
    )
    free: Text | None = Field(
        None, description="Why reads and writes cost nothing, where there are no macros."
    )
    double_buffered: Flag = Field(
        False, description="True where tiles that pass through are loaded while others are in use."
    )
    separate_ports: Flag = Field(
        False,
        description="True where weights, features and partial sums each have such a port, as in many banks.",
    )
    loaded: Literal["never", "per inference"] = Field(
        "never",
        description="Whether weights that lie here are fetched from the next outer level before each inference.",
    )
    off_chip: Flag = Field(False, description="True for a memory outside the chip: it takes no area.")

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, raw: Any) -> Any:
        """Put the macros that an `sram` stands for beside it; a wrong one is left for its type to report."""
        if not isinstance(raw, Mapping) or raw.get("sram") is None:
            return raw
        try:
            sram = Sram.model_validate(raw["sram"])
        except ValidationError:
            return raw
        return {**raw, "sram": sram, "macros": written_out(sram)}

    @model_validator(mode="after")
    def _bank_is_known(self) -> Self:
        if self.banks is not None and self.macros:
            smallest, largest = (float(size) for size in self.table[[0, -1], 0])
            if not smallest <= self.banks.size.si <= largest:
                raise refused(
                    f"its banks must be as large as one of its macros, {smallest / _KILOBYTE:g} kB to "
                    f"{largest / _KILOBYTE:g} kB, got {self.banks.size.value:g} {self.banks.size.unit}"
                )
        return self

    @property
    def size_bits(self) -> float:
        """Capacity [bit]; infinite for a level that fits the network."""
        return self.size.si if isinstance(self.size, Quantity) else math.inf

    @property
    def fits_network(self) -> bool:
        """Whether the level grows with the network."""
        return not isinstance(self.size, Quantity)

    @property
    def port_bits_per_cycle(self) -> float:
        """Traffic per cycle [bit]; infinite where the processor's cycles include it."""
        return math.inf if self.port is None else self.port.si

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Figures that the cost of the level rests on, each with its place below it.

        Of an `sram`, whose macros follow from what it says, those of the macro next in size to the level or bank.
        """
        yield from own_quantities(self).items()
        numbers = range(len(self.macros))
        if self.sram is not None:
            wanted = min(self.size_bits, self.banks.size.si) if self.banks else self.size_bits
            larger = (number for number in numbers if self.table[number, 0] >= wanted)
            numbers = range(at := next(larger, len(self.macros) - 1), at + 1)
        below = [
            quantities(self.banks, ("banks",)),
            quantities(self.sram, ("sram",)),
            *(quantities(self.macros[at], ("macros", at)) for at in numbers),
        ]
        yield from ((place_of(path), figure) for path, figure in chain.from_iterable(below))

    @cached_property
    def table(self) -> np.ndarray:
        """The macros as rows of size [bit], read and write [J/bit], area [mm2] or BRAMs, leakage [W]."""
        rows = [
            (
                macro.size.si if macro.size else 1.0,
                macro.read.si,
                macro.write.si,
                macro.area.si * _SQUARE_METRE if macro.area else macro.bram.si if macro.bram else 0.0,
                macro.leakage.si if macro.leakage else 0.0,
            )
            for macro in self.macros
        ]
        return np.array(rows, dtype=float).reshape(-1, 5)

    @cached_property
    def _bank(self) -> tuple[float, float, float]:
        """Size [bit], area [mm2] or BRAMs, and leakage [W] of a bank; without `banks`, the largest macro."""
        size = self.banks.size.si if self.banks else float(self.table[-1, 0])
        area, leakage = self._one_macro(np.asarray(size), _AREA, _LEAKAGE)
        return size, float(area), float(leakage)

    def interpolate(self, size_bits: float | np.ndarray) -> MemoryFigures:
        """Cost of a memory of `size_bits` [bit]: log-log between macros, any shape.

        Above a bank several of them are used, of which the last is as large as what is left; energy per bit is that
        of a whole bank and of the wires between them. Below the smallest macro the smallest is used. A figure that is
        zero in some macro is interpolated over the logarithm of the size alone. A level without macros is
        free. Off chip the device is as large as it is, so neither area nor leakage multiply. Raises
        BnncostError for a size that is negative or not a number.
        """
        wanted = np.asarray(size_bits, dtype=float)
        if np.isnan(wanted).any() or (wanted < 0).any() or np.isinf(wanted).any():
            raise BnncostError(f"a memory size must be finite and not negative [bit]; got {size_bits}")
        if not self.macros:
            free = np.zeros_like(wanted)[()]
            return MemoryFigures(free, free, free, free)
        if self.off_chip:
            return MemoryFigures(*self._one_macro(wanted, _READ, _WRITE, _AREA, _LEAKAGE))
        bank_bits, bank_area, bank_leakage = self._bank
        whole, last = split_into_banks(wanted, bank_bits)
        area, leakage = self._one_macro(last, _AREA, _LEAKAGE)
        area, leakage = area + whole * bank_area, leakage + whole * bank_leakage
        read, write = self._one_macro(np.minimum(wanted, bank_bits), _READ, _WRITE)
        if self.banks is not None:
            wires = self.banks.wire.si * _METRES_OF_MM * wire_length_mm(area, bank_area)
            read, write = read + wires, write + wires
        return MemoryFigures(read[()], write[()], area[()], leakage[()])

    def _one_macro(self, size_bits: np.ndarray, *columns: int) -> Iterator[Any]:
        """Figures of a single macro of a size, by column of the table."""
        sizes = self.table[:, 0]
        # np.interp holds the end values outside the range, which is what "the smallest" means.
        place, known = np.log(np.clip(size_bits, sizes[0], sizes[-1])), np.log(sizes)
        for column in (self.table[:, number] for number in columns):
            if (column > 0).all():
                yield np.exp(np.interp(place, known, np.log(column)))[()]
            else:
                yield np.interp(place, known, column)[()]
