"""Each operation kind on its own: the rule in torch against the meaning in numpy, on arbitrary doubles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from lowered_cases import PRODUCTS
from operation_case import C, Case, H, W

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import BINARY, Op, Param
from costmodel.networks.build import build
from costmodel.operations import OPERATIONS, known
from training.module.lower import lower
from training.module.rules import RULES, Call, at_load, rule, rule_of

CHANNEL = ("C", (C,))
WEIGHT = ("OIKK", (5, C, 3, 3))
CONV = {"stride": 1, "padding": 1, "pad_value": 1, "groups": 1}
HALF = (C, H // 2, W // 2)
WINDOW = {"size": 2, "stride": 2, "padding": 0}

MAPS = (
    Case("conv", output=(5, H, W), params=(WEIGHT,), attributes=CONV),
    Case("conv", output=(5, 2, 3), params=(WEIGHT,), attributes={**CONV, "stride": 2, "pad_value": 0}),
    Case("conv", output=(5, H, W), params=(WEIGHT,), attributes={**CONV, "pad_value": -1}),
    Case("conv", ((4, H, W),), (6, H, W), (("OIKK", (6, 2, 3, 3)),), {**CONV, "groups": 2}),
    Case("conv", output=(5, 2, 3), params=(WEIGHT,), attributes={**CONV, "stride": 2, "replicate": True}),
    Case("conv", ((4, H, W),), (4, H, W), (("OIKK", (4, 1, 3, 3)),), {**CONV, "groups": 4}),
    Case("conv", output=(5, H, W), params=(WEIGHT,), attributes={**CONV, "padding": 2, "dilation": 2}),
    Case(
        "conv", output=(5, 2, 3), params=(("OIKK", (5, C, 4, 2)),),
        attributes={**CONV, "stride": 2, "padding": (1, 2, 0, 0)},
    ),
    Case(
        "conv", output=(5, 4, 3), params=(("OIKK", (5, C, 1, 3)),),
        attributes={**CONV, "stride": (1, 2), "padding": (0, 0, 1, 1), "replicate": True},
    ),
    Case("linear", output=(7, 1, 1), params=(("OI", (7, C * H * W)), ("C", (7,)))),
    Case("linear", output=(7, 1, 1), params=(("OI", (7, C * H * W)),)),
    Case("sign", attributes={"estimator": "ede"}),
    Case("threshold", params=(CHANNEL, CHANNEL)),
    Case("compare", ((C, H, W), (C, 1, 1))),
    Case("quantize", params=(("", ()),), attributes={"bits": 4}, stored=("int16", "int4")),
    Case("quantize", params=(("", ()),), attributes={"bits": 2}, stored=("int16", "ternary")),
    Case("quantize", attributes={"bits": 32}, stored=("int16", "fp32")),
    Case("scale", params=(CHANNEL,)),
    Case("scale", params=(("CHW", (C, H, W)),)),
    Case("scale", ((1, H, W),), params=(CHANNEL,)),
    Case("scale", params=(("", ()),)),
    Case("power_of_two", params=(CHANNEL,)),
    Case("bias", params=(("HW", (H, W)),)),
    Case("batch_norm", params=(CHANNEL,) * 4),
    Case("affine", params=(CHANNEL,) * 2),
    Case("relu"),
    Case("hardtanh"),
    Case("clamp", attributes={"low": -2, "high": 1}),
    Case("absolute"),
    Case("crop", output=(C, H, 3), attributes={"axis": 2, "outer": 1, "size": W, "start": 1, "stop": W, "every": 2}),
    Case(
        "crop", ((6, H, W),), (4, H, W),
        attributes={"axis": 0, "outer": 2, "size": 3, "start": 1, "stop": 3, "every": 1},
    ),
    Case("pad_map", output=(C, H + 3, W + 1), attributes={"above": 1, "left": 0, "below": 2, "right": 1, "value": 2}),
    Case("tanh"),
    Case("quantize", params=(CHANNEL,), attributes={"bits": 4, "exact": True, "low": 0, "high": 15}),
    Case("prelu", params=(CHANNEL,)),
    Case("two_slope", params=(CHANNEL,) * 2),
    Case("sigmoid"),
    Case("hard_sigmoid"),
    Case("add", ((C, H, W),) * 2),
    Case("subtract", ((C, H, W), (1, 1, 1))),
    Case("multiply", ((C, H, W), (1, H, W))),
    Case("divide_training", ((C, H, W), (1, 1, 1))),
    Case("logic_or", ((C, H, W),) * 2, stored=("binary", "binary")),
    Case("logic_xnor", ((C, H, W),) * 2, stored=("binary", "binary")),
    Case("slice_mean", ((4 * C, H, W),), attributes={"slices": 4}, stored=("binary", "int16")),
    Case("channel_mean", ((4 * C, H, W),), attributes={"slices": 4}),
    Case("channel_shuffle", ((6, H, W),), (6, H, W), attributes={"groups": 3}),
    Case("shift_quarters", ((6, H, W),), (6, H, W), attributes={"distance": 3}),
    Case("global_average_pool", output=(C, 1, 1)),
    Case("average_pool", output=HALF, attributes=WINDOW),
    Case("max_pool", output=HALF, attributes=WINDOW),
    Case("max_pool", output=(C, 2, 3), attributes={"size": (3, 2), "stride": 2, "padding": (0, 1, 0, 0)}),
    Case("blur_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1}),
    Case("average_pool", output=(C, 2, 6), attributes={"size": (2, 1), "stride": (2, 1), "padding": 0}),
    Case("max_pool", output=(C, 2, 3), attributes={"size": 3, "stride": 2, "padding": 1}),
    Case("absolute_sum", output=(1, H, W)),
    Case("channel_sum", output=(1, H, W)),
    Case("box_sum", ((1, H, W),), (1, H, W), attributes={"size": 3, "stride": 1, "padding": 1, "pad_value": 4}),
    Case(
        "box_sum", ((1, H, W),), (1, H, W),
        attributes={"size": 3, "stride": 1, "padding": 1, "pad_value": 0, "replicate": True},
    ),
    Case(
        "box_sum", ((1, H, W),), (1, H, W),
        attributes={"size": 3, "stride": 1, "padding": 2, "dilation": 2, "pad_value": 1},
    ),
    Case("sample_mean", output=(1, 1, 1)),
    Case("sample_deviation", output=(1, 1, 1)),
    Case("subsample", output=(C, 2, 3), attributes={"stride": 2}),
    Case("pad_channels", output=(C + 3, H, W), attributes={"channels": C + 3, "value": -1}),
    Case("repeat_channels", output=(2 * C + 1, H, W), attributes={"channels": 2 * C + 1}),
    Case("concatenate", ((C, H, W),) * 2, (2 * C, H, W)),
    Case("interleave_channels", ((C, H, W),) * 2, (2 * C, H, W)),
    Case("half_of_slices", ((6 * C, H, W),), (3 * C, H, W), attributes={"slices": 3, "half": 1}),
    *PRODUCTS,
)  # fmt: skip

FILTERS = (6, 3, 3, 3)
WEIGHTS: tuple[tuple[str, list[tuple[int, ...]], dict[str, object]], ...] = (
    ("sign_weight", [FILTERS], {"estimator": "clipped"}),
    ("sign_weight", [FILTERS], {"estimator": "siman"}),
    ("quantize_weight", [FILTERS], {"bits": 8}),
    ("centre_weight", [FILTERS], {}),
    ("standardize_weight", [FILTERS], {"deviation": 2.0}),
    ("clamp_weight", [FILTERS], {"quantile": 0.9}),
    ("confine_weight", [FILTERS], {"percent": 15.0}),
    ("mean_magnitude", [FILTERS], {}),
    ("log2_magnitude", [FILTERS], {}),
    ("mean_weight", [FILTERS], {}),
    ("deviation_weight", [FILTERS], {}),
    ("shifted_weight", [FILTERS, ()], {}),
    ("quarter_turn", [FILTERS], {"turns": 3}),
    ("constant", [], {"value": 0.2}),
    ("outer", [(H,), (W,)], {}),
    ("ratio", [(5,), (5,)], {}),
    ("complement", [(5,)], {}),
    ("whole_power", [(5,)], {}),
)
IN_NUMPY_ALONE = {
    "border_correction", "threshold_level", "threshold_direction", "composed_factor", "composed_offset",
    "scaled_weight",
}  # fmt: skip
"""Kinds that numpy computes when values are loaded; whole folded networks, and zeros round bits, test them."""

DIFFERS_IN_TRAINING = {"batch_norm", "clamp_weight", "confine_weight"}
"""Norms use the batch's statistics, clamps follow a schedule; besides, operations of training run or pass."""


