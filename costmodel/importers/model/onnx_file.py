"""ONNX files as graphs: plain, with QuantizeLinear pairs, and QONNX under any of its domain names."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.errors import BnncostError
from costmodel.importers.model.document import ModelGraph, Node
from costmodel.output import read_bytes

LARGEST = 2**31
"""Bytes of a file of ONNX, whose format has no more."""
OLDEST_OPSET = 7
NEWEST_OPSET = 26
QONNX_DOMAINS = (
    "onnx.brevitas",
    "finn.custom_op.general",
    "qonnx.custom_op.general",
    "qonnx.custom_op.channels_last",
)
MOST_NODES = 100_000
"""Nodes of a file with its own functions written out; networks that are known have some thousands."""
_STANDARD = ("", "ai.onnx")
_NO_IMAGE = ("INT64", "INT32", "BOOL", "STRING", "COMPLEX64", "COMPLEX128")
"""Types of numbers of words, choices and signals."""
_PRICED = ("FLOAT", "FLOAT16", "UINT8", "INT8", "UINT16", "INT16", "UNDEFINED")
"""Types of images that networks here may read."""


def read_onnx(path: str | os.PathLike[str], image: tuple[int, ...] | None = None) -> ModelGraph:
    """Read an ONNX file; `image` (C, H, W) is needed where the file leaves sides of its input open.

    Raises BnncostError for what is no ONNX file, is truncated or lacks its data, and for inputs that are no image.
    """
    if find_spec("onnx") is None:
        raise BnncostError(f"reading '{path}' needs onnx; install the extra: pip install 'bnncost[onnx]'.")
    import onnx

    model = _inlined(onnx, path, _loaded(onnx, Path(path)))
    _check_opset(path, model)
    graph = model.graph
    constants = {one.name: _array(onnx, one, path) for one in graph.initializer}
    name, shape = _image_of(onnx, path, graph, set(constants), image)
    if len(graph.output) == 0:
        raise BnncostError(f"'{path}' has no output.")
    old = any(one.domain in _STANDARD and one.version < 13 for one in model.opset_import)
    nodes = tuple(_node(onnx, one, constants, old, path) for one in graph.node)
    _check_names(path, nodes, {name, *constants}, graph.output[0].name)
    half = any(one.data_type == onnx.TensorProto.FLOAT16 for one in graph.initializer)
    return ModelGraph(
        Path(path).name, name, shape, graph.output[0].name, nodes, constants,
        remarks=_on_inputs_and_outputs(graph, name), real="fp16" if half else "fp32",
    )  # fmt: skip


def _on_inputs_and_outputs(graph: Any, image: str) -> tuple[str, ...]:
    said = []
    if len(graph.output) > 1:
        said.append(
            f"the file has {len(graph.output)} outputs; what the first one, '{graph.output[0].name}', needs is costed"
        )
    sides = next(one for one in graph.input if one.name == image).type.tensor_type.shape.dim
    batch = sides[0].dim_value if sides else 1
    if batch > 1:
        said.append(f"the file is for {batch} images at once; the cost is that of one")
    return tuple(said)


def inferred_shapes(path: str, image: str, shape: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The shapes that onnx infers of values whose sides are all known, where the input `image` has a shape.

    A process of its own has to call it: of a model that is not as ONNX describes it, onnx may end the process.
    """
    import onnx

    model = onnx.load(path)
    for one in model.graph.input:
        if one.name == image:
            for side, number in zip(one.type.tensor_type.shape.dim, shape, strict=False):
                side.Clear()
                side.dim_value = number
    inferred = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
        for value in (*inferred.value_info, *inferred.output)
        if all(side.HasField("dim_value") for side in value.type.tensor_type.shape.dim)
    }


def _loaded(onnx: Any, path: Path) -> Any:
    data = read_bytes(path, largest=LARGEST, advice="ONNX keeps larger weights in files beside it")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise BnncostError(f"'{path}' is no ONNX file, or a part of it is missing.") from None
    if not model.graph.node:
        raise BnncostError(f"'{path}' is no ONNX file: it has no nodes.")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise BnncostError(
            f"'{path}' keeps its weights in files beside it, which are not all there: {error}"
        ) from None
    return model


