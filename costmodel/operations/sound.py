"""Whether an operation is one that a network can have: what code of others emits is held against it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

import numpy as np

from costmodel.errors import shortened
from costmodel.graph import KINDS, Op, Param, Precision, Tensor, When, everywhere, misfit
from costmodel.operations.export import ONCE
from costmodel.operations.registry import known

_LARGEST = 2**32
"""Of one size of a map or a parameter, far beyond any network: products of them stay within 64 bits."""
_WIDEST = 64  # bits


def fault_of(op: Op) -> str:
    """Half a sentence on what is wrong with an operation, by its kind and its sizes; empty if nothing is."""
    kind = known(op.kind)
    made = "a map" if isinstance(op.output, Tensor) else "a parameter"
    if op.when not in get_args(When):
        return f"runs at {shortened(repr(op.when))}, but must at one of: {', '.join(get_args(When))}"
    if isinstance(op.output, Tensor) is (op.when == "export"):
        return f"makes {made}, but runs at '{op.when}'"
    if kind.free_because == ONCE and op.when != "export":
        return "runs once, at export: call `exported` for it"
    for what, given, may in (("inputs", op.inputs, kind.inputs), ("parameters", op.params, kind.params)):
        if len(given) not in may:
            most = "or more" if len(may) > 2 else f"or {may[-1]}" if len(may) == 2 else ""
            return f"has {len(given)} {what}, but must have {may[0]} {most}".rstrip()
    missing = [name for name in kind.attributes if name not in op.attributes]
    if missing:
        return f"lacks the attribute '{missing[0]}'"
    for name, value in op.attributes.items():
        if isinstance(value, float) and math.isnan(value):
            return f"has an attribute '{name}' that is no number"
    return next(filter(None, _faults_of_values(op)), "") or _misshapen(op, elementwise=kind.elementwise)


def fault_of_value(value: object) -> str:
    """Half a sentence on a value that is neither a map nor a parameter, or has no such sizes or precision."""
    if not isinstance(value, Tensor | Param):
        return f"has {shortened(repr(value))} where a map or a parameter belongs"
    shape, stored = value.shape, value.precision
    three = isinstance(value, Param) or (isinstance(shape, tuple) and len(shape) == 3)
    if not three or not all(_is_size(size) for size in shape):
        wanted = "whole numbers from 1 to 2^32" + (", three of them" if isinstance(value, Tensor) else "")
        return f"has sizes {shortened(repr(shape))}, but must have {wanted}"
    sound = isinstance(stored, Precision) and stored.kind in KINDS and type(stored.bits) is int
    if not sound or not 1 <= stored.bits <= _WIDEST:
        return f"is stored as {shortened(repr(stored))}, which is no Precision, such as precision('int8')"
    return ""


def _is_size(size: object) -> bool:
    """Whether it is a whole number above zero that does not wrap, or one for each width."""
    wide = isinstance(size, np.ndarray | np.int64) and size.dtype == np.int64 and np.size(size) > 0
    return (type(size) is int or wide) and everywhere((size >= 1) & (size <= _LARGEST))  # type: ignore[operator]


def _faults_of_values(op: Op) -> Iterator[str]:
    """Yield what is wrong with each value that an operation reads and makes, empty if nothing is."""
    kind, what = (Param, "a parameter") if op.when == "export" else (Tensor, "a map")
    for value in op.inputs:
        yield fault_of_value(value) or ("" if isinstance(value, kind) else f"must read {what}, not {value!r}")
    for param in op.params:
        yield fault_of_value(param) or ("" if isinstance(param, Param) else f"has the parameter {param!r}")
    yield fault_of_value(op.output)


def _misshapen(op: Op, *, elementwise: bool) -> str:
    """Half a sentence on sizes that do not go with those of the map that is made."""
    if not isinstance(op.output, Tensor):
        return ""
    for param in op.params:
        if wrong := misfit(param, op.output):
            return f"has a parameter '{param.name}' that {wrong}"
    for value in op.inputs if elementwise else ():
        for read, made in zip(value.shape, op.output.shape, strict=True):
            if not everywhere((read == made) | (read == 1)):
                return f"makes a map {op.output.shape} of one of other sizes, {value.shape}"
    return ""
