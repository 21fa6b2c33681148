"""What a graph does not say of a network: which operations are one norm, and in which layer addressing happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from costmodel.graph import BINARY, Network, Op, Tensor, Value
from costmodel.importers.model.reading import OF_WHOLE
from costmodel.operations.convolution import is_mac

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
    """Put addressing, and an average of a map that others read too, into the one layer that reads its result.

    So a strided shortcut is read with its stride where it is added, as networks of this project are written; and an
    image is read in the order that its layer needs, not stored in it first.
    """
    ops = list(network.ops)
    readers: dict[Value, list[int]] = {}
    for number, op in enumerate(ops):
        for item in op.inputs:
            readers.setdefault(item, []).append(number)
    for number in reversed(range(len(ops))):
        op = ops[number]
        layers = {ops[reader].layer for reader in readers.get(op.output, ())}
        of_image = op.kind == "rearrange" and op.inputs[0] is network.input
        moves = of_image or _moves(op, ops, readers)
        if not moves or len(layers) != 1 or op.output is network.output:
            continue
        ops[number] = replace(op, layer=layers.pop())
    return replace(network, ops=tuple(ops))


def _moves(op: Op, ops: list[Op], readers: dict[Value, list[int]]) -> bool:
    if op.kind in _ADDRESSING:
        return True
    source = op.inputs[0] if op.inputs else None
    if op.kind == "quantize" and source is not None:
        before = next((one for one in ops if one.output is source), None)
        if before is None:
            return False
        return before.kind == "global_average_pool" or (
            before.kind in _POOLING and _moves(before, ops, readers)
        )
    if op.kind not in _POOLING or not isinstance(source, Tensor):
        return False
    return any(ops[reader] is not op for reader in readers[source])


def parallel_layers(network: Network) -> Network:
    """Make one layer of those whose MACs read maps of the same layers, and whose results are summed as they stream out.

    So several binary weights or features of one convolution are one layer, as networks of this project are written.
    """
    while (pair := _parallel(network)) is not None:
        gone, kept = pair
        ops = tuple(replace(op, layer=kept) if op.layer == gone else op for op in network.ops)
        network = replace(network, ops=ops)
    return network


def _parallel(network: Network) -> tuple[str, str] | None:
    """A layer, and the one that alone reads what it makes, by a sum, where both read maps of the same layers."""
    layer_of: dict[Value, str] = {op.output: op.layer for op in network.ops}
    outside: dict[str, set[str]] = {}
    shapes: dict[str, set[tuple[object, ...]]] = {}
    sources: dict[str, set[str]] = {}
    for op in network.ops:
        for item in op.inputs:
            home = layer_of.get(item, "")
            if home != op.layer:
                outside.setdefault(home, set()).add(op.layer if op.kind in ("add", "subtract") else "")
        if is_mac(op):
            sources.setdefault(op.layer, set()).add(layer_of.get(op.inputs[0], ""))
            shapes.setdefault(op.layer, set()).add(tuple(map(int, op.output.shape)))
    for layer, readers in outside.items():
        (reader, *others) = readers
        alike = layer in sources and sources[layer] == sources.get(reader) and shapes[layer] == shapes[reader]
        if not others and alike and layer != layer_of[network.output]:
            return layer, reader
    return None


def beside_sources(network: Network) -> Network:
    """Put what only one layer reads, and is made of maps that this layer reads anyway, into this layer.

    So the sum of bits that corrects a convolution is computed where the bits are read.
    """
    layer_of: dict[Value, str] = {op.output: op.layer for op in network.ops}
    readers: dict[Value, list[Op]] = {}
    reads: dict[str, set[Value]] = {}
    for op in network.ops:
        for item in op.inputs:
            readers.setdefault(item, []).append(op)
            if layer_of.get(item) != op.layer:
                reads.setdefault(op.layer, set()).add(item)
    moved: dict[Op, str] = {}
    for op in reversed(network.ops):
        targets = {one.layer for one in readers.get(op.output, ())}
        stays = (
            op.output is network.output or op.output.precision == BINARY
        )  # signs are taken where maps stream out
        if stays or len(targets) != 1 or (target := targets.pop()) == op.layer:
            continue
        cone = _made_for(op, network, readers)
        if any(is_mac(one) or one.kind in OF_WHOLE or one in moved for one in cone):
            continue
        made = {one.output for one in cone}
        if {item for one in cone for item in one.inputs} - made <= reads.get(target, set()):
            moved |= dict.fromkeys(cone, target)
    ops = tuple(replace(op, layer=moved[op]) if op in moved else op for op in network.ops)
    return replace(network, ops=ops)


def _made_for(last: Op, network: Network, readers: Mapping[Value, list[Op]]) -> list[Op]:
    """An operation, and those of its layer that it alone needs."""
    cone = [last]
    for op in cone:
        for item in op.inputs:
            before = network.producers.get(item)
            if before is not None and before.layer == last.layer and set(readers[item]) <= set(cone):
                cone.append(before)
    return cone
