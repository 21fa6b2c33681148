"""How long a network of one's own takes to read: CPU time beside that in which onnx loads the file and its shapes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.evaluate.cost import cost
from costmodel.importers.model import source

REPEATS = 5
TIMES_GOAL, SECONDS_GOAL = 2.0, 2.0
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))


def measure() -> dict[str, Any]:
    """The least CPU time [s] of loading ResNet-18 with its shapes, of reading it, and of reading and pricing it."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet18.onnx"
        onnx.save(_resnet18(onnx), path)
        loaded = _least_s(lambda: onnx.shape_inference.infer_shapes(onnx.load(path)))
        read = _least_s(lambda: source.read_model(str(path)))
        priced = _least_s(lambda: cost(str(path), "asic-45nm"))
    return {"onnx_s": loaded, "read_s": read, "priced_s": priced, "times_onnx": read / loaded}


def _least_s(run: Callable[[], object]) -> float:
    spent = []
    for _ in range(REPEATS):
        source._read.cache_clear()
        before = time.process_time()
        run()
        spent.append(time.process_time() - before)
    return min(spent)


def _resnet18(onnx: Any) -> Any:
    """ResNet-18 on images of 224x224, its weights real."""
    rng, nodes, constants = np.random.default_rng(0), [], []

    def add(kind: str, *inputs: str, **attributes: Any) -> str:
        made = f"v{len(nodes)}"
        nodes.append(onnx.helper.make_node(kind, inputs, [made], **attributes))
        return made

    def constant(*shape: int) -> str:
        array = rng.uniform(0.1, 1, shape).astype(np.float32) * (rng.integers(0, 2, shape) * 2 - 1)
        constants.append(onnx.numpy_helper.from_array(array.astype(np.float32), f"c{len(constants)}"))
        return f"c{len(constants) - 1}"

    def layer(x: str, read: int, made: int, size: int, stride: int) -> str:
        padded = [(size - 1) // 2] * 4
        weight = constant(made, read, size, size)
        y = add("Conv", x, weight, kernel_shape=[size] * 2, strides=[stride] * 2, pads=padded)
        shift, gain = constant(made, 1, 1), constant(made, 1, 1)
        return add("Add", add("Mul", y, gain), shift)

    x = add("Relu", layer("x", 3, 64, 7, 2))
    x, width = add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), 64
    for channels, first in STAGES:
        for stride in (first, 1):
            y = add("Relu", layer(x, width, channels, 3, stride))
            short = x if width == channels else layer(x, width, channels, 1, stride)
            x, width = add("Relu", add("Add", layer(y, channels, channels, 3, 1), short)), channels
    x = add("Flatten", add("GlobalAveragePool", x))
    add("Gemm", x, constant(512, 1000))
    real = onnx.TensorProto.FLOAT
    image = onnx.helper.make_tensor_value_info("x", real, [1, 3, 224, 224])
    result = onnx.helper.make_tensor_value_info(nodes[-1].output[0], real, [1, 1000])
    graph = onnx.helper.make_graph(nodes, "resnet18", [image], [result], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goals."""
    return [
        f"ResNet-18 as ONNX is read in {figures['read_s']:.2f} s of CPU time, {figures['times_onnx']:.1f} times what "
        f"onnx takes for the file and its shapes (goal: {TIMES_GOAL:g}); read and priced in "
        f"{figures['priced_s']:.2f} s (goal: {SECONDS_GOAL:g} s)"
    ]
