"""Folding rules on factors and offsets: neighbours merge into one multiply and one add, or into weights.

They are exact in real arithmetic (see `docs/folding.md`).
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.folding.rewriting import (
    affine_chain,
    channels,
    like_op,
    made_at_export,
    per_channel,
    rewritten,
)
from costmodel.graph import Network, Note, Op, Param, Precision, Tensor, Value
from costmodel.operations.convolution import is_mac


def pool_before_scale(network: Network) -> Network:
    """Pool before biases and positive scales per channel, which then stand next to the norm: the largest stays it.

    Every scale is promised to be positive and has one reader, the next one or the pool, and so has every bias.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        scales = _rising(network, op.inputs[0]) if op.kind == "max_pool" else ()
        if not scales:
            continue
        assert isinstance(op.output, Tensor)
        value: Value = replace(
            op.output, name=f"{op.output.name}.pooled", precision=scales[0].inputs[0].precision
        )
        moved = [replace(op, inputs=(scales[0].inputs[0],), output=value)]
        for scale in scales:
            last = scale is scales[-1]
            after = op.output if last else replace(op.output, name=f"{scale.output.name}.pooled")
            moved.append(replace(scale, inputs=(value,), output=after))
            value = after
        rewrites.update({scale: () for scale in scales})
        rewrites[op] = tuple(moved)
        notes.append(
            Note("pool before scale", op.layer, "a positive scale, or a bias, keeps the largest of a window")
        )
    return rewritten(network, rewrites, notes)


def _rising(network: Network, value: Value) -> tuple[Op, ...]:
    """Follow `value` back through biases and positive scales per channel with a single reader each."""
    rising: list[Op] = []
    while (op := network.producers.get(value)) is not None:
        positive = op.kind in ("power_of_two", "bias") or (op.kind == "scale" and op.params[0].positive)
        if not positive or op.when != "run" or not per_channel(op) or network.readers[op.output] != 1:
            break
        rising.append(op)
        value = op.inputs[0]
    return tuple(reversed(rising))


def average_before_norm(network: Network) -> Network:
    """Average a map before the norm that signs read too, so that only they read it and it becomes a threshold.

    The norm then acts on one number per channel. Its input must be stored as its output is.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        norm = network.producers.get(op.inputs[0]) if op.kind == "global_average_pool" else None
        if norm is None or not _affine(norm) or norm.inputs[0].precision != norm.output.precision:
            continue
        others = {reader.kind for reader in network.ops if norm.output in reader.inputs and reader is not op}
        if others != {"sign"} or norm.output is network.output:
            continue
        assert isinstance(op.output, Tensor)
        raw = replace(op.output, name=f"{op.output.name}.raw")
        averaged = replace(op, inputs=norm.inputs, output=raw)
        rewrites[op] = (averaged, replace(norm, inputs=(raw,), output=op.output, layer=op.layer))
        reason = "the average of normalized values is the normalized average"
        notes.append(Note("average before norm", op.layer, reason))
    return rewritten(network, rewrites, notes)


NORMS = ("batch_norm", "affine")


def bias_through_sum(network: Network) -> Network:
    """Move a bias behind a shortcut's sum to the norm before it, where it merges."""
    rewrites: dict[Op, tuple[Op, ...]] = {}
    aliases: dict[Value, Value] = {}
    notes = []
    for op in network.ops:
        total = network.producers.get(op.inputs[0]) if op.kind == "bias" and per_channel(op) else None
        if total is None or total.kind != "add" or network.readers[total.output] != 1:
            continue
        norms = [network.producers.get(item) for item in total.inputs]
        norm = next((n for n in norms if n and n.kind in NORMS and network.readers[n.output] == 1), None)
        if norm is None or norm in rewrites or total.inputs[0] is total.inputs[1]:
            continue
        moved = replace(norm.output, name=f"{norm.output.name}.moved")
        rewrites[norm] = (norm, replace(op, inputs=(norm.output,), output=moved, layer=norm.layer))
        rewrites[total] = (
            replace(total, inputs=tuple(moved if i is norm.output else i for i in total.inputs)),
        )
        rewrites[op] = ()
        aliases[op.output] = total.output
        notes.append(
            Note("bias", op.layer, "a shift behind the shortcut's sum merges into the norm before it")
        )
    return rewritten(network, rewrites, notes, aliases)


