"""SRAM by size, word and process: a table made with CACTI 7, interpolated on logarithmic axes.

R. Balasubramonian et al., "CACTI 7", ACM TACO 14(2), 2017. How the table was made, and how far interpolation is
off, is in hardware_profiles/tables/README.md and docs/memory.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.memories.shipped_tables import shipped_csv, shipped_yaml

Cell = Literal["itrs-lstp", "itrs-lop", "itrs-hp"]
CELLS: tuple[str, ...] = get_args(Cell)

_KILOBYTE = 8192  # bits
_MILLI, _PICO = 1e-3, 1e-12


class MemoryFigures(NamedTuple):
    """Cost of a memory: energy per bit, size (mm2, or BRAMs on an FPGA) and leakage; floats or arrays."""

    read_j_per_bit: Any
    write_j_per_bit: Any
    area_or_bram: Any
    leakage_w: Any


@dataclass(frozen=True, eq=False)
class _Table:
    """One process and cell: logarithms of sizes [bit], of words [bit], and of four figures (4, sizes, words).

    A memory that CACTI could not organise is not a number.
    """

    log_sizes: np.ndarray
    log_words: np.ndarray
    log_figures: np.ndarray


def sram_figures(node_nm: float, cell: str, size_bits: Any, word_bits: Any) -> MemoryFigures:
    """Cost of SRAMs of `size_bits` with one port of `word_bits`, at the supply of the table; arrays broadcast.

    Between the sizes and words of the table figures are interpolated on logarithmic axes. Raises BnncostError
    for a process or cell that it does not list, and for a size or word outside of it.

    >>> figures = sram_figures(45, "itrs-lstp", 8 * 8192, 64)  # 8 kB: 6.137 pJ a word
    >>> [f"{figure:.4g}" for figure in (figures.read_j_per_bit * 64 * 1e12, figures.area_or_bram)]
    ['6.137', '0.02627']
    """
    table = _table(node_nm, cell)
    sizes, words = np.broadcast_arrays(np.asarray(size_bits, dtype=float), np.asarray(word_bits, dtype=float))
    if not (sizes.size and (sizes > 0).all() and (words > 0).all()):
        raise BnncostError(
            f"a memory size and its word must be above zero [bit], got {size_bits} and {word_bits}"
        )
    size_at, size_share = _place(np.log(sizes), table.log_sizes)
    word_at, word_share = _place(np.log(words), table.log_words)
    logarithms = sum(
        _weighted(size_weight * word_weight, table.log_figures[:, size_at + size_step, word_at + word_step])
        for size_step, size_weight in ((0, 1 - size_share), (1, size_share))
        for word_step, word_weight in ((0, 1 - word_share), (1, word_share))
    )
    if np.isnan(logarithms).any():
        outside = np.isnan(logarithms).any(axis=0)
        raise _outside(table, node_nm, cell, float(sizes[outside].flat[0]), float(words[outside].flat[0]))
    read, write, leakage, area = np.exp(logarithms)
    return MemoryFigures((read / words)[()], (write / words)[()], area[()], leakage[()])


def table_sizes(node_nm: float, cell: str, word_bits: float) -> tuple[float, ...]:
    """Sizes [bit] that the table has for a word, smallest first; raises BnncostError when it has none.

    >>> [size / 8192 for size in table_sizes(28, "itrs-lstp", 256)][:3]
    [1.0, 2.0, 4.0]
    """
    table = _table(node_nm, cell)
    at, share = _place(np.log(np.asarray(word_bits, dtype=float)), table.log_words)
    first, second = table.log_figures[0, :, at], table.log_figures[0, :, at + 1]
    there = ~np.isnan(_weighted(1 - share, first) + _weighted(share, second))
    if not there.any():
        raise _outside(table, node_nm, cell, None, word_bits)
    return tuple(float(size) for size in np.exp(table.log_sizes[there]).round())


def table_voltage(node_nm: float, cell: str) -> float:
    """Supply [V] that the figures of a process and cell are for.

    >>> table_voltage(28, "itrs-lstp")
    0.92
    """
    _table(node_nm, cell)
    return _voltages()[cell][node_nm]


def table_nodes(cell: str) -> tuple[float, ...]:
    """Processes [nm] for which the table has a cell."""
    if cell not in CELLS:
        raise unknown("SRAM cell", cell, CELLS)
    return tuple(sorted(node for node, kind in _tables() if kind == cell))


def _place(wanted: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where values lie between known ones: index of the one below, and share of the one above; NaN outside."""
    rounding = 1e-9
    at = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, max(len(known) - 2, 0))
    if len(known) == 1:
        return np.zeros_like(at), np.where(np.abs(wanted - known[0]) < rounding, 0.0, np.nan)
    share = (wanted - known[at]) / (known[at + 1] - known[at])
    share = np.where(np.abs(share) < rounding, 0.0, np.where(np.abs(share - 1) < rounding, 1.0, share))
    return at, np.where((share >= 0) & (share <= 1), share, np.nan)


