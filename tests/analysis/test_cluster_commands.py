"""`--cluster`: the same files as without, whatever happens to a worker, and nothing that lives on after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from analysis.cli import run
from benchmarks.processes import alive, family_of
from tests.analysis.test_cli_mistakes import complaint
from tests.analysis.test_search_command import STOPPED, whole

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]
PATIENCE_S = 150.0
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None or not Path("/proc/self/stat").exists(),
    reason="Ray is not installed (pip install 'bnncost[cluster]'), or processes cannot be looked up in /proc",
)
__all__ = ["whole"]


def command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "analysis.cli", *arguments, "--jobs", "2", "--cluster", "local"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=listen_to_control_c,
    )  # fmt: skip


def listen_to_control_c() -> None:
    """Undo what a shell does to processes in its background, where these tests may run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(true: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)


def at_work(process: int) -> list[int]:
    """Workers of a command's cluster that have a task now: Ray names a process by what it does."""
    named = {
        child: Path(f"/proc/{child}/comm").read_text("utf-8") for child in family_of(process) if alive(child)
    }
    return [child for child, name in named.items() if name.startswith("ray::") and "IDLE" not in name]


def chunks_in(folder: Path) -> int:
    return sum(len(log.read_bytes().splitlines()) for log in folder.glob(".search*"))


@needs_ray
def test_a_search_whose_worker_is_killed_writes_the_same_file(whole: str, tmp_path: Path) -> None:
    with command(*STOPPED, "--out", str(tmp_path)) as process:
        until(lambda: chunks_in(tmp_path) >= 1, process)
        victim = next(one for one in at_work(process.pid) if "_told" in Path(f"/proc/{one}/comm").read_text())
        os.kill(victim, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == 0
    assert (tmp_path / "front.csv").read_text("utf-8") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["front.csv"]


@needs_ray
def test_control_c_leaves_no_process_and_the_search_goes_on(
    whole: str, tmp_path: Path, capsys: Captured
) -> None:
    with command(*STOPPED, "--out", str(tmp_path)) as process:
        until(lambda: chunks_in(tmp_path) >= 1, process)
        family = family_of(process.pid)
        assert len(family) > 4
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    end = time.monotonic() + PATIENCE_S
    while any(map(alive, family)):
        assert time.monotonic() < end, [one for one in family if alive(one)]
        time.sleep(0.05)
    assert run((*STOPPED, "--jobs", "1", "--out", str(tmp_path))) == 0
    capsys.readouterr()
    assert (tmp_path / "front.csv").read_text("utf-8") == whole


@needs_ray
def test_robust_prints_the_same(capsys: Captured) -> None:
    asked = (*ROBUST[:-1], "5000", "--format", "json")
    assert run(asked) == 0
    alone = capsys.readouterr().out
    assert run((*asked, "--cluster", "local")) == 0
    assert capsys.readouterr().out == alone


SEARCH = ("search", "--network", "resnet20", "--methods", "prelu")
ROBUST = ("robust", "--network", "resnet20", "--dataset", "cifar10", "--draws", "9")


@pytest.mark.parametrize("asked", [SEARCH, ROBUST])
def test_a_cluster_that_is_none_is_a_mistake(
    asked: tuple[str, ...], tmp_path: Path, capsys: Captured
) -> None:
    said = complaint(capsys, *asked, "--out", str(tmp_path / "out"), "--cluster", "127.0.0.1:1")
    assert "no cluster is at 127.0.0.1:1" in said or "--cluster needs Ray" in said


@needs_ray
def test_too_large_a_search_is_refused_before_a_cluster_begins(tmp_path: Path, capsys: Captured) -> None:
    asked = ("search", "--network", "resnet20", "--out", str(tmp_path / "never"), "--cluster", "nowhere:1")
    assert "this search would look at" in complaint(capsys, *asked)
    assert not (tmp_path / "never").exists()


def test_a_folder_that_is_full_is_named_and_the_search_can_go_on(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    import resource

    process = subprocess.run(
        [sys.executable, "-m", "analysis.cli", *STOPPED, "--jobs", "1", "--out", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900)),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.returncode == 2
    assert "cannot be written: file too large; make room, and give the same command" in " ".join(
        process.stderr.split()
    )
    assert "Traceback" not in process.stderr
