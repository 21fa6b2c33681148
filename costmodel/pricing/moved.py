"""What every memory and buffer moves, for each layer: the one place where traffic is put together and summed.

Compulsory traffic passes a level in proportion to what lies there. To it are added what MACs move under their best
mappings, and the weights that are fetched from outside before each inference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.graph import MAP_ROLES, ROLES, Role
from costmodel.pricing.mac_traffic import MacTraffic
from costmodel.pricing.setting import Setting, TrafficKey


@dataclass(frozen=True, eq=False, kw_only=True)
class Moved:
    """Bits that every level moves: `moved[level, role, direction]` is (layers, N), for one occurrence of each layer.

    Shares are applied when a key is read, so that a sweep, which needs totals and ports alone, makes no array over
    layers for each key.
    """

    spread: Demand
    """What passes the levels in proportion to what they hold: read once and written once."""
    share: Mapping[Role, Mapping[str, np.ndarray]]
    """Share of a role in a level, as in `Placement`."""
    beside: Mapping[TrafficKey, np.ndarray]
    """What passes besides [bit]: (layers, N) each."""

    def __getitem__(self, key: TrafficKey) -> np.ndarray:
        """Bits of one key, by layer and design point."""
        level, role, direction = key
        share = self.share.get(role, {}).get(level)
        if share is None:
            return self.beside[key]
        bits = self.spread.read_bits if direction == "read" else self.spread.write_bits
        own = bits[ROLES.index(role)] * share
        return own + self.beside[key] if key in self.beside else own

    @cached_property
    def totals(self) -> dict[TrafficKey, np.ndarray]:
        """Bits of the whole network, every occurrence of a layer counted: (N,) by key."""
        totals = dict(self._spread_totals())
        for key, bits in self.beside.items():
            totals[key] = totals.get(key, 0.0) + np.einsum("ln,ln->n", bits, self.spread.repeats)
        return totals

    def _spread_totals(self) -> Iterator[tuple[TrafficKey, np.ndarray]]:
        """Sum over layers; a share that all layers have in common is taken of their exact sum."""
        demand = self.spread
        sums = {"read": demand.total_read_bits, "write": demand.total_write_bits}
        for number, role in enumerate(ROLES):
            for level, share in self.share[role].items():
                for direction, total in sums.items():
                    if share.ndim > 1:
                        by_layer = demand.repeated_bits[direction][number]
                        yield (level, role, direction), np.einsum("ln,ln->n", by_layer, share)
                    else:
                        yield (level, role, direction), total[number] * share

    def through(self, level: str) -> Iterator[tuple[Role, np.ndarray]]:
        """Bits that pass one level in either direction, (layers, N), each with its role.

        Maps of both kinds that are placed together come at once, under the role of the first.
        """
        demand, (first, second) = self.spread, MAP_ROLES
        together = self.share[first] is self.share[second]
        for number, role in enumerate(ROLES):
            share = self.share[role].get(level)
            if share is None or (role == second and together) or not (share.ndim > 1 or share.any()):
                continue
            yield (
                role,
                (demand.moved_maps if role == first and together else demand.moved_bits[number]) * share,
            )
        for (where, role, _), bits in self.beside.items():
            if where == level:
                yield role, bits


def moved_by(setting: Setting, demand: Demand, macs: MacTraffic | None) -> Moved:
    """Put together what moves: side operations, what MACs move (every value once where None), and weights fetched.

    With what MACs move comes what the windows of pools move through buffers.
    """
    beside = dict(macs.bits) if macs else {}
    lines = line_traffic(setting, demand) if macs else {}
    for key, bits in (*lines.items(), *weight_loads(setting, demand).items()):
        beside[key] = beside.get(key, 0.0) + bits
    return Moved(spread=demand.without_macs if macs else demand, share=setting.placement.share, beside=beside)


def line_traffic(setting: Setting, demand: Demand) -> dict[TrafficKey, np.ndarray]:
    """Bits that windows of pools move through the buffers that hold their lines: (layers, N) each."""
    moved: dict[TrafficKey, np.ndarray] = {}
    for name, buffer in setting.profile.array.buffers.items() if setting.profile.array else ():
        for number, role in enumerate(MAP_ROLES) if buffer.windows else ():
            moved[name, role, "read"] = demand.line_read_bits[number].astype(float)
            moved[name, role, "write"] = demand.line_write_bits[number].astype(float)
    return moved


def weight_loads(setting: Setting, demand: Demand) -> dict[TrafficKey, np.ndarray]:
    """Bits read outside and written inside once per inference, where weights do not stay: (layers, N) each.

    They are fetched while their layer runs, over the ports of both memories. A level between that does not keep them
    either is written and read once more.
    """
    moved: dict[TrafficKey, np.ndarray] = {}
    memories = setting.profile.memories
    weights = demand.read_bits[ROLES.index(Role.WEIGHTS)]
    passing: np.ndarray | float = 0.0
    for inner, outer in pairwise(name for name, level in memories.items() if Role.WEIGHTS in level.holds):
        if memories[inner].loaded == "never":
            passing = 0.0
        else:
            bits = passing = weights * setting.placement.share[Role.WEIGHTS][inner] + passing
            for key in ((outer, Role.WEIGHTS, "read"), (inner, Role.WEIGHTS, "write")):
                moved[key] = moved.get(key, 0.0) + bits
    return moved
