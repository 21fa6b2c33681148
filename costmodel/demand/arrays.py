"""Demand: what one or many networks require of a chip, as arrays over layers, operations and design points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints

import numpy as np

from costmodel.demand.compulsory import Traffic, compulsory_traffic
from costmodel.demand.counts import CountRow, count
from costmodel.demand.macs import MAC, MacWork, codes_of
from costmodel.errors import BnncostError
from costmodel.graph import MAP_ROLES, ROLES, Dimension, Network, Role, most
from costmodel.mapping.nest import DIMS

OperationKey = tuple[str, str]
"""An operation and its precision, such as ("add", "int16")."""
STORES = (*ROLES, "peak_features")
"""What must be kept: weights, parameters, the peak of each kind of maps alone, and that of all maps together."""
_PRECISIONS = ("weight_kind", "weight_bits", "feature_kind", "feature_bits")


class Layout(NamedTuple):
    """The axes of an array by name, outermost first, and the type of its elements."""

    axes: tuple[str, ...]
    dtype: Any = np.int64

    def place(self, at: Mapping[str, Any]) -> tuple[Any, ...]:
        """Index into the array that takes some axes at the places given, and the others whole."""
        return tuple(at.get(axis, slice(None)) for axis in self.axes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Demand:
    """Operations, traffic and storage of N design points, whose layers are numbered and padded with zeros.

    All counts and bits are exact, and those of one occurrence of a layer, which occurs `repeats` times. Every array
    declares its axes, and `joined`, `part` and `distinct` follow them: "operation" in the order of `operations`, "role"
    and "map role" in that of `ROLES` and `MAP_ROLES`, "store" in that of `STORES`, "slot" for the MAC operations of a
    layer one after another, "layer" in the order of `layers`, and "point", always last, for the design points.
    """

    layers: tuple[str, ...]
    operations: tuple[OperationKey, ...]
    counts: Annotated[np.ndarray, Layout(("operation", "layer", "point"))]
    """Operations of each sort."""
    per_element: Annotated[np.ndarray, Layout(("operation", "layer", "point"))]
    """Side operations of each sort on every element that passes, whole ones."""
    elements: Annotated[np.ndarray, Layout(("layer", "point"))]
    """Elements that pass the side units: the most that any operation of the layer passes."""
    read_bits: Annotated[np.ndarray, Layout(("role", "layer", "point"))]
    """Bits that a layer reads [bit]."""
    write_bits: Annotated[np.ndarray, Layout(("role", "layer", "point"))]
    """Bits that a layer writes [bit]."""
    mac_read_bits: Annotated[np.ndarray, Layout(("role", "layer", "point"))]
    """The part of `read_bits` that MACs read [bit]."""
    line_read_bits: Annotated[np.ndarray, Layout(("map role", "layer", "point"))]
    """Bits that windows of side operations read from lines [bit]."""
    line_write_bits: Annotated[np.ndarray, Layout(("map role", "layer", "point"))]
    """Bits that windows of side operations write into lines [bit]."""
    alive_bits: Annotated[np.ndarray, Layout(("map role", "layer", "point"))]
    """Bits of the maps that are kept while a layer runs [bit]."""
    macs: Annotated[np.ndarray, Layout(("slot", "layer", "point"), MAC)]
    """The `MacFields` of each MAC operation, zeros where there is none."""
    repeats: Annotated[np.ndarray, Layout(("layer", "point"))]
    """How often each layer occurs."""
    kept_bits: Annotated[np.ndarray, Layout(("store", "point"))]
    """Bits to keep [bit]; see `costmodel.demand.storage.Storage`."""

    @property
    def points(self) -> int:
        """Number of design points."""
        return int(self.counts.shape[-1])

    @property
    def storage(self) -> dict[str, np.ndarray]:
        """Bits to keep, by name of `STORES`: (N,) each [bit]."""
        return dict(zip(STORES, self.kept_bits, strict=True))

    @cached_property
    def without_macs(self) -> Demand:
        """The same demand without what MACs read: what side operations move."""
        return replace(self, read_bits=self.read_bits - self.mac_read_bits)

    @cached_property
    def loose_macs(self) -> np.ndarray:
        """MACs that no loop nest holds, such as the bits of a map that are counted: (operations, layers, N)."""
        labels = {
            number: label for number, (operation, label) in enumerate(self.operations) if operation == "mac"
        }
        loose = np.zeros_like(self.counts)
        loose[list(labels)] = self.counts[list(labels)]
        for macs in self.macs:
            iterations = reduce(np.multiply, (macs[dim].astype(np.int64) for dim in DIMS))
            for number, label in labels.items():
                codes = zip(_PRECISIONS, codes_of(label), strict=True)
                loose[number] -= iterations * reduce(
                    np.logical_and, (macs[name] == code for name, code in codes)
                )
        return loose

    @cached_property
    def total_counts(self) -> np.ndarray:
        """Operations of the whole network: (operations, N), exact."""
        return _over_layers(self.counts, self.repeats)

    @cached_property
    def total_read_bits(self) -> np.ndarray:
        """Bits that the whole network reads: (roles, N), exact."""
        return _over_layers(self.read_bits, self.repeats)

    @cached_property
    def total_write_bits(self) -> np.ndarray:
        """Bits that the whole network writes: (roles, N), exact."""
        return _over_layers(self.write_bits, self.repeats)

    @cached_property
    def work(self) -> np.ndarray:
        """The counts as floating-point numbers, which a sweep multiplies once per profile."""
        return self.counts.astype(float)

    @cached_property
    def inverse_alive(self) -> dict[str, np.ndarray]:
        """One over the bits of maps alive in each layer [1/bit]: of each role, and of "both" together."""
        binary, real = self.alive_bits
        kinds = {MAP_ROLES[0]: binary, MAP_ROLES[1]: real, "both": binary + real}
        return {name: 1 / np.maximum(bits, 1) for name, bits in kinds.items()}

    @cached_property
    def repeated_bits(self) -> dict[str, np.ndarray]:
        """Bits that all occurrences of a layer read, or write: (roles, layers, N)."""
        repeats = self.repeats.astype(float)
        return {"read": self.read_bits * repeats, "write": self.write_bits * repeats}

    @cached_property
    def moved_bits(self) -> np.ndarray:
        """Bits read and written, as floating-point numbers: (roles, layers, N)."""
        return (self.read_bits + self.write_bits).astype(float)

    @cached_property
    def moved_maps(self) -> np.ndarray:
        """Bits of maps of both kinds read and written: (layers, N)."""
        return self.moved_bits[-len(MAP_ROLES) :].sum(axis=0)


LAYOUT: dict[str, Layout] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Demand, include_extras=True).items()
    if get_origin(hint) is Annotated
}
"""The arrays of a demand by name, each with its axes."""


def demand_of(folded: Network, points: int = 1) -> Demand:
    """Count a folded network and derive its compulsory traffic; `points` is the length of its width array.

    Raises BnncostError as `arrange` does.
    """
    return arrange(count(folded), compulsory_traffic(folded), points, folded.name)


_MOST = 2.0**62


def arrange(rows: Sequence[CountRow], traffic: Traffic, points: int, name: str = "the network") -> Demand:
    """Put counts and traffic of the network `name` into arrays.

    Raises BnncostError where the counts of one point are too large for 64 bits; whoever counts several at once asks
    for the largest alone first, since arrays of whole numbers overflow without a word.
    """
    try:
        demand = _arranged(rows, traffic, points)
    except OverflowError:
        raise _inexact(name) from None
    for counts in (demand.counts, demand.read_bits, demand.write_bits):
        if counts.sum(axis=(0, 1), dtype=float).max(initial=0.0) >= _MOST:
            raise _inexact(name)
    return demand


def _inexact(name: str) -> BnncostError:
    return BnncostError(
        f"'{name}' has more operations or bits than 64 bits can count exactly; take a smaller width or fewer branches."
    )


def _arranged(rows: Sequence[CountRow], traffic: Traffic, points: int) -> Demand:
    layers = tuple(dict.fromkeys([*(row.layer for row in traffic.rows), *(row.layer for row in rows)]))
    operations = tuple(dict.fromkeys((row.operation, row.precision) for row in rows))
    slots = max(Counter(work.layer for work in traffic.macs).values(), default=0)
    demand = _zeros(layers, operations, slots, points)
    number_of = {name: number for number, name in enumerate(layers)}
    _fill_counts(demand, rows)
    for moved in traffic.rows:
        place = ROLES.index(moved.role), number_of[moved.layer]
        demand.read_bits[place] += moved.read_bits
        demand.write_bits[place] += moved.write_bits
    for line in traffic.lines:
        of_maps = MAP_ROLES.index(line.role), number_of[line.layer]
        demand.line_read_bits[of_maps] += line.read_bits
        demand.line_write_bits[of_maps] += line.write_bits
    kept = traffic.storage
    for (layer, role), bits in kept.alive.items():
        if layer in number_of:
            demand.alive_bits[MAP_ROLES.index(role), number_of[layer]] = bits
    stored = (kept.weights, kept.parameters, *kept.peak_by_role.values(), kept.peak_features)
    for number, bits in enumerate(stored):
        demand.kept_bits[number] = bits
    _fill_macs(demand, traffic.macs, number_of)
    demand.repeats[...] = 1
    return demand


def _zeros(layers: tuple[str, ...], operations: tuple[OperationKey, ...], slots: int, points: int) -> Demand:
    """Make an empty demand, to be filled in."""
    sizes = {
        "operation": len(operations),
        "role": len(ROLES),
        "map role": len(MAP_ROLES),
        "store": len(STORES),
        "slot": slots,
        "layer": len(layers),
        "point": points,
    }
    arrays = {
        name: np.zeros([sizes[axis] for axis in layout.axes], layout.dtype) for name, layout in LAYOUT.items()
    }
    return Demand(layers=layers, operations=operations, **arrays)


def _fill_counts(demand: Demand, rows: Sequence[CountRow]) -> None:
    """Sum the counts of each operation in each layer before they go into arrays, which take longer to add to."""
    counts: dict[tuple[OperationKey, str], tuple[Dimension, Dimension]] = {}
    elements: dict[str, Dimension] = {}
    for row in rows:
        place = (row.operation, row.precision), row.layer
        count, per_element = counts.get(place, (0, 0))
        counts[place] = count + row.count, per_element + row.per_element
        elements[row.layer] = most(elements.get(row.layer, 0), row.elements)
    layer_number = {name: number for number, name in enumerate(demand.layers)}
    operation_number = {key: number for number, key in enumerate(demand.operations)}
    for (operation, layer), (count, per_element) in counts.items():
        at = operation_number[operation], layer_number[layer]
        demand.counts[at], demand.per_element[at] = count, per_element
    for layer, passing in elements.items():
        demand.elements[layer_number[layer]] = passing


def _fill_macs(demand: Demand, macs: Sequence[MacWork], number_of: Mapping[str, int]) -> None:
    """Put the MAC operations of each layer side by side, and sum what they read by role."""
    taken: Counter[str] = Counter()
    for work in macs:
        layer = number_of[work.layer]
        at = taken[work.layer], layer
        if all(isinstance(value, int) for value in work.fields):
            demand.macs[at] = tuple(work.fields)
        else:
            for name, value in work.fields._asdict().items():
                demand.macs[name][at] = value
        taken[work.layer] += 1
        maps = MAP_ROLES[int(np.max(work.fields.role))]
        demand.mac_read_bits[ROLES.index(Role.WEIGHTS), layer] += work.weight_bits_read
        demand.mac_read_bits[ROLES.index(maps), layer] += work.feature_bits_read


def _over_layers(values: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    return np.einsum("kln,ln->kn", values, repeats)


def distinct(demand: Demand) -> Demand:
    """Keep one of each set of layers with the same demand at every point, and how often it occurs.

    The blocks of a stage and the networks of an ensemble are mostly alike, and cost the same.
    """
    by_layer = {name: layout for name, layout in LAYOUT.items() if "layer" in layout.axes}
    asked = np.concatenate(
        [
            _bytes_by_place(getattr(demand, name), layout.axes.index("layer"))
            for name, layout in by_layer.items()
            if name != "repeats"
        ],
        axis=1,
    )
    kept: dict[bytes, int] = {}
    repeats = []
    for number, asks in enumerate(asked):
        place = kept.setdefault(asks.tobytes(), number)
        if place == number:
            repeats.append(demand.repeats[number].copy())
        else:
            repeats[list(kept.values()).index(place)] += demand.repeats[number]
    chosen = list(kept.values())
    arrays = {
        name: getattr(demand, name).take(chosen, layout.axes.index("layer"))
        for name, layout in by_layer.items()
    }
    layers = tuple(demand.layers[number] for number in chosen)
    return replace(demand, layers=layers, **arrays | {"repeats": np.stack(repeats)})


def _bytes_by_place(values: np.ndarray, axis: int) -> np.ndarray:
    """All bytes of an array at each place along an axis: (places, bytes)."""
    rows = np.ascontiguousarray(np.moveaxis(values, axis, 0))
    return rows.reshape(len(rows), -1).view(np.uint8)


def part(demand: Demand, points: np.ndarray) -> Demand:
    """Keep some of the design points of a demand, given by their indices."""
    return replace(demand, **{name: getattr(demand, name).take(points, -1) for name in LAYOUT})


def joined(demands: Sequence[Demand]) -> Demand:
    """Put the design points of several demands side by side; missing layers and operations count zero."""
    operations = tuple(dict.fromkeys(key for demand in demands for key in demand.operations))
    depth = max(len(demand.layers) for demand in demands)
    whole = _zeros(
        tuple(f"layer{number}" for number in range(depth)),
        operations,
        slots=max(len(demand.macs) for demand in demands),
        points=sum(demand.points for demand in demands),
    )
    start = 0
    for demand in demands:
        here = {
            "operation": [operations.index(key) for key in demand.operations],
            "slot": slice(len(demand.macs)),
            "layer": slice(len(demand.layers)),
            "point": slice(start, start + demand.points),
        }
        for name, layout in LAYOUT.items():
            getattr(whole, name)[layout.place(here)] = getattr(demand, name)
        start += demand.points
    return whole
