"""The vocabulary of operations: each one's meaning in numpy, and what it counts or why it is free."""

from costmodel.operations import (  # noqa: F401
    convolution,
    curves,
    elementwise,
    export,
    folded,
    layout,
    normalization,
    products,
    reduction,
    resizing,
)
from costmodel.operations.registry import OPERATIONS, Count, OperationKind, counted, known

__all__ = ["OPERATIONS", "Count", "OperationKind", "counted", "known"]
