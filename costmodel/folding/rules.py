"""The folding rules in the order in which they run; `docs/folding.md` lists them with their preconditions."""

from __future__ import annotations

from collections.abc import Callable, Container

import numpy as np

from costmodel.folding.merging import (
    average_before_norm,
    bias_of_linear,
    bias_through_sum,
    merge_affine,
    pool_before_scale,
    scale_into_weights,
)
from costmodel.folding.rewriting import (
    live,
    rewritten,
)
from costmodel.folding.signs import (
    compare_with_sample,
    gate_before_sign,
    sign_before_pool,
    sign_where_made,
    threshold,
)
from costmodel.graph import Network, Note, Op, Value

Rule = Callable[[Network], Network]


def without_training(network: Network) -> Network:
    """Leave out operations of training only: each passes its first input on."""
    training = [op for op in network.ops if op.when == "train"]
    if not training:
        return network
    notes = [
        Note("training only", op.layer, f"'{op.kind}' of {op.origin} runs in training only")
        for op in training
    ]
    aliases: dict[Value, Value] = {op.output: op.inputs[0] for op in training}
    return rewritten(network, {op: () for op in training}, notes, aliases)


def share_results(network: Network) -> Network:
    """Compute once what several layers compute of the same values without parameters: a map's signs, its magnitudes."""
    made: dict[tuple[str, tuple[Value, ...]], list[Op]] = {}
    aliases: dict[Value, Value] = {}
    notes = []
    for op in network.ops:
        if op.params or op.when != "run":
            continue
        inputs = tuple([aliases.get(value, value) for value in op.inputs])
        earlier = made.setdefault((op.kind, inputs), [])
        first = next((one for one in earlier if _same_result(one, op)), None)
        if first is None:
            earlier.append(op)
            continue
        aliases[op.output] = first.output
        reason = f"the '{op.kind}' of the same values is there already"
        notes.append(Note("shared result", op.layer, reason))
    return rewritten(network, {op: () for op in network.ops if op.output in aliases}, notes, aliases)


def _same_result(one: Op, other: Op) -> bool:
    """Whether two operations of a kind make the same of the same values; estimators of a sign are of training alone."""
    if one.kind == "sign":
        return True
    told, shape = one.attributes, one.output.shape
    return (
        one.output.precision == other.output.precision
        and all(map(_equal, shape, other.output.shape))
        and told.keys() == other.attributes.keys()
        and all(_equal(value, other.attributes[name]) for name, value in told.items())
    )


def _equal(one: object, other: object) -> bool:
    """Compare what may follow the widths, at every width."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)  # type: ignore[arg-type]
    return one == other


def remaining_norms(network: Network) -> Network:
    """Say of each norm that stays why it does: who else reads its value."""
    norms = {op.output: op for op in network.ops if op.kind == "affine" and op.when == "run"}
    kinds: dict[Value, set[str]] = {value: set() for value in norms}
    for reader in network.ops:
        for value in kinds.keys() & reader.inputs:
            kinds[value].add(reader.kind)
    notes = []
    for value, op in norms.items():
        who = " and ".join(sorted(kinds[value])) or "the network's output"
        notes.append(Note("norm stays", op.layer, f"its real value is read by {who}", applied=False))
    return rewritten(network, {}, notes)


RULES: tuple[Rule, ...] = (
    without_training,
    share_results,
    gate_before_sign,
    average_before_norm,
    live,
    bias_of_linear,
    sign_before_pool,
    pool_before_scale,
    threshold,
    compare_with_sample,
    live,
    bias_through_sum,
    merge_affine,
    scale_into_weights,
    sign_where_made,
    remaining_norms,
    live,
)


def fold(network: Network, without: Container[str] = ()) -> Network:
    """Apply every rule in order, but for those named in `without`; the notes of the result say what was folded and why.

    Software that lacks a rule is predicted without it.
    """
    for rule in RULES:
        if rule.__name__ not in without:
            network = rule(network)
    return network


def unfolded(network: Network) -> Network:
    """The network as its methods emit it, without what only training runs."""
    return live(without_training(network))
