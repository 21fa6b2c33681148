"""Processes end with the one that started them, and say in a sentence when one is lost."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import alive, family_of
from costmodel import BnncostError
from costmodel.evaluate.engine import pool_of
from costmodel.importers.model.apart import apart

POOL = """
import sys, time
from pathlib import Path
from tests_worker_tasks import busy
from costmodel.evaluate.engine import pool_of

if __name__ == "__main__":
    with pool_of(2, "waits") as pool:
        for number in range(2):
            pool.submit(busy, sys.argv[1])
        time.sleep(60)
"""
APART = """
import sys
from costmodel.importers.model.apart import apart

apart("tests_worker_tasks", sys.argv[1])
"""
TASKS = """
import os, sys, time
from pathlib import Path

def busy(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    busy(sys.argv[1])
"""
PATIENCE_S = 20.0


def until(true: object, what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize(
    ("program", "workers", "least"), [(POOL, 2, 3), (APART, 1, 1)], ids=["pool", "apart"]
)
def test_no_process_outlives_a_killed_parent(tmp_path: Path, program: str, workers: int, least: int) -> None:
    (tmp_path / "parent.py").write_text(program, "utf-8")
    (tmp_path / "tests_worker_tasks.py").write_text(TASKS, "utf-8")
    started = tmp_path / "started"
    started.mkdir()
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "parent.py", str(started)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"},
    )
    try:
        until(lambda: len(list(started.iterdir())) == workers, "all workers start")
        family = family_of(parent.pid)  # the workers, and of a pool Python's resource tracker
        assert len(family) >= least
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not any(map(alive, family)), f"of {family} some live on")
    finally:
        parent.kill()


LINGERING = """
import subprocess, sys, threading, time

print(subprocess.Popen(["sleep", "60"]).pid)
threading.Thread(target=time.sleep, args=(60,)).start()
sys.exit("done")
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_program_apart_is_done_when_it_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when what it has started is: that ends with it."""
    (tmp_path / "tests_lingering.py").write_text(LINGERING, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    begun = time.monotonic()
    done = apart("tests_lingering")
    assert (done.returncode, done.stderr) == (1, "done\n")
    assert time.monotonic() - begun < PATIENCE_S
    until(lambda: not alive(int(done.stdout)), "what it started lives on")


def test_a_lost_process_is_a_sentence() -> None:
    with pytest.raises(BnncostError, match="a process that adds has ended early"), pool_of(1, "adds") as pool:
        pool.submit(os._exit, 3).result()


def test_a_process_searches_for_circles_as_rarely_as_its_parent() -> None:
    before = gc.get_threshold()
    gc.set_threshold(12_345, 11, 12)
    try:
        with pool_of(1, "counts") as pool:
            assert pool.submit(gc.get_threshold).result()[:2] == (12_345, 11)
    finally:
        gc.set_threshold(*before)
