"""The machine that a layer is mapped on: an array of MAC lanes below a hierarchy of memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from math import prod

from costmodel.errors import BnncostError, unknown
from costmodel.mapping.nest import DIMS, FEATURES, OPERANDS, SUMS, WEIGHTS, Operand

READ_OR_WRITE = {"fill": "write", "feed": "read", "collect": "write", "drain": "read"}
DIRECTIONS = tuple(READ_OR_WRITE)
"""What a port does for an operand: filled from the outer level, feeds the inner one, collects outputs from the
inner one, drains them to the outer one. Partial sums that come back are fed and filled like inputs."""
NEEDED = {WEIGHTS: ("fill", "feed"), FEATURES: ("fill", "feed"), SUMS: DIRECTIONS}

Use = tuple[Operand, str]
Unrolling = tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
"""Array axis -> (loop, factor) pairs that run along it side by side, the first innermost."""


@dataclass(frozen=True, slots=True)
class Port:
    """A memory port: bits a cycle, the smallest piece that it can move, and which (operand, direction) use it.

    `energy_bits` is for a memory whose ports differ in it: 0 stands for the level's own.
    """

    name: str
    width_bits: int
    uses: frozenset[Use]
    least_bits: int = 1
    energy_bits: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One memory level: `size_bits` per instance, an instance for all lanes along the axes that it `serves`.

    An access of `energy_bits` costs `read_energy_j` or `write_energy_j`; shorter ones cost their share, in
    steps of the port's `least_bits`. So `energy_bits=1` prices bits, and `least_bits=energy_bits` whole words.
    A double-buffered level exchanges tiles behind the array's back, and needs room for two.
    """

    name: str
    size_bits: int
    operands: tuple[Operand, ...]
    serves: tuple[str, ...]
    read_energy_j: float
    write_energy_j: float
    ports: tuple[Port, ...]
    energy_bits: int = 1
    double_buffered: bool = False

    def port_number(self, operand: Operand, direction: str) -> int | None:
        """Find the port that moves an operand in a direction."""
        return next((n for n, port in enumerate(self.ports) if (operand, direction) in port.uses), None)


