"""Work of the report in several processes, which end well."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread

from costmodel import BnncostError
from costmodel.methods.plugins import load_named_plugins


@contextmanager
def pool_of(workers: int, doing: str) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; what has not begun is called off at the end, and a lost one is a BnncostError.

    `doing` says what a process does, for that message.
    """
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise BnncostError(
            f"a process that {doing} has ended early, perhaps for lack of memory; run again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Know the methods that the parent knows, end where it ends, and let it alone answer Ctrl-C.

    The parent calls off what has not begun and waits for the rest.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    load_named_plugins()


def _end_with_parent() -> None:
    """End this process once its parent is gone, however it went: nobody reads what it would still calculate."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
