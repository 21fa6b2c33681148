"""What a graph does not say of a network: which operations are one norm, and in which layer addressing happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from costmodel.graph import Network, Op, Tensor, Value

_ADDRESSING = ("subsample", "pad_channels", "crop", "pad_map", "repeat_channels")
_POOLING = ("average_pool", "box_sum")


def paired_norms(network: Network) -> Network:
    """Make one operation of a scale and the bias behind it, as a norm is written."""
    rewrites: dict[Op, Op | None] = {}
    for op in network.ops:
        before = network.producers.get(op.inputs[0]) if op.kind == "bias" else None
        if (
            before is None
            or before.kind != "scale"
            or network.readers[before.output] != 1
            or before in rewrites
        ):
            continue
        if before.params[0].axes != op.params[0].axes or before.output.shape != before.inputs[0].shape:
            continue
        rewrites[before] = None
        rewrites[op] = replace(
            op, kind="affine", inputs=before.inputs, params=(*before.params, *op.params), layer=op.layer
        )
    ops = tuple(new for op in network.ops if (new := rewrites.get(op, op)) is not None)
    return replace(network, ops=ops)


def biased_layers(network: Network) -> Network:
    """Make a fully connected layer and the bias behind it one operation, as most tools write it."""
    rewrites: dict[Op, Op | None] = {}
    for op in network.ops:
        before = network.producers.get(op.inputs[0]) if op.kind == "bias" else None
        if before is None or before.kind != "linear" or network.readers[before.output] != 1:
            continue
        if len(before.params) == 2 or op.params[0].axes != "C":
            continue
        rewrites[before] = None
        output = replace(op.output, precision=before.output.precision)
        rewrites[op] = replace(before, params=(*before.params, *op.params), output=output)
    swapped = {op.output: new.output for op, new in rewrites.items() if new is not None}
    ops = []
    for op in network.ops:
        new = rewrites.get(op, op)
        if new is not None:
            ops.append(replace(new, inputs=tuple(swapped.get(item, item) for item in new.inputs)))
    output = swapped.get(network.output, network.output)
    return replace(network, ops=tuple(ops), output=output)  # type: ignore[arg-type]


def hard_sigmoids(network: Network, values: Mapping[str, np.ndarray]) -> Network:
    """Make one operation of clamp(x + 3, 0, 6) / 6."""
    rewrites: dict[Op, Op | None] = {}
    for op in network.ops:
        if op.kind != "scale" or not _is_number(op, values, 1 / 6):
            continue
        clamp = network.producers.get(op.inputs[0])
        bias = network.producers.get(clamp.inputs[0]) if clamp and clamp.kind == "clamp" else None
        if clamp is None or bias is None or bias.kind != "bias" or not _is_number(bias, values, 3):
            continue
        bounds = (clamp.attributes["low"], clamp.attributes["high"])
        if bounds == (0, 6) and network.readers[clamp.output] == network.readers[bias.output] == 1:
            rewrites |= {bias: None, clamp: None}
            rewrites[op] = replace(op, kind="hard_sigmoid", inputs=bias.inputs, params=())
    return replace(network, ops=tuple(new for op in network.ops if (new := rewrites.get(op, op)) is not None))


def _is_number(op: Op, values: Mapping[str, np.ndarray], number: float) -> bool:
    return op.params[0].axes == "" and bool(np.isclose(values[op.params[0].name], number, rtol=1e-5))


def beside_readers(network: Network) -> Network:
    """Put addressing, and an average of a map that is stored anyway, into the one layer that reads its result.

    So a strided shortcut is read with its stride where it is added, as networks of this project are written.
    """
    ops = list(network.ops)
    readers: dict[Value, list[int]] = {}
    for number, op in enumerate(ops):
        for item in op.inputs:
            readers.setdefault(item, []).append(number)
    layer_of = {op.output: op.layer for op in ops}
    for number in reversed(range(len(ops))):
        op = ops[number]
        layers = {ops[reader].layer for reader in readers.get(op.output, ())}
        if not _moves(op, ops, readers, layer_of) or len(layers) != 1 or op.output is network.output:
            continue
        ops[number] = replace(op, layer=layers.pop())
    return replace(network, ops=tuple(ops))


def _moves(op: Op, ops: list[Op], readers: dict[Value, list[int]], layer_of: dict[Value, str]) -> bool:
    if op.kind in _ADDRESSING:
        return True
    source = op.inputs[0] if op.inputs else None
    if op.kind == "quantize" and source is not None:
        before = next((one for one in ops if one.output is source), None)
        return before is not None and before.kind in _POOLING and _moves(before, ops, readers, layer_of)
    if op.kind not in _POOLING or not isinstance(source, Tensor):
        return False
    home = layer_of.get(source)
    return any(ops[reader].layer != home for reader in readers[source] if ops[reader] is not op)
