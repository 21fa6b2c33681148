"""Designs held against each other: where their energy goes, cause by cause, and by how much they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from costmodel import BnncostError, Cost, cost
from costmodel.evaluate.cost import AnyDesign, as_design
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

MOST = len(ascii_uppercase)
_SIDE = {
    "mul": "multiplies",
    "add": "additions",
    "compare": "compares",
    "shift": "shifts",
    "divide": "divisions",
}
TOTAL = "energy"


@dataclass(frozen=True)
class Entry:
    """One design on one profile, called by a letter, as it was typed, with its energy by cause [J]."""

    letter: str
    name: str
    cost: Cost
    causes: Mapping[str, float]
    base: int
    """Number of the entry that it is held against; its own where it is held against none."""


def compared(
    designs: Sequence[str], chips: Sequence[HardwareProfile], traffic: TrafficModel | None = None
) -> tuple[Entry, ...]:
    """Price every design on every profile; each is held against the first design on its profile.

    One design alone is held against itself on the first profile. Raises BnncostError as `cost` does, and for less than
    two, or more than 26 entries.
    """
    count = len(designs) * len(chips)
    if not 2 <= count <= MOST:
        raise BnncostError(
            f"{count} entries to compare, but must be 2 to {MOST}: name two designs or more, or one design and "
            "--profile twice."
        )
    read: list[AnyDesign] = [as_design(one) for one in designs]
    entries: list[Entry] = []
    for chip in chips:
        first = len(entries) if len(designs) > 1 else 0
        for name, design in zip(designs, read, strict=True):
            priced = cost(design, chip, traffic=traffic)
            letter = ascii_uppercase[len(entries)]
            entries.append(Entry(letter, name, priced, energy_by_cause(priced), first))
    return tuple(entries)


def energy_by_cause(priced: Cost) -> dict[str, float]:
    """Energy by what it is spent on, finer than the six parts: side operations by sort, memory by level [J].

    Memories whose traffic costs nothing are left out; those of a processor stand together as "memory".

    >>> from costmodel import cost
    >>> one = cost("resnet20")
    >>> abs(sum(energy_by_cause(one).values()) / one.energy_j - 1) < 1e-12
    True
    """
    parts = priced.energy_split_j
    causes = {"binary MACs": parts["binary compute"], "other MACs": parts["other MACs"]}
    for row in priced.operations:
        if row.operation != "mac":
            name = _SIDE.get(row.operation, f"{row.operation}s")
            causes[name] = causes.get(name, 0.0) + row.energy_j
    for moved in priced.memory:
        if moved.energy_j:
            causes[moved.level] = causes.get(moved.level, 0.0) + moved.energy_j
    if "memory" in priced.inside_core:
        causes["memory"] = 0.0
    return causes | {"control": parts["control"], "leakage": parts["leakage"]}


def all_causes(entries: Sequence[Entry]) -> list[str]:
    """The causes of any entry in their order, control and leakage last."""
    last = ("control", "leakage")
    return [
        *dict.fromkeys(cause for one in entries for cause in one.causes if cause not in last), *last
    ]  # fmt: skip


def inside_core(cause: str, one: Entry) -> bool:
    """Whether the cycles of a processor hold what this cause would take."""
    return one.causes.get(cause) == 0 and cause in one.cost.inside_core
