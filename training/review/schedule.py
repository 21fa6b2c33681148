"""Runs of a study side by side: who trains which, what still fits, and what becomes of each.

The folder of runs is all that is remembered. A run with a record is done; one that another process owns is waited for;
one that was stopped goes on from its last epoch. So any process of a study may be killed at any time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from costmodel.errors import BnncostError
from costmodel.output import make_folder
from training.review.pace import Pace, epochs_of, pace_of
from training.review.sharing import one_gpu_for
from training.review.view import View
from training.review.worker import Beat, Ended, Opener, Setup, open_training, serve
from training.run.folders import RECORD, RunSpec

POLL_S = 1.0
TELL_S = 5.0
BUSY_S = 3.0
"""After how long a run that another process has is looked at again."""


@dataclass(eq=False)
class Worker:
    """One process, the run that it trains, and the two pipes to it."""

    number: int
    process: BaseProcess
    commands: Connection
    lifeline: Connection
    ready: bool = False
    spec: RunSpec | None = None
    beat: Beat | None = None


@dataclass
class Sitting:
    """What is known of the runs of one sitting; the runs are in the order in which they should be trained."""

    specs: tuple[RunSpec, ...]
    setting: Setup
    view: View
    workers: list[Worker] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    look_again: dict[str, float] = field(default_factory=dict)
    started: int = 0
    refused: str = ""
    tell_at: float = 0.0


def run_all(
    specs: Sequence[RunSpec],
    setting: Setup,
    view: View,
    *,
    jobs: int = 1,
    opener: Opener = open_training,
) -> dict[str, str]:
    """Train every run that has no record yet, `jobs` at a time; gives the sentence of each that failed, by its name.

    At the deadline of the setting running ones stop after their epoch, and no run is started that is not expected
    to end by then, save the first. Raises BnncostError where workers cannot begin, such as for a missing data set.
    """
    make_folder(setting.runs)
    sitting = Sitting(tuple(dict.fromkeys(specs)), setting, view)
    if not missing(sitting.specs, setting.runs):
        return {}
    count = min(jobs, len(sitting.specs))
    with one_gpu_for(count, setting.device), _workers(sitting, count, opener), view.shown(count):
        while _goes_on(sitting):
            _assign(sitting)
            _listen(sitting, opener)
            _tell_total(sitting)
    if sitting.refused:
        raise BnncostError(sitting.refused)
    return sitting.failures


def missing(specs: Sequence[RunSpec], runs: Path) -> list[RunSpec]:
    """List the runs that have no record, in order."""
    return [spec for spec in specs if not (runs / spec.name / RECORD).is_file()]


def left_s(sitting: Sitting) -> float | None:
    """Estimate the seconds until all is done; None while nothing is known."""
    pace, runs = pace_of(sitting.specs, sitting.setting.runs), sitting.setting.runs
    total = 0.0
    for spec in missing(sitting.specs, runs):
        remaining = pace.remaining_s(spec, len(epochs_of(runs / spec.name)))
        if remaining is None:
            return None
        total += remaining if spec.name not in sitting.failures else 0.0
    return total / max(len(sitting.workers), 1)


def _tell_total(sitting: Sitting) -> None:
    """Report to the view how far the study is, but only now and then, since it takes reading every history."""
    now = time.monotonic()
    if now >= sitting.tell_at:
        sitting.tell_at = now + TELL_S
        sitting.view.total(
            len(sitting.specs), len(missing(sitting.specs, sitting.setting.runs)), left_s(sitting)
        )


# ------------------------------------------------------------------ what is trained next


def _goes_on(sitting: Sitting) -> bool:
    """Say whether anything runs, or could still be started now or when another process lets go of it."""
    if sitting.refused:
        return False
    return any(worker.spec for worker in sitting.workers) or bool(_candidates(sitting))


def _candidates(sitting: Sitting) -> list[RunSpec]:
    """List the runs that this sitting may still start, in order."""
    if _late(sitting):
        return []
    taken = {worker.spec.name for worker in sitting.workers if worker.spec}
    passed = taken | sitting.failures.keys() | sitting.stopped
    open_ = [spec for spec in missing(sitting.specs, sitting.setting.runs) if spec.name not in passed]
    if sitting.setting.deadline_s is None or not sitting.started:
        return open_
    pace = pace_of(sitting.specs, sitting.setting.runs)
    return [spec for spec in open_ if _fits(sitting, spec, pace)]


def _late(sitting: Sitting) -> bool:
    return sitting.setting.deadline_s is not None and time.monotonic() >= sitting.setting.deadline_s


def _fits(sitting: Sitting, spec: RunSpec, pace: Pace) -> bool:
    """Say whether a run is expected to end by the deadline; one of which nothing is known is given a chance."""
    remaining = pace.remaining_s(spec, len(epochs_of(sitting.setting.runs / spec.name)))
    return remaining is None or time.monotonic() + remaining <= (sitting.setting.deadline_s or 0)


def _assign(sitting: Sitting) -> None:
    """Give every idle worker the first run that it may start now."""
    for worker in sitting.workers:
        if not worker.ready or worker.spec is not None:
            continue
        now = time.monotonic()
        chosen = next(
            (
                spec
                for spec in _candidates(sitting)
                if sitting.look_again.get(spec.name, now) <= now and not _waits_for_teacher(sitting, spec)
            ),
            None,
        )
        if chosen is not None:
            try:
                worker.commands.send(chosen)
            except OSError:
                continue  # it has died while idle, which `_listen` hears next
            worker.spec, worker.beat = chosen, None
            sitting.started += 1
            sitting.view.started(worker.number, chosen)


def _waits_for_teacher(sitting: Sitting, spec: RunSpec) -> bool:
    """Say whether the teacher of a run is being trained right now: its student would only hold a worker up."""
    if not spec.has_teacher:
        return False
    from training.run.phases import teacher_of  # loads torch, which nothing else here needs

    teacher = teacher_of(spec)
    if not missing([teacher], sitting.setting.runs):
        return False
    busy = [worker.spec for worker in sitting.workers if worker.spec]
    return any(other == teacher or (other.has_teacher and teacher_of(other) == teacher) for other in busy)


# ------------------------------------------------------------------ workers


@contextmanager
def _workers(sitting: Sitting, count: int, opener: Opener) -> Iterator[None]:
    """Have workers while inside; they end with it, in the middle of an epoch if it comes to that."""
    try:
        for number in range(count):
            sitting.workers.append(_start(sitting, number, opener))
        yield
    finally:
        for worker in sitting.workers:
            _end(worker)


def _start(sitting: Sitting, number: int, opener: Opener) -> Worker:
    """Start a process of its own, which shares nothing with this one but two pipes."""
    context = get_context("spawn")
    commands, its_commands = context.Pipe()
    its_lifeline, lifeline = context.Pipe(duplex=False)
    process = context.Process(
        target=serve, args=(its_commands, its_lifeline, opener, sitting.setting), daemon=True
    )
    process.start()
    its_commands.close()
    its_lifeline.close()
    return Worker(number, process, commands, lifeline)


def _end(worker: Worker) -> None:
    if worker.spec is None and worker.process.is_alive():
        try:
            worker.commands.send(None)
            worker.process.join(POLL_S)
        except OSError:
            pass  # it has ended by itself
    worker.process.kill()
    worker.process.join()
    worker.commands.close()
    worker.lifeline.close()


def _listen(sitting: Sitting, opener: Opener) -> None:
    """Read what workers say, for a moment; one that died is replaced."""
    by_pipe = {worker.commands: worker for worker in sitting.workers}
    for pipe in wait(list(by_pipe), POLL_S):
        worker = by_pipe[pipe]  # type: ignore[index]  # sockets and handles are waited for as well elsewhere
        try:
            said = worker.commands.recv()
        except (EOFError, ConnectionError):
            _replace(sitting, worker, opener)
            continue
        if isinstance(said, Beat):
            worker.beat = said
            sitting.view.beat(worker.number, said)
        else:
            _heard(sitting, worker, said)


def _heard(sitting: Sitting, worker: Worker, said: Ended) -> None:
    if said.how == "ready":
        worker.ready = True
        return
    if said.how == "refused" or worker.spec is None:
        sitting.refused = said.sentence
        return
    spec, worker.spec = worker.spec, None
    if said.how == "failed":
        sitting.failures[spec.name] = said.sentence
    elif said.how == "stopped":
        sitting.stopped.add(spec.name)
    elif said.how == "busy":
        sitting.look_again[spec.name] = time.monotonic() + BUSY_S
        sitting.started -= 1
    sitting.view.ended(worker.number, spec, said)
    sitting.tell_at = 0.0


def _replace(sitting: Sitting, worker: Worker, opener: Opener) -> None:
    """Note the run of a worker that died as failed, if it had one, and start another one in its place."""
    worker.process.join()
    code = worker.process.exitcode
    if not worker.ready:
        sitting.refused = f"a worker ended before it began (exit code {code}); its last words are above."
        return
    if worker.spec is not None:
        why = f"its process ended (exit code {code}), perhaps for lack of memory; use fewer --jobs."
        _heard(sitting, worker, Ended("failed", why))
    _end(worker)
    sitting.workers[sitting.workers.index(worker)] = _start(sitting, worker.number, opener)
