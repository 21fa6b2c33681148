"""Precision labels of a profile, and which wider unit an operation runs on when its own is not there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

MAC_LABELS = ("1x1", "1x8", "ternaryxternary", "2x2", "4x4", "8x8", "16x16", "fp16xfp16", "fp32xfp32")
SidePrecision = Literal["binary", "int4", "int6", "int8", "int16", "int32", "fp16", "fp32"]
SIDE_PRECISIONS: tuple[str, ...] = get_args(SidePrecision)
OperationName = Literal["mul", "add", "compare", "shift", "lookup", "divide"]
OPERATIONS: tuple[str, ...] = get_args(OperationName)

_INTEGER = re.compile(r"(?:int)?([1-9][0-9]?)")
_FLOAT = re.compile(r"fp(8|16|32|64)")
_WIDEST = 64  # bits


@dataclass(frozen=True)
class Operand:
    """The number kind and width [bit] of one operand; binary, ternary and integers are one kind."""

    kind: Literal["integer", "float"]
    width: float


def operand(label: str) -> Operand | None:
    """Read the label of one operand, None when it is none.

    A ternary number is log2(3) bits wide: wider than a binary one, narrower than two bits.

    >>> operand("int10"), operand("binary") == operand("1"), operand("float")
    (Operand(kind='integer', width=10.0), True, None)
    """
    if label == "binary":
        return Operand("integer", 1.0)
    if label == "ternary":
        return Operand("integer", math.log2(3))
    integer = _INTEGER.fullmatch(label)
    if integer and int(integer.group(1)) <= _WIDEST:
        return Operand("integer", float(integer.group(1)))
    floating = _FLOAT.fullmatch(label)
    return Operand("float", float(floating.group(1))) if floating else None


def mac_operands(label: str) -> tuple[Operand, Operand] | None:
    """Read a MAC label "<weight>x<feature>", None when it is none.

    >>> mac_operands("1x8")[1], mac_operands("8")
    (Operand(kind='integer', width=8.0), None)
    """
    parts = label.split("x")
    if len(parts) != 2 or any(part.startswith(("int", "binary")) for part in parts):
        return None
    weight, feature = operand(parts[0]), operand(parts[1])
    return None if weight is None or feature is None else (weight, feature)


def _holds(wider: Operand, narrower: Operand) -> bool:
    return wider.kind == narrower.kind and wider.width >= narrower.width


def side_precision_for(label: str, listed: Iterable[str]) -> str | None:
    """The listed precision on which an operation of precision `label` runs, None when none is wide enough.

    >>> side_precision_for("int10", ["int8", "int16", "int32", "fp32"])
    'int16'
    """
    listed = tuple(listed)
    if label in listed:
        return label
    needed = operand(label)
    if needed is None:
        return None
    widths = {
        name: found for name in listed if (found := operand(name)) is not None and _holds(found, needed)
    }
    return min(widths, key=lambda name: widths[name].width, default=None)


def mac_label_for(label: str, listed: Iterable[str]) -> str | None:
    """The listed MAC precision on which a MAC of precision `label` runs: the smallest product of widths.

    >>> mac_label_for("ternaryxternary", ["1x1", "4x4", "2x2"]), mac_label_for("1x8", ["8x8", "16x16"])
    ('2x2', '8x8')
    """
    listed = tuple(listed)
    if label in listed:
        return label
    needed = mac_operands(label)
    if needed is None:
        return None
    products = {
        name: found[0].width * found[1].width
        for name in listed
        if (found := mac_operands(name)) is not None and all(map(_holds, found, needed))
    }
    return min(products, key=lambda name: products[name], default=None)
