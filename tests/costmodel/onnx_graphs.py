"""Small ONNX files written node by node, and what onnxruntime computes of them: the judge of the importer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from costmodel.importers.model.naming import Model
from costmodel.importers.model.source import read_model
from costmodel.operations.run import run

Step = str | tuple[str, Mapping[str, Any]]
"""A node, "Conv x w", and its attributes: "-" is what the node before makes, "_" an input that is not given."""


@dataclass(frozen=True)
class Graph:
    """Nodes one after the other; "x" is the image, "y0" what the first makes, and a name in `constants` an array."""

    name: str
    steps: tuple[Step, ...]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    image: tuple[int, ...] = (6, 8, 10)
    opset: int = 21
    domain: str = ""
    domain_version: int = 1

    def model(self) -> onnx.ModelProto:
        """The file's content."""
        nodes, before = [], "x"
        for number, step in enumerate(self.steps):
            (kind, *inputs), attributes = (
                (step.split(), {}) if isinstance(step, str) else (step[0].split(), step[1])
            )
            read = [{"-": before, "_": ""}.get(name, name) for name in inputs]
            before = f"y{number}"
            made = [before, f"{before}_b"] if kind in ("TopK", "Split") else [before]
            domain = self.domain if kind in CUSTOM else ""
            nodes.append(
                onnx.helper.make_node(kind, read, made, name=f"n{number}", domain=domain, **attributes)
            )
        float32, int64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
        graph = onnx.helper.make_graph(
            nodes,
            "g",
            [onnx.helper.make_tensor_value_info("x", float32, [1, *self.image])],
            [onnx.helper.make_tensor_value_info(before, int64 if kind == "ArgMax" else float32, None)],
            [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in self.constants.items()],
        )
        opsets = [onnx.helper.make_opsetid("", self.opset)]
        if self.domain:
            opsets.append(onnx.helper.make_opsetid(self.domain, self.domain_version))
        return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def written(self, folder: Path) -> Path:
        """Write the file."""
        path = folder / f"{self.name}.onnx"
        onnx.save(self.model(), path)
        return path

    def sample(self, seed: int = 3) -> np.ndarray:
        """An image for it."""
        return np.random.default_rng(seed).normal(size=(1, *self.image)).astype(np.float32)


CUSTOM = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold", "QuantAvgPool2d")
"""Nodes that are not in ONNX's own domain."""


def by_onnxruntime(path: Path, image: np.ndarray) -> np.ndarray:
    """What onnxruntime computes."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: image})[0])


def here(path: Path, image: np.ndarray, settings: str = "features=fp32") -> tuple[np.ndarray, Model]:
    """What the operations that are read compute, as a tensor (C, H, W), and the model."""
    model = read_model(f"{path}@{settings}")
    return run(model.network, model.values, as_stored(image[0]).astype(np.float64)), model


def as_stored(tensor: np.ndarray) -> np.ndarray:
    """A tensor (C, H, W), tokens (H, C), or (C,), without its batch, as a map (C, H, W)."""
    if tensor.ndim == 3:
        return tensor
    return tensor.T[..., None] if tensor.ndim == 2 else tensor.reshape(-1, 1, 1)
