"""The network that a graph becomes: operations emitted in layers, with the values of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from costmodel.builder import Builder
from costmodel.graph import BINARY, Note, Param, Precision, Tensor
from costmodel.importers.model.document import Node
from costmodel.importers.model.rule_table import entering
from costmodel.importers.model.values import ROUNDING, Clipped, Map, NotRead, Rounded, TwoBits, Value
from costmodel.importers.model.views import View, constant_along, view_of
from costmodel.importers.model.weights import Stated, repeats_one

INPUT_LAYER = "image"
OF_WHOLE = ("global_average_pool", "sample_mean", "axis_sum", "axis_maximum")
"""Kinds whose result is there only when the last position of the map has passed."""


@dataclass(frozen=True)
class Widths:
    """What nothing in a file says: precision of maps, of weights that no grid holds, and of the image."""

    features: Precision
    edge: Precision
    image: Precision


class Reading:
    """Emits operations for one graph; layers begin at MACs, and what follows a MAC belongs to its layer."""

    def __init__(self, name: str, shape: tuple[int, int, int], widths: Widths) -> None:
        self.widths = widths
        self.g = Builder(name, shape, widths.image, widths.features)
        self.values: dict[str, np.ndarray] = {}
        self.notes: list[Note] = []
        self.sums = Sums()
        self.weights: dict[tuple[object, ...], tuple[Param, np.ndarray]] = {}
        self._stated: dict[int, tuple[np.ndarray, Stated]] = {}
        self.stepped: set[str] = set()
        self._plain: dict[Map, View] = {}
        self._gates: dict[tuple[str, tuple[Tensor, Tensor]], Tensor] = {}
        self.signs_with_zero: list[Tensor] = []
        self.clipped: dict[Tensor, Clipped] = {}
        self.rounded: dict[Tensor, Rounded] = {}
        self.zero_points: dict[Tensor, tuple[Map, float]] = {}
        self.narrowed: list[str] = []
        self.few_zeros: list[str] = []
        self.real_weights: list[str] = []
        self._of_whole: set[Tensor] = set()
        self._behind: dict[str, str] = {}
        self._layer_of: dict[Tensor, str] = {self.g.input: ""}
        self._before: dict[str, set[str]] = {"": set()}
        self._order: dict[str, int] = {"": 0}

    # ------------------------------------------------------------------ layers

    def new_layer(self, wanted: str) -> str:
        """Make a layer of this name, or the next free one like it."""
        name, number = wanted or "layer", 2
        while name in self._before:
            name, number = f"{wanted}_{number}", number + 1
        self._before[name], self._order[name] = set(), len(self._order)
        return name

    def home(self, inputs: Sequence[Tensor]) -> str:
        """The layer that an operation streams in: that of its largest input which no other input waits for."""
        candidates = sorted(inputs, key=lambda one: (-int(one.size), -self._order[self._layer_of[one]]))
        layers = [self._layer_of[one] for one in candidates]
        for layer in layers:
            if layer and not any(layer in self._before[other] for other in layers):
                return self._once_whole(layer, inputs)
        if INPUT_LAYER not in self._before:
            self.new_layer(INPUT_LAYER)
        return INPUT_LAYER

    def _once_whole(self, layer: str, inputs: Sequence[Tensor]) -> str:
        """The layer itself, or one behind it: a map meets its own mean only when all of it has been made and stored."""
        here = [one in self._of_whole for one in inputs if self._layer_of[one] == layer]
        if all(here) or not any(here):
            return layer
        if layer not in self._behind:
            self._behind[layer] = self.new_layer(f"{layer}.behind")
        return self._behind[layer]

    def emit(
        self,
        kind: str,
        inputs: Sequence[Tensor],
        *,
        shape: tuple[int, int, int] | None = None,
        stored: Precision | None = None,
        constants: Sequence[tuple[str, str, np.ndarray]] = (),
        attributes: Mapping[str, object] | None = None,
        layer: str = "",
    ) -> Tensor:
        """Append an operation to the layer that its inputs are made in, with parameters (name, axes, values)."""
        where = layer or self.home(inputs)
        with self.g.layer(where):
            params = tuple(self.param(name, axes, values) for name, axes, values in constants)
            made = self.g.map(
                kind, tuple(inputs), shape=shape, stored=stored, params=params, attributes=attributes or {}
            )
        over_positions = kind in OF_WHOLE and str((attributes or {}).get("over", "HW")) != "C"
        if over_positions or any(one in self._of_whole and self._layer_of[one] == where for one in inputs):
            self._of_whole.add(made)
        return self.note_layer(made, inputs, where)

    def note_layer(self, made: Tensor, inputs: Sequence[Tensor], layer: str) -> Tensor:
        """Remember which layer makes a map, and which layers it waits for."""
        for one in inputs:
            other = self._layer_of[one]
            if other != layer:
                self._before[layer] |= {other} | self._before[other]
        self._layer_of[made] = layer
        return made

    def layer_of(self, tensor: Tensor) -> str:
        """The layer that makes a map."""
        return self._layer_of[tensor]

    def param(self, name: str, axes: str, values: np.ndarray, stored: Precision | None = None) -> Param:
        """Declare a parameter with its values, in the current layer of the builder."""
        array = np.asarray(values)
        if repeats_one(array):
            array = np.broadcast_to(array.reshape(-1)[:1].astype(np.float64).reshape(()), array.shape)
        array = np.asarray(array, np.float64)
        param = self.g.param(name, array.shape, axes, stored=stored, positive=_positive(array))
        self.values[param.name] = array
        return param

    def state(self, weights: np.ndarray, stated: Stated) -> None:
        """Remember what a quantizer made some constants; arrays that share their numbers are alike."""
        self._stated[weights.ctypes.data] = (weights, stated)

    def stated_of(self, weights: np.ndarray) -> Stated | None:
        """What a quantizer made these constants, or those that they are another order of."""
        known = self._stated.get(weights.ctypes.data)
        return None if known is None else known[1]

    def note(self, rule: str, layer: str, reason: str) -> None:
        """Record a note once for a layer."""
        made = Note(rule, layer, reason)
        if made not in self.notes:
            self.notes.append(made)

    def view(self, tensor: Tensor, rank: int) -> View:
        """See a map as a tensor of `rank` axes."""
        return view_of(tensor, rank)

    # ------------------------------------------------------------------ values

    def map_of(self, value: Value) -> Map:
        """The value as a map; two bits that nothing combined are added."""
        if isinstance(value, Map):
            return value
        if isinstance(value, TwoBits):
            return self._combined(value)
        raise NotRead("a constant stands where a map is read")

    def plain(self, value: Value) -> View:
        """Compute what is pending of a value, once, so that the map that is stored is the value itself."""
        made = self.map_of(value)
        if made.plain:
            return made.view
        if made not in self._plain:
            self._plain[made] = self._computed(made)
        return self._plain[made]

    def _computed(self, made: Map) -> View:
        if made.padding is not None:
            return self.plain(self._padded(made))
        if made.mean is not None and np.allclose(made.factor * made.mean.size, 1, rtol=1e-6):
            return made.view.with_tensor(made.mean.emit())
        tensor = made.tensor
        if np.any(made.factor != 1):
            tensor = self.affine("scale", tensor, made.factor)
        if np.any(made.offset != 0):
            tensor = self.affine("bias", tensor, made.offset)
        return made.view.with_tensor(tensor)

    def affine(self, kind: str, tensor: Tensor, values: np.ndarray) -> Tensor:
        """Scale a map, or add to it, by values that broadcast against (C, H, W)."""
        full = np.asarray(values, np.float64)
        full = full.reshape((1,) * (3 - full.ndim) + full.shape)
        axes = "".join("CHW"[axis] for axis in range(3) if full.shape[axis] > 1)
        kept = full.reshape([side for side in full.shape if side > 1])
        name = "factor" if kind == "scale" else "offset"
        return self.emit(kind, (tensor,), constants=((name, axes, kept),))

    def _padded(self, made: Map) -> Map:
        assert made.padding is not None
        if np.any(made.offset != 0) or made.factor.size != 1:
            raise NotRead("a map of bits with an offset is padded and read as numbers")
        if made.padding.replicate:
            raise NotRead("a border that repeats a map, in front of what is no layer")
        pad, (_, height, width) = made.padding, made.tensor.shape
        shape = (int(made.tensor.shape[0]), height + pad.above + pad.below, width + pad.left + pad.right)
        attributes: dict[str, object] = {
            "above": pad.above, "left": pad.left, "below": pad.below, "right": pad.right,
            "value": pad.value / float(made.factor),
        }  # fmt: skip
        tensor = self.emit(
            "pad_map", (made.tensor,), shape=shape, stored=made.tensor.precision, attributes=attributes
        )
        whole = view_of(tensor, 4)
        return replace(made, view=replace(whole, axes=whole.axes[: len(made.view.axes)]), padding=None)

    def _combined(self, both: TwoBits) -> Map:
        """A gate where the four values are two, and otherwise what is left of a sum of bits."""
        values, pair = both.values, (both.left.tensor, both.right.tensor)
        low, high = values.min(), values.max()
        half, middle = (high - low) / 2, (high + low) / 2
        pattern = tuple(np.isclose(values, high).tolist())
        if high > low and np.all(np.isclose(values, high) | np.isclose(values, low)):
            if pattern == (False, True, True, True):
                return Map(both.left.with_tensor(self._gate("logic_or", pair))).times(half, middle)
            if pattern in ((True, False, False, True), (False, True, True, False)):
                made = Map(both.left.with_tensor(self._gate("logic_xnor", pair)))
                return made.times(half if pattern[0] else -half, middle)
        left_step, right_step = values[2] - values[0], values[1] - values[0]
        if np.isclose(left_step, right_step) and np.isclose(values[3] - values[0], left_step + right_step):
            made = Map(both.left.with_tensor(self.emit("add", pair)))
            return made.times(left_step / 2, values[0] + left_step)
        raise NotRead("a function of two maps of bits that is neither a sum nor a gate that bnncost has")

    def averaged(self, made: Map) -> Map:
        """A sum of windows that is divided by their size, as the average that it is; anything else as it is."""
        if made.mean is None or not np.allclose(made.factor * made.mean.size, 1, rtol=1e-6):
            return made
        return Map(self.plain(made))

    def _gate(self, kind: str, pair: tuple[Tensor, Tensor]) -> Tensor:
        """A gate of two maps of bits, once however many read it."""
        if (kind, pair) not in self._gates:
            self._gates[kind, pair] = self.emit(kind, pair, stored=BINARY)
        return self._gates[kind, pair]

    def gated(self, value: Value) -> Value:
        """Two bits combined to one of two values, as the gate that they are; anything else as it is."""
        if not isinstance(value, TwoBits) or len(np.unique(value.values.round(6))) > 2:
            return value
        return self._combined(value)

    def together(self, left: Value, right: Value) -> tuple[View, View]:
        """Two maps computed, seen with the same number of axes."""
        first, second = self.plain(left), self.plain(right)
        rank = max(len(first.axes), len(second.axes))
        first, second = (
            View(one.tensor, one.stored, ((),) * (rank - len(one.axes)) + one.axes) for one in (first, second)
        )
        return first, second

    def bent(self, x: Map, above: np.ndarray, below: np.ndarray) -> Map:
        """Multiply a map by one number above zero and another below it, which may vary over channels."""
        if np.all(above == 1) and np.all(below == 0):
            return Map(x.view.with_tensor(self.emit("relu", (x.tensor,))))
        slopes = [self.along(x.view, one) for one in (above, below)]
        named = [(name, *slope) for name, slope in zip(("slope_above", "slope_below"), slopes, strict=True)]
        if np.all(above == 1):
            return Map(
                x.view.with_tensor(self.emit("prelu", (x.tensor,), constants=(("slope", *slopes[1]),)))
            )
        return Map(x.view.with_tensor(self.emit("two_slope", (x.tensor,), constants=named)))

    def multiple_of(self, value: Value, tensor: object) -> np.ndarray | None:
        """The number, perhaps one per channel, that makes `value` of a map; None where none does."""
        made = self.map_of(value)
        if made.padding is not None or np.any(made.offset != 0):
            return None
        if made.tensor is tensor:
            return made.factor
        op = self.g.producer(made.tensor)
        if (
            op is None
            or op.kind != "scale"
            or op.inputs[0] is not tensor
            or op.params[0].axes not in ("", "C")
        ):
            return None
        values = self.values[op.params[0].name]
        return (values.reshape(-1, 1, 1) if values.ndim else values) * made.factor

    def along(self, view: View, constant: np.ndarray) -> tuple[str, np.ndarray]:
        """A constant along the axes of the map that a view sees."""
        return constant_along(view, np.asarray(constant, np.float64))


def _positive(array: np.ndarray) -> bool:
    return bool((array.reshape(-1)[:1] > 0).all() if repeats_one(array) else (array > 0).all())


class Sums:
    """Which sums are of which maps, so that what is added and subtracted again is not computed: a - b + b is a."""

    MOST_TERMS = 8

    def __init__(self) -> None:
        self._terms: dict[Tensor, tuple[dict[Tensor, np.ndarray], np.ndarray]] = {}
        self._views: dict[Tensor, View] = {}

    def cancelled(self, left: Value, right: Value, sign: int) -> Map | None:
        """What is left of left + sign * right where terms cancel and one map remains; None otherwise."""
        both = self._of(left), self._of(right)
        if both[0] is None or both[1] is None:
            return None
        terms, offset = _joined_terms(both[0], both[1], sign)
        if len(terms) == len(both[0][0]) + len(both[1][0]) or len(terms) != 1:
            return None
        ((tensor, factor),) = terms.items()
        if tensor.precision != BINARY and (factor.size != 1 or np.any(offset != 0)):
            return None
        return Map(self._views[tensor]).times(factor, offset)

    def record(self, made: Value, left: Value, right: Value, sign: int) -> None:
        """Remember what a sum is made of."""
        both = self._of(left), self._of(right)
        if isinstance(made, Map) and both[0] is not None and both[1] is not None:
            terms = _joined_terms(both[0], both[1], sign)
            if len(terms[0]) <= self.MOST_TERMS:
                self._terms[made.tensor] = terms

    def record_shift(self, made: Map, value: Map, constant: np.ndarray) -> None:
        """Remember a map that a number was added to."""
        known = self._of(value)
        if known is not None and constant.size == 1:
            self._terms[made.tensor] = known[0], known[1] + constant.reshape(())

    def shifted_back(self, value: Map, constant: np.ndarray) -> Map | None:
        """What a sum of one map and a number is once the number is subtracted again; None of any other map."""
        known = self._of(value) if value.tensor in self._terms and constant.size == 1 else None
        if known is None or len(known[0]) != 1:
            return None
        ((tensor, factor),) = known[0].items()
        left, size = known[1] + constant.reshape(()), np.abs(constant).max()
        return Map(self._views[tensor]).times(factor) if np.all(np.abs(left) <= ROUNDING * size) else None

    def difference(
        self, left: Value, right: Value, sign: int
    ) -> tuple[tuple[tuple[Tensor, float], ...], float] | None:
        """Two maps with opposite factors that left + sign * right is made of, and the number beside them."""
        both = self._of(left), self._of(right)
        if both[0] is None or both[1] is None:
            return None
        terms, offset = _joined_terms(both[0], both[1], sign)
        if len(terms) != 2 or any(one.size > 1 for one in (*terms.values(), offset)):
            return None
        pairs = tuple((tensor, float(factor)) for tensor, factor in terms.items())
        return (pairs, float(offset)) if np.isclose(pairs[0][1], -pairs[1][1]) else None

    def line(self, tensor: Tensor) -> tuple[Tensor, float, float]:
        """A map as a factor times another, plus a number."""
        terms, offset = self._terms.get(tensor, ({}, np.zeros(())))
        if len(terms) != 1 or offset.size > 1 or next(iter(terms.values())).size > 1:
            return tensor, 1.0, 0.0
        ((source, factor),) = terms.items()
        return source, float(factor), float(offset)

    def _of(self, value: Value) -> tuple[dict[Tensor, np.ndarray], np.ndarray] | None:
        if not isinstance(value, Map) or value.padding is not None:
            return None
        self._views.setdefault(value.tensor, value.view)
        known = self._terms.get(value.tensor)
        if known is None:
            return {value.tensor: value.factor}, value.offset
        terms, offset = known
        return {
            one: factor * value.factor for one, factor in terms.items()
        }, offset * value.factor + value.offset


def _joined_terms(
    left: tuple[dict[Tensor, np.ndarray], np.ndarray],
    right: tuple[dict[Tensor, np.ndarray], np.ndarray],
    sign: int,
) -> tuple[dict[Tensor, np.ndarray], np.ndarray]:
    terms = dict(left[0])
    for tensor, factor in right[0].items():
        before = terms.get(tensor, np.zeros(()))
        total = before + sign * factor
        terms[tensor] = np.asarray(total)
        if np.all(np.abs(total) <= 1e-6 * np.abs(factor)):
            del terms[tensor]
    return terms, np.asarray(left[1] + sign * right[1])


Rule = Callable[[Reading, Node, Sequence[Value]], Value | tuple[Value, ...]]
RULES: dict[str, Rule] = {}


reads = entering(RULES, "node '{}' is read by two rules.")
"""Registers how nodes of some kinds are read."""
