"""Several processes on one GPU: under CUDA's multi-process service their kernels run side by side, not in turns."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTROL = "nvidia-cuda-mps-control"
PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
USUAL_PIPES = Path("/tmp/nvidia-mps")
ANSWER_S = 20.0


@contextmanager
def one_gpu_for(jobs: int, device: str) -> Iterator[bool]:
    """Have the multi-process service for the processes that are started inside; gives whether it is there.

    Nothing is done for one process, for a device that is no GPU, and where the service is not installed, does not
    start, or already runs.
    """
    program = shutil.which(CONTROL)
    if jobs < 2 or not device.startswith(("auto", "cuda")) or program is None or _runs_already():
        yield False
        return
    with tempfile.TemporaryDirectory(prefix="bnncost-mps-", ignore_cleanup_errors=True) as folder:
        places = {PIPES: f"{folder}/pipes", LOGS: f"{folder}/logs"}
        for place in places.values():
            os.mkdir(place, 0o700)
        if not _asked([program, "-d"], places):
            yield False
            return
        os.environ.update(places)  # where the processes that are started now look for it
        try:
            yield True
        finally:
            for name in places:
                del os.environ[name]
            _asked([program], places, "quit\n")


def _runs_already() -> bool:
    return PIPES in os.environ or (USUAL_PIPES / "control").exists()


def _asked(command: list[str], places: dict[str, str], words: str = "") -> bool:
    """Run the service's control program and say whether it did what it was asked."""
    try:
        done = subprocess.run(
            command,
            input=words,
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
