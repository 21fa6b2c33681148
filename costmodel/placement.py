"""Placement: which memory level holds what, how large fitted levels become, and what finds no room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.demand import Demand
from costmodel.hardware import HardwareProfile
from costmodel.traffic import MAP_ROLES, ROLES


@dataclass(frozen=True, eq=False)
class Placement:
    """Share of each role's data in each level, the size of each level [bit], and the bits without a home.

    `share[role][level]` holds one value per design point (N), or, for maps that spill, per layer and point
    (layers, N). A level of fixed size is as large as it is; one that fits is as large as what it holds.
    """

    share: dict[str, dict[str, np.ndarray]]
    used_bits: dict[str, np.ndarray]
    size_bits: dict[str, np.ndarray]
    unplaced_bits: np.ndarray


@dataclass(frozen=True, eq=False)
class _Group:
    """Roles that are placed together: the bits that they need, and one over the maps alive in each layer."""

    roles: tuple[str, ...]
    bits: np.ndarray
    inverse_alive: np.ndarray | None


def place(profile: HardwareProfile, demand: Demand) -> Placement:
    """Fill levels from inner to outer: parameters first, then maps, then weights; what is left spills outward.

    Room is kept for the peak of the maps, but in each layer only as much of them lies outside as finds no
    room just then. Where one level may hold binary and real-valued maps alike, they share its room: their
    peak together counts, not the sum of their peaks.
    """
    points = demand.points
    room = {name: np.full(points, level.size_bits) for name, level in profile.memories.items()}
    used = {name: np.zeros(points) for name in profile.memories}
    share: dict[str, dict[str, np.ndarray]] = {role: {} for role in ROLES}
    unplaced = np.zeros(points)
    for group in _groups(profile, demand):
        names = _levels(profile, group.roles[0])
        shares = _shares(group, [(name, room[name]) for name in names])
        share |= dict.fromkeys(group.roles, shares)
        left = group.bits.astype(float)
        for name in names:
            taken = np.minimum(left, room[name])
            room[name], used[name], left = room[name] - taken, used[name] + taken, left - taken
        unplaced = unplaced + left
    size = {
        name: used[name] if level.fits_network else np.full(points, level.size_bits)
        for name, level in profile.memories.items()
    }
    return Placement(share, used, size, unplaced)


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


def _levels(profile: HardwareProfile, role: str) -> list[str]:
    return [name for name, level in profile.memories.items() if role in level.holds]


def _groups(profile: HardwareProfile, demand: Demand) -> list[_Group]:
    """Roles that are placed together, in order of precedence."""
    kept, inverse = demand.storage, demand.inverse_alive
    if _levels(profile, "binary_features") == _levels(profile, "features"):
        maps = [_Group(MAP_ROLES, kept.peak_features, inverse["both"])]
    else:
        maps = [_Group((role,), getattr(kept, role), inverse[role]) for role in MAP_ROLES]
    return [_Group(("parameters",), kept.parameters, None), *maps, _Group(("weights",), kept.weights, None)]
