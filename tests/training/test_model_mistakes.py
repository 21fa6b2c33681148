"""Models that cannot be read: the command says what is wrong in one message, with exit code 2 and no traceback."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import run

onnx = pytest.importorskip("onnx", reason="ONNX files are written with onnx; install the test extra")

WEIGHT = np.ones((4, 3, 3, 3), np.float32)
CODE = """
import torch

def fails(): raise RuntimeError("no weights here")
def needs(width): return torch.nn.ReLU()
def three(): return 3
def leaves(): raise SystemExit(3)

class Constant(torch.nn.Module):
    def forward(self, x): return torch.ones(3)

def constant(): return Constant()
def narrow(): return torch.nn.Conv2d(3, 8, 5)
"""


def written(
    name: str, kind: str = "Conv", inputs: tuple[tuple[str, list[object], int], ...] = (), opset: int = 17,
    reads: tuple[str, ...] = ("x", "w"), **attributes: object,
) -> None:  # fmt: skip
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    declared = [helper.make_tensor_value_info(one, sort, shape) for one, shape, sort in inputs]
    node = helper.make_node(kind, list(reads), ["y"], **attributes)
    result = helper.make_tensor_value_info("y", real, None)
    graph = helper.make_graph([node], "g", declared, [result], [onnx.numpy_helper.from_array(WEIGHT, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, name)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    real, words, image = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, [1, 3, 8, 8]
    one = (("x", image, real),)
    written("good.onnx", inputs=one)
    whole = Path("good.onnx").read_bytes()
    Path("cut.onnx").write_bytes(whole[: len(whole) // 2])
    Path("empty.onnx").write_bytes(b"")
    Path("text.onnx").write_text("no network", encoding="utf-8")
    onnx.save(
        onnx.load("good.onnx"), "apart.onnx", save_as_external_data=True, size_threshold=0, location="w.bin"
    )
    Path("w.bin").unlink()
    written("new.onnx", inputs=one, opset=99)
    written("old.onnx", inputs=one, opset=5)
    written("none.onnx", "Relu", reads=("w",))
    written("two.onnx", "Add", inputs=(*one, ("z", image, real)), reads=("x", "z"))
    written("video.onnx", "Relu", inputs=(("x", [1, 3, 8, 8, 8], real),), reads=("x",))
    written("words.onnx", "Gather", inputs=(("x", [1, 16], words),), reads=("w", "x"))
    written("open.onnx", inputs=(("x", ["n", 3, "h", "w"], real),))
    written("misfit.onnx", inputs=(("x", [1, 7, 8, 8], real),))
    written("small.onnx", inputs=(("x", [1, 3, 2, 2], real),))
    written("loose.onnx", inputs=one, reads=("x", "weights"))
    written("malformed.onnx", "MaxPool", inputs=one, reads=("x",))
    written("loop.onnx", "LSTM", inputs=one)
    Path("bad.pt2").write_bytes(b"no program")
    with zipfile.ZipFile("packed.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/weights/weight_0", bytes(100_000))
    Path("net.py").write_text(CODE, encoding="utf-8")
    Path("missing.py").write_text("import not_there_at_all\n", encoding="utf-8")
    Path("broken.py").write_text("def make(:\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("text.onnx", "is no ONNX file"),
        ("cut.onnx", "a part of it is missing"),
        ("empty.onnx", "is no ONNX file"),
        ("apart.onnx", "files beside it, which are not all there"),
        ("new.onnx", "opset 99; bnncost reads 7 to"),
        ("old.onnx", "opset 5; bnncost reads 7 to"),
        ("none.onnx", "has 0 inputs"),
        ("two.onnx", "has 2 inputs (x, z)"),
        ("video.onnx", "5 axes, and is no image"),
        ("words.onnx", "of the type INT64, and is no image"),
        ("open.onnx", "reads images of 3x?x?; say which: --input"),
        ("misfit.onnx", "7 channels meet weights 4x3x3x3"),
        ("small.onnx", "needs a map of at least 3x3"),
        ("loose.onnx", "reads 'weights', which nothing makes"),
        ("malformed.onnx", "not those of its operator"),
        ("loop.onnx", "LSTM (once"),
        ("bad.pt2", "no program that torch.export.save wrote"),
        ("packed.pt2", "has compressed parts ('net/data/weights/weight_0')"),
        ("net.py:fails@input=3x8x8", "raised RuntimeError: no weights here"),
        ("net.py:needs@input=3x8x8", "needs arguments (width)"),
        ("net.py:three@input=3x8x8", "returned int, no torch.nn.Module"),
        ("net.py:leaves@input=3x8x8", "raised exit code 3"),
        ("net.py:constant@input=3x8x8", "does not depend on the image"),
        ("net.py:narrow@input=3x3x3", "Kernel size can't be greater"),
        ("net.py:narrow", "--input 3x32x32"),
        ("missing.py:make@input=3x8x8", "No module named 'not_there_at_all'"),
        ("broken.py:make@input=3x8x8", "SyntaxError"),
    ],
)
def test_a_mistake_is_one_message(model: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", model]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert says in message and "Traceback" not in message


def test_the_traceback_of_a_factory_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", "net.py:fails@input=3x8x8", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_file_without_a_mistake_is_read() -> None:
    assert run(["cost", "good.onnx"]) == 0
