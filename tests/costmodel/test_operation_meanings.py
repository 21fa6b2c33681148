"""The meanings of operations, judged by loops and by hand."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from operation_case import Case

from costmodel.builder import Builder
from costmodel.graph import BINARY, Op, Param, precision
from costmodel.operations import known
from costmodel.operations.run import run


def looped_convolution(
    x: np.ndarray, weight: np.ndarray, stride: int, padding: int, fill: float | None, groups: int
) -> np.ndarray:
    """Convolution as its definition reads: one product at a time; a fill of None takes the nearest position."""
    filters, depth, kernel, _ = weight.shape
    height, width = ((side + 2 * padding - kernel) // stride + 1 for side in x.shape[1:])
    y = np.zeros((filters, height, width))
    for o in range(filters):
        first = o // (filters // groups) * depth
        for i, j, c, a, b in np.ndindex(height, width, depth, kernel, kernel):
            row, column = i * stride + a - padding, j * stride + b - padding
            nearest = min(max(row, 0), x.shape[1] - 1), min(max(column, 0), x.shape[2] - 1)
            inside = nearest == (row, column)
            y[o, i, j] += weight[o, c, a, b] * (x[first + c][nearest] if inside or fill is None else fill)
    return y


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 2, 0), (5, 1, 2), (3, 2, 0)]
)
@pytest.mark.parametrize("fill", [0, 1, None])
def test_convolution_is_its_definition(
    kernel: int, stride: int, padding: int, fill: int | None, groups: int
) -> None:
    rng = np.random.default_rng(kernel + stride)
    bits = precision("int16")
    g = Builder("toy", (4, 7, 6), bits, bits)
    weight = g.sign_weight(g.binary_weight(6, g.input, kernel, groups=groups))
    y = g.conv(
        g.sign(g.input), weight, stride=stride, padding=padding, pad_value=fill or 0, replicate=fill is None,
        groups=groups,
    )  # fmt: skip
    latent = rng.choice([-1.0, 1.0], (6, 4 // groups, kernel, kernel))
    x = rng.choice([-1.0, 1.0], (4, 7, 6))
    found = run(g.finish(y), {"weight": latent}, x)
    expected = looped_convolution(x, latent, stride, padding, fill, groups)
    assert found.shape == y.shape and np.array_equal(found, expected)
    corrected = len(g.finish(y).ops[-1].params) == 2
    assert corrected == (fill == 0 and padding > 0)


EXPORTS = [
    ("sign_weight", [[0.0, -2.0], [3.0, -0.1]], {}, [[1, -1], [1, -1]]),
    ("sign_weight", [[0.0, -2.0, 1.0], [3.0, -0.1, 3.0]], {"estimator": "siman"}, [[-1, 1, -1], [1, -1, -1]]),
    ("quantize_weight", [[127.0, 63.6], [-12.7, 0.34]], {"bits": 8}, [[127, 64], [-12.7, 0.3]]),
    ("quantize_weight", [[0.0, 0.0], [7.0, -3.4]], {"bits": 4}, [[0, 0], [7, -3]]),
    ("centre_weight", [[1.0, 3.0], [2.0, 2.0]], {}, [[-1, 1], [0, 0]]),
    ("standardize_weight", [[1.0, 5.0], [2.0, 2.0]], {"deviation": 1.0}, [[-1, 1], [0, 0]]),
    ("standardize_weight", [[1.0, 5.0], [2.0, 2.0]], {"deviation": 2.5}, [[-2.5, 2.5], [0, 0]]),
    # a Laplace distribution of mean magnitude 2 has its 75 % quantile at 2 ln 2, whatever the filter
    ("clamp_weight", [[0.0, -1.0, 2.0], [-5.0, 2.0, 2.0]], {"quantile": 0.75},
     [[0, -1, 1.3862943611], [-1.3862943611, 1.3862943611, 1.3862943611]]),
    ("confine_weight", [[0.0, -1.0], [5.0, 0.1]], {"percent": 15.0}, [[0, -1], [5, 0.1]]),
    ("mean_magnitude", [[1.0, -3.0], [0.0, 0.5]], {}, [2, 0.25]),
    ("log2_magnitude", [[5.0, -3.0], [0.3, 0.2]], {}, [2, -2]),
    ("whole_power", [2.4, -3.0, -0.6], {}, [4, 0.125, 0.5]),
    ("mean_weight", [[1.0, -3.0], [0.0, 0.5]], {}, [-1, 0.25]),
    ("deviation_weight", [[1.0, -3.0], [0.5, 0.5]], {}, [2, 0]),
    ("constant", [], {"value": 0.25}, 0.25),  # type: ignore[list-item]
]  # fmt: skip


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


def test_gates_and_slices_by_hand() -> None:
    bits = [np.array([1, 1, -1, -1]).reshape(4, 1, 1), np.array([1, -1, 1, -1]).reshape(4, 1, 1)]

    def found(kind: str, inputs: list[np.ndarray], channels: int, **attributes: int) -> list[float]:
        case = Case(kind, tuple(x.shape for x in inputs), (channels, 1, 1), (), attributes)
        return known(kind).meaning(case.op(), inputs, []).ravel().tolist()

    assert found("logic_xnor", bits, 4) == [1, -1, -1, 1]
    assert found("logic_or", bits, 4) == [1, 1, 1, -1]
    assert found("slice_mean", bits[:1], 2, slices=2) == [0, 0]
    assert found("slice_mean", bits[1:], 2, slices=2) == [1, -1]
    # two slices of four channels each
    numbers = np.arange(8).reshape(8, 1, 1)
    assert found("half_of_slices", [numbers], 4, slices=2, half=0) == [0, 1, 4, 5]
    assert found("half_of_slices", [numbers], 4, slices=2, half=1) == [2, 3, 6, 7]
    assert found("interleave_channels", [numbers[:3], numbers[5:]], 6) == [0, 5, 1, 6, 2, 7]


def test_a_constant_is_what_the_design_says() -> None:
    op = Op("constant", (), Param("level", (), BINARY, ""), (), MappingProxyType({"value": -0.25}), "layer")
    assert known("constant").meaning(op, [], []) == -0.25


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
