"""Folding keeps every output: for every method on every backbone, and for random combinations of methods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    NARROW,
    any_values,
    assert_exact,
    dyadic_values,
    emitting,
    evaluate,
    images,
    small_designs,
    small_images,
    small_key,
)

from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of
from costmodel.designs.settings import COMPUTE, PADDING
from costmodel.errors import BnncostError
from costmodel.folding import fold, unfolded
from costmodel.graph import BINARY, Network
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.operations.run import exported_values, run

EVERY_METHOD = [(network, name) for network in NARROW for name in emitting(network)]
REORDERING = {"merge", "bias", "weights"}
"""Rules that are exact in real arithmetic, but round in another order."""


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("network", NARROW)
def test_plain_networks_keep_their_output(network: str, padding: str) -> None:
    assert_exact(small_key(network, padding=padding), seed=1)


@pytest.mark.parametrize(("network", "name"), EVERY_METHOD)
def test_every_method_alone_keeps_the_output(network: str, name: str) -> None:
    for seed, padding in enumerate(PADDING):
        assert_exact(small_key(network, name, padding=padding), seed)


@given(key=small_designs(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_combined_methods_keep_the_output(key: DesignKey, seed: int) -> None:
    assert_exact(key, seed)


@pytest.mark.parametrize("network", NARROW)
@pytest.mark.parametrize(
    "name", ["boolean_shortcut(slices=2)", "norm_before_sign(only=true)", "prelu(early=true)"]
)
def test_options_that_change_the_structure_keep_the_output(network: str, name: str) -> None:
    if not backbone_of(network).offers(METHODS[name.split("(")[0]].hook):
        with pytest.raises(BnncostError, match="has no place"):
            build(DesignKey.parse(f"{network}[{name}]/digits"))
        return
    key = DesignKey.parse(f"{network}[{name}]@w{NARROW[network]:g}/{small_images(network)}")
    for seed in range(3):
        assert_exact(key, seed)


@pytest.mark.parametrize("compute", [name for name in COMPUTE if not name.startswith("fp")])
@pytest.mark.parametrize("network", NARROW)
def test_other_integer_operands_keep_the_output(network: str, compute: str) -> None:
    assert_exact(small_key(network, compute=compute), seed=2)


@pytest.mark.parametrize("network", NARROW)
def test_floating_point_networks_keep_the_output_up_to_rounding(network: str) -> None:
    key = small_key(network, compute="fp32", features="fp32", edge="fp32")
    whole = build(key)
    rng = np.random.default_rng(3)
    values, image = dyadic_values(whole, rng), images(whole, rng)
    folded = fold(whole)
    assert "weights" in {note.rule for note in folded.notes}
    assert np.allclose(run(folded, values, image), run(whole, values, image), rtol=1e-9, atol=0)


@given(key=small_designs(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_thresholds_are_exact_for_arbitrary_numbers(key: DesignKey, seed: int) -> None:
    """Where no rule changed the order of rounding, every map of the folded network is the same, bit for bit."""
    network = build(key)
    folded = fold(network)
    rng = np.random.default_rng(seed)
    values, image = any_values(network, rng), images(network, rng)
    expected, found = evaluate(network, values, image), evaluate(folded, values, image)
    if {note.rule for note in folded.notes} & REORDERING:
        first = _first_reordered(folded)
        found = {tensor: array for tensor, array in found.items() if _comes_before(folded, tensor, first)}
    for tensor, array in found.items():
        if tensor in expected and tensor.precision == BINARY:
            assert np.array_equal(array, expected[tensor]), tensor.name


def _first_reordered(folded: Network) -> str:
    """Layer of the first operation that a reordering rule touched."""
    layers = {note.layer for note in folded.notes if note.rule in REORDERING}
    return next(op.layer for op in folded.ops if op.layer in layers)


def _comes_before(folded: Network, tensor: object, layer: str) -> bool:
    names = [op.layer for op in folded.ops]
    made = next((place for place, op in enumerate(folded.ops) if op.output is tensor), -1)
    return made < names.index(layer)


@given(key=small_designs(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_thresholds_are_stored_as_whole_numbers_that_fit(key: DesignKey, seed: int) -> None:
    folded = fold(build(key))
    values = any_values(build(key), np.random.default_rng(seed))
    stored = exported_values(folded, values)
    for op in folded.running():
        if op.kind != "threshold":
            continue
        level, direction = (stored[param.name] for param in op.params)
        assert set(np.unique(direction)) <= {-1, 1}
        assert level.shape == tuple(op.params[0].shape) == (op.output.shape[0],)
        maker = folded.producers[op.params[0]]
        if maker.attributes["limit"] is not None:
            assert np.array_equal(level, np.rint(level))
            assert np.max(abs(level)) < 2 ** (op.params[0].precision.bits - 1)


@given(key=small_designs())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_folding_twice_changes_nothing(key: DesignKey) -> None:
    once = fold(build(key))
    twice = fold(once)
    assert [op.kind for op in twice.running()] == [op.kind for op in once.running()]


@given(key=small_designs())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_folding_removes_training_and_says_what_it_did(key: DesignKey) -> None:
    network = build(key)
    assert all(op.when != "train" for op in (*fold(network).ops, *unfolded(network).ops))
    applied = {note.rule for note in fold(network).notes if note.applied}
    kinds = {op.kind for op in fold(network).running()}
    assert ("threshold" in kinds) == ("threshold" in applied)
    assert all(note.reason and note.layer for note in fold(network).notes)
