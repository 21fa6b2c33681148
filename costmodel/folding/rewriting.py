"""What every folding rule needs: replacing operations, following chains, removing what nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from costmodel.graph import BINARY, Network, Note, Op, Param, Tensor, Value, When
from costmodel.operations import known

Rewrites = Mapping[Op, tuple[Op, ...]]


def rewritten(
    network: Network,
    rewrites: Rewrites,
    notes: Iterable[Note] = (),
    aliases: Mapping[Value, Value] | None = None,
) -> Network:
    """Replace operations by others (or by none), then values by their aliases, and record notes."""
    ops, output = network.ops, network.output
    if rewrites:
        ops = tuple([new for op in ops for new in rewrites.get(op, (op,))])
    if aliases:
        ops = tuple([_renamed(op, aliases) for op in ops])
        output = _final(output, aliases)  # type: ignore[assignment]
    together = (*network.notes, *notes)
    if ops is network.ops and len(together) == len(network.notes):
        return network  # as it was, with what is known of it
    return Network(network.name, ops, network.input, output, together)


def _final(value: Value, aliases: Mapping[Value, Value]) -> Value:
    while value in aliases:
        value = aliases[value]
    return value


def _renamed(op: Op, aliases: Mapping[Value, Value]) -> Op:
    if not any(value in aliases for value in op.inputs):
        return op
    return replace(op, inputs=tuple(_final(value, aliases) for value in op.inputs))


def live(network: Network) -> Network:
    """Drop operations whose result nobody reads."""
    needed: set[Value] = {network.output}
    kept = []
    for op in reversed(network.ops):
        if op.output in needed:
            needed.update(op.inputs, op.params)
            kept.append(op)
    if len(kept) == len(network.ops):
        return network
    return Network(network.name, tuple(reversed(kept)), network.input, network.output, network.notes)


def per_channel(op: Op) -> bool:
    """Say whether every parameter varies over channels at most, and slopes are promised to be positive."""
    bending = known(op.kind).affine is None
    return all(param.axes in ("", "C") and (param.positive or not bending) for param in op.params)


def only_signed(network: Network) -> set[Value]:
    """Find the values of which nothing but signs is left in the end, through monotone maps or directly."""
    signed: set[Value] = set()
    real: set[Value] = {network.output}  # values that something reads as they are
    for op in reversed(network.ops):
        if op.output not in real:
            signed.add(op.output)
        dissolves = op.kind == "sign" or (op.output in signed and op.when == "run" and _monotone(op))
        real.update(() if dissolves else op.inputs)
    return signed


def _monotone(op: Op) -> bool:
    return known(op.kind).monotone and per_channel(op)


def chain_to_sign(network: Network, value: Value, signed: set[Value]) -> tuple[Op, ...]:
    """Follow `value` back through per-channel monotone operations of which only signs are left."""
    chain: list[Op] = []
    while (op := network.producers.get(value)) is not None and value in signed:
        if op.when != "run" or not _monotone(op):
            break
        chain.append(op)
        value = op.inputs[0]
    return tuple(reversed(chain))


def affine_chain(network: Network, value: Value) -> tuple[Op, ...]:
    """Follow `value` back through per-channel factors and offsets with a single reader each."""
    chain: list[Op] = []
    while (op := network.producers.get(value)) is not None:
        single = network.readers[op.output] == 1
        if known(op.kind).affine is None or op.when != "run" or not single or not per_channel(op):
            break
        chain.append(op)
        value = op.inputs[0]
    return tuple(reversed(chain))


def whole_number_limit(network: Network, value: Value) -> object:
    """Largest magnitude of a value known to be a whole number (a sum of products of bits), else None."""
    op = network.producers.get(value)
    if op is None:
        return None
    if op.kind == "max_pool":
        return whole_number_limit(network, op.inputs[0])
    if op.kind == "add":
        left, right = (whole_number_limit(network, item) for item in op.inputs)
        return None if left is None or right is None else left + right  # type: ignore[operator]
    if op.kind == "conv" and op.params[0].precision == BINARY and op.inputs[0].precision == BINARY:
        weight = op.params[0]
        return weight.size // weight.shape[0]
    return None


def made_at_export(kind: str, op: Op, chain: tuple[Op, ...], like: Param, limit: object = None) -> Op:
    """Make the export operation that computes a folded parameter from those of a chain."""
    inputs = tuple(param for replaced in chain for param in replaced.params)
    attributes = MappingProxyType({"chain": chain, "limit": limit})
    return Op(kind, inputs, like, (), attributes, op.layer, op.origin, "export")


def like_op(
    op: Op, kind: str, inputs: tuple[Value, ...], params: tuple[Param, ...] = (), when: When = "run"
) -> Op:
    """Make an operation that stands in the place of `op` and gives the same output."""
    return Op(kind, inputs, op.output, params, MappingProxyType({}), op.layer, op.origin, when)


def channels(tensor: Value) -> tuple:
    """Shape of a parameter that has one entry per channel of `tensor`."""
    assert isinstance(tensor, Tensor)
    return (tensor.shape[0],)
