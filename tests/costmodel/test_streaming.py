"""Streaming accelerators: cycles by hand, and against a judge that walks through every position."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.builder import Builder
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import Network, Tensor, precision
from costmodel.networks.build import build
from costmodel.validation.streaming import streaming_cycles

LANES = {
    "stem": (16, 3), "stage1.conv1": (32, 32), "stage2.conv1": (16, 32), "stage2.conv2": (16, 32),
    "stage3.conv1": (4, 32), "stage3.conv2": (1, 32), "dense1": (1, 4), "dense2": (1, 8), "classifier": (5, 1),
}  # fmt: skip


def chain_of(layers: list[tuple[int, int, bool]], side: int) -> Network:
    """A chain of binary convolutions, (channels, kernel, pooled) each, on an image of one channel."""
    g = Builder("chain", (1, side, side), precision("int8"), precision("int16"))
    x: Tensor = g.input
    for number, (channels, kernel, pooled) in enumerate(layers, 1):
        with g.layer(f"conv{number}"):
            x = g.conv(x, g.narrow_weight(channels, x, kernel, precision("int8")))
            if pooled:
                window = {"size": 2, "stride": 2, "padding": 0}
                x = g.map(
                    "max_pool", (x,), shape=(channels, x.shape[1] // 2, x.shape[2] // 2), attributes=window
                )
    return g.finish(x)


def judged(
    layers: list[tuple[int, int, bool]], side: int, lanes: list[tuple[int, int]]
) -> tuple[list[int], int]:
    """Cycles per layer and of the whole image, position after position."""
    when = {(row, column): row * side + column + 1 for row in range(side) for column in range(side)}
    read, cycles, last = 1, [], 0
    for (channels, kernel, pooled), (outputs, inputs) in zip(layers, lanes, strict=True):
        each = ceil(channels / outputs) * ceil(read * kernel * kernel / inputs)
        made, clock = {}, 0
        side -= kernel - 1
        for row in range(side):
            for column in range(side):
                window = [when[row + y, column + x] for y in range(kernel) for x in range(kernel)]
                clock = max(clock, *window) + each
                made[row, column] = clock
        cycles.append(each * side * side)
        if pooled:
            side //= 2
            made = {
                (row, column): max(made[2 * row + y, 2 * column + x] for y in (0, 1) for x in (0, 1))
                for row in range(side)
                for column in range(side)
            }
        when, read, last = made, channels, max(made.values())
    return cycles, last


def test_one_layer_by_hand() -> None:
    """A 2x2 window of a 3x3 image: the last of four positions needs the last of nine pixels; 4 outputs on 2 lanes."""
    found = streaming_cycles(chain_of([(4, 2, False)], 3), {"conv1": (2, 4)})
    # positions are ready at 5, 6, 8, 9 and take 2 cycles each
    assert found.layers == {"conv1": 8}
    assert found.alone == 13 and max(found.layers.values()) == 8


def test_cycles_of_finn_layers() -> None:
    """Outputs / PE x products / SIMD x positions, as in the tool's own estimate."""
    found = streaming_cycles(fold(build(DesignKey.parse("cnv/cifar10"))), LANES)
    assert list(found.layers.values()) == [
        4 * 9 * 900, 2 * 18 * 784, 8 * 18 * 144, 8 * 36 * 100, 64 * 36 * 9, 256 * 72, 512 * 64, 512 * 64, 2 * 512,
    ]  # fmt: skip
    assert max(found.layers.values()) == 32_768
    # three layers behind each other cannot overlap, as each reads all of the one before
    assert found.alone > 32_400 + 256 * 72 + 2 * 32_768 + 1024


@given(
    layers=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.booleans()), min_size=1, max_size=3),
    lanes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=3, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_agrees_with_a_walk_through_every_position(
    layers: list[tuple[int, int, bool]], lanes: list[tuple[int, int]]
) -> None:
    side = 23
    chosen = lanes[: len(layers)]
    found = streaming_cycles(
        chain_of(layers, side), {f"conv{number}": lane for number, lane in enumerate(chosen, 1)}
    )
    cycles, last = judged(layers, side, chosen)
    assert (list(found.layers.values()), found.alone) == (cycles, last)


def test_a_layer_without_lanes_and_lanes_without_a_layer_are_named() -> None:
    network = fold(build(DesignKey.parse("cnv/cifar10")))
    with pytest.raises(BnncostError, match="unknown layer 'dense3'; did you mean 'dense"):
        streaming_cycles(network, {**LANES, "dense3": (1, 1)})
    with pytest.raises(BnncostError, match="layer 'stem' of 'cnv/cifar10' has no lanes"):
        streaming_cycles(network, {name: lane for name, lane in LANES.items() if name != "stem"})


def test_more_lanes_are_never_slower() -> None:
    network = fold(build(DesignKey.parse("cnv/cifar10")))
    before = streaming_cycles(network, LANES)
    for name, (outputs, inputs) in LANES.items():
        after = streaming_cycles(network, {**LANES, name: (outputs * 2, inputs)})
        assert after.alone <= before.alone and after.layers[name] <= before.layers[name]
    assert np.isfinite(before.alone)
