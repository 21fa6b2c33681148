"""ONNX operators, read: the network computes what onnxruntime computes, and counts what its shapes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from costmodel.demand.counts import count, totals
from costmodel.folding import unfolded

pytest.importorskip("onnx", reason="ONNX files are written with onnx; install the test extra")
pytest.importorskip("onnxruntime", reason="onnxruntime is the judge; install the test extra")

from onnx_graphs import Graph, as_stored, by_onnxruntime, here

RNG = np.random.default_rng(0)


def weight(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


TOKENS = (12, 16)
QKV = {
    "wq": weight(16, 16),
    "wk": weight(16, 16),
    "wv": weight(16, 16),
    "heads": whole(1, 12, 4, 4),
    "flat": whole(1, 12, 16),
}
ATTENTION = (
    "MatMul x wq",
    "Reshape - heads",
    ("Transpose -", {"perm": [0, 2, 1, 3]}),
    "MatMul x wk",
    "Reshape - heads",
    ("Transpose -", {"perm": [0, 2, 3, 1]}),
    "MatMul y2 y5",
    "Mul - half",
    ("Softmax -", {"axis": -1}),
    "MatMul x wv",
    "Reshape - heads",
    ("Transpose -", {"perm": [0, 2, 1, 3]}),
    "MatMul y8 y11",
    ("Transpose -", {"perm": [0, 2, 1, 3]}),
    "Reshape - flat",
    "Add - x",
)
GRAPHS = (
    Graph(
        "transposed",
        (("ConvTranspose x w", {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),),
        {"w": weight(6, 5, 3, 3)},
    ),
    Graph(
        "transposed_groups",
        (("ConvTranspose x w b", {"strides": [3, 2], "group": 2, "dilations": [1, 2]}),),
        {"w": weight(6, 5, 2, 2), "b": weight(10)},
    ),
    Graph("line", (("Conv x w", {"strides": [2], "pads": [1, 1]}),), {"w": weight(4, 6, 3)}, (6, 20)),
    Graph(
        "line_pools",
        (
            ("MaxPool x", {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
            ("AveragePool -", {"kernel_shape": [2], "strides": [2]}),
            "InstanceNormalization - g h",
            "GlobalAveragePool -",
        ),
        {"g": weight(6), "h": weight(6)},
        (6, 20),
    ),
    Graph(
        "line_transposed",
        (("ConvTranspose x w", {"strides": [2], "pads": [1, 1]}),),
        {"w": weight(6, 4, 4)},
        (6, 20),
    ),
    Graph("attention", ATTENTION, {**QKV, "half": np.float32(0.5)}, TOKENS),
    Graph("mixer", ("MatMul w x", "Relu -", "MatMul - v"), {"w": weight(5, 12), "v": weight(16, 3)}, TOKENS),
    Graph("quotient", ("Exp x", "ReduceSum - axes", "Div y0 y1"), {"axes": whole(1)}),
    Graph("divided", ("Exp x", "Sigmoid x", "Div y0 y1")),
    Graph("less_than_smaller", ("GlobalAveragePool x", "Sub - x")),
    *(Graph(f"softmax_{axis}", (("Softmax x", {"axis": axis}),)) for axis in (1, 2, 3)),
    Graph("softmax_old", (("Softmax x", {"axis": 1}),), opset=11),
    Graph("log_softmax", ("Flatten x", "Gemm - w", "LogSoftmax -"), {"w": weight(480, 7)}),
    Graph(
        "layer_norm",
        (("LayerNormalization x g b", {"axis": -1}),),
        {"g": weight(16), "b": weight(16)},
        TOKENS,
    ),
    Graph("layer_norm_whole", (("LayerNormalization x g", {"axis": 1}),), {"g": weight(6, 8, 10)}),
    Graph("instance_norm", ("InstanceNormalization x g b",), {"g": weight(6), "b": weight(6)}),
    Graph(
        "group_norm",
        ("Reshape x apart", "InstanceNormalization - g b", "Reshape - shape"),
        {
            "apart": whole(1, 3, -1),
            "shape": whole(1, 6, 8, 10),
            "g": np.ones(3, np.float32),
            "b": np.zeros(3, np.float32),
        },
    ),
    Graph("lrn", (("LRN x", {"size": 5, "alpha": 0.3, "beta": 0.6, "bias": 2.0}),)),
    Graph("gelu", ("Gelu x",)),
    Graph("gelu_tanh", (("Gelu x", {"approximate": "tanh"}),)),
    Graph(
        "gelu_written_out",
        ("Div x r", "Erf -", "Add - one", "Mul x -", "Mul - half"),
        {"r": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)},
    ),
    Graph("silu_written_out", ("Sigmoid x", "Mul x -")),
    *(
        Graph(kind.lower(), (f"{kind} x",))
        for kind in ("HardSwish", "Softplus", "Mish", "Elu", "Erf", "Exp", "Sign")
    ),
    Graph("elu_alpha", (("Elu x", {"alpha": 0.7}),)),
    Graph("root", ("Exp x", "Sqrt -", "Reciprocal -")),
    *(
        Graph(f"power_{number}", ("Exp x", "Pow - n"), {"n": np.float32(power)})
        for number, power in enumerate((2, 3, 0.5, -0.5, -1))
    ),
    Graph("max_min", ("Max x low", "Min - high"), {"low": np.float32(-0.5), "high": np.float32(0.7)}),
    Graph(
        "nearest",
        (
            (
                "Resize x _ s",
                {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
            ),
        ),
        {"s": np.array([1, 1, 2, 2.5], np.float32)},
    ),
    Graph("nearest_half", (("Resize x _ _ n", {"mode": "nearest"}),), {"n": whole(1, 6, 5, 13)}),
    Graph("linear", (("Resize x _ s", {"mode": "linear"}),), {"s": np.array([1, 1, 2, 3], np.float32)}),
    Graph(
        "linear_corners",
        (("Resize x _ _ n", {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),),
        {"n": whole(1, 6, 15, 10)},
    ),
    Graph("cubic", (("Resize x _ s", {"mode": "cubic"}),), {"s": np.array([1, 1, 2, 2.5], np.float32)}),
    Graph(
        "cubic_less",
        (
            (
                "Resize x _ _ n",
                {"mode": "cubic", "cubic_coeff_a": -0.5, "coordinate_transformation_mode": "align_corners"},
            ),
        ),
        {"n": whole(1, 6, 5, 10)},
    ),
    Graph(
        "cubic_inside",
        (("Resize x _ s", {"mode": "cubic", "exclude_outside": 1}),),
        {"s": np.array([1, 1, 1, 3], np.float32)},
    ),
    Graph(
        "upsample",
        (("Upsample x s", {"mode": "nearest"}),),
        {"s": np.array([1, 1, 2, 3], np.float32)},
        opset=9,
    ),
    Graph(
        "depth_dcr", (("DepthToSpace x", {"blocksize": 2}), "Conv - w"), {"w": weight(3, 2, 3, 3)}, (8, 4, 6)
    ),
    Graph("depth_crd", (("DepthToSpace x", {"blocksize": 2, "mode": "CRD"}),), image=(8, 4, 6)),
    Graph("space_to_depth", (("SpaceToDepth x", {"blocksize": 2}),)),
    Graph(
        "shuffle",
        (
            "Reshape x apart",
            ("Transpose -", {"perm": [0, 2, 1, 3, 4]}),
            "Reshape - shape",
            ("Conv - w", {"group": 2}),
        ),
        {"apart": whole(1, 3, 2, 8, 10), "shape": whole(1, 6, 8, 10), "w": weight(4, 3, 1, 1)},
    ),
    Graph(
        "channels_last",
        (
            ("Transpose x", {"perm": [0, 2, 3, 1]}),
            "MatMul - w",
            ("Transpose -", {"perm": [0, 3, 1, 2]}),
            "Conv - k",
        ),
        {"w": weight(6, 5), "k": weight(4, 5, 3, 3)},
    ),
    Graph("top", ("Flatten x", "Gemm - w", "TopK - k"), {"w": weight(480, 9), "k": whole(4)}),
    Graph("arg_max", ("Flatten x", "Gemm - w", ("ArgMax -", {"axis": 1})), {"w": weight(480, 9)}),
    Graph("global_max", ("GlobalMaxPool x",)),
    Graph("reduce_max", (("ReduceMax x axes", {"keepdims": 1}),), {"axes": whole(1)}),
    Graph("mean_of_rows", (("ReduceMean x axes", {"keepdims": 1}),), {"axes": whole(2)}),
    Graph(
        "average_without_padding",
        (("AveragePool x", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}),),
    ),
    Graph("average_ceil", (("AveragePool x", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),)),
    Graph("max_ceil", (("MaxPool x", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),)),
    Graph(
        "class_token",
        (("Concat token x", {"axis": 1}), "Add - places", "MatMul - w", ("Gather - first", {"axis": 1})),
        {"token": weight(1, 1, 16), "places": weight(1, 13, 16), "w": weight(16, 4), "first": np.int64(0)},
        TOKENS,
    ),
    Graph("rows_joined", ("Relu x", ("Concat x -", {"axis": 2}), "Conv - w"), {"w": weight(3, 6, 3, 3)}),
    Graph(
        "expanded_gate",
        ("GlobalAveragePool x", "Sigmoid -", "Expand - n", "Mul x -"),
        {"n": whole(1, 6, 8, 10)},
    ),
    Graph(
        "patches",
        (
            ("Conv x w", {"strides": [2, 2]}),
            "Reshape - flat",
            ("Transpose -", {"perm": [0, 2, 1]}),
            "LayerNormalization - g",
            "MatMul - v",
            ("ReduceMean - axes", {"keepdims": 0}),
        ),
        {
            "w": weight(16, 6, 2, 2),
            "flat": whole(1, 16, -1),
            "g": weight(16),
            "v": weight(16, 3),
            "axes": whole(1),
        },
    ),
    Graph(
        "quarters",
        (
            "Slice x zero end ax2 two",
            "Slice - zero end ax3 two",
            "Slice x one end ax2 two",
            "Slice - zero end ax3 two",
            "Slice x one end ax2 two",
            "Slice - one end ax3 two",
            ("Concat y1 y3 y5", {"axis": 1}),
            "Conv - w",
        ),
        {
            "zero": whole(0),
            "one": whole(1),
            "two": whole(2),
            "end": whole(2**31),
            "ax2": whole(2),
            "ax3": whole(3),
            "w": weight(3, 18, 3, 3),
        },
    ),
    Graph(
        "windows",
        (
            "Reshape x a",
            ("Transpose -", {"perm": [0, 2, 4, 3, 5, 1]}),
            "Reshape - b",
            ("Transpose -", {"perm": [0, 2, 1]}),
            "MatMul y2 -",
            "Softmax -",
            "MatMul - y2",
            "Reshape - c",
            ("Transpose -", {"perm": [0, 5, 1, 3, 2, 4]}),
            "Reshape - d",
            "Add - x",
        ),
        {
            "a": whole(1, 6, 2, 4, 2, 5),
            "b": whole(4, 20, 6),
            "c": whole(1, 2, 2, 4, 5, 6),
            "d": whole(1, 6, 8, 10),
        },
    ),
)


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
def test_what_is_read_computes_what_onnxruntime_does(graph: Graph, tmp_path: Path) -> None:
    path, image = graph.written(tmp_path), graph.sample()
    expected = by_onnxruntime(path, image)
    found, _ = here(path, image)
    assert np.allclose(found, as_stored(expected[0]), rtol=1e-4, atol=1e-4)


PACT = {"a": np.float32(1.3), "half": np.float32(0.5)}
CLAMPS = (
    Graph("pact", ("Abs x", "Sub x a", "Abs -", "Sub y0 -", "Add - a", "Mul - half"), PACT),
    Graph("pact_added_first", ("Abs x", "Add - a", "Sub x a", "Abs -", "Sub y1 -", "Mul - half"), PACT),
    Graph("pact_turned", ("Sub x a", "Abs -", "Abs x", "Sub y1 -", "Sub a -", "Mul - half"), PACT),
)


@pytest.mark.parametrize("graph", CLAMPS, ids=lambda graph: graph.name)
def test_a_clamp_of_two_magnitudes_is_two_compares(graph: Graph, tmp_path: Path) -> None:
    """PACT's 0.5 (|x| - |x - a| + a), in the orders in which it is met."""
    path, image = graph.written(tmp_path), graph.sample()
    found, model = here(path, image)
    assert np.allclose(found, np.clip(image[0], 0, 1.3), atol=1e-6)
    assert totals(count(unfolded(model.network))) == {("compare", "fp32"): 2 * 6 * 8 * 10}


