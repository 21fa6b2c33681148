"""Work of the report in several processes, which end well."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from costmodel import BnncostError


@contextmanager
def pool_of(workers: int, doing: str) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; what has not begun is called off at the end, and a lost one is a BnncostError.

    `doing` says what a process does, for that message.
    """
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise BnncostError(
            f"a process that {doing} has ended early, perhaps for lack of memory; run again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts() -> None:
    """Let the parent alone answer Ctrl-C: it calls off what has not begun and waits for the rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
