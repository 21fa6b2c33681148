"""A network as a typed list of operations: the one description that is trained, folded and counted.

A channel dimension may be an int or an int array, so that one network carries every width of a sweep.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache, reduce
from math import log2
from typing import Literal, get_args

import numpy as np

from costmodel.errors import BnncostError, unknown

Dimension = int | np.ndarray
When = Literal["run", "export", "train"]
Kind = Literal["binary", "ternary", "integer", "float"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_INTEGER = re.compile(r"(?:int)?([1-9][0-9]?)")
_FLOAT = re.compile(r"fp(8|16|32|64)")
_WIDEST = 64  # bits


class Role(str, Enum):
    """What a memory holds or moves: weights of MACs, other parameters, maps of bits, other maps, unfinished sums.

    A member is its own text, as a key and in JSON: what profiles call it.
    """

    WEIGHTS = "weights"
    PARAMETERS = "parameters"
    BINARY_FEATURES = "binary_features"
    FEATURES = "features"
    PARTIAL_SUMS = "partial_sums"

    __str__ = str.__str__


MAP_ROLES = (Role.BINARY_FEATURES, Role.FEATURES)
ROLES = (Role.WEIGHTS, Role.PARAMETERS, *MAP_ROLES)
"""Roles of a network's values; partial sums are no value of it."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How one number is stored: its kind and its width [bit].

    >>> precision("int8").bits, precision("binary").operand
    (8, '1')
    """

    kind: Kind
    bits: int

    @property
    def label(self) -> str:
        """Name of the type, such as `int16`, as operations other than MACs are counted under."""
        if self.kind == "integer":
            return f"int{self.bits}"
        return f"fp{self.bits}" if self.kind == "float" else self.kind

    @property
    def operand(self) -> str:
        """Name of the type as one side of a MAC: bits for binary and integer, else the label."""
        return str(self.bits) if self.kind in ("binary", "integer") else self.label

    @property
    def information(self) -> float:
        """Information in one number [bit]: log2(3) for a ternary one, which is stored in 2 bits."""
        return log2(3) if self.kind == "ternary" else float(self.bits)

    def holds(self, other: Precision) -> bool:
        """Whether a unit of this precision computes with numbers of `other`: it is as wide, and of floats if they are.

        >>> precision("int2").holds(precision("ternary")), precision("fp32").holds(precision("int8"))
        (True, False)
        """
        alike = (self.kind == "float") is (other.kind == "float")
        return alike and self.information >= other.information


@lru_cache(maxsize=1024)
def read_precisions(label: str) -> tuple[Precision, ...]:
    """Read the label of one number, such as "int8", or of the weight and feature of a MAC, such as "1x8".

    Anything else gives none.

    >>> [one.label for one in read_precisions("1x8")], read_precisions("int10"), read_precisions("float")
    (['binary', 'int8'], (Precision(kind='integer', bits=10),), ())
    """
    sides = label.split("x")
    if len(sides) > 2 or (len(sides) == 2 and any(side.startswith(("int", "binary")) for side in sides)):
        return ()
    numbers = [_read_number(side) for side in sides]
    return tuple(number for number in numbers if number) if all(numbers) else ()


def _read_number(label: str) -> Precision | None:
    """Read the label of one number: a name, or the bits of an integer alone."""
    if label in ("binary", "1", "int1"):
        return Precision("binary", 1)
    if label == "ternary":
        return Precision("ternary", 2)
    integer = _INTEGER.fullmatch(label)
    if integer and int(integer.group(1)) <= _WIDEST:
        return Precision("integer", int(integer.group(1)))
    floating = _FLOAT.fullmatch(label)
    return Precision("float", int(floating.group(1))) if floating else None


_OF_NETWORKS = ("binary", "ternary", "int2", "int3", "int4", "int6", "int8", "int16", "int32", "fp16", "fp32")
_PRECISIONS = {label: number for label in _OF_NETWORKS for number in read_precisions(label)}
BINARY = _PRECISIONS["binary"]


def precision(label: str) -> Precision:
    """Look up a precision that networks are made of; an unknown label raises with the closest known one."""
    if label not in _PRECISIONS:
        raise unknown("precision", label, _PRECISIONS)
    return _PRECISIONS[label]


def everywhere(compared: bool | np.ndarray) -> bool:
    """Say whether a comparison of dimensions holds at every width; of numbers alone, asked without numpy.

    >>> everywhere(3 == 3), everywhere(np.array([1, 2]) < 2)
    (True, False)
    """
    return compared if isinstance(compared, bool) else bool(np.all(compared))


def most(*sizes: Dimension) -> Dimension:
    """Largest of several numbers, or of arrays at each width."""
    for size in sizes:
        if isinstance(size, np.ndarray):
            return reduce(np.maximum, sizes)
    return max(sizes)


def accumulator(terms: Dimension) -> Precision:
    """Return the integer type that holds a sum of `terms` products of -1 and +1 exactly."""
    return precision("int16" if everywhere(terms < 2**15) else "int32")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A feature map of shape (C, H, W), without batch."""

    name: str
    shape: tuple[Dimension, int, int]
    precision: Precision

    @cached_property
    def size(self) -> Dimension:
        """Number of elements."""
        channels, height, width = self.shape
        return channels * (height * width)

    @cached_property
    def bits(self) -> Dimension:
        """Storage [bit]."""
        return self.size * self.precision.bits


