"""What a rule for an ATen operation writes: nodes, and the constants that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from costmodel.importers.model.document import LEARNED, Node
from costmodel.importers.model.rule_table import entering
from costmodel.importers.model.weights import Stated
from training.reading.calls import Call, Ref, place_of

_NONE: Mapping[str, Any] = MappingProxyType({})


class Writer:
    """Collects nodes and constants; `learned` are the module's parameters, each with its place in memory."""

    def __init__(
        self, stated_of: Callable[[torch.Tensor], Stated | None], learned: Mapping[str, int]
    ) -> None:
        self._stated_of = stated_of
        self.stated: dict[str, Stated] = {}
        self._learned = learned
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._spread: set[str] = set()
        self._of_parameter: dict[str, list[str]] = {}

    def name(self, value: Any, origin: str = "") -> str:
        """Name of an argument: a value that depends on the image, or a constant, which is stored.

        What a forward pass makes twice of the parameter `origin`, such as the signs of weights, is one constant.
        """
        if value is None:
            return ""
        if isinstance(value, Ref):
            return value.name
        if id(value) in self._names:
            return self._names[id(value)]
        if isinstance(value, torch.Tensor):
            array = value.detach().cpu().numpy()
            if array.dtype.kind == "f":
                array = array.astype(np.float32)
        else:
            array = np.asarray(value, np.float32 if isinstance(value, float) else None)
        made = self._made_before(array, origin) or f"constant{len(self.constants)}"
        self.constants.setdefault(made, array)
        if isinstance(value, torch.Tensor):
            self._names[id(value)] = made
            self._kept.append(value)
            if (stated := self._stated_of(value)) is not None:
                self.stated[made] = stated
        return made

    def _made_before(self, array: np.ndarray, origin: str) -> str:
        """Name of an equal constant that was made of the same parameter; empty where there is none."""
        if not origin:
            return ""
        alike = self._of_parameter.setdefault(origin, [])
        found = next((one for one in alike if _same_array(self.constants[one], array)), "")
        if not found:
            alike.append(f"constant{len(self.constants)}")
        return found

    def integers(self, values: Sequence[int]) -> str:
        """Name of a new constant of whole numbers."""
        made = f"constant{len(self.constants)}"
        self.constants[made] = np.array(values, np.int64)
        return made

    def add(
        self,
        kind: str,
        inputs: Sequence[Any],
        call: Call,
        attributes: Mapping[str, Any] = _NONE,
        *,
        step: str = "",
        outputs: Sequence[str] = (),
    ) -> Ref:
        """Add a node that makes the call's first result, or an intermediate value where it is a `step` before."""
        made = tuple(outputs) or (f"{call.results[0][0]}.{step}" if step else call.results[0][0],)
        place = (
            call.origin.rpartition(".")[0]
            if kind in ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum")
            else ""
        )
        names = tuple(one if isinstance(one, str) else self.name(one, call.origin) for one in inputs)
        given = dict(attributes)
        added = inputs[2:] if kind in ("Conv", "ConvTranspose") else inputs
        learned = any(self._is_learned(one, call) for one in added) or bool(self._spread & set(names))
        if learned and kind in ("Add", "Sub", "Conv", "ConvTranspose"):
            given[LEARNED] = 1
        if learned and kind == "Expand" and not isinstance(inputs[0], Ref):
            self._spread.update(made)
        self.nodes.append(Node(kind, names, made, given, place or call.place))
        return Ref(made[0])

    def _is_learned(self, value: Any, call: Call) -> bool:
        """Whether a constant is a parameter in some shape, or is made of one and the call has no other constant."""
        if isinstance(value, torch.Tensor) and place_of(value) in self._learned.values():
            return True
        is_constant = isinstance(value, torch.Tensor) or (isinstance(value, str) and value in self.constants)
        alone = sum(isinstance(one, torch.Tensor) for one in _flat((call.args, call.kwargs))) == 1
        return is_constant and alone and call.origin in self._learned

    def unknown(self, call: Call) -> None:
        """Add a node that nothing reads: its kind is ATen's name."""
        refs = tuple(one.name for one in _flat((call.args, call.kwargs)) if isinstance(one, Ref))
        outputs = tuple(name for name, _ in call.results)
        self.nodes.append(Node(f"aten::{call.target}", refs, outputs, {}, call.place))


def _same_array(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype == right.dtype and np.array_equal(left, right)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _flat(inner)]
    if isinstance(value, (tuple, list)):
        return [one for inner in value for one in _flat(inner)]
    return [value]


Rule = Callable[[Writer, Call], object]
RULES: dict[str, Rule] = {}


aten = entering(RULES, "ATen's '{}' has two rules.")
"""Registers how operations of some names are written; an in-place one is that of its name without the `_`."""


def argument(call: Call, place: int, name: str, default: Any = None) -> Any:
    """An argument by its place or its name."""
    if len(call.args) > place:
        return call.args[place]
    return call.kwargs.get(name, default)


def pair(value: Any) -> tuple[int, int]:
    """Two whole numbers of one or two."""
    if isinstance(value, int):
        return value, value
    sides = [int(one) for one in value]
    return (sides[0], sides[0]) if len(sides) == 1 else (sides[0], sides[1])


def sides(value: Any, axes: int) -> tuple[int, ...]:
    """A whole number for each axis, of one for all or one each."""
    given = [value] if isinstance(value, int) else [int(one) for one in value]
    return tuple(given * axes if len(given) == 1 else given)
