"""Prices of the operations of a demand on a profile, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import OperationKey
from costmodel.hardware import HardwareProfile, UnitPrice


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of the operations of a demand on a profile, as arrays in the demand's order."""

    units: tuple[UnitPrice, ...]
    energy_j: np.ndarray
    cycles: np.ndarray
    is_mac: np.ndarray
    unit_of: tuple[tuple[str, str], ...]


def prices_of(profile: HardwareProfile, operations: tuple[OperationKey, ...]) -> Prices:
    """Look up every operation; one that the profile cannot run raises BnncostError."""
    units = tuple(
        profile.mac_price(precision) if operation == "mac" else profile.operation_price(operation, precision)
        for operation, precision in operations
    )
    return Prices(
        units,
        np.array([unit.energy_j for unit in units]),
        np.array([unit.cycles_per_operation for unit in units]),
        np.array([operation == "mac" for operation, _ in operations]),
        tuple((operation, unit.precision) for (operation, _), unit in zip(operations, units, strict=True)),
    )
