"""Surroundings that are odd, and installations that are not whole: commands run, or end in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]
PACKAGES = ("analysis", "costmodel", "hardware_profiles", "training")
SMALL = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
    "from analysis.cli import main; main()"
)
"""A command whose files may have 4 kB, as on a disk that is full."""
FRONT = ("pareto", "--network", "tfc", "--dataset", "mnist", "--traffic", "compulsory", "--out")

SETTINGS = 'text.usetex: True\naxes.prop_cycle: cycler("color", [])\nfigure.facecolor: red\nnonsense\n'
"""Of matplotlib, in the working folder: pictures without them are white, and nothing is said of what is wrong there."""


def bnncost(
    *arguments: str, cwd: Path, root: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    known = os.environ | {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"} | environment
    return subprocess.run(
        [sys.executable, "-m", "analysis.cli", *arguments],
        cwd=cwd, env=known, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout, done.stderr.count("Error:")) == (2, "", 1), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "odd",
    [
        {"MPLBACKEND": "nonsense", "MPLCONFIGDIR": "/dev/null/none"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, {"COLUMNS": "1"},
        {"TZ": "No/Where", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "0", "TMPDIR": "/nowhere/at/all"},
        {"SOURCE_DATE_EPOCH": "abc", "PYTHONOPTIMIZE": "1", "PYTHONWARNINGS": "error::ResourceWarning"},
    ],
    ids=lambda odd: "-".join(odd),
)  # fmt: skip
def test_a_front_is_drawn_in_odd_surroundings(tmp_path: Path, odd: dict[str, str]) -> None:
    (tmp_path / "matplotlibrc").write_text(SETTINGS, "utf-8")
    done = bnncost(*FRONT, "out", cwd=tmp_path, **odd)
    assert done.returncode == 0 and {line.split()[0] for line in done.stderr.splitlines()} == {"Wrote"}, (
        done.stderr
    )
    assert (tmp_path / "out" / "front-energy.png").stat().st_size > 10_000
    assert imread(tmp_path / "out" / "front-energy.png")[0, 0].tolist() == [1, 1, 1, 1]


def test_python_without_docstrings_is_said(tmp_path: Path) -> None:
    assert "leave away -OO or PYTHONOPTIMIZE=2" in refused(
        bnncost("methods", cwd=tmp_path, PYTHONOPTIMIZE="2")
    )


def test_a_front_that_may_not_grow_is_a_sentence_and_nothing_half_written(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", SMALL, *FRONT, "out"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "out/front-energy.png' cannot be written: file too large." in refused(done)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_may_not_grow_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs torch; install the train extra")
    done = subprocess.run(
        [sys.executable, "-B", "-c", SMALL, "train", "resnet20@w0.25/digits", "--epochs", "1", "--threads", "1"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "cannot be written: file too large" in done.stderr.lower()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that may be damaged."""
    root = tmp_path_factory.mktemp("installed")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize(
    ("part", "command"),
    [
        ("costmodel/networks/shipped", ("cost", "resnet20")),
        ("costmodel/hardware/text/unit_scales.csv", ("cost", "resnet20")),
        ("costmodel/graph.py", ("cost", "resnet20")),
        ("analysis/data", ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", "out")),
    ],
)
def test_a_part_that_is_missing_is_installed_again(
    installed: Path, tmp_path: Path, part: str, command: tuple[str, ...]
) -> None:
    (installed / part).rename(tmp_path / "away")
    try:
        said = refused(bnncost(*command, cwd=tmp_path, root=installed))
    finally:
        (tmp_path / "away").rename(installed / part)
    assert "pip install --force-reinstall bnncost" in said


@pytest.fixture(scope="module")
def compiled(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Python compiles of all modules that a cost takes."""
    root = tmp_path_factory.mktemp("compiled")
    assert bnncost("cost", "resnet20", cwd=root, root=installed, **compiling_to(root)).returncode == 0
    return root


def compiling_to(root: Path) -> dict[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(root)}


@pytest.mark.parametrize("kept", [16, 100])
def test_a_compiled_module_that_was_cut_is_installed_again(
    installed: Path, compiled: Path, tmp_path: Path, kept: int
) -> None:
    (module,) = compiled.rglob("cost_document*.pyc")
    whole = module.read_bytes()
    module.write_bytes(whole[:kept])
    try:
        said = refused(bnncost("cost", "resnet20", cwd=tmp_path, root=installed, **compiling_to(compiled)))
    finally:
        module.write_bytes(whole)
    assert "a compiled module is damaged" in said and "pip install --force-reinstall bnncost" in said
