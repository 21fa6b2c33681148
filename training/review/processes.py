"""A crew of processes of this machine: each reads the data set once, and ends when the process that started it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from training.review.crew import POLL_S, Seat, require_jobs
from training.review.sharing import one_gpu_for
from training.review.worker import Beat, Ended, Opener, Setup, open_training, serve
from training.run.folders import RunSpec


@dataclass(eq=False)
class Worker:
    """One process, the seat that it fills, and the pipe to it."""

    seat: Seat
    process: BaseProcess
    commands: Connection


@dataclass(eq=False)
class Processes:
    """`jobs` processes; `opener` makes in each what trains."""

    jobs: int = 1
    opener: Opener = open_training
    setting: Setup | None = None
    workers: list[Worker] = field(default_factory=list)

    @contextmanager
    def at_work(self, setting: Setup, runs: int) -> Iterator[Sequence[Seat]]:
        """Have workers while inside; they end with it, in the middle of an epoch if it comes to that."""
        require_jobs(self.jobs)
        self.setting, count = setting, min(self.jobs, runs)
        with one_gpu_for(count, setting.device):
            try:
                for number in range(count):
                    self.workers.append(self._started(Seat(number), setting))
                yield [worker.seat for worker in self.workers]
            finally:
                for worker in self.workers:
                    _end(worker)
                self.workers.clear()

    def begin(self, seat: Seat, spec: RunSpec) -> bool:
        """Send a run to the process of a seat; False where that has ended while idle."""
        try:
            self._of(seat).commands.send(spec)
        except OSError:
            return False
        return True

    def heard(self) -> list[tuple[Seat, Beat | Ended]]:
        """Read what workers say, for a moment; one that died is replaced."""
        by_pipe = {worker.commands: worker for worker in self.workers}
        told: list[tuple[Seat, Beat | Ended]] = []
        for pipe in wait(list(by_pipe), POLL_S):
            worker = by_pipe[pipe]  # type: ignore[index]  # sockets and handles are waited for as well elsewhere
            try:
                said = worker.commands.recv()
            except (EOFError, ConnectionError):
                told += self._replaced(worker)
                continue
            if isinstance(said, Ended) and said.how == "ready":
                worker.seat.ready = True
            else:
                told.append((worker.seat, said))
        return told

    def _of(self, seat: Seat) -> Worker:
        return next(worker for worker in self.workers if worker.seat is seat)

    def _started(self, seat: Seat, setting: Setup) -> Worker:
        """Start a process of its own, which shares nothing with this one but a pipe."""
        context = get_context("spawn")
        commands, its_commands = context.Pipe()
        process = context.Process(target=serve, args=(its_commands, self.opener, setting), daemon=True)
        process.start()
        its_commands.close()
        return Worker(seat, process, commands)

    def _replaced(self, worker: Worker) -> list[tuple[Seat, Beat | Ended]]:
        """Start another process in the place of one that died; gives what became of its run, if it had one."""
        worker.process.join()
        code, seat = worker.process.exitcode, worker.seat
        if not seat.ready:
            why = f"a worker ended before it began (exit code {code}); its last words are above."
            return [(seat, Ended("refused", why))]
        _end(worker)
        assert self.setting is not None
        seat.ready = False
        self.workers[self.workers.index(worker)] = self._started(seat, self.setting)
        if seat.spec is None:
            return []
        why = f"its process ended (exit code {code}), perhaps for lack of memory; use fewer --jobs."
        return [(seat, Ended("failed", why))]


def _end(worker: Worker) -> None:
    if worker.seat.spec is None and worker.process.is_alive():
        try:
            worker.commands.send(None)
            worker.process.join(POLL_S)
        except OSError:
            pass  # it has ended by itself
    worker.process.kill()
    worker.process.join()
    worker.commands.close()
