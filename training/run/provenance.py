"""Where a measurement comes from: the device, the version of torch, the commit of this project."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch


def device_name(device: torch.device) -> str:
    """Name a device as its maker does, with the number of threads of a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


@cache
def commit() -> str:
    """Name the commit that runs, with a + behind it where files differ; outside a repository, the version.

    It is what the first call finds: a process goes on with the code that it began with.
    """
    here = Path(__file__).resolve().parents[2]
    if (here / ".git").exists():
        try:
            name = _git(here, "describe", "--always", "--exclude=*", "--abbrev=12")
            # `describe --dirty` writes the index: ended halfway, it leaves a lock that stops the user's own git
            differs = _git(here, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
            return f"{name}+" if differs else name
        except (OSError, subprocess.SubprocessError):
            pass
    try:
        return f"bnncost {version('bnncost')}"
    except PackageNotFoundError:
        return "unknown"


def _git(here: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
