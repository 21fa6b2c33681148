"""Streaming accelerators: every layer has lanes of its own and works as soon as what it reads has arrived.

FINN (Umuroglu et al., FPGA 2017, section 4): a layer of K outputs and N products each, on PE x SIMD lanes, takes
ceil(K / PE) ceil(N / SIMD) cycles a position. Images one at a time take the way of one image through all layers;
images one after the other take as long as the slowest layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from costmodel.errors import BnncostError, unknown
from costmodel.graph import Network, Op
from costmodel.operations.convolution import taps
from costmodel.operations.window import axes_of, windows


@dataclass(frozen=True)
class StreamingCycles:
    """Cycles of each layer for one image, and until an image that runs alone has left the last layer.

    Images that follow each other are as many cycles apart as the slowest layer takes.
    """

    layers: Mapping[str, int]
    alone: int


def streaming_cycles(network: Network, lanes: Mapping[str, tuple[float, float]]) -> StreamingCycles:
    """Follow one image through a chain of layers with these lanes (outputs, inputs) each.

    Raises BnncostError where a layer of MACs has no lanes, lanes have no layer, or the network branches.
    """
    macs = [op for op in network.running() if op.kind in ("conv", "linear")]
    names = [op.layer for op in macs]
    for name in lanes:
        if name not in names:
            raise unknown("layer", name, names, place=f"lanes of '{network.name}'")
    arrival = _image(network)
    cycles: dict[str, int] = {}
    for op in macs:
        if op.layer not in lanes:
            raise BnncostError(
                f"layer '{op.layer}' of '{network.name}' has no lanes; give its outputs and inputs."
            )
        if op.layer in cycles:
            raise BnncostError(
                f"'{network.name}' has several MAC layers '{op.layer}': only a chain can stream."
            )
        each = _cycles_each(op, *lanes[op.layer])
        arrival = _worked(op, arrival, each)
        cycles[op.layer] = each * arrival.size
        arrival = _pooled(network, op, arrival)
    return StreamingCycles(cycles, int(arrival.max()))


def _image(network: Network) -> np.ndarray:
    """When each pixel (H, W) arrives: one channel a cycle."""
    channels, height, width = (int(side) for side in network.input.shape)
    return (np.arange(1, height * width + 1) * channels).reshape(height, width)


def _cycles_each(op: Op, outputs: float, inputs: float) -> int:
    """Cycles per output position."""
    weight = op.params[0]
    made = int(weight.shape[0])
    return ceil(made / outputs) * ceil(int(weight.size) // made / inputs)


def _worked(op: Op, arrival: np.ndarray, each: int) -> np.ndarray:
    """When each output position is done: after the last pixel of its window, and after the position before it."""
    axes = taps(op) if op.kind == "conv" else axes_of(arrival.shape, arrival.shape)
    rows, columns = (
        np.minimum(np.arange(axis.outputs) * axis.stride + axis.reach - 1 - axis.before, axis.length - 1)
        for axis in axes
    )
    height, width = (axis.outputs for axis in axes)
    ready = arrival[np.ix_(rows, columns)].ravel()
    # done[n] = max(ready[n], done[n - 1]) + each
    steps = each * np.arange(1, ready.size + 1)
    done: np.ndarray = np.maximum.accumulate(ready - steps + each) + steps
    return done.reshape(height, width)


def _pooled(network: Network, op: Op, done: np.ndarray) -> np.ndarray:
    """When each window of a max pool in the same layer is done: with its last position."""
    pools = [other for other in network.running() if other.kind == "max_pool" and other.layer == op.layer]
    for pool in pools:
        rows, columns = windows(pool)
        done = done[rows.reach - 1 :: rows.stride, columns.reach - 1 :: columns.stride]
        done = done[: rows.outputs, : columns.outputs]
    return done
