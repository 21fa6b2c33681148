"""A memory level's SRAM: which cell, word and supply; written out as macros from the table."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import Self

from costmodel.errors import BnncostError
from costmodel.hardware.memories.sram import Cell, MemoryFigures, sram_figures, table_sizes, table_voltage
from costmodel.hardware.memories.technology import supply_energy_factor
from costmodel.hardware.text.fields import Section
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.quantity import EnergyPerBit, Length, Quantity, Status, UnitArea, Voltage, Width

_SOURCE = "cacti7"
_KILOBYTE = 8192  # bits
_PICO, _MILLI, _NANO, _SQUARE_MILLI = 1e-12, 1e-3, 1e-9, 1e-6
_SUPPLY_RANGE = (1 / 3, 2.0)  # times the supply of a cell; beyond, C V^2 says nothing of it


class _Spread(NamedTuple):
    """A figure at every size, with its ends."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def over(cls, value: np.ndarray, others: list[np.ndarray]) -> _Spread:
        """The figure with the ends of what else it could be; what is not a number does not count."""
        return cls(value, reduce(np.fmin, others, value), reduce(np.fmax, others, value))


class Sram(Section):
    """SRAM whose figures come from the shipped CACTI table, at every size that it has for the word."""

    cell: Cell = Field(description="Cell and periphery: itrs-lstp (low leakage), itrs-lop or itrs-hp (fast).")
    node: Length = Field(description="Process [nm]: one that the table has for the cell.")
    width: Width = Field(description="Word of a macro [bit]; its low and high bound the energies.")
    voltage: Voltage | None = Field(
        None, description="Supply [V]: energies scale by C V^2 from the cell's own; low and high bound them."
    )
    energy_range_of: tuple[Cell, ...] = Field((), description="Other cells whose energies bound the range.")
    leakage_range_of: tuple[Cell, ...] = Field((), description="Other cells whose leakage bounds the range.")
    lowest_energy: EnergyPerBit | None = Field(
        None, description="Low end of the energies where a source is below the table [pJ/bit]."
    )
    bit_area: UnitArea | None = Field(
        None, description="Area of one bit, where it is no SRAM cell but, say, a latch [um^2]."
    )

    @model_validator(mode="after")
    def _is_in_the_table(self) -> Self:
        try:
            for cell in (self.cell, *self.energy_range_of, *self.leakage_range_of):
                for width in _ends(self.width):
                    table_sizes(_nanometres(self.node), cell, width)
            for cell in (self.cell, *self.energy_range_of):
                _check_supply(cell, self.node, self.voltage)
        except BnncostError as error:
            raise refused(str(error)) from error
        return self


def _check_supply(cell: Cell, node: Quantity, voltage: Quantity | None) -> None:
    """Raise where a supply is too far from that of a cell for C V^2 to carry its energies there."""
    own = table_voltage(_nanometres(node), cell)
    low, high = (share * own for share in _SUPPLY_RANGE)
    for volts in _ends(voltage) if voltage else ():
        if not low <= volts <= high:
            raise BnncostError(
                f"energies of {cell} at {_nanometres(node):g} nm are tabled at {own:g} V and carried by C V^2 from "
                f"{low:.2g} to {high:.2g} V, not to {volts:g} V"
            )


def written_out(sram: Sram) -> list[dict[str, Quantity]]:
    """The macros that a section stands for, each as the quantities of its fields.

    Energies are scaled by C V^2 where a supply is given; leakage and area stay as tabled. The range spans the
    ends of width and supply, and the cells listed for it.
    """
    node, word = _nanometres(sram.node), sram.width.si
    sizes = np.array(table_sizes(node, sram.cell, word))
    supplies = tuple(dict.fromkeys(_ends(sram.voltage))) if sram.voltage else (None,)
    supply = sram.voltage.si if sram.voltage else None
    chosen = _energies(node, sram.cell, word, supply, sizes)
    corners = [
        _energies(node, cell, width, volts, sizes)
        for cell in (sram.cell, *sram.energy_range_of)
        for width in dict.fromkeys(_ends(sram.width))
        for volts in supplies
    ]
    leakage = sram_figures(node, sram.cell, sizes, word).leakage_w / _MILLI
    leakages = [
        _figures_where_tabled(node, cell, word, sizes).leakage_w / _MILLI for cell in sram.leakage_range_of
    ]
    read, write = (
        _Spread.over(chosen[way], [*(corner[way] for corner in corners), *_lowest(sram, sizes)])
        for way in (0, 1)
    )
    return [
        {
            "size": _written(size / _KILOBYTE, "kB", "derived"),
            "read": _quantity(read, number, "pJ/bit", _energy_note(sram), _law(sram, node)),
            "write": _quantity(write, number, "pJ/bit", _energy_note(sram), _law(sram, node)),
            "leakage": _quantity(_Spread.over(leakage, leakages), number, "mW", _leakage_note(sram), None),
            "area": _area(sram, node, size),
        }
        for number, size in enumerate(sizes)
    ]


