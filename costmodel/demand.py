"""Demand: what one or many networks ask of hardware, as arrays over layers, operations and design points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.counting import CountRow, count
from costmodel.graph import Dimension, Network
from costmodel.traffic import ROLES, Traffic, compulsory_traffic

OperationKey = tuple[str, str]


class StorageArrays(NamedTuple):
    """Bits to keep, per design point [bit]; see `costmodel.traffic.Storage`."""

    weights: np.ndarray
    parameters: np.ndarray
    binary_features: np.ndarray
    features: np.ndarray
    peak_features: np.ndarray


@dataclass(frozen=True, eq=False)
class Demand:
    """Operations, traffic and storage of N design points, whose layers are numbered and padded with zeros.

    `counts` has shape (operations, layers, N) and is exact; `read_bits` and `write_bits` have shape
    (roles, layers, N), with roles in the order of `costmodel.traffic.ROLES`.
    """

    layers: tuple[str, ...]
    operations: tuple[OperationKey, ...]
    counts: np.ndarray
    read_bits: np.ndarray
    write_bits: np.ndarray
    storage: StorageArrays

    @property
    def points(self) -> int:
        """Number of design points."""
        return int(self.counts.shape[2])


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
    return Demand(layers, operations, counts, read, write, StorageArrays(*(_spread(s, points) for s in sizes)))


def _spread(value: Dimension, points: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, dtype=np.int64), (points,))


def joined(demands: Sequence[Demand]) -> Demand:
    """Put the design points of several demands side by side; missing layers and operations count zero."""
    operations = tuple(dict.fromkeys(key for demand in demands for key in demand.operations))
    depth = max(len(demand.layers) for demand in demands)
    points = sum(demand.points for demand in demands)
    counts = np.zeros((len(operations), depth, points), dtype=np.int64)
    read = np.zeros((len(ROLES), depth, points), dtype=np.int64)
    write = np.zeros_like(read)
    start = 0
    for demand in demands:
        here = slice(start, start + demand.points)
        for number, key in enumerate(demand.operations):
            counts[operations.index(key), : len(demand.layers), here] = demand.counts[number]
        read[:, : len(demand.layers), here] = demand.read_bits
        write[:, : len(demand.layers), here] = demand.write_bits
        start += demand.points
    storage = StorageArrays(*(np.concatenate(parts) for parts in zip(*(d.storage for d in demands), strict=True)))
    return Demand(tuple(f"layer{number}" for number in range(depth)), operations, counts, read, write, storage)
