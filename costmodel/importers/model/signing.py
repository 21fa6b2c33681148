"""The one place that emits a sign."""

from __future__ import annotations

import numpy as np

from costmodel.graph import BINARY
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.values import Map


def sign_of(r: Reading, x: Map, *, zero_is: str) -> Map:
    """Bits of a map; a positive pending factor changes none of them."""
    if x.padding is not None or np.any(x.offset != 0) or x.is_bits:
        x = Map(r.plain(x))
    turn = 1.0 if np.all(x.factor > 0) else -1.0
    if turn < 0 and not np.all(x.factor < 0):
        x, turn = Map(r.plain(x)), 1.0
    tensor = r.emit("sign", (x.tensor,), stored=BINARY, attributes={"estimator": "clipped"})
    if zero_is == "zero":
        r.signs_with_zero.append(tensor)
    return Map(x.view.with_tensor(tensor)).times(turn)


def before_relu(r: Reading, x: Map) -> Map | None:
    """What ReLU, or another clamp at zero, makes this map of: positive where the map is; None of any other map."""
    op = r.g.producer(x.tensor)
    at_zero = op is not None and (op.kind == "relu" or (op.kind == "clamp" and op.attributes.get("low") == 0))
    if op is None or not at_zero or x.padding is not None or np.any(x.offset) or not np.all(x.factor > 0):
        return None
    return Map(x.view.with_tensor(op.inputs[0]))  # type: ignore[arg-type]