def _weighted(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values times weights, in which a missing value does not matter where its weight is zero."""
    return np.where(weight == 0, 0.0, weight * values)


def _outside(table: _Table, node_nm: float, cell: str, size: float | None, word: float) -> BnncostError:
    words = np.exp(table.log_words).round()
    if not words[0] <= word <= words[-1]:
        fit = (
            f"words of {words[0]:g} to {words[-1]:g} bit" if len(words) > 1 else f"words of {words[0]:g} bit"
        )
        return BnncostError(
            f"the SRAM table has {fit} at {node_nm:g} nm {cell}, not of {word:g} bit; it is not extrapolated"
        )
    sizes = table_sizes(node_nm, cell, word)
    wanted = "" if size is None else f", not of {_size(size)}"
    return BnncostError(
        f"the SRAM table has memories of {_size(sizes[0])} to {_size(sizes[-1])} with a word of {word:g} bit at "
        f"{node_nm:g} nm {cell}{wanted}; it is not extrapolated"
    )


def _size(bits: float) -> str:
    return f"{bits:g} bit" if bits < _KILOBYTE else f"{bits / _KILOBYTE:g} kB"


def _table(node_nm: float, cell: str) -> _Table:
    nodes = table_nodes(cell)
    if node_nm not in nodes:
        listed = ", ".join(f"{node:g}" for node in nodes)
        raise BnncostError(
            f"the SRAM table has {cell} at {listed} nm, not at {node_nm:g} nm; figures, leakage above all, do not "
            "follow a line between processes: take the nearest one"
        )
    return _tables()[node_nm, cell]


@lru_cache(maxsize=1)
def _tables() -> Mapping[tuple[float, str], _Table]:
    """The table as shipped, by process [nm] and cell."""
    grouped: dict[tuple[float, str], dict[tuple[float, float], tuple[float, ...]]] = {}
    for row in shipped_csv("cacti7_sram.csv"):
        figures = (
            float(row["read_pJ"]) * _PICO,
            float(row["write_pJ"]) * _PICO,
            float(row["leak_mW"]) * _MILLI,
            float(row["area_mm2"]),
        )
        point = (float(row["size_kB"]) * _KILOBYTE, float(row["width_b"]))
        grouped.setdefault((float(row["node_nm"]), row["cell"]), {})[point] = figures
    return {key: _arranged(points) for key, points in grouped.items()}


def _arranged(points: Mapping[tuple[float, float], tuple[float, ...]]) -> _Table:
    sizes, words = (sorted({point[axis] for point in points}) for axis in (0, 1))
    # One word alone is doubled, so that there is a neighbour to weigh with zero.
    columns = words if len(words) > 1 else words * 2
    figures = np.array(
        [[points.get((size, word), (np.nan,) * 4) for word in columns] for size in sizes], dtype=float
    )
    return _Table(np.log(sizes), np.log(words), np.log(figures.transpose(2, 0, 1)))


@lru_cache(maxsize=1)
def _voltages() -> Mapping[str, Mapping[float, float]]:
    supplies = shipped_yaml("cacti7_sram.yaml")["supply_v"]
    return {cell: {float(node): volts for node, volts in listed.items()} for cell, listed in supplies.items()}
