"""The folding rules, in the order in which they run, each with its preconditions.

Every rule keeps the network's output: bit for bit where it makes a threshold, and exactly in real
arithmetic where it merges factors (see `docs/folding.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from costmodel.folding.rewriting import (
    affine_chain,
    chain_to_sign,
    channels,
    like_op,
    live,
    made_at_export,
    only_signed,
    per_channel,
    rewritten,
    whole_number_limit,
)
from costmodel.graph import BINARY, Network, Note, Op, Param, Precision, Tensor, Value, accumulator
from costmodel.operations import known

Rule = Callable[[Network], Network]


def without_training(network: Network) -> Network:
    """Leave out operations of training only: each passes its first input on."""
    training = [op for op in network.ops if op.when == "train"]
    if not training:
        return network
    notes = [Note("training only", op.layer, f"'{op.kind}' of {op.origin} runs in training only") for op in training]
    aliases: dict[Value, Value] = {op.output: op.inputs[0] for op in training}
    return rewritten(network, {op: () for op in training}, notes, aliases)


def sign_before_pool(network: Network) -> Network:
    """Take the sign before a max pool, which then is an OR of bits: max commutes with a monotone map.

    Only where a monotone operation stands before the pool, to fold with; the pool must have no other reader.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        pool = network.producers.get(op.inputs[0]) if op.kind == "sign" else None
        if pool is None or pool.kind != "max_pool" or network.readers[pool.output] != 1:
            continue
        if network.readers[pool.inputs[0]] != 1 or not _can_fold(network.producers.get(pool.inputs[0])):
            continue
        source = pool.inputs[0]
        assert isinstance(source, Tensor)
        bits = Tensor(f"{source.name}.bits", source.shape, BINARY)
        rewrites[pool] = ()
        rewrites[op] = (replace(op, inputs=(source,), output=bits), replace(pool, inputs=(bits,), output=op.output))
        notes.append(Note("sign before pool", op.layer, "the largest of a window is positive if any bit of it is"))
    return rewritten(network, rewrites, notes)


def pool_before_scale(network: Network) -> Network:
    """Pool before positive scales per channel, which then stand next to the norm: the largest stays the largest.

    Every scale is promised to be positive and has one reader, the next one or the pool.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        scales = _positive_scales(network, op.inputs[0]) if op.kind == "max_pool" else ()
        if not scales:
            continue
        assert isinstance(op.output, Tensor)
        value: Value = replace(op.output, name=f"{op.output.name}.pooled", precision=scales[0].inputs[0].precision)
        moved = [replace(op, inputs=(scales[0].inputs[0],), output=value)]
        for scale in scales:
            last = scale is scales[-1]
            after = op.output if last else replace(op.output, name=f"{scale.output.name}.pooled")
            moved.append(replace(scale, inputs=(value,), output=after))
            value = after
        rewrites.update({scale: () for scale in scales})
        rewrites[op] = tuple(moved)
        notes.append(Note("pool before scale", op.layer, "a positive scale keeps the largest of a window the largest"))
    return rewritten(network, rewrites, notes)


def _positive_scales(network: Network, value: Value) -> tuple[Op, ...]:
    """Follow `value` back through positive scales per channel with a single reader each."""
    found: list[Op] = []
    while (op := network.producers.get(value)) is not None:
        positive = op.kind == "power_of_two" or (op.kind == "scale" and op.params[0].positive)
        if not positive or op.when != "run" or not per_channel(op) or network.readers[op.output] != 1:
            break
        found.append(op)
        value = op.inputs[0]
    return tuple(reversed(found))


def _can_fold(op: Op | None) -> bool:
    return op is not None and op.when == "run" and known(op.kind).monotone and per_channel(op)


def scale_behind_pool(network: Network) -> Network:
    """Move positive per-channel factors behind a max pool, where they may merge into a norm.

    The largest product of a window is the largest element times the factor, rounding included.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        chain = _positive_factors(network, op.inputs[0]) if op.kind == "max_pool" else ()
        if not chain:
            continue
        source = chain[0].inputs[0]
        assert isinstance(source, Tensor) and isinstance(op.output, Tensor)
        stored = (source.precision, *(item.output.precision for item in chain[:-1]))
        names = (f"{op.output.name}.pooled{number}" for number in range(len(chain)))
        between = [Tensor(name, op.output.shape, kind) for name, kind in zip(names, stored, strict=True)]
        outputs = (*between, op.output)
        rewrites.update({item: () for item in chain})
        rewrites[op] = (
            replace(op, inputs=(source,), output=outputs[0]),
            *(
                replace(item, inputs=(read,), output=written)
                for item, read, written in zip(chain, outputs, outputs[1:], strict=False)
            ),
        )
        notes.append(Note("scale behind pool", op.layer, "a positive factor does not change which element is largest"))
    return rewritten(network, rewrites, notes)


