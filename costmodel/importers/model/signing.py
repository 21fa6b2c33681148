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
