"""Sweep: designs x widths x profiles to arrays, counted exactly and priced in bulk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import Demand, OperationKey, demand_of, distinct, joined, part
from costmodel.designs.key import DesignKey, require_key
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import BINARY, Dimension, Network, accumulator
from costmodel.hardware import HardwareProfile
from costmodel.networks.build import build
from costmodel.operations.convolution import fan_in
from costmodel.pricing.price import TrafficModel, price

# Points priced together: few enough for their layers to stay in a core's cache while every profile passes by.
_POINTS_TOGETHER = 5120
# How many times as many layers a point may have as the shallowest that it is priced with.
_DEEPER = 2.0
# Up to this width no shipped network comes near counts of 64 bits, whatever its methods.
_SURELY_EXACT = 8.0


@dataclass(frozen=True, eq=False)
class SweepResult:
    """Cost of every design at every width on every profile.

    `energy_j`, `latency_s`, `fits` and each array of `area` have shape (designs, widths, profiles); each array
    of `counts` (by operation and precision, exact) and of `memory_bits` has shape (designs, widths).
    Where a design does not fit into a profile's memories, `fits` is False and energy, latency and area are nan.
    `area` is also nan for a resource that a profile does not have, such as `mm2` on an FPGA.
    """

    designs: tuple[DesignKey, ...]
    widths: np.ndarray
    profiles: tuple[str, ...]
    energy_j: np.ndarray
    latency_s: np.ndarray
    area: Mapping[str, np.ndarray]
    fits: np.ndarray
    counts: Mapping[OperationKey, np.ndarray]
    memory_bits: Mapping[str, np.ndarray]

    @property
    def points(self) -> int:
        """Number of combinations of design, width and profile."""
        return int(self.energy_j.size)


def sweep(
    designs: Sequence[DesignKey],
    widths: np.ndarray,
    profiles: Sequence[HardwareProfile],
    workers: int | None = None,
    traffic: TrafficModel | None = None,
) -> SweepResult:
    """Price designs at several widths on several profiles; `widths` replace each design's own.

    One build of a design carries all widths. `workers` threads share the pricing, as many as there are cores
    unless said. `traffic` is "mapped" on every profile that describes its array, unless "compulsory" is asked
    for. Raises BnncostError for widths that are not positive numbers, for an operation that a profile cannot
    run, where a layer fits no mapping, and where a method has no place in a network.

    >>> from costmodel.hardware import load_profile
    >>> keys = [DesignKey.parse("resnet20/cifar10"), DesignKey.parse("resnet20[double_residual]/cifar10")]
    >>> result = sweep(keys, np.array([1.0, 2.0]), [load_profile("asic-45nm")])
    >>> result.energy_j.shape, result.counts["mac", "1x1"].tolist()
    ((2, 2, 1), [[40108032, 160432128], [40108032, 160432128]])
    """
    widths = _checked(widths)
    if not designs or not profiles:
        raise BnncostError("a sweep needs at least one design and one profile.")
    for key in designs:
        require_key(key)
    run = [key.as_run() for key in designs]  # of all that differ in training alone one is built
    demand = {key: demand_over_widths(key, widths) for key in dict.fromkeys(run)}
    demands = [demand[key] for key in run]
    figures = priced_demands(demands, profiles, workers, traffic)
    energy_j, latency_s = figures.pop("energy_j"), figures.pop("latency_s")
    return SweepResult(
        designs=tuple(designs),
        widths=widths,
        profiles=tuple(profile.name for profile in profiles),
        energy_j=energy_j,
        latency_s=latency_s,
        area=figures,
        fits=~np.isnan(energy_j),
        counts=_counts(demands),
        memory_bits=memory_of(demands),
    )


def priced_demands(
    demands: Sequence[Demand],
    profiles: Sequence[HardwareProfile],
    workers: int | None = None,
    traffic: TrafficModel | None = None,
) -> dict[str, np.ndarray]:
    """Energy, latency and area by resource of demands with equally many points: (demands, points, profiles) each.

    They are nan where a point does not fit. `workers` and `traffic` are as in `sweep`, and so is what is raised.
    """
    chunks = list(_chunks(demands))
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        priced = list(pool.map(lambda chunk: _priced(chunk.demand, profiles, traffic), chunks))
    return _in_place(chunks, priced, (len(demands), demands[0].points, len(profiles)))


def memory_of(demands: Sequence[Demand]) -> dict[str, np.ndarray]:
    """Bits of weights, of parameters, and of maps at their peak: (demands, points) each [bit]."""
    return {
        name: np.stack([demand.storage[name] for demand in demands])
        for name in ("weights", "parameters", "peak_features")
    }


def _checked(widths: np.ndarray) -> np.ndarray:
    """The widths as an array of one axis; refuses what is no channel factor."""
    try:
        row = np.array(widths, dtype=float) if not np.iscomplexobj(widths) else np.empty(0)
    except (TypeError, ValueError):
        row = np.empty(0)
    if row.ndim != 1 or not row.size or not np.all(np.isfinite(row) & (row > 0)):
        raise BnncostError(f"the widths of a sweep must be a row of numbers above zero; got {widths!r}.")
    return row


# ---------------------------------------------------------------- what the designs demand


def demand_over_widths(key: DesignKey, widths: np.ndarray) -> Demand:
    """What a folded design demands at each width, each distinct layer once.

    One network carries all widths whose accumulators are of the same precision. Those past the 32,767
    products that 16 bits can sum get a network of their own.
    """
    if len(widths) == 1:  # numbers are faster than arrays of one
        return distinct(demand_of(fold(build(key, float(widths[0])))))
    if np.max(widths) > _SURELY_EXACT:
        demand_of(fold(build(key, float(np.max(widths)))))
    network = fold(build(key, widths))
    groups = _alike(network, len(widths))
    if len(groups) == 1:
        return distinct(demand_of(network, len(widths)))
    apart = [distinct(demand_of(fold(build(key, widths[group])), len(group))) for group in groups]
    return part(joined(apart), np.argsort(np.concatenate(groups)))


def _alike(network: Network, points: int) -> list[np.ndarray]:
    """Indices of the points, grouped by the precisions of all their accumulators."""
    mixed = [terms for terms in _terms_summed(network) if accumulator(np.min(terms)) != accumulator(terms)]
    if not mixed:
        return [np.arange(points)]
    groups: dict[tuple[int, ...], list[int]] = {}
    for point in range(points):
        precisions = tuple(accumulator(np.broadcast_to(terms, (points,))[point]).bits for terms in mixed)
        groups.setdefault(precisions, []).append(point)
    return [np.array(group) for group in groups.values()]


def _terms_summed(network: Network) -> Iterator[Dimension]:
    """Number of terms of every sum of bits, and of every stored threshold on one."""
    for op in network.ops:
        if op.kind == "conv" and op.params[0].precision == BINARY and op.inputs[0].precision == BINARY:
            yield fan_in(op)
        limit = op.attributes.get("limit")
        if isinstance(limit, int | np.ndarray):
            yield limit + 1


# ---------------------------------------------------------------- pricing in chunks


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Points that are priced together, and their places in the list of all (design, width) pairs."""

    demand: Demand
    places: np.ndarray


