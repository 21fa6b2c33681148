"""What a study shows while it runs: a bar for each worker on a terminal, else a line for each run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import TaskID

from training.review.worker import Beat, Ended
from training.run.console import bars, say
from training.run.durations import words_of
from training.run.folders import RunSpec


class View(Protocol):
    """What a schedule reports while it runs."""

    @contextmanager
    def shown(self, workers: int) -> Iterator[None]:
        """Be on screen while inside."""

    def started(self, worker: int, spec: RunSpec) -> None:
        """Tell that a worker begins a run."""

    def beat(self, worker: int, beat: Beat) -> None:
        """Tell how far a worker is."""

    def ended(self, worker: int, spec: RunSpec, said: Ended) -> None:
        """Tell what became of a run."""

    def total(self, runs: int, missing: int, left_s: float | None) -> None:
        """Tell how far the study is."""


def view_for(console: Console, labels: Mapping[str, str]) -> View:
    """Choose bars for a terminal and plain lines for anything else; `labels` name designs by their text."""
    return Bars(console, labels) if console.is_terminal else Lines(console, labels)


def _outcome(label: str, spec: RunSpec, said: Ended) -> str:
    words = {
        "done": f"top-1 {said.top1:.2f} %" if said.top1 is not None else "done",
        "failed": f"failed: {said.sentence}",
        "stopped": "stopped at the deadline; it goes on next time",
        "busy": "is trained by another process",
    }
    return f"{label}, seed {spec.seed}: {words.get(said.how, said.how)}"


class Lines:
    """One line when a run begins and when it ends."""

    def __init__(self, console: Console, labels: Mapping[str, str]) -> None:
        self._console, self._labels = console, labels
        self._done = (-1, -1)
        self._told: set[str] = set()

    @contextmanager
    def shown(self, workers: int) -> Iterator[None]:
        """Be on screen while inside."""
        yield

    def _label(self, spec: RunSpec) -> str:
        return self._labels.get(str(spec.design), str(spec.design))

    def started(self, worker: int, spec: RunSpec) -> None:
        """Tell that a worker begins a run."""

    def beat(self, worker: int, beat: Beat) -> None:
        """Tell, once a design, where a GPU is not used as well as it could be."""
        if beat.not_captured and beat.design not in self._told:
            self._told.add(beat.design)
            label = self._labels.get(beat.design, beat.design)
            say(self._console, f"{label}: steps are not captured: {beat.not_captured}")

    def ended(self, worker: int, spec: RunSpec, said: Ended) -> None:
        """Tell what became of a run."""
        if said.how != "busy":
            say(self._console, _outcome(self._label(spec), spec, said))

    def total(self, runs: int, missing: int, left_s: float | None) -> None:
        """Tell how far the study is, when that has changed."""
        if self._done != (runs, missing):
            self._done = (runs, missing)
            left = f", about {words_of(left_s)} left" if left_s and missing else ""
            say(self._console, f"{runs - missing} of {runs} runs are done{left}")


class Bars:
    """A bar for each worker and one for the whole; a line above them for each run that ends."""

    def __init__(self, console: Console, labels: Mapping[str, str]) -> None:
        self._lines = Lines(console, labels)
        self._labels = labels
        self._progress = bars(console, transient=True)
        self._workers: list[TaskID] = []
        self._whole = self._progress.add_task("all runs", total=1, now="")

    @contextmanager
    def shown(self, workers: int) -> Iterator[None]:
        """Be on screen while inside."""
        self._workers = [self._progress.add_task("starting", total=None, now="") for _ in range(workers)]
        with self._progress:
            yield

    def started(self, worker: int, spec: RunSpec) -> None:
        """Tell that a worker begins a run."""
        label = f"{self._labels.get(str(spec.design), str(spec.design))}, seed {spec.seed}"
        self._progress.update(
            self._workers[worker], description=label, total=spec.recipe.epochs, completed=0, now=""
        )

    def beat(self, worker: int, beat: Beat) -> None:
        """Tell how far a worker is."""
        self._lines.beat(worker, beat)
        now = f"epoch {beat.epoch}, {beat.images_per_s:.0f} images/s, {words_of(beat.seconds_left)} left"
        self._progress.update(self._workers[worker], completed=beat.epoch - 1 + beat.part, now=now)

    def ended(self, worker: int, spec: RunSpec, said: Ended) -> None:
        """Tell what became of a run."""
        self._lines.ended(worker, spec, said)
        self._progress.update(self._workers[worker], description="idle", total=None, completed=0, now="")

    def total(self, runs: int, missing: int, left_s: float | None) -> None:
        """Tell how far the study is."""
        left = f", about {words_of(left_s)} left" if left_s else ""
        self._progress.update(
            self._whole, total=runs, completed=runs - missing, now=f"{runs - missing} of {runs}{left}"
        )
