"""The table of operation kinds, filled by decorators; a kind is described in one place only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.errors import BnncostError, unknown
from costmodel.graph import Dimension, Op

Meaning = Callable[[Op, Sequence[np.ndarray], Sequence[np.ndarray]], np.ndarray]
AffineForm = tuple[np.ndarray | None, np.ndarray | None]
AffineRule = Callable[[Op, Sequence[np.ndarray]], AffineForm]


class Count(NamedTuple):
    """So many elementary operations of one sort and precision."""

    operation: str
    precision: str
    number: Dimension


CountRule = Callable[[Op], list[Count]]


@dataclass(frozen=True)
class OperationKind:
    """What an operation computes of how many inputs and parameters, and either what it counts or why it is free.

    `attributes` are those that it cannot do without.
    """

    name: str
    meaning: Meaning
    count: CountRule | None
    free_because: str
    monotone: bool
    affine: AffineRule | None
    elementwise: bool
    inputs: range
    params: range
    attributes: tuple[str, ...]


ANY = range(1_000_000)
"""Any number of inputs."""
OPERATIONS: dict[str, OperationKind] = {}


def operation(
    name: str,
    *,
    count: CountRule | None = None,
    free_because: str = "",
    monotone: bool = False,
    elementwise: bool = False,
    inputs: int | range = 1,
    params: int | range = 0,
    attributes: tuple[str, ...] = (),
) -> Callable[[Meaning], Meaning]:
    """Register a kind by its meaning `(op, inputs, params) -> output`; batch axes may precede (C, H, W).

    Exactly one of `count` and `free_because` is given. `elementwise` says that an element of the result depends on
    that element alone of each input of its shape: the result may be written over such an input. `monotone` says that
    one monotone function per entry of the parameters does so: folding builds on it. A second kind of a name raises.
    `inputs` and `params` say how many it takes, `attributes` which it needs.
    """

    def register(meaning: Meaning) -> Meaning:
        each = elementwise or monotone
        numbers = _range(inputs), _range(params)
        _add(OperationKind(name, meaning, count, free_because, monotone, None, each, *numbers, attributes))
        return meaning

    return register


def affine_operation(name: str, *, count: CountRule, params: int = 1) -> Callable[[AffineRule], AffineRule]:
    """Register a kind by its factor and offset `(op, params) -> (factor, offset)`, None where it has none.

    The meaning is x factor + offset, in this order; folding composes factors and offsets.
    """

    def register(form: AffineRule) -> AffineRule:
        def meaning(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
            factor, offset = form(op, params)
            scaled = inputs[0] if factor is None else inputs[0] * factor
            return scaled if offset is None else scaled + offset

        _add(OperationKind(name, meaning, count, "", True, form, True, _range(1), _range(params), ()))
        return form

    return register


def _range(number: int | range) -> range:
    return number if isinstance(number, range) else range(number, number + 1)


def _add(kind: OperationKind) -> None:
    if kind.name in OPERATIONS:
        raise BnncostError(f"operation '{kind.name}' is declared twice.")
    if (kind.count is None) == (kind.free_because == ""):
        raise BnncostError(
            f"operation '{kind.name}' needs a count rule or a reason why it is free, not both."
        )
    OPERATIONS[kind.name] = kind


def known(kind: str) -> OperationKind:
    """Look up an operation kind; an unknown name raises with the closest known one."""
    if kind not in OPERATIONS:
        raise unknown("operation", kind, OPERATIONS)
    return OPERATIONS[kind]


def counted(op: Op) -> list[Count]:
    """Count the elementary operations of one inference of `op`; nothing for a kind declared free."""
    rule = known(op.kind).count
    return rule(op) if rule else []


def elements(*sorts: str) -> CountRule:
    """Count one operation of each sort per element of the output, at the output's precision."""

    def rule(op: Op) -> list[Count]:
        return [Count(sort, op.output.precision.label, op.output.size) for sort in sorts]

    return rule


def along(op: Op, index: int, values: np.ndarray) -> np.ndarray:
    """Reshape parameter `index` of `op` so that it broadcasts against (C, H, W) along its axes."""
    axes = op.params[index].axes
    shape = [1, 1, 1]
    for axis, length in zip(axes, values.shape, strict=True):
        shape["CHW".index(axis)] = length
    return values.reshape(shape)
