"""Mapped traffic: what the MAC layers of many design points move under their best mappings.

Each distinct layer is mapped once for each home that its operands have: where a share of the weights lies
outside, that share of the layer is mapped with its weights outside. Results are arrays over layers and points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.demand.macs import MAP_ROLES, MacFields
from costmodel.hardware import HardwareProfile, MemoryFigures
from costmodel.mapping import Architecture, LoopNest, Mapped, Moved, cached_mappings
from costmodel.mapping.nest import FEATURES, SUMS, WEIGHTS
from costmodel.pricing.machine import Home, Machines
from costmodel.pricing.placement import Placement

PARTIAL_SUMS = "partial_sums"
TrafficKey = tuple[str, str, str]
"""Level (a memory or a buffer), role, and "read" or "write"."""
READ_OR_WRITE = {"feed": "read", "drain": "read", "fill": "write", "collect": "write"}
_FIELDS = len(MacFields._fields)


class MappedTraffic(NamedTuple):
    """What MACs move: bits by (level, role, direction), cycles, and those of them that wait; each (layers, N)."""

    bits: dict[TrafficKey, np.ndarray]
    cycles: np.ndarray
    stall_cycles: np.ndarray


@dataclass(frozen=True, slots=True)
class Placed:
    """A share of one MAC operation with the homes of its operands, and its mapping."""

    share: float
    home: Home
    fields: MacFields
    mapped: Mapped


def mapped_traffic(
    demand: Demand,
    profile: HardwareProfile,
    placement: Placement,
    figures: Mapping[str, MemoryFigures],
    cycle_energy_j: float,
) -> MappedTraffic:
    """Map every MAC operation of every point that finds room, each distinct one once."""
    shape = (len(demand.layers), demand.points)
    total = _Total(shape)
    machines = Machines(profile, cycle_energy_j)
    conditions = _conditions(profile, placement, figures, shape)
    found = profile.mapped_layers
    for start in range(0, len(demand.macs), _FIELDS):
        fields = demand.macs[start : start + _FIELDS]
        there = (fields[0] > 0) & (placement.unplaced_bits <= 0)
        if not there.any():
            continue
        table, first, number = _distinct(fields, conditions, there)
        names = np.nonzero(there)[0][first]
        for weights, maps, share in _homes(profile, placement, fields, there):
            rows = {
                int(row): (table[row].tobytes(), weights, maps)
                for row in np.unique(number[(share > 0)[there]])
            }
            new = {
                key: _ask(machines, conditions, table[row], (weights, maps), demand.layers[names[row]])
                for row, key in rows.items()
                if key not in found
            }
            mapped = cached_mappings([(ask.nest, ask.machine) for ask in new.values()])
            found |= {key: _figures(one, new[key]) for key, one in zip(new, mapped, strict=True)}
            total.add({row: found[key] for row, key in rows.items()}, number, there, share)
    return MappedTraffic(total.bits, total.cycles, total.stalls)


def placed_mappings(
    demand: Demand,
    profile: HardwareProfile,
    placement: Placement,
    figures: Mapping[str, MemoryFigures],
    cycle_energy_j: float,
    layer: int,
    goal: str = "energy",
) -> list[Placed]:
    """The mappings that the cost of one layer of the first point is made from, or the best ones for another goal."""
    shape = (len(demand.layers), demand.points)
    machines = Machines(profile, cycle_energy_j)
    conditions = _conditions(profile, placement, figures, shape)
    found = []
    for start in range(0, len(demand.macs), _FIELDS):
        fields = demand.macs[start : start + _FIELDS]
        if not fields[0, layer, 0]:
            continue
        row = np.concatenate([fields[:, layer, 0], conditions.values[:, layer, 0]])
        for weights, maps, share in _homes(profile, placement, fields, fields[0] > 0):
            if share[layer, 0] > 0:
                ask = _ask(machines, conditions, row, (weights, maps), demand.layers[layer])
                mapped = cached_mappings([(ask.nest, ask.machine)], goal)[0]
                found.append(Placed(float(share[layer, 0]), ask.home, ask.fields, mapped))
    return found


class _Conditions(NamedTuple):
    """Per memory: floor(log2(room)) [bit] and round(log2(size)) of one that fits; (2 x memories, layers, N)."""

    names: tuple[str, ...]
    values: np.ndarray
    j_per_bit: Callable[[str, int], tuple[float, float]]


def _conditions(
    profile: HardwareProfile,
    placement: Placement,
    figures: Mapping[str, MemoryFigures],
    shape: tuple[int, int],
) -> _Conditions:
    """Say coarsely what a mapping depends on besides the layer, so that similar points share their mappings.

    Room counts in powers of two, rounded down. A memory that fits the network has prices that change with its
    size: they are those of the nearest power of two while a mapping is chosen, and exact when it is priced.
    """
    names = tuple(profile.memories)
    rooms, sizes = [], []
    for name, level in profile.memories.items():
        room = placement.room_bits[name]
        rooms.append(np.broadcast_to(np.floor(np.log2(np.maximum(room, 0.5))), shape))
        size = placement.size_bits[name] if level.fits_network else np.ones(shape[1])
        sizes.append(np.broadcast_to(np.rint(np.log2(np.maximum(size, 1))), shape))

    @cache
    def j_per_bit(name: str, log_size: int) -> tuple[float, float]:
        level = profile.memories[name]
        at = level.interpolate(2.0**log_size) if level.fits_network else figures[name]
        return float(np.ravel(at.read_j_per_bit)[0]), float(np.ravel(at.write_j_per_bit)[0])

    return _Conditions(names, np.stack([*rooms, *sizes]).astype(np.int32), j_per_bit)


def _distinct(
    fields: np.ndarray, conditions: _Conditions, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct (layer, conditions) rows, where each comes first, and the number of each place's row."""
    rows = np.ascontiguousarray(np.concatenate([fields[:, there], conditions.values[:, there]]).T)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, number = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], first, number.ravel()


