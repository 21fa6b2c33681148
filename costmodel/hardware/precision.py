"""The precisions that a profile may list, and which of them an operation runs on when its own is not there.

The number type is the network's (`costmodel.graph`): a network is declared before any chip is asked what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Literal, get_args

from costmodel.graph import read_precisions

MAC_LABELS = ("1x1", "1x8", "ternaryxternary", "2x2", "3x3", "4x4", "8x8", "16x16", "fp16xfp16", "fp32xfp32")
SidePrecision = Literal["binary", "int4", "int6", "int8", "int16", "int32", "fp16", "fp32"]
SIDE_PRECISIONS: tuple[str, ...] = get_args(SidePrecision)
OperationName = Literal["mul", "add", "compare", "shift", "lookup", "divide"]
OPERATIONS: tuple[str, ...] = get_args(OperationName)


def narrowest_for(label: str, listed: Iterable[str]) -> str | None:
    """The listed precision on which an operation or a MAC of precision `label` runs; None if none is wide enough.

    It is the narrowest of those that hold each number of `label`: for a MAC, the smallest product of both widths.

    >>> narrowest_for("int10", ["int8", "int16", "int32"]), narrowest_for("ternaryxternary", ["1x1", "4x4", "2x2"])
    ('int16', '2x2')
    """
    listed = tuple(listed)
    if label in listed:
        return label
    needed = read_precisions(label)
    sizes = {
        name: prod(number.information for number in offered)
        for name in listed
        if needed
        and len(offered := read_precisions(name)) == len(needed)
        and all(wide.holds(narrow) for wide, narrow in zip(offered, needed, strict=True))
    }
    return min(sizes, key=lambda name: sizes[name], default=None)
