"""Demand: what one or many networks ask of hardware, as arrays over layers, operations and design points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np

from costmodel.demand.compulsory import MAP_ROLES, ROLES, Traffic, compulsory_traffic
from costmodel.demand.counts import CountRow, count
from costmodel.demand.macs import MacFields, MacWork, codes_of
from costmodel.graph import Dimension, Network
from costmodel.mapping.nest import DIMS

OperationKey = tuple[str, str]
_CODES = slice(
    MacFields._fields.index("weight_kind"), MacFields._fields.index("feature_bits") + 1
)  # of the MAC's two precisions


class StorageArrays(NamedTuple):
    """Bits to keep, per design point [bit]; see `costmodel.demand.compulsory.Storage`."""

    weights: np.ndarray
    parameters: np.ndarray
    binary_features: np.ndarray
    features: np.ndarray
    peak_features: np.ndarray


@dataclass(frozen=True, eq=False)
class Demand:
    """Operations, traffic and storage of N design points, whose layers are numbered and padded with zeros.

    `counts` has shape (operations, layers, N) and is exact; `read_bits` and `write_bits` have shape
    (roles, layers, N), with roles in the order of `costmodel.demand.compulsory.ROLES`. `alive_bits` are the maps kept
    while a layer runs, binary and real-valued: (2, layers, N). `macs` holds the `MacFields` of each MAC operation
    of a layer, one operation after another (operations of a layer x fields, layers, N), zeros where there is
    none; `mac_read_bits` (roles, layers, N) is the part of `read_bits` that they read. Each layer occurs `repeats`
    (layers, N) times; what the other arrays say is one occurrence.
    """

    layers: tuple[str, ...]
    operations: tuple[OperationKey, ...]
    counts: np.ndarray
    read_bits: np.ndarray
    write_bits: np.ndarray
    alive_bits: np.ndarray
    macs: np.ndarray
    mac_read_bits: np.ndarray
    repeats: np.ndarray
    storage: StorageArrays

    @property
    def points(self) -> int:
        """Number of design points."""
        return int(self.counts.shape[2])

    @cached_property
    def without_macs(self) -> Demand:
        """The same with the MACs' reads left out: what side operations move."""
        return replace(self, read_bits=self.read_bits - self.mac_read_bits)

    @cached_property
    def loose_macs(self) -> np.ndarray:
        """MACs that no loop nest holds, such as the bits of a map that are counted: (operations, layers, N)."""
        labels = {
            number: label for number, (operation, label) in enumerate(self.operations) if operation == "mac"
        }
        loose = np.zeros_like(self.counts)
        loose[list(labels)] = self.counts[list(labels)]
        for start in range(0, len(self.macs), len(MacFields._fields)):
            fields = self.macs[start : start + len(MacFields._fields)]
            iterations = reduce(np.multiply, fields[: len(DIMS)].astype(np.int64))
            for number, label in labels.items():
                of_label = reduce(
                    np.logical_and,
                    (field == code for field, code in zip(fields[_CODES], codes_of(label), strict=True)),
                )
                loose[number] -= iterations * of_label
        return loose

    @cached_property
    def total_counts(self) -> np.ndarray:
        """Operations of the whole network: (operations, N), exact."""
        return _over_layers(self.counts, self.repeats)

    @cached_property
    def total_read_bits(self) -> np.ndarray:
        """Bits that the whole network reads: (roles, N), exact."""
        return _over_layers(self.read_bits, self.repeats)

    @cached_property
    def total_write_bits(self) -> np.ndarray:
        """Bits that the whole network writes: (roles, N), exact."""
        return _over_layers(self.write_bits, self.repeats)

    @cached_property
    def work(self) -> np.ndarray:
        """The counts as floating-point numbers, which a sweep multiplies once per profile."""
        return self.counts.astype(float)

    @cached_property
    def inverse_alive(self) -> dict[str, np.ndarray]:
        """One over the bits of maps alive in each layer [1/bit]: of each role, and of "both" together."""
        binary, real = self.alive_bits
        kinds = {MAP_ROLES[0]: binary, MAP_ROLES[1]: real, "both": binary + real}
        return {name: 1 / np.maximum(bits, 1) for name, bits in kinds.items()}

    @cached_property
    def repeated_bits(self) -> dict[str, np.ndarray]:
        """Bits that all occurrences of a layer read, or write: (roles, layers, N)."""
        return {"read": self.read_bits * self.work_repeats, "write": self.write_bits * self.work_repeats}

    @cached_property
    def work_repeats(self) -> np.ndarray:
        """How often each layer occurs, as floating-point numbers."""
        return self.repeats.astype(float)

    @cached_property
    def moved_maps(self) -> np.ndarray:
        """Bits of maps of both kinds read and written: (layers, N)."""
        return self.moved_bits[-len(MAP_ROLES) :].sum(axis=0)

    @cached_property
    def moved_bits(self) -> np.ndarray:
        """Bits read and written, as floating-point numbers: (roles, layers, N)."""
        return (self.read_bits + self.write_bits).astype(float)


def demand_of(folded: Network, points: int = 1) -> Demand:
    """Count a folded network and derive its compulsory traffic; `points` is the length of its width array."""
    return arrange(count(folded), compulsory_traffic(folded), points)


