"""Squeeze-and-excitation: scale each channel by a number computed from the whole map."""

from __future__ import annotations

import numpy as np

from costmodel.builder import Builder
from costmodel.graph import Dimension, Precision, Tensor, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site


def squeeze(g: Builder, x: Tensor) -> Tensor:
    """Average each channel while the map streams out of the layer that makes it."""
    with g.with_producer(x):
        return g.map("global_average_pool", (x,), shape=(x.shape[0], 1, 1))


def excite(
    g: Builder, pooled: Tensor, channels: Dimension, reduction: int, operand: Precision, *, bias: bool = False
) -> Tensor:
    """Two fully connected layers with a ReLU between; the first keeps one channel in `reduction`."""
    hidden: Dimension = -(-pooled.shape[0] // reduction)
    hidden = np.maximum(hidden, 1) if isinstance(hidden, np.ndarray) else max(hidden, 1)
    middle = g.relu(g.linear(g.quantize(pooled, operand), hidden, weight=operand, bias=bias))
    return g.linear(g.quantize(middle, operand), channels, weight=operand, bias=bias)


@repair_method(
    branch="topology",
    category="squeeze-and-excitation",
    hook="gate",
    exclusive="gate",
    source="martinez2020",
    note="Data-driven; one multiply per element of every residual branch. `normed=true` averages the normalized input.",
)
def squeeze_excitation(
    g: Builder, y: Tensor, site: Site, *, reduction: int = 8, normed: bool = False
) -> Tensor:
    """Scale each channel by a sigmoid of two small layers on the averaged input of the branch."""
    return _gated(g, y, site.x if normed else site.branch, "sigmoid", reduction, precision("int8"))


@repair_method(
    branch="topology",
    category="squeeze-and-excitation",
    hook="gate",
    exclusive="gate",
    source="zhang2022pokebnn",
    note="4-bit layers, and a clamp in place of the sigmoid's table.",
)
def squeeze_excitation_4bit(g: Builder, y: Tensor, site: Site, *, reduction: int = 8) -> Tensor:
    """Squeeze-and-excitation with 4-bit layers and a hard sigmoid."""
    return _gated(g, y, site.branch, "hard_sigmoid", reduction, precision("int4"))


def _gated(g: Builder, y: Tensor, x: Tensor, curve: str, reduction: int, operand: Precision) -> Tensor:
    """Multiply by a gate per channel: two small layers on the averaged map `x`, then a curve."""
    pooled = squeeze(g, x)
    with g.layer("gate"):
        gate = g.map(curve, (excite(g, pooled, y.shape[0], reduction, operand),))
    return g.multiply(y, gate)
