"""Which figures a unit can have at all: far outside of what any chip does, and inside of what numbers can hold.

A figure outside is a slip of the unit or of the pen. Whatever lies inside can be multiplied, divided and added up
without a result that is infinite or lost.
"""

from __future__ import annotations

from functools import lru_cache

from costmodel.hardware.text.units import scale_of

# The least and the largest in units of SI. Erasing a bit takes k T ln 2, 3e-21 J at 300 K; an atom of silicon is
# 0.2 nm wide and a wafer 0.3 m; no supply switches a transistor below some mV; none oscillates above some THz.
_PHYSICAL = {
    "J/operation": (1e-21, 1e-3),
    "J/mac": (1e-21, 1e-3),
    "J/cycle": (1e-21, 1e3),
    "J/bit": (1e-21, 1e-3),
    "J/bit/m": (1e-18, 1e-3),
    "J": (1e-18, 1e6),
    "m^2": (1e-20, 1.0),
    "m": (1e-10, 1e-2),
    "V": (1e-3, 1e3),
    "Hz": (1.0, 1e13),
    "s": (1e-12, 1e9),
    "W": (1e-18, 1e6),
    "W/m^2": (1e-9, 1e12),
    "mac/cycle": (1e-6, 1e12),
    "operation/cycle": (1e-6, 1e12),
    "operation/s": (1.0, 1e21),
    "element/cycle": (1e-6, 1e12),
    "bit/cycle": (1e-6, 1e12),
    "cycle/operation": (1e-6, 1e9),
    "cycle/mac": (1e-6, 1e9),
    "cycle/bit": (1e-9, 1e9),
    "bit": (1e-3, 1e15),
    "word": (1e-3, 1e12),
    "lut": (1e-3, 1e9),
    "dsp": (1e-3, 1e9),
    "bram": (1e-3, 1e9),
}


@lru_cache(maxsize=1)
def _by_dimension() -> dict[tuple[tuple[str, float], ...], tuple[str, float, float]]:
    return {scale_of(unit).dimension: (unit, *ends) for unit, ends in _PHYSICAL.items()}


def physical_problem(value: float, unit: str) -> str | None:
    """Say what a figure of a unit can be where `value` lies outside of it, else None; zero is not outside.

    Raises BnncostError for an unknown unit.

    >>> physical_problem(1e300, "mm^2")
    'must be from 1e-20 to 1 m^2 to be physical, got 1e+300 mm^2'
    """
    scale = scale_of(unit)
    if scale.dimension not in (known := _by_dimension()) or value == 0:
        return None
    base, least, largest = known[scale.dimension]
    # Compared in the figure's own unit, of which an end can be written exactly; a product might be rounded past it.
    if least / scale.factor <= value <= largest / scale.factor:
        return None
    return f"must be from {least:g} to {largest:g} {base} to be physical, got {value:g} {unit}"