def arrange(rows: Sequence[CountRow], traffic: Traffic, points: int) -> Demand:
    """Put counts and traffic into arrays."""
    layers = tuple(dict.fromkeys([*(row.layer for row in traffic.rows), *(row.layer for row in rows)]))
    operations = tuple(dict.fromkeys((row.operation, row.precision) for row in rows))
    layer_index = {name: number for number, name in enumerate(layers)}
    operation_index = {key: number for number, key in enumerate(operations)}
    counts = np.zeros((len(operations), len(layers), points), dtype=np.int64)
    for row in rows:
        counts[operation_index[row.operation, row.precision], layer_index[row.layer]] += row.count
    read = np.zeros((len(ROLES), len(layers), points), dtype=np.int64)
    write = np.zeros_like(read)
    for moved in traffic.rows:
        place = ROLES.index(moved.role), layer_index[moved.layer]
        read[place] += moved.read_bits
        write[place] += moved.write_bits
    kept = traffic.storage
    sizes = (kept.weights, kept.parameters, *kept.peak_by_role.values(), kept.peak_features)
    alive = np.zeros((len(MAP_ROLES), len(layers), points), dtype=np.int64)
    for (layer, role), bits in kept.alive.items():
        if layer in layer_index:
            alive[MAP_ROLES.index(role), layer_index[layer]] = bits
    once = np.ones((len(layers), points), dtype=np.int64)
    return Demand(
        layers,
        operations,
        counts,
        read,
        write,
        alive,
        *_mac_arrays(traffic.macs, layer_index, points),
        once,
        StorageArrays(*(_spread(s, points) for s in sizes)),
    )


def _mac_arrays(
    macs: Sequence[MacWork], layer_index: Mapping[str, int], points: int
) -> tuple[np.ndarray, np.ndarray]:
    """Put the MAC operations of each layer side by side, and sum what they read by role."""
    of_layer = Counter(work.layer for work in macs)
    length = len(MacFields._fields)
    fields = np.zeros((max(of_layer.values(), default=0) * length, len(layer_index), points), dtype=np.int32)
    read = np.zeros((len(ROLES), len(layer_index), points), dtype=np.int64)
    taken: Counter[str] = Counter()
    for work in macs:
        layer = layer_index[work.layer]
        for row, value in enumerate(work.fields, taken[work.layer] * length):
            fields[row, layer] = value
        taken[work.layer] += 1
        read[ROLES.index("weights"), layer] += work.weight_bits_read
        read[ROLES.index(MAP_ROLES[int(np.max(work.fields.role))]), layer] += work.feature_bits_read
    return fields, read


def _over_layers(values: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    return np.einsum("kln,ln->kn", values, repeats)


def _spread(value: Dimension, points: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, dtype=np.int64), (points,))


def distinct(demand: Demand) -> Demand:
    """Keep one of each set of layers that ask for the same, at every point, with how often it occurs.

    The blocks of a stage and the networks of an ensemble are mostly alike, and cost the same.
    """
    arrays = (
        demand.counts,
        demand.read_bits,
        demand.mac_read_bits,
        demand.write_bits,
        demand.alive_bits,
        demand.macs,
    )
    kept: dict[bytes, int] = {}
    repeats = []
    for number in range(len(demand.layers)):
        asks = (values[:, number].tobytes() for values in arrays)
        place = kept.setdefault(b"".join(asks), number)
        if place == number:
            repeats.append(demand.repeats[number].copy())
        else:
            repeats[list(kept.values()).index(place)] += demand.repeats[number]
    chosen = list(kept.values())
    return replace(
        demand,
        layers=tuple(demand.layers[number] for number in chosen),
        counts=demand.counts[:, chosen],
        read_bits=demand.read_bits[:, chosen],
        write_bits=demand.write_bits[:, chosen],
        alive_bits=demand.alive_bits[:, chosen],
        macs=demand.macs[:, chosen],
        mac_read_bits=demand.mac_read_bits[:, chosen],
        repeats=np.stack(repeats),
    )


def part(demand: Demand, points: np.ndarray) -> Demand:
    """Some of the design points of a demand, given by their indices."""
    return replace(
        demand,
        counts=demand.counts[:, :, points],
        read_bits=demand.read_bits[:, :, points],
        write_bits=demand.write_bits[:, :, points],
        alive_bits=demand.alive_bits[:, :, points],
        macs=demand.macs[:, :, points],
        mac_read_bits=demand.mac_read_bits[:, :, points],
        repeats=demand.repeats[:, points],
        storage=StorageArrays(*(bits[points] for bits in demand.storage)),
    )


def joined(demands: Sequence[Demand]) -> Demand:
    """Put the design points of several demands side by side; missing layers and operations count zero."""
    operations = tuple(dict.fromkeys(key for demand in demands for key in demand.operations))
    depth = max(len(demand.layers) for demand in demands)
    points = sum(demand.points for demand in demands)
    counts = np.zeros((len(operations), depth, points), dtype=np.int64)
    read = np.zeros((len(ROLES), depth, points), dtype=np.int64)
    write = np.zeros_like(read)
    alive = np.zeros((len(MAP_ROLES), depth, points), dtype=np.int64)
    macs = np.zeros((max(len(demand.macs) for demand in demands), depth, points), dtype=np.int32)
    mac_read = np.zeros_like(read)
    repeats = np.zeros((depth, points), dtype=np.int64)
    start = 0
    for demand in demands:
        layers, here = slice(len(demand.layers)), slice(start, start + demand.points)
        for number, key in enumerate(demand.operations):
            counts[operations.index(key), layers, here] = demand.counts[number]
        read[:, layers, here] = demand.read_bits
        write[:, layers, here] = demand.write_bits
        alive[:, layers, here] = demand.alive_bits
        macs[: len(demand.macs), layers, here] = demand.macs
        mac_read[:, layers, here] = demand.mac_read_bits
        repeats[layers, here] = demand.repeats
        start += demand.points
    names = tuple(f"layer{number}" for number in range(depth))
    storage = StorageArrays(
        *(np.concatenate(parts) for parts in zip(*(d.storage for d in demands), strict=True))
    )
    return Demand(names, operations, counts, read, write, alive, macs, mac_read, repeats, storage)
