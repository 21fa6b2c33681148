"""Folding rules round the sign: what stands before it becomes a threshold, or nothing.

They keep every bit of the binary maps, rounding included (see `docs/folding.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from costmodel.folding.rewriting import (
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
from costmodel.graph import (
    BINARY,
    Dimension,
    Network,
    Note,
    Op,
    Param,
    Tensor,
    Value,
    accumulator,
    everywhere,
)
from costmodel.operations import known


def sign_before_pool(network: Network) -> Network:
    """Take the sign before a max pool, which then is an OR of bits: max commutes with a rising map.

    What stands between pool and sign rises and goes before the pool, too. Only where a monotone operation stands
    before the pool, to fold with; nothing else may read the pool or what is behind it.
    """
    rewrites: dict[Op, tuple[Op, ...]] = {}
    notes = []
    for op in network.ops:
        between, pool = _back_to_pool(network, op.inputs[0]) if op.kind == "sign" else ((), None)
        if pool is None or network.readers[pool.inputs[0]] != 1:
            continue
        if not _can_fold(network.producers.get(pool.inputs[0])):
            continue
        source = pool.inputs[0]
        assert isinstance(source, Tensor)
        moved: list[Op] = []
        value: Value = source
        for one in between:
            output = Tensor(f"{one.output.name}.unpooled", source.shape, one.output.precision)
            moved.append(replace(one, inputs=(value,), output=output))
            value = output
        bits = Tensor(f"{source.name}.bits", source.shape, BINARY)
        rewrites |= dict.fromkeys((pool, *between), ())
        rewrites[op] = (
            *moved,
            replace(op, inputs=(value,), output=bits),
            replace(pool, inputs=(bits,), output=op.output),
        )
        notes.append(
            Note("sign before pool", op.layer, "the largest of a window is positive if any bit of it is")
        )
    return rewritten(network, rewrites, notes)


def _back_to_pool(network: Network, value: Value) -> tuple[tuple[Op, ...], Op | None]:
    """Follow `value` back through rising operations to the max pool that they read, each with a single reader."""
    between: list[Op] = []
    while (op := network.producers.get(value)) is not None and network.readers[value] == 1:
        if op.kind == "max_pool":
            return tuple(reversed(between)), op
        if op.when != "run" or not _rises(op):
            break
        between.append(op)
        value = op.inputs[0]
    return (), None


def _rises(op: Op) -> bool:
    """Whether an operation keeps the order of the numbers of each channel."""
    kind = known(op.kind)
    keeps_order = kind.affine is None or op.kind in ("bias", "power_of_two") or op.params[0].positive
    return kind.monotone and per_channel(op) and keeps_order and op.kind not in ("batch_norm", "affine")


def _can_fold(op: Op | None) -> bool:
    return op is not None and op.when == "run" and known(op.kind).monotone and per_channel(op)


def gate_before_sign(network: Network) -> Network:
    """Leave out a positive factor, of a sigmoid or one over a root, where a sign is the product's only reader.

    A gate that goes may have been the last other reader of an earlier product, whose gate goes then, too.
    """
    while (fewer := _without_gates(network)) is not network:
        network = live(fewer)
    return network


def _without_gates(network: Network) -> Network:
    rewrites: dict[Op, tuple[Op, ...]] = {}
    aliases: dict[Value, Value] = {}
    notes = []
    for op in network.ops:
        before = network.producers.get(op.inputs[0]) if op.kind == "sign" else None
        if before is None or before.kind != "multiply" or network.readers[before.output] != 1:
            continue
        kept = _without_gate(network, before)
        if kept is None:
            continue
        rewrites[before] = ()
        aliases[before.output] = kept
        notes.append(
            Note("gate", before.layer, "a positive gate changes no sign, and a sign is its only reader")
        )
    return rewritten(network, rewrites, notes, aliases)


def _without_gate(network: Network, product: Op) -> Value | None:
    """The factor beside a positive one, whichever stands first; it has the size of the product."""
    for kept, gate in (product.inputs, product.inputs[::-1]):
        if _positive(network, gate) and all(map(_same, kept.shape, product.output.shape)):
            return kept
    return None


def _same(one: Dimension, other: Dimension) -> bool:
    return everywhere(one == other)


def _positive(network: Network, value: Value) -> bool:
    """Whether a map is made by a sigmoid, an exponential, a root, or as one over such a map."""
    op = network.producers.get(value)
    if op is None or op.kind == "sigmoid":
        return op is not None
    function = op.attributes.get("function") if op.kind == "table" else ""
    return function in ("exp", "sqrt") or (function == "reciprocal" and _positive(network, op.inputs[0]))


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
        notes.append(
            Note("compare", op.layer, "x - t >= 0 is x >= t: the sign is the difference's only reader")
        )
    return rewritten(network, rewrites, notes)


_SIGNS = ("sign", "threshold")
_SMALLER = ("subsample", "pad_channels", "max_pool")
"""Kinds besides monotone ones that go with a sign into the layer whose map they read."""


def sign_where_made(network: Network) -> Network:
    """Take signs in the layer that makes a map, where nothing but signs of it, and fewer bits, goes to other layers.

    So no sum is stored for a reader that needs one bit of it. What stands between the map and a sign goes along:
    monotone operations, choices of elements and max pools that nothing else reads.
    """
    readers: dict[Value, list[Op]] = {}
    for op in network.running():
        for item in op.inputs:
            readers.setdefault(item, []).append(op)
    moved: dict[Op, str] = {}
    notes = []
    for maker in network.running():
        made, layer = maker.output, moved.get(maker, maker.layer)
        outside = [op for op in readers.get(made, ()) if moved.get(op, op.layer) != layer]
        way = None if made is network.output else _way_to_signs(network, outside, readers)
        if not way or made.precision == BINARY:
            continue
        signs = [op for op in way if op.kind in _SIGNS]
        if not everywhere(sum(op.output.bits for op in signs) < made.bits):
            continue
        moved |= dict.fromkeys(way, layer)
        count = "one sign" if len(signs) == 1 else f"{len(signs)} signs"
        reason = (
            f"other layers read {count} of its {made.precision.label} map alone: bits are stored, taken here"
        )
        notes.append(Note("bits between layers", layer, reason))
    return rewritten(network, {op: (replace(op, layer=layer),) for op, layer in moved.items()}, notes)


def _way_to_signs(network: Network, ops: list[Op], readers: Mapping[Value, list[Op]]) -> list[Op] | None:
    """List operations and what follows them up to signs; None where something else is read on the way."""
    way = []
    for op in ops:
        way.append(op)
        if op.kind in _SIGNS:
            continue
        goes_along = op.kind in _SMALLER or known(op.kind).monotone
        further = _way_to_signs(network, readers.get(op.output, []), readers) if goes_along else None
        if not further or op.output is network.output:
            return None
        way += further
    return way