def test_two_magnitudes_that_are_no_clamp_from_zero_keep_their_number(tmp_path: Path) -> None:
    graph = Graph("between", ("Add x half", "Abs -", "Sub x a", "Abs -", "Sub y1 -"), PACT)
    path, image = graph.written(tmp_path), graph.sample()
    found, model = here(path, image)
    assert np.allclose(found, np.abs(image[0] + 0.5) - np.abs(image[0] - 1.3), atol=1e-6)
    size = 6 * 8 * 10
    assert totals(count(unfolded(model.network))) == {
        ("compare", "fp32"): 2 * size, ("mul", "fp32"): size, ("add", "fp32"): size,
    }  # fmt: skip


def test_two_rectified_halves_are_two_slopes(tmp_path: Path) -> None:
    """AdaBin's Maxout: p relu(x) - n relu(-x)."""
    slopes = {"p": np.arange(1, 7, dtype=np.float32).reshape(6, 1, 1), "n": np.float32(0.3)}
    steps = ("Relu x", "Mul - p", "Neg x", "Relu -", "Mul - n", "Sub y1 -")
    graph = Graph("maxout", steps, slopes)
    path, image = graph.written(tmp_path), graph.sample()
    found, model = here(path, image)
    assert np.allclose(found, np.where(image[0] > 0, slopes["p"] * image[0], 0.3 * image[0]), atol=1e-6)
    size = 6 * 8 * 10
    assert totals(count(unfolded(model.network))) == {("compare", "fp32"): size, ("mul", "fp32"): size}