def _positive_factors(network: Network, value: Value) -> tuple[Op, ...]:
    """Follow `value` back through per-channel factors above zero that have no other reader."""
    chain: list[Op] = []
    while (op := network.producers.get(value)) is not None and network.readers[op.output] == 1:
        above_zero = op.kind == "power_of_two" or (op.kind == "scale" and op.params[0].positive)
        if not above_zero or op.when != "run" or not per_channel(op):
            break
        chain.append(op)
        value = op.inputs[0]
    return tuple(reversed(chain))


def share_signs(network: Network) -> Network:
    """Take the sign of one map once, however many layers read it."""
    first: dict[Value, Op] = {}
    aliases: dict[Value, Value] = {}
    notes = []
    for op in network.ops:
        if op.kind != "sign" or first.setdefault(op.inputs[0], op) is op:
            continue
        aliases[op.output] = first[op.inputs[0]].output
        notes.append(Note("shared sign", op.layer, "the same map's bits are there already"))
    return rewritten(network, {op: () for op in network.ops if op.output in aliases}, notes, aliases)


def threshold(network: Network) -> Network:
    """Replace per-channel monotone operations before a sign by one compare with a stored threshold.

    Of every replaced operation's value only signs are left; it varies over channels at most and bends with
    positive slopes only. Then the composition is monotone in each channel and changes sign once. Where several
    signs read one norm, each gets a threshold of its own.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    signed = only_signed(network)
    for op in network.ops:
        chain = chain_to_sign(network, op.inputs[0], signed) if op.kind == "sign" else ()
        if not chain:
            continue
        base = chain[0].inputs[0]
        limit = whole_number_limit(network, base)
        stored = accumulator(limit + 1) if limit is not None else base.precision  # type: ignore[operator]
        names = [f"{op.output.name}.{name}" for name in ("threshold", "direction")]
        level = Param(names[0], channels(op.output), stored, "C")
        direction = Param(names[1], channels(op.output), BINARY, "C")
        rewrites.update({replaced: () for replaced in chain})
        rewrites[op] = (
            made_at_export("threshold_level", op, chain, level, limit),
            made_at_export("threshold_direction", op, chain, direction, limit),
            like_op(op, "threshold", (base,), (level, direction)),
        )
        sort = "a whole number" if limit is not None else "a real value"
        names_text = ", ".join(replaced.kind for replaced in chain)
        reason = f"{names_text} and sign become one compare with {sort} per channel: only signs read it"
        notes.append(Note("threshold", op.layer, reason))
    return rewritten(network, rewrites, notes)


def compare_with_sample(network: Network) -> Network:
    """Replace a subtraction whose only reader is a sign by a compare of its two sides."""
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        before = network.producers.get(op.inputs[0]) if op.kind == "sign" else None
        if before is None or before.kind != "subtract" or network.readers[before.output] != 1:
            continue
        rewrites[before] = ()
        rewrites[op] = (like_op(op, "compare", before.inputs),)
        notes.append(Note("compare", op.layer, "x - t >= 0 is x >= t: the sign is the difference's only reader"))
    return rewritten(network, rewrites, notes)


def gate_before_sign(network: Network) -> Network:
    """Leave out a gate by a sigmoid, which is positive, where a sign is the product's only reader."""
    rewrites: dict[Op, tuple[Op, ...]] = {}
    aliases: dict[Value, Value] = {}
    notes = []
    for op in network.ops:
        before = network.producers.get(op.inputs[0]) if op.kind == "sign" else None
        if before is None or before.kind != "multiply" or network.readers[before.output] != 1:
            continue
        gate = network.producers.get(before.inputs[1])
        if gate is None or gate.kind != "sigmoid":
            continue
        rewrites[before] = ()
        aliases[before.output] = before.inputs[0]
        notes.append(Note("gate", before.layer, "a positive gate changes no sign, and a sign is its only reader"))
    return rewritten(network, rewrites, notes, aliases)


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
        norm = next((n for n in norms if n and n.kind == "batch_norm" and network.readers[n.output] == 1), None)
        if norm is None or norm in rewrites or total.inputs[0] is total.inputs[1]:
            continue
        moved = replace(norm.output, name=f"{norm.output.name}.moved")
        rewrites[norm] = (norm, replace(op, inputs=(norm.output,), output=moved, layer=norm.layer))
        rewrites[total] = (replace(total, inputs=tuple(moved if i is norm.output else i for i in total.inputs)),)
        rewrites[op] = ()
        aliases[op.output] = total.output
        notes.append(Note("bias", op.layer, "a shift behind the shortcut's sum merges into the norm before it"))
    return rewritten(network, rewrites, notes, aliases)


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
    """Move the factor of a norm into floating-point weights before it; the offset stays, as the bias.

    Binary and integer weights cannot hold it: there the norm does the rescaling that their sums need anyway.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        conv = network.producers.get(op.inputs[0]) if op.kind == "affine" else None
        if conv is None or conv.kind != "conv" or network.readers[conv.output] != 1:
            continue
        weight = conv.params[0]
        if weight.precision.kind != "float" or op.params[0].axes != "C":
            continue
        scaled = Param(f"{weight.name}.scaled", weight.shape, weight.precision, weight.axes)
        make = Op("scaled_weight", (weight, op.params[0]), scaled, (), op.attributes, op.layer, op.origin, "export")
        rewrites[conv] = ()
        rewrites[op] = (
            make,
            replace(conv, params=(scaled, *conv.params[1:])),
            like_op(op, "bias", (conv.output,), (op.params[1],)),
        )
        notes.append(Note("weights", op.layer, "the norm's factor goes into the real-valued weights before it"))
    return rewritten(network, rewrites, notes)


def remaining_norms(network: Network) -> Network:
    """Say of each norm that stays why it does: who else reads its value."""
    notes = []
    for op in network.ops:
        if op.kind == "affine" and op.when == "run":
            readers = sorted({reader.kind for reader in network.ops if op.output in reader.inputs})
            who = " and ".join(readers) if readers else "the network's output"
            notes.append(Note("norm stays", op.layer, f"its real value is read by {who}", applied=False))
    return rewritten(network, {}, notes)


RULES: tuple[Rule, ...] = (
    without_training,
    share_signs,
    gate_before_sign,
    live,
    sign_before_pool,
    scale_behind_pool,
    threshold,
    compare_with_sample,
    live,
    bias_through_sum,
    merge_affine,
    scale_into_weights,
    remaining_norms,
    live,
)


def fold(network: Network) -> Network:
    """Apply every rule in order; the notes of the result say what was folded and why."""
    for rule in RULES:
        network = rule(network)
    return network


def unfolded(network: Network) -> Network:
    """The network as its methods asked for it, less what only training runs."""
    return live(without_training(network))
