"""Readers of models: small ONNX files and programs of torch, bent by node, attribute, dimension and data."""

from __future__ import annotations

import json
import random
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from costmodel import cost, load_profile
from costmodel.evaluate.cost import cost_of_network
from costmodel.importers.model.source import model_of
from tools.fuzz import mutate
from tools.fuzz.loop import Reader


def models() -> list[bytes]:
    """Small ONNX models: a binary convolution, and one with quantizers."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    image, scores = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 2, 4, 4]), ("y", [1, 5]))
    )
    arrays = {
        "w": np.sign(rng.normal(size=(3, 2, 3, 3))).astype(np.float32),
        "s": np.ones(3, np.float32),
        "m": np.zeros(3, np.float32),
        "f": rng.normal(size=(48, 5)).astype(np.float32),
        "step": np.array(0.5, np.float32),
        "zero": np.array(0, np.int8),
        "shape": np.array([1, 48], np.int64),
    }
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
        return helper.make_node(kind, inputs.split(), [output], **attributes)

    body = [
        node("Conv", "a w", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c s m m s", "n"),
        node("Relu", "n", "r"),
        node("Reshape", "r shape", "t"),
        node("Gemm", "t f", "y"),
    ]
    quantized = [node("QuantizeLinear", "x step zero", "q"), node("DequantizeLinear", "q step zero", "a")]
    return [
        helper.make_model(
            helper.make_graph([*first, *body], "g", [image], [scores], constants),
            opset_imports=[helper.make_opsetid("", 17)],
        ).SerializeToString()
        for first in ([node("Sign", "x", "a")], quantized)
    ]


def bend_model(rng: random.Random, content: bytes) -> bytes:
    """Bend a model's nodes, attributes, dimensions and data, or its bytes."""
    import onnx

    if rng.random() < 0.2:
        return mutate.text(rng, content)
    model = onnx.load_from_string(content)
    graph = model.graph
    for _ in range(rng.choice((1, 1, 2, 3))):
        node, array = rng.choice(graph.node), rng.choice(graph.initializer)
        sort = rng.randrange(11)
        if sort == 0:
            node.op_type = rng.choice(
                (
                    "Sign",
                    "Relu",
                    "Conv",
                    "MatMul",
                    "Add",
                    "Loop",
                    "MaxPool",
                    "Softmax",
                    "Transpose",
                    "Reshape",
                    "",
                )
            )
        elif sort == 1 and node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice(
                ("", "x", "w", "y", "t", "step", "nowhere")
            )
        elif sort == 2 and array.dims:
            array.dims[rng.randrange(len(array.dims))] = rng.choice((0, -1, 1, 7, 2**40, 2**62))
        elif sort == 3:
            array.raw_data = mutate.text(rng, array.raw_data)
        elif sort == 4:
            array.raw_data = np.full(
                max(1, len(array.raw_data) // 4), rng.choice((np.nan, np.inf, 1e38, 0, -1)), np.float32
            ).tobytes()
        elif sort == 5:
            array.data_type = rng.randrange(0, 24)
        elif sort == 6:
            names = (
                "pads",
                "strides",
                "group",
                "axis",
                "kernel_shape",
                "dilations",
                "epsilon",
                "alpha",
                "transB",
                "auto_pad",
            )
            values = (
                [-1, 0, 1, 1],
                [0, 0],
                0,
                2,
                -5,
                [1, 1],
                [10**9, 1],
                1e38,
                float("nan"),
                "SAME_UPPER",
                "x" * 100,
            )
            node.attribute.append(onnx.helper.make_attribute(rng.choice(names), rng.choice(values)))
        elif sort == 7:
            dim = graph.input[0].type.tensor_type.shape.dim
            dim[rng.randrange(len(dim))].dim_value = rng.choice((0, -1, 1, 3, 10**6, 2**40))
        elif sort == 8:
            del graph.node[rng.randrange(len(graph.node))]
            if not graph.node:
                break
        elif sort == 9:
            graph.node.insert(rng.randrange(len(graph.node)), node)
        else:
            model.opset_import[0].version = rng.choice((0, 7, 12, 21, 26, 10**9))
    return bytes(model.SerializeToString())


def read_onnx_model(path: Path) -> None:
    """Price a model; no answer is negative or infinite."""
    priced = cost(str(path), "asic-45nm", traffic="compulsory")
    assert priced.energy_j >= 0 and (
        priced.energy_j > 0 or any(note.startswith("zero: ") for note in priced.notes)
    )
    assert all(row.count > 0 for row in priced.operations)
    json.dumps(priced.to_dict(), allow_nan=False)


# ---------------------------------------------------------------- programs of torch


def programs() -> list[bytes]:
    """A small program as torch.export.save writes it."""
    import torch

    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(48, 5),
    )  # fmt: skip
    stream = BytesIO()
    torch.export.save(torch.export.export(model.eval(), (torch.zeros(1, 2, 4, 4),)), stream)
    return [stream.getvalue()]


def bend_program(rng: random.Random, content: bytes) -> bytes:
    """Bend one or two files of the archive, as trees or as bytes; leave one out; or bend the archive itself."""
    if rng.random() < 0.15:
        return mutate.text(rng, content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    often = [name for name in sorted(members) for _ in range(8 if name.endswith(".json") else 1)]
    for name in sorted({rng.choice(often) for _ in range(rng.choice((1, 1, 2)))}):
        held = members.pop(name)
        if name.endswith(".json") and rng.random() < 0.9:
            held = mutate.dumped(mutate.tree(rng, json.loads(held)))
        elif rng.random() < 0.9:
            held = mutate.text(rng, held)
        else:
            continue
        members[name if rng.random() < 0.95 else "a/../../" + name] = held
    stream = BytesIO()
    with zipfile.ZipFile(
        stream, "w", rng.choice((zipfile.ZIP_STORED,) * 5 + (zipfile.ZIP_DEFLATED,))
    ) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return stream.getvalue()


def read_program(path: Path) -> None:
    """Price a program, read in this process."""
    from training.reading.sources import graph_of_source

    model = model_of(graph_of_source(str(path), None), str(path))
    priced = cost_of_network(model.network, load_profile("asic-45nm"), traffic="compulsory")
    assert all(row.count > 0 for row in priced.operations) and priced.energy_j >= 0
    json.dumps(priced.to_dict(), allow_nan=False)


READERS = (
    Reader("onnx", ".onnx", models, bend_model, read_onnx_model),
    Reader("program", ".pt2", programs, bend_program, read_program),
)
