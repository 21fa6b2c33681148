"""The wheel: everything that the program reads at run time travels in it, and nothing else does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("costmodel", "training", "analysis", "hardware_profiles")
BUILD_FILES = ("setup.cfg", "pyproject.toml", "LICENSE", "README.md")
KEPT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, with the build tool that is installed."""
    pytest.importorskip("setuptools", minversion="77", reason="the extra 'test' installs the build tool")
    copy, built = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for folder in (*FOLDERS, "tests", "benchmarks", "docs"):  # the last three must stay out by themselves
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, copy / folder, ignore=KEPT_OUT)
    for name in BUILD_FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, copy / name)
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = built.glob("*.whl")
    return found


def members(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}


def test_every_source_and_data_file_is_in_the_wheel(wheel: Path) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {
        "costmodel/graph.py",
        "hardware_profiles/sources.yaml",
        "analysis/data/literature_accuracy.csv",
    } <= here
    assert here - members(wheel) == set()


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in members(wheel)}
    assert tops == {*FOLDERS, "bnncost-0.1.0.dist-info"}
    assert not [name for name in members(wheel) if Path(name).name.startswith(("test_", "conftest"))]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    info = "bnncost-0.1.0.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert "bnncost = analysis.cli:main" in scripts
    assert metadata["Requires-Python"] == ">=3.10"
    required = metadata.get_all("Requires-Dist") or []
    assert any("torch" in line and "extra ==" in line for line in required)
    assert not [line for line in required if "torch" in line and "extra ==" not in line]
    assert f"{info}/licenses/LICENSE" in members(wheel)


def test_the_unpacked_wheel_finds_its_profiles(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import costmodel.hardware as hardware; print(hardware.__file__);"
        "print(*hardware.shipped_profiles()); hardware.load_profile('asic-45nm')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    place, profiles = done.stdout.splitlines()
    assert Path(place).is_relative_to(tmp_path)
    shipped = {path.stem for path in (ROOT / "hardware_profiles").glob("*.yaml")} - {"sources"}
    assert set(profiles.split()) == shipped
