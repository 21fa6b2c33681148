"""Placement: which memory level holds what, how large fitted levels become, and what finds no room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.graph import MAP_ROLES, ROLES, Role
from costmodel.hardware import HardwareProfile


@dataclass(frozen=True, eq=False, kw_only=True)
class Placement:
    """Where the data of N design points lie, and what is left of every level."""

    share: dict[Role, dict[str, np.ndarray]]
    """Share of each role's data in each level: (N,), or (layers, N) for maps that spill. Roles that are placed
    together have the same arrays."""
    used_bits: dict[str, np.ndarray]
    """Bits that each level holds [bit]: (N,)."""
    size_bits: dict[str, np.ndarray]
    """Size of each level [bit], (N,): that of the profile, or of what lies there where the level fits the network."""
    room_bits: dict[str, np.ndarray]
    """What is left of each level [bit], (N,): nothing in one that fits."""
    unplaced_bits: np.ndarray
    """Bits that find no room in any level [bit]: (N,)."""


@dataclass(frozen=True, eq=False)
class _Group:
    """Roles that are placed together: the bits that they need, and one over the maps alive in each layer."""

    roles: tuple[Role, ...]
    bits: np.ndarray
    inverse_alive: np.ndarray | None


_MAP_TILES = 1 / 8
"""Share of a level kept free for tiles of maps that lie outside it, where any do."""
KeptFree = Mapping[tuple[Role, str], np.ndarray]
"""Bits of a level that a role must leave free, by (role, level)."""


def place(profile: HardwareProfile, demand: Demand, *, tiled: bool = False) -> Placement:
    """Fill levels from inner to outer: parameters first, then maps, then weights; what is left spills outward.

    Room is kept for the peak of the maps, but in each layer only as much of them lies outside as finds no
    room just then. Where one level may hold binary and real-valued maps alike, they share its room: their
    peak together counts, not the sum of their peaks.

    With `tiled`, a level from which weights or maps spill is also what their tiles pass through: it keeps room
    free for the weights of the largest layer, so that they pass once, or an eighth of itself for maps.
    """
    placement = _filled(profile, demand, {})
    if not tiled:
        return placement
    kept_free = dict(_kept_free(profile, demand, placement))
    return _filled(profile, demand, kept_free) if kept_free else placement


def _kept_free(
    profile: HardwareProfile, demand: Demand, placement: Placement
) -> Iterator[tuple[tuple[Role, str], np.ndarray]]:
    largest = demand.read_bits[ROLES.index(Role.WEIGHTS)].max(axis=0, initial=0)
    for role in (Role.WEIGHTS, *MAP_ROLES):
        levels = _levels(profile, role)
        for number, name in enumerate(levels):
            outer = [placement.share[role][other] for other in levels[number + 1 :]]
            spills = np.zeros(demand.points, dtype=bool)
            for share in outer:
                spills |= share.reshape(-1, demand.points).any(axis=0)
            level = profile.memories[name]
            if spills.any() and not level.fits_network:
                tiles = (
                    largest if role == Role.WEIGHTS else np.full(demand.points, _MAP_TILES * level.size_bits)
                )
                yield (role, name), np.where(spills, np.minimum(tiles, level.size_bits), 0.0)


def _filled(profile: HardwareProfile, demand: Demand, kept_free: KeptFree) -> Placement:
    points = demand.points
    room = {name: np.full(points, level.size_bits) for name, level in profile.memories.items()}
    used = {name: np.zeros(points) for name in profile.memories}
    share: dict[Role, dict[str, np.ndarray]] = {role: {} for role in ROLES}
    unplaced = np.zeros(points)
    for group in _groups(profile, demand):
        names = _levels(profile, group.roles[0])
        offered = {
            name: np.maximum(room[name] - kept_free.get((group.roles[0], name), 0.0), 0.0) for name in names
        }
        shares = _shares(group, list(offered.items()))
        share |= dict.fromkeys(group.roles, shares)
        left = group.bits.astype(float)
        for name in names:
            taken = np.minimum(left, offered[name])
            room[name], used[name], left = room[name] - taken, used[name] + taken, left - taken
        unplaced = unplaced + left
    size = {
        name: used[name] if level.fits_network else np.full(points, level.size_bits)
        for name, level in profile.memories.items()
    }
    left_over = {
        name: np.zeros(points) if level.fits_network else np.maximum(size[name] - used[name], 0.0)
        for name, level in profile.memories.items()
    }
    return Placement(share=share, used_bits=used, size_bits=size, room_bits=left_over, unplaced_bits=unplaced)


def _shares(group: _Group, rooms: list[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Share of the group's data in each level: what the room up to it covers, less what inner levels do."""
    spills = bool(np.any(group.bits > rooms[0][1]))
    by_layer = spills and group.inverse_alive is not None
    inverse = group.inverse_alive if by_layer else 1 / np.maximum(group.bits, 1)
    assert inverse is not None
    room_so_far, covered = np.zeros(len(group.bits)), np.zeros_like(inverse)
    shares = {}
    for name, room in rooms:
        room_so_far = room_so_far + room
        now = np.minimum(inverse * room_so_far, 1.0)
        shares[name] = now - covered if name != rooms[0][0] else now
        covered = now
    return shares


def _levels(profile: HardwareProfile, role: Role) -> list[str]:
    return [name for name, level in profile.memories.items() if role in level.holds]


def _groups(profile: HardwareProfile, demand: Demand) -> list[_Group]:
    """Roles that are placed together, in order of precedence."""
    kept, inverse = demand.storage, demand.inverse_alive
    if _levels(profile, Role.BINARY_FEATURES) == _levels(profile, Role.FEATURES):
        maps = [_Group(MAP_ROLES, kept["peak_features"], inverse["both"])]
    else:
        maps = [_Group((role,), kept[role], inverse[role]) for role in MAP_ROLES]
    return [
        _Group((Role.PARAMETERS,), kept[Role.PARAMETERS], None),
        *maps,
        _Group((Role.WEIGHTS,), kept[Role.WEIGHTS], None),
    ]
