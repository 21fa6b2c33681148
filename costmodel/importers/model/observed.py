"""Values of a graph on random inputs: its nodes in numpy, back to the nearest products or the image.

They confirm, or refute, what the algebra of a graph says of its features. Arrays are small: sides of maps are divided
by what they have in common, and of constants with positions the first are taken.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from math import gcd, prod

import numpy as np

from costmodel.graph import BINARY, Op
from costmodel.importers.model.constants import MEANINGS
from costmodel.importers.model.document import ModelGraph, Node
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.values import Map, NotRead, TwoBits, Value

SCALES = (1.0, 100.0, 0.01, 1.0)
"""Standard deviations of the random maps: usual, saturated and small ones; of the last a quarter is set to zero."""
FAILURES = (
    NotRead,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)
_ENOUGH = 1024
"""Elements of the largest array by which sides are not made smaller."""


class Observer:
    """Computes values of one graph on random inputs, each once for a size of the arrays."""

    def __init__(self, graph: ModelGraph, values: Mapping[str, Value], r: Reading) -> None:
        self._makers = {name: node for node in graph.nodes for name in node.outputs}
        self._values, self._r = values, r
        self._known: dict[tuple[str, int, int], np.ndarray] = {}
        self._behind: dict[str, tuple[list[str], list[str]]] = {}

    def kinds_before(self, name: str) -> set[str]:
        """Kinds of the nodes that make a value of products and the image."""
        return {self._makers[one].kind for one in self._region(name)[0]}

    def of(self, name: str) -> list[np.ndarray] | None:
        """A value on each of the random inputs; None where a node before it has no meaning in numpy."""
        made, begins = self._region(name)
        for share in dict.fromkeys((self._share(begins), 1)):
            try:
                with np.errstate(all="ignore"):
                    return [
                        self._computed(name, made, begins, number, share) for number in range(len(SCALES))
                    ]
            except FAILURES:
                continue
        return None

    def _region(self, name: str) -> tuple[list[str], list[str]]:
        """Values between `name` and the nearest products, in an order that can be computed, and where they begin."""
        if name in self._behind:
            return self._behind[name]
        order: list[str] = []
        begins: list[str] = []
        seen: set[str] = set()
        stack: list[tuple[str, bool]] = [(name, False)]
        while stack:
            one, done = stack.pop()
            if done:
                order.append(one)
                continue
            if one in seen or isinstance(self._values.get(one), np.ndarray):
                continue
            seen.add(one)
            node = self._makers.get(one)
            if node is None or node.kind not in MEANINGS or node.kind == "MatMul" or len(node.outputs) > 1:
                begins.append(one)
                continue
            stack.append((one, True))
            stack.extend((read, False) for read in node.inputs if read)
        self._behind[name] = order, begins
        return order, begins

    def _share(self, begins: Sequence[str]) -> int:
        """By what rows and columns can be divided, so that every map keeps whole sides and elements are enough."""
        shapes = [value.shape for value in map(self._values.get, begins) if isinstance(value, (Map, TwoBits))]
        if not shapes or any(len(shape) != 4 for shape in shapes):
            return 1
        common = gcd(*(side for shape in shapes for side in shape[2:] if side > 1))
        most = max(map(prod, shapes))
        shares = [one for one in range(1, common + 1) if common % one == 0 and most // one**2 >= _ENOUGH]
        return max(shares, default=1)

    def _computed(
        self, name: str, made: Sequence[str], begins: Sequence[str], draw: int, share: int
    ) -> np.ndarray:
        for one in begins:
            if (one, draw, share) not in self._known:
                self._known[one, draw, share] = self._drawn(one, draw, share)
        for one in made:
            if (one, draw, share) not in self._known:
                node = self._makers[one]
                arrays = [self._array(read, draw, share) for read in node.inputs]
                self._known[one, draw, share] = _meaning(node, arrays)
        return self._known[name, draw, share]

    def _array(self, name: str, draw: int, share: int) -> np.ndarray | None:
        if not name:
            return None
        constant = self._values.get(name)
        if not isinstance(constant, np.ndarray):
            return self._known[name, draw, share]
        if share == 1 or constant.ndim < 3:
            return constant
        height, width = (side // share if side > 1 else 1 for side in constant.shape[-2:])
        return constant[..., :height, :width]

    def _drawn(self, name: str, draw: int, share: int) -> np.ndarray:
        """Random numbers in place of a product or the image: whole ones where sums of bits are, bits where bits are."""
        value = self._values[name]
        assert isinstance(value, (Map, TwoBits))
        shape = value.shape
        if share > 1:
            shape = (*shape[:2], *(side // share if side > 1 else side for side in shape[2:]))
        rng = np.random.default_rng((zlib.crc32(name.encode()), draw))
        if isinstance(value, TwoBits):
            return rng.choice(value.values.astype(np.float64), shape)
        if value.is_bits and value.factor.size == value.offset.size == 1:
            sides = [float(value.offset - value.factor), float(value.offset + value.factor)]
            return rng.choice(np.array(sides), shape)
        normal = rng.standard_normal(shape)
        terms = self._whole_sums(value)
        if terms is None:
            kept = 1.0 if draw < len(SCALES) - 1 else rng.random(shape) > 0.25
            return normal * SCALES[draw] * kept
        total, even, factor = terms
        whole = (
            2 * np.rint((normal * np.sqrt(total) - total) / 2) + total
            if even
            else np.rint(normal * np.sqrt(total))
        )
        return np.asarray(whole * factor)

    def _whole_sums(self, value: Map) -> tuple[int, bool, np.ndarray] | None:
        """Terms of a sum of bits, whether all outputs have as many, and its factor; None for any other map."""
        op, factor = self._r.g.producer(value.tensor), value.factor
        if op is not None and op.kind == "scale" and op.params[0].axes in ("", "C") and len(value.shape) == 4:
            factor = factor * self._r.values[op.params[0].name].reshape(-1, 1, 1)
            op = self._r.g.producer(op.inputs[0])
        terms = _terms_of_bits(op)
        return None if terms is None else (*terms, factor)


def _meaning(node: Node, arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    given = list(arrays)
    while given and given[-1] is None:
        given.pop()
    return np.asarray(MEANINGS[node.kind](node, given))  # type: ignore[arg-type]


def _terms_of_bits(op: Op | None) -> tuple[int, bool] | None:
    """How many products of bits an output sums, and whether all outputs sum as many; None for other products."""
    if op is None or op.kind not in ("conv", "linear") or (op.kind == "linear" and len(op.params) > 1):
        return None
    if op.params[0].precision != BINARY or op.inputs[0].precision != BINARY:
        return None
    corrected_border = len(op.params) > 1
    return prod(int(side) for side in op.params[0].shape[1:]), not corrected_border
