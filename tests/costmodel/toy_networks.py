"""Networks of a few operations on a small map, and the check that folding keeps their output."""

from __future__ import annotations

from collections import Counter

import numpy as np
from strategies import any_values, dyadic_values

from costmodel.builder import Builder
from costmodel.folding import fold
from costmodel.graph import Network, Tensor, precision
from costmodel.operations.run import run

INT8, INT16, FP32 = precision("int8"), precision("int16"), precision("fp32")
CHANNELS, SIDE = 4, 6
ELEMENTS = CHANNELS * SIDE * SIDE


def builder(stored: str = "int16") -> Builder:
    """A network that reads a real-valued map of 4 channels."""
    return Builder("toy", (CHANNELS, SIDE, SIDE), precision(stored), precision(stored))


def slopes(g: Builder, *, positive: bool = True) -> object:
    return g.param("slope", (CHANNELS,), "C", positive=positive)


def shift(g: Builder, axes: str = "C") -> object:
    lengths = {"C": CHANNELS, "H": SIDE, "W": SIDE}
    return g.param("shift", tuple(lengths[axis] for axis in axes), axes)


def bits_of(g: Builder) -> Tensor:
    """A binary convolution on the input's signs: a whole number per element."""
    weight = g.sign_weight(g.binary_weight(CHANNELS, g.input, 3))
    return g.conv(g.sign(g.input), weight, padding=1, pad_value=1)


def rules_of(network: Network) -> Counter[str]:
    """Notes of rules that were applied."""
    return Counter(note.rule for note in network.notes if note.applied)


def kinds(network: Network) -> list[str]:
    return [op.kind for op in network.running()]


def check(network: Network, *, exactly: bool = True) -> Network:
    """Fold and compare the output, on exact values and on arbitrary ones."""
    folded = fold(network)
    rng = np.random.default_rng(0)
    image = np.rint(rng.normal(size=(3, CHANNELS, SIDE, SIDE)) * 8)
    for draw in (dyadic_values, any_values):
        for _ in range(5):
            values = draw(network, rng)
            same = np.array_equal if exactly or draw is dyadic_values else np.allclose
            assert same(run(folded, values, image), run(network, values, image))
    return folded


def pooled(g: Builder, x: Tensor, kind: str = "max_pool", padding: int = 0) -> Tensor:
    side = (SIDE + 2 * padding - 2) // 2 + 1
    window = {"size": 2, "stride": 2, "padding": padding}
    return g.map(kind, (x,), shape=(CHANNELS, side, side), attributes=window)
