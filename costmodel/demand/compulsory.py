"""Memory traffic of a network: what each layer reads and writes.

This is the compulsory traffic: every map and parameter of a layer is read or written once, from the memory
that holds it. Inside a layer results stream from operation to operation and touch no memory. What MACs read of it
is also listed apart (`Traffic.macs`), since their mapping may read it more often.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from costmodel.demand.macs import MacWork, mac_works
from costmodel.demand.storage import Storage, role_of, storage_of
from costmodel.demand.windows import LineRow, line_rows
from costmodel.errors import BnncostError
from costmodel.graph import ROLES, Dimension, Network, Op, Param, Role, Tensor, Value, most
from costmodel.operations.convolution import taps
from costmodel.operations.window import windows

VIEWS = ("concatenate", "interleave_channels", "half_of_slices")
"""Kinds whose result is never stored: who reads it finds its channels in the maps that it is made of."""

Sources = Mapping[Value, tuple[tuple[Value, int], ...]]
"""The stored maps behind each view, and how often each was halved."""


@dataclass(frozen=True, slots=True, eq=False)
class TrafficRow:
    """Bits that one layer reads and writes in one role [bit]."""

    layer: str
    role: Role
    read_bits: Dimension
    write_bits: Dimension


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """All that a network moves and keeps; the rows have the reads of its MACs in them, but no lines of windows."""

    rows: tuple[TrafficRow, ...]
    storage: Storage
    macs: tuple[MacWork, ...]
    lines: tuple[LineRow, ...]


def compulsory_traffic(network: Network) -> Traffic:
    """Derive what each layer must read and write once, and the peak of the maps kept between layers."""
    producer_layer = {op.output: op.layer for op in network.running()}
    producer_layer[network.input] = ""
    reads: defaultdict[tuple[str, Role], Dimension] = defaultdict(int)
    writes: defaultdict[tuple[str, Role], Dimension] = defaultdict(int)
    readers: dict[Tensor, list[str]] = {network.output: ["output"]}
    views = _views(network)
    amounts = _values_read(network, views)
    for (layer, value), amount in amounts.items():
        if isinstance(value, Param) or producer_layer[value] != layer:
            reads[layer, role_of(value)] += amount
        if isinstance(value, Tensor) and producer_layer[value] != layer:
            readers.setdefault(value, []).append(layer)
    for tensor in readers:
        if tensor is not network.input:
            writes[producer_layer[tensor], role_of(tensor)] += tensor.bits
    order = _layer_order(network, producer_layer)
    keys = [(layer, role) for layer in order for role in ROLES]
    rows = tuple(TrafficRow(*key, reads[key], writes[key]) for key in keys if key in reads or key in writes)
    stored = {view: tuple(source for source, _ in behind) for view, behind in views.items()}
    macs = mac_works(network, producer_layer, stored, lambda layer, value: amounts[layer, value])
    return Traffic(
        rows, storage_of(network, order, producer_layer, readers, stored), macs, line_rows(network)
    )


def _views(network: Network) -> Sources:
    behind_view: dict[Value, tuple[tuple[Value, int], ...]] = {}
    for op in network.running():
        if op.kind in VIEWS:
            halved = int(op.kind == "half_of_slices")
            behind = (part for item in op.inputs for part in behind_view.get(item, ((item, 0),)))
            behind_view[op.output] = tuple((source, times + halved) for source, times in behind)
    return behind_view


def _values_read(network: Network, views: Sources) -> dict[tuple[str, Value], Dimension]:
    """Bits of each stored value that each layer reads; what a stride or a view skips is never read."""
    amounts: dict[tuple[str, Value], Dimension] = {}
    for op in network.running():
        if op.kind in VIEWS:
            continue
        for value in (*op.inputs, *op.params):
            for source, halved in views.get(value, ((value, 0),)):
                amount = _amount_read(op, value)
                if source is not value:
                    amount = amount * (source.bits // 2**halved) // value.bits
                key = (op.layer, source)
                amounts[key] = most(amounts[key], amount) if key in amounts else amount
    return amounts


def _amount_read(op: Op, value: Value) -> Dimension:
    if op.kind == "subsample":
        return op.output.bits
    is_conv, told = op.kind == "conv", op.attributes
    slides = is_conv or ("size" in told and "stride" in told)
    if not slides or value is not op.inputs[0] or (told["stride"] == 1 and "dilation" not in told):
        return value.bits
    rows, columns = taps(op) if is_conv else windows(op)
    return value.shape[0] * (rows.positions_read * columns.positions_read * value.precision.bits)


def _layer_order(network: Network, producer_layer: Mapping[Value, str]) -> list[str]:
    """Order layers so that each follows those it reads from, otherwise as they were built."""
    names = network.layers()
    rank = {name: number for number, name in enumerate(names)}
    waits: dict[str, set[str]] = {name: set() for name in names}
    for op in network.running():
        sources = {producer_layer[value] for value in op.inputs if isinstance(value, Tensor)}
        waits[op.layer] |= sources - {op.layer, ""}
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for name, sources in waits.items():
        for source in sources:
            followers[source].append(name)
    left = {name: len(sources) for name, sources in waits.items()}
    ready = [rank[name] for name in names if left[name] == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for follower in followers[name]:
            left[follower] -= 1
            if left[follower] == 0:
                heapq.heappush(ready, rank[follower])
    if len(order) != len(names):
        stuck = ", ".join(name for name in names if name not in order)
        raise BnncostError(f"network '{network.name}': layers wait for each other: {stuck}.")
    return order
