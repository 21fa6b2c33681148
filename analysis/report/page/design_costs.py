"""What designs demand of a profile, as the page multiplies it with prices: counts, bits by level, cycles, leakage.

The designs of one space are priced together: they share most of their layers, and arrays cost little more for many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.report.page.profile_prices import GROUPS, group_of, level_group, levels_of
from costmodel import BnncostError, DesignKey
from costmodel.demand.arrays import Demand, joined
from costmodel.evaluate.cost import assumptions, check_placed, prepared
from costmodel.hardware import HardwareProfile
from costmodel.hardware.prices import array_registers
from costmodel.importers.model.naming import Model
from costmodel.pricing.price import PointCosts, price

_DIGITS = 6
"""Significant digits of what is shown of a layer; totals are exact."""


@dataclass(frozen=True, eq=False)
class Together:
    """Designs priced in one go: `keys` in the order of the points of `demand` and `costs`."""

    keys: tuple[DesignKey | Model, ...]
    demand: Demand
    costs: PointCosts

    @property
    def profile(self) -> HardwareProfile:
        """The chip."""
        return self.costs.setting.profile


def priced_together(
    keys: Iterable[DesignKey | Model], chip: HardwareProfile, *, folding: bool = True
) -> tuple[Together | None, Mapping[DesignKey | Model, str]]:
    """Price many designs on one profile, and say why those that have no cost there are left out; None if all are."""
    demands = {key: prepared(key, folding).demand for key in keys}
    if not demands:
        return None, {}
    try:
        all_of_them = _together(demands, chip)
        suspects = np.flatnonzero(all_of_them.costs.setting.placement.unplaced_bits > 0)
        if not suspects.size:
            return all_of_them, {}
        left_out = _reasons([list(demands)[at] for at in suspects], demands, chip)
    except BnncostError:  # one of them runs nowhere: find out which
        left_out = _reasons(demands, demands, chip)
    kept = {key: demand for key, demand in demands.items() if key not in left_out}
    return (_together(kept, chip) if kept else None), left_out


def _together(demands: Mapping[DesignKey | Model, Demand], chip: HardwareProfile) -> Together:
    demand = joined(list(demands.values()))
    return Together(tuple(demands), demand, price(demand, chip))


def _reasons(
    suspects: Iterable[DesignKey | Model], demands: Mapping[DesignKey | Model, Demand], chip: HardwareProfile
) -> dict[DesignKey | Model, str]:
    """Ask one by one why designs have no cost; those that have one are not in the answer."""
    reasons: dict[DesignKey | Model, str] = {}
    for key in suspects:
        try:
            check_placed(price(demands[key], chip), str(key))
        except BnncostError as error:
            reasons[key] = str(error)
    return reasons


def design_record(together: Together, at: int) -> dict[str, Any]:
    """The demand of one design on the profile: what the page prices, and what it shows beside.

    The control is paid in `control_cycles`: all of them, but on a processor those that no operation has; the clock of
    each array's registers in the cycles in which it runs, `array_cycles`. `levels` has a row for each level in use: its
    number, bits read and written, and where the level grows with the network, what reading and writing a bit cost [J].
    `layers` has both cycles, the energy of that clock [J], then bits read and written of these levels.
    """
    chip, costs = together.profile, together.costs
    totals = _by_level(levels_of(chip), {key: bits[at] for key, bits in costs.moved.totals.items()}, ())
    used = [number for number, bits in enumerate(totals) if bits.any()]
    key = together.keys[at]
    depth = len(prepared(key).demand.layers)
    cycles = costs.time.cycles.slowest
    controlled = costs.time.cycles.beside if chip.processor is not None else cycles
    clocks = _clock_by_layer(together, at)
    by_layer = _layer_bits(together, at, depth)
    return {
        "levels": [_level_row(together, at, number, totals[number]) for number in used],
        "cycles": _over_layers(cycles, together, at),
        "control_cycles": _over_layers(controlled, together, at),
        "array_cycles": {
            name: _over_layers(costs.time.cycles.arrays[name], together, at) for name in costs.energy.clock_j
        },
        "leakage_w": {part: float(power[at]) for part, power in costs.energy.leakage_w.items() if power[at]},
        "area": {name: float(amount[at]) for name, amount in costs.area.items()},
        "area_split": [
            [part, resource, float(np.broadcast_to(amount, len(together.keys))[at])]
            for part, amounts in costs.areas.items()
            for resource, amount in amounts.items()
        ],
        "layers": [
            [
                _short(cycles[layer, at]), _short(controlled[layer, at]), _short(clocks[layer]),
                *(_short(bits) for number in used for bits in by_layer[number, :, layer]),
            ]
            for layer in range(depth)
        ],
    }  # fmt: skip


def assumed_figures(together: Together, at: int) -> list[list[str]]:
    """Figures in use that are neither published nor measured: figure, value, status and source."""
    rows = assumptions(together.costs, at, (together.demand.total_counts[:, at] > 0).tolist())
    return [[row.figure, row.value, row.status, row.source] for row in rows]


def group_energies(together: Together) -> np.ndarray:
    """Energy of each design by group of prices [J]: (groups, N), in the order of `GROUPS`."""
    costs, chip = together.costs, together.profile
    split = {name: np.zeros(len(together.keys)) for name in GROUPS}
    prices, counts = costs.setting.prices.energy_j, together.demand.total_counts
    for key, energy, count in zip(together.demand.operations, prices, counts, strict=True):
        split[group_of(key)] = split[group_of(key)] + energy * count
    for (level, _, _), energy in costs.energy.memory_j.items():
        split[level_group(chip, level)] = split[level_group(chip, level)] + energy
    split["control"] = split["control"] + costs.energy.control_j
    split["leakage"] = split["leakage"] + costs.energy.leakage_j
    return np.stack(list(split.values()))


def counts_record(key: DesignKey | Model, operations: Sequence[str]) -> dict[str, Any]:
    """What a design demands of any profile: operations by layer, origin and number in `operations`; bits to keep."""
    work = prepared(key)
    layers = list(work.demand.layers)
    origins = list(dict.fromkeys(row.origin for row in work.rows))
    stored = work.demand.storage
    return {
        "design": str(key),
        "layers": layers,
        "origins": origins,
        "counts": [
            [
                layers.index(row.layer), origins.index(row.origin),
                operations.index(f"{row.operation} {row.precision}"), int(row.count),
            ]
            for row in work.rows
        ],
        "memory_bits": {name: int(stored[name][0]) for name in ("weights", "parameters", "peak_features")},
        "notes": list(work.notes),
    }  # fmt: skip


def _over_layers(cycles: np.ndarray, together: Together, at: int) -> float:
    return float(np.einsum("l,l->", cycles[:, at], together.demand.repeats[:, at]))


def _level_row(together: Together, at: int, number: int, bits: np.ndarray) -> list[float]:
    name = levels_of(together.profile)[number]
    row = [number, float(bits[0]), float(bits[1])]
    if name in together.profile.memories and together.profile.memories[name].fits_network:
        figures = together.costs.setting.figures[name]
        row += [float(figures.read_j_per_bit[at]), float(figures.write_j_per_bit[at])]
    return row


def _by_level(levels: Sequence[str], bits: Mapping[Any, Any], shape: tuple[int, ...]) -> np.ndarray:
    """Sum bits over roles: (levels, 2, ...), read and written."""
    sums = np.zeros((len(levels), 2, *shape))
    for (level, _, direction), amount in bits.items():
        sums[levels.index(level), 0 if direction == "read" else 1] += amount
    return sums


def _layer_bits(together: Together, at: int, depth: int) -> np.ndarray:
    moved = together.costs.moved
    bits = {key: moved[key][:depth, at] for key in moved.totals}
    return _by_level(levels_of(together.profile), bits, (depth,))


def _clock_by_layer(together: Together, at: int) -> np.ndarray:
    """Energy of the clock of the arrays' registers in one occurrence of each layer [J]."""
    costs = together.costs
    energy = np.zeros(len(together.demand.layers))
    for name in costs.energy.clock_j:
        energy += array_registers(together.profile, name).cycle_j * costs.time.cycles.arrays[name][:, at]
    return energy


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