@dataclass(frozen=True, eq=False)
class Param:
    """A learned or exported array; `axes` says which axes of the feature map it varies over.

    Axes are "" (one number), "C", "H", "W", "HW", "CHW", and "OIKK" or "OI" for weights of MACs.
    `positive` is a promise that folding may build on, and that export checks.
    """

    name: str
    shape: tuple[Dimension, ...]
    precision: Precision
    axes: str
    initial: float | str = 0.0
    positive: bool = False

    @cached_property
    def size(self) -> Dimension:
        """Number of entries."""
        total: Dimension = 1
        for dimension in self.shape:
            total = total * dimension
        return total

    @cached_property
    def bits(self) -> Dimension:
        """Storage [bit]."""
        return self.size * self.precision.bits


Value = Tensor | Param


def misfit(param: Param, x: Tensor) -> str:
    """Say what is wrong with a parameter that does not vary with the map `x` as its axes say; empty if it does.

    It would be stored, and counted, with as many values as it has.
    """
    if param.axes == "C" and len(param.shape) == 1 and param.shape[0] is x.shape[0]:
        return ""  # as most: they are the very channels of the map, and need no comparison
    if len(param.axes) != len(param.shape):
        sizes, axes = len(param.shape), len(param.axes)
        return f"has {sizes} sizes for the {axes} axes '{param.axes}'; give one for each, as in (x.shape[0],) and 'C'"
    for axis, size in zip(param.axes, param.shape, strict=True):
        if axis in _AXES and not everywhere(size == x.shape[_AXES[axis]]):
            return f"has {size} values along {axis}, but the map has {x.shape[_AXES[axis]]}"
    return ""


_AXES = {"C": 0, "H": 1, "W": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation: what it computes from what, where it runs, which method added it, and when it runs.

    `when` is "run" (at inference), "export" (once, on parameters) or "train": at inference, an operation
    of training only passes its first input on.
    `origin` names the repair method that added the operation, or "base".
    """

    kind: str
    inputs: tuple[Value, ...]
    output: Value
    params: tuple[Param, ...]
    attributes: Mapping[str, object]
    layer: str
    origin: str = "base"
    when: When = "run"

    def integer(self, name: str) -> int:
        """Read one integer attribute."""
        value = self.attributes[name]
        if not isinstance(value, int):
            raise BnncostError(
                f"{self.layer}: attribute '{name}' of '{self.kind}' is {value!r}, not an integer."
            )
        return value

    def dimension(self, name: str) -> Dimension:
        """Read one attribute that follows the widths: an integer, or an array of them."""
        value = self.attributes[name]
        return value if isinstance(value, np.ndarray) else self.integer(name)


@dataclass(frozen=True, slots=True)
class Note:
    """What a folding rule did (or could not do) at one place, and why."""

    rule: str
    layer: str
    reason: str
    applied: bool = True


@dataclass(frozen=True)
class Network:
    """Operations in an order in which they can run, from one input to one output."""

    name: str
    ops: tuple[Op, ...]
    input: Tensor
    output: Tensor
    notes: tuple[Note, ...] = ()

    def running(self) -> Iterator[Op]:
        """Yield the operations that run at inference, in order."""
        return iter(self._running)

    @cached_property
    def _running(self) -> tuple[Op, ...]:
        return tuple(op for op in self.ops if op.when == "run")

    @cached_property
    def producers(self) -> dict[Value, Op]:
        """Operation that makes each value."""
        return {op.output: op for op in self.ops}

    @cached_property
    def readers(self) -> Counter[Value]:
        """How many operations read each value; the network's output counts as one reader."""
        counted: Counter[Value] = Counter(value for op in self.ops for value in {*op.inputs, *op.params})
        counted[self.output] += 1
        return counted

    def layers(self) -> tuple[str, ...]:
        """Names of the layers that run, in order of their first operation."""
        return tuple(dict.fromkeys(op.layer for op in self.running()))

    def learned(self) -> tuple[Param, ...]:
        """Parameters that training gives: every one that no export operation makes, statistics of norms among them."""
        used = dict.fromkeys(
            item for op in self.ops for item in (*op.inputs, *op.params) if isinstance(item, Param)
        )
        return tuple(param for param in used if param not in self.producers)
