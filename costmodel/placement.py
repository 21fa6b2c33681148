"""Placement: which memory level holds what, how large fitted levels become, and what finds no room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.demand import StorageArrays
from costmodel.hardware import HardwareProfile
from costmodel.traffic import ROLES

Groups = list[tuple[tuple[str, ...], np.ndarray]]


@dataclass(frozen=True, eq=False)
class Placement:
    """Share of each role's data in each level, the size of each level [bit], and the bits without a home.

    `share[role][level]` and `used_bits[level]` hold one value per design point. A level of fixed size is as
    large as it is; one that fits is as large as what it holds.
    """

    share: dict[str, dict[str, np.ndarray]]
    used_bits: dict[str, np.ndarray]
    size_bits: dict[str, np.ndarray]
    unplaced_bits: np.ndarray


def place(profile: HardwareProfile, storage: StorageArrays) -> Placement:
    """Fill levels from inner to outer: parameters first, then maps, then weights; what is left spills outward.

    Where one level may hold binary and real-valued maps alike, they share its room: their peak together
    counts, not the sum of their peaks.
    """
    points = len(storage.weights)
    room = {name: np.full(points, level.size_bits) for name, level in profile.memories.items()}
    used = {name: np.zeros(points) for name in profile.memories}
    share: dict[str, dict[str, np.ndarray]] = {role: {} for role in ROLES}
    unplaced = np.zeros(points)
    for roles, bits in _groups(profile, storage):
        left = bits.astype(float)
        for name in _levels(profile, roles[0]):
            taken = np.minimum(left, room[name])
            room[name], used[name], left = room[name] - taken, used[name] + taken, left - taken
            share_here = taken / np.maximum(bits, 1)
            for role in roles:
                share[role][name] = share_here
        unplaced = unplaced + left
    size = {
        name: used[name] if level.fits_network else np.full(points, level.size_bits)
        for name, level in profile.memories.items()
    }
    return Placement(share, used, size, unplaced)


def _levels(profile: HardwareProfile, role: str) -> list[str]:
    return [name for name, level in profile.memories.items() if role in level.holds]


def _groups(profile: HardwareProfile, storage: StorageArrays) -> Groups:
    """Roles that are placed together, in order of precedence, with the bits that they need."""
    groups: Groups = [(("parameters",), storage.parameters)]
    if _levels(profile, "binary_features") == _levels(profile, "features"):
        groups.append((("binary_features", "features"), storage.peak_features))
    else:
        groups += [(("binary_features",), storage.binary_features), (("features",), storage.features)]
    return [*groups, (("weights",), storage.weights)]
