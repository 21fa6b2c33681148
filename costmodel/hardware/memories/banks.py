"""Banks: what a memory larger than one of its macros is built of, and the wires from its port to them.

W. J. Dally, Y. Turakhia, S. Han, "Domain-specific hardware accelerators", CACM 63(7), 2020: an access to a large
memory costs that of a small one and the way to it, as long as the edge of the whole. S. W. Keckler et al., "GPUs and
the future of parallel computing", IEEE Micro 31(5), 2011: the energy of a wire by length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from costmodel.hardware.text.fields import Section
from costmodel.hardware.text.quantity import EnergyPerBitLength, MemorySize

_MEAN_WAY = 3 / 4
"""From the middle of an edge of a square, a point in it is a quarter of the edge along it and half of the edge across
away at the mean."""


class Banks(Section):
    """The banks of a memory: all of one size, but for the last, which is as large as what is left."""

    size: MemorySize = Field(description="Capacity of a bank [kB], within the sizes of the macros.")
    wire: EnergyPerBitLength = Field(description="Energy of the wires between banks [pJ/bit/mm].")


def split_into_banks(size_bits: np.ndarray, bank_bits: float) -> tuple[np.ndarray, np.ndarray]:
    """Say how many whole banks stand before the last one, and how large that one is [bit].

    >>> [part.tolist() for part in split_into_banks(np.array([3.0, 4.0, 9.0]), 4.0)]
    [[0.0, 0.0, 2.0], [3.0, 4.0, 1.0]]
    """
    whole = np.maximum(np.ceil(size_bits / bank_bits) - 1.0, 0.0)
    return whole, size_bits - whole * bank_bits


def wire_length_mm(area_mm2: Any, bank_area_mm2: float) -> Any:
    """Mean length of the wires from the port of a square memory to its banks [mm]; none to a single bank.

    The port is in the middle of an edge, wires run along the edges, and all bits are used alike. What lies within a
    bank is in the bank's own figures.

    >>> round(wire_length_mm(4.0, 1.0), 9), wire_length_mm(1.0, 1.0)
    (0.75, 0.0)
    """
    return _MEAN_WAY * np.maximum(np.sqrt(area_mm2) - np.sqrt(bank_area_mm2), 0.0)
