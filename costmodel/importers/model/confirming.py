"""Features that the algebra calls bits, held against values of random inputs; and those whose values alone say so.

A product reads bits only if its map has the two values that the algebra says. Where a sign of zero is met, that is
said; other values are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.graph import BINARY, Network, precision
from costmodel.importers.model.document import ModelGraph, Node
from costmodel.importers.model.observed import Observer
from costmodel.importers.model.quantizing import one_level
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.rules_arithmetic import shifted
from costmodel.importers.model.signing import before_relu, sign_of
from costmodel.importers.model.values import Map, NotRead, TwoBits, Value
from costmodel.importers.model.weights import found as found_weights

PRODUCTS = {"Conv": (0,), "ConvTranspose": (0,), "Gemm": (0,), "MatMul": (0, 1), "Einsum": (0, 1)}
"""Nodes that multiply, and which of their inputs are features."""
_STEPS = {
    "Sign", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "Round", "Div", "Clip", "HardTanh", "Tanh",
    "Sigmoid", "HardSigmoid", "Max", "Min",
}  # fmt: skip
"""Nodes that can make two values of many."""
TOLERANCE = 1e-4
"""Relative difference of values that are one: sums of floats a hundred times as large are subtracted again."""

_ENOUGH = 512
"""Values by which a map is seen to have two alone."""


@dataclass(frozen=True)
class Zero:
    """Where a sign of zero occurs on random inputs: the layer, channels that are always zero, the share elsewhere."""

    place: str
    channels: int
    of: int
    share: float


class Confirming:
    """Holds the features that products read against values, once for a map."""

    def __init__(self, graph: ModelGraph, values: Mapping[str, Value], r: Reading) -> None:
        self._observer = Observer(graph, values, r)
        self._r = r
        self._known: dict[str, Value] = {}
        self._apart: dict[str, Value] = {}
        self.zeros: list[Zero] = []
        self.unseen: list[str] = []
        self.by_values: list[str] = []
        self.halves: list[str] = []

    def features_of(self, node: Node, inputs: Sequence[Value]) -> list[Value]:
        """The inputs of a node, with what values say of its features; raises NotRead for bits that are none."""
        read = list(inputs)
        for place in PRODUCTS.get(node.kind, ()):
            if place >= len(read):
                continue
            value, name, where = read[place], node.inputs[place], node.place or node.kind.lower()
            if isinstance(value, TwoBits) or (isinstance(value, Map) and value.is_bits):
                known, held = self._known, self._held
            elif isinstance(value, Map) and _meets_bits(node, read, place):
                known, held = self._apart, self._seen
            else:
                continue
            if name not in known:
                known[name] = held(name, value, where)
            read[place] = known[name]
        return read

    def remarks(self, network: Network) -> list[str]:
        """What values say, in sentences: zeros of signs, and bits that only values show."""
        said = []
        if self.zeros:
            said.append(
                "sign(0) = 0 occurs, on random inputs, in features of "
                f"{places([_of_zero(one) for one in self.zeros])}: a third value. They are priced as bits with "
                "sign(0) = +1."
            )
        ops = {op.output for op in network.ops}
        signs = sum(tensor in ops for tensor in self._r.signs_with_zero)
        if signs and not self.zeros and not self.halves:
            said.append(
                f"{signs} signs are written so that sign(0) = 0, a third value, which occurs on none of some random "
                "inputs. They are priced as bits with sign(0) = +1."
            )
        if self.halves:
            said.append(
                f"signs of what is never negative are 0 and 1, in features of {places(self.halves)}: priced as bits."
            )
        if self.by_values:
            said.append(
                f"features of {places(self.by_values)} are bits by their two values on random inputs alone: what "
                "makes them is priced as it is written, and a compare."
            )
        if self.unseen:
            said.append(
                f"features of {places(self.unseen)} are bits by how they are written, which no value confirms: a node "
                "before them is computed only in the network."
            )
        return said

    def _held(self, name: str, value: Map | TwoBits, place: str) -> Value:
        """Features that the algebra calls bits."""
        if not self._observer.kinds_before(name):
            return value
        found = self._observer.of(name)
        sides = None if found is None else _sides(value, found[0].ndim)
        if found is None or sides is None:
            self.unseen.append(place)
            return value
        return self._judged(value, found, sides, place)

    def _seen(self, name: str, value: Map | TwoBits, place: str) -> Value:
        """Features that it does not, as bits where values say so."""
        assert isinstance(value, Map)
        found = self._observer.of(name) if self._observer.kinds_before(name) & _STEPS else None
        pair = None if found is None else _two_values(found[:-1])
        return value if pair is None else one_level(self._r, value) or self._as_bits(value, *pair, place)

    def _judged(
        self, value: Map | TwoBits, found: Sequence[np.ndarray], sides: Sequence[np.ndarray], place: str
    ) -> Value:
        """The value where all are of its sides, or zeros of a sign between them; raises NotRead for others."""
        size = np.max([np.abs(side).max() for side in sides])
        near = [np.min([np.abs(one - side) for side in sides], axis=0) <= TOLERANCE * size for one in found]
        if all(one.all() for one in near):
            return value
        middles = (
            [np.asarray((sides[0] + sides[-1]) / 2)] if isinstance(value, Map) else list(_between(value))
        )
        zero = [np.min([np.abs(one - mid) for mid in middles], axis=0) <= TOLERANCE * size for one in found]
        others = [one[~(a | b)] for one, a, b in zip(found, near, zero, strict=True)]
        if any(one.size for one in others):
            shown = ", ".join(f"{one:g}" for one in np.unique(np.concatenate(others).round(6))[:3])
            raise NotRead(
                "its features are written as bits, but on random inputs they are not two values "
                f"(also {shown}): bnncost does not understand how they are made"
            )
        missed = [~one for one in near[:-1]]
        if not any(one.any() for one in missed):
            return value
        half = self._half(value, found[:-1], sides, size)
        if half is not None:
            self.halves.append(place)
            return half
        self.zeros.append(_zero(place, missed))
        return value

    def _half(
        self, value: Value, found: Sequence[np.ndarray], sides: Sequence[np.ndarray], size: float
    ) -> Map | None:
        """Zero and one of the two sides, where the other never occurs, as of the sign of what ReLU leaves."""
        if not isinstance(value, Map):
            return None
        occur = [any((np.abs(one - side) <= TOLERANCE * size).any() for one in found) for side in sides]
        if occur[0] == occur[1]:
            return None
        towards = 1 if occur[1] else -1
        view = value.view
        op = self._r.g.producer(value.tensor)
        read = before_relu(self._r, Map(view.with_tensor(op.inputs[0]))) if op is not None else None  # type: ignore[arg-type]
        if read is not None:  # the sign of zero is not that of what ReLU leaves, but that of what it reads
            view = view.with_tensor(sign_of(self._r, read, zero_is="one").tensor)
        return Map(view, value.factor / 2, value.offset + towards * value.factor / 2)

    def _as_bits(self, value: Map, low: float, high: float, place: str) -> Value:
        """Bits, by a compare with what lies between the two values."""
        middle = (low + high) / 2
        above = shifted(self._r, Map(self._r.plain(value)), np.asarray(-middle))
        self.by_values.append(place)
        return sign_of(self._r, self._r.map_of(above), zero_is="one").times((high - low) / 2, middle)


def _meets_bits(node: Node, inputs: Sequence[Value], place: int) -> bool:
    """Whether the other side of a product is bits: weights, or another map."""
    other = inputs[1 - place] if len(inputs) > 1 else None
    if not isinstance(other, np.ndarray):
        return isinstance(other, Map) and other.is_bits
    turned = node.kind == "MatMul" or (node.kind == "Gemm" and not node.attributes.get("transB", 0))
    filters = other.T if turned and place == 0 else other
    return filters.ndim > 1 and found_weights(filters, precision("fp32")).precision == BINARY


def places(texts: Sequence[str], most: int = 3) -> str:
    """Some places by name, and how many more there are."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _of_zero(one: Zero) -> str:
    where = []
    if one.channels:
        where.append(f"always in {one.channels} of {one.of} channels")
    if one.share:
        where.append(f"{one.share:.1%} of the {'others' if one.channels else 'values'}")
    return f"'{one.place}' ({', '.join(where)})"


