"""Programs that run apart from this process, with code of users or what may end a process; none outlives this one."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread

_ORPHANED = 3
"""Exit code of a process whose parent has died."""


def apart(
    module: str, *arguments: str, given: str = "", files: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a module as a program that reads `given` and has open `files`; modules of the working folder come last."""
    places = os.pathsep.join([*filter(None, sys.path), os.curdir])
    lifeline, held = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-m", __name__, str(lifeline), module, *arguments],
            input=given,
            env=os.environ | {"PYTHONPATH": places, "PYTHONSAFEPATH": "1"},
            pass_fds=(lifeline, *files),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    finally:
        os.close(lifeline)
        os.close(held)


def _end_with(lifeline: int) -> None:
    """End this process with the pipe whose other end its parent alone holds: once that dies, however it dies."""
    os.read(lifeline, 1)
    os._exit(_ORPHANED)


if __name__ == "__main__":
    Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
