"""README's three forms of a network of one's own, run as written, and mistakes in them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
import torch

import costmodel as cm
from analysis.cli import run
from costmodel.errors import BnncostError
from training.reading.sources import graph_of_source

README = Path(__file__).parents[2] / "README.md"
NET = """
import torch
from torch import nn


class Binary(nn.Conv2d):
    def forward(self, x):
        return nn.functional.conv2d(torch.where(x >= 0, 1.0, -1.0), torch.where(self.weight >= 0, 1.0, -1.0), padding=1)


def make():
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8))
    return nn.Sequential(first, Binary(8, 8, 3), nn.Flatten(), nn.Linear(8192, 10))


def fails():
    raise ValueError("no weights here")


def needs(width):
    return make()


def other():
    return 3
"""
BINARY_MACS = 8 * 8 * 9 * 32 * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    section = README.read_text(encoding="utf-8").split("## Cost your own model")[1].split("\n## ")[0]
    return [line.split()[1:] for line in re.findall(r"^    (bnncost .*)$", section, re.MULTILINE)]


@pytest.mark.filterwarnings("ignore")
def test_the_three_forms_of_the_readme_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="reading ONNX needs onnx")
    pytest.importorskip("onnxscript", reason="torch writes ONNX with onnxscript")
    scope: dict[str, object] = {}
    exec(NET, scope)
    model, image = scope["make"]().eval(), torch.randn(1, 3, 32, 32)  # type: ignore[operator]
    torch.export.save(torch.export.export(model, (image,)), folder / "net.pt2")
    torch.onnx.export(model, (image,), folder / "net.onnx", dynamo=True, verbose=False)
    assert len(commands()) == 3
    capsys.readouterr()
    for command in commands():
        assert run(command) == 0
        assert f"{BINARY_MACS:,}" in capsys.readouterr().out


def test_python_takes_the_same_text(folder: Path, reads_here: None) -> None:
    assert cm.cost("net.py:make@input=3x32x32").operation_totals()["mac", "1x1"] == BINARY_MACS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("net.py:make", "--input 3x32x32"),
        ("net.py:fails@input=3x32x32", "ValueError: no weights here"),
        ("net.py:needs@input=3x32x32", "needs arguments"),
        ("net.py:other@input=3x32x32", "returned int"),
        ("net.py:mak@input=3x32x32", "did you mean 'make'"),
        ("none.py:make@input=3x32x32", "no file 'none.py'"),
        ("net.py:make@input=3xx2", "channels x height x width"),
        ("net.py:make@inputs=3x32x32", "did you mean 'input'"),
        ("none.onnx", "cannot be read"),
        ("none.pt2", "there is no file 'none.pt2'"),
    ],
)
def test_mistakes_say_what_to_do(folder: Path, reads_here: None, text: str, says: str) -> None:
    with pytest.raises(BnncostError, match=re.escape(says)):
        cm.cost(text)


def test_what_is_no_onnx_file_is_refused(folder: Path) -> None:
    pytest.importorskip("onnx", reason="reading ONNX needs onnx")
    (folder / "net.onnx").write_bytes(b"not an onnx file")
    with pytest.raises(BnncostError, match="no ONNX file"):
        cm.cost("net.onnx")


class Runs:
    """Pickled, it makes a file when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('code-has-run', 'w').close()",)


@pytest.mark.filterwarnings("ignore")
def test_a_program_with_a_pickle_in_it_runs_no_code(folder: Path) -> None:
    model, image = torch.nn.Conv2d(3, 4, 3), torch.randn(1, 3, 8, 8)
    torch.export.save(torch.export.export(model, (image,)), "clean.pt2")
    torch.save({"a": Runs()}, "inputs")
    with zipfile.ZipFile("clean.pt2") as whole, zipfile.ZipFile("bent.pt2", "w") as bent:
        for part in whole.namelist():
            with_code = part.endswith("sample_inputs/model.pt")
            bent.writestr(part, Path("inputs").read_bytes() if with_code else whole.read(part))
    with pytest.raises(BnncostError, match=r"bent\.pt2"):
        graph_of_source("bent.pt2", None)
    assert not Path("code-has-run").exists()
    assert len(graph_of_source("clean.pt2", None).nodes) > 0
