"""From a design and a profile to its cost: build, fold, count, move, price, and break down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np

from costmodel.demand.arrays import Demand, arrange
from costmodel.demand.compulsory import Traffic, compulsory_traffic
from costmodel.demand.counts import CountRow, count
from costmodel.designs.content import content_of
from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.errors import BnncostError
from costmodel.evaluate.figures import used_quantities
from costmodel.evaluate.results import (
    AreaCost,
    Assumption,
    ClockCost,
    Cost,
    LayerCost,
    LeakageCost,
    MemoryCost,
    OperationCost,
)
from costmodel.folding import fold, unfolded
from costmodel.graph import Network, Note
from costmodel.hardware import HardwareProfile, load_profile
from costmodel.importers.model.naming import Model, names_model, refuse_other_files
from costmodel.networks.build import build
from costmodel.pricing.operation_prices import Prices
from costmodel.pricing.price import PointCosts, TrafficModel, control_by_layer, price
from costmodel.pricing.setting import TrafficKey, memory_energy

AnyProfile = HardwareProfile | str | os.PathLike[str]
Key = TypeVar("Key")


def as_profile(profile: AnyProfile) -> HardwareProfile:
    """Return the profile itself, or read it by name or path; anything else raises BnncostError."""
    return profile if isinstance(profile, HardwareProfile) else load_profile(profile)


AnyDesign = DesignKey | Model | str
"""What can be priced: a design or a network from elsewhere, read or as the text that names it."""


def as_design(design: AnyDesign) -> DesignKey | Model:
    """Return the design itself, or read its text form, a published name, or the file or module that a text names.

    Anything else raises BnncostError.
    """
    if isinstance(design, (DesignKey, Model)):
        return design
    if not isinstance(design, str):
        raise BnncostError(f"a design is a text, a DesignKey or a Model, not {design!r}.")
    if not names_model(design):
        refuse_other_files(design)
        return resolve(design)
    from costmodel.importers.model.source import (
        read_model,  # a tenth of a second, which only such a network pays
    )

    return read_model(design)


def cost(
    design: AnyDesign,
    profile: AnyProfile = "asic-45nm",
    *,
    folding: bool = True,
    traffic: TrafficModel | None = None,
) -> Cost:
    """Price one inference of a design on a profile.

    With `folding=False` the network is priced as its methods emit it, before anything merges. `traffic` is
    "mapped" where the profile describes its array, unless "compulsory" is asked for.
    Raises BnncostError for unknown names, an operation without a price, and maps that find no room.

    >>> cost("resnet20[double_residual]/cifar10").operation_totals()["mac", "1x1"]
    40108032
    """
    key, chip = as_design(design), as_profile(profile)
    return _priced(prepared(key, folding), chip, str(key), traffic)


@dataclass(frozen=True, eq=False)
class Workload:
    """What one network demands of any profile: its counts and traffic, also as arrays, and the notes of folding."""

    notes: tuple[str, ...]
    rows: tuple[CountRow, ...]
    traffic: Traffic
    demand: Demand


def prepared(key: DesignKey | Model, folding: bool = True) -> Workload:
    """Build a design's network, fold it (or only leave out what training alone runs), and count it."""
    if isinstance(key, Model):
        return _prepared(key, "", folding)
    run = key.as_run()
    return _prepared(run, content_of(run), folding)


@lru_cache(maxsize=2048)
def _prepared(key: DesignKey | Model, content: str, folding: bool) -> Workload:
    """Prepare a network; the last 2,048 are kept, since the same design is priced on profile after profile.

    A design is the same as long as its files have the same content.
    """
    network = key.network if isinstance(key, Model) else _built(key, content)
    work = _workload(fold(network) if folding else unfolded(network))
    return replace(work, notes=(*read_notes(key), *work.notes))


@lru_cache(maxsize=4)
def _built(key: DesignKey, content: str) -> Network:
    """Build a network; the last ones are kept, since a design is priced as emitted right after it was folded."""
    return build(key)


def read_notes(key: DesignKey | Model) -> tuple[str, ...]:
    """How a network from elsewhere was read, a sentence each."""
    return tuple(f"reading: {remark}" for remark in key.remarks) if isinstance(key, Model) else ()


