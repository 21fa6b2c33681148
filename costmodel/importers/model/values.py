"""What a name of a graph stands for while it is read: a constant, a map (of bits, perhaps), or something unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from costmodel.graph import BINARY, Tensor
from costmodel.importers.model.views import View

ROUNDING = 1e-6
"""Factors that differ from 1 by less are 1: what arithmetic on 32-bit floats leaves."""


class Padding(NamedTuple):
    """Positions round a map that are not stored, and what they hold, or that they repeat the border."""

    above: int
    left: int
    below: int
    right: int
    value: float
    replicate: bool = False


class Clipped(NamedTuple):
    """What a clamp clamps, and its bounds: rounding may make it part of a quantizer."""

    source: Map
    low: float
    high: float


class Rounded(NamedTuple):
    """What a quantizer rounds, between which whole numbers, and the codes that it makes."""

    source: Map
    low: float
    high: float
    codes: Map


class Mean(NamedTuple):
    """A sum of windows that is an average once it is divided by their size."""

    size: int
    emit: Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class Map:
    """A feature map as a tool sees it: what is stored, times `factor`, plus `offset`.

    Both broadcast against (C, H, W). Only a map of bits has an offset, or a factor that is more than one number: 0 and
    1 are bits with a factor and an offset of a half.
    """

    view: View
    factor: np.ndarray = field(default_factory=lambda: np.ones(()))
    offset: np.ndarray = field(default_factory=lambda: np.zeros(()))
    padding: Padding | None = None
    magnitude: bool = False
    mean: Mean | None = None

    @property
    def tensor(self) -> Tensor:
        """The map that is stored."""
        return self.view.tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tool's tensor."""
        sides = list(self.view.shape)
        if self.padding:
            sides[2] += self.padding.above + self.padding.below
            if len(sides) == 4:
                sides[3] += self.padding.left + self.padding.right
        return tuple(sides)

    @property
    def is_bits(self) -> bool:
        """Whether bits are stored."""
        return self.tensor.precision == BINARY

    @property
    def plain(self) -> bool:
        """Whether what is stored is the value itself."""
        return bool(np.all(self.factor == 1) and np.all(self.offset == 0)) and self.padding is None

    def times(self, factor: np.ndarray | float, offset: np.ndarray | float = 0.0) -> Map:
        """The value times a factor, plus an offset, neither of them computed."""
        scaled = np.asarray(self.factor * factor, np.float64)
        scaled = np.where(np.abs(scaled - 1) <= ROUNDING, 1.0, scaled)
        shifted = np.asarray(self.offset * factor + offset)
        return replace(self, factor=scaled, offset=shifted)


@dataclass(frozen=True, eq=False)
class TwoBits:
    """A function of two maps of bits, by its four values: at (-1, -1), (-1, +1), (+1, -1) and (+1, +1)."""

    left: View
    right: View
    values: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tool's tensor."""
        return self.left.shape


Value = np.ndarray | Map | TwoBits | None


class NotRead(Exception):
    """A node has no counterpart here; the text says why."""
