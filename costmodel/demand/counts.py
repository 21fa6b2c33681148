"""Count a network: exact elementary operations by layer, origin, operation and precision."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.graph import Dimension, Network, Op, most
from costmodel.operations import counted
from costmodel.operations.convolution import is_mac


@dataclass(frozen=True, slots=True, eq=False)
class CountRow:
    """How many operations of one sort and precision a method (or "base") adds to a layer.

    `precision` is weight x feature bits for a MAC (`1x1`, `8x8`), else the operand's type (`int16`). Side operations
    stream: `elements` values pass (the most of any of them), and `per_element` units in a row do so many
    operations on each, every operation of the network rounded up to whole ones. Both are 0 for MACs.
    """

    layer: str
    origin: str
    operation: str
    precision: str
    count: Dimension
    per_element: Dimension
    elements: Dimension


def count(network: Network) -> tuple[CountRow, ...]:
    """Count one inference of a network, folded or not; rows keep the order of the layers."""
    rows: dict[tuple[str, str, str, str], CountRow] = {}
    for op in network.running():
        for operation, label, number in counted(op):
            key = (op.layer, op.origin, operation, label)
            row = CountRow(*key, number, *_streamed(op, operation, number))
            rows[key] = _together(rows[key], row) if key in rows else row
    return tuple(rows.values())


def _streamed(op: Op, operation: str, number: Dimension) -> tuple[Dimension, Dimension]:
    """Operations on each element that passes a side operation, and how many pass.

    They are those of its largest input; beside MACs, as for a bias, those of the sums that the MACs make.
    """
    if operation == "mac":
        return 0, 0
    elements = op.output.size if is_mac(op) else most(*(value.size for value in op.inputs))
    return -(-number // most(elements, 1)), elements


def _together(one: CountRow, other: CountRow) -> CountRow:
    return CountRow(
        one.layer, one.origin, one.operation, one.precision,
        one.count + other.count,
        one.per_element + other.per_element,
        most(one.elements, other.elements),
    )  # fmt: skip


def totals(rows: tuple[CountRow, ...]) -> dict[tuple[str, str], Dimension]:
    """Sum rows by operation and precision.

    >>> totals((CountRow("a", "base", "add", "int16", 2, 1, 2), CountRow("b", "prelu", "add", "int16", 3, 1, 3)))
    {('add', 'int16'): 5}
    """
    summed: dict[tuple[str, str], Dimension] = {}
    for row in rows:
        key = (row.operation, row.precision)
        summed[key] = summed[key] + row.count if key in summed else row.count
    return summed