def _workload(network: Network) -> Workload:
    rows, traffic = count(network), compulsory_traffic(network)
    return Workload(tuple(_sentences(network.notes)), rows, traffic, arrange(rows, traffic, 1, network.name))


def cost_of_network(
    network: Network, profile: HardwareProfile, name: str = "", traffic: TrafficModel | None = None
) -> Cost:
    """Price a network as it is; fold it first for what a chip executes."""
    return _priced(_workload(network), profile, name or network.name, traffic)


def _priced(work: Workload, profile: HardwareProfile, name: str, traffic: TrafficModel | None) -> Cost:
    rows, demand = work.rows, work.demand
    points = price(demand, profile, traffic)
    check_placed(points, name)
    energy, latency_s = points.energy, float(points.time.latency_s[0])
    return Cost(
        design=name,
        profile=profile.name,
        scope=profile.scope,
        weights_from_outside=profile.weights_from_outside,
        traffic=points.traffic,
        energy_j=float(energy.total_j[0]),
        latency_s=latency_s,
        area=_at_first(points.area),
        areas=tuple(
            AreaCost(part, resource, amount)
            for part, amounts in points.areas.items()
            for resource, amount in _at_first(amounts).items()
        ),
        memory_bits=_storage_bits(work.traffic),
        off_chip_bits=_off_chip_bits(points),
        inside_core=("memory", "leakage") if profile.processor else (),
        operations=_operation_costs(rows, demand, points.setting.prices),
        memory=next(_memory_costs(points.moved.totals, energy.memory_j), ()),
        layers=_layer_costs(demand, points),
        control_j=float(energy.control_j[0]),
        clocks=_clock_costs(demand, points),
        leakage=tuple(
            LeakageCost(part, float(power[0]), float(power[0]) * latency_s)
            for part, power in energy.leakage_w.items()
        ),
        notes=(*work.notes, *_zero_notes(points)),
        assumptions=assumptions(points),
    )


def _zero_notes(points: PointCosts) -> Iterator[str]:
    """Say why a cost is zero; nothing else may be."""
    profile, energy, latency = points.setting.profile.name, points.energy.total_j[0], points.time.latency_s[0]
    if latency == 0:
        yield "zero: nothing is left to run, so that it takes neither time nor energy for operations"
    elif energy == 0:
        yield f"zero: all that runs has an energy of zero on '{profile}', whose notes say why"


def check_placed(points: PointCosts, name: str) -> None:
    """Raise BnncostError where maps or weights find no room in any memory of the profile."""
    profile, placement = points.setting.profile, points.setting.placement
    missing = float(placement.unplaced_bits.max())
    if missing > 0:
        sizes = ", ".join(f"{level} {bits[0] / 8192:,.0f} kB" for level, bits in placement.size_bits.items())
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


def _off_chip_bits(points: PointCosts) -> dict[str, float]:
    """Bits that lie in each memory outside of the chip, for want of room on it; those that hold none are left out."""
    profile, used = points.setting.profile, points.setting.placement.used_bits
    held = {name: float(used[name][0]) for name, level in profile.memories.items() if level.off_chip}
    return {name: bits for name, bits in held.items() if bits}


def _clock_costs(demand: Demand, points: PointCosts) -> tuple[ClockCost, ...]:
    """List the arrays that run, with the clock of their registers; a processor has none."""
    running = {
        name: cycles[:, 0] @ demand.repeats[:, 0] for name, cycles in points.time.cycles.arrays.items()
    }
    return tuple(
        ClockCost(array, float(running[array]), float(energy_j[0]))
        for array, energy_j in points.energy.clock_j.items()
    )


def _operation_costs(rows: Sequence[CountRow], demand: Demand, prices: Prices) -> tuple[OperationCost, ...]:
    energy = dict(zip(demand.operations, prices.energy_j, strict=True))
    return tuple(
        OperationCost(
            row.layer, row.origin, row.operation, row.precision, int(row.count),
            float(energy[row.operation, row.precision] * row.count),
        )
        for row in rows
    )  # fmt: skip


