"""ONNX files that are not as ONNX describes them: each is refused with the node and the value, soon, or never read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel import BnncostError, cost
from costmodel.importers.model.source import read_model

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT

QONNX = "qonnx.custom_op.general"
NAN, INF = np.float32("nan"), np.float32("inf")
NORM = "BatchNormalization x ones ones ones"
CONSTANTS: Mapping[str, np.ndarray] = {
    "w": np.linspace(-1, 1, 216, dtype=np.float32).reshape(4, 6, 3, 3),
    "t": np.linspace(-1, 1, 216, dtype=np.float32).reshape(6, 4, 3, 3),
    "ones": np.ones(6, np.float32),
    **{name: np.float32(number) for name, number in (("zero", 0), ("one", 1), ("four", 4))},
}


def made(nodes: list[Any], constants: Mapping[str, np.ndarray], functions: tuple[Any, ...] = ()) -> Any:
    """A model of the nodes, from x, a map of 6 channels of 8x10, to y."""
    arrays = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    ends = [helper.make_tensor_value_info("x", FLOAT, [1, 6, 8, 10])]
    out = [helper.make_tensor_value_info("y", FLOAT, None)]
    graph = helper.make_graph(nodes, "g", ends, out, arrays)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("my", 1), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def refusal(folder: Path, model: Any) -> str:
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BnncostError) as caught:
        cost(str(folder / "net.onnx"), "asic-45nm", traffic="compulsory")
    return str(caught.value)


def of(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@pytest.mark.parametrize(
    ("node", "constant", "attributes", "said"),
    [
        ("Conv x w", None, {"strides": [0, 1]}, "strides is 0, but must be 1 to 65536"),
        ("ConvTranspose x t", None, {"strides": [1, -1]}, "strides is -1, but must be 1 to 65536"),
        ("Conv x w", None, {"dilations": [-7, 1]}, "dilations is -7, but must be 1 to 65536"),
        ("Conv x w", None, {"pads": [-1, 0, 0, 0]}, "pads is -1, but must be 0 to 65536"),
        ("Conv x w", None, {"pads": [2**62] * 4}, f"pads is {2**62}, but must be 0 to 65536"),
        ("Conv x w", None, {"kernel_shape": [3, 5]}, "kernel_shape is (3, 5), but its weights are for (3, 3)"),
        ("Conv x w", None, {"auto_pad": "SOME"}, "auto_pad is 'SOME', but must be one of NOTSET"),
        ("Conv x w", None, {"group": 0}, "group is 0, but must be 1 to 65536"),
        ("Conv x w a", np.zeros((4, 6)), {}, "a bias of the shape (4, 6) for 4 channels"),
        ("ConvTranspose x w", None, {}, "weights for 4 channels of a map of 6"),
        ("ConvTranspose x t", None, {"output_padding": [1, 1]}, "is not below the stride or the dilation"),
        ("ConvTranspose x t", None, {"pads": [65536, 0, 0, 0]}, "it makes an empty map"),
        ("MaxPool x", None, {"kernel_shape": [-7, 1]}, "kernel_shape is -7, but must be 1 to 65536"),
        ("MaxPool x", None, {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "so wide that windows hold nothing else"),
        ("MaxPool x", None, {"kernel_shape": [2, 1], "dilations": [30, 1], "pads": [20, 0, 20, 0]}, "hold nothing"),
        ("TopK x a", of(7), {"axis": 1}, "the largest 7 of 6 numbers"),
        ("TopK x a", of(-2), {"axis": 1}, "the largest -2 of 6 numbers"),
        ("Softmax x", None, {"axis": 4}, "axis 4 of a tensor of 4 axes"),
        ("Flatten x", None, {"axis": -7}, "axis -7 of a tensor of 4 axes"),
        ("Gather x a", of(6), {"axis": 1}, "places 6 to 6 of an axis of 6 numbers"),
        ("ReduceMean x a", of(2, 2), {}, "axes 2, 2 of a tensor of 4 axes"),
        ("Unsqueeze x a", of(1, 1), {}, "axes 1, 1 of a tensor of 6 axes"),
        ("Unsqueeze x a", of(9), {}, "axes 9 of a tensor of 5 axes"),
        ("Squeeze x a", of(1), {}, "it drops an axis of more than one number"),
        ("Transpose x", None, {"perm": [2, 2, 2, 2]}, "axes 2, 2, 2, 2 of a tensor of 4 axes"),
        ("Pad x a", of(0, 0, 10**9, 0, 0, 0, 0, 0), {}, "it makes a map of 1x6x1000000008x10"),
        ("Resize x _ _ a", of(1, 6, -1, 10), {}, "resizing to -1 positions, but sides are 1 to 65536"),
        ("Resize x _ _ a", of(1, 6, 10**9, 10), {}, "resizing to 1000000000 positions"),
        ("Expand x a", of(1, 6, 8, 65536), {}, "tensors of shapes that do not go together"),
        ("Add x a", np.zeros((4, 5, 1, 1), np.float32), {}, "tensors of shapes that do not go together"),
        ("QuantizeLinear x a", np.float32(-1), {}, "a step that is not above zero and finite"),
        ("Split x", None, {"num_outputs": 1}, "Split"),
        ("ConvTranspose x t", None, {"pads": [8, 8, 8, 8]}, "it makes an empty map, 1x4x0x0"),
        ("Conv x w a", np.array([1, NAN, 1, 1]), {}, "its constant 'a' is nan where it must be a finite number"),
        ("Add x a", INF, {}, "its constant 'a' is inf"),
        ("Add x a", np.full((1, 6, 1, 1), -INF), {}, "its constant 'a' is -inf"),
        ("Greater x a", NAN, {}, "its constant 'a' is nan"),
        ("Resize x _ a", np.array([1, 1, NAN, 2]), {}, "its constant 'a' is nan"),
        ("LeakyRelu x", None, {"alpha": float("nan")}, "alpha is nan"),
        ("Clip x a", NAN, {}, "its constant 'a' is nan"),
        ("Clip x a one", np.float32(3), {}, "a clamp from 3 to 1, between which there is no number"),
        ("Clip x a", np.array([0, 1], np.float32), {}, "ends are not one number each"),
        ("Clip x x", None, {}, "ends are not one number each"),
        ("Max x a", INF, {}, "a clamp from inf to inf"),
        ("Max x one a", INF, {}, "a clamp from inf to inf"),
        ("Div x a", np.float32(0), {}, "a division by zero"),
        ("InstanceNormalization x ones ones", None, {"epsilon": -1.0}, "epsilon is -1, but must be from 0 on"),
        (f"{NORM} a", np.full(6, NAN), {}, "its constant 'a' is nan"),
        (f"{NORM} a", np.full(6, np.float32(-1)), {"epsilon": 2.0}, "a variance of -1 and an epsilon of 2"),
        (f"{NORM} a", np.zeros(6, np.float32), {"epsilon": 0.0}, "a variance of 0 and an epsilon of 0"),
        (f"{NORM} ones", None, {"training_mode": 1}, "it is in training mode"),
        ("Dropout x zero a", np.array(True), {}, "export it after model.eval()"),
        ("Pad x a", of(0, 0, -2, -2, 0, 0, -1, -1), {}, "padding of -2, which cuts off a part of the map"),
        ("Quant x a zero four", np.float32(0), {}, "a step that is not above zero and finite"),
        ("BipolarQuant x a", NAN, {}, "a step that is not above zero and finite"),
        ("Trunc x a zero four one", -INF, {}, "a step that is not above zero and finite"),
        ("Quant x one zero a", np.float32(1e9), {}, "rounding to 1e+09 bits, but they must be 1 to 64"),
        ("MultiThreshold x a", np.array([[0, NAN]] * 6), {}, "its constant 'a' is nan"),
        ("MultiThreshold x a", np.array([[2, 1]] * 6), {}, "thresholds that fall"),
    ],
)  # fmt: skip
def test_a_node_that_its_operator_is_not_is_named(
    tmp_path: Path, node: str, constant: np.ndarray | None, attributes: dict[str, Any], said: str
) -> None:
    kind, *inputs = node.split()
    outputs = ["y", "more"] if kind in ("TopK", "Split") else ["y"]
    constants = {name: array for name, array in CONSTANTS.items() if name in inputs}
    constants |= {} if constant is None else {"a": np.asarray(constant)}
    read = ["" if name == "_" else name for name in inputs]
    domain = QONNX if kind in ("Quant", "BipolarQuant", "Trunc", "MultiThreshold") else ""
    one = helper.make_node(kind, read, outputs, domain=domain, **attributes)
    assert said in refusal(tmp_path, made([one], constants))


@pytest.mark.parametrize(
    ("nodes", "kinds"),
    [
        ((("Clip x a one", {}),), ["clamp"]),
        ((("Max x a", {}),), ["clamp"]),
        ((("Pad x pads a", {}), ("MaxPool v0", {"kernel_shape": [2, 2]})), ["pad_map", "max_pool"]),
        ((("Add x mask", {}), ("Softmax v0", {})), ["bias", "softmax"]),
    ],
)
def test_ends_and_masks_may_be_infinite(
    tmp_path: Path, nodes: tuple[tuple[str, dict[str, Any]], ...], kinds: list[str]
) -> None:
    mask = np.where(np.tri(8, 10), 0, -INF).astype(np.float32)
    constants = {**CONSTANTS, "a": -INF, "mask": mask, "pads": of(0, 0, 1, 1, 0, 0, 1, 1)}
    steps = [
        helper.make_node(*(parts := node.split())[:1], parts[1:], [f"v{number}"], **attributes)
        for number, (node, attributes) in enumerate(nodes)
    ]
    steps.append(helper.make_node("Identity", [f"v{len(steps) - 1}"], ["y"]))
    (tmp_path / "net.onnx").write_bytes(made(steps, constants).SerializeToString())
    assert [op.kind for op in read_model(str(tmp_path / "net.onnx")).network.ops] == kinds


def test_infinite_padding_is_no_sum(tmp_path: Path) -> None:
    steps = [
        helper.make_node("Pad", ["x", "pads", "a"], ["p"]), helper.make_node("Conv", ["p", "w"], ["y"]),
    ]  # fmt: skip
    constants = {**CONSTANTS, "a": -INF, "pads": of(0, 0, 1, 1, 0, 0, 1, 1)}
    assert "Conv (once, first at 'y'): padding with -inf" in refusal(tmp_path, made(steps, constants))


def test_a_network_has_an_end_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.builder.MOST_OPERATIONS", 2)
    names = ["x", "a", "b", "c", "y"]
    steps = [helper.make_node("Abs", [one], [other]) for one, other in pairwise(names)]
    assert refusal(tmp_path, made(steps, {})).startswith(
        "'net.onnx' has more than 2 operations, which is the most"
    )


def test_a_root_of_minus_one_is_no_number(tmp_path: Path) -> None:
    steps = [helper.make_node("Sign", ["x"], ["s"]), helper.make_node("Sqrt", ["s"], ["y"])]
    said = refusal(tmp_path, made(steps, {}))
    assert "Sqrt (once, first at 'y'): it makes numbers that are not finite" in said


def test_what_reads_a_map_of_no_size_is_not_said_to_be_wrong(tmp_path: Path) -> None:
    steps = [
        helper.make_node("Resize", ["x", "", "a"], ["p"]), helper.make_node("Conv", ["p", "w"], ["y"]),
    ]  # fmt: skip
    assert "has 1 node that" in refusal(tmp_path, made(steps, {**CONSTANTS, "a": np.array([1, 1, NAN, 2])}))


def function(name: str, *bodies: str) -> Any:
    """A function of the file: each of `bodies` is called on what the one before gives."""
    names = ["a", *(f"v{number}" for number in range(len(bodies) - 1)), "b"]
    nodes = [
        helper.make_node(body, [names[number]], [names[number + 1]], domain="my")
        for number, body in enumerate(bodies)
    ]
    return helper.make_function("my", name, ["a"], ["b"], nodes, [helper.make_opsetid("my", 1)])


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ([function("F0", "F0")], "functions that call themselves"),
        ([function("F0", "G"), function("G", "F0")], "functions that call themselves"),
        (
            [function(f"F{n}", f"F{n + 1}", f"F{n + 1}") for n in range(40)],
            "has 1,099,511,627,776 nodes, and",
        ),
        (
            [function(f"F{n}", f"F{n + 1}") for n in range(3000)],
            "functions that call themselves, or each other",
        ),
    ],
    ids=["itself", "in a circle", "too many", "too deep"],
)
def test_functions_of_a_file_have_an_end(tmp_path: Path, functions: list[Any], said: str) -> None:
    call = helper.make_node("F0", ["x"], ["y"], domain="my")
    assert said in refusal(tmp_path, made([call], {}, tuple(functions)))


def tensor(dims: list[int], data: bytes, kind: int = FLOAT) -> Any:
    made = onnx.TensorProto(name="w", data_type=kind, raw_data=data)
    made.dims.extend(dims)
    return made


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (tensor([2**20, 2**20, 3, 3], b"1234"), "the array 'w' cannot be read"),
        (tensor([4, -6, 3, 3], bytes(864)), "the array 'w' has a negative side, -6."),
        (tensor([4, 6, 3, 3], bytes(864), 99), "the array 'w' is of no type of ONNX (99)."),
    ],
    ids=["huge", "negative", "no type"],
)
def test_arrays_that_lie_are_refused_wherever_they_are(tmp_path: Path, array: Any, said: str) -> None:
    weighed = made([helper.make_node("Conv", ["x", "w"], ["y"])], {})
    weighed.graph.initializer.append(array)
    assert said in refusal(tmp_path, weighed)
    constant = helper.make_node("Constant", [], ["w"], value=array)
    assert said in refusal(tmp_path, made([constant, helper.make_node("Conv", ["x", "w"], ["y"])], {}))


def test_an_attribute_is_given_once_and_a_type_is_one(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=1)
    node.attribute.append(helper.make_attribute("group", 2))
    assert "node 'Conv' has the attribute 'group' twice." in refusal(tmp_path, made([node], CONSTANTS))
    cast = helper.make_node("Cast", ["x"], ["y"], to=65537)
    assert "node 'Cast' casts to 65537, which is no type of ONNX." in refusal(tmp_path, made([cast], {}))
