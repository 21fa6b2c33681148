"""Latency as ZigZag 3.9.1 computes it, for comparisons.

After Mei et al., "A uniform latency model for DNN accelerators with diverse architectures and dataflows", DATE 2022,
and what the tool adds to that: tiles that leave part by part, first and last tiles, systolic axes. How this differs
from the project's own latency, and who is right, is in docs/mapping.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod
from typing import NamedTuple

from costmodel.mapping.architecture import Architecture, Port
from costmodel.mapping.mapped import Latency, Loop, Temporal
from costmodel.mapping.nest import FEATURES, OPERANDS, RELEVANT, SUMS, WEIGHTS, LoopNest, Operand
from costmodel.mapping.search.lattice import Spread, spread_loops
from costmodel.mapping.search.links import Link, links_of, sides
from costmodel.mapping.search.tiles import Tiling, even_lanes

SLIDING = ("OY", "OX", "FY", "FX")
"""Loops that ZigZag calls partially relevant to the features: neither kept nor passed over at the top of a tile."""


class _Activity(NamedTuple):
    """One stream on one port: every `period` cycles, `times` in all, it needs `takes` of the `window` cycles."""

    operand: Operand
    link: int
    direction: str
    takes: int
    window: int
    period: int
    times: int
    rate: int


class _Tile(NamedTuple):
    """A link's inner tile: the period of its use, its bits, and the runs of loops at its top."""

    period: int
    inner_bits: float
    outer_bits: float
    reused_last: int
    kept_last: int
    partial: bool


def zigzag_latency(machine: Architecture, layer: LoopNest, tiling: Tiling, mapping: Temporal) -> Latency:
    """Combine every port's streams into stalls, then add the first tiles' way in and the last ones' way out.

    Fractions of lanes, with which the energy is counted, are cut off here.
    """
    tiling = _whole_lanes(tiling)
    tiles = {operand: _tiles(machine, layer, tiling, mapping, operand) for operand in OPERANDS}
    steps = prod(factor for _, factor in mapping.order)
    hides = _hides(machine, tiles)
    ports: dict[tuple[int, int], list[_Activity]] = {}
    for operand in OPERANDS:
        for link, tile in zip(links_of(machine, operand), tiles[operand], strict=True):
            window = tile.period if hides[operand, link.number] else tile.period // tile.reused_last
            for level, direction, bits in _streams(link, tile):
                number, port = machine.ports[level, operand, direction]
                activity = _Activity(
                    operand,
                    link.number,
                    direction,
                    ceil(bits / port.width_bits),
                    window,
                    tile.period,
                    steps // tile.period,
                    ceil(int(bits / tile.period)),
                )
                ports.setdefault((level, number), []).append(activity)
    stalls = {
        f"{machine.levels[level].name}.{machine.levels[level].ports[number].name}": float(
            _stall(streams, steps)
        )
        for (level, number), streams in ports.items()
    }
    stall = max(0.0, *stalls.values())
    first = {
        operand: tiles[operand][1].inner_bits if len(tiles[operand]) > 1 else 0.0 for operand in OPERANDS
    }
    ends: dict[tuple[Operand, int, str], tuple[float, bool]] = {}
    for (level, number), streams in ports.items():
        ends |= _ends(machine.levels[level].ports[number], streams, steps + stall, first)
    start = _start(machine, ends)
    end = sum(
        max(ends[SUMS, link.number, "drain"][0], ends[SUMS, link.number, "collect"][0])
        for link in links_of(machine, SUMS)[1:]
    )
    return Latency(steps, stall, start, end + _ripple(machine, layer, mapping), stalls)


def _whole_lanes(tiling: Tiling) -> Tiling:
    whole = {}
    for dim, loop in tiling.spreads.items():
        lanes = tuple((axis, int(count)) for axis, count in even_lanes(loop))
        whole[dim] = Spread(loop.steps * prod(count for _, count in lanes), lanes)
    return tiling if whole == tiling.spreads else Tiling(tiling.layer, whole, tiling.lattice, even=True)


def _tiles(
    machine: Architecture, layer: LoopNest, tiling: Tiling, mapping: Temporal, operand: Operand
) -> list[_Tile]:
    tiles = []
    cuts = mapping.cuts[operand]
    for link, cut in zip(links_of(machine, operand), cuts, strict=True):
        inside = mapping.order[(cuts[link.number - 1] if link.number else 0) : cut]
        point = tiling.lattice.point(mapping.order[:cut])
        outer, inner = sides(machine, tiling, link)
        partial = operand == SUMS and tiling.lattice.at(outer.visits, point) > 1
        bits = layer.partial_bits if partial else layer.bits(operand)
        tiles.append(
            _Tile(
                prod(factor for _, factor in mapping.order[:cut]),
                tiling.lattice.at(inner.largest, point) * bits,
                tiling.lattice.at(outer.largest, point) * bits,
                _run(inside, lambda dim: dim not in RELEVANT[operand]) if link.number else 1,
                _run(
                    inside,
                    lambda dim: dim in RELEVANT[operand] and not (operand == FEATURES and dim in SLIDING),
                ),
                partial,
            )
        )
    return tiles


def _run(loops: Sequence[Loop], wanted: Callable[[str], bool]) -> int:
    """Multiply the outermost loops that are all of a kind."""
    product = 1
    for dim, factor in reversed(loops):
        if not wanted(dim):
            break
        product *= factor
    return product


