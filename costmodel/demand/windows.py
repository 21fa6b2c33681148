"""What side operations with windows keep of a map: the lines that windows slide over, in a line buffer.

A window of k rows needs the k - 1 lines above the one that streams in. Each element is written once, and each output
reads k - 1 elements for every column by which its window moves on; registers keep the other columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costmodel.graph import BINARY, Dimension, Network, Op, Role
from costmodel.operations.window import pair_in


class LineRow(NamedTuple):
    """Bits of maps of one role that the windows of a layer write into lines, and read from them [bit]."""

    layer: str
    role: Role
    read_bits: Dimension
    write_bits: Dimension


def line_rows(network: Network) -> tuple[LineRow, ...]:
    """List what the windows of pools, or of sums over windows, move through lines."""
    return tuple(_rows(network))


def _rows(network: Network) -> Iterator[LineRow]:
    for op in network.running():
        if (
            "stride" not in op.attributes
        ):  # a slice has a size, too: that of an axis, over all widths of a sweep
            continue
        rows, _ = pair_in(op.attributes, "size")
        if rows > 1:
            role = Role.BINARY_FEATURES if op.inputs[0].precision == BINARY else Role.FEATURES
            yield LineRow(op.layer, role, _read(op, rows), op.inputs[0].bits)


def _read(op: Op, rows: int) -> Dimension:
    _, columns_moved = pair_in(op.attributes, "stride")
    return op.output.size * (rows - 1) * columns_moved * op.inputs[0].precision.bits
