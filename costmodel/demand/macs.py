"""The MAC layers of a network as loop nests: extents, precisions, and where their features come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.graph import (
    BINARY,
    KINDS,
    Dimension,
    Network,
    Op,
    Precision,
    Tensor,
    Value,
    read_precisions,
)
from costmodel.mapping import LoopNest
from costmodel.operations.convolution import fan_in, is_mac, scattered, taps


class MacFields(NamedTuple):
    """What a mapping depends on, as numbers or arrays over design points; precisions as index of KINDS and bits.

    `role` is the index in `graph.MAP_ROLES` of the map that is read; `streamed` is 1 where side operations of the same
    layer make it, 0 where it lies in a memory.
    """

    K: Dimension
    C: Dimension
    OY: Dimension
    OX: Dimension
    FY: Dimension
    FX: Dimension
    G: Dimension
    stride_y: Dimension
    stride_x: Dimension
    dilation_y: Dimension
    dilation_x: Dimension
    padding_y: Dimension
    padding_x: Dimension
    height: Dimension
    width: Dimension
    weight_kind: Dimension
    weight_bits: Dimension
    feature_kind: Dimension
    feature_bits: Dimension
    partial_bits: Dimension
    role: Dimension
    streamed: Dimension

    @property
    def label(self) -> str:
        """Precision of the MAC, weight x feature, such as `1x8`."""
        sides = ((self.weight_kind, self.weight_bits), (self.feature_kind, self.feature_bits))
        return "x".join(Precision(KINDS[int(kind)], int(bits)).operand for kind, bits in sides)

    def nest(self, name: str = "") -> LoopNest:
        """Make the loop nest; finished sums leave through the side units, which price what they write."""
        return LoopNest(
            name,
            K=int(self.K),
            C=int(self.C),
            OY=int(self.OY),
            OX=int(self.OX),
            FY=int(self.FY),
            FX=int(self.FX),
            G=int(self.G),
            stride=(int(self.stride_y), int(self.stride_x)),
            dilation=(int(self.dilation_y), int(self.dilation_x)),
            padding=(int(self.padding_y), int(self.padding_x)),
            size=(int(self.height), int(self.width)),
            weight_bits=int(self.weight_bits),
            feature_bits=int(self.feature_bits),
            partial_bits=int(self.partial_bits),
            output_bits=0,
        )


MAC = np.dtype([(name, np.int32) for name in MacFields._fields])
"""`MacFields` as the type of an array's elements; all zeros where there is no MAC operation."""


@dataclass(frozen=True, slots=True, eq=False)
class MacWork:
    """One MAC operation of a layer, and the compulsory reads [bit] that its mapping takes the place of."""

    layer: str
    fields: MacFields
    weight_bits_read: Dimension
    feature_bits_read: Dimension


def mac_works(
    network: Network,
    producer_layer: Mapping[Value, str],
    stored: Mapping[Value, tuple[Value, ...]],
    amount_read: Callable[[str, Value], Dimension],
) -> tuple[MacWork, ...]:
    """List the MAC operations that run; a value that several of a layer read is read once by the first.

    `stored` names the maps behind a view, `amount_read` says how much of a value its layer must read. What a side
    operation of the layer reads too stays with that operation.
    """
    beside = {
        (op.layer, source)
        for op in network.running()
        if not is_mac(op) and op.output not in stored
        for value in (*op.inputs, *op.params)
        for source in stored.get(value, (value,))
    }
    seen: set[tuple[str, Value]] = set()
    works = []
    for op in network.running():
        if not is_mac(op):
            continue
        x, weight = op.inputs[0], op.params[0]
        amounts: list[Dimension] = []
        for value in (weight, x):
            amount: Dimension = 0
            for source in stored.get(value, (value,)):
                key = (op.layer, source)
                inside = isinstance(source, Tensor) and producer_layer[source] == op.layer
                if key not in seen and key not in beside and not inside:
                    amount = amount + amount_read(*key)
                seen.add(key)
            amounts.append(amount)
        inside = all(producer_layer[source] == op.layer for source in stored.get(x, (x,)))
        works.append(MacWork(op.layer, _fields(op, inside), *amounts))
    return tuple(works)


def codes_of(label: str) -> tuple[int, int, int, int]:
    """Read the label of a MAC as kind and bits of its weight, then of its feature; the reverse of `MacFields.label`.

    >>> codes_of("1x8"), codes_of("ternaryxternary")
    ((0, 1, 2, 8), (1, 2, 1, 2))
    """
    weight, feature = read_precisions(label)
    return KINDS.index(weight.kind), weight.bits, KINDS.index(feature.kind), feature.bits


def accumulated_bits(op: Op) -> Dimension:
    """Width of a partial sum that holds every value of `op` exactly [bit]; a float keeps its 32 bits.

    A popcount of n bits has n + 1 values; a sum of n products of a and b bits needs a + b + log2 n bits.
    """
    terms = np.asarray(fan_in(op))
    weight, feature = op.params[0].precision, op.inputs[0].precision
    if "float" in (weight.kind, feature.kind):
        return 32
    if weight == BINARY and feature == BINARY:
        bits = np.floor(np.log2(terms)) + 1
    else:
        bits = weight.bits + feature.bits + np.ceil(np.log2(terms))
    whole = bits.astype(np.int64)
    return whole if whole.ndim else int(whole)


def _fields(op: Op, inside: bool) -> MacFields:
    x, weight = op.inputs[0], op.params[0]
    codes = [(KINDS.index(item.kind), item.bits) for item in (weight.precision, x.precision)]
    numbers = (*codes[0], *codes[1], accumulated_bits(op), int(x.precision != BINARY), int(inside))
    if op.kind == "linear":
        return MacFields(op.output.shape[0], x.size, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, *numbers)
    groups = op.dimension("groups")
    rows, columns = taps(op) if op.kind == "conv" else scattered(op)
    return MacFields(
        op.output.shape[0] // groups, weight.shape[1], rows.outputs, columns.outputs, rows.kernel, columns.kernel,
        groups, rows.stride, columns.stride, rows.dilation, columns.dilation, rows.before, columns.before,
        rows.length, columns.length, *numbers,
    )  # fmt: skip
