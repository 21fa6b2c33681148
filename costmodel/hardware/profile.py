"""The sections of a hardware profile as frozen types; rules between sections are in `checks`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from costmodel.graph import Role
from costmodel.hardware.array import ArraySection, Lanes
from costmodel.hardware.memories.level import MemoryLevel
from costmodel.hardware.precision import OperationName, SidePrecision
from costmodel.hardware.text.fields import MacLabel, Name, Section, Text
from costmodel.hardware.text.quantity import (
    Cycles,
    CyclesPerBit,
    Dsp,
    Energy,
    EnergyOfCore,
    EnergyPerCycle,
    Frequency,
    Length,
    Lut,
    MacThroughput,
    Pace,
    Power,
    PowerPerArea,
    SideThroughput,
    UnitArea,
    Voltage,
    Width,
)

Archetype = Literal["asic", "fpga", "mcu"]
Scope = Literal["core", "chip", "board"]
WeightsFromOutside = Literal["never", "where they do not fit", "always"]


class Technology(Section):
    """The process that the figures belong to."""

    node: Length = Field(description="Feature size [nm].")
    voltage: Voltage = Field(description="Supply voltage [V].")


class Processor(Section):
    """The core of a microcontroller, and the cycles that it spends on more than operations."""

    energy: EnergyOfCore = Field(description="Energy of one cycle, memories included [pJ/cycle].")
    waiting: EnergyPerCycle | None = Field(
        None,
        description="Energy of a cycle that no operation has: one of waiting for weights, or one that a "
        "depthwise MAC takes more [pJ/cycle]. Default: `energy`.",
    )
    map_copy: CyclesPerBit | None = Field(
        None,
        description="To read and write a bit of a map that software copies where a view would do [cycle/bit]; only "
        "published systems ask for it.",
    )
    weight_wait: CyclesPerBit | None = Field(
        None,
        description="To wait for a weight that its layer uses once, as fully connected layers do [cycle/bit]; without "
        "it, inside the cycles of a MAC.",
    )


class Part(Section):
    """One gate-level part of a binary MAC."""

    energy: Energy = Field(description="Energy per operation [pJ/operation].")
    area: UnitArea = Field(description="Area of one [um^2].")


class Popcount(Section):
    """The parts of a binary MAC: XNOR, its share of the popcount tree and of the accumulation."""

    fan_in: Width = Field(description="Width of the popcount tree [bit], with one accumulation per word.")
    xnor: Part = Field(description="XNOR of one weight and one feature bit.")
    full_adder: Part = Field(description="Full adder of the tree.")
    accumulator: Part = Field(description="Accumulation of one word of `fan_in` bits.")


class MacUnit(Section):
    """The multiply-accumulate array at one precision."""

    throughput: MacThroughput | None = Field(None, description="Whole array [mac/cycle]; asic and fpga.")
    popcount: Popcount | None = Field(None, description="Parts of a binary MAC; only for 1x1 of an asic.")
    energy: Energy | None = Field(None, description="Energy per MAC, multiply and accumulate [pJ/operation].")
    area: UnitArea | None = Field(None, description="Area per unit of one MAC a cycle [um^2]; asic.")
    lut: Lut | None = Field(None, description="LUTs per unit [lut]; fpga.")
    dsp: Dsp | None = Field(None, description="DSPs per unit [dsp]; fpga, optional.")
    cycles: Cycles | None = Field(None, description="Cycles per MAC [cycle/operation]; mcu.")
    partial_sum: Width | None = Field(
        None,
        description="Width of a partial sum in the buffers of the array [bit], where their bits take area.",
    )
    depthwise: Cycles | None = Field(
        None, description="Cycles per MAC where each channel has a filter of its own; mcu. Default: `cycles`."
    )
    lanes: dict[str, Lanes] | None = Field(
        None, description="Lanes along each axis of the array; their product is the throughput."
    )


class SideUnit(Section):
    """One kind of element-wise unit at one precision."""

    energy: Energy | None = Field(None, description="Energy per operation [pJ/operation]; asic and fpga.")
    area: UnitArea | None = Field(None, description="Area of one unit [um^2]; asic.")
    lut: Lut | None = Field(None, description="LUTs of one unit [lut]; fpga.")
    dsp: Dsp | None = Field(None, description="DSPs of one unit [dsp]; fpga, optional.")
    units: SideThroughput | None = Field(None, description="Of all units [operation/cycle]; policy fixed.")
    cycles: Cycles | None = Field(None, description="Cycles per operation [cycle/operation]; mcu.")


class Side(Section):
    """The units for element-wise operations (norm, shortcut, activation, gate)."""

    policy: Literal["matched", "fixed"] | None = Field(
        None, description="matched: as many units as keep the `pace`; fixed: `units` of each."
    )
    pace: Pace | None = Field(
        None, description="Elements of a map that pass in a cycle [element/cycle]; policy matched."
    )
    operations: dict[OperationName, dict[SidePrecision, SideUnit]] = Field(
        description="Units by operation and precision; an operation runs on the next wider precision listed."
    )


class Control(Section):
    """Clock tree, sequencer, instruction fetch; asic and fpga."""

    energy: EnergyPerCycle = Field(description="Energy of every cycle [pJ/cycle].")
    leakage: Power = Field(description="Static power of the control, or of all logic [mW].")
    leakage_by_area: PowerPerArea | None = Field(
        None, description="Static power of arrays, their registers and side units, by area [mW/mm^2]; asic."
    )
    area: UnitArea | None = Field(None, description="Area [mm^2]; asic.")
    lut: Lut | None = Field(None, description="LUTs [lut]; fpga.")


class HardwareProfile(Section):
    """A chip to price networks on. Read one with `costmodel.hardware.load_profile`."""

    name: Name = Field(description="Short name; the file stem of a shipped profile.")
    title: Text = Field(description="One line for tables.")
    description: Text = Field(description="One paragraph: what it stands for and what it is not good for.")
    archetype: Archetype = Field(description="asic, fpga or mcu: it decides which fields the sections take.")
    scope: Scope = Field(
        description="What the energy counts: core (the accelerator and its memories), chip (all of it) or board; "
        "what a memory outside takes is counted wherever there is one."
    )
    extends: Text | None = Field(None, description="A shipped profile, or a path relative to this file.")
    technology: Technology = Field(description="The process.")
    clock: Frequency = Field(description="Clock [MHz].")
    processor: Processor | None = Field(None, description="mcu only.")
    compute: dict[MacLabel, MacUnit] = Field(description="MAC units by precision '<weight>x<feature>'.")
    side: Side = Field(description="Element-wise operations.")
    array: ArraySection | None = Field(
        None, description="Loops and buffers of the array; without it, traffic is the compulsory one."
    )
    memories: dict[str, MemoryLevel] = Field(description="Memory levels from inner to outer.")
    control: Control | None = Field(None, description="asic and fpga only.")

    @property
    def leaks_by_area(self) -> bool:
        """Whether other logic than the control leaks, by its area."""
        return self.control is not None and self.control.leakage_by_area is not None

    @property
    def weights_from_outside(self) -> WeightsFromOutside:
        """Whether weights come from a memory outside of the chip for each inference."""
        holders = [level for level in self.memories.values() if Role.WEIGHTS in level.holds]
        outside = [level.off_chip for level in holders]
        if not any(outside) or any(level.fits_network for level in holders):
            return "never"
        fetched = any(level.loaded == "per inference" for level in holders[: outside.index(True)])
        return "always" if outside[0] or fetched else "where they do not fit"
