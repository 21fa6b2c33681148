"""From a profile to the machine that a MAC layer is mapped on: array, buffers, memories up to each operand's home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, prod

from costmodel.errors import BnncostError
from costmodel.graph import Role
from costmodel.hardware import HardwareProfile
from costmodel.hardware.array import Buffer
from costmodel.hardware.memories.level import MemoryLevel
from costmodel.hardware.prices import cycle_energy_j, mac_price
from costmodel.hardware.text.quantity import Quantity
from costmodel.mapping import Architecture, Array, Level, LoopNest, Port
from costmodel.mapping.architecture import DIRECTIONS, READ_OR_WRITE, Unrolling
from costmodel.mapping.nest import DIMS, FEATURES, REDUCTION, RELEVANT, SUMS, WEIGHTS, Operand

FINISHED = "side units"
_UNLIMITED = 2**40
"""Port width where no port limits [bit/cycle], and size where none is given [bit]."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a layer's operands lie: the memory of its weights and that of its maps, by name.

    `room_bits` is what each memory has left for tiles and partial sums [bit], `j_per_bit` what reading and
    writing it cost [J/bit].
    """

    weights: str
    maps: str
    room_bits: Mapping[str, int]
    j_per_bit: Mapping[str, tuple[float, float]]


def machine_of(profile: HardwareProfile, label: str, layer: LoopNest, role: Role, home: Home) -> Architecture:
    """Describe the machine of a single layer; see `Machines.of`."""
    return Machines(profile).of(label, layer, role, home)


class Machines:
    """The array of a profile with the buffers and memories that a layer uses; parts that layers share are made once."""

    def __init__(self, profile: HardwareProfile) -> None:
        """Begin with no part made."""
        self.profile = profile
        self._axes = tuple(profile.array.loops) if profile.array else ()
        self._runs_on: dict[str, str] = {}
        self._cycle_j: dict[str, float] = {}
        self._arrays: dict[tuple[object, ...], Array] = {}
        self._buffers: dict[tuple[int, int, int], tuple[Level, ...]] = {}
        self._ports: dict[tuple[str, tuple[Operand, ...]], tuple[Port, ...]] = {}

    def of(self, label: str, layer: LoopNest, role: Role, home: Home) -> Architecture:
        """Describe the machine that runs MACs of precision `label` of this layer.

        A memory is large enough for what has its home there, and has `room_bits` besides for what passes through
        it and for partial sums; a level without room for a single step of an operand is passed by. Raises
        BnncostError where the profile has no array, or nowhere to keep partial sums.
        """
        runs_on = self.array_of(label)
        array = self._array(runs_on, layer)
        below = (
            *self._buffer_levels(layer),
            *self._memory_levels(layer, role, home, array.unrollings),
        )
        if not any(SUMS in level.operands for level in below):
            self._check_summed_at_once(layer, array.unrollings, home)
        return Architecture(
            f"{self.profile.name}/{runs_on}",
            array,
            (*below, _finished(self._axes)),
            cycle_energy_j=self._cycle_energy(runs_on),
        )

    def array_of(self, label: str) -> str:
        """Name the array that runs MACs of precision `label`: that of the narrowest precision that holds it."""
        if label not in self._runs_on:
            self._runs_on[label] = mac_price(self.profile, label).precision
        return self._runs_on[label]

    def _cycle_energy(self, runs_on: str) -> float:
        if runs_on not in self._cycle_j:
            self._cycle_j[runs_on] = cycle_energy_j(self.profile, runs_on)
        return self._cycle_j[runs_on]

    def _check_summed_at_once(self, layer: LoopNest, unrollings: tuple[Unrolling, ...], home: Home) -> None:
        """Raise where lanes need several steps to a sum, and nothing keeps it meanwhile."""
        lacking = min(
            prod(ceil(layer.extent(dim) / wide.get(dim, 1)) for dim in REDUCTION)
            for wide in map(_widths, unrollings)
        )
        if lacking > 1:
            raise BnncostError(
                f"profile '{self.profile.name}': nothing keeps the partial sums of layer '{layer.name}', of "
                f"{layer.partial_bits} bits, which take {lacking} steps each or more: let a buffer of the array hold "
                f"sums, or give '{home.maps}' a fixed size with room left."
            )

    def _array(self, runs_on: str, layer: LoopNest) -> Array:
        lanes, section = self.profile.compute[runs_on].lanes, self.profile.array
        if section is None or lanes is None:
            raise BnncostError(
                f"profile '{self.profile.name}' has no array, so its layers cannot be mapped: give it an `array` "
                f"section and `lanes` under compute.{runs_on}, or use compulsory traffic."
            )
        key = (runs_on, *(layer.extent(dim) for dim in DIMS))
        if key not in self._arrays:
            axes, orders = tuple(section.loops), product(*section.loops.values())
            filled = (_filled(layer, dict(zip(axes, chosen, strict=True)), lanes) for chosen in orders)
            self._arrays[key] = Array(dict(lanes), tuple(dict.fromkeys(filled)), systolic=section.systolic)
        return self._arrays[key]

    def _buffer_levels(self, layer: LoopNest) -> tuple[Level, ...]:
        assert self.profile.array is not None  # _array has seen to it
        widths = (layer.weight_bits, layer.feature_bits, layer.partial_bits)
        if widths not in self._buffers:
            buffers = self.profile.array.buffers.items()
            self._buffers[widths] = tuple(_buffer(name, buffer, layer) for name, buffer in buffers)
        return self._buffers[widths]

    def _memory_levels(
        self, layer: LoopNest, role: Role, home: Home, unrollings: tuple[Unrolling, ...]
    ) -> list[Level]:
        """The memories that hold an operand: weights and features up to their homes, sums where there is room."""
        names = list(self.profile.memories)
        roles = {WEIGHTS: (Role.WEIGHTS, home.weights), FEATURES: (role, home.maps), SUMS: (role, home.maps)}
        levels = []
        for number, (name, level) in enumerate(self.profile.memories.items()):
            at_home = [operand for operand in (WEIGHTS, FEATURES) if roles[operand][1] == name]
            passing = [
                operand
                for operand, (held, place) in roles.items()
                if operand not in at_home and held in level.holds and number <= names.index(place)
            ]
            room = home.room_bits[name]
            passing = _with_room(passing, layer, unrollings, room, 1 + level.double_buffered)
            operands = tuple(operand for operand in roles if operand in at_home or operand in passing)
            if operands:
                resident = sum(layer.elements(operand) * layer.bits(operand) for operand in at_home)
                if (name, operands) not in self._ports:
                    self._ports[name, operands] = _ports(level, operands)
                levels.append(
                    Level(
                        name, max(1, resident + room), operands, self._axes, *home.j_per_bit[name],
                        self._ports[name, operands], double_buffered=level.double_buffered,
                    )
                )  # fmt: skip
        return levels


def _filled(
    layer: LoopNest, orders: Mapping[str, tuple[str, ...]], lanes: Mapping[str, int]
) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Let the loops fill each axis in order, each as far as it can.

    >>> _filled(LoopNest("", K=8, C=3, FX=3), {"rows": ("C", "FX")}, {"rows": 16})
    (('rows', (('C', 3), ('FX', 3))),)
    """
    left = {dim: layer.extent(dim) for order in orders.values() for dim in order}
    filled = []
    for axis, order in orders.items():
        free, taken = lanes[axis], []
        for dim in order:
            factor = min(left[dim], free)
            if factor > 1:
                taken.append((dim, factor))
                free //= factor
                left[dim] = ceil(left[dim] / factor)
        filled.append((axis, tuple(taken)))
    return tuple(filled)