def _energies(
    node: float, cell: Cell, word: float, supply: float | None, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Energies of reading and of writing [pJ/bit] at each size; not a number where the table has none."""
    factor = 1.0 if supply is None else supply_energy_factor(table_voltage(node, cell), supply)
    figures = _figures_where_tabled(node, cell, word, sizes)
    return figures.read_j_per_bit * factor / _PICO, figures.write_j_per_bit * factor / _PICO


def _figures_where_tabled(node: float, cell: Cell, word: float, sizes: np.ndarray) -> MemoryFigures:
    there = np.isin(sizes, table_sizes(node, cell, word))
    columns = []
    for figure in sram_figures(node, cell, sizes[there], word):
        column = np.full(len(sizes), np.nan)
        column[there] = figure
        columns.append(column)
    return MemoryFigures(*columns)


def _lowest(sram: Sram, sizes: np.ndarray) -> list[np.ndarray]:
    return [np.full(len(sizes), sram.lowest_energy.si / _PICO)] if sram.lowest_energy else []


def _area(sram: Sram, node: float, size: float) -> Quantity:
    if sram.bit_area is None:
        return _written(
            float(sram_figures(node, sram.cell, size, sram.width.si).area_or_bram), "mm^2", "derived"
        )
    cell = sram.bit_area
    low, value, high = (size * end / _SQUARE_MILLI for end in (cell.si_low, cell.si, cell.si_high))
    return _written(value, "mm^2", cell.status, (low, high), cell.note, cell.law, cell.source)


def _quantity(spread: _Spread, number: int, unit: str, range_note: str, law: str | None) -> Quantity:
    value, low, high = (float(end[number]) for end in spread)
    return _written(value, unit, "scaled" if law else "derived", (low, high), f"range: {range_note}", law)


def _written(
    value: float,
    unit: str,
    status: Status,
    ends: tuple[float, float] | None = None,
    note: str | None = None,
    law: str | None = None,
    source: str = _SOURCE,
) -> Quantity:
    """A quantity as it would stand in a file: a range, with its note, only where there is one."""
    low, high = ends or (value, value)
    given: dict[str, object] = {"value": value, "unit": unit, "source": source, "status": status}
    if low < high:
        given |= {"low": low, "high": high, "note": note}
    return Quantity.model_validate(given | ({"law": law} if law else {}))


def _law(sram: Sram, node: float) -> str | None:
    if sram.voltage is None:
        return None
    own = table_voltage(node, sram.cell)
    factor = supply_energy_factor(own, sram.voltage.si)
    return f"C V^2: {sram.cell} at {node:g} nm {own:g} V to {sram.voltage.si:g} V, x{factor:.3g}"


def _energy_note(sram: Sram) -> str:
    parts = [f"cells {', '.join((sram.cell, *sram.energy_range_of))}"]
    parts += [f"words of {low:g} to {high:g} bit" for low, _, high in [_ends(sram.width)] if low < high]
    if sram.voltage is not None:
        parts += [f"{low:g} to {high:g} V" for low, _, high in [_ends(sram.voltage)] if low < high]
    if sram.lowest_energy is not None:
        parts.append(f"low: {sram.lowest_energy.source}")
    return "; ".join(parts)


def _leakage_note(sram: Sram) -> str:
    return f"cells {', '.join((sram.cell, *sram.leakage_range_of))}"


def _ends(figure: Quantity) -> tuple[float, float, float]:
    return figure.si_low, figure.si, figure.si_high


def _nanometres(node: Quantity) -> float:
    return round(node.si / _NANO, 6)