GROUP_NORM = (
    "Reshape x apart",
    "InstanceNormalization - ones zeros",
    "Reshape - shape",
    "Mul - g",
    "Add - b",
)
GROUPS = {
    "apart": whole(1, 3, -1), "ones": np.ones(3, np.float32), "zeros": np.zeros(3, np.float32),
    "shape": whole(1, 6, 8, 10), "g": weight(6, 1, 1), "b": weight(6, 1, 1),
}  # fmt: skip


def test_a_norm_of_groups_in_its_parts_has_a_gain_and_an_offset_of_each_channel(tmp_path: Path) -> None:
    """As torch writes it up to opset 17; the ones and zeros of its instance norm are nothing."""
    whole_norm, bare = (Graph("norm", steps, GROUPS) for steps in (GROUP_NORM, GROUP_NORM[:3]))
    path, image = whole_norm.written(tmp_path), whole_norm.sample()
    expected = by_onnxruntime(path, image)
    found, model = here(path, image)
    assert np.allclose(found, expected[0], rtol=1e-4, atol=1e-4)
    assert {param.shape for param in model.network.learned()} == {(6,)}
    assert len(model.network.learned()) == 2
    with_both = totals(count(unfolded(model.network)))
    plain = totals(count(unfolded(here(bare.written(tmp_path), image)[1].network)))
    for sort in (("mul", "fp32"), ("add", "fp32")):
        assert with_both[sort] - plain[sort] == 6 * 8 * 10


