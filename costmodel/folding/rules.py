"""The folding rules in the order in which they run; `docs/folding.md` lists them with their preconditions."""

from __future__ import annotations

from collections.abc import Callable, Container

from costmodel.folding.merging import (
    average_before_norm,
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
    share_signs,
    sign_before_pool,
    sign_where_made,
    threshold,
)
from costmodel.graph import Network, Note, Value

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
    share_signs,
    gate_before_sign,
    average_before_norm,
    live,
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