def _inlined(onnx: Any, path: str | os.PathLike[str], model: Any) -> Any:
    """The model with its own functions written out; raises BnncostError where that has no end, or too many nodes."""
    try:
        nodes = _written_out(model)
    except RecursionError:
        nodes = math.inf
    if math.isinf(nodes):
        raise BnncostError(f"'{path}' has functions that call themselves, or each other without end.")
    if nodes > MOST_NODES:
        raise BnncostError(f"'{path}' has {nodes:,.0f} nodes, and at most {MOST_NODES:,} are read.")
    if not model.functions:
        return model
    import onnx.inliner

    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, TypeError, onnx.checker.ValidationError) as error:
        raise BnncostError(f"'{path}' has functions that are not as ONNX describes them: {error}") from None


def _written_out(model: Any) -> float:
    """How many nodes a model has with its own functions written out; infinite where one calls itself."""
    bodies = {(one.domain, one.name): one.node for one in model.functions}
    known: dict[tuple[str, str], float] = {}

    def size(nodes: Any) -> float:
        total = 0.0
        for node in nodes:
            called = (node.domain, node.op_type)
            if called in bodies and called not in known:
                known[called] = math.inf  # for as long as it is counted
                known[called] = size(bodies[called])
            total += known.get(called, 1) + sum(
                size(graph.node) for item in node.attribute for graph in (item.g, *item.graphs)
            )
        return total

    return size(model.graph.node)


def _check_opset(path: str | os.PathLike[str], model: Any) -> None:
    for one in model.opset_import:
        if one.domain in _STANDARD and not OLDEST_OPSET <= one.version <= NEWEST_OPSET:
            raise BnncostError(
                f"'{path}' is of opset {one.version}; bnncost reads {OLDEST_OPSET} to {NEWEST_OPSET}. "
                "Convert it: onnx.version_converter.convert_version."
            )


def _check_names(path: str | os.PathLike[str], nodes: Sequence[Node], made: set[str], output: str) -> None:
    """Raise BnncostError where a node reads, or the file gives out, what no node before makes."""
    for node in nodes:
        missing = next((one for one in node.inputs if one and one not in made), None)
        if missing is not None:
            raise BnncostError(
                f"'{path}': node '{node.place or node.kind}' reads '{missing}', which nothing makes."
            )
        again = next((one for one in node.outputs if one and one in made), None)
        if again is not None:
            raise BnncostError(
                f"'{path}': node '{node.place or node.kind}' makes '{again}', which is there already."
            )
        made |= set(node.outputs)
    if output not in made:
        raise BnncostError(f"'{path}': its output '{output}' is made by nothing.")