MACS = {
    "transposed": 8 * 10 * 6 * 5 * 9,
    "transposed_groups": 8 * 10 * 3 * 10 * 4,
    "line": 4 * 10 * 6 * 3,
    "attention": 3 * 12 * 16 * 16 + 2 * 4 * 12 * 12 * 4,
    "mixer": 5 * 12 * 16 + 5 * 16 * 3,
    "windows": 2 * 4 * 20 * 20 * 6,
    "class_token": 13 * 16 * 4,
}


@pytest.mark.parametrize("name", MACS)
def test_macs_are_those_of_the_shapes(name: str, tmp_path: Path) -> None:
    graph = next(one for one in GRAPHS if one.name == name)
    counted = totals(count(unfolded(here(graph.written(tmp_path), graph.sample())[1].network)))
    assert sum(int(number) for (sort, _), number in counted.items() if sort == "mac") == MACS[name]


def test_a_gelu_written_out_is_one_look_up(tmp_path: Path) -> None:
    for name in ("gelu_written_out", "silu_written_out", "gelu"):
        graph = next(one for one in GRAPHS if one.name == name)
        counted = totals(count(unfolded(here(graph.written(tmp_path), graph.sample())[1].network)))
        assert counted == {("lookup", "fp32"): 6 * 8 * 10}, name
