"""Cost, folding and analysis do without torch; training says in a sentence what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MISSING = "import sys; sys.modules.update(dict.fromkeys(['torch', 'torchvision', 'safetensors']))\n"
CALL = MISSING + "from analysis.cli import main; sys.argv[0] = 'bnncost'; main()"


def bnncost(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that has no torch, whether or not it is installed."""
    return subprocess.run(
        [sys.executable, "-c", CALL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("cost", "resnet20[double_residual]", "--per-layer"),
        ("table", "--network", "resnet20", "--methods", "prelu"),
        ("profiles", "list"),
        ("methods",),
        ("--help",),
    ],
)
def test_cost_does_without_torch(arguments: tuple[str, ...]) -> None:
    done = bnncost(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_fronts_do_without_torch(tmp_path: Path) -> None:
    out = str(tmp_path / "front")
    done = bnncost("pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", out)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "front").glob("*.png"))


@pytest.mark.parametrize("arguments", [("train", "resnet20"), ("review", "digits"), ("export", "run")])
def test_training_says_what_to_install(arguments: tuple[str, ...]) -> None:
    done = bnncost(*arguments)
    assert done.returncode == 2
    assert "training needs torch and safetensors" in done.stderr
    assert "pip install 'bnncost[train]'" in done.stderr
    assert "Traceback" not in done.stderr