def _homes(
    profile: HardwareProfile, placement: Placement, fields: np.ndarray, there: np.ndarray
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Every pair of homes (of weights, of maps) in use, with the share (layers, N) of each MAC operation there."""
    shape = there.shape
    role = fields[MacFields._fields.index("role")]
    for weights, maps in product(profile.memories, profile.memories):
        of_weights = placement.share["weights"].get(weights)
        if of_weights is None:
            continue
        share = np.zeros(shape)
        for number, name in enumerate(MAP_ROLES):
            of_maps = placement.share[name].get(maps)
            if of_maps is not None:
                np.copyto(share, np.broadcast_to(of_weights * of_maps, shape), where=there & (role == number))
        if share.any():
            yield weights, maps, share


class _Ask(NamedTuple):
    """What is to be mapped on what, and what it stands for."""

    nest: LoopNest
    machine: Architecture
    home: Home
    fields: MacFields


def _ask(
    machines: Machines, conditions: _Conditions, row: np.ndarray, homes: tuple[str, str], name: str
) -> _Ask:
    """Read one distinct row; `name` is the layer's, for complaints."""
    numbers = row.tolist()
    fields, logs = MacFields(*numbers[:_FIELDS]), numbers[_FIELDS:]
    memories = conditions.names
    room = {n: 2**log if log >= 0 else 0 for n, log in zip(memories, logs[: len(memories)], strict=True)}
    prices = {n: conditions.j_per_bit(n, log) for n, log in zip(memories, logs[len(memories) :], strict=True)}
    home, nest = Home(*homes, room, prices), fields.nest(name)
    return _Ask(nest, machines.of(fields.label, nest, MAP_ROLES[fields.role], home), home, fields)


class _Figures(NamedTuple):
    bits: dict[TrafficKey, float]
    cycles: float
    stalls: float


def _figures(mapped: Mapped, ask: _Ask) -> _Figures:
    bits = moved_bits(mapped, ask.home, ask.fields)
    return _Figures(bits, mapped.cycles, mapped.latency.stall_cycles)


def moved_bits(mapped: Mapped, home: Home, fields: MacFields) -> dict[TrafficKey, float]:
    """Bits that a mapped layer moves, by level, role and direction."""
    role_of = {WEIGHTS: "weights", FEATURES: MAP_ROLES[fields.role], SUMS: PARTIAL_SUMS}
    bits: dict[TrafficKey, float] = {}
    for row in moved_rows(mapped, home, fields):
        key = (row.level, role_of[row.operand], READ_OR_WRITE[row.direction])
        bits[key] = bits.get(key, 0.0) + row.bits
    return bits


def moved_rows(mapped: Mapped, home: Home, fields: MacFields) -> list[Moved]:
    """What a mapped layer moves, by level, operand and direction.

    Features that side operations of the same layer make stream by where every one is used in one go. Where the
    mapping reads them again, they are written to their home first.
    """
    if not fields.streamed:
        return list(mapped.moved)
    once = float(mapped.layer.elements(FEATURES) * mapped.layer.bits(FEATURES))
    read = next(row for row in mapped.moved if (row.level, row.operand) == (home.maps, FEATURES))
    if math.isclose(read.bits, once):
        return [row for row in mapped.moved if row is not read]
    level = next(level for level in mapped.machine.levels if level.name == home.maps)
    return [*mapped.moved, Moved(home.maps, FEATURES, "fill", once, once, once * level.write_energy_j)]


class _Total:
    """Sums over the MAC operations of each layer."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Begin with zeros."""
        self.shape = shape
        self.bits: dict[TrafficKey, np.ndarray] = {}
        self.cycles, self.stalls = np.zeros(shape), np.zeros(shape)

    def add(
        self, found: Mapping[int, _Figures], number: np.ndarray, there: np.ndarray, share: np.ndarray
    ) -> None:
        """Add one MAC operation of each layer where it is, with its share."""
        keys = dict.fromkeys(key for figures in found.values() for key in figures.bits)
        columns = {key: self.bits.setdefault(key, np.zeros(self.shape)) for key in keys}
        length = int(number.max(initial=0)) + 1
        for key, column in columns.items():
            self._put(column, {row: figures.bits.get(key, 0.0) for row, figures in found.items()}, length,
                      number, there, share)  # fmt: skip
        self._put(self.cycles, {row: f.cycles for row, f in found.items()}, length, number, there, share)
        self._put(self.stalls, {row: f.stalls for row, f in found.items()}, length, number, there, share)

    @staticmethod
    def _put(
        column: np.ndarray, values: Mapping[int, float], length: int, number: np.ndarray, there: np.ndarray,
        share: np.ndarray,
    ) -> None:  # fmt: skip
        table = np.zeros(length)
        table[list(values)] = list(values.values())
        column[there] += table[number] * share[there]
