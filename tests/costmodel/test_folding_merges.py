"""Folding rules that merge factors and shifts, on networks of a few operations: where they fire, and must not."""

from __future__ import annotations

import pytest
from toy_networks import (
    CHANNELS,
    ELEMENTS,
    FP32,
    SIDE,
    bits_of,
    builder,
    check,
    kinds,
    pooled,
    rules_of,
    shift,
)

from costmodel.builder import Builder
from costmodel.demand.counts import count, totals
from costmodel.graph import Tensor, precision


def test_positive_factors_move_behind_a_max_pool_into_the_norm() -> None:
    g = builder()
    y = g.scale(bits_of(g), g.param("alpha", (CHANNELS,), "C", positive=True))
    y = g.power_of_two(y, g.param("exponent", (CHANNELS,), "C"))
    folded = check(g.finish(g.relu(g.batch_norm(pooled(g, y, padding=1)))), exactly=False)
    assert kinds(folded) == ["sign", "conv", "max_pool", "affine", "relu"]
    assert rules_of(folded) == {"pool before scale": 1, "merge": 1}


def test_a_threshold_behind_a_pool_and_a_factor_stands_on_whole_numbers() -> None:
    g = builder()
    y = g.scale(bits_of(g), g.param("alpha", (CHANNELS,), "C", positive=True))
    folded = check(g.finish(g.sign(g.batch_norm(g.bias(pooled(g, y), shift(g))))))
    assert kinds(folded) == ["sign", "conv", "max_pool", "threshold"]
    assert any("a whole number" in note.reason for note in folded.notes)


def test_a_sign_behind_a_pool_goes_first_so_that_the_norm_before_the_scale_folds_too() -> None:
    g = builder()
    y = g.scale(g.batch_norm(bits_of(g)), g.param("alpha", (CHANNELS,), "C", positive=True))
    folded = check(g.finish(g.sign(pooled(g, y))))
    assert kinds(folded) == ["sign", "conv", "threshold", "max_pool"]


def test_a_shift_waits_for_the_pool_so_that_the_norm_behind_becomes_a_threshold() -> None:
    g = builder()
    y = g.bias(bits_of(g), shift(g))
    folded = check(g.finish(g.sign(g.batch_norm(pooled(g, y)))))
    assert kinds(folded) == ["sign", "conv", "max_pool", "threshold"]
    assert rules_of(folded) == {"pool before scale": 1, "threshold": 1}


@pytest.mark.parametrize("case", ["any sign", "varies over the map", "read twice", "average"])
def test_what_stays_before_its_pool(case: str) -> None:
    g = builder()
    axes = ("HW", (SIDE, SIDE)) if case == "varies over the map" else ("C", (CHANNELS,))
    factor = g.param("alpha", axes[1], axes[0], positive=case != "any sign")
    y = g.scale(bits_of(g), factor)
    z = g.batch_norm(pooled(g, y, "average_pool" if case == "average" else "max_pool"))
    other = pooled(g, y, "average_pool")
    folded = check(g.finish(g.add(z, other) if case == "read twice" else z), exactly=False)
    assert "scale" in kinds(folded) and "pool before scale" not in rules_of(folded)


def averaged(g: Builder, x: Tensor) -> Tensor:
    """A map that a sign and an average read, joined again."""
    return g.multiply(g.sign(x), g.map("global_average_pool", (x,), shape=(CHANNELS, 1, 1)))


def stored(g: Builder) -> Tensor:
    """Sums of bits as they are kept: with the precision of features; 4 of them, whose average is exact."""
    bent = g.prelu(bits_of(g), g.param("slope", (CHANNELS,), "C", positive=True))
    return g.map("subsample", (bent,), shape=(CHANNELS, 2, 2), attributes={"stride": 3})


def test_a_norm_that_signs_and_an_average_read_acts_on_the_average() -> None:
    g = builder()
    folded = check(g.finish(averaged(g, g.batch_norm(stored(g)))), exactly=False)
    assert kinds(folded)[3:] == ["subsample", "threshold", "global_average_pool", "affine", "multiply"]
    assert rules_of(folded) == {"average before norm": 1, "threshold": 1}
    assert (
        totals(count(folded))["add", "int16"] == CHANNELS * (4 - 1) + CHANNELS
    )  # the sum, and one norm a channel


@pytest.mark.parametrize(
    "case", ["read by a sum too", "averaged alone", "varies over the map", "is the output"]
)
def test_what_is_averaged_behind_its_norm(case: str) -> None:
    g = builder()
    x = stored(g)
    over_map = g.param("factor", (2, 2), "HW", positive=True)
    y = g.scale(x, over_map) if case == "varies over the map" else g.batch_norm(x)
    z = (
        averaged(g, y)
        if case != "averaged alone"
        else g.map("global_average_pool", (y,), shape=(CHANNELS, 1, 1))
    )
    network = g.finish(g.add(z, y) if case == "read by a sum too" else y if case == "is the output" else z)
    assert "average before norm" not in rules_of(check(network, exactly=False))


def test_a_scale_before_a_norm_merges_into_it() -> None:
    g = builder()
    y = g.scale(bits_of(g), g.param("alpha", (CHANNELS,), "C", positive=True))
    folded = check(g.finish(g.batch_norm(y)), exactly=False)
    assert kinds(folded) == ["sign", "conv", "affine"] and rules_of(folded) == {"merge": 1}
    found = totals(count(folded))
    assert found["mul", "int16"] == found["add", "int16"] == ELEMENTS


