"""The vocabulary of operations: each one's meaning in numpy, and what it counts or why it is free."""

from costmodel.operations import convolution, elementwise, export, folded, layout, reduction  # noqa: F401
from costmodel.operations.registry import OPERATIONS, Count, OperationKind, counted, known

__all__ = ["OPERATIONS", "Count", "OperationKind", "counted", "known"]
