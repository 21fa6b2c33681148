"""The multi-process service: asked for only where it serves, found by those who need it, and ended with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from training.review import sharing
from training.review.sharing import CONTROL, PIPES, one_gpu_for


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a stand-in that writes down what it is asked, and the folder that it was to serve in."""
    log = tmp_path / "asked"
    program = tmp_path / CONTROL
    program.write_text(f'#!/bin/sh\necho "$@ $(test "$1" = -d || cat) ${PIPES}" >> {log}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv(PIPES, raising=False)
    monkeypatch.setattr(sharing, "USUAL_PIPES", tmp_path / "nobody")
    return log


def test_the_service_runs_while_the_processes_do(asked: Path) -> None:
    with one_gpu_for(2, "cuda") as shared:
        assert shared
        folder = os.environ[PIPES]
        assert Path(folder).is_dir()
        assert asked.read_text().split() == ["-d", folder]
    assert PIPES not in os.environ
    assert asked.read_text().splitlines()[1].split() == ["quit", folder]
    assert not Path(folder).exists()


def test_it_ends_where_the_study_fails(asked: Path) -> None:
    with pytest.raises(KeyError), one_gpu_for(2, "cuda:0"):
        raise KeyError
    assert "quit" in asked.read_text()


@pytest.mark.parametrize(("jobs", "device"), [(1, "cuda"), (2, "cpu"), (4, "mps")])
def test_one_process_and_other_devices_need_none(asked: Path, jobs: int, device: str) -> None:
    with one_gpu_for(jobs, device) as shared:
        assert not shared
    assert not asked.exists()


def test_a_service_that_runs_is_left_alone(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PIPES, "/somewhere")
    with one_gpu_for(2, "cuda") as shared:
        assert not shared
    assert os.environ[PIPES] == "/somewhere"
    assert not asked.exists()


def test_without_a_service_that_starts_the_processes_take_turns(
    tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CONTROL).write_text("#!/bin/sh\nexit 1\n")
    with one_gpu_for(2, "cuda") as shared:
        assert not shared
        assert PIPES not in os.environ
