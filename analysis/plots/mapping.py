"""The picture of a mapping: the loops in time from left to right, and below them where each operand's tiles lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.show.units import EMPTY, readable, significant
from analysis.show.words import shape_text
from costmodel.evaluate.mappings import LayerMapping
from costmodel.mapping.architecture import READ_OR_WRITE
from costmodel.mapping.nest import RELEVANT, SUMS, Operand
from costmodel.mapping.outline import WORDS, AxisLanes, Step, Tile

SIDE = "side operations"


@dataclass(frozen=True)
class Row:
    """One level of one operand: its tile stays in it from step number `start` on.

    `changing` says of each step from there on, and of the array last, whether it walks over the tile or uses it
    again. `exchange` is which way tiles pass between this level and the one above: "down", "up", "both", or "" at
    the top. `read_j` and `write_j` are the energies [J], `fill` is the share of an instance that is taken.
    """

    level: str
    instances: int
    start: int
    changing: tuple[bool, ...]
    exchange: str
    holds: str
    capacity: str
    fill: float
    read: str
    written: str
    energy: str
    read_j: float
    write_j: float
    note: str = ""


@dataclass(frozen=True)
class Group:
    """One operand with its levels, its home first; a level without numbers is where it streams from or to."""

    operand: Operand
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class TimePart:
    """A part of the time, in cycles."""

    name: str
    cycles: float


@dataclass(frozen=True)
class Panel:
    """One mapping: loops from the outermost on, operands, the array, and the time, without parts where it sets none."""

    heading: str
    subheading: str
    steps: tuple[Step, ...]
    groups: tuple[Group, ...]
    axes: tuple[AxisLanes, ...]
    array: str
    parts: tuple[TimePart, ...]
    time: str

    @property
    def most_j(self) -> float:
        """Largest energy of a row, which has the longest bar [J]."""
        return max((row.read_j + row.write_j for group in self.groups for row in group.rows), default=0.0)


@dataclass(frozen=True)
class MappingInfo:
    """All that the picture shows: a panel for each mapping of the layer."""

    title: str
    lines: tuple[str, ...]
    panels: tuple[Panel, ...]


def mapping_info(mappings: Sequence[LayerMapping], design: str, profile: str) -> MappingInfo:
    """Say what the picture of one layer's mappings shows."""
    first = mappings[0]
    macs = dict.fromkeys(map(_macs, mappings))
    heading_lines = (*macs, first.mapped.note) if len(macs) == 1 else ()
    panels = tuple(
        _panel(one, "" if heading_lines else f"{_macs(one)}; {one.mapped.note}") for one in mappings
    )
    return MappingInfo(f"{first.layer} on {profile}", (f"of {design}", *heading_lines), panels)


def _macs(one: LayerMapping) -> str:
    return f"{one.precision} MACs over {shape_text(one.mapped.layer)}"


def _panel(one: LayerMapping, subheading: str) -> Panel:
    """One mapping; `subheading` says which of the layer's MAC operations it is of, where there are several."""
    shown = one.outline
    share = f"{100 * one.share:.1f} % of the layer: " if one.share < 1 else ""
    energy = f": {readable(one.energy_j, 'J')} to move" if one.energy_j else ""
    heading = f"{share}{one.homes}{energy}"
    lanes, used = 1, 1
    for axis in shown.axes:
        lanes, used = lanes * axis.lanes, used * axis.used
    array = f"{lanes_text(used, lanes)}, {100 * shown.utilisation:.0f} % at work over all steps"
    latency = one.mapped.latency
    parts = (
        TimePart("steps", latency.steps),
        TimePart("stalls", latency.stall_cycles),
        TimePart("first tiles in", latency.start_cycles),
        TimePart("last tiles out", latency.end_cycles),
    )
    return Panel(
        heading,
        subheading,
        shown.steps,
        tuple(_group(one, operand, shown.steps, shown.tiles) for operand in WORDS),
        shown.axes,
        array,
        parts if one.timed else (),
        _time(one) if one.timed else "A processor: its time is that of its instructions, not of this nest.",
    )


