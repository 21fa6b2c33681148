"""What was published of a chip or board, as sections of a file: figures, each with one use, and differences of two."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from costmodel.hardware import Quantity
from costmodel.hardware.text.fields import AboveZero, MacLabel, Name, Section, Text
from costmodel.hardware.text.quantity import measures
from costmodel.hardware.text.units import Kind

Metric = Literal["energy", "latency", "area", "power", "static_power", "energy_per_mac", "throughput"]
Use = Literal["input", "held out", "informed"]
OF_A_NETWORK = ("energy", "latency", "area", "power")
OF_A_MAC = ("energy_per_mac", "throughput")
KINDS: dict[Metric, Kind] = {
    "energy": Kind("an energy per inference", ("J",), "14.4 uJ", True),
    "latency": Kind("a time per inference", ("s",), "1.5 ms", True),
    "area": Kind("an area", ("m^2",), "1.4 mm^2", True),
    "power": Kind("a power", ("W",), "41.9 mW", True),
    "static_power": Kind("a power", ("W",), "1583 mW", True),
    "energy_per_mac": Kind("an energy per MAC", ("J/mac",), "8.7 fJ/mac", True),
    "throughput": Kind("a throughput", ("operation/s",), "104.8 TOP/s", True),
}
_ANY = tuple(dict.fromkeys(unit for kind in KINDS.values() for unit in kind.units))
AnyFigure = Annotated[Quantity, measures(Kind("what its metric says", _ANY, "14.4 uJ", True))]


class LayerLanes(Section):
    """The lanes of one layer in a streaming accelerator: FINN's PE and SIMD."""

    outputs: AboveZero = Field(description="Output channels that are worked on at once (PE).")
    inputs: AboveZero = Field(description="Products of each output that are added up at once (SIMD).")


class Figure(Section):
    """One published figure of a system."""

    what: Text = Field(description="What was published, in words.")
    metric: Metric = Field(description="What the figure measures.")
    use: Use = Field(
        description="input: it calibrates one constant; held out: nothing is calibrated on it; informed: an "
        "assumption was chosen knowing it, so that it judges nothing."
    )
    calibrates: Text | None = Field(
        None, description="The one quantity of the profile, such as control.energy."
    )
    informed: Text | None = Field(None, description="The assumption that was chosen knowing the figure.")
    value: AnyFigure = Field(description="The figure [J, s, m^2, W, J/mac or operation/s].")
    design: Text | None = Field(None, description="The network as a design; not with `macs`.")
    without: tuple[Text, ...] = Field((), description="Layers of the design that the system does not run.")
    macs: dict[MacLabel, AboveZero] | None = Field(
        None,
        description="MACs by precision, of a network of which no more is known; a microcontroller only.",
    )
    precision: MacLabel | None = Field(
        None, description="The MAC that energy_per_mac or throughput is about."
    )
    operations_per_mac: AboveZero = Field(2.0, description="How many operations the source counts per MAC.")
    tolerance_percent: AboveZero = Field(1.0, description="How far the model may be off an input figure [%].")
    conditions: Text = Field(description="Under which conditions it was measured or published.")

    @property
    def design_priced(self) -> bool:
        """Whether its network is built, folded, counted and mapped; else only MACs are multiplied by a rate."""
        return self.design is not None


class Difference(Section):
    """The difference between two networks on one device: what a repair was measured to cost there."""

    what: Text = Field(description="What one network has over the other, in words.")
    of: Text = Field(description="`what` of the figure of the network that has it.")
    minus: Text = Field(description="`what` of the figure of the network that has it not.")


class System(Section):
    """A published chip or board: the profile that stands for it, and the figures that were published of it."""

    name: Name = Field(description="Short name; the stem of a shipped file.")
    title: Text = Field(description="One line for tables and pictures.")
    profile: Text = Field(description="A shipped profile, or the path of a profile relative to this file.")
    operation: Text = Field(description="What an operation means in its sources.")
    lacks: Text = Field(description="What the model does not know of the system.")
    lanes: dict[str, LayerLanes] | None = Field(
        None, description="Lanes by layer, of a system in which every layer is a pipeline stage of its own."
    )
    unfolded: tuple[Text, ...] = Field(
        (), description="Rules of folding that the software of the system does not have."
    )
    copied: tuple[Text, ...] = Field(
        (),
        description="Kinds of operations whose result its software writes anew, though a view would do; each bit at "
        "processor.map_copy.",
    )
    figures: Annotated[tuple[Figure, ...], Field(min_length=1)] = Field(description="What was published.")
    differences: tuple[Difference, ...] = Field((), description="Pairs of its networks that a repair parts.")
