"""Cost, folding and analysis do without torch; training says in a sentence what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MISSING = "import sys; sys.modules.update(dict.fromkeys(['torch', 'torchvision', 'safetensors']))\n"
CALLS = """
import contextlib, io, json
from analysis.cli import main
answers = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["bnncost", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as done:
            code = done.code
    answers.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""
DO_WITHOUT = (
    ("cost", "resnet20[double_residual]", "--per-layer"),
    ("table", "--network", "resnet20", "--methods", "prelu"),
    ("profiles", "list"),
    ("methods",),
    ("--help",),
    ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", "front"),
)
NEED_IT = (("train", "resnet20"), ("review", "digits"), ("export", "run"))
Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("without")


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[tuple[str, ...], Answer]:
    """Exit code, output and messages of all commands, in a process without torch, whether or not it is installed."""
    commands = (*DO_WITHOUT, *NEED_IT)
    done = subprocess.run(
        [sys.executable, "-c", f"{MISSING}sys.path.insert(0, {str(ROOT)!r}){CALLS}", json.dumps(commands)],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(commands, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("arguments", DO_WITHOUT)
def test_cost_and_fronts_do_without_torch(
    arguments: tuple[str, ...], answers: dict[tuple[str, ...], Answer]
) -> None:
    code, out, err = answers[arguments]
    assert code == 0, err
    assert out


def test_a_front_is_drawn_without_torch(answers: dict[tuple[str, ...], Answer], folder: Path) -> None:
    assert list((folder / "front").glob("*.png"))


@pytest.mark.parametrize("arguments", NEED_IT)
def test_training_says_what_to_install(
    arguments: tuple[str, ...], answers: dict[tuple[str, ...], Answer]
) -> None:
    code, _, err = answers[arguments]
    assert code == 2
    assert "training needs torch and safetensors" in err
    assert "pip install 'bnncost[train]'" in err
    assert "Traceback" not in err