def _time(one: LayerMapping) -> str:
    """All cycles, and which port makes the array wait longest."""
    latency = one.mapped.latency
    text = f"{latency.cycles:,.0f} cycles"
    if latency.stall_cycles > 0:
        port = max(latency.port_stalls, key=lambda name: latency.port_stalls[name])
        text += f", {100 * latency.stall_cycles / latency.cycles:.1f} % of them waiting for {port.rpartition('.')[0]}"
    return text


def _group(one: LayerMapping, operand: Operand, steps: Sequence[Step], tiles: Sequence[Tile]) -> Group:
    mine = [tile for tile in tiles if tile.operand == operand]
    rows = []
    home = any(tile.whole for tile in mine)
    if not home:  # finished sums leave, streamed features arrive, without a memory
        note = "finished sums" if operand == SUMS else "features as they are made"
        rows.append(Row(SIDE, 1, 0, (), "", "", "", 0.0, "", "", "", 0.0, 0.0, note))
    for tile in mine:
        rows.append(_row(one, tile, steps, top=not rows))
    return Group(operand, WORDS[operand], tuple(rows))


def _row(one: LayerMapping, tile: Tile, steps: Sequence[Step], *, top: bool) -> Row:
    relevant = RELEVANT[tile.operand]
    along = {dim for axis in one.outline.axes for dim, _ in axis.loops}
    changing = (*(step.dim in relevant for step in steps[tile.depth :]), bool(along & relevant))
    moved = {"read": [0.0, 0.0], "write": [0.0, 0.0]}
    directions = set()
    for row in one.moved:
        if (row.level, row.operand) == (tile.level, tile.operand):
            directions.add(row.direction)
            sums = moved[READ_OR_WRITE[row.direction]]
            sums[0], sums[1] = sums[0] + row.bits, sums[1] + row.energy_j
    capacity = one.capacity_bits[tile.level]
    if top:
        exchange = ""
    elif tile.operand != SUMS:
        exchange = "down"
    else:
        exchange = "both" if "fill" in directions else "up"
    read, written = (readable(bits, "bit") if bits else EMPTY for bits, _ in moved.values())
    return Row(
        level=tile.level,
        instances=tile.instances,
        start=tile.depth,
        changing=changing,
        exchange=exchange,
        holds=readable(tile.bits, "bit"),
        capacity=readable(capacity, "bit"),
        fill=min(tile.bits / capacity, 1.0),
        read=read,
        written=written,
        energy=readable(moved["read"][1] + moved["write"][1], "J"),
        read_j=moved["read"][1],
        write_j=moved["write"][1],
        note="two tiles" if tile.twice else "",
    )


def lanes_text(used: int, lanes: int) -> str:
    """How many lanes are in use.

    >>> lanes_text(48, 64), lanes_text(1, 1)
    ('48 of 64 lanes', 'one lane')
    """
    return "one lane" if lanes == 1 else f"{used:,} of {lanes:,} lanes"


def axis_text(axis: AxisLanes) -> str:
    """What runs along an axis, and on how many of its lanes.

    >>> axis_text(Lanes("rows", 64, (("C", 16), ("FX", 3))))
    'c 16, fx 3: 48 of 64 lanes'
    """
    loops = ", ".join(f"{dim.lower()} {factor:,}" for dim, factor in axis.loops)
    return f"{loops or 'no loop'}: {lanes_text(axis.used, axis.lanes)}"


def part_text(part: TimePart) -> str:
    """A part of the time for the legend.

    >>> part_text(Part("steps", 3072.0))
    'steps 3,072'
    """
    count = f"{part.cycles:,.0f}" if part.cycles >= 1 or part.cycles == 0 else significant(part.cycles)
    return f"{part.name} {count}"
