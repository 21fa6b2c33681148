"""The figures that an energy hangs on: one row each, however many quantities of the profile move together in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from costmodel.hardware import HardwareProfile, MemoryLevel, Quantity
from costmodel.hardware.text.problem import Path, place_of
from costmodel.hardware.text.units import scale_of
from costmodel.hardware.walk import own_quantities, quantities, with_quantity_at
from costmodel.pricing.known import KnownByProfile
from costmodel.pricing.price import PointCosts

Law = Literal["linear", "leaking", "inverse", "root", "piecewise", "another chip"]
"""How energy follows a figure: in proportion; in proportion by the leakage of an area, which is part of what is in
proportion to the leakage; by its inverse; by its square root; by the slowest part; or with all mapped anew."""
End = Literal["low", "high"]
ENDS: tuple[End, End] = ("low", "high")

_LAWS: Mapping[str, Law] = MappingProxyType(
    {
        "clock": "inverse", "cycles": "piecewise", "depthwise": "piecewise", "weight_wait": "piecewise",
        "port": "piecewise", "units": "piecewise", "pace": "piecewise", "fan_in": "piecewise", "area": "leaking",
        "size": "another chip",
    }
)  # fmt: skip
"""By the last part of a place, of what is no energy and no power. What else a profile says comes with the shape of
the array, or prices nothing."""
_OF_MACROS: Mapping[str, tuple[str, float, Law]] = MappingProxyType(
    {
        "read": ("read_j_per_bit", 1.0, "linear"), "write": ("write_j_per_bit", 1.0, "linear"),
        "leakage": ("leakage_w", 1.0, "linear"), "area": ("area_or_bram", 1e-6, "root"),
    }
)  # fmt: skip
"""Fields of macros: what they come to at the size of a memory, its scale to SI, and the law; wires between banks
are as long as the root of the area."""
UNSTATED = 2.0
"""A figure that is neither published nor measured and has no range could be this many times as large or as small."""


@dataclass(frozen=True)
class Figure:
    """One figure of a profile: its value in `unit`, its range, and the quantities that move together in it.

    A memory has one figure for reading, one for writing, one for leakage and, where wires lie between banks, one for
    area, at the size in use, however many macros these are interpolated between; those of an access are of a bank
    without the wires to it, which are a figure of their own. `stated` says whether the range is the profile's; without
    one it is half to double for a figure that is neither published nor measured, and none else.
    """

    place: str
    value: float
    unit: str
    low: float
    high: float
    stated: bool
    status: str
    source: str
    law: Law
    paths: tuple[Path, ...]

    @property
    def assumed(self) -> bool:
        """Whether it is neither published nor measured."""
        return self.status not in ("published", "measured")

    def at_end(self, profile: HardwareProfile, end: End) -> HardwareProfile:
        """The profile with this figure at one end of its range, each macro of a memory at its own."""
        if not self.stated:
            return (
                self.scaled(profile, 1 / UNSTATED if end == "low" else UNSTATED) if self.assumed else profile
            )
        for path in self.paths:
            value = getattr(_quantity_at(profile, path), end)
            profile = profile if value is None else _with_value(profile, path, value)
        return profile

    def scaled(self, profile: HardwareProfile, factor: float) -> HardwareProfile:
        """The profile with this figure `factor` times as large."""
        for path in self.paths:
            profile = _with_value(profile, path, _quantity_at(profile, path).value * factor)
        return profile


def _quantity_at(node: Any, path: Path) -> Quantity:
    for part in path:
        node = getattr(node, part) if isinstance(node, BaseModel) and isinstance(part, str) else node[part]
    assert isinstance(node, Quantity)
    return node


def _with_value(profile: HardwareProfile, path: Path, value: float) -> HardwareProfile:
    quantity = _quantity_at(profile, path).model_copy(update={"value": value})
    changed: HardwareProfile = with_quantity_at(profile, path, quantity)
    return changed


def notes_of(figure: Figure, profile: HardwareProfile) -> tuple[str, ...]:
    """What a profile notes of the quantities that move together in a figure."""
    notes = (_quantity_at(profile, path).note for path in figure.paths)
    return tuple(note for note in notes if note)


def figures_of(points: PointCosts, at: int = 0, runs: Sequence[bool] | None = None) -> tuple[Figure, ...]:
    """List the figures that the energy of one design point can hang on, in the order of the profile.

    `runs` is as in `used_quantities`.
    """
    used, profile = used_quantities(points, at, runs), points.setting.profile
    singles = _SINGLES.of(profile)
    if not singles:
        singles |= {figure.place: figure for figure in _singles(profile)}
    found = [figure for place, figure in singles.items() if place in used]
    known = _OF_SIZES.of(profile)
    for name in profile.memories:  # those that hold nothing leak too
        size = float(points.setting.placement.size_bits[name][at])
        if (name, size) not in known:
            known[name, size] = tuple(_of_memory(profile, name, size))
        found += known[name, size]
    return tuple(_with_unstated(_as_mapped(figure, points)) for figure in found)


_SINGLES: KnownByProfile[str, Figure] = KnownByProfile()
"""Figures that are one quantity each, by place: the same for every design."""
_OF_SIZES: KnownByProfile[tuple[str, float], tuple[Figure, ...]] = KnownByProfile()
"""Figures of a memory at a size."""
_AT_ENDS: KnownByProfile[tuple[str, str, End | None], MemoryLevel] = KnownByProfile()
"""Memories without wires, with one field at an end."""


def _singles(profile: HardwareProfile) -> Iterator[Figure]:
    """Yield what energies can hang on, but for the macros of memories."""
    for path, quantity in quantities(profile):
        law = _law(str(path[-1]), quantity)
        in_memory = path[0] == "memories"
        if law is None or (in_memory and "macros" in path):
            continue
        if law == "leaking" and not profile.leaks_by_area:
            continue
        if law == "another chip" and not (in_memory and not profile.memories[str(path[1])].off_chip):
            continue  # a buffer belongs to the shape of the array; a memory outside is as large as it is
        yield _single(quantity, law, path)


def _law(name: str, quantity: Quantity) -> Law | None:
    is_energy = ("energy", 1.0) in scale_of(quantity.unit).dimension  # also a power
    return "linear" if is_energy else _LAWS.get(name)


def _single(quantity: Quantity, law: Law, path: Path) -> Figure:
    return Figure(
        place=place_of(path),
        value=quantity.value,
        unit=quantity.unit,
        low=quantity.value if quantity.low is None else quantity.low,
        high=quantity.value if quantity.high is None else quantity.high,
        stated=quantity.low is not None or quantity.high is not None,
        status=quantity.status,
        source=quantity.source,
        law=law,
        paths=(path,),
    )


def _of_memory(profile: HardwareProfile, name: str, size: float) -> Iterator[Figure]:
    """Yield the figures of a memory at a size, with ends that are interpolated between those of its macros."""
    level = profile.memories[name]
    for field, (attribute, scale, law) in _OF_MACROS.items():
        if field == "area" and level.banks is None:
            continue
        paths = tuple(
            ("memories", name, "macros", number, field)
            for number, macro in enumerate(level.macros)
            if getattr(macro, field) is not None
        )
        if not paths:
            continue
        given = [_quantity_at(level, path[2:]) for path in paths]
        factor = scale_of(given[0].unit).factor / scale
        value, low, high = (
            float(getattr(_at_end(profile, name, field, end).interpolate(np.array([size])), attribute)[0])
            / factor
            for end in (None, "low", "high")
        )
        unsure = (one for one in given if one.status not in ("published", "measured"))
        first = next(unsure, given[0])
        yield Figure(
            place=f"memories.{name}.{field}",
            value=value,
            unit=given[0].unit,
            low=low,
            high=high,
            stated=any(one.low is not None or one.high is not None for one in given),
            status=first.status,
            source=first.source,
            law=law,
            paths=paths,
        )


def _at_end(profile: HardwareProfile, name: str, field: str, end: End | None) -> MemoryLevel:
    known = _AT_ENDS.of(profile)
    if (name, field, end) not in known:
        known[name, field, end] = _at(_without_wires(profile.memories[name]), field, end)
    return known[name, field, end]


def _without_wires(level: MemoryLevel) -> MemoryLevel:
    """A memory between whose banks a bit moves for nothing."""
    if level.banks is None:
        return level
    return with_quantity_at(level, ("banks", "wire"), level.banks.wire.model_copy(update={"value": 0.0}))


def _at(level: MemoryLevel, field: str, end: End | None) -> MemoryLevel:
    """A memory with one field of all its macros at an end."""
    for number, macro in enumerate(level.macros):
        quantity = getattr(macro, field)
        value = getattr(quantity, end) if quantity is not None and end else None
        if value is not None:
            moved = quantity.model_copy(update={"value": value})
            level = with_quantity_at(level, ("macros", number, field), moved)
    return level


def _as_mapped(figure: Figure, points: PointCosts) -> Figure:
    """A port of a chip that layers are mapped on: how long the array waits for it is in the cycles of each mapping."""
    waits = points.traffic == "mapped" and figure.paths[0][-1] == "port"
    return replace(figure, law="another chip") if waits else figure


def _with_unstated(figure: Figure) -> Figure:
    """Half to double in place of a range that an assumed figure does not have."""
    if figure.stated or not figure.assumed:
        return figure
    return replace(figure, low=figure.value / UNSTATED, high=figure.value * UNSTATED)


def used_quantities(
    points: PointCosts, at: int = 0, runs: Sequence[bool] | None = None
) -> dict[str, Quantity]:
    """Every quantity that the cost of one design point rests on, by its place in the profile.

    `runs` says of each operation whether the point has any, where the points have not all of them.
    """
    return dict(_used(points, at, runs))


def _used(points: PointCosts, at: int, runs: Sequence[bool] | None) -> Iterator[tuple[str, Quantity]]:
    profile = points.setting.profile
    yield "clock", profile.clock
    if profile.side.pace is not None:
        yield "side.pace", profile.side.pace
    units = points.setting.prices.units
    for unit, is_used in zip(units, runs if runs is not None else [True] * len(units), strict=True):
        yield from unit.quantities if is_used else ()
    control = own_quantities(profile.control) if profile.control else {}
    yield from ((f"control.{name}", figure) for name, figure in control.items())
    for name, buffer in profile.array.buffers.items() if profile.array else ():
        # With compulsory traffic nothing passes a buffer, but its bits are there and clocked.
        in_use, below = (buffer, ()) if points.traffic == "mapped" else (buffer.bit, ("bit",))
        for path, figure in quantities(in_use, ("array", "buffers", name, *below)):
            yield place_of(path), figure
    for name, level in profile.memories.items():
        if points.setting.placement.used_bits[name][at] > 0:
            yield from ((f"memories.{name}.{place}", figure) for place, figure in level.quantities())