def _at_first(values: Mapping[Key, np.ndarray]) -> dict[Key, float]:
    """The value of each key at the first design point."""
    return {key: float(of_points[0]) for key, of_points in values.items()}


def _memory_costs(
    bits: Mapping[TrafficKey, np.ndarray], energy_j: Mapping[TrafficKey, np.ndarray]
) -> Iterator[tuple[MemoryCost, ...]]:
    """Yield for each place of the arrays what each level moves in each role, both directions in a row.

    What moves nothing is left out.
    """
    length = len(next(iter(bits.values()), ()))
    nothing = [0.0] * length
    amounts = {key: of_places.tolist() for key, of_places in bits.items()}
    joules = {key: of_places.tolist() for key, of_places in energy_j.items()}
    columns = []
    for level, role in dict.fromkeys((level, role) for level, role, _ in bits):
        ways = [(level, role, "read"), (level, role, "write")]
        moved = [of.get(way, nothing) for of in (amounts, joules) for way in ways]
        columns.append((level, role, moved))
    for at in range(length):
        yield tuple(
            MemoryCost(level, role, read[at], write[at], read_j[at] + write_j[at])
            for level, role, (read, write, read_j, write_j) in columns
            if read[at] or write[at]
        )


def _layer_costs(demand: Demand, points: PointCosts) -> tuple[LayerCost, ...]:
    """Split energy by layer; control and leakage by the cycles that each layer takes."""
    profile, time = points.setting.profile, points.time
    control_j = control_by_layer(points)[:, 0]
    leakage_w = sum(float(power[0]) for power in points.energy.leakage_w.values())
    operation_j = np.tensordot(points.setting.prices.energy_j, demand.counts[:, :, 0], axes=1)
    paces = [
        "processor" if profile.processor else "array",
        "side units",
        *(f"port of {m}" for m in profile.memories),
    ]
    bound_by, stalls = time.cycles.bound_by, time.cycles.stalls
    layers = []
    for number, memory in enumerate(_memory_by_layer(points)):
        cycles = float(time.cycles.slowest[number, 0])
        layers.append(
            LayerCost(
                layer=demand.layers[number],
                operation_j=float(operation_j[number]),
                memory_j=sum(row.energy_j for row in memory),
                control_j=float(control_j[number]),
                leakage_j=leakage_w * cycles / profile.clock.si,
                cycles=cycles,
                stall_cycles=float(stalls[number, 0]),
                latency_s=cycles / profile.clock.si,
                bound_by=paces[int(bound_by[number, 0])],
                memory=memory,
            )
        )
    return tuple(layers)


def _memory_by_layer(points: PointCosts) -> Iterator[tuple[MemoryCost, ...]]:
    """Yield for each layer of the first point what it moves, by level and role, from the lanes outwards."""
    profile, moved = points.setting.profile, points.moved
    order = [*(profile.array.buffers if profile.array else ()), *profile.memories]
    bits = {key: moved[key] for key in sorted(moved.totals, key=lambda key: order.index(key[0]))}
    energy_j = memory_energy(points.setting, bits)
    return _memory_costs(_first_point(bits), _first_point(energy_j))


def _first_point(values: Mapping[TrafficKey, np.ndarray]) -> dict[TrafficKey, np.ndarray]:
    return {key: of_layers[:, 0] for key, of_layers in values.items()}


def _sentences(notes: Iterable[Note]) -> Iterable[str]:
    """Say each distinct note once, with the layers that it is about."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        grouped.setdefault((note.rule, note.reason), []).append(note.layer)
    for (rule, reason), layers in grouped.items():
        shown = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
        yield f"{rule}: {reason} ({shown})"


def assumptions(
    points: PointCosts, at: int = 0, runs: Sequence[bool] | None = None
) -> tuple[Assumption, ...]:
    """List every figure that a design point uses and that is derived, scaled or assumed; arguments as there."""
    return tuple(
        Assumption(
            path,
            f"{figure.value:g} {figure.unit}",
            figure.status,
            figure.source,
            "; ".join(words for words in (figure.law, figure.note) if words),
        )
        for path, figure in used_quantities(points, at, runs).items()
        if figure.status not in ("published", "measured")
    )