def test_every_kind_has_a_rule_and_every_rule_is_tested() -> None:
    assert set(RULES) == set(OPERATIONS)
    tested = {case.kind for case in MAPS} | {kind for kind, _, _ in WEIGHTS}
    assert tested | IN_NUMPY_ALONE == set(OPERATIONS)
    assert {kind for kind, made in RULES.items() if made.run is None} == IN_NUMPY_ALONE


def in_torch(
    op: Op, inputs: list[np.ndarray], params: list[np.ndarray], *, training: bool = False
) -> np.ndarray:
    run = rule_of(op.kind).run
    assert run is not None
    tensors = [[torch.tensor(array) for array in group] for group in (inputs, params)]
    progress = torch.tensor(0.25, dtype=torch.float64)
    return run(Call(op, *tensors, training=training, progress=progress)).numpy()


@pytest.mark.parametrize("case", MAPS, ids=lambda case: f"{case.kind}-{len(case.params)}-{case.output}")
def test_maps(case: Case) -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, *shape)) * 3 for shape in case.inputs]
    if case.stored[0] == "binary":
        inputs = [np.where(x >= 0, 1.0, -1.0) for x in inputs]
    params = [np.asarray(rng.normal(size=shape)) for _, shape in case.params]
    if case.kind in ("batch_norm", "quantize", "divide_training"):
        inputs[1:], params = [abs(x) + 0.1 for x in inputs[1:]], [np.asarray(abs(p) + 0.1) for p in params]
    if case.kind in ("divide", "table"):
        inputs = [abs(x) + 0.1 for x in inputs]
    if case.kind == "multi_threshold":
        params = [np.sort(levels) for levels in params]
    expected = known(case.kind).meaning(case.op(), inputs, params)
    assert expected.shape == (2, *case.output)
    found = in_torch(case.op(), inputs, params)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-13)
    same = np.array_equal(in_torch(case.op(), inputs, params, training=True), found)
    assert same == (case.kind not in DIFFERS_IN_TRAINING)


