"""What confirms bits by values: meanings of nodes are onnxruntime's, and features are what their values are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from costmodel.demand.counts import count, totals
from costmodel.folding import fold
from costmodel.importers.model.constants import MEANINGS

pytest.importorskip("onnx", reason="ONNX files are written with onnx; install the test extra")
pytest.importorskip("onnxruntime", reason="onnxruntime is the judge; install the test extra")

from onnx_graphs import Graph, by_onnxruntime, here

from costmodel.importers.model import constants_layers  # noqa: F401
from costmodel.importers.model.onnx_file import read_onnx

RNG = np.random.default_rng(2)


def some(*shape: int) -> np.ndarray:
    return RNG.uniform(0.3, 1.5, shape).astype(np.float32)


STATISTICS = {name: some(6) for name in ("gamma", "beta", "mean", "variance")}
ONE_NODE = (
    Graph("norm", ("BatchNormalization x gamma beta mean variance",), STATISTICS),
    Graph("prelu", ("PRelu x s",), {"s": some(6, 1, 1)}),
    Graph("leaky", (("LeakyRelu x", {"alpha": 0.2}),)),
    Graph("hard_sigmoid", (("HardSigmoid x", {"alpha": 0.3, "beta": 0.4}),)),
    *(Graph(kind.lower(), (f"{kind} x",)) for kind in ("HardSwish", "Erf", "Softplus", "Mish", "Gelu")),
    Graph("pad", ("Pad x p v",), {"p": np.array([0, 1, 2, 0, 0, 2, 0, 3]), "v": np.float32(0.5)}),
    Graph("reflect", (("Pad x p", {"mode": "reflect"}),), {"p": np.array([0, 0, 2, 1, 0, 0, 1, 3])}),
    Graph("pool", (("MaxPool x", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 0]}),)),
    Graph("mean", ("GlobalAveragePool x",)),
)  # fmt: skip


@pytest.mark.parametrize("graph", ONE_NODE, ids=lambda graph: graph.name)
def test_meanings_of_nodes_are_onnxruntimes(graph: Graph, tmp_path: Path) -> None:
    path = graph.written(tmp_path)
    node = read_onnx(path).nodes[0]
    arrays = [graph.sample() if name == "x" else graph.constants[name] for name in node.inputs]
    assert np.allclose(MEANINGS[node.kind](node, arrays), by_onnxruntime(path, graph.sample()), atol=1e-5)


def test_quantizers_have_the_codes_of_onnxruntime(tmp_path: Path) -> None:
    constants = {"s": np.float32(0.05), "z": np.uint8(110)}
    graph = Graph("codes", ("QuantizeLinear x s z", "DequantizeLinear - s z"), constants)
    path = graph.written(tmp_path)
    first, second = read_onnx(path).nodes
    codes = MEANINGS[first.kind](first, [graph.sample(), constants["s"], constants["z"]])
    found = MEANINGS[second.kind](second, [codes, constants["s"], constants["z"]])
    assert np.allclose(found, by_onnxruntime(path, graph.sample()), atol=1e-6)


BITS = np.where(RNG.normal(size=(5, 6, 3, 3)) > 0, np.float32(0.25), np.float32(-0.25))
PIXELS = 6 * 8


@pytest.mark.parametrize(
    ("steps", "constants", "sort"),
    [
        (("Abs x", "Div x -"), {}, "1x1"),
        (("Clip x zero one", "Round -"), {"zero": np.float32(0), "one": np.float32(1)}, "1x1"),
        (("Clip x zero one", "Mul - n", "Round -", "Div - n"),
         {"zero": np.float32(0), "one": np.float32(1), "n": np.float32(15)}, "1x4"),
        (("Relu x", "Sign -"), {}, "1x1"),
        (("Tanh x",), {}, "1x8"),
    ],
    ids=["quotient", "rounded_to_one_bit", "rounded_to_four", "sign_of_relu", "smooth"],
)  # fmt: skip
def test_features_are_what_their_values_are(
    steps: tuple[str, ...], constants: dict[str, np.ndarray], sort: str, tmp_path: Path
) -> None:
    graph = Graph("features", (*steps, "Conv - w"), {**constants, "w": BITS})
    path = graph.written(tmp_path)
    found, _ = here(path, graph.sample(), "features=fp32,edge=fp32")
    assert np.allclose(found, by_onnxruntime(path, graph.sample())[0], rtol=1e-4, atol=1e-4)
    counted = totals(count(fold(here(path, graph.sample(), "features=int16")[1].network)))
    assert counted["mac", sort] == PIXELS * 5 * 6 * 9