def _chunks(demands: Sequence[Demand]) -> Iterator[_Chunk]:
    """Put points of about equally many layers together: the others' layers are padded with zeros."""
    waiting: list[_Chunk] = []
    for piece in sorted(_pieces(demands), key=lambda piece: len(piece.demand.layers)):
        points = sum(one.demand.points for one in waiting) + piece.demand.points
        deeper = waiting and len(piece.demand.layers) > _DEEPER * len(waiting[0].demand.layers)
        if waiting and (points > _POINTS_TOGETHER or deeper):
            yield _together(waiting)
            waiting = []
        waiting.append(piece)
    yield _together(waiting)


def _pieces(demands: Iterable[Demand]) -> Iterator[_Chunk]:
    """Cut the points of each design into pieces that are not too long."""
    first = 0
    for demand in demands:
        for start in range(0, demand.points, _POINTS_TOGETHER):
            stop = min(start + _POINTS_TOGETHER, demand.points)
            yield _Chunk(part(demand, np.arange(start, stop)), np.arange(first + start, first + stop))
        first += demand.points


def _together(pieces: Sequence[_Chunk]) -> _Chunk:
    return _Chunk(
        joined([piece.demand for piece in pieces]), np.concatenate([piece.places for piece in pieces])
    )


def _priced(
    demand: Demand, profiles: Sequence[HardwareProfile], traffic: TrafficModel | None
) -> dict[str, np.ndarray]:
    """Energy, latency and area by resource, each (profiles, N); nan where a point does not fit."""
    figures: dict[str, np.ndarray] = {}
    for row, profile in enumerate(profiles):
        points = price(demand, profile, traffic)
        homeless = points.setting.placement.unplaced_bits > 0
        answers = {"energy_j": points.energy.total_j, "latency_s": points.time.latency_s, **points.area}
        for name, values in answers.items():
            if name not in figures:
                figures[name] = np.full((len(profiles), demand.points), np.nan)
            figures[name][row] = np.where(homeless, np.nan, values)
    return figures


def _in_place(
    chunks: Sequence[_Chunk], priced: Sequence[Mapping[str, np.ndarray]], shape: tuple[int, int, int]
) -> dict[str, np.ndarray]:
    """Put the figures of all chunks where their designs and widths belong."""
    names = dict.fromkeys(name for figures in priced for name in figures)
    whole = {name: np.full((shape[0] * shape[1], shape[2]), np.nan) for name in names}
    for chunk, figures in zip(chunks, priced, strict=True):
        for name, values in figures.items():
            whole[name][chunk.places] = values.T
    return {name: values.reshape(shape) for name, values in whole.items()}


def _counts(demands: Sequence[Demand]) -> dict[OperationKey, np.ndarray]:
    """Exact operations of every design (designs, widths), zero where a design has none of a sort."""
    keys = dict.fromkeys(key for demand in demands for key in demand.operations)
    counts = {key: np.zeros((len(demands), demands[0].points), dtype=np.int64) for key in keys}
    for number, demand in enumerate(demands):
        for key, total in zip(demand.operations, demand.total_counts, strict=True):
            counts[key][number] = total
    return counts
