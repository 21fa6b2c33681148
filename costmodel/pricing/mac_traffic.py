"""What the MAC layers of many design points move under their best mappings.

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
from costmodel.demand.macs import MacFields
from costmodel.graph import MAP_ROLES, Role
from costmodel.mapping import Architecture, LoopNest, Mapped, OperandTraffic, cached_mappings
from costmodel.mapping.architecture import READ_OR_WRITE
from costmodel.mapping.nest import FEATURES, SUMS, WEIGHTS
from costmodel.pricing.known import KnownByProfile
from costmodel.pricing.machine import Home, Machines
from costmodel.pricing.setting import Setting, TrafficKey

_FIELDS = len(MacFields._fields)


class MacTraffic(NamedTuple):
    """What MACs move: bits by (level, role, direction), cycles by array, and those that wait; each (layers, N)."""

    bits: dict[TrafficKey, np.ndarray]
    cycles: dict[str, np.ndarray]
    stall_cycles: np.ndarray


class _Figures(NamedTuple):
    """What one mapping of a layer comes to: bits by key, its array, its cycles, and those of them that wait."""

    bits: dict[TrafficKey, float]
    array: str
    cycles: float
    stalls: float


_KNOWN: KnownByProfile[tuple[bytes, str, str], _Figures] = KnownByProfile()
"""Figures by distinct layer and homes: designs share most of their layers."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A share of one MAC operation with the homes of its operands, and its mapping."""

    share: float
    home: Home
    fields: MacFields
    mapped: Mapped


def mac_traffic(setting: Setting, demand: Demand) -> MacTraffic:
    """Map every MAC operation of every point that finds room, each distinct one once."""
    shape = (len(demand.layers), demand.points)
    total = _Total(shape)
    machines = Machines(setting.profile)
    conditions = _conditions(setting, shape)
    known = _KNOWN.of(setting.profile)
    for macs in demand.macs:
        there = (macs["K"] > 0) & (setting.placement.unplaced_bits <= 0)
        if not there.any():
            continue
        table, first, number = _distinct(macs, conditions, there)
        names = np.nonzero(there)[0][first]
        for weights, maps, share in _homes(setting, macs, there):
            rows = {
                int(row): (table[row].tobytes(), weights, maps)
                for row in np.unique(number[(share > 0)[there]])
            }
            new = {
                key: _search(machines, conditions, table[row], (weights, maps), demand.layers[names[row]])
                for row, key in rows.items()
                if key not in known
            }
            mapped = cached_mappings([(ask.nest, ask.machine) for ask in new.values()])
            known |= {key: _figures(one, new[key]) for key, one in zip(new, mapped, strict=True)}
            total.add({row: known[key] for row, key in rows.items()}, number, there, share)
    return MacTraffic(total.bits, total.cycles, total.stalls)


def placed_mappings(setting: Setting, demand: Demand, layer: int, goal: str = "energy") -> list[Placed]:
    """Find the mappings behind the cost of one layer of the first point, or the best ones for another goal."""
    machines = Machines(setting.profile)
    conditions = _conditions(setting, (len(demand.layers), demand.points))
    placed = []
    for macs in demand.macs:
        if not macs["K"][layer, 0]:
            continue
        row = np.array([*macs[layer, 0].item(), *conditions.values[:, layer, 0]])
        for weights, maps, share in _homes(setting, macs, macs["K"] > 0):
            if share[layer, 0] > 0:
                ask = _search(machines, conditions, row, (weights, maps), demand.layers[layer])
                mapped = cached_mappings([(ask.nest, ask.machine)], goal)[0]
                placed.append(Placed(float(share[layer, 0]), ask.home, ask.fields, mapped))
    return placed


class _Conditions(NamedTuple):
    """Per memory: floor(log2(room)) [bit] and round(log2(size)) of one that fits; (2 x memories, layers, N)."""

    names: tuple[str, ...]
    values: np.ndarray
    j_per_bit: Callable[[str, int], tuple[float, float]]


def _conditions(setting: Setting, shape: tuple[int, int]) -> _Conditions:
    """Say coarsely what a mapping depends on besides the layer, so that similar points share their mappings.

    Room counts in powers of two, rounded down. A memory that fits the network has prices that change with its
    size: they are those of the nearest power of two while a mapping is chosen, and exact when it is priced.
    """
    placement, memories = setting.placement, setting.profile.memories
    rooms, sizes = [], []
    for name, level in memories.items():
        room = placement.room_bits[name]
        rooms.append(np.broadcast_to(np.floor(np.log2(np.maximum(room, 0.5))), shape))
        size = placement.size_bits[name] if level.fits_network else np.ones(shape[1])
        sizes.append(np.broadcast_to(np.rint(np.log2(np.maximum(size, 1))), shape))

    @cache
    def j_per_bit(name: str, log_size: int) -> tuple[float, float]:
        level = memories[name]
        at = level.interpolate(2.0**log_size) if level.fits_network else setting.figures[name]
        return float(np.ravel(at.read_j_per_bit)[0]), float(np.ravel(at.write_j_per_bit)[0])

    return _Conditions(tuple(memories), np.stack([*rooms, *sizes]).astype(np.int32), j_per_bit)


