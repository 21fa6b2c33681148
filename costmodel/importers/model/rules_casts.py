"""Casts: to floats nothing, to whole numbers and choices what they leave of a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.importers.model.document import Node
from costmodel.importers.model.quantizing import clipped_of, quantized
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.values import Map, NotRead, TwoBits, Value

_WHOLE = ("quantize", "multi_threshold", "top_k", "arg_max", "channel_sum")
"""Kinds that make whole numbers."""


@reads("Cast")
def cast(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """The same value where its type holds it; what is cut off is refused, where no quantizer does it."""
    value, wanted = inputs[0], np.dtype(str(node.attributes.get("to", "float32")))
    if wanted.kind == "f" or isinstance(value, TwoBits):
        return value
    made = r.map_of(value)
    if made.is_bits and made.padding is None:
        return _of_bits(made, wanted)
    op = r.g.producer(made.tensor)
    if wanted.kind == "b":
        raise NotRead("a map is cast to true and false, which is no comparison that bnncost has")
    if op is not None and op.kind in _WHOLE and np.all(made.factor == np.rint(made.factor)):
        return made
    clamp = clipped_of(r, made)
    if clamp is not None and clamp.low >= 0:
        return quantized(r, *clamp, way="down")
    raise NotRead(f"a map is cast to {wanted.name}, which cuts off what is behind the point")


def _of_bits(made: Map, wanted: np.dtype) -> Map:
    sides = made.factor + made.offset, made.offset - made.factor
    high, low = ((side != 0).astype(float) if wanted.kind == "b" else np.trunc(side) for side in sides)
    return Map(made.view).times((high - low) / 2, (high + low) / 2)
