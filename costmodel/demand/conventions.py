"""Operations of a network in one number, as papers print them: other people's columns, beside the exact counts.

None of them counts norms, activation functions, shortcuts or memory traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from costmodel.errors import unknown
from costmodel.graph import Precision, read_precisions
from costmodel.hardware.precision import MAC_LABELS

_NARROW = 4
"""Bits up to which the operands of a MAC are worked on bit by bit."""
_WORD = 64
"""Bit operations that count as one operation: those of one instruction on a 64-bit CPU (Rastegari et al., 2016)."""


class OpsConvention(str, Enum):
    """A way to sum up the MACs of a network.

    `bops`: bit operations, the product of weight and feature bits for each MAC of at most 4 bits on both sides; of a
    binary network, its binary MACs. `ops`: FLOPs + BOPs / 64 (Liu et al., ReActNet, 2020), where papers call FLOPs the
    MACs that are wider. `ace`: arithmetic computation effort (Zhang et al., PokeBNN, 2022, section 3), the product of
    weight and feature bits for every MAC; qonnx calls it total_bops.
    """

    OPS = "ops"
    BOPS = "bops"
    ACE = "ace"

    __str__ = str.__str__

    @property
    def printed(self) -> str:
        """What papers call it."""
        return {"ops": "OPs", "bops": "BOPs", "ace": "ACE"}[self.value]

    def of(self, macs: Mapping[str, int]) -> float:
        """Sum up counts of MACs by their precision, such as `{"1x1": 64, "8x8": 3}`.

        >>> [convention.of({"1x1": 6400, "8x8": 3}) for convention in OpsConvention]
        [103.0, 6400, 6592]
        """
        effort = {label: _bits(label) for label in macs}
        narrow = {label for label in macs if max(effort[label]) <= _NARROW}
        bit_operations = sum(macs[label] * effort[label][0] * effort[label][1] for label in narrow)
        if self is OpsConvention.BOPS:
            return bit_operations
        if self is OpsConvention.OPS:
            return sum(count for label, count in macs.items() if label not in narrow) + bit_operations / _WORD
        return sum(count * effort[label][0] * effort[label][1] for label, count in macs.items())


def _bits(label: str) -> tuple[int, int]:
    """Bits of weight and feature; anything else raises BnncostError."""
    sides: tuple[Precision, ...] = read_precisions(label)
    if len(sides) != 2:
        raise unknown("MAC precision", label, MAC_LABELS)
    return sides[0].bits, sides[1].bits


def macs_in(operations: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """The MACs among counts by operation and precision, as `Cost.operation_totals` gives them."""
    return {precision: count for (operation, precision), count in operations.items() if operation == "mac"}