def test_scales_alone_merge_into_a_scale_and_shifts_into_a_shift() -> None:
    g = builder()
    y = g.scale(g.scale(g.input, g.param("a", (CHANNELS,), "C")), g.param("b", (), ""))
    assert kinds(check(g.finish(y), exactly=False)) == ["scale"]
    g = builder()
    assert kinds(check(g.finish(g.bias(g.bias(g.input, shift(g)), shift(g))), exactly=False)) == ["bias"]


def test_a_lone_scale_or_shift_is_left_as_it_is() -> None:
    g = builder()
    folded = check(g.finish(g.relu(g.scale(g.input, g.param("a", (CHANNELS,), "C")))))
    assert kinds(folded) == ["scale", "relu"] and not folded.notes


@pytest.mark.parametrize("case", ["scale read twice", "varies over the map", "relu between"])
def test_what_does_not_merge(case: str) -> None:
    g = builder()
    axes = ("HW", (SIDE, SIDE)) if case == "varies over the map" else ("C", (CHANNELS,))
    scaled = g.scale(bits_of(g), g.param("alpha", axes[1], axes[0], positive=True))
    y = g.batch_norm(g.relu(scaled) if case == "relu between" else scaled)
    folded = check(g.finish(g.add(scaled, y) if case == "scale read twice" else y), exactly=False)
    assert "scale" in kinds(folded) and "affine" in kinds(folded) and "merge" not in rules_of(folded)


def shifted_sum(g: Builder, left: Tensor, right: Tensor) -> Tensor:
    return g.relu(g.bias(g.add(left, right), shift(g)))


def test_a_shift_behind_a_sum_moves_into_the_norm() -> None:
    g = builder()
    folded = check(g.finish(shifted_sum(g, g.batch_norm(bits_of(g)), g.input)), exactly=False)
    assert kinds(folded) == ["sign", "conv", "affine", "add", "relu"]
    assert rules_of(folded) == {"bias": 1, "merge": 1}


@pytest.mark.parametrize(
    "case", ["norm read twice", "sum read twice", "no norm", "varies over the map", "doubled"]
)
def test_a_shift_that_stays_behind_its_sum(case: str) -> None:
    g = builder()
    norm = g.relu(bits_of(g)) if case == "no norm" else g.batch_norm(bits_of(g))
    total = g.add(norm, norm if case == "doubled" else g.input)
    y = g.relu(g.bias(total, shift(g, "HW" if case == "varies over the map" else "C")))
    if case == "norm read twice":
        y = g.add(y, norm)
    if case == "sum read twice":
        y = g.add(y, total)
    folded = check(g.finish(y), exactly=False)
    assert "bias" in kinds(folded) and "bias" not in rules_of(folded)


def test_the_norms_factor_goes_into_floating_point_weights() -> None:
    g = builder("fp32")
    y = g.conv(g.input, g.narrow_weight(CHANNELS, g.input, 3, FP32), padding=1)
    folded = check(g.finish(g.relu(g.batch_norm(y))), exactly=False)
    assert kinds(folded) == ["conv", "bias", "relu"]
    assert ("mul", "fp32") not in totals(count(folded))


def test_a_factor_alone_goes_into_them_without_a_trace() -> None:
    g = builder("fp32")
    y = g.conv(g.input, g.narrow_weight(CHANNELS, g.input, 3, FP32), padding=1)
    folded = check(g.finish(g.relu(g.scale(y, g.param("factor", (CHANNELS,), "C")))), exactly=False)
    assert kinds(folded) == ["conv", "relu"] and rules_of(folded) == {"weights": 1}


@pytest.mark.parametrize("behind", ["norm", "factor", "relu"])
@pytest.mark.parametrize("stored", ["fp32", "int8"])
def test_a_fully_connected_layer_adds_one_offset(stored: str, behind: str) -> None:
    """Its own bias is not added beside that of the norm behind it; where there is none, it stays where it was."""
    g = builder(stored)
    made = g.linear(g.input, 5, weight=precision(stored))
    y = {
        "norm": lambda: g.relu(g.batch_norm(made)),
        "factor": lambda: g.scale(made, g.param("share", (), "", positive=True)),
        "relu": lambda: g.relu(made),
    }[behind]()
    folded = check(g.finish(y), exactly=False)
    floating = stored == "fp32"
    left = {
        "norm": ["bias", "relu"] if floating else ["affine", "relu"],
        "factor": ["bias"] if floating else ["scale"],
        "relu": ["relu"],
    }[behind]
    assert kinds(folded) == ["linear", *left]
    (layer,) = (op for op in folded.running() if op.kind == "linear")
    assert len(layer.params) == (2 if behind == "relu" or (behind == "factor" and not floating) else 1)


@pytest.mark.parametrize("case", ["integer weights", "convolution read twice"])
def test_a_factor_that_stays_out_of_the_weights(case: str) -> None:
    stored = "int8" if case == "integer weights" else "fp32"
    g = builder(stored)
    y = g.conv(g.input, g.narrow_weight(CHANNELS, g.input, 3, precision(stored)), padding=1)
    normed = g.relu(g.batch_norm(y))
    folded = check(g.finish(g.add(normed, y) if case == "convolution read twice" else normed), exactly=False)
    assert "affine" in kinds(folded) and "weights" not in rules_of(folded)
