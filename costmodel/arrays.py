"""From a profile to the machine that a MAC layer is mapped on: array, buffers, memories up to each operand's home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil

from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile
from costmodel.hardware.array import Buffer
from costmodel.hardware.memory import MemoryLevel
from costmodel.mapping import Architecture, Array, Level, LoopNest, Port

FINISHED = "side units"
OPERAND_OF = {"weights": "W", "features": "I", "sums": "O"}
_UNLIMITED = 2**40
"""Port width where no port limits [bit/cycle], and size where none is given [bit]."""
_READS = ("feed", "drain")
_WRITES = ("fill", "collect")


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


def machine_of(
    profile: HardwareProfile, label: str, layer: LoopNest, role: str, home: Home, cycle_energy_j: float = 0.0
) -> Architecture:
    """Describe the array that runs MACs of precision `label`, with the buffers and memories that this layer uses.

    A memory is large enough for what has its home there, and has `room_bits` besides for what passes through it
    and for partial sums; a level without room is passed by. `cycle_energy_j` is what a
    cycle of the whole chip costs [J]; unrollings are chosen with it. Raises BnncostError where the profile has no
    array.
    """
    runs_on = profile.mac_price(label).precision
    lanes = profile.compute[runs_on].lanes
    if profile.array is None or lanes is None:
        raise BnncostError(
            f"profile '{profile.name}' has no array, so its layers cannot be mapped: give it an `array` section "
            f"and `lanes` under compute.{runs_on}, or use compulsory traffic."
        )
    axes = tuple(profile.array.loops)
    unrollings = tuple(
        dict.fromkeys(
            _filled(layer, dict(zip(axes, orders, strict=True)), lanes)
            for orders in product(*profile.array.loops.values())
        )
    )
    array = Array(dict(lanes), unrollings, systolic=profile.array.systolic)
    buffers = [_buffer(name, buffer, layer) for name, buffer in profile.array.buffers.items()]
    memories = _memories(profile, layer, role, home, axes)
    name = f"{profile.name}/{runs_on}"
    return Architecture(name, array, (*buffers, *memories), cycle_energy_j=cycle_energy_j)


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


def _buffer(name: str, buffer: Buffer, layer: LoopNest) -> Level:
    widths = {"weights": layer.weight_bits, "features": layer.feature_bits, "sums": layer.partial_bits}
    operands = tuple(OPERAND_OF[operand] for operand in buffer.holds)
    width = _UNLIMITED if buffer.port is None else max(1, int(buffer.port.si))
    ports = tuple(
        Port(way, width, frozenset((operand, use) for operand in operands for use in uses))
        for way, uses in (("read", _READS), ("write", _WRITES))
    )
    read_j, write_j = (figure.si if figure else 0.0 for figure in (buffer.read, buffer.write))
    size = max(1, buffer.bits(widths))
    return Level(
        name, size, operands, buffer.serves, read_j, write_j, ports, double_buffered=buffer.double_buffered
    )


def _memories(
    profile: HardwareProfile, layer: LoopNest, role: str, home: Home, axes: tuple[str, ...]
) -> list[Level]:
    """The memories of this layer: weights and features up to their homes, partial sums where there is room."""
    names = list(profile.memories)
    roles = {"W": ("weights", home.weights), "I": (role, home.maps), "O": (role, home.maps)}
    found = []
    for number, (name, level) in enumerate(profile.memories.items()):
        at_home = {operand for operand in ("W", "I") if roles[operand][1] == name}
        passing = {
            operand
            for operand, (held, place) in roles.items()
            if held in level.holds and number <= names.index(place) and home.room_bits[name] > 0
        }
        operands = tuple(operand for operand in roles if operand in at_home | passing)
        if operands:
            resident = sum(layer.elements(operand) * layer.bits(operand) for operand in at_home)
            size = max(1, resident + home.room_bits[name])
            found.append(
                Level(
                    name, size, operands, axes, *home.j_per_bit[name], _ports(level, operands),
                    double_buffered=level.double_buffered,
                )
            )  # fmt: skip
    return [*found, _finished(axes)]


def _ports(level: MemoryLevel, operands: tuple[str, ...]) -> tuple[Port, ...]:
    width = _UNLIMITED if level.port is None else max(1, int(level.port.si))
    together = [(operand,) for operand in operands] if level.separate_ports else [operands]
    return tuple(
        Port("port", width, frozenset((operand, use) for operand in group for use in (*_READS, *_WRITES)))
        for group in together
    )


def _finished(axes: tuple[str, ...]) -> Level:
    """Where sums go when they are finished: to the side units, at no cost here; partial ones find no room."""
    uses = frozenset(("O", use) for use in (*_READS, *_WRITES))
    return Level(FINISHED, 1, ("O",), axes, 0.0, 0.0, (Port("port", _UNLIMITED, uses),))
