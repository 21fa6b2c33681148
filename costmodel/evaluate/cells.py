"""Cells of a search, priced: one build for all widths, counted exactly, and priced together on every profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.errors import BnncostError, CodeFailed
from costmodel.evaluate.space import Cell, Space
from costmodel.evaluate.sweep import demand_over_widths, memory_of, priced_demands
from costmodel.hardware import HardwareProfile
from costmodel.pricing.operation_prices import prices_of
from costmodel.pricing.price import TrafficModel


@dataclass(frozen=True, eq=False)
class PricedCells:
    """Costs of some cells on one profile: arrays (cells, widths), nan where a design does not fit.

    `area` is by resource, `memory_bits` the weights, parameters and maps at their peak together.
    """

    places: np.ndarray
    """Which of the cells asked for these are; the others cannot be built, or run on the profile."""
    energy_j: np.ndarray
    latency_s: np.ndarray
    area: dict[str, np.ndarray]
    memory_bits: np.ndarray


@dataclass(frozen=True, eq=False)
class Pricing:
    """The cells of each profile, by its place, and why others have no cost: a sentence by cell and profile."""

    profiles: tuple[PricedCells | None, ...]
    refused: dict[tuple[int, int], str]
    """By place of the cell and of the profile."""


def price_cells(
    space: Space,
    cells: Sequence[Cell],
    profiles: Sequence[HardwareProfile],
    traffic: TrafficModel | None = None,
) -> Pricing:
    """Price cells at all widths of the space; what cannot be built or run is refused, with the reason."""
    widths = np.array(space.widths)
    demands: dict[int, Demand] = {}
    refused: dict[tuple[int, int], str] = {}
    for place, cell in enumerate(cells):
        try:
            demands[place] = demand_over_widths(space.key(cell), widths)
        except CodeFailed:  # a method to be mended, which says nothing of the designs that have it
            raise
        except BnncostError as error:
            refused |= {(place, at): str(error) for at in range(len(profiles))}
    priced = []
    for at, profile in enumerate(profiles):
        runnable = dict(demands)
        for place, demand in demands.items():
            try:
                prices_of(profile, demand.operations)
            except BnncostError as error:
                refused[place, at] = f"design '{space.key(cells[place])}': {error}"
                del runnable[place]
        priced.append(_on_profile(runnable, profile, traffic) if runnable else None)
    return Pricing(tuple(priced), refused)


def _on_profile(
    demands: dict[int, Demand], profile: HardwareProfile, traffic: TrafficModel | None
) -> PricedCells:
    known = list(demands.values())
    figures = {name: values[:, :, 0] for name, values in priced_demands(known, [profile], 1, traffic).items()}
    energy_j, latency_s = figures.pop("energy_j"), figures.pop("latency_s")
    memory_bits = sum(memory_of(known).values())
    return PricedCells(np.array(list(demands)), energy_j, latency_s, figures, np.asarray(memory_bits))
