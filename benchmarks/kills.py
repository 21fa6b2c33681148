"""Kill commands anywhere and start them again: nothing may be lost, doubled, or come out otherwise.

`make kills N=50`, by hand: each kill takes some seconds. A task is a command, the same again, and what of its files
has to be the same as after a run that nobody killed. Reproducible are the page, tables, weights, exported integers, and
all columns of histories and measurements but those of `PASSING`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from benchmarks.processes import ROOT, alive, family_of

PASSING = frozenset({"wall_s", "images_per_s", "date", "commit"})
"""What differs from run to run: times, the day, and the state of the sources."""
LEFT_BEHIND = (".part", ".tmp")
GRACE_S = 20.0
TINY = "resnet20@w0.25/digits"

Digest = Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """A command, what has to be there before it, and what of its folder is compared."""

    name: str
    arguments: tuple[str, ...]
    outcome: Callable[[Path], Digest]
    before: tuple[str, ...] = ()


def main() -> int:
    """Kill as often as is asked for; gives 1 where a result differs or a process stays."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        whole = {task.name: _whole(task, Path(scratch)) for task in TASKS}
        for number in range(chosen.kills):
            task = TASKS[number % len(TASKS)]
            expected, duration_s = whole[task.name]
            after_s = draw.uniform(0.0, duration_s)
            problem = _killed(task, Path(scratch), after_s, expected)
            done[task.name] += 1
            print(
                f"{number + 1}/{chosen.kills} {task.name} killed after {after_s:.2f} s: {problem or 'the same'}"
            )
            if problem:
                return 1
    print("All the same: " + ", ".join(f"{name} {count}" for name, count in done.items()) + " kills.")
    return 0


def _whole(task: Task, scratch: Path) -> tuple[Digest, float]:
    """What a run that nobody kills leaves behind, and its duration [s]."""
    folder = _prepared(task, scratch / f"{task.name}-whole")
    start = time.monotonic()
    _finish(task.arguments, folder)
    return task.outcome(folder), time.monotonic() - start


def _killed(task: Task, scratch: Path, after_s: float, expected: Digest) -> str:
    """Kill a command, start it again, and say what is not as it should be."""
    folder = _prepared(task, scratch / "killed")
    process = _started(task.arguments, folder)
    time.sleep(after_s)
    family = family_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    staying = _staying(family)
    if staying:
        return f"processes {sorted(staying)} stay"
    _finish(task.arguments, folder)
    found = task.outcome(folder)
    shutil.rmtree(folder)
    differing = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    return f"differs in {', '.join(differing)}" if differing else ""


def _prepared(task: Task, folder: Path) -> Path:
    folder.mkdir()
    (folder / "plan.yaml").write_text(PLAN, "utf-8")
    if task.before:
        _finish(task.before, folder)
    return folder


def _started(arguments: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "BNNCOST_CACHE": str(folder / "cache"),
    }
    named = [str(path) for one in arguments for path in (sorted(folder.glob(one)) if "*" in one else [one])]
    command = [sys.executable, "-m", "analysis.cli", *named]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _finish(arguments: tuple[str, ...], folder: Path) -> None:
    code = _started(arguments, folder).wait()
    if code:
        raise SystemExit(f"bnncost {' '.join(arguments)} ended with {code}.")


def _staying(family: set[int]) -> set[int]:
    """Those processes that are still there after a while."""
    end = time.monotonic() + GRACE_S
    left = family
    while left and time.monotonic() < end:
        left = {one for one in left if alive(one)}
        time.sleep(0.05)
    return left


# ---------------------------------------------------------------- what is compared


def _everything(folder: Path) -> Digest:
    """Every file of a run or a page by its content, less what passes; no half-written file may be among them."""
    digests = {}
    for path in sorted((folder / "out").rglob("*")):
        name = str(path.relative_to(folder))
        if path.name.endswith(LEFT_BEHIND):
            digests[name] = "left behind"
        elif path.is_file() and path.suffix not in (".png", ".lock") and path.name != "lock":
            digests[name] = hashlib.sha256(_lasting(path)).hexdigest()
    return digests


def _lasting(path: Path) -> bytes:
    """The content of a file without what differs from run to run."""
    if path.suffix == ".json":
        return json.dumps(_without(json.loads(path.read_text("utf-8"))), sort_keys=True).encode()
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [{k: v for k, v in row.items() if k not in PASSING} for row in csv.DictReader(stream)]
        return repr(rows).encode()
    if path.suffix == ".safetensors":
        return _tensors(path)
    return path.read_bytes()


def _tensors(path: Path) -> bytes:
    """Names, shapes and bytes of tensors; the header beside them has the times of the epochs."""
    with safe_open(path, "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    return b"".join(
        f"{name}{array.shape}{array.dtype}".encode() + array.tobytes() for name, array in arrays.items()
    )


def _without(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items() if key not in PASSING}
    return [_without(one) for one in value] if isinstance(value, list) else value


PLAN = f"""\
name: tiny
title: Two designs
baseline: {TINY}
recipe: {{base: digits, epochs: 2}}
alone: [prelu]
"""
TRAIN = ("train", TINY, "--epochs", "3", "--threads", "1", "--out", "out")
TASKS = (
    Task(
        "explore",
        ("explore", "--network", "resnet20", "--profile", "asic-28nm-bnn", "--out", "out"),
        _everything,
    ),
    Task("train", TRAIN, _everything),
    Task("review", ("review", "plan.yaml", "--jobs", "2", "--device", "cpu", "--out", "out"), _everything),
    Task("export", ("export", "out/*", "--no-onnx"), _everything, before=TRAIN),
)

if __name__ == "__main__":
    sys.exit(main())
