"""An engine of many machines: tasks of Ray, which is loaded only where a cluster is asked for.

A worker that is lost has its task run again elsewhere. What workers load is compared with what runs here, since
results must not depend on where a task ran.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from costmodel.designs.content import content_of_methods
from costmodel.errors import BnncostError
from costmodel.evaluate.engine import Engine, Here, Processes, Result, Task
from costmodel.evaluate.versions import versions_of
from costmodel.methods.plugins import load_named_plugins, named_plugins, set_named_plugins
from costmodel.output import whole_of

LOCAL = "local"
RETRIES = 3
"""How often a task is run again whose worker was lost: one that takes the memory of each ends with a sentence."""
_REACHED_S = 5.0
_HEALTHY_S = 20.0
_WANTS_TOKEN = b"AuthenticationError"
"""What a cluster complains of that wants to know who asks."""
_WAITING_PER_CORE = 3
"""Tasks that are handed out for each core: some to run, some to wait, however many there are."""


@dataclass(frozen=True)
class Refusal:
    """Why a task has no result, in a sentence that needs no class of the worker's to be read."""

    sentence: str


@dataclass(frozen=True)
class Surroundings:
    """What a worker must have as the process that asks has it: versions by package, and files of methods.

    `thresholds` say how many objects are made before Python looks for circles among them, `folder` is the working
    folder, from which network files are named.
    """

    versions: tuple[tuple[str, str], ...]
    plugins: str
    plugin_content: str
    thresholds: tuple[int, int, int]
    folder: str

    @classmethod
    def here(cls, packages: Sequence[str]) -> Surroundings:
        """Those of this process, for work that needs these packages."""
        return cls(
            versions_of(packages), named_plugins(), content_of_methods(), gc.get_threshold(), os.getcwd()
        )


