"""Integer weights with a step per filter: what brings the sums of different filters to one grid again."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import numpy as np

from costmodel.graph import Network, Op, Param, Precision, Tensor, Value
from costmodel.operations.convolution import is_mac

_PER_CHANNEL = ("bias", "relu", "max_pool", "subsample", "crop", "pad_map", "channel_shuffle", "average_pool")
"""Kinds behind a layer that leave each channel on its own grid, and wait for what brings them to one."""
_TAKES_STEPS = ("scale", "affine", "batch_norm", "sign", "threshold", "multi_threshold")
"""Kinds that hold a number per channel of their own, into which the steps of filters merge."""


def rescaled(
    network: Network, values: dict[str, np.ndarray], stepped: Set[str], features: Precision
) -> Network:
    """Store the steps of filters where nothing behind a layer does: in the rounding behind it, else as a scale.

    `stepped` are the weights whose filters have steps of their own. Fully connected layers without a rounding by a
    multiply behind keep theirs uncounted, as the classifiers and gates of designs do.
    """
    readers: dict[Value, list[Op]] = {}
    for op in network.ops:
        for item in op.inputs:
            readers.setdefault(item, []).append(op)
    rewrites: dict[Op, tuple[Op, ...]] = {}
    swapped: dict[Value, Tensor] = {}
    for op in network.ops:
        if not is_mac(op) or not op.params or op.params[0].name not in stepped:
            continue
        behind = _behind(op.output, readers)
        roundings = [one for one in behind if one.kind == "quantize" and one.params]
        if op.kind == "linear":
            roundings = [one for one in roundings if one.attributes.get("exact") is True]
        elif not behind or any(one not in roundings and one.kind not in _TAKES_STEPS for one in behind):
            scale = _scale_behind(op, values, features)
            rewrites[op], swapped[op.output] = (op, scale), scale.output  # type: ignore[assignment]
            continue
        rewrites |= {one: (_by_channel(one, values),) for one in roundings if one.params[0].axes == ""}
    ops: list[Op] = []
    for op in network.ops:
        first, *rest = rewrites.get(op, (op,))
        ops += [replace(first, inputs=tuple(swapped.get(item, item) for item in first.inputs)), *rest]
    return replace(network, ops=tuple(ops), output=swapped.get(network.output, network.output))


def _behind(value: Value, readers: dict[Value, list[Op]]) -> list[Op]:
    """Who reads the channels of a layer behind what leaves each on its own grid; nobody of the network's result."""
    found: list[Op] = []
    for op in readers.get(value, ()):
        found += _behind(op.output, readers) if op.kind in _PER_CHANNEL else [op]
    return found


def _by_channel(op: Op, values: dict[str, np.ndarray]) -> Op:
    """The same rounding with a step for each channel, by a multiply; weights hold their own steps already."""
    (step,) = op.params
    channels = int(op.inputs[0].shape[0])
    wide = Param(f"{step.name}.filters", (channels,), step.precision, "C", positive=True)
    exact = op.attributes.get("exact") is True
    number = values[step.name] if exact else np.exp2(np.rint(np.log2(values[step.name])))
    values[wide.name] = np.broadcast_to(number, (channels,))
    return replace(op, params=(wide,), attributes={**op.attributes, "exact": True})


def _scale_behind(op: Op, values: dict[str, np.ndarray], features: Precision) -> Op:
    """A number per channel behind a layer; its weights hold their own steps already, so that it is 1."""
    assert isinstance(op.output, Tensor)
    stored = features if op.output.precision.kind == "integer" else op.output.precision
    factor = Param(f"{op.params[0].name}.steps", (op.output.shape[0],), stored, "C", positive=True)
    values[factor.name] = np.ones(int(op.output.shape[0]))
    made = replace(op.output, name=f"{op.output.name}.scaled", precision=stored)
    return Op("scale", (op.output,), made, (factor,), {}, op.layer, op.origin)
