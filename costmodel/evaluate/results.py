"""Cost: the price of one design on one profile, with its breakdowns, and its stable JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from costmodel.hardware.profile import Scope, WeightsFromOutside


@dataclass(frozen=True)
class OperationCost:
    """How many operations of one sort a method adds to a layer, and their energy."""

    layer: str
    origin: str
    operation: str
    precision: str
    count: int
    energy_j: float


def energy_part(row: OperationCost) -> str:
    """The part of the energy that operations of one sort belong to."""
    if row.operation != "mac":
        return "side operations"
    return "binary compute" if row.precision == "1x1" else "other MACs"


@dataclass(frozen=True)
class MemoryCost:
    """Bits that one memory or buffer reads and writes in one role, and their energy."""

    level: str
    role: str
    read_bits: float
    write_bits: float
    energy_j: float


@dataclass(frozen=True)
class LayerCost:
    """One layer: its energy by cause, its cycles, and what sets its pace; layers add up to the whole network.

    Control and leakage are those of the cycles that the layer takes. `stall_cycles` are those of the cycles in which
    the array waits for a port, and `memory` says what moves where.
    """

    layer: str
    operation_j: float
    memory_j: float
    control_j: float
    leakage_j: float
    cycles: float
    stall_cycles: float
    latency_s: float
    bound_by: str
    memory: tuple[MemoryCost, ...]

    @property
    def energy_j(self) -> float:
        """Energy of the layer, all causes together."""
        return self.operation_j + self.memory_j + self.control_j + self.leakage_j


@dataclass(frozen=True)
class LeakageCost:
    """Static power of one part of the chip, and its energy over one inference."""

    part: str
    power_w: float
    energy_j: float


@dataclass(frozen=True)
class ClockCost:
    """The array of one precision: how many cycles it runs, and what clocking its registers takes meanwhile."""

    array: str
    cycles: float
    energy_j: float


@dataclass(frozen=True)
class AreaCost:
    """What one part of the chip takes of one resource: arrays, side units, memories, buffers or control."""

    part: str
    resource: str
    amount: float


@dataclass(frozen=True)
class Assumption:
    """A figure that the result rests on and that is neither published nor measured."""

    figure: str
    value: str
    status: str
    source: str
    note: str


@dataclass(frozen=True)
class Cost:
    """Energy, latency, area and storage of one inference of a design on a profile.

    `area` holds `mm2`, or `lut`, `dsp` and `bram`, or on a processor the bits used of each memory; `areas` has the
    same by part of the chip. `clocks` is the part of `control_j` that each array takes while it runs; others are gated.
    `energy_j` is the sum of operations, memory, control and leakage. `traffic` names the model of memory traffic:
    "mapped" (the best mapping of every MAC layer) or "compulsory" (every value moved once). `scope` says what of a
    system the energy counts, `weights_from_outside` whether weights come from outside of the chip for each inference.
    `off_chip_bits` is what finds no room on the chip, by the memory outside in which it lies; `inside_core` names the
    parts of the energy that the cycles of a processor hold already.
    """

    design: str
    profile: str
    scope: Scope
    weights_from_outside: WeightsFromOutside
    traffic: str
    energy_j: float
    latency_s: float
    area: Mapping[str, float]
    areas: tuple[AreaCost, ...]
    memory_bits: Mapping[str, int]
    off_chip_bits: Mapping[str, float]
    inside_core: tuple[str, ...]
    operations: tuple[OperationCost, ...]
    memory: tuple[MemoryCost, ...]
    layers: tuple[LayerCost, ...]
    control_j: float
    clocks: tuple[ClockCost, ...]
    leakage: tuple[LeakageCost, ...]
    notes: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def energy_split_j(self) -> dict[str, float]:
        """Energy by what it is spent on: binary compute, other MACs, side operations, memory, control, leakage."""
        split = dict.fromkeys(("binary compute", "other MACs", "side operations"), 0.0)
        for row in self.operations:
            split[energy_part(row)] += row.energy_j
        split["memory"] = sum(row.energy_j for row in self.memory)
        split["control"] = self.control_j
        split["leakage"] = sum(row.energy_j for row in self.leakage)
        return split

    @property
    def area_split(self) -> dict[str, dict[str, float]]:
        """Area by part of the chip and by resource: arrays, side units, memories, buffers, control."""
        split: dict[str, dict[str, float]] = {}
        for row in self.areas:
            split.setdefault(row.part, {})[row.resource] = row.amount
        return split

    def operation_totals(self) -> dict[tuple[str, str], int]:
        """Counts by operation and precision, over all layers and origins."""
        totals: dict[tuple[str, str], int] = {}
        for row in self.operations:
            key = (row.operation, row.precision)
            totals[key] = totals.get(key, 0) + row.count
        return totals

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, in SI units; `docs/json.md` describes it."""
        mappings = {"area": self.area, "memory_bits": self.memory_bits, "off_chip_bits": self.off_chip_bits}
        return asdict(self) | {name: dict(one) for name, one in mappings.items()}
