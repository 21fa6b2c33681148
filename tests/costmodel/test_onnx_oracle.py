"""Unfolded counts against onnx-tool, an independent counter of ONNX graphs, node by node.

The test writes the graph of a network with `onnx.helper`, from its operations alone, and lets onnx-tool infer shapes
and count. onnx-tool weighs each node per element, in operations of a floating-point processor (its node.py):

* Conv and Gemm: one per product, one per element of a bias: what is counted here as MACs and adds.
* Add, Mul, Relu, Sign: 1 per element. PRelu: 2 per element, compare and multiply. The same here.
* Max pooling: k x k compares per output, where k x k - 1 are needed; average pooling: k x k adds and no division.
* GlobalAveragePool: one add per input, one more per channel than needed, and 4 for the division, which is a shift or a
  multiply here.
* BatchNormalization: 31 per element, not folded: subtract, square root (24), divide (4), multiply, add. Here the square
  root and the division belong to export and two operations stay: multiply and add.
* Sigmoid: 32 per element, the weight of an exponential; here one look-up.
* Slice, Pad, Flatten and Identity (which stands for rounding, a node that ONNX has no plain form of): 0. Rounding is a
  shift here.

It cannot see precision, so MACs of bits and of 8 bits are one sort to it; nor folding. Hence the comparison is of
unfolded networks and of totals per node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from costmodel.designs.key import DesignKey
from costmodel.folding import unfolded
from costmodel.graph import Network, Op, Tensor
from costmodel.networks.build import build
from costmodel.operations import counted

onnx = pytest.importorskip(
    "onnx", reason="onnx writes the graph for the independent counter; install the test extra"
)
onnx_tool = pytest.importorskip(
    "onnx_tool", reason="onnx-tool is the independent counter; install the test extra"
)

DESIGNS = (
    "resnet20[double_residual+prelu]/cifar10",
    "resnet20[squeeze_excitation+channel_scale]@w0.5/cifar10",
    "resnet20[rprelu+position_scale+pooled_shortcut]@w0.5/cifar10",
    "resnet18[double_residual+relu]@w0.25/cifar100",
    "resnet18@w0.25/imagenet",
    "vgg_small[channel_scale+prelu]@w0.25/cifar10",
)
NODES = {
    "conv": "Conv", "linear": "Gemm", "sign": "Sign", "batch_norm": "BatchNormalization", "add": "Add", "bias": "Add",
    "multiply": "Mul", "scale": "Mul", "relu": "Relu", "prelu": "PRelu", "sigmoid": "Sigmoid", "quantize": "Identity",
    "global_average_pool": "GlobalAveragePool", "average_pool": "AveragePool", "max_pool": "MaxPool",
    "subsample": "Slice", "pad_channels": "Pad",
}  # fmt: skip


class Graph:
    """An ONNX graph under construction; parameters are zeros, since only shapes matter."""

    def __init__(self, network: Network) -> None:
        self.nodes: list[object] = []
        self.constants: dict[str, object] = {}
        shapes = ((network.input, "image"), (network.output, "classes"))
        self.names = {id(network.input): "image"}
        values = [self._declared(tensor, name) for tensor, name in shapes]
        for number, op in enumerate(network.running()):
            self._append(op, f"n{number}")
        last = self.names[id(network.output)]
        self.nodes.append(onnx.helper.make_node("Identity", [last], ["classes"], name="end"))
        graph = onnx.helper.make_graph(self.nodes, "g", values[:1], values[1:], list(self.constants.values()))
        self.model = onnx.helper.make_model(graph)

    @staticmethod
    def _declared(tensor: Tensor, name: str) -> object:
        shape = [1, *tensor.shape] if name == "image" else [1, tensor.shape[0], 1, 1]
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = onnx.numpy_helper.from_array(value, name)
        return name

    def zeros(self, name: str, *shape: int) -> str:
        return self.constant(name, np.zeros(shape, dtype=np.float32))

    def _append(self, op: Op, name: str) -> None:
        read = [self.names[id(item)] for item in op.inputs]
        arguments, attributes = WRITERS.get(op.kind, _plain)(self, op, name)
        if op.kind == "linear":  # Gemm reads and writes matrices
            self.nodes.append(
                onnx.helper.make_node("Flatten", read, [f"{name}.flat"], name=f"{name}.flatten", axis=1)
            )
            read = [f"{name}.flat"]
        written = f"{name}.matrix" if op.kind == "linear" else f"{name}.out"
        self.nodes.append(
            onnx.helper.make_node(NODES[op.kind], [*read, *arguments], [written], name=name, **attributes)
        )
        if op.kind == "linear":
            column = self.constant(f"{name}.shape", np.array([1, -1, 1, 1], dtype=np.int64))
            self.nodes.append(
                onnx.helper.make_node("Reshape", [written, column], [f"{name}.out"], name=f"{name}.column")
            )
        self.names[id(op.output)] = f"{name}.out"


Written = tuple[list[str], dict[str, object]]


def _plain(graph: Graph, op: Op, name: str) -> Written:
    return [], {}


def _conv(graph: Graph, op: Op, name: str) -> Written:
    weight, padding, stride = op.params[0].shape, op.integer("padding"), op.integer("stride")
    geometry = {"kernel_shape": weight[2:], "strides": [stride] * 2, "pads": [padding] * 4}
    return [graph.zeros(f"{name}.w", *weight)], {**geometry, "group": op.integer("groups")}


def _linear(graph: Graph, op: Op, name: str) -> Written:
    return [graph.zeros(f"{name}.{number}", *param.shape) for number, param in enumerate(op.params)], {
        "transB": 1
    }


def _norm(graph: Graph, op: Op, name: str) -> Written:
    return [graph.zeros(f"{name}.{number}", op.output.shape[0]) for number in range(4)], {}


def _along(graph: Graph, op: Op, name: str) -> Written:
    (param,) = op.params
    shape = [length if axis in param.axes else 1 for axis, length in zip("CHW", op.output.shape, strict=True)]
    return [graph.zeros(f"{name}.p", *shape)], {}


def _window(graph: Graph, op: Op, name: str) -> Written:
    size, stride, padding = (op.integer(key) for key in ("size", "stride", "padding"))
    return [], {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [padding] * 4}


def _slice(graph: Graph, op: Op, name: str) -> Written:
    _, height, width = op.inputs[0].shape
    lists = {"starts": [0, 0], "ends": [height, width], "axes": [2, 3], "steps": [op.integer("stride")] * 2}
    return [
        graph.constant(f"{name}.{key}", np.array(value, dtype=np.int64)) for key, value in lists.items()
    ], {}


def _pad(graph: Graph, op: Op, name: str) -> Written:
    missing = op.integer("channels") - op.inputs[0].shape[0]
    pads = np.array([0, missing // 2, 0, 0, 0, missing - missing // 2, 0, 0], dtype=np.int64)
    return [graph.constant(f"{name}.pads", pads)], {}


WRITERS: dict[str, Callable[[Graph, Op, str], Written]] = {
    "conv": _conv, "linear": _linear, "batch_norm": _norm, "scale": _along, "bias": _along, "prelu": _along,
    "max_pool": _window, "average_pool": _window, "subsample": _slice, "pad_channels": _pad,
}  # fmt: skip


def counted_here(op: Op) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in counted(op):
        found[item.operation] += int(item.number)
    return found


def translated(op: Op) -> int:
    """This project's count of one operation, in onnx-tool's weights; see the docstring of this file."""
    here = counted_here(op)
    outputs, channels = int(op.output.size), int(op.output.shape[0])
    if op.kind == "batch_norm":
        assert here == {"mul": outputs, "add": outputs}
        return outputs * (1 + 24 + 4 + 1 + 1)
    if op.kind == "sigmoid":
        assert here == {"lookup": outputs}
        return outputs * 32
    if op.kind == "global_average_pool":
        assert here["mul"] + here["shift"] == channels
        return here["add"] + channels + 4 * channels
    if op.kind == "average_pool":
        assert here["mul"] + here["shift"] == outputs
        return here["add"] + outputs
    if op.kind == "max_pool":
        return here["compare"] + outputs
    if op.kind == "quantize":
        assert here == {"shift": outputs}
        return 0
    return here.total()


@pytest.mark.parametrize("text", DESIGNS)
def test_unfolded_counts_agree_with_onnx_tool(text: str) -> None:
    network = unfolded(build(DesignKey.parse(text)))
    graph = Graph(network)
    onnx.checker.check_model(graph.model)
    judge = onnx_tool.Model(graph.model).graph
    judge.shape_infer()
    judge.profile()
    seen: Counter[str] = Counter()
    for number, op in enumerate(network.running()):
        node = judge.nodemap[f"n{number}"]
        assert node.op_type == NODES[op.kind]
        assert int(node.macs[0]) == translated(op), f"{op.layer}: {op.kind}"
        seen[node.op_type] += 1
    assert seen.keys() >= {"Conv", "Gemm", "Sign", "BatchNormalization"}
    assert int(judge.macs[0]) == sum(translated(op) for op in network.running())


def test_every_translation_is_used() -> None:
    kinds = {op.kind for text in DESIGNS for op in unfolded(build(DesignKey.parse(text))).running()}
    assert kinds == set(NODES)
