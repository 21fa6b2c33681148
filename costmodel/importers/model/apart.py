"""Programs that run apart from this process, with code of users or what may end a process; none outlives this one."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from threading import Thread
from types import TracebackType
from typing import IO


def apart(
    module: str, *arguments: str, given: str = "", files: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a module as a program that reads `given` and has open `files`; modules of the working folder come last.

    It is done once the module is: what that has started ends with it. Files hold what is said, since the end of a pipe
    comes only with the last process that has it.
    """
    places = os.pathsep.join([*filter(None, sys.path), os.curdir])
    command = [sys.executable, "-m", __name__]
    lifeline, held = os.pipe()
    try:
        with TemporaryFile() as asked, TemporaryFile() as said, TemporaryFile() as complained:
            asked.write(given.encode())
            asked.seek(0)
            process = subprocess.Popen(
                [*command, str(lifeline), module, *arguments],
                stdin=asked,
                stdout=said,
                stderr=complained,
                env=os.environ | {"PYTHONPATH": places, "PYTHONSAFEPATH": "1"},
                pass_fds=(lifeline, *files),
                start_new_session=True,  # a group of its own
            )
            try:
                process.wait()
            finally:
                _end_group(process.pid)
                code = process.wait()
            texts = [_text_of(stream) for stream in (said, complained)]
            return subprocess.CompletedProcess(command, code, *texts)
    finally:
        os.close(lifeline)
        os.close(held)


def _text_of(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _end_group(leader: int) -> None:
    """End what a process has started, and itself."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _end_with(lifeline: int) -> None:
    """End this group with the pipe whose other end its parent alone holds: once that dies, however it dies."""
    os.read(lifeline, 1)
    _end_group(os.getpid())


def _run(module: str) -> int:
    """Run a module; its exit code, as Python would give it."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as done:
        if isinstance(done.code, str):
            print(done.code, file=sys.stderr)
        return done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    return 0


def _fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an error as Python does, and leave."""
    sys.__excepthook__(kind, error, trace)
    _leave(1)


def _leave(code: int) -> None:
    """End this process, whatever threads of a user's code still run."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, AttributeError):  # closed, or taken away
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    del sys.argv[:2]
    sys.excepthook = _fail
    _leave(_run(sys.argv[0]))
