"""What accuracy is set against: each axis with its column, its label and its unit."""

from __future__ import annotations

from enum import Enum


class Axis(str, Enum):
    """One cost that accuracy is set against.

    >>> Axis("energy").column, f"against {Axis.latency}"
    ('energy_j', 'against latency')
    """

    column: str
    """Its column in the frame of a front."""
    label: str
    """What stands at the axis of a picture."""
    unit: str
    """Its SI unit; empty for an area, whose unit a profile decides."""

    energy = "energy", "energy_j", "Energy per inference", "J"
    area = "area", "area", "Area", ""
    latency = "latency", "latency_s", "Latency", "s"
    memory = "memory", "memory_bits", "Memory", "bit"

    def __new__(cls, name: str, column: str, label: str, unit: str) -> Axis:
        """Make an axis whose value is its name alone."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.column, made.label, made.unit = column, label, unit
        return made

    def __str__(self) -> str:
        """The name."""
        return str(self.value)
