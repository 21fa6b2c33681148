"""ResNet-8 of MLPerf Tiny in 8 bits, as a file with QuantizeLinear pairs: it costs what `resnet8@compute=int8` does.

The graph is that of the released pretrainedResnet_quant.tflite: weights with a step per filter, features with a step
and a zero point per map, norms in the biases, every map rounded where it is made. Such a file multiplies to round,
where the design multiplies by its norm and shifts; sums, the mean and the scores, which have no norm, are multiplied,
too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.folding import fold
from costmodel.networks.build import build

pytest.importorskip("onnx", reason="ONNX files are written with onnx; install the test extra")
pytest.importorskip("onnxruntime", reason="onnxruntime is the judge; install the test extra")

from onnx_graphs import Graph, Step, by_onnxruntime, here

FILTERS = 16 + 2 * 16 + 3 * 32 + 3 * 64
"""Filters of all convolutions, those of the two 1x1 shortcuts among them."""
STAGES = ((16, 1), (32, 2), (64, 2))
SIDES = ((16, 32), (32, 16), (64, 8))
NORMED = 3 * sum(channels * side**2 for channels, side in SIDES)
SUMMED = sum(channels * side**2 for channels, side in SIDES)


class File:
    """ResNet-8, node by node, with random weights."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(4)
        self.steps: list[Step] = []
        self.constants: dict[str, np.ndarray] = {}
        x, width = self.rounded(self.add("Relu " + self.conv(self.rounded("x"), 3, 16, 3, 1))), 16
        for channels, stride in STAGES:
            y = self.rounded(self.add("Relu " + self.conv(x, width, channels, 3, stride)))
            y = self.rounded(self.conv(y, channels, channels, 3, 1))
            short = x if width == channels else self.rounded(self.conv(x, width, channels, 1, stride))
            x, width = self.rounded(self.add(f"Relu {self.add(f'Add {y} {short}')}")), channels
        x = self.add(f"Flatten {self.rounded(self.add(f'GlobalAveragePool {x}'))}")
        bias = self.constant(self.rng.normal(size=10))
        self.rounded(self.add((f"Gemm {x} {self.weight(10, 64)} {bias}", {"transB": 1})))

    def add(self, step: Step) -> str:
        self.steps.append(step)
        return f"y{len(self.steps) - 1}"

    def constant(self, array: object, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array, kind)
        return name

    def rounded(self, x: str) -> str:
        """A map as codes of 8 bits and back."""
        how = f"{self.constant(self.rng.uniform(0.02, 0.09))} {self.constant(self.rng.integers(-128, 20), np.int8)}"
        return self.add(f"DequantizeLinear {self.add(f'QuantizeLinear {x} {how}')} {how}")

    def weight(self, filters: int, *shape: int) -> str:
        codes = self.constant(self.rng.integers(-127, 128, (filters, *shape)), np.int8)
        steps, zeros = (
            self.constant(self.rng.uniform(0.001, 0.01, filters)),
            self.constant(np.zeros(filters), np.int8),
        )
        return self.add((f"DequantizeLinear {codes} {steps} {zeros}", {"axis": 0}))

    def conv(self, x: str, read: int, made: int, size: int, stride: int) -> str:
        weight, bias = self.weight(made, read, size, size), self.constant(self.rng.normal(size=made))
        return self.add((f"Conv {x} {weight} {bias}", {"strides": [stride] * 2, "auto_pad": "SAME_UPPER"}))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = File()
    graph = Graph("resnet8", tuple(file.steps), file.constants, (3, 32, 32))
    return graph.written(tmp_path_factory.mktemp("int8"))


def test_it_costs_what_the_design_costs(path: Path) -> None:
    image = np.zeros((1, 3, 32, 32), np.float32)
    network, design = (
        fold(one)
        for one in (
            here(path, image, "features=int16")[1].network,
            build(DesignKey.parse("resnet8@compute=int8")),
        )
    )
    found, expected = totals(count(network)), totals(count(design))
    for sort in (("mac", "8x8"), ("add", "int16"), ("add", "int32"), ("compare", "int16")):
        assert found[sort] == expected[sort]
    assert expected["mul", "int16"] == NORMED
    assert found["mul", "int16"] == NORMED + SUMMED + 64
    assert found["mul", "int32"] == 10
    assert (
        compulsory_traffic(network).storage.weights
        == compulsory_traffic(design).storage.weights
        == 77_360 * 8
    )


def test_steps_of_filters_are_stored_as_norms_are(path: Path) -> None:
    """A step and a bias per filter and class there; here a factor and an offset per filter, and a bias per class."""
    image = np.zeros((1, 3, 32, 32), np.float32)
    network = fold(here(path, image, "features=int16")[1].network)
    maps = 1 + 3 + 1  # the image, sums of shortcuts and the mean are rounded by one step each
    assert compulsory_traffic(network).storage.parameters == 16 * (2 * FILTERS + 2 * 10 + maps)
    design = fold(build(DesignKey.parse("resnet8@compute=int8")))
    roundings = sum(op.kind == "quantize" for op in design.running())
    assert compulsory_traffic(design).storage.parameters == 16 * (2 * FILTERS + 10 + roundings)


def test_sums_that_nothing_rounds_are_multiplied_by_the_steps(tmp_path: Path) -> None:
    """Two layers that are summed: their filters' steps differ, so that each is brought to the map's grid first."""
    rng = np.random.default_rng(1)
    weights = {name: rng.integers(-127, 128, (16, 6, 3, 3)).astype(np.int8) for name in "vw"}
    steps = {f"{name}s": rng.uniform(0.01, 0.02, 16).astype(np.float32) for name in "vw"}
    turned = ("DequantizeLinear v vs", {"axis": 0}), ("DequantizeLinear w ws", {"axis": 0})
    graph = Graph("summed", (*turned, "Conv x y0", "Conv x y1", "Add y2 y3"), weights | steps, (6, 8, 10))
    path, image = graph.written(tmp_path), graph.sample()
    found, model = here(path, image, "features=int16")
    assert np.allclose(found, by_onnxruntime(path, image)[0], atol=1e-4)
    assert totals(count(fold(model.network)))["mul", "int16"] == 2 * 16 * 6 * 8


def test_it_is_read_as_onnxruntime_runs_it(path: Path) -> None:
    """A sum of floats may round to another side; most outputs are the same code."""
    image = np.random.default_rng(5).normal(size=(1, 3, 32, 32)).astype(np.float32)
    found, expected = here(path, image)[0].reshape(-1), by_onnxruntime(path, image).reshape(-1)
    step = np.abs(np.diff(np.unique(expected))).min()
    assert np.abs(found - expected).max() <= 3 * step and np.mean(np.abs(found - expected) < step / 2) >= 0.5