@dataclass(frozen=True)
class Cluster:
    """Workers of a Ray cluster: one that is begun here and ends with the work ("local"), or that at HOST:PORT.

    `workers` are the processes of a local one; `doing` says in a message what one of them does.
    """

    address: str
    workers: int
    doing: str

    def results(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result as it ends; raises BnncostError where a worker is lost too often."""
        with joined(self.address, self.workers) as cluster:
            sent = cluster.ray.put(work)
            waiting: dict[Any, Task] = {}
            for task in tasks:
                if len(waiting) >= _WAITING_PER_CORE * cluster.cores:
                    yield cluster.next_of(waiting, self.doing)
                waiting[cluster.begin(_call, sent, task)] = task
            while waiting:
                yield cluster.next_of(waiting, self.doing)


def engine_of(cluster: str | None, workers: int, tasks: int, doing: str) -> Engine:
    """The engine for so many tasks: a cluster where one is named, else processes, else this one alone."""
    if cluster is not None:
        return Cluster(cluster, workers, doing)
    return Here() if min(workers, tasks) < 2 else Processes(workers, doing)


@dataclass(frozen=True)
class Joined:
    """A cluster that this process has joined, and what its workers must have."""

    ray: Any
    surroundings: Surroundings

    @property
    def cores(self) -> int:
        """Cores of the nodes that are there now."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    @property
    def accelerators(self) -> int:
        """Accelerators of the nodes that are there now."""
        return int(self.ray.cluster_resources().get("GPU", 0))

    def begin(self, work: Callable[..., Any], *arguments: Any, accelerator: float = 0.0) -> Any:
        """Begin a task on any node, with a core and a part of an accelerator; gives what stands for its result."""
        options = {"num_cpus": 1, "num_gpus": accelerator, "max_retries": RETRIES}
        return self.ray.remote(_told).options(**options).remote(self.surroundings, work, *arguments)

    def result(self, ended: Any, doing: str) -> Any:
        """The result of a task that has ended; raises BnncostError where it has none."""
        try:
            found = self.ray.get(ended)
        except self.ray.exceptions.RayTaskError:
            raise  # a mistake of ours: its traceback is wanted
        except self.ray.exceptions.RayError as error:
            raise BnncostError(
                f"a worker of the cluster that {doing} was lost {RETRIES + 1} times ({type(error).__name__}), perhaps "
                "for lack of memory; run again."
            ) from None
        if isinstance(found, Refusal):
            raise BnncostError(found.sentence)
        return found

    def next_of(self, waiting: dict[Any, Task], doing: str) -> tuple[Task, Any]:
        """Wait for the next of some tasks, and take it out of them with its result."""
        (ended, *_), _ = self.ray.wait(list(waiting), num_returns=1)
        return waiting.pop(ended), self.result(ended, doing)

    def on_each_node(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Run a task on every node; raises one BnncostError with what each node says against it."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = {}
        for node in self.ray.nodes():
            if node["Alive"]:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = self.ray.remote(_told).options(
                    num_cpus=0, scheduling_strategy=there, max_retries=RETRIES
                )
                asked[task.remote(self.surroundings, work, *arguments)] = node["NodeManagerAddress"]
        problems = []
        for ended, name in asked.items():
            try:
                self.result(ended, "is asked what it has")
            except BnncostError as error:
                problems.append(f"{name}: {error}")
            except self.ray.exceptions.RayTaskError as error:
                last = str(error).strip().splitlines()[-1]
                problems.append(f"{name}: bnncost does not load there as it is here ({last}).")
        if problems:
            raise BnncostError("nodes of the cluster do not fit: " + " ".join(dict.fromkeys(problems)))


@contextmanager
def joined(address: str, workers: int, packages: Sequence[str] = ("numpy",)) -> Iterator[Joined]:
    """Be in a cluster while inside; one that is begun here ends with it.

    Raises BnncostError where Ray is not installed, where no cluster is at the address, and where a node has another
    version of bnncost or of one of `packages`.
    """
    ray = _loaded()
    if address != LOCAL:
        _require_cluster(address)
    place = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **place)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BnncostError(f"--cluster {address} cannot be joined: {reason}") from None
    with redirect_stdout(sys.stderr):  # where Ray says that a worker was lost, and not among the results
        try:
            cluster = Joined(ray, Surroundings.here(packages))
            cluster.on_each_node(_nothing)
            yield cluster
        finally:
            ray.shutdown()


# ---------------------------------------------------------------- joining


def _loaded() -> Any:
    """Ray, told to report nothing to its makers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise BnncostError(
            "--cluster needs Ray; install it: pip install 'bnncost[cluster]'. Without --cluster all runs here."
        ) from None
    return ray


def _require_cluster(address: str) -> None:
    """Raise BnncostError unless a cluster answers at HOST:PORT: Ray itself tries for minutes, and then ends."""
    host, colon, written = address.rpartition(":")
    port = whole_of(written)
    if not colon or not host or port is None or not 0 < port < 65536:
        raise BnncostError(
            f"--cluster '{address}': write {LOCAL}, or HOST:PORT as `ray start --head` prints it, such as "
            "10.0.0.1:6379."
        )
    advice = "start one with `ray start --head`, or take --cluster local."
    try:
        socket.create_connection((host, port), timeout=_REACHED_S).close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BnncostError(f"no cluster is at {address} ({reason}); {advice}") from None
    asking = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check"]
    try:
        asked = subprocess.run([*asking, "--address", address], capture_output=True, timeout=_HEALTHY_S)
        answers, complaint = asked.returncode == 0, asked.stderr
    except subprocess.TimeoutExpired:
        answers, complaint = False, b""
    if _WANTS_TOKEN in complaint:
        raise BnncostError(
            f"the cluster at {address} wants Ray's token: set RAY_AUTH_MODE=token here as on its nodes, and let all "
            "have the same token (docs/cluster.md)."
        )
    if not answers:
        raise BnncostError(f"what listens at {address} is no Ray cluster; {advice}")


# ---------------------------------------------------------------- on a worker


def _told(expected: Surroundings, work: Callable[..., Any], *arguments: Any) -> Any:
    """Run a task where its worker has what it must have; what it cannot do is told in a sentence."""
    try:
        _fit(expected)
        return work(*arguments)
    except BnncostError as error:
        return Refusal(str(error))
    except OSError as error:
        name = f"'{error.filename}': " if error.filename is not None else ""
        return Refusal(f"{name}{(error.strerror or str(error)).lower()}.")


def _call(work: Callable[[Any], Any], task: Any) -> Any:
    return work(task)


def _nothing() -> None:
    """Only whether a node fits is asked."""


@cache
def _fit(expected: Surroundings) -> None:
    """Load the methods that the asking process has; raises BnncostError where something here is another version."""
    own = versions_of([name for name, _ in expected.versions[1:]])
    other = [
        f"{name} {mine}, not {theirs}"
        for (name, mine), (_, theirs) in zip(own, expected.versions, strict=True)
        if mine != theirs
    ]
    if other:
        raise BnncostError(f"it has {' and '.join(other)}; install the same there.")
    gc.set_threshold(*expected.thresholds)
    with suppress(OSError):  # a file that is missed here is named by whoever reads it
        os.chdir(expected.folder)
    set_named_plugins(expected.plugins)
    load_named_plugins()
    if content_of_methods() != expected.plugin_content:
        raise BnncostError(
            "its files of --plugin, or of packages that declare methods, differ; put the files into a folder that all "
            "nodes share, and install the same packages."
        )
