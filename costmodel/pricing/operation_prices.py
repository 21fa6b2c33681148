"""Prices of the operations of a demand on a profile, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import OperationKey
from costmodel.hardware import HardwareProfile, UnitPrice
from costmodel.hardware.prices import mac_price, operation_price
from costmodel.pricing.known import KnownByProfile


@dataclass(frozen=True, eq=False, kw_only=True)
class Prices:
    """Prices of the operations of a demand on a profile, each array in the demand's order of operations."""

    units: tuple[UnitPrice, ...]
    """The unit that runs each operation."""
    energy_j: np.ndarray
    """Energy of one operation [J]: (operations,)."""
    cycles: np.ndarray
    """Cycles of one operation: (operations,); 0 on a matched side unit, of which there are as many as keep the pace."""
    is_mac: np.ndarray
    """Whether an operation is a MAC: (operations,)."""
    unit_of: tuple[tuple[str, str], ...]
    """The sort of unit of each operation, by name and precision: operations of one sort share its units."""
    built: Mapping[OperationKey, UnitPrice]
    """All units of a chip with fixed units, in use or not; none where they are matched to the demand."""


PRICED_FROM = ("compute", "side", "processor")
"""The sections of a profile that prices of operations rest on."""
_KNOWN: KnownByProfile[OperationKey, UnitPrice] = KnownByProfile()


def prices_of(profile: HardwareProfile, operations: tuple[OperationKey, ...]) -> Prices:
    """Look up every operation; one that the profile cannot run raises BnncostError."""
    units = _looked_up(profile, operations)
    return Prices(
        units=units,
        energy_j=np.array([unit.energy_j for unit in units], float),
        cycles=np.array([unit.cycles_per_operation for unit in units], float),
        is_mac=np.array([operation == "mac" for operation, _ in operations], bool),
        unit_of=tuple(
            (operation, unit.precision) for (operation, _), unit in zip(operations, units, strict=True)
        ),
        built=_all_units(profile) if profile.side.policy == "fixed" else {},
    )


def _looked_up(profile: HardwareProfile, operations: Sequence[OperationKey]) -> tuple[UnitPrice, ...]:
    """Return the unit price of each operation, looked up once per profile: designs share most operations."""
    known = _KNOWN.of(profile)
    for key in operations:
        if key not in known:
            operation, precision = key
            known[key] = (
                mac_price(profile, precision)
                if operation == "mac"
                else operation_price(profile, operation, precision)
            )
    return tuple(known[key] for key in operations)


def _all_units(profile: HardwareProfile) -> dict[OperationKey, UnitPrice]:
    """Units of every operation that a profile lists: MACs, then side operations."""
    side = [
        (str(operation), str(precision))
        for operation, listed in profile.side.operations.items()
        for precision in listed
    ]
    keys = [*(("mac", str(label)) for label in profile.compute), *side]
    return dict(zip(keys, _looked_up(profile, keys), strict=True))