def _image_of(
    onnx: Any, path: str | os.PathLike[str], graph: Any, constants: set[str], image: tuple[int, ...] | None
) -> tuple[str, tuple[int, ...]]:
    """Name and shape of the one input, with a batch of 1."""
    inputs = [one for one in graph.input if one.name not in constants]
    if len(inputs) != 1:
        named = ", ".join(one.name for one in inputs) or "none"
        raise BnncostError(
            f"'{path}' has {len(inputs)} inputs ({named}); bnncost costs networks of one image."
        )
    one = inputs[0]
    kind = onnx.TensorProto.DataType.Name(one.type.tensor_type.elem_type)
    if kind in _NO_IMAGE:
        raise BnncostError(
            f"'{path}': its input '{one.name}' is of the type {kind}, and is no image (N, C, H, W)."
        )
    if kind not in _PRICED:
        raise BnncostError(
            f"'{path}': its input '{one.name}' is of the type {kind}, which bnncost has no price for; export it in 32 "
            "bits, and give @features=fp16 or another width."
        )
    sides = [side.dim_value if side.HasField("dim_value") else 0 for side in one.type.tensor_type.shape.dim]
    if not one.type.tensor_type.HasField("shape") and image is not None:
        sides = [0] * (len(image) + 1)
    if not 2 <= len(sides) <= 4:
        raise BnncostError(
            f"'{path}': its input '{one.name}' is of {len(sides)} axes, and is no image (N, C, H, W)."
        )
    if image is not None:
        wanted = list(image)
        if len(wanted) != len(sides) - 1:
            raise BnncostError(
                f"'{path}': its input '{one.name}' has {len(sides) - 1} axes behind the batch, "
                f"but @input gives {len(wanted)}."
            )
        clash = [(have, want) for have, want in zip(sides[1:], wanted, strict=True) if have and have != want]
        if clash:
            raise BnncostError(
                f"'{path}' reads images of {'x'.join(str(side or '?') for side in sides[1:])}, not "
                f"{'x'.join(map(str, wanted))}: its weights or reshapes are for those. Export it for other images."
            )
        sides[1:] = wanted
    if not all(side > 0 for side in sides[1:]):
        shown = "x".join(str(side) if side else "?" for side in sides[1:])
        raise BnncostError(f"'{path}' reads images of {shown}; say which: --input 3x32x32.")
    return one.name, (1, *sides[1:])


def _array(onnx: Any, tensor: Any, path: str | os.PathLike[str]) -> np.ndarray:
    if any(side < 0 for side in tensor.dims):
        raise BnncostError(f"'{path}': the array '{tensor.name}' has a negative side, {min(tensor.dims)}.")
    if tensor.data_type not in onnx.TensorProto.DataType.values():
        raise BnncostError(f"'{path}': the array '{tensor.name}' is of no type of ONNX ({tensor.data_type}).")
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise BnncostError(f"'{path}': the array '{tensor.name}' cannot be read ({error}).") from None
    if array.dtype.kind not in "fiub":
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise BnncostError(
            f"'{path}': the array '{tensor.name}' is of the type {kind}, which bnncost has no price for."
        )
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _node(
    onnx: Any, one: Any, constants: Mapping[str, np.ndarray], old: bool, path: str | os.PathLike[str]
) -> Node:
    kind = one.op_type if one.domain in (*_STANDARD, *QONNX_DOMAINS) else f"{one.domain}.{one.op_type}"
    attributes = {item.name: _attribute(onnx, item, one, path) for item in one.attribute}
    if len(attributes) < len(one.attribute):
        twice = next(name for name, times in Counter(a.name for a in one.attribute).items() if times > 1)
        raise BnncostError(f"'{path}': node '{one.name or one.op_type}' has the attribute '{twice}' twice.")
    if old and kind in ("Softmax", "LogSoftmax"):
        attributes = {"axis": 1, **attributes, "flat": 1}
    return Node(kind, tuple(one.input), tuple(one.output), attributes, _place(one, constants))


def _attribute(onnx: Any, item: Any, node: Any, path: str | os.PathLike[str]) -> Any:
    value = onnx.helper.get_attribute_value(item)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, onnx.TensorProto):
        return _array(onnx, value, path)
    if node.op_type == "Cast" and item.name == "to":
        try:
            return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(value)).name
        except KeyError:
            raise BnncostError(
                f"'{path}': node '{node.name or 'Cast'}' casts to {value}, which is no type of ONNX."
            ) from None
    if isinstance(value, (onnx.GraphProto, onnx.SparseTensorProto)):
        return "(a graph)"
    return tuple(value) if isinstance(value, list) else value


def _place(node: Any, constants: Mapping[str, np.ndarray]) -> str:
    """The layer of a node: that of its weights, which exporters name by module, or its own name."""
    for name in node.input[1:2]:
        if name in constants and "." in name:
            return name.rpartition(".")[0].strip("/").replace("/", ".")
    return node.name.strip("/").replace("/", ".")


if __name__ == "__main__":
    print(json.dumps(inferred_shapes(*json.load(sys.stdin))))
