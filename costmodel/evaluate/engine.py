"""Engines: where many independent tasks run, in this process or in several that end well."""

from __future__ import annotations

import atexit
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Protocol, TypeVar

from costmodel.errors import BnncostError
from costmodel.methods.plugins import load_named_plugins

Task = TypeVar("Task")
Result = TypeVar("Result")


class Engine(Protocol):
    """What runs tasks; results do not depend on which engine it is."""

    def results(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result as it ends, in any order; `work` is a function of a module, or a partial."""


@dataclass(frozen=True)
class Here:
    """This process: one task after the other."""

    def results(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result, in their order."""
        for task in tasks:
            yield task, work(task)


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; `doing` says in a message what one of them does."""

    workers: int
    doing: str

    def results(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result as it ends; raises BnncostError where a process is lost."""
        with pool_of(self.workers, self.doing) as pool:
            waiting = {pool.submit(work, task): task for task in tasks}
            for done in as_completed(waiting):
                yield waiting.pop(done), done.result()


@contextmanager
def pool_of(workers: int, doing: str) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; what has not begun is called off at the end, and a lost one is a BnncostError.

    `doing` says what a process does, for that message.
    """
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(gc.get_threshold(),)
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        raise BnncostError(
            f"a process that {doing} has ended early, perhaps for lack of memory; run again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(thresholds: tuple[int, int, int]) -> None:
    """Know the methods that the parent knows, end where it ends, and let it alone answer Ctrl-C.

    The parent calls off what has not begun and waits for the rest. Circles are searched for as rarely as there, and at
    the end not at all.
    """
    gc.set_threshold(*thresholds)
    atexit.register(gc.freeze)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    load_named_plugins()


def end_with_parent() -> None:
    """End this process once its parent is gone, however it went: nobody reads what it would still calculate."""
    Thread(target=_outlive_no_parent, daemon=True).start()


def _outlive_no_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
