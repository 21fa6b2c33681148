"""How long commands take to answer: user time as a multiple of what `import numpy` takes in the same run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REPEATS = 5
NUMPY = ("-c", "import numpy")
COMMANDS: Mapping[str, float] = {"--help": 0.25, "cost resnet20": 0.5, "table --network resnet20": 1.5}
"""What is asked for, and the goal for its user time on a quiet core [s]."""


def measure() -> dict[str, Any]:
    """The least user time [s] of each command with known mappings, and of `import numpy`."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "BNNCOST_CACHE": folder, "OMP_NUM_THREADS": "1"}
        numpy_s = _least_s(NUMPY, environment)
        commands = {
            name: _least_s(("-m", "analysis.cli", *name.split()), environment, warm=True) for name in COMMANDS
        }
    return {
        "numpy_s": numpy_s,
        "commands": {
            name: {"user_s": spent, "goal_s": COMMANDS[name], "times_numpy": spent / numpy_s}
            for name, spent in commands.items()
        },
    }


def _least_s(arguments: tuple[str, ...], environment: Mapping[str, str], *, warm: bool = False) -> float:
    if warm:
        _user_s(arguments, environment)
    return min(_user_s(arguments, environment) for _ in range(REPEATS))


def _user_s(arguments: tuple[str, ...], environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=dict(environment), check=True, stdout=subprocess.DEVNULL
    )
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goal beside each figure."""
    return [
        f"bnncost {name}: {found['user_s']:.2f} s of user time (goal: {found['goal_s']} s on a quiet core), "
        f"{found['times_numpy']:.1f} times importing numpy"
        for name, found in figures["commands"].items()
    ]
