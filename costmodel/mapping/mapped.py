"""A mapping, and what it costs: traffic and energy by level and operand, cycles and stalls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costmodel.mapping.architecture import Architecture, Unrolling
from costmodel.mapping.nest import LoopNest, Operand

Loop = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Temporal:
    """A mapping: the loops in time, innermost first, and where each operand's links are cut.

    `cuts[operand][n]` loops run inside the n-th link of the operand, counted from the lanes; the others outside.
    """

    unrolling: Unrolling
    order: tuple[Loop, ...]
    cuts: Mapping[Operand, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class OperandTraffic:
    """What one level moves for one operand in one direction, over the whole layer."""

    level: str
    operand: Operand
    direction: str
    bits: float
    accesses: float
    energy_j: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Cycles of a layer: the array's steps, what it waits for its ports, the first tiles in, the last ones out.

    `port_stalls` says what each port alone would make the array wait; the largest counts.
    """

    steps: float
    stall_cycles: float
    start_cycles: float
    end_cycles: float
    port_stalls: Mapping[str, float]

    @property
    def cycles(self) -> float:
        """All of them."""
        return self.steps + self.stall_cycles + self.start_cycles + self.end_cycles


@dataclass(frozen=True, slots=True)
class Mapped:
    """A layer on a machine under one mapping.

    `exact` says that no other mapping of the stated space is better for the goal; where prime factors were
    `merged`, the space is that of the merged loops. `prefixes` counts the lattice that was searched.
    """

    layer: LoopNest
    machine: Architecture
    mapping: Temporal
    moved: tuple[OperandTraffic, ...]
    latency: Latency
    goal: str = ""
    merged: int = 0
    prefixes: int = 0
    exact: bool = False

    @property
    def mac_energy_j(self) -> float:
        """Energy of the multiply-accumulates [J]."""
        return self.layer.macs * self.machine.mac_energy_j

    @property
    def energy_j(self) -> float:
        """Energy of the layer [J]."""
        return self.mac_energy_j + sum(row.energy_j for row in self.moved)

    @property
    def cycles(self) -> float:
        """Latency of the layer [cycles]."""
        return self.latency.cycles

    @property
    def note(self) -> str:
        """Say in a sentence how far the search reached."""
        if not self.goal:
            return "a given mapping; nothing was searched"
        merged = (
            f"; prime factors were merged {self.merged} times, finer loops were not tried"
            if self.merged
            else ""
        )
        return f"least {self.goal} over all orders and allocations of {len(self.mapping.order)} loops{merged}"