def _distinct(
    macs: np.ndarray, conditions: _Conditions, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct (layer, conditions) rows, where each comes first, and the number of each place's row."""
    layers = macs[there].view(np.int32).reshape(-1, _FIELDS)
    rows = np.ascontiguousarray(np.concatenate([layers, conditions.values[:, there].T], axis=1))
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, number = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], first, number.ravel()


def _homes(setting: Setting, macs: np.ndarray, there: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Every pair of homes (of weights, of maps) in use, with the share (layers, N) of each MAC operation there."""
    memories, share_of = setting.profile.memories, setting.placement.share
    for weights, maps in product(memories, memories):
        of_weights = share_of[Role.WEIGHTS].get(weights)
        if of_weights is None:
            continue
        share = np.zeros(there.shape)
        for number, name in enumerate(MAP_ROLES):
            of_maps = share_of[name].get(maps)
            if of_maps is not None:
                of_both = np.broadcast_to(of_weights * of_maps, there.shape)
                np.copyto(share, of_both, where=there & (macs["role"] == number))
        if share.any():
            yield weights, maps, share


class _Search(NamedTuple):
    """A layer to be mapped on a machine, with its array, and the homes and fields that it stands for."""

    nest: LoopNest
    array: str
    machine: Architecture
    home: Home
    fields: MacFields


def _search(
    machines: Machines, conditions: _Conditions, row: np.ndarray, homes: tuple[str, str], name: str
) -> _Search:
    """Find the layer and the machine that one distinct row stands for; `name` is the layer's, for error sentences."""
    numbers = row.tolist()
    fields, logs = MacFields(*numbers[:_FIELDS]), numbers[_FIELDS:]
    memories = conditions.names
    room = {n: 2**log if log >= 0 else 0 for n, log in zip(memories, logs[: len(memories)], strict=True)}
    prices = {n: conditions.j_per_bit(n, log) for n, log in zip(memories, logs[len(memories) :], strict=True)}
    home, nest = Home(*homes, room, prices), fields.nest(name)
    machine = machines.of(fields.label, nest, MAP_ROLES[fields.role], home)
    return _Search(nest, machines.array_of(fields.label), machine, home, fields)


def _figures(mapped: Mapped, ask: _Search) -> _Figures:
    bits = moved_bits(mapped, ask.home, ask.fields)
    return _Figures(bits, ask.array, mapped.cycles, mapped.latency.stall_cycles)


def moved_bits(mapped: Mapped, home: Home, fields: MacFields) -> dict[TrafficKey, float]:
    """Bits that a mapped layer moves, by level, role and direction."""
    role_of = {WEIGHTS: Role.WEIGHTS, FEATURES: MAP_ROLES[fields.role], SUMS: Role.PARTIAL_SUMS}
    bits: dict[TrafficKey, float] = {}
    for row in moved_rows(mapped, home, fields):
        key = (row.level, role_of[row.operand], READ_OR_WRITE[row.direction])
        bits[key] = bits.get(key, 0.0) + row.bits
    return bits


def moved_rows(mapped: Mapped, home: Home, fields: MacFields) -> list[OperandTraffic]:
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
    return [
        *mapped.moved,
        OperandTraffic(home.maps, FEATURES, "fill", once, once, once * level.write_energy_j),
    ]


class _Total:
    """Sums over the MAC operations of each layer."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Begin with zeros."""
        self.shape = shape
        self.bits: dict[TrafficKey, np.ndarray] = {}
        self.cycles: dict[str, np.ndarray] = {}
        self.stalls = np.zeros(shape)

    def add(
        self, known: Mapping[int, _Figures], number: np.ndarray, there: np.ndarray, share: np.ndarray
    ) -> None:
        """Add one MAC operation of each layer where it is, with its share."""
        keys = dict.fromkeys(key for figures in known.values() for key in figures.bits)
        columns = {key: self.bits.setdefault(key, np.zeros(self.shape)) for key in keys}
        length = int(number.max(initial=0)) + 1
        for key, column in columns.items():
            self._put(column, {row: figures.bits.get(key, 0.0) for row, figures in known.items()}, length,
                      number, there, share)  # fmt: skip
        for array in dict.fromkeys(figures.array for figures in known.values()):
            cycles = self.cycles.setdefault(array, np.zeros(self.shape))
            own = {row: f.cycles for row, f in known.items() if f.array == array}
            self._put(cycles, own, length, number, there, share)
        self._put(self.stalls, {row: f.stalls for row, f in known.items()}, length, number, there, share)

    @staticmethod
    def _put(
        column: np.ndarray, values: Mapping[int, float], length: int, number: np.ndarray, there: np.ndarray,
        share: np.ndarray,
    ) -> None:  # fmt: skip
        table = np.zeros(length)
        table[list(values)] = list(values.values())
        column[there] += table[number] * share[there]
