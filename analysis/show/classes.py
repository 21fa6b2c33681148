"""Classes of designs that compete on a front: binary, low-bit, full precision, and what a user adds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from costmodel.graph import precision

ADDED = "added"
"""Kind of an accuracy that was given for one front alone."""
ESTIMATED = "estimated"
"""Kind of an accuracy that nobody measured, which is always drawn hollow."""


class DesignClass(str, Enum):
    """What a design competes as: by the operands of its inner convolutions, or as a figure of the user's own.

    >>> DesignClass("low-bit").networks, str(DesignClass.FULL_PRECISION)
    ('low-bit networks', 'full precision')
    """

    BINARY = "binary"
    LOW_BIT = "low-bit"
    FULL_PRECISION = "full precision"
    MEASURED = "measured"

    __str__ = str.__str__

    @property
    def networks(self) -> str:
        """The class as the subject of a sentence."""
        return {"full precision": "full-precision networks", "measured": "own figures"}.get(
            self.value, f"{self.value} networks"
        )


def class_of(compute: str, kind: str = "") -> DesignClass:
    """The class of a design with these operands, whose accuracy is of this kind.

    >>> [class_of(compute).value for compute in ("binary", "int3", "ternary", "fp16")]
    ['binary', 'low-bit', 'low-bit', 'full precision']
    """
    if kind == ADDED:
        return DesignClass.MEASURED
    if compute == "binary":
        return DesignClass.BINARY
    return DesignClass.FULL_PRECISION if precision(compute).kind == "float" else DesignClass.LOW_BIT


def class_of_row(row: Mapping[str, Any]) -> DesignClass:
    """The class of a design in a front's frame."""
    return class_of(str(row["compute"]), str(row["kind"]))