def _with_room(
    operands: list[Operand], layer: LoopNest, unrollings: tuple[Unrolling, ...], room_bits: int, tiles: int
) -> list[Operand]:
    """Operands whose least tiles fit into the room together on some unrolling, the first ones first."""
    if room_bits <= 0:
        return []
    lanes = min(prod(_widths(one).values()) for one in unrollings)
    if room_bits >= tiles * lanes * sum(layer.bits(operand) for operand in operands):
        return operands  # as if every lane used an element of its own
    kept: list[Operand] = []
    for operand in operands:
        together = [*kept, operand]
        if any(
            sum(_least_bits(layer, one, wide, tiles) for one in together) <= room_bits
            for wide in map(_widths, unrollings)
        ):
            kept = together
    return kept


def _widths(unrolling: Unrolling) -> dict[str, int]:
    """Lanes of each loop, over all axes."""
    wide: dict[str, int] = {}
    for _, loops in unrolling:
        for dim, factor in loops:
            wide[dim] = wide.get(dim, 1) * factor
    return wide


def _least_bits(layer: LoopNest, operand: Operand, wide: Mapping[str, int], tiles: int) -> int:
    """Bits of an operand that all lanes use in one step, twice where there are two tiles; all of it at most."""
    at_once = prod(min(wide.get(dim, 1), layer.extent(dim)) for dim in RELEVANT[operand])
    return min(tiles * at_once, layer.elements(operand)) * layer.bits(operand)


def _buffer(name: str, buffer: Buffer, layer: LoopNest) -> Level:
    widths = {WEIGHTS: layer.weight_bits, FEATURES: layer.feature_bits, SUMS: layer.partial_bits}
    operands: tuple[Operand, ...] = buffer.holds
    width = _whole_width(buffer.port)
    ports = tuple(
        Port(
            way,
            width,
            frozenset((one, use) for one in operands for use in DIRECTIONS if READ_OR_WRITE[use] == way),
        )
        for way in ("read", "write")
    )
    read_j, write_j = (figure.si if figure else 0.0 for figure in (buffer.read, buffer.write))
    size = max(1, buffer.bits(widths))
    return Level(
        name, size, operands, buffer.serves, read_j, write_j, ports, double_buffered=buffer.double_buffered
    )


def _whole_width(port: Quantity | None) -> int:
    """Bits a cycle, to the nearest whole number, at least 1; what is lost or gained shows in bursts alone."""
    return _UNLIMITED if port is None else max(1, round(port.si))


def _ports(level: MemoryLevel, operands: tuple[Operand, ...]) -> tuple[Port, ...]:
    width = _whole_width(level.port)
    together = [(operand,) for operand in operands] if level.separate_ports else [operands]
    return tuple(
        Port("port", width, frozenset((operand, use) for operand in group for use in DIRECTIONS))
        for group in together
    )


@lru_cache
def _finished(axes: tuple[str, ...]) -> Level:
    """Where sums go when they are finished: to the side units, at no cost here; partial ones find no room."""
    uses = frozenset((SUMS, use) for use in DIRECTIONS)
    return Level(FINISHED, 1, (SUMS,), axes, 0.0, 0.0, (Port("port", _UNLIMITED, uses),))