@dataclass(frozen=True, slots=True)
class Array:
    """MAC lanes along named axes, and the unrollings of loops that the wiring allows (the search tries each).

    A lane keeps its value of each operand in `holds` while that value stays the same; `systolic` axes pass
    results on from lane to lane, so the last result needs one cycle a lane more to leave.
    """

    axes: Mapping[str, int]
    unrollings: tuple[Unrolling, ...]
    holds: tuple[Operand, ...] = (WEIGHTS, FEATURES)
    systolic: tuple[str, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """An array, its memory levels from the inside out, and the energy of one MAC.

    The last level that holds an operand is its home, where it lies whole before or after the layer. Between
    unrollings, `cycle_energy_j` is added for each cycle: what the rest of the chip takes meanwhile.
    """

    name: str
    array: Array
    levels: tuple[Level, ...]
    mac_energy_j: float = 0.0
    cycle_energy_j: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an architecture that cannot work, naming the level and what it lacks."""
        _check_array(self)
        _check_levels(self)
        for operand in OPERANDS:
            _check_hierarchy(self, operand)

    @cached_property
    def hierarchy(self) -> Mapping[Operand, tuple[int, ...]]:
        """Numbers of the levels that hold each operand, from the inside out."""
        return {
            operand: tuple(n for n, level in enumerate(self.levels) if operand in level.operands)
            for operand in OPERANDS
        }

    @cached_property
    def ports(self) -> Mapping[tuple[int, Operand, str], tuple[int, Port]]:
        """The port, with its number, that a level uses for an operand in a direction."""
        by_use = {}
        for number, level in enumerate(self.levels):
            for operand in level.operands:
                for direction in DIRECTIONS:
                    if (port := level.port_number(operand, direction)) is not None:
                        by_use[number, operand, direction] = (port, level.ports[port])
        return by_use

    @cached_property
    def served(self) -> tuple[frozenset[str], ...]:
        """Axes that each level serves."""
        return tuple(frozenset(level.serves) for level in self.levels)

    @cached_property
    def digest(self) -> str:
        """Digest of all that a mapping depends on; names of levels and ports count, since results carry them."""
        array = self.array
        levels = [
            (
                (level.name, level.size_bits, _texts(level.operands), level.serves, level.energy_bits),
                (level.read_energy_j, level.write_energy_j, level.double_buffered),
                [
                    (p.name, p.width_bits, p.least_bits, p.energy_bits, sorted(map(_texts, p.uses)))
                    for p in level.ports
                ],
            )
            for level in self.levels
        ]
        wiring = (list(array.axes.items()), array.unrollings, _texts(array.holds), array.systolic)
        text = repr((wiring, levels, self.mac_energy_j, self.cycle_energy_j))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def shared(self, level: int) -> tuple[Operand, ...]:
        """Operands that share a level, in the order of OPERANDS."""
        return tuple(operand for operand in OPERANDS if operand in self.levels[level].operands)


def _texts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as plain text, whether or not they are operands."""
    return tuple(map(str, names))


def _check_array(machine: Architecture) -> None:
    array = machine.array
    for axis, lanes in array.axes.items():
        if lanes < 1:
            raise BnncostError(f"{machine.name}: array axis '{axis}' has {lanes} lanes; it needs at least 1.")
    if not array.unrollings:
        raise BnncostError(
            f"{machine.name}: the array allows no unrolling; give at least one; () unrolls nothing."
        )
    for unrolling in array.unrollings:
        for axis, loops in unrolling:
            if axis not in array.axes:
                raise unknown("array axis", axis, array.axes, machine.name)
            for dim, factor in loops:
                if dim not in DIMS:
                    raise unknown("loop", dim, DIMS, f"{machine.name}: axis '{axis}'")
                if factor < 1:
                    raise BnncostError(
                        f"{machine.name}: axis '{axis}' unrolls {dim} by {factor}; give 1 or more."
                    )
            if (taken := prod(factor for _, factor in loops)) > array.axes[axis]:
                raise BnncostError(
                    f"{machine.name}: axis '{axis}' has {array.axes[axis]} lanes, but {taken} are unrolled on it."
                )
    for axis in array.systolic:
        if axis not in array.axes:
            raise unknown("array axis", axis, array.axes, machine.name)
    for operand in array.holds:
        if operand not in OPERANDS:
            raise unknown("operand", operand, OPERANDS, f"{machine.name}: array holds")


def _check_levels(machine: Architecture) -> None:
    names = [level.name for level in machine.levels]
    if len(set(names)) < len(names):
        raise BnncostError(f"{machine.name}: two levels share a name; the names are {', '.join(names)}.")
    for level in machine.levels:
        place = f"{machine.name}: level '{level.name}'"
        for operand in level.operands:
            if operand not in OPERANDS:
                raise unknown("operand", operand, OPERANDS, place)
        for axis in level.serves:
            if axis not in machine.array.axes:
                raise unknown("array axis", axis, machine.array.axes, place)
        if level.size_bits < 1 or level.energy_bits < 1:
            raise BnncostError(
                f"{place}: size_bits is {level.size_bits} and energy_bits {level.energy_bits}; give 1 or more."
            )
        if not (level.read_energy_j >= 0 and level.write_energy_j >= 0):
            raise BnncostError(f"{place}: an energy is negative or no number; give joules from 0 on.")
        for port in level.ports:
            if port.width_bits < 1 or port.least_bits < 1 or port.energy_bits < 0:
                raise BnncostError(
                    f"{place}: port '{port.name}' moves {port.width_bits} bits a cycle in pieces of "
                    f"{port.least_bits}; with no bandwidth nothing gets through, give at least 1 bit."
                )
            for operand, direction in port.uses:
                if direction not in DIRECTIONS:
                    raise unknown(
                        "direction", direction, DIRECTIONS, f"{place}: port '{port.name}', {operand}"
                    )


def _check_hierarchy(machine: Architecture, operand: Operand) -> None:
    numbers = machine.hierarchy[operand]
    if not numbers:
        raise BnncostError(
            f"{machine.name}: no level holds {operand}: the hierarchy has a gap; add {operand} to a level."
        )
    levels = [machine.levels[n] for n in numbers]
    for level in levels:
        for direction in NEEDED[operand]:
            outermost = direction in ("fill", "drain") and level is levels[-1]
            if not outermost and level.port_number(operand, direction) is None:
                raise BnncostError(
                    f"{machine.name}: level '{level.name}' holds {operand} but no port can {direction} them, so its "
                    f"bandwidth is zero; let a port of the level use ('{operand}', '{direction}')."
                )
    for inner, outer in pairwise(levels):
        if lost := sorted(set(inner.serves) - set(outer.serves)):
            raise BnncostError(
                f"{machine.name}: level '{outer.name}' lies outside '{inner.name}' for {operand} but does not serve "
                f"axis {lost[0]}; let it serve {', '.join(inner.serves)} too."
            )
    if lost := sorted(set(machine.array.axes) - set(levels[-1].serves)):
        raise BnncostError(
            f"{machine.name}: level '{levels[-1].name}' is the home of {operand} but does not serve axis {lost[0]}; "
            f"an outermost level must serve the whole array."
        )
