"""Each folding rule on networks of a few operations: where it fires, and where it must not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from strategies import EPSILON
from toy_networks import (
    CHANNELS,
    ELEMENTS,
    SIDE,
    bits_of,
    builder,
    check,
    kinds,
    rules_of,
    shift,
    slopes,
)

from costmodel.builder import Builder
from costmodel.demand.counts import count, totals
from costmodel.folding import RULES, fold, unfolded
from costmodel.folding.rewriting import whole_number_limit
from costmodel.graph import BINARY, Network, Tensor, precision
from costmodel.operations.run import exported_values, run

# ------------------------------------------------------------------ threshold


def test_norm_and_sign_become_one_compare_with_a_whole_number() -> None:
    g = builder()
    folded = check(g.finish(g.sign(g.batch_norm(bits_of(g)))))
    assert kinds(folded) == ["sign", "conv", "threshold"]
    assert rules_of(folded) == {"threshold": 1}
    assert "a whole number" in folded.notes[0].reason
    assert totals(count(folded)) == {
        ("compare", "int16"): 2 * ELEMENTS,
        ("mac", "1x1"): ELEMENTS * CHANNELS * 9,
    }


def test_a_norm_of_real_values_gets_a_threshold_at_their_precision() -> None:
    g = builder()
    folded = check(g.finish(g.sign(g.batch_norm(g.input))))
    assert kinds(folded) == ["threshold"]
    assert "a real value" in folded.notes[0].reason


def test_a_whole_chain_of_monotone_maps_becomes_one_threshold() -> None:
    g = builder()
    x = g.scale(bits_of(g), g.param("alpha", (CHANNELS,), "C", positive=True))
    x = g.prelu(g.bias(g.batch_norm(x), shift(g)), slopes(g))
    x = g.hardtanh(g.bias(x, shift(g)))
    folded = check(g.finish(g.sign(x)))
    assert kinds(folded) == ["sign", "conv", "threshold"]


def norm_values(gamma: float, beta: float, mean: float) -> dict[str, np.ndarray]:
    fill = {"gamma": gamma, "beta": beta, "mean": mean, "variance": 1 - EPSILON}
    return {name: np.full(CHANNELS, value) for name, value in fill.items()}


@pytest.mark.parametrize(
    ("gamma", "beta", "mean", "level", "direction"),
    [
        (2.0, 0.0, 3.0, 3, 1),  # 2 (x - 3) >= 0 where x >= 3
        (2.0, 1.0, 3.0, 3, 1),  # 2 (x - 3) + 1 >= 0 where x >= 2.5: the next whole number is 3
        (-2.0, 1.0, 3.0, 3, -1),  # -2 (x - 3) + 1 >= 0 where x <= 3.5: the last whole number is 3
        (-2.0, 0.0, 3.0, 3, -1),  # a negative factor flips the compare, equality included
        (-1.0, -1.0, 0.0, -1, -1),  # -x - 1 >= 0 where x <= -1
    ],
)
def test_threshold_by_hand(gamma: float, beta: float, mean: float, level: int, direction: int) -> None:
    g = builder()
    folded = fold(g.finish(g.sign(g.batch_norm(bits_of(g)))))
    stored = exported_values(
        folded, {"weight": np.ones((CHANNELS, CHANNELS, 3, 3)), **norm_values(gamma, beta, mean)}
    )
    found = {
        name.rsplit(".", 1)[-1]: value for name, value in stored.items() if not name.startswith("weight")
    }
    assert np.array_equal(found["threshold"], np.full(CHANNELS, level))
    assert np.array_equal(found["direction"], np.full(CHANNELS, direction))


@pytest.mark.parametrize(("beta", "bit"), [(0.5, 1), (0.0, 1), (-0.5, -1)])
@pytest.mark.parametrize("whole", [True, False])
def test_zero_factor_makes_a_constant_channel(beta: float, bit: int, whole: bool) -> None:
    g = builder()
    network = g.finish(g.sign(g.batch_norm(bits_of(g) if whole else g.input)))
    rng = np.random.default_rng(1)
    values = {"weight": rng.normal(size=(CHANNELS, CHANNELS, 3, 3)), **norm_values(0.0, beta, 3.0)}
    found = run(fold(network), values, rng.normal(size=(CHANNELS, SIDE, SIDE)))
    assert np.array_equal(found, np.full((CHANNELS, SIDE, SIDE), bit))


def test_every_sign_that_reads_one_norm_gets_a_threshold_of_its_own() -> None:
    g = builder()
    x = g.batch_norm(bits_of(g))
    signs = [g.sign(g.bias(x, shift(g))) for _ in range(3)]
    shape = (3 * CHANNELS, SIDE, SIDE)
    folded = check(g.finish(g.map("concatenate", tuple(signs), shape=shape, stored=BINARY)))
    assert kinds(folded) == ["sign", "conv", *["threshold"] * 3, "concatenate"]
    assert rules_of(folded) == {"threshold": 3}


def read_by_a_shortcut_too(g: Builder) -> Tensor:
    x = g.batch_norm(bits_of(g))
    return g.add(x, g.sign(x))


def read_as_the_output_too(g: Builder) -> Tensor:
    x = g.batch_norm(bits_of(g))
    g.sign(x)
    return x


def scaled_over_the_map(g: Builder) -> Tensor:
    factor = g.param("beta", (SIDE, SIDE), "HW", initial=1.0, positive=True)
    return g.sign(g.bias(g.scale(bits_of(g), factor), shift(g)))


def scaled_over_rows(g: Builder) -> Tensor:
    return g.sign(g.bias(g.scale(bits_of(g), g.param("rows", (SIDE,), "H", positive=True)), shift(g)))


def scaled_by_data(g: Builder) -> Tensor:
    gate = g.map("global_average_pool", (g.input,), shape=(CHANNELS, 1, 1))
    return g.sign(g.bias(g.multiply(bits_of(g), gate), shift(g)))


def slope_of_either_sign(g: Builder) -> Tensor:
    return g.sign(g.prelu(g.input, slopes(g, positive=False)))


def averaged_behind_the_norm(g: Builder) -> Tensor:
    window = {"size": 2, "stride": 2, "padding": 0}
    half = (CHANNELS, SIDE // 2, SIDE // 2)
    return g.sign(g.map("average_pool", (g.batch_norm(bits_of(g)),), shape=half, attributes=window))


def shifted_over_the_map(g: Builder) -> Tensor:
    return g.sign(g.bias(g.batch_norm(bits_of(g)), shift(g, "HW")))


Make = Callable[[Builder], Tensor]


@pytest.mark.parametrize(
    ("make", "stays"),
    [
        (read_by_a_shortcut_too, "batch_norm"),
        (read_as_the_output_too, "batch_norm"),
        (scaled_over_the_map, "scale"),
        (scaled_over_rows, "scale"),
        (scaled_by_data, "multiply"),
        (slope_of_either_sign, "prelu"),
        (averaged_behind_the_norm, "batch_norm"),
        (shifted_over_the_map, "batch_norm"),
    ],
)
def test_what_no_threshold_can_express_stays(make: Make, stays: str) -> None:
    g = builder()
    folded = check(g.finish(make(g)), exactly=False)
    assert ("affine" if stays == "batch_norm" else stays) in kinds(folded)


def test_only_the_part_behind_a_spatial_scale_folds() -> None:
    g = builder()
    folded = check(g.finish(scaled_over_the_map(g)))
    assert kinds(folded) == ["sign", "conv", "scale", "threshold"]


def test_a_slope_of_either_sign_is_not_monotone() -> None:
    """The counterexample that the promise `positive` rules out: |x| is positive on both sides of zero."""
    g = builder()
    network = g.finish(slope_of_either_sign(g))
    image = np.full((CHANNELS, SIDE, SIDE), -3.0)
    assert np.all(run(fold(network), {"slope": -np.ones(CHANNELS)}, image) == 1)


def test_a_norm_that_something_else_reads_says_who() -> None:
    g = builder()
    folded = fold(g.finish(read_by_a_shortcut_too(g)))
    (note,) = [note for note in folded.notes if not note.applied]
    assert note.rule == "norm stays" and note.reason == "its real value is read by add and sign"


def test_whole_numbers_are_recognized() -> None:
    g = builder()
    y = bits_of(g)
    window = {"size": 3, "stride": 1, "padding": 1}
    pooled = g.map("max_pool", (y,), attributes=window)
    mixed = g.add(y, g.input)
    total = g.add(y, pooled)
    network = g.finish(total)
    assert whole_number_limit(network, y) == 9 * CHANNELS
    assert whole_number_limit(network, total) == 2 * 9 * CHANNELS
    assert whole_number_limit(network, mixed) is None
    assert whole_number_limit(network, g.input) is None


# ------------------------------------------------------------------ the sign's other rules


def test_the_sign_of_one_map_is_taken_once() -> None:
    g = builder()
    both = (g.sign(g.input), g.sign(g.input, "ede"))
    folded = check(g.finish(g.map("concatenate", both, shape=(2 * CHANNELS, SIDE, SIDE), stored=BINARY)))
    assert kinds(folded) == ["sign", "concatenate"] and rules_of(folded) == {"shared result": 1}


def test_signs_of_different_maps_are_not_shared() -> None:
    g = builder()
    both = (g.sign(g.input), g.sign(g.relu(g.input)))
    folded = check(g.finish(g.map("concatenate", both, shape=(2 * CHANNELS, SIDE, SIDE), stored=BINARY)))
    assert "shared result" not in rules_of(folded)


def magnitudes(g: Builder, size: int) -> Tensor:
    """Sums of the input's magnitudes under windows, as the factor of a convolution's positions."""
    total = g.map("absolute_sum", (g.input,), shape=(1, SIDE, SIDE))
    return g.window("box_sum", total, size, padding=size // 2, pad_value=0)


def test_magnitudes_of_one_map_are_summed_once() -> None:
    g = builder()
    both = (magnitudes(g, 3), magnitudes(g, 3))
    folded = check(g.finish(g.map("concatenate", both, shape=(2, SIDE, SIDE))))
    assert kinds(folded) == ["absolute_sum", "box_sum", "concatenate"]
    assert rules_of(folded) == {"shared result": 2}


def test_windows_of_two_sizes_share_the_sum_over_channels_alone() -> None:
    g = builder()
    both = (magnitudes(g, 3), magnitudes(g, 1))
    folded = check(g.finish(g.map("concatenate", both, shape=(2, SIDE, SIDE))))
    assert kinds(folded) == ["absolute_sum", "box_sum", "box_sum", "concatenate"]
    sums, windows = (CHANNELS - 1) * SIDE**2, totals(count(fold(one_window())))["add", "int16"]
    assert totals(count(folded))["add", "int16"] == windows
    assert windows > sums  # a window of one adds nothing


def one_window() -> Network:
    g = builder()
    return g.finish(magnitudes(g, 3))


@pytest.mark.parametrize("apart", ["parameters", "precision", "shape", "list"])
def test_results_that_differ_are_not_shared(apart: str) -> None:
    """The same operation of the same map, but for what it is told."""
    g = builder()
    makes: dict[str, Callable[[int], Tensor]] = {
        "parameters": lambda n: g.prelu(g.input, slopes(g)),
        "precision": lambda n: g.map("relu", (g.input,), stored=precision(f"int{8 * n}")),
        "list": lambda n: g.map("relu", (g.input,), attributes={"own": [n]}),
        "shape": lambda n: g.map("pad_channels", (g.input,), shape=(n * 2 * CHANNELS, SIDE, SIDE)),
    }
    both = (makes[apart](1), makes[apart](2))
    channels = both[0].shape[0] + both[1].shape[0]
    folded = fold(g.finish(g.map("concatenate", both, shape=(channels, SIDE, SIDE))))
    assert len(kinds(folded)) == 3 and "shared result" not in rules_of(folded)


@pytest.mark.parametrize("alike", [True, False])
def test_numbers_that_follow_the_widths_are_compared_at_every_width(alike: bool) -> None:
    channels = np.array([4, 8])
    g = Builder("toy", (channels, SIDE, SIDE), precision("int16"), precision("int16"))
    both = tuple(
        g.map("repeat_channels", (g.input,), shape=(made, SIDE, SIDE), attributes={"channels": made})
        for made in (np.array([8, 16]), np.array([8, 16 if alike else 24]))
    )
    folded = fold(
        g.finish(g.map("concatenate", both, shape=(both[0].shape[0] + both[1].shape[0], SIDE, SIDE)))
    )
    assert rules_of(folded) == ({"shared result": 1} if alike else {})


def sample_mean(g: Builder, x: Tensor) -> Tensor:
    return g.map("sample_mean", (x,), shape=(1, 1, 1))


def test_a_shift_that_depends_on_the_sample_becomes_a_compare() -> None:
    g = builder()
    x = g.batch_norm(bits_of(g))
    folded = check(g.finish(g.sign(g.subtract(x, sample_mean(g, x)))))
    assert kinds(folded) == ["sign", "conv", "affine", "sample_mean", "compare"]
    assert rules_of(folded) == {"compare": 1}


def test_a_sample_dependent_shift_that_is_read_elsewhere_stays() -> None:
    g = builder()
    x = g.subtract(g.input, sample_mean(g, g.input))
    folded = check(g.finish(g.add(x, g.sign(x))))
    assert kinds(folded) == ["sample_mean", "subtract", "sign", "add"] and not rules_of(folded)


def gate_of(g: Builder, kind: str = "sigmoid") -> Tensor:
    return g.map(kind, (g.map("global_average_pool", (g.input,), shape=(CHANNELS, 1, 1)),))


def test_a_positive_gate_before_a_sign_goes_and_lets_the_norm_fold() -> None:
    g = builder()
    x = g.batch_norm(bits_of(g))
    folded = check(g.finish(g.sign(g.multiply(x, gate_of(g)))))
    assert kinds(folded) == ["sign", "conv", "threshold"]
    assert rules_of(folded) == {"gate": 1, "threshold": 1}


def test_a_gate_may_stand_first() -> None:
    g = builder()
    x = g.batch_norm(bits_of(g))
    folded = check(g.finish(g.sign(g.multiply(g.map("sigmoid", (g.input,)), x))))
    assert kinds(folded) == ["sign", "conv", "threshold"]


@pytest.mark.parametrize("case", ["hard sigmoid", "read twice", "no gate"])
def test_a_gate_that_stays(case: str) -> None:
    g = builder()
    x = g.batch_norm(bits_of(g))
    factor = (
        g.input if case == "no gate" else gate_of(g, "hard_sigmoid" if case == "hard sigmoid" else "sigmoid")
    )
    gated = g.multiply(x, factor)
    y = g.sign(gated)
    folded = check(g.finish(g.add(gated, y) if case == "read twice" else y), exactly=False)
    assert "multiply" in kinds(folded) and "gate" not in rules_of(folded)


# ------------------------------------------------------------------ training, and the list itself


def test_what_only_training_runs_is_left_out() -> None:
    g = builder()
    deviation = g.map("sample_deviation", (g.input,), shape=(1, 1, 1), when="train")
    y = g.relu(g.map("divide_training", (g.input, deviation), when="train"))
    network = g.finish(y)
    assert kinds(unfolded(network)) == ["relu"] and kinds(check(network)) == ["relu"]
    assert rules_of(fold(network)) == {"training only": 2}


def test_operations_that_nobody_reads_are_dropped() -> None:
    g = builder()
    g.relu(g.input)
    assert kinds(fold(g.finish(g.hardtanh(g.input)))) == ["hardtanh"]


def test_the_rules_are_those_shown_to_fire() -> None:
    """In their order; a new rule cannot join without a test here, in test_folding_merges.py, _pools or _layers.py."""
    assert [rule.__name__ for rule in dict.fromkeys(RULES)] == [
        "without_training",
        "share_results",
        "gate_before_sign",
        "average_before_norm",
        "live",
        "bias_of_linear",
        "sign_before_pool",
        "pool_before_scale",
        "threshold",
        "compare_with_sample",
        "bias_through_sum",
        "merge_affine",
        "scale_into_weights",
        "sign_where_made",
        "remaining_norms",
    ]