def bias_of_linear(network: Network) -> Network:
    """Take the bias of a fully connected layer out of it where an offset behind it takes it up.

    A factor alone does so only with floating-point weights, into which it goes itself.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    for op in network.ops:
        layer = network.producers.get(op.inputs[0]) if _affine(op) else None
        if layer is None or layer.kind != "linear" or len(layer.params) == 1 or op.when != "run":
            continue
        merges = op.kind in ("bias", *NORMS) or layer.params[0].precision.kind == "float"
        if not merges or network.readers[layer.output] != 1:
            continue
        sums = replace(layer.output, name=f"{layer.output.name}.sums")
        rewrites[layer] = (
            replace(layer, params=layer.params[:1], output=sums),
            like_op(layer, "bias", (sums,), layer.params[1:]),
        )
    return rewritten(network, rewrites)


def merge_affine(network: Network) -> Network:
    """Merge neighbouring per-channel factors and offsets (scale, shift, bias, norm) into one of each.

    Every merged operation but the last has the next one as its only reader.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in reversed(network.ops):
        if op in rewrites or op.when != "run" or not _affine(op):
            continue
        chain = (*affine_chain(network, op.inputs[0]), op)
        if len(chain) == 1 and op.kind != "batch_norm":
            continue
        rewrites.update({replaced: () for replaced in chain})
        rewrites[op] = _merged(op, chain)
        if len(chain) > 1:
            kinds = " and ".join(f"{item.kind} of {item.origin}" for item in chain)
            notes.append(Note("merge", op.layer, f"{kinds} become one multiply and one add per element"))
    return rewritten(network, rewrites, reversed(notes))


def _affine(op: Op) -> bool:
    return op.kind in ("batch_norm", "scale", "bias", "power_of_two", "affine") and per_channel(op)


def _merged(op: Op, chain: tuple[Op, ...]) -> tuple[Op, ...]:
    """One operation in place of a chain: a scale or a bias alone where that is all there is."""
    axes = "C" if any(param.axes == "C" for item in chain for param in item.params) else ""
    shape = channels(op.output) if axes else ()
    stored: Precision = op.output.precision
    factor = Param(f"{op.output.name}.factor", shape, stored, axes)
    offset = Param(f"{op.output.name}.offset", shape, stored, axes)
    make_factor = made_at_export("composed_factor", op, chain, factor)
    make_offset = made_at_export("composed_offset", op, chain, offset)
    kinds = {item.kind for item in chain}
    source = (chain[0].inputs[0],)
    if kinds <= {"scale", "power_of_two"}:
        return (make_factor, like_op(op, "scale", source, (factor,)))
    if kinds <= {"bias"}:
        return (make_offset, like_op(op, "bias", source, (offset,)))
    return (make_factor, make_offset, like_op(op, "affine", source, (factor, offset)))


def scale_into_weights(network: Network) -> Network:
    """Move the factor of a norm into floating-point weights before it; an offset stays, as the bias.

    Binary and integer weights cannot hold it: there the norm does the rescaling that their sums need anyway.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        factor = op.when == "run" and op.kind in ("affine", "scale") and per_channel(op)
        layer = network.producers.get(op.inputs[0]) if factor else None
        if layer is None or not is_mac(layer) or network.readers[layer.output] != 1:
            continue
        weight, stored = layer.params[0], layer.output.precision
        if weight.precision.kind != "float" or len(layer.params) > 1:
            continue
        if (
            op.kind == "scale" and stored != op.output.precision
        ):  # else the offset narrows, or widens, the result
            continue
        scaled = Param(f"{weight.name}.scaled", weight.shape, weight.precision, weight.axes)
        make = Op(
            "scaled_weight", (weight, op.params[0]), scaled, (), op.attributes, op.layer, op.origin, "export"
        )
        rewrites[layer] = ()
        if op.kind == "scale":
            rewrites[op] = (make, replace(layer, params=(scaled,), output=op.output))
        else:
            rewrites[op] = (
                make,
                replace(layer, params=(scaled,)),
                like_op(op, "bias", (layer.output,), (op.params[1],)),
            )
        notes.append(Note("weights", op.layer, "the factor goes into the real-valued weights before it"))
    return rewritten(network, rewrites, notes)