def _zero(place: str, missed: Sequence[np.ndarray]) -> Zero:
    """What is zero in all draws of all channels of axis 1, and the share in the others."""
    axes = tuple(axis for axis in range(missed[0].ndim) if axis != 1)
    always = np.all([one.all(axis=axes) for one in missed], axis=0)
    shares = np.mean([one.mean(axis=axes) for one in missed], axis=0)
    rest = shares[~always]
    return Zero(place, int(always.sum()), len(always), float(rest.mean()) if rest.size else 0.0)


def _sides(value: Value, rank: int) -> list[np.ndarray] | None:
    """The values that the algebra says, as they broadcast against the tensor; None for channels in another place."""
    if isinstance(value, TwoBits):
        return [np.asarray(one) for one in np.unique(value.values)]
    assert isinstance(value, Map)
    sides = [value.offset - value.factor, value.offset + value.factor]
    if sides[0].size == 1:
        return [one.reshape(()) for one in sides]
    as_stored = rank == 4 and value.view.axes == ((), *value.view.stored)
    return [one.reshape(1, *one.shape) for one in sides] if as_stored and sides[0].ndim == 3 else None


def _between(value: TwoBits) -> np.ndarray:
    """What a function of two signs is where one of them is zero."""
    low_low, low_high, high_low, high_high = (float(one) for one in value.values)
    ends = (low_low, low_high), (high_low, high_high), (low_low, high_low), (low_high, high_high)
    middles = [(a + b) / 2 for a, b in ends]
    return np.array([*middles, sum(middles[:2]) / 2])


def _two_values(found: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """The low and the high value, where all values are one of two; None otherwise."""
    joined = np.concatenate([one.reshape(-1) for one in found])
    if joined.size < _ENOUGH or not np.isfinite(joined).all():
        return None
    low, high = float(joined.min()), float(joined.max())
    between = np.minimum(joined - low, high - joined)
    return (low, high) if (between <= TOLERANCE * (high - low)).all() and high > low else None
