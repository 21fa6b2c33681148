"""Count a network: exact elementary operations by layer, origin, operation and precision."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.graph import Dimension, Network
from costmodel.operations import counted


@dataclass(frozen=True, slots=True, eq=False)
class CountRow:
    """How many operations of one sort and precision a method (or "base") adds to a layer.

    `precision` is weight x feature bits for a MAC (`1x1`, `8x8`), else the operand's type (`int16`).
    """

    layer: str
    origin: str
    operation: str
    precision: str
    count: Dimension


def count(network: Network) -> tuple[CountRow, ...]:
    """Count one inference of a network, folded or not; rows keep the order of the layers."""
    numbers: dict[tuple[str, str, str, str], Dimension] = {}
    for op in network.running():
        for operation, label, number in counted(op):
            key = (op.layer, op.origin, operation, label)
            numbers[key] = numbers[key] + number if key in numbers else number
    return tuple(CountRow(*key, number) for key, number in numbers.items())


def totals(rows: tuple[CountRow, ...]) -> dict[tuple[str, str], Dimension]:
    """Sum rows by operation and precision.

    >>> totals((CountRow("a", "base", "add", "int16", 2), CountRow("b", "prelu", "add", "int16", 3)))
    {('add', 'int16'): 5}
    """
    summed: dict[tuple[str, str], Dimension] = {}
    for row in rows:
        key = (row.operation, row.precision)
        summed[key] = summed[key] + row.count if key in summed else row.count
    return summed
