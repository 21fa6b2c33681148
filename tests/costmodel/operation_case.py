"""One operation on small maps, with values for its inputs and parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from costmodel.graph import Op, Param, Tensor, precision

C, H, W = 3, 4, 6
SIZE = C * H * W
Tally = dict[str, int]


@dataclass(frozen=True)
class Case:
    """One operation on small maps; `measured` and `counted` are given only where they differ by convention."""

    kind: str
    inputs: tuple[tuple[int, int, int], ...] = ((C, H, W),)
    output: tuple[int, int, int] = (C, H, W)
    params: tuple[tuple[str, tuple[int, ...]], ...] = ()
    attributes: dict[str, object] = field(default_factory=dict)
    stored: tuple[str, str] = ("int16", "int16")
    convention: tuple[Tally, Tally] | None = None
    largest: float = 4.0
    positive: bool = False

    def op(self) -> Op:
        """The operation, with its maps and parameters declared."""
        read, made = map(precision, self.stored)
        weight = made if made.kind == "ternary" else read
        params = tuple(
            Param(f"p{number}", shape, weight if axes in ("OIKK", "OI") else made, axes)
            for number, (axes, shape) in enumerate(self.params)
        )
        inputs = tuple(Tensor(f"x{number}", shape, read) for number, shape in enumerate(self.inputs))
        output = Tensor("y", self.output, made)
        return Op(self.kind, inputs, output, params, MappingProxyType(self.attributes), "layer")

    def arrays(self, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Values for inputs, bits where they are stored so, and parameters: dyadic, so that no order of sums rounds."""
        rng = np.random.default_rng(seed)
        least = 1 if self.positive else -16
        inputs = [rng.integers(least, 17, shape) * (self.largest / 16) for shape in self.inputs]
        if self.stored[0] == "binary":
            inputs = [np.where(x >= 0, 1.0, -1.0) for x in inputs]
        params = [rng.integers(1, 9, shape) / 4 for _, shape in self.params]
        return inputs, params


def macs(outputs: int, products: int, more_adds: int = 0) -> tuple[Tally, Tally]:
    """n products and n - 1 sums per output are n MACs: the first product is accumulated onto zero."""
    measured = {"mul": outputs * products, "add": outputs * (products - 1) + more_adds}
    counts = {"mac": outputs * products}
    return measured, {**counts, "add": more_adds} if more_adds else counts
