"""MACs of networks that the onnx package carries, read and counted by onnx-tool: nine of the zoo, without weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from costmodel.demand.counts import count, totals
from costmodel.folding import unfolded
from costmodel.importers.model.source import read_model

onnx = pytest.importorskip("onnx", reason="onnx carries the networks; install the test extra")
onnx_tool = pytest.importorskip("onnx_tool", reason="onnx-tool is the judge; install the test extra")

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
PRODUCTS = ("Conv", "Gemm", "MatMul")


def macs_of_onnx_tool(path: Path) -> int:
    """Its count of products, less one per element of a bias, which it adds to them."""
    model = onnx.load(path)
    judge = onnx_tool.Model(model).graph
    judge.shape_infer(None)
    judge.profile()
    with_bias = {node.output[0] for node in model.graph.node if len([one for one in node.input if one]) > 2}
    total = 0
    for node in judge.nodemap.values():
        if node.op_type in PRODUCTS:
            made = np.prod(judge.tensormap[node.output[0]].shape)
            total += int(node.macs[0]) - (int(made) if node.output[0] in with_bias else 0)
    return total


@pytest.mark.parametrize("path", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_macs_are_those_of_onnx_tool(path: Path) -> None:
    network = unfolded(read_model(str(path)).network)
    found = sum(int(number) for (sort, _), number in totals(count(network)).items() if sort == "mac")
    assert found == macs_of_onnx_tool(path)


def test_there_are_nine_of_them() -> None:
    assert len(list(LIGHT.glob("*.onnx"))) == 9
