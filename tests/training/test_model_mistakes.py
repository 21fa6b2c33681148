"""Models that cannot be read: the command says what is wrong in one message, with exit code 2 and no traceback."""

from __future__ import annotations

import zipfile
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from analysis.cli import run
from costmodel.importers.model import source

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

class Open(torch.nn.Module):
    def forward(self, x): return x[x > 0].sum()

def open_size(): return Open()
def narrow(): return torch.nn.Conv2d(3, 8, 5)
def half(): return narrow().half()
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


def several(
    name: str, *nodes: tuple[str, str, str, dict[str, object]], results: tuple[str, ...] = ("y",),
    function: bool = False, shape: tuple[int, ...] | None = (1, 3, 8, 8),
) -> None:  # fmt: skip
    """A file of nodes with one input and one output each."""
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    steps = [helper.make_node(kind, [read], [made], **more) for kind, read, made, more in nodes]
    image = helper.make_tensor_value_info("x", real, shape)
    outputs = [helper.make_tensor_value_info(one, real, None) for one in results]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my", 1)]
    twice = helper.make_node("Add", ["a", "a"], ["b"])
    functions = [helper.make_function("my", "Twice", ["a"], ["b"], [twice], opsets[:1])] if function else []
    graph = helper.make_graph(steps, "g", [image], outputs)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions), name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of all tests here, which only read them."""
    made = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made)
        write_files()
    return made


@pytest.fixture(autouse=True)
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def write_files() -> None:
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
    written("double.onnx", "Relu", inputs=(("x", image, onnx.TensorProto.DOUBLE),), reads=("x",))
    written("brain.onnx", "Relu", inputs=(("x", image, onnx.TensorProto.BFLOAT16),), reads=("x",))
    halved = onnx.load("good.onnx")
    halved.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(WEIGHT.astype(np.float16), "w"))
    onnx.save(halved, "half.onnx")
    written("many.onnx", inputs=(("x", [8, 3, 8, 8], real),))
    several(
        "branches.onnx",
        ("Cast", "x", "c", {"to": onnx.TensorProto.BOOL}),
        ("LSTM", "c", "l", {}),
        ("If", "l", "y", {}),
    )
    several("again.onnx", ("Relu", "x", "y", {}), ("Sigmoid", "x", "y", {}))
    several("heads.onnx", ("Relu", "x", "y", {}), ("Sigmoid", "y", "z", {}), results=("y", "z"))
    several("functions.onnx", ("Twice", "x", "y", {"domain": "my"}), function=True)
    several("formless.onnx", ("Relu", "x", "y", {}), shape=None)
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
        ("double.onnx", "of the type DOUBLE, which bnncost has no price for"),
        ("brain.onnx", "of the type BFLOAT16, which bnncost has no price for"),
        ("net.py:half@input=3x8x8", "weights of the type float16; give it back as model.float()"),
        ("branches.onnx", "Cast (once"),
        ("branches.onnx", "LSTM (once"),
        ("branches.onnx", "If (once"),
        ("again.onnx", "makes 'y', which is there already"),
        ("formless.onnx", "0 axes, and is no image"),
        ("good.onnx[prelu]", "methods are for designs and network files"),
        ("net.tflite", "convert it to ONNX"),
        ("weights.pth", "name file.py:factory"),
        ("net.py", "name the function that makes the module"),
        ("net.py:open_size@input=3x8x8", "depends on the numbers of the image"),
        ("bad.pt2", "no program that torch.export.save wrote"),
        ("packed.pt2", "has compressed parts ('net/data/weights/weight_0')"),
        ("net.py:needs@input=3x8x8", "needs arguments (width)"),
        ("net.py:three@input=3x8x8", "returned int, no torch.nn.Module"),
        ("net.py:constant@input=3x8x8", "does not depend on the image"),
        ("net.py:narrow@input=3x3x3", "Kernel size can't be greater"),
        ("net.py:narrow", "--input 3x32x32"),
        ("missing.py:make@input=3x8x8", "No module named 'not_there_at_all'"),
        ("broken.py:make@input=3x8x8", "SyntaxError"),
    ],
)
def test_a_mistake_is_one_message(
    model: str, says: str, reads_here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_message(model, says, capsys)


@pytest.fixture(scope="module")
def failed(folder: Path) -> CompletedProcess[str]:
    """The process of a factory that raises an error."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        return source.apart(source.READER, "net.py:fails", "3x8x8", str(folder / "graph.npz"))


@pytest.fixture
def fails(failed: CompletedProcess[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A factory whose process is that one."""
    monkeypatch.setattr(source, "apart", lambda *arguments, files: failed)
    return "net.py:fails@input=3x8x8"


def test_an_error_of_a_factory_is_one_message(fails: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_one_message(fails, "raised RuntimeError: no weights here", capsys)


def test_how_the_process_of_a_factory_ended_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert_one_message("net.py:leaves@input=3x8x8", "raised exit code 3", capsys)


def assert_one_message(model: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", model]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert says in message and "Traceback" not in message


def test_the_traceback_of_a_factory_is_shown_on_request(
    fails: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cost", fails, "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("good.onnx", "maps that no quantizer narrows"),
        ("half.onnx", "maps that no quantizer narrows are fp16"),
        ("functions.onnx", "maps that no quantizer narrows"),
        ("formless.onnx@input=3x8x8", "maps that no quantizer narrows"),
        ("many.onnx", "the file is for 8 images at once; the cost is that of one"),
        ("heads.onnx", "the file has 2 outputs; what the first one, 'y', needs is costed"),
    ],
)
def test_what_is_no_mistake_is_read_and_said(
    model: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cost", model]) == 0
    assert says in " ".join(capsys.readouterr().out.split())
