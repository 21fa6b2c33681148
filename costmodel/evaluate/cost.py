"""From a design and a profile to its cost: build, fold, count, move, price, and tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from costmodel.demand.arrays import Demand, arrange
from costmodel.demand.compulsory import ROLES, Traffic, compulsory_traffic
from costmodel.demand.counts import CountRow, count
from costmodel.designs.key import DesignKey
from costmodel.designs.published import resolve
from costmodel.errors import BnncostError
from costmodel.evaluate.results import Assumption, Cost, LayerCost, LeakageCost, MemoryCost, OperationCost
from costmodel.folding import fold, unfolded
from costmodel.graph import Network, Note
from costmodel.hardware import HardwareProfile, Quantity, load_profile
from costmodel.hardware.walk import own_quantities
from costmodel.networks.build import build
from costmodel.pricing.moved import TrafficKey
from costmodel.pricing.price import PointCosts, TrafficModel, j_per_bit, price
from costmodel.pricing.units import Prices

AnyProfile = HardwareProfile | str | os.PathLike[str]


def as_profile(profile: AnyProfile) -> HardwareProfile:
    """Return the profile itself, or read it by name or path; anything else raises BnncostError."""
    if not isinstance(profile, (HardwareProfile, str, os.PathLike)):
        raise BnncostError(f"a profile is a name, a path or a HardwareProfile, not {profile!r}.")
    return profile if isinstance(profile, HardwareProfile) else load_profile(profile)


def as_design(design: DesignKey | str) -> DesignKey:
    """Return the design itself, or read its text form or a published name; anything else raises BnncostError."""
    if not isinstance(design, (DesignKey, str)):
        raise BnncostError(f"a design is a text or a DesignKey, not {design!r}.")
    return design if isinstance(design, DesignKey) else resolve(design)


def cost(
    design: DesignKey | str,
    profile: AnyProfile = "asic-45nm",
    *,
    folding: bool = True,
    traffic: TrafficModel | None = None,
) -> Cost:
    """Price one inference of a design on a profile.

    With `folding=False` the network is priced as its methods asked for it, before anything merges. `traffic` is
    "mapped" where the profile describes its array, unless "compulsory" is asked for.
    Raises BnncostError for unknown names, an operation without a price, and maps that find no room.

    >>> cost("resnet20[double_residual]/cifar10").operation_totals()["mac", "1x1"]
    40108032
    """
    key, chip = as_design(design), as_profile(profile)
    return _priced(prepared(key, folding), chip, str(key), traffic)


@dataclass(frozen=True, eq=False)
class Workload:
    """What one network asks for on any profile: its notes, counts and traffic, also as arrays."""

    notes: tuple[str, ...]
    rows: tuple[CountRow, ...]
    traffic: Traffic
    demand: Demand


@lru_cache(maxsize=2048)
def prepared(key: DesignKey, folding: bool = True) -> Workload:
    """Build a design's network, fold it (or only leave out what training alone runs), and count it.

    Kept, since the same design is priced on profile after profile.
    """
    network = build(key)
    return _workload(fold(network) if folding else unfolded(network))


def _workload(network: Network) -> Workload:
    rows, traffic = count(network), compulsory_traffic(network)
    return Workload(tuple(_sentences(network.notes)), rows, traffic, arrange(rows, traffic, 1))


def cost_of_network(
    network: Network, profile: HardwareProfile, name: str = "", traffic: TrafficModel | None = None
) -> Cost:
    """Price a network as it is; fold it first for what a chip executes."""
    return _priced(_workload(network), profile, name or network.name, traffic)


def _priced(work: Workload, profile: HardwareProfile, name: str, traffic: TrafficModel | None) -> Cost:
    rows, demand = work.rows, work.demand
    points = price(demand, profile, traffic)
    check_placed(points, profile, name)
    return Cost(
        design=name,
        profile=profile.name,
        traffic="compulsory" if points.mapped is None else "mapped",
        energy_j=float(points.energy_j[0]),
        latency_s=float(points.latency_s[0]),
        area={resource: float(amount[0]) for resource, amount in points.area.items()},
        memory_bits=_storage_bits(work.traffic),
        operations=_operation_costs(rows, demand, points.prices),
        memory=_memory_costs(points),
        layers=_layer_costs(demand, points, profile),
        control_j=float(points.control_j[0]),
        leakage=tuple(
            LeakageCost(part, float(power[0]), float(power[0] * points.latency_s[0]))
            for part, power in points.leakage_w.items()
        ),
        notes=work.notes,
        assumptions=_assumptions(profile, points),
    )


def check_placed(points: PointCosts, profile: HardwareProfile, name: str) -> None:
    """Raise where maps or weights find no room in any memory of the profile."""
    missing = float(points.placement.unplaced_bits.max())
    if missing > 0:
        sizes = ", ".join(
            f"{level} {bits[0] / 8192:,.0f} kB" for level, bits in points.placement.size_bits.items()
        )
        raise BnncostError(
            f"design '{name}' does not fit on profile '{profile.name}': {missing:,.0f} bits find no room "
            f"(memories: {sizes}). Give the profile a larger or an outer level, or make the design narrower."
        )


def _storage_bits(traffic: Traffic) -> dict[str, int]:
    kept = traffic.storage
    return {
        "weights": int(np.max(kept.weights)),
        "parameters": int(np.max(kept.parameters)),
        "peak_features": int(np.max(kept.peak_features)),
    }


def _operation_costs(rows: Sequence[CountRow], demand: Demand, prices: Prices) -> tuple[OperationCost, ...]:
    energy = dict(zip(demand.operations, prices.energy_j, strict=True))
    return tuple(
        OperationCost(
            row.layer, row.origin, row.operation, row.precision, int(row.count),
            float(energy[row.operation, row.precision] * row.count),
        )
        for row in rows
    )  # fmt: skip


def _memory_costs(points: PointCosts) -> tuple[MemoryCost, ...]:
    found = []
    for (level, role), energy in points.memory_j.items():
        read, write = (_at_first(points.traffic_bits, (level, role, way)) for way in ("read", "write"))
        if read or write:
            found.append(MemoryCost(level, role, read, write, float(energy[0])))
    return tuple(found)


def _at_first(bits: Mapping[TrafficKey, np.ndarray], key: TrafficKey) -> float:
    return float(bits[key][0]) if key in bits else 0.0


def _layer_costs(demand: Demand, points: PointCosts, profile: HardwareProfile) -> tuple[LayerCost, ...]:
    """Split operation and memory energy by layer; control and leakage follow the cycles."""
    operation_j = np.tensordot(points.prices.energy_j, demand.counts[:, :, 0], axes=1)
    paces = [
        "processor" if profile.processor else "array",
        "side units",
        *(f"port of {m}" for m in profile.memories),
    ]
    j_per_bits = _prices_in_order(points, profile)
    layers = []
    for number, layer in enumerate(demand.layers):
        memory = _layer_memory(number, points, j_per_bits)
        cycles = float(points.layer_cycles[number, 0])
        layers.append(
            LayerCost(
                layer, float(operation_j[number]), sum(row.energy_j for row in memory), cycles,
                0.0 if points.mapped is None else float(points.mapped.stall_cycles[number, 0]),
                float(cycles / profile.clock.si), paces[int(points.bound_by[number, 0])], memory,
            )
        )  # fmt: skip
    return tuple(layers)


def _layer_memory(
    layer: int, points: PointCosts, j_per_bits: Mapping[TrafficKey, float]
) -> tuple[MemoryCost, ...]:
    """What one layer of the first point moves, by level and role, from the lanes outwards."""
    moved: dict[tuple[str, str], list[float]] = {}
    for number, role in enumerate(ROLES):
        for level, share in points.placement.share[role].items():
            here = float(share[layer, 0] if share.ndim > 1 else share[0])
            for way, bits in enumerate((points.side.read_bits, points.side.write_bits)):
                moved.setdefault((level, role), [0.0, 0.0])[way] += here * float(bits[number, layer, 0])
    for (level, role, direction), bits in points.by_layer.items():
        moved.setdefault((level, role), [0.0, 0.0])[direction == "write"] += float(bits[layer, 0])
    rows = []
    for level, role in dict.fromkeys((level, role) for level, role, _ in j_per_bits):
        read, write = moved.get((level, role), (0.0, 0.0))
        if read or write:
            energy = sum(
                bits * j_per_bits[level, role, way]
                for bits, way in ((read, "read"), (write, "write"))
                if bits
            )
            rows.append(MemoryCost(level, role, read, write, energy))
    return tuple(rows)


def _prices_in_order(points: PointCosts, profile: HardwareProfile) -> dict[TrafficKey, float]:
    """Energy per bit at the first point, by level, role and direction, from the lanes outwards [J/bit]."""
    order = [*(profile.array.buffers if profile.array else ()), *profile.memories]
    keys = sorted(points.traffic_bits, key=lambda key: order.index(key[0]))
    return {key: float(np.ravel(j_per_bit(profile, points.figures, key))[0]) for key in keys}


def _sentences(notes: Iterable[Note]) -> Iterable[str]:
    """Say each distinct note once, with the layers that it is about."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        grouped.setdefault((note.rule, note.reason), []).append(note.layer)
    for (rule, reason), layers in grouped.items():
        shown = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
        yield f"{rule}: {reason} ({shown})"


def _assumptions(profile: HardwareProfile, points: PointCosts) -> tuple[Assumption, ...]:
    """List every figure in use that is derived, scaled or assumed."""
    used: dict[str, Quantity] = {"clock": profile.clock}
    for unit in points.prices.units:
        used.update(unit.quantities)
    if profile.control is not None:
        used.update({f"control.{name}": figure for name, figure in own_quantities(profile.control).items()})
    for name, buffer in profile.array.buffers.items() if points.mapped and profile.array else ():
        used.update(
            {f"array.buffers.{name}.{field}": figure for field, figure in own_quantities(buffer).items()}
        )
    for name, level in profile.memories.items():
        if points.placement.used_bits[name][0] > 0:
            used.update({f"memories.{name}.{place}": figure for place, figure in level.quantities()})
    return tuple(
        Assumption(
            path,
            f"{figure.value:g} {figure.unit}",
            figure.status,
            figure.source,
            "; ".join(words for words in (figure.law, figure.note) if words),
        )
        for path, figure in used.items()
        if figure.status not in ("published", "measured")
    )