@pytest.mark.parametrize(("kind", "shapes", "attributes"), WEIGHTS)
def test_weights(kind: str, shapes: list[tuple[int, ...]], attributes: dict[str, object]) -> None:
    rng = np.random.default_rng(1)
    arrays = [np.asarray(rng.normal(size=shape)) for shape in shapes]
    params = tuple(Param(f"p{number}", array.shape, BINARY, "") for number, array in enumerate(arrays))
    made = Param("made", (), BINARY, "")
    op = Op(kind, params, made, (), MappingProxyType(attributes), "layer", when="export")
    expected = known(kind).meaning(op, arrays, [])
    found = in_torch(op, arrays, [])
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-13)
    assert np.array_equal(in_torch(op, arrays, [], training=True), found) == (kind not in DIFFERS_IN_TRAINING)


def test_a_constant_is_not_trained() -> None:
    param = Param("level", (), BINARY, "")
    op = Op("constant", (), param, (), MappingProxyType({"value": -0.25}), "layer", when="export")
    for training in (False, True):
        assert in_torch(op, [], [], training=training) == -0.25 == known("constant").meaning(op, [], [])


def gate_gradient(kind: str, left: float, right: float) -> list[float]:
    bits = [torch.tensor([[[[x]]]], dtype=torch.float64, requires_grad=True) for x in (left, right)]
    run = rule_of(kind).run
    assert run is not None
    op = Case(kind, ((1, 1, 1),) * 2, (1, 1, 1), stored=("binary", "binary")).op()
    run(Call(op, bits, [], training=True, progress=torch.zeros(()))).sum().backward()
    return [float(x.grad) for x in bits if x.grad is not None]


def test_gates_pass_gradients_as_the_released_boolnet_does() -> None:
    """XNOR is a product; OR a sum of 0 and 1 that saturates, whose gradient stops where both bits are set."""
    assert gate_gradient("logic_xnor", 1, -1) == [-1, 1]
    assert gate_gradient("logic_xnor", -1, -1) == [-1, -1]
    assert gate_gradient("logic_or", -1, -1) == [1, 1]
    assert gate_gradient("logic_or", 1, -1) == gate_gradient("logic_or", -1, 1) == [1, 1]
    assert gate_gradient("logic_or", 1, 1) == [0, 0]


