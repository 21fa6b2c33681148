"""Code of a user's own that is run: what it may do besides, and what it raises and where in it that was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from threading import RLock
from traceback import walk_tb

OF_USER_CODE = BaseException
"""What such code may raise, `sys.exit` and errors of its own kind, too; Ctrl-C is to be let through before."""
_ONE_AT_A_TIME = RLock()
"""Standard output and the working folder are those of all threads."""


@contextmanager
def aside() -> Iterator[None]:
    """Let what the code says go to standard error, and stay in the working folder: both are those of results."""
    with _ONE_AT_A_TIME, _output_aside(), redirect_stdout(sys.stderr):
        here = os.getcwd()
        try:
            yield
        finally:
            if os.getcwd() != here:
                os.chdir(here)


@contextmanager
def _output_aside() -> Iterator[None]:
    """Let what writes to the descriptor itself write to standard error, where there are both."""
    if sys.stdout is not None:
        sys.stdout.flush()
    kept = None
    with suppress(OSError):  # one of them is closed
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def raised_at(error: BaseException, module: str) -> tuple[str, int] | None:
    """File and line where an error left a module, or another of its package; None where it was raised elsewhere.

    What the module called, such as a library, is no place that its author can mend.
    """
    package, found = module.partition(".")[0], None
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            found = frame.f_code.co_filename, line
    if found is None and isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    return found


def told(error: BaseException) -> str:
    """An error as Python names it.

    >>> told(ValueError("boom"))
    'ValueError: boom'
    """
    return f"{type(error).__name__}: {error}".removesuffix(": ")
