"""Register files and latch arrays by number of words: published points at 28 nm, carried to other processes.

X. Yang et al., "Interstellar", ASPLOS 2020 (energy); Nangate 45 nm cells (area); Aladdin, ISCA 2014 (leakage).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from costmodel.errors import BnncostError
from costmodel.hardware.memories.shipped_tables import shipped_yaml
from costmodel.hardware.memories.sram import MemoryFigures
from costmodel.hardware.memories.technology import area_factor, energy_factor, supply_energy_factor

_FEMTO, _NANO, _SQUARE_MICRO_IN_MM2 = 1e-15, 1e-9, 1e-6


class _Points(BaseModel):
    """The table as shipped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_nm: float
    supply_v: float
    energy_fj_per_bit: dict[str, float]
    area_um2_per_bit_45nm: float
    leakage_nw_per_bit: float


@lru_cache(maxsize=1)
def _points() -> _Points:
    return _Points.model_validate(shipped_yaml("register_files.yaml"))


def register_figures(node_nm: float, supply_v: float, words: Any, word_bits: Any) -> MemoryFigures:
    """Cost of register files of `words` words of `word_bits` bits; arrays broadcast.

    Energy per bit is interpolated between published numbers of words on logarithmic axes, carried to the
    process by Stillmaker and Baas at 0.9 V and from there to the supply [V] by C V^2; a write costs what a read
    does. Raises BnncostError for a number of words outside the published ones, and for a process that the law
    does not cover.

    >>> [f"{1e15 * register_figures(28, volts, 64, 16).read_j_per_bit:.3g} fJ" for volts in (0.9, 0.66)]
    ['7.5 fJ', '4.03 fJ']
    """
    points = _points()
    count, width = np.broadcast_arrays(np.asarray(words, dtype=float), np.asarray(word_bits, dtype=float))
    known = np.array([float(number) for number in points.energy_fj_per_bit])
    if not (known[0] <= count).all() or not (count <= known[-1]).all():
        raise BnncostError(
            f"register files are known from {known[0]:g} to {known[-1]:g} words, not with {words}; "
            "it is not extrapolated: larger ones are SRAM"
        )
    if not (width > 0).all():
        raise BnncostError(f"a word must be wider than 0 bit, got {word_bits}")
    energies = np.log(list(points.energy_fj_per_bit.values()))
    carried = energy_factor(points.node_nm, points.supply_v, node_nm, points.supply_v)
    carried *= supply_energy_factor(points.supply_v, supply_v)
    energy = np.exp(np.interp(np.log(count), np.log(known), energies)) * _FEMTO * carried
    bits = count * width
    area = bits * points.area_um2_per_bit_45nm * _SQUARE_MICRO_IN_MM2 * area_factor(45, node_nm)
    return MemoryFigures(energy[()], energy[()], area[()], (bits * points.leakage_nw_per_bit * _NANO)[()])
