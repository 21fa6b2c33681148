"""Each operation kind: its count rule against a run of its meaning on numbers that count, and its meaning by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import numpy as np
import pytest
from counting_scalar import counting, plain_array

from costmodel.builder import Builder
from costmodel.errors import BnncostError
from costmodel.graph import BINARY, Op, Param, Tensor, precision
from costmodel.meaning import run
from costmodel.operations import OPERATIONS, counted, known
from costmodel.operations.registry import affine_operation, elements, operation

C, H, W = 3, 4, 6
SIZE = C * H * W
Tally = dict[str, int]


@dataclass(frozen=True)
class Case:
    """One operation on small maps; `measured` and `counted` are given only where they differ by convention."""

    kind: str
    inputs: tuple[tuple[int, int, int], ...] = ((C, H, W),)
    output: tuple[int, int, int] = (C, H, W)
    params: tuple[tuple[str, tuple[int, ...]], ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)
    stored: tuple[str, str] = ("int16", "int16")
    convention: tuple[Tally, Tally] | None = None
    largest: float = 4.0

    def op(self) -> Op:
        """The operation, with its maps and parameters declared."""
        read, made = map(precision, self.stored)
        weight = made if made.kind == "ternary" else read
        params = tuple(
            Param(f"p{number}", shape, weight if axes in ("OIKK", "OI") else made, axes)
            for number, (axes, shape) in enumerate(self.params)
        )
        inputs = tuple(Tensor(f"x{number}", shape, read) for number, shape in enumerate(self.inputs))
        output = Tensor("y", self.output, made)
        return Op(self.kind, inputs, output, params, MappingProxyType(self.attributes), "layer")

    def arrays(self, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Values for inputs and parameters: dyadic, so that no rounding depends on the order of sums."""
        rng = np.random.default_rng(seed)
        inputs = [rng.integers(-16, 17, shape) * (self.largest / 16) for shape in self.inputs]
        params = [rng.integers(1, 9, shape) / 4 for _, shape in self.params]
        return inputs, params


