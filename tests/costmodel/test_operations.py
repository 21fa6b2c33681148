"""Each operation kind: its count rule against a run of its meaning on numbers that count, and its meaning by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from counting_scalar import counting, plain_array
from operation_case import SIZE, C, Case, H, W, macs
from product_cases import ARRANGED, PRODUCTS

from costmodel.builder import Builder
from costmodel.demand.counts import count, totals
from costmodel.errors import BnncostError
from costmodel.graph import precision
from costmodel.operations import OPERATIONS, counted, known
from costmodel.operations.registry import affine_operation, elements, operation

CHANNEL = ("C", (C,))
WINDOW = {"size": 2, "stride": 2, "padding": 0}
KERNEL, FILTERS = 3, 5
FAN_IN = C * KERNEL * KERNEL
CONV = {"stride": 1, "padding": 1, "pad_value": 1, "groups": 1}
WEIGHT = ("OIKK", (FILTERS, C, KERNEL, KERNEL))
BORDER_POSITIONS = H * W - (H - 2) * (W - 2)
BORDER_KINDS = 8  # four sides and four corners
HALF = (C, H // 2, W // 2)


CASES = (
    Case(
        "conv", ((C, H, W),), (FILTERS, H, W), (WEIGHT,), {**CONV, "replicate": True},
        convention=macs(FILTERS * H * W, FAN_IN),
    ),
    Case("conv", ((C, H, W),), (FILTERS, H, W), (WEIGHT,), CONV, convention=macs(FILTERS * H * W, FAN_IN)),
    Case(
        "conv", ((4, H, W),), (6, H, W), (("OIKK", (6, 2, 3, 3)),), {**CONV, "groups": 2},
        convention=macs(6 * H * W, 2 * 9),
    ),
    Case(
        "conv", ((4, H, W),), (4, H, W), (("OIKK", (4, 1, 3, 3)),), {**CONV, "groups": 4, "pad_value": 0},
        convention=macs(4 * H * W, 9),
    ),
    Case(
        "conv", ((C, H, W),), (FILTERS, H, W), (WEIGHT,), {**CONV, "padding": 2, "dilation": 2},
        convention=macs(FILTERS * H * W, FAN_IN),
    ),
    Case(
        "conv", ((C, H, W),), (FILTERS, 2, 3), (("OIKK", (FILTERS, C, 4, 2)),),
        {**CONV, "stride": 2, "padding": (1, 2, 0, 0)}, convention=macs(FILTERS * 6, C * 8),
    ),
    Case(
        "conv", ((C, H, W),), (FILTERS, H, W), (WEIGHT, ("CB", (FILTERS, BORDER_KINDS))), {**CONV, "pad_value": 0},
        convention=macs(FILTERS * H * W, FAN_IN, FILTERS * BORDER_POSITIONS),
    ),
    Case("linear", ((C, H, W),), (7, 1, 1), (("OI", (7, SIZE)),), convention=macs(7, SIZE)),
    Case(
        "linear", ((C, H, W),), (7, 1, 1), (("OI", (7, SIZE)), ("C", (7,))),
        convention=macs(7, SIZE, 7),
    ),
    Case("sign"),
    Case("threshold", params=(CHANNEL, CHANNEL)),
    Case("compare", ((C, H, W), (C, 1, 1))),
    Case(
        "quantize", params=(("", ()),), attributes={"bits": 8}, stored=("int16", "int8"),
        convention=({"divide": SIZE, "round": SIZE, "compare": 2 * SIZE, "mul": SIZE}, {"shift": SIZE}),
    ),
    Case(
        "quantize", params=(("", ()),), attributes={"bits": 8}, stored=("fp32", "int8"),
        convention=({"divide": SIZE, "round": SIZE, "compare": 2 * SIZE, "mul": SIZE}, {"mul": SIZE}),
    ),
    Case(
        "quantize", params=(("", ()),), attributes={"bits": 2}, stored=("int16", "ternary"),
        convention=({"divide": SIZE, "round": SIZE, "compare": 2 * SIZE, "mul": SIZE}, {"compare": 2 * SIZE}),
        largest=0.25,
    ),
    Case("scale", params=(CHANNEL,)),
    Case("scale", params=(("CHW", (C, H, W)),)),
    Case("scale", ((1, H, W),), params=(CHANNEL,)),
    Case("power_of_two", params=(CHANNEL,), convention=({"mul": SIZE}, {"shift": SIZE})),
    Case("bias", params=(("HW", (H, W)),)),
    Case("batch_norm", params=(CHANNEL,) * 4),
    Case("affine", params=(CHANNEL,) * 2),
    Case("relu"),
    Case("hardtanh"),
    Case("clamp", attributes={"low": -5, "high": 5}),
    Case("absolute"),
    Case(
        "tanh",
        convention=({"exp": SIZE, "mul": SIZE, "compare": SIZE, "add": 3 * SIZE, "divide": SIZE}, {"lookup": SIZE}),
    ),
    Case("prelu", params=(CHANNEL,)),
    Case(
        "prelu", params=(CHANNEL,), attributes={"shifts": True},
        convention=({"compare": SIZE, "mul": SIZE}, {"compare": SIZE, "shift": SIZE}),
    ),
    Case("prelu", params=(CHANNEL,), attributes={"shifts": True}, stored=("fp16", "fp16")),
    Case("two_slope", params=(CHANNEL,) * 2),
    Case("sigmoid", convention=({"exp": SIZE, "compare": SIZE, "add": SIZE, "divide": SIZE}, {"lookup": SIZE})),
    Case("hard_sigmoid", largest=2.0),
    Case("add", ((C, H, W),) * 2),
    Case("subtract", ((C, H, W), (C, 1, 1))),
    Case("multiply", ((C, H, W), (1, H, W))),
    Case("divide", ((C, H, W), (C, 1, 1)), positive=True),
    Case("logic_or", ((C, H, W),) * 2, stored=("binary", "binary")),
    Case("logic_xnor", ((C, H, W),) * 2, stored=("binary", "binary")),
    Case("global_average_pool", output=(C, 1, 1)),
    Case(
        "global_average_pool", ((C, 4, 8),), (C, 1, 1),
        convention=({"add": 31 * C, "mul": C}, {"add": 31 * C, "shift": C}),
    ),
    Case("global_average_pool", ((C, 4, 8),), (C, 1, 1), stored=("fp32", "fp32")),
    Case("average_pool", ((C, 6, 6),), (C, 2, 2), attributes={"size": 3, "stride": 3, "padding": 0}),
    Case(
        "average_pool", output=HALF, attributes=WINDOW,
        convention=({"add": 3 * SIZE // 4, "mul": SIZE // 4}, {"add": 3 * SIZE // 4, "shift": SIZE // 4}),
    ),
    Case(
        "blur_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1},
        convention=({"add": 8 * 6 * C, "mul": 6 * 6 * C}, {"add": 8 * 6 * C, "shift": 6 * 6 * C}),
    ),
    Case("blur_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1}, stored=("fp32", "fp32")),
    Case("max_pool", output=HALF, attributes=WINDOW),
    Case("max_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1}),
    Case("absolute_sum", output=(1, H, W)),
    Case(
        "channel_sum", output=(1, H, W), stored=("binary", "int16"),
        convention=({"add": (C - 1) * H * W}, {"mac": C * H * W}),
    ),
    Case("box_sum", ((1, H, W),), (1, H, W), attributes={"size": 3, "stride": 1, "padding": 1, "pad_value": 0}),
    Case("sample_mean", output=(1, 1, 1)),
    Case("slice_mean", ((6 * C, H, W),), (C, H, W), attributes={"slices": 6}, stored=("binary", "int16")),
    Case("channel_mean", ((6 * C, H, W),), (C, H, W), attributes={"slices": 6}),
    Case(
        "channel_mean", ((4 * C, H, W),), (C, H, W), attributes={"slices": 4},
        convention=({"add": 3 * SIZE, "mul": SIZE}, {"add": 3 * SIZE, "shift": SIZE}),
    ),
    Case(
        "slice_mean", ((4 * C, H, W),), (C, H, W), attributes={"slices": 4}, stored=("binary", "int16"),
        convention=({"add": 3 * SIZE, "mul": SIZE}, {"add": 3 * SIZE, "shift": SIZE}),
    ),
    *PRODUCTS,
)  # fmt: skip

WIRING = (
    *ARRANGED,
    Case("subsample", output=(C, 2, 3), attributes={"stride": 2}),
    Case("pad_channels", output=(2 * C, H, W), attributes={"channels": 2 * C, "value": 0}),
    Case("repeat_channels", output=(2 * C + 1, H, W), attributes={"channels": 2 * C + 1}),
    Case("concatenate", ((C, H, W),) * 2, (2 * C, H, W)),
    Case("interleave_channels", ((C, H, W),) * 2, (2 * C, H, W)),
    Case("half_of_slices", ((6 * C, H, W),), (3 * C, H, W), attributes={"slices": 3, "half": 1}),
    Case("channel_shuffle", ((6, H, W),), (6, H, W), attributes={"groups": 3}),
    Case("shift_quarters", ((6, H, W),), (6, H, W), attributes={"distance": 3}),
    Case(
        "crop",
        output=(C, H, 3),
        attributes={"axis": 2, "outer": 1, "size": W, "start": 1, "stop": W, "every": 2},
    ),
    Case(
        "pad_map",
        output=(C, H + 3, W + 1),
        attributes={"above": 1, "left": 0, "below": 2, "right": 1, "value": 2},
    ),
)
AT_EXPORT = {
    "sign_weight", "quantize_weight", "centre_weight", "standardize_weight", "clamp_weight", "mean_magnitude",
    "log2_magnitude", "mean_weight", "deviation_weight", "shifted_weight", "quarter_turn", "outer",
    "confine_weight", "constant", "border_correction", "ratio", "complement", "whole_power", "threshold_level",
    "threshold_direction", "composed_factor", "composed_offset", "scaled_weight",
}  # fmt: skip
IN_TRAINING = {"divide_training", "sample_deviation"}


def named(case: Case) -> str:
    return f"{case.kind}-{case.stored[0]}-{'-'.join(map(str, case.inputs[0]))}-{len(case.params)}"


def tally_of(case: Case) -> Counter[str]:
    """Run the meaning on counting numbers; stored parameters are plain, since export has computed them.

    Padding is counted with like any other element. Inputs are small enough that nothing saturates to a constant.
    """
    tally: Counter[str] = Counter()
    inputs, params = case.arrays()
    with (
        patch.object(np, "pad", padding_that_counts(tally)),
        patch.object(np, "full_like", filling_that_counts(tally)),
    ):
        found = known(case.kind).meaning(case.op(), [counting(x, tally)[None] for x in inputs], params)
    assert found.shape == (1, *case.output)
    return tally


def padding_that_counts(tally: Counter[str]) -> Callable[..., np.ndarray]:
    pad = np.pad

    def padded(
        values: np.ndarray,
        around: list[tuple[int, int]],
        *,
        mode: str = "constant",
        constant_values: float = 0,
    ) -> np.ndarray:
        if mode == "edge":
            return counting(plain_array(pad(values, around, mode="edge")), tally)
        return counting(plain_array(pad(values, around, constant_values=constant_values)), tally)

    return padded


def filling_that_counts(tally: Counter[str]) -> Callable[..., np.ndarray]:
    def filled(values: np.ndarray, number: float, *, shape: tuple[int, ...]) -> np.ndarray:
        return counting(np.full(shape, number), tally)

    return filled


def rule_of(case: Case) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in counted(case.op()):
        counts[item.operation] += int(item.number)
    return counts


@pytest.mark.parametrize("case", CASES, ids=named)
def test_count_rule_is_a_run_of_the_meaning(case: Case) -> None:
    tally = tally_of(case)
    if case.convention is None:
        assert rule_of(case) == tally
    else:
        measured, counts = case.convention
        assert tally == measured
        assert rule_of(case) == counts


@pytest.mark.parametrize("case", WIRING, ids=named)
def test_wiring_does_no_arithmetic(case: Case) -> None:
    assert not tally_of(case) and counted(case.op()) == []


def test_every_kind_is_counted_or_free_with_a_reason() -> None:
    counts = {name for name, kind in OPERATIONS.items() if kind.count is not None}
    assert {case.kind for case in CASES} == counts
    free = {case.kind for case in WIRING} | AT_EXPORT | IN_TRAINING
    assert free == set(OPERATIONS) - counts
    for name in free:
        assert len(OPERATIONS[name].free_because.split()) >= 4, name
    for name in counts:
        assert OPERATIONS[name].free_because == "", name


def test_every_kind_says_what_it_means() -> None:
    for name, kind in OPERATIONS.items():
        text = (kind.affine or kind.meaning).__doc__
        assert text and text.strip().endswith((".", ").")), name


def test_conventions_are_those_of_the_documentation() -> None:
    """docs/counting.md lists exactly the kinds whose rule differs from a run of their meaning."""
    text = (Path(__file__).parents[2] / "docs" / "counting.md").read_text(encoding="utf-8")
    table = text.split("## Where a rule differs from a run", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert documented == {case.kind for case in CASES if case.convention is not None}


@pytest.mark.parametrize("case", [*CASES, *WIRING], ids=named)
def test_samples_are_independent(case: Case) -> None:
    """A meaning gives for a batch what it gives for each sample."""
    meaning, op = known(case.kind).meaning, case.op()
    one, params = case.arrays(1)
    two, _ = case.arrays(2)
    both = meaning(op, [np.stack(pair) for pair in zip(one, two, strict=True)], params)
    assert np.array_equal(both[0], meaning(op, one, params))
    assert np.array_equal(both[1], meaning(op, two, params))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_counting_numbers_compute_the_same(case: Case) -> None:
    """The judge itself: what it tallies is the computation that the meaning does."""
    inputs, params = case.arrays()
    meaning, op = known(case.kind).meaning, case.op()
    wrapped = meaning(op, [counting(x, Counter())[None] for x in inputs], params)
    assert np.allclose(plain_array(wrapped)[0], meaning(op, inputs, params), rtol=1e-12, atol=0)


@pytest.mark.parametrize("case", [case for case in CASES if OPERATIONS[case.kind].monotone], ids=named)
def test_monotone_kinds_are_monotone(case: Case) -> None:
    """Raising one input never lowers an output, or never raises it, in each channel."""
    op, (_, params) = case.op(), case.arrays()
    steps = [np.full(case.inputs[0], value) for value in np.linspace(-5, 5, 41)]
    outputs = np.stack([known(case.kind).meaning(op, [x], params) for x in steps])
    changes = np.diff(outputs, axis=0)
    rises, falls = (changes > 0).any(axis=0), (changes < 0).any(axis=0)
    assert not np.any(rises & falls) and np.any(rises | falls)


def test_counts_carry_the_precision_of_what_is_computed() -> None:
    def labels(case: Case) -> set[tuple[str, str]]:
        return {(item.operation, item.precision) for item in counted(case.op())}

    assert labels(Case("sign", stored=("int32", "binary"))) == {("compare", "int32")}
    assert labels(Case("threshold", params=(CHANNEL, CHANNEL), stored=("int32", "binary"))) == {
        ("compare", "int32")
    }
    assert labels(Case("batch_norm", params=(CHANNEL,) * 4, stored=("int32", "int16"))) == {
        ("mul", "int16"),
        ("add", "int16"),
    }
    assert labels(Case("max_pool", output=HALF, attributes=WINDOW, stored=("binary", "binary"))) == {
        ("compare", "binary")
    }
    linear = Case("linear", ((C, 1, 1),), (2, 1, 1), (("OI", (2, C)),), stored=("int4", "int32"))
    assert labels(linear) == {("mac", "4x4")}
    assert labels(Case("channel_sum", output=(1, H, W), stored=("binary", "int16"))) == {("mac", "1x1")}


# ------------------------------------------------------------------ the table refuses what is unclear


def test_a_kind_is_declared_once_and_counted_or_free() -> None:
    with pytest.raises(BnncostError, match="operation 'sign' is declared twice"):
        operation("sign", free_because="it is there already")(OPERATIONS["sign"].meaning)
    with pytest.raises(BnncostError, match="'nothing' needs a count rule or a reason"):
        operation("nothing")(OPERATIONS["sign"].meaning)
    with pytest.raises(BnncostError, match="'both' needs a count rule or a reason"):
        operation("both", count=elements("add"), free_because="why not")(OPERATIONS["sign"].meaning)
    with pytest.raises(BnncostError, match="operation 'bias' is declared twice"):
        affine_operation("bias", count=elements("add"))(OPERATIONS["bias"].affine)  # type: ignore[arg-type]
    assert not {"nothing", "both"} & set(OPERATIONS)


def test_an_unknown_kind_names_the_closest() -> None:
    with pytest.raises(BnncostError, match="unknown operation 'treshold'; did you mean 'threshold'"):
        known("treshold")


def test_an_average_of_one_number_is_that_number() -> None:
    g = Builder("toy", (4, 1, 1), precision("int8"), precision("fp32"))
    y = g.window("average_pool", g.map("global_average_pool", (g.input,), shape=(4, 1, 1)), 1)
    assert not totals(count(g.finish(y)))


def test_the_builder_refuses_shapes_that_do_not_fit() -> None:
    g = Builder("toy", (4, 8, 8), precision("int8"), precision("int16"))
    smaller = g.map("subsample", (g.input,), shape=(4, 4, 4), attributes={"stride": 2})
    for combine in (g.add, g.multiply, g.subtract):
        with pytest.raises(BnncostError, match=r"\(4, 8, 8\) and \(4, 4, 4\) cannot be combined"):
            combine(g.input, smaller)
    each = g.map("global_average_pool", (g.input,), shape=(4, 1, 1))
    assert g.multiply(g.input, each).shape == (4, 8, 8)
    with pytest.raises(BnncostError, match="cannot be combined"):
        g.add(g.input, each)
    with pytest.raises(BnncostError, match="6 channels cannot be made by 4 equal groups"):
        g.conv(g.sign(g.input), g.binary_weight(6, g.input, 3, groups=4), groups=4)