def _streams(link: Link, tile: _Tile) -> list[tuple[int, str, float]]:
    """List a link's streams: level, direction, bits of one exchange."""
    if link.operand != SUMS:
        both = [(link.outer, "feed", tile.outer_bits), (link.inner, "fill", tile.inner_bits)]
    else:
        both = [(link.outer, "collect", tile.outer_bits), (link.inner, "drain", tile.inner_bits)]
        if tile.partial:
            both += [(link.outer, "feed", tile.outer_bits), (link.inner, "fill", tile.inner_bits)]
    return [(level, direction, bits) for level, direction, bits in both if level is not None]


def _hides(machine: Architecture, tiles: dict[Operand, list[_Tile]]) -> dict[tuple[Operand, int], bool]:
    """Say of each link whether its inner level has room to exchange the tile in the background.

    What counts is the part of a tile in use: the tile without the loops at its top that leave it part by part.
    """
    part: dict[tuple[Operand, int], float] = {}
    used = [0.0] * len(machine.levels)
    for operand in OPERANDS:
        for link in links_of(machine, operand)[1:]:
            tile, inner = tiles[operand][link.number], link.inner
            assert inner is not None, "only the first link begins at the lanes"
            part[operand, link.number] = tile.inner_bits // tile.kept_last / machine.levels[inner].size_bits
            used[inner] += part[operand, link.number]
    hides = {}
    for operand in (SUMS, FEATURES, WEIGHTS):
        for link in links_of(machine, operand):
            if link.inner is None:
                hides[operand, link.number] = False
                continue
            mine = part[operand, link.number]
            room = mine <= 1 - used[link.inner]
            hides[operand, link.number] = used[link.inner] <= 0.5 or room
            if room and used[link.inner] > 0.5:
                used[link.inner] += mine
    return hides


def _stall(streams: Sequence[_Activity], steps: int) -> float:
    """Waiting for one port (DATE 2022, equations 4 to 7): streams that overrun their windows, or too many of them."""
    if len(streams) == 1:
        (only,) = streams
        return (only.takes - only.window) * (only.times - 1)
    overrun = sum(max(0, s.takes - s.window) * (s.times - 1) for s in streams)
    fitted = sum(min(s.takes, s.window) * (s.times - 1) for s in streams)
    return overrun + max(0, fitted - _united(streams, steps))


def _united(streams: Sequence[_Activity], steps: int) -> int:
    """Cycles that lie in some stream's window; every window opens with its period."""
    if any(s.period == s.window for s in streams):
        return steps
    nested = sorted(streams, key=lambda s: -s.period)

    def covered(upto: int, number: int) -> int:
        if number == len(nested) or upto <= 0:
            return 0
        period, window = nested[number].period, nested[number].window
        whole, rest = divmod(upto, period)
        each = window + covered(period, number + 1) - covered(window, number + 1)
        last = min(rest, window)
        return whole * each + last + covered(rest, number + 1) - covered(last, number + 1)

    return covered(steps, 0)


def _ends(
    port: Port, streams: Sequence[_Activity], cycles: float, first: dict[Operand, float]
) -> dict[tuple[Operand, int, str], tuple[float, bool]]:
    """Cycles before or after the computation of each stream of a port, and whether two inputs share the port.

    A stream that runs once may borrow the cycles that the others leave, down to its operand's innermost tile.
    """
    moving = [s for s in streams if not (s.operand == SUMS and s.direction in ("feed", "fill"))]
    shared = len({operand for operand, _ in port.uses if operand != SUMS}) > 1
    ends = {(s.operand, s.link, s.direction): (float(s.takes), shared) for s in moving}
    rate = sum(s.rate for s in moving if s.times > 1)
    spare = max(0.0, (port.width_bits - rate) / port.width_bits * cycles)
    for stream in sorted((s for s in moving if s.times == 1), key=lambda s: -s.takes):
        least = ceil(first[stream.operand] / port.width_bits)
        borrowed = min(max(0.0, stream.takes - least), spare)
        spare -= borrowed
        ends[stream.operand, stream.link, stream.direction] = (stream.takes - borrowed, shared)
    return ends


def _start(machine: Architecture, ends: dict[tuple[Operand, int, str], tuple[float, bool]]) -> float:
    """Cycles until both inputs' first tiles are in: what goes through ports that they share goes in turn."""
    alone, half, together = ({WEIGHTS: 0.0, FEATURES: 0.0} for _ in range(3))
    for operand in (WEIGHTS, FEATURES):
        for link in links_of(machine, operand)[1:]:
            inner, outer = ends[operand, link.number, "fill"], ends[operand, link.number, "feed"]
            cycles = max(inner[0], outer[0])
            if inner[1] and outer[1]:
                together[operand] += cycles
            elif inner[1] or outer[1]:
                half[operand] = cycles
            else:
                alone[operand] += cycles
    return min(
        together[one] + max(together[two] + half[two] + alone[two], half[one] + alone[one])
        for one, two in ((WEIGHTS, FEATURES), (FEATURES, WEIGHTS))
    )


def _ripple(machine: Architecture, layer: LoopNest, mapping: Temporal) -> float:
    """Cycles until the last result has passed all lanes of the systolic axes."""
    lanes = {axis: 1 for axis in machine.array.systolic}
    for loop in spread_loops(layer, mapping.unrolling).values():
        for axis, factor in loop.lanes:
            if axis in lanes:
                lanes[axis] *= factor
    return float(sum(count - 1 for count in lanes.values()))
