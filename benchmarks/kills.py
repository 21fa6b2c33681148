"""Kill commands anywhere and start them again: nothing may be lost, doubled, or come out otherwise.

`make kills N=100`, by hand: each kill takes some seconds. A task is a command, and what of its files has to be the same
as after a run that nobody killed. It is killed several times in one folder, half of the time at any moment and half
just before or behind one of its files, then left to end. Reproducible are the page, tables, weights, exported integers,
and all columns of histories and measurements but those of `PASSING`.
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
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from safetensors import safe_open

from benchmarks.processes import ROOT, alive, family_of

PASSING = frozenset({"wall_s", "images_per_s", "date", "commit"})
"""What differs from run to run: times, the day, and the state of the sources."""
LEFT_BEHIND = (".part", ".tmp", ".jsonl")
GRACE_S = 20.0
KILLS_TOGETHER = 4
"""Kills in one folder before a run is left to end."""
TINY = "resnet20@w0.25/digits"

Digest = Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """A command, and another that has to be there before it; files in the folder `out` are compared."""

    name: str
    arguments: tuple[str, ...]
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """What a run that nobody kills leaves behind, its duration, and how many files it moves to their places itself."""

    outcome: Digest
    duration_s: float
    files: int


@dataclass(frozen=True)
class Moment:
    """When to kill: so long after the start, or at a file of the command's own, "before" or "after" it is in place."""

    after_s: float
    file: int = 0
    side: str = ""

    def __str__(self) -> str:
        """Say when."""
        return f"{self.side} file {self.file}" if self.file else f"at {self.after_s:.1f} s"


def main() -> int:
    """Kill as often as is asked for; gives 1 where a result differs or a process stays."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", nargs="+", choices=[task.name for task in TASKS], metavar="TASK")
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        tasks = [task for task in TASKS if not chosen.tasks or task.name in chosen.tasks]
        whole = {task.name: _whole(task, Path(scratch)) for task in tasks}
        for task in cycle(tasks):
            left = chosen.kills - done.total()
            if not left:
                break
            moments, problem = _killed(task, Path(scratch), draw, min(left, KILLS_TOGETHER), whole[task.name])
            done[task.name] += len(moments)
            when = ", ".join(map(str, moments)) or "not"
            print(f"{done.total()} {task.name} killed {when}: {problem or 'the same'}", flush=True)
            if problem:
                return 1
    print("All the same: " + ", ".join(f"{name} {count}" for name, count in done.items()) + " kills.")
    return 0


def _whole(task: Task, scratch: Path) -> Whole:
    folder = _prepared(task, scratch / f"{task.name}-whole")
    counted = folder / "counted"
    start = time.monotonic()
    _finish(task.arguments, folder, counted)
    duration_s = time.monotonic() - start
    return Whole(_outcome(folder), duration_s, int(counted.read_text("utf-8")))


def _killed(
    task: Task, scratch: Path, draw: random.Random, most: int, whole: Whole
) -> tuple[list[Moment], str]:
    """Kill a command up to so often in one folder, let it end, and say what is not as it should be."""
    folder = _prepared(task, scratch / "killed")
    moments: list[Moment] = []
    while len(moments) < most:
        moment = _drawn(draw, whole)
        killed, staying = _kill(task, folder, moment)
        if not killed:
            break  # it ended before
        moments.append(moment)
        if staying:
            return moments, f"processes {sorted(staying)} stay"
    _finish(task.arguments, folder)
    found, expected = _outcome(folder), whole.outcome
    shutil.rmtree(folder)
    differing = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    return moments, f"differs in {', '.join(differing)}" if differing else ""


def _drawn(draw: random.Random, whole: Whole) -> Moment:
    after_s = draw.uniform(0.0, whole.duration_s)
    if draw.random() < 0.5:
        return Moment(after_s)
    return Moment(float("inf"), draw.randint(1, whole.files), draw.choice(("before", "after")))


def _kill(task: Task, folder: Path, moment: Moment) -> tuple[bool, set[int]]:
    """Start a command and kill it; says whether it lived until then, and which of its processes stay."""
    process = _started(task.arguments, folder, moment.file, moment.side)
    family, end = set[int](), time.monotonic() + moment.after_s
    while process.poll() is None and time.monotonic() < end:
        family |= family_of(process.pid)
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL, _staying(family)


def _prepared(task: Task, folder: Path) -> Path:
    folder.mkdir()
    (folder / "plan.yaml").write_text(PLAN, "utf-8")
    if task.before:
        _finish(task.before, folder)
    return folder


def _started(
    arguments: tuple[str, ...], folder: Path, file: int = 0, side: str = os.devnull
) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "BNNCOST_CACHE": str(folder / "cache"),
    }
    named = [str(path) for one in arguments for path in (sorted(folder.glob(one)) if "*" in one else [one])]
    command = [sys.executable, "-m", "benchmarks.killed_at", str(file), side or os.devnull, *named]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _finish(arguments: tuple[str, ...], folder: Path, counted: Path = Path(os.devnull)) -> None:
    code = _started(arguments, folder, side=str(counted)).wait()
    if code:
        raise SystemExit(f"bnncost {' '.join(arguments)} ended with {code}.")


def _staying(family: set[int]) -> set[int]:
    """Those processes that are still there after a while."""
    end = time.monotonic() + GRACE_S
    left = {one for one in family if alive(one)}
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = {one for one in left if alive(one)}
    return left


# ---------------------------------------------------------------- what is compared


def _outcome(folder: Path) -> Digest:
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
TRAIN = ("train", TINY, "--epochs", "2", "--threads", "1", "--out", "out")
ON = ("--network", "resnet20", "--profile", "asic-28nm-bnn")
TASKS = (
    Task("explore", ("explore", *ON, "--tables", "--out", "out")),
    Task(
        "search",
        (
            *("search", "--network", "resnet8", "--profile", "asic-28nm-bnn", "--jobs", "2", "--out", "out"),
            *("--methods", "double_residual,prelu,norm_before_sign,channel_scale,squeeze_excitation"),
            *("--compute", "binary,int4", "--features", "int4,int8,int16,fp32", "--widths", "0.5,1"),
        ),
    ),
    Task("train", TRAIN),
    Task("robust", ("robust", *ON, "--dataset", "cifar10", "--draws", "50", "--out", "out/robust.svg")),
    Task("review", ("review", "plan.yaml", "--jobs", "2", "--device", "cpu", "--out", "out")),
    Task("export", ("export", "out/*", "--no-onnx"), before=TRAIN),
)

if __name__ == "__main__":
    sys.exit(main())