@pytest.mark.parametrize(
    "kind", ["standardize_weight", "deviation_weight", "shifted_weight", "log2_magnitude", "quantize_weight"]
)
def test_filters_of_equal_weights_give_finite_values_and_gradients(kind: str) -> None:
    weight = torch.tensor([[0.0, 0.0], [0.5, 0.5]], dtype=torch.float64, requires_grad=True)
    param = Param("w", (2, 2), BINARY, "OI")
    inputs = [weight, torch.ones((), dtype=torch.float64)][: 2 if kind == "shifted_weight" else 1]
    attributes = {"bits": 8, "deviation": 2.0}
    op = Op(kind, (param,) * len(inputs), param, (), MappingProxyType(attributes), "layer", when="export")
    run = rule_of(kind).run
    assert run is not None
    y = run(Call(op, inputs, [], training=True, progress=torch.zeros(())))
    assert np.allclose(y.detach(), known(kind).meaning(op, [item.detach().numpy() for item in inputs], []))
    if y.requires_grad:
        y.sum().backward()
        assert weight.grad is not None and bool(torch.isfinite(weight.grad).all())


def test_a_map_of_one_value_has_a_finite_deviation_in_training() -> None:
    x = torch.ones(2, 3, 4, 4, requires_grad=True)
    case = Case("sample_deviation", output=(1, 1, 1))
    run = rule_of("sample_deviation").run
    assert run is not None
    y = x / run(Call(case.op(), [x], [], training=True, progress=torch.zeros(())))
    y.sum().backward()
    assert x.grad is not None and bool(torch.isfinite(y).all() and torch.isfinite(x.grad).all())


def rounded_to(to: str, points: list[float], size: float) -> tuple[list[float], list[float], float]:
    """Round points to a grid: values, the gradient of their sum to each, and that to the step."""
    bits, shape = 2 if to == "ternary" else int(to[3:]), (1, 1, len(points))
    case = Case("quantize", (shape,), shape, (("", ()),), {"bits": bits}, stored=("int16", to))
    x = torch.tensor(points, dtype=torch.float64).reshape(1, *shape).requires_grad_()
    step = torch.tensor(size, dtype=torch.float64, requires_grad=True)
    run = rule_of("quantize").run
    assert run is not None
    y = run(Call(case.op(), [x], [step], training=True, progress=torch.zeros(())))
    y.sum().backward()
    assert x.grad is not None and step.grad is not None
    return y.reshape(-1).tolist(), x.grad.reshape(-1).tolist(), step.grad.item()


def test_rounding_trains_its_step_as_lsq_does() -> None:
    # d/ds of round(x / s) s is round(x / s) - x / s inside, and the limit outside (Esser 2020, eq. 3);
    # of 3 elements and 7 levels, it is divided by sqrt(21) (section 2.2)
    values, slopes, step = rounded_to("int4", [0.75, -99.0, 3.0], 2.0)
    assert values == [0, -16, 4] and slopes == [1, 0, 1]
    assert step == pytest.approx(((0 - 0.375) + -8 + (2 - 1.5)) / 21**0.5, rel=1e-12)


def test_nothing_passes_in_the_half_step_beyond_a_grid() -> None:
    # at 1.2 steps the largest of three levels is reached: a larger step raises the result as much
    assert rounded_to("ternary", [1.2], 1.0) == ([1.0], [0.0], 1.0)
    assert rounded_to("ternary", [-1.4], 1.0) == ([-1.0], [0.0], -1.0)
    assert rounded_to("int2", [1.3], 1.0) == ([1.0], [0.0], 1.0)


@pytest.mark.parametrize(("to", "low", "high"), [("ternary", -1, 1), ("int2", -2, 1), ("int4", -8, 7)])
def test_steps_of_every_width_follow_lsqs_formula(to: str, low: int, high: int) -> None:
    """Of the power of two nearest to the step, straight through whose exponent the gradient passes."""
    points = torch.linspace(-11, 11, 457, dtype=torch.float64).tolist()
    for size, grid in ((0.3, 0.25), (1.0, 1.0), (2.7, 2.0), (2.9, 4.0)):  # 2 sqrt(2) = 2.83 is the border
        levels = np.asarray(points) / grid
        inside = (levels > low) & (levels < high)
        slope = np.where(inside, np.rint(levels) - levels, np.clip(levels, low, high))
        values, slopes, step = rounded_to(to, points, size)
        assert np.array_equal(values, np.clip(np.rint(levels), low, high) * grid)
        assert np.array_equal(slopes, inside)
        assert step == pytest.approx(slope.sum() * grid / size / (457 * high) ** 0.5, rel=1e-9)


