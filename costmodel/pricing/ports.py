"""How long the port of a memory is busy in each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.demand.compulsory import MAP_ROLES, ROLES
from costmodel.hardware.memories.level import MemoryLevel
from costmodel.pricing.moved import PARTIAL_SUMS, TrafficKey
from costmodel.pricing.placement import Placement


def port_cycles(
    demand: Demand,
    placement: Placement,
    name: str,
    level: MemoryLevel,
    by_layer: Mapping[TrafficKey, np.ndarray],
) -> np.ndarray:
    """Cycles per layer that one memory's port is busy; the busiest port's where operands have their own."""
    busy: dict[str, np.ndarray] = {}
    for role, share, bits in _moved_alike(demand, placement, name):
        _add_to(busy, _port_of(role, level), bits * share)
    for (where, role, _), bits in by_layer.items():
        if where == name:
            _add_to(busy, _port_of(role, level), bits)
    most = reduce(np.maximum, busy.values(), np.zeros(demand.moved_bits.shape[1:]))
    return np.asarray(most / level.port_bits_per_cycle)


def _port_of(role: str, level: MemoryLevel) -> str:
    """The port that a role passes; parameters lie beside the weights."""
    if not level.separate_ports:
        return "all"
    if role == PARTIAL_SUMS:
        return "sums"
    return "features" if role in MAP_ROLES else "weights"


def _add_to(sums: dict[str, np.ndarray], name: str, values: np.ndarray) -> None:
    sums[name] = sums[name] + values if name in sums else values


def _moved_alike(
    demand: Demand, placement: Placement, level: str
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Bits per layer of the roles that a level holds, with its share; maps that are placed together at once."""
    found: dict[int, tuple[np.ndarray, list[int]]] = {}
    for number, role in enumerate(ROLES):
        share = placement.share[role].get(level)
        if share is not None and (share.ndim > 1 or share.any()):
            found.setdefault(id(share), (share, []))[1].append(number)
    for share, numbers in found.values():
        together = numbers == [ROLES.index(role) for role in MAP_ROLES]
        yield (
            ROLES[numbers[0]],
            share,
            demand.moved_maps if together else demand.moved_bits[numbers].sum(axis=0),
        )
