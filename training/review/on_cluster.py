"""A crew on a Ray cluster: every run is a task with a part of a GPU, in a folder that all nodes share.

A run whose worker is lost begins again elsewhere, from its last whole epoch. Images are sent to each node once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costmodel.errors import BnncostError
from costmodel.evaluate.cluster import LOCAL, Joined, joined
from costmodel.output import write_whole
from training.review.crew import POLL_S, Crew, Seat, require_jobs
from training.review.processes import Processes
from training.review.worker import Beat, Ended, Setup, read_data, trained, trainer_on
from training.run.folders import RunSpec

if TYPE_CHECKING:
    from training.data.dataset import Dataset

DOING = "trains a run"


@dataclass(frozen=True)
class Sent:
    """Images that lie on the cluster; in a field of its own, so that a worker fetches them only where it has none."""

    name: str
    reference: Any


@dataclass(eq=False)
class _Joined:
    """The cluster while a study is trained, what all its runs have in common, and the seat of each task."""

    cluster: Joined
    setting: Setup
    images: Sent
    part: float
    """Of a GPU, for each run."""
    under_way: dict[Any, Seat] = field(default_factory=dict)


@dataclass(eq=False)
class OnCluster:
    """`jobs` runs at a time at most, each with `gpu` of a GPU where the cluster has any.

    A cluster that is begun here has `cores`.
    """

    address: str
    jobs: int | None
    gpu: float
    cores: int
    now: _Joined | None = None

    @contextmanager
    def at_work(self, setting: Setup, runs: int) -> Iterator[Sequence[Seat]]:
        """Be in the cluster while inside, with a seat for each run that its GPUs, or else its cores, take at a time."""
        setting = replace(setting, runs=setting.runs.resolve())
        with joined(self.address, self.cores, ("numpy", "torch")) as cluster:
            _require_shared(cluster, setting.runs)
            images = Sent(secrets.token_hex(8), cluster.ray.put(read_data(setting)))
            part = self.gpu if setting.device != "cpu" and cluster.accelerators else 0.0
            on_accelerators = [cluster.accelerators * int(1 / part + 1e-9)] if part else []
            places = min([cluster.cores, *on_accelerators])
            self.now = _Joined(cluster, setting, images, part)
            try:
                yield [Seat(number, ready=True) for number in range(min(runs, places, self.jobs or places))]
            finally:
                for task in self.now.under_way:
                    cluster.ray.cancel(task, force=True)

    def begin(self, seat: Seat, spec: RunSpec) -> bool:
        """Begin a run as a task."""
        assert self.now is not None
        deadline_s = self.now.setting.deadline_s
        ends = None if deadline_s is None else time.time() + deadline_s - time.monotonic()
        arguments = (self.now.images, replace(self.now.setting, deadline_s=None), spec, ends)
        self.now.under_way[self.now.cluster.begin(_run, *arguments, accelerator=self.now.part)] = seat
        return True

    def heard(self) -> list[tuple[Seat, Beat | Ended]]:
        """Wait a moment for tasks that end; one whose worker was lost too often has failed."""
        assert self.now is not None
        if not self.now.under_way:
            time.sleep(POLL_S)
            return []
        ended, _ = self.now.cluster.ray.wait(list(self.now.under_way), timeout=POLL_S)
        return [(self.now.under_way.pop(task), self._outcome(task)) for task in ended]

    def _outcome(self, task: Any) -> Ended:
        assert self.now is not None
        try:
            said: Ended = self.now.cluster.result(task, DOING)
        except BnncostError as error:
            return Ended("failed", str(error))
        return said


def crew_of(cluster: str | None, jobs: int | None, cores: int, gpu: float) -> Crew:
    """The crew that trains a study: on a cluster where one is named, else in processes of this machine.

    `jobs` None stands for `cores` here, and on a cluster for as many as it takes. Raises BnncostError for no jobs.
    """
    require_jobs(cores if jobs is None else jobs)
    if cluster is None:
        return Processes(cores if jobs is None else jobs)
    return OnCluster(cluster, jobs, gpu, cores if jobs is None or cluster != LOCAL else jobs)


# ---------------------------------------------------------------- the shared folder


def _require_shared(cluster: Joined, runs: Path) -> None:
    """Raise BnncostError unless every node finds in the folder of runs what this process writes there."""
    word = secrets.token_hex(8)
    path = write_whole(runs / f".shared-{word}", word)
    try:
        cluster.on_each_node(_find, runs, word)
    finally:
        path.unlink(missing_ok=True)


def _find(runs: Path, word: str) -> None:
    """Read what another node has written, and write beside it."""
    path = runs / f".shared-{word}"
    if not path.is_file():
        raise BnncostError(
            f"it does not see what is written to '{runs}'; name a folder that all nodes share."
        )
    write_whole(runs / f".{secrets.token_hex(6)}.part", word).unlink()


# ---------------------------------------------------------------- on a worker


def _run(data: Sent, setting: Setup, spec: RunSpec, ends: float | None) -> Ended:
    """Train a run until it ends, or until this time of the clock [s since 1970]."""
    deadline_s = None if ends is None else time.monotonic() + ends - time.time()
    now = replace(setting, deadline_s=deadline_s)
    return trained(trainer_on(_images(data), now), spec, _unwatched, deadline_s)


@lru_cache(maxsize=1)
def _images(data: Sent) -> Dataset:
    """The images as this process has them from before, or from its node."""
    import ray

    found: Dataset = ray.get(data.reference)
    return found


def _unwatched(beat: Beat) -> None:
    """How far a run is can be read in its folder."""
