"""The graph of a network as another tool wrote it: nodes of ONNX's standard operators, and its document on disk.

Readers of ONNX files and of torch programs both make one; nothing in it is specific to either.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from costmodel.errors import BnncostError
from costmodel.importers.model.weights import Stated

FORMAT = "bnncost-model-graph"
VERSION = 1
_DESCRIPTION = "graph"
LEARNED = "learned"
"""Attribute of a sum or a layer by which a reader says that what it adds is a parameter, which training changes."""


@dataclass(frozen=True)
class Node:
    """One step of a graph: an operator by ONNX's name, the names of what it reads and makes, and where it stands.

    An empty input name is an optional input that is not given. `place` is the node's own name or its module's path.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    place: str


@dataclass(frozen=True, eq=False)
class ModelGraph:
    """Nodes in an order in which they can run, from one image (N = 1) to one output, and the arrays that they read.

    `shapes` are those of values, where the reader knows them; `remarks` are sentences on how the graph was read; `real`
    is the precision of its floats. `stated` is what quantizers say of constants that were computed.
    """

    name: str
    input: str
    input_shape: tuple[int, ...]
    output: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    real: str = "fp32"
    stated: Mapping[str, Stated] = field(default_factory=dict)


def write_graph(graph: ModelGraph, path: str | os.PathLike[str]) -> None:
    """Write a graph as one .npz file, which is there and has no other reader: a description in JSON, and the arrays."""
    description = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "input": graph.input,
        "input_shape": list(graph.input_shape),
        "output": graph.output,
        "nodes": [asdict(node) for node in graph.nodes],
        "constants": list(graph.constants),
        "shapes": {name: list(shape) for name, shape in graph.shapes.items()},
        "remarks": list(graph.remarks),
        "stated": {name: list(stated) for name, stated in graph.stated.items()},
    }
    arrays = {f"a{number}": _small(array) for number, array in enumerate(graph.constants.values())}
    text = np.frombuffer(json.dumps(description).encode(), np.uint8)
    with open(path, "wb") as stream:
        np.savez(stream, allow_pickle=False, **{_DESCRIPTION: text}, **arrays)


def _small(array: np.ndarray) -> np.ndarray:
    """One number for a constant that repeats it."""
    return array.reshape(-1)[:1].reshape([1] * array.ndim) if array.size and not any(array.strides) else array


def read_graph(path: str | os.PathLike[str]) -> ModelGraph:
    """Read a graph's document; raises BnncostError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            content = json.loads(stored[_DESCRIPTION].tobytes().decode())
            if content["format"] != FORMAT or content["version"] != VERSION:
                raise BnncostError(f"'{path}' is not a model graph that this version reads.")
            constants = {name: stored[f"a{number}"] for number, name in enumerate(content["constants"])}
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        if isinstance(error, BnncostError):
            raise
        raise BnncostError(f"'{path}' is no model graph: {error}.") from None
    nodes = tuple(
        Node(
            one["kind"], tuple(one["inputs"]), tuple(one["outputs"]), one["attributes"], one["place"]
        )
        for one in content["nodes"]
    )  # fmt: skip
    return ModelGraph(
        content["name"],
        content["input"],
        tuple(content["input_shape"]),
        content["output"],
        nodes,
        constants,
        {name: tuple(shape) for name, shape in content["shapes"].items()},
        tuple(content["remarks"]),
        stated={name: Stated(*stated) for name, stated in content["stated"].items()},
    )