CHANNEL = ("C", (C,))
WINDOW = {"size": 2, "stride": 2, "padding": 0}
KERNEL, FILTERS = 3, 5
FAN_IN = C * KERNEL * KERNEL
CONV = {"stride": 1, "padding": 1, "pad_value": 1, "groups": 1}
WEIGHT = ("OIKK", (FILTERS, C, KERNEL, KERNEL))
BORDER_POSITIONS = H * W - (H - 2) * (W - 2)
BORDER_KINDS = 8  # four sides and four corners
HALF = (C, H // 2, W // 2)


def macs(outputs: int, products: int, more_adds: int = 0) -> tuple[Tally, Tally]:
    """n products and n - 1 sums per output are n MACs: the first product is accumulated onto zero."""
    measured = {"mul": outputs * products, "add": outputs * (products - 1) + more_adds}
    counts = {"mac": outputs * products}
    return measured, {**counts, "add": more_adds} if more_adds else counts


CASES = (
    Case("conv", ((C, H, W),), (FILTERS, H, W), (WEIGHT,), CONV, convention=macs(FILTERS * H * W, FAN_IN)),
    Case(
        "conv", ((4, H, W),), (6, H, W), (("OIKK", (6, 2, 3, 3)),), {**CONV, "groups": 2},
        convention=macs(6 * H * W, 2 * 9),
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
    Case("prelu", params=(CHANNEL,)),
    Case("two_slope", params=(CHANNEL,) * 2),
    Case("sigmoid", convention=({"exp": SIZE, "compare": SIZE, "add": SIZE, "divide": SIZE}, {"lookup": SIZE})),
    Case("hard_sigmoid", largest=2.0),
    Case("add", ((C, H, W),) * 2),
    Case("subtract", ((C, H, W), (C, 1, 1))),
    Case("multiply", ((C, H, W), (1, H, W))),
    Case("logic_or", ((C, H, W),) * 2, stored=("binary", "binary")),
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
    Case("max_pool", output=HALF, attributes=WINDOW),
    Case("max_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1}),
    Case("absolute_sum", output=(1, H, W)),
    Case(
        "channel_sum", output=(1, H, W), stored=("binary", "int16"),
        convention=({"add": (C - 1) * H * W}, {"mac": C * H * W}),
    ),
    Case("box_sum", ((1, H, W),), (1, H, W), attributes={"size": 3, "stride": 1, "padding": 1, "pad_value": 0}),
    Case("sample_mean", output=(1, 1, 1)),
)  # fmt: skip

WIRING = (
    Case("subsample", output=(C, 2, 3), attributes={"stride": 2}),
    Case("pad_channels", output=(2 * C, H, W), attributes={"channels": 2 * C, "value": 0}),
    Case("concatenate", ((C, H, W),) * 2, (2 * C, H, W)),
)
AT_EXPORT = {
    "sign_weight", "quantize_weight", "centre_weight", "standardize_weight", "clamp_weight", "mean_magnitude",
    "log2_magnitude", "mean_weight", "deviation_weight", "shifted_weight", "quarter_turn", "outer",
    "border_correction", "ratio", "threshold_level", "threshold_direction", "composed_factor", "composed_offset",
    "scaled_weight",
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
    with patch.object(np, "pad", padding_that_counts(tally)):
        found = known(case.kind).meaning(case.op(), [counting(x, tally)[None] for x in inputs], params)
    assert found.shape == (1, *case.output)
    return tally


def padding_that_counts(tally: Counter[str]) -> Callable[..., np.ndarray]:
    pad = np.pad

    def padded(values: np.ndarray, around: list[tuple[int, int]], *, constant_values: float) -> np.ndarray:
        return counting(plain_array(pad(values, around, constant_values=constant_values)), tally)

    return padded


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


# ------------------------------------------------------------------ meanings, judged by loops and by hand


def looped_convolution(
    x: np.ndarray, weight: np.ndarray, stride: int, padding: int, fill: float, groups: int
) -> np.ndarray:
    """Convolution as its definition reads: one product at a time."""
    filters, depth, kernel, _ = weight.shape
    height, width = ((side + 2 * padding - kernel) // stride + 1 for side in x.shape[1:])
    y = np.zeros((filters, height, width))
    for o in range(filters):
        first = o // (filters // groups) * depth
        for i, j, c, a, b in np.ndindex(height, width, depth, kernel, kernel):
            row, column = i * stride + a - padding, j * stride + b - padding
            inside = 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
            y[o, i, j] += weight[o, c, a, b] * (x[first + c, row, column] if inside else fill)
    return y


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 2, 0), (5, 1, 2), (3, 2, 0)]
)
@pytest.mark.parametrize("fill", [0, 1])
def test_convolution_is_its_definition(
    kernel: int, stride: int, padding: int, fill: int, groups: int
) -> None:
    rng = np.random.default_rng(kernel + stride)
    bits = precision("int16")
    g = Builder("toy", (4, 7, 6), bits, bits)
    weight = g.sign_weight(g.binary_weight(6, g.input, kernel, groups=groups))
    y = g.conv(g.sign(g.input), weight, stride=stride, padding=padding, pad_value=fill, groups=groups)
    latent = rng.choice([-1.0, 1.0], (6, 4 // groups, kernel, kernel))
    x = rng.choice([-1.0, 1.0], (4, 7, 6))
    found = run(g.finish(y), {"weight": latent}, x)
    expected = looped_convolution(x, latent, stride, padding, fill, groups)
    assert found.shape == y.shape and np.array_equal(found, expected)
    corrected = len(g.finish(y).ops[-1].params) == 2
    assert corrected == (fill == 0 and padding > 0)


EXPORTS = [
    ("sign_weight", [[0.0, -2.0], [3.0, -0.1]], {}, [[1, -1], [1, -1]]),
    ("quantize_weight", [[127.0, 63.6], [-12.7, 0.34]], {"bits": 8}, [[127, 64], [-12.7, 0.3]]),
    ("quantize_weight", [[0.0, 0.0], [7.0, -3.4]], {"bits": 4}, [[0, 0], [7, -3]]),
    ("centre_weight", [[1.0, 3.0], [2.0, 2.0]], {}, [[-1, 1], [0, 0]]),
    ("standardize_weight", [[1.0, 5.0], [2.0, 2.0]], {}, [[-1, 1], [0, 0]]),
    ("clamp_weight", [[0.0, 1.0, 2.0, 3.0, 4.0]], {"quantile": 0.75}, [[1, 1, 2, 3, 3]]),
    ("mean_magnitude", [[1.0, -3.0], [0.0, 0.5]], {}, [2, 0.25]),
    ("log2_magnitude", [[5.0, -3.0], [0.3, 0.2]], {}, [2, -2]),
    ("mean_weight", [[1.0, -3.0], [0.0, 0.5]], {}, [-1, 0.25]),
    ("deviation_weight", [[1.0, -3.0], [0.5, 0.5]], {}, [2, 0]),
]


@pytest.mark.parametrize(("kind", "weight", "attributes", "expected"), EXPORTS)
def test_export_by_hand(kind: str, weight: list, attributes: dict, expected: list) -> None:
    array = np.array(weight)
    param = Param("w", array.shape, BINARY, "OI")
    op = Op(kind, (param,), param, (), MappingProxyType(attributes), "layer", when="export")
    assert np.allclose(known(kind).meaning(op, [array], []), expected, rtol=0, atol=1e-9)


def test_a_filter_turns_by_quarter_turns() -> None:
    weight = np.array([[[[1, 2], [3, 4]]]])
    op = Op("quarter_turn", (), Param("w", (), BINARY, ""), (), MappingProxyType({"turns": 1}), "layer")
    assert known("quarter_turn").meaning(op, [weight], []).tolist() == [[[[2, 4], [1, 3]]]]


def one(kind: str, x: list[float], *params: list[float], attributes: dict | None = None) -> list[float]:
    """Run an element-wise kind on a row of values of one channel."""
    case = Case(kind, ((1, 1, len(x)),), (1, 1, len(x)), (("C", (1,)),) * len(params), attributes or {})
    arrays = [np.array(param) for param in params]
    return known(kind).meaning(case.op(), [np.array(x).reshape(1, 1, -1)], arrays).reshape(-1).tolist()


def test_element_wise_meanings_by_hand() -> None:
    assert one("sign", [-0.5, 0.0, 0.5]) == [-1, 1, 1]
    assert one("relu", [-2.0, 0.0, 3.0]) == [0, 0, 3]
    assert one("hardtanh", [-2.0, 0.25, 3.0]) == [-1, 0.25, 1]
    assert one("prelu", [-2.0, 3.0], [0.25]) == [-0.5, 3]
    assert one("two_slope", [-2.0, 3.0], [2.0], [0.5]) == [-1, 6]
    assert one("power_of_two", [-2.0, 3.0], [2.0]) == [-8, 12]
    assert one("threshold", [1.0, 2.0, 3.0], [2.0], [1.0]) == [-1, 1, 1]
    assert one("threshold", [1.0, 2.0, 3.0], [2.0], [-1.0]) == [1, 1, -1]
    assert one("hard_sigmoid", [-4.0, 0.0, 4.0]) == [0, 0.5, 1]
    assert np.allclose(one("sigmoid", [0.0, np.log(3)]), [0.5, 0.75])
    # (x - mean) / sqrt(variance + epsilon) * gamma + beta, with variance + epsilon = 4
    assert np.allclose(one("batch_norm", [7.0, -1.0], [3.0], [0.5], [1.0], [4 - 1e-5]), [9.5, -2.5])


def test_rounding_saturates() -> None:
    case = Case("quantize", ((1, 1, 4),), (1, 1, 4), (("", ()),), {"bits": 4}, stored=("int16", "int4"))
    found = known("quantize").meaning(case.op(), [np.array([[[-99.0, -2.0, 4.0, 99.0]]])], [np.array(2.0)])
    assert found.tolist() == [[[-16, -2, 4, 14]]]
    case = Case("quantize", ((1, 1, 4),), (1, 1, 4), (("", ()),), {"bits": 2}, stored=("int16", "ternary"))
    found = known("quantize").meaning(case.op(), [np.array([[[-99.0, -0.5, 1.5, 99.0]]])], [np.array(2.0)])
    assert found.tolist() == [[[-2, 0, 2, 2]]]


@pytest.mark.parametrize("whole", [True, False])
def test_padding_never_wins_a_max_pool(whole: bool) -> None:
    case = Case("max_pool", ((1, 2, 2),), (1, 1, 1), attributes={"size": 4, "stride": 4, "padding": 1})
    x = np.array([[[-5, -3], [-4, -9]]], dtype=np.int64 if whole else float)
    assert known("max_pool").meaning(case.op(), [x], []).tolist() == [[[-3]]]


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


def test_the_builder_refuses_shapes_that_do_not_fit() -> None:
    g = Builder("toy", (4, 8, 8), precision("int8"), precision("int16"))
    with pytest.raises(BnncostError, match="cannot be added"):
        g.add(g.input, g.map("subsample", (g.input,), shape=(4, 4, 4), attributes={"stride": 2}))
    with pytest.raises(BnncostError, match="6 channels cannot be made by 4 equal groups"):
        g.conv(g.sign(g.input), g.binary_weight(6, g.input, 3, groups=4), groups=4)