def test_clamping_follows_its_schedule_in_training_alone() -> None:
    weight = torch.tensor([[-10.0, 1, 1, -1], [10, -1, 0, 0]], dtype=torch.float64)  # of mean magnitude 3
    param = Param("w", (2, 4), BINARY, "OI")
    attributes = MappingProxyType({"quantile": 0.95})
    op = Op("clamp_weight", (param,), param, (), attributes, "layer", when="export")
    run = rule_of("clamp_weight").run
    assert run is not None
    half = (np.exp(0.5) - 1) / (np.e - 1)
    for training, progress, quantile in [
        (True, 0.0, 0.85),
        (True, 0.5, 0.85 + 0.1 * half),
        (True, 1.0, 0.95),
        (False, 0.0, 0.95),
    ]:
        y = run(Call(op, [weight], [], training, torch.tensor(progress, dtype=torch.float64)))
        # the part 1 - quantile of a Laplace distribution lies beyond: exp(-bound / mean |w|) / 2
        bound = -3 * np.log(2 * (1 - quantile))
        assert np.allclose(y, [[-bound, 1, 1, -1], [bound, -1, 0, 0]])


def test_confining_moves_the_weights_themselves_between_percentiles() -> None:
    param = Param("w", (1, 5), BINARY, "OI")
    attributes = MappingProxyType({"percent": 25.0})
    op = Op("confine_weight", (param,), param, (), attributes, "layer", when="export")
    run = rule_of("confine_weight").run
    assert run is not None
    for training, progress, expected in [
        # less their mean 3 they are -5, -1, 0, 2, 4: magnitudes 0, 1, 2, 4, 5, of which 1 and 4 are the quarters
        (True, 0.0, [-4.0, -1.0, 0.0, 2.0, 4.0]),
        (True, 0.5, [-4.5, -1.0, 0.0, 2.0, 4.0]),  # an eighth: 0.5 and 4.5
        (True, 1.0, [-5.0, -1.0, 0.0, 2.0, 4.0]),
        (False, 0.0, [-2.0, 2.0, 3.0, 5.0, 7.0]),
    ]:
        weight = torch.tensor([[-2.0, 2.0, 3.0, 5.0, 7.0]], dtype=torch.float64, requires_grad=True)
        y = run(Call(op, [weight], [], training, torch.tensor(progress, dtype=torch.float64)))
        assert weight[0].tolist() == y[0].tolist() == expected
        y.sum().backward()
        assert weight.grad is not None and weight.grad[0].tolist() == [1] * 5


def test_a_kind_is_lowered_once_and_unknown_ones_are_named() -> None:
    with pytest.raises(BnncostError, match="the lowering of 'relu' is declared twice"):
        rule("relu")(lambda call: call.inputs[0])
    with pytest.raises(BnncostError, match="the lowering of 'scaled_weight' is declared twice"):
        at_load("scaled_weight")
    network = build(DesignKey.parse("vgg_small@w0.0625/digits"))
    strange = replace(network.ops[-1], kind="liner")
    with pytest.raises(BnncostError, match="unknown operation to lower 'liner'; did you mean 'linear'"):
        lower(replace(network, ops=(*network.ops[:-1], strange)))


def test_what_folding_leaves_is_lowered() -> None:
    texts = [
        "resnet20@w0.25/digits",
        "resnet20[double_residual+mean_subtraction]@w0.25/digits",
        "vgg_small@w0.0625,compute=fp32/digits",
    ]
    kinds = Counter(op.kind for text in texts for op in fold(build(DesignKey.parse(text))).ops)
    made = {"threshold", "threshold_level", "threshold_direction", "affine", "composed_factor", "composed_offset",
            "compare", "scaled_weight"}  # fmt: skip
    assert made <= set(kinds)
    for text in texts:
        lower(fold(build(DesignKey.parse(text))))
