"""Processes: benchmarks that run in fresh ones, and which of a process's are still there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def in_fresh_process(module: str, *arguments: str, threads: int | None = None) -> dict[str, Any]:
    """What a module prints as JSON when it is run by itself, whose peak memory then is its own."""
    limits = (
        {} if threads is None else dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    )
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, check=True, capture_output=True, text=True, env=os.environ | limits,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def alive(process: int) -> bool:
    """Say whether a process is there and no mere entry that nobody has asked for."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def family_of(process: int) -> set[int]:
    """A process's children and theirs, whichever of its threads began them, while it lives."""
    found: set[int] = set()
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found |= set(map(int, listed.read_text("utf-8").split()))
        except OSError:  # the thread has ended
            continue
    return found.union(*map(family_of, found))
