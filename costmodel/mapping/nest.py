"""A MAC layer as a loop nest: its seven loops, its three operands and the precision of each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from operator import attrgetter
from typing import Literal, get_args

from costmodel.errors import BnncostError
from costmodel.operations.window import positions_read

LoopName = Literal["K", "C", "OY", "OX", "FY", "FX", "G"]
DIMS: tuple[str, ...] = get_args(LoopName)


class Operand(str, Enum):
    """What a MAC layer works on: the weights, the features that it reads, the sums that it makes.

    A member is its own text, as a key and in JSON: what profiles call it.
    """

    WEIGHTS = "weights"
    FEATURES = "features"
    SUMS = "sums"

    __str__ = str.__str__


WEIGHTS, FEATURES, SUMS = Operand
OPERANDS = (WEIGHTS, FEATURES, SUMS)
RELEVANT = {
    WEIGHTS: frozenset({"K", "C", "FY", "FX", "G"}),
    FEATURES: frozenset({"C", "OY", "OX", "FY", "FX", "G"}),
    SUMS: frozenset({"K", "OY", "OX", "G"}),
}
"""The loops that change which element of an operand is used; the others reuse it."""
CHANGING = {operand: tuple(dim for dim in DIMS if dim in RELEVANT[operand]) for operand in OPERANDS}
"""The same, in the order of DIMS."""
REDUCTION = ("C", "FY", "FX")
"""The loops over which one output is summed: those that do not change which sum is meant."""


@dataclass(frozen=True, slots=True)
class ImageAxis:
    """How one axis of the image is walked: outputs, kernel, stride, dilation, padding in front, map length."""

    outputs: int
    kernel: int
    stride: int
    dilation: int
    padding: int
    length: int

    def positions_read(self) -> int:
        """Count the positions of the map that some output reads."""
        return positions_read(
            self.outputs, self.kernel, self.stride, self.dilation, self.padding, self.length
        )


@dataclass(frozen=True, slots=True)
class LoopNest:
    """A convolution, K x C weights of FY x FX in each of G groups, with outputs of OY x OX; or a matrix product.

    Output `o` reads the map at `o * stride + tap * dilation - padding` on each axis; positions outside the
    map are zeros that nobody stores or moves. `size` is the (y, x) length of the map: None lets the last window
    end with the map's last position, after the same padding. `partial_bits` is the width of a sum still being
    accumulated, `output_bits` that of the value which leaves the layer: 0 where it leaves on another way.

    >>> LoopNest("conv", K=64, C=3, OY=112, OX=112, FY=7, FX=7, stride=(2, 2), padding=(3, 3), size=(224, 224)).macs
    118013952
    """

    name: str
    K: int = 1
    C: int = 1
    OY: int = 1
    OX: int = 1
    FY: int = 1
    FX: int = 1
    G: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    size: tuple[int, int] | None = None
    weight_bits: int = 8
    feature_bits: int = 8
    partial_bits: int = 16
    output_bits: int = 8

    def __post_init__(self) -> None:
        """Refuse a layer that cannot be: a loop of no iterations, a value of no bits."""
        counts = {dim: self.extent(dim) for dim in DIMS}
        counts |= {"stride": min(self.stride), "dilation": min(self.dilation)}
        counts |= {"weight_bits": self.weight_bits, "feature_bits": self.feature_bits}
        counts |= {"partial_bits": self.partial_bits}
        for name, value in counts.items():
            if not isinstance(value, int) or value < 1:
                raise BnncostError(
                    f"layer '{self.name}': {name} is {value}; it must be a whole number from 1 on."
                )
        if not isinstance(self.output_bits, int) or self.output_bits < 0:
            raise BnncostError(
                f"layer '{self.name}': output_bits is {self.output_bits}; give a whole number from 0 on."
            )
        if min(self.padding) < 0:
            raise BnncostError(f"layer '{self.name}': padding is {self.padding}; it must not be negative.")
        if min(self.axis(0).length, self.axis(1).length) < 1:
            raise BnncostError(
                f"layer '{self.name}': a padding of {self.padding} leaves no map; give a smaller one."
            )

    def extent(self, dim: str) -> int:
        """Iterations of one loop."""
        return int(getattr(self, dim))

    def axis(self, number: int) -> ImageAxis:
        """Describe the y (0) or the x (1) axis of the image."""
        outputs, kernel = (self.OY, self.FY) if number == 0 else (self.OX, self.FX)
        stride, dilation, padding = self.stride[number], self.dilation[number], self.padding[number]
        whole = (outputs - 1) * stride + (kernel - 1) * dilation + 1 - 2 * padding
        return ImageAxis(
            outputs, kernel, stride, dilation, padding, self.size[number] if self.size else whole
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer; taps on the padding count, as an array executes them."""
        return self.G * self.K * self.C * self.OY * self.OX * self.FY * self.FX

    def elements(self, operand: Operand) -> int:
        """Elements of an operand that the layer uses: features that no window meets are left out."""
        if operand == WEIGHTS:
            return self.G * self.K * self.C * self.FY * self.FX
        if operand == SUMS:
            return self.G * self.K * self.OY * self.OX
        return self.G * self.C * self.axis(0).positions_read() * self.axis(1).positions_read()

    def bits(self, operand: Operand) -> int:
        """Width of one final element of an operand [bit]."""
        return {WEIGHTS: self.weight_bits, FEATURES: self.feature_bits, SUMS: self.output_bits}[operand]


BUT_FOR_THE_NAME = attrgetter(*(field.name for field in fields(LoopNest) if field.name != "name"))
"""All of a layer that its mapping depends on."""
