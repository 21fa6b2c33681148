"""Run every command of docs/questions.md again and put what it prints below it: python -m tools.questions."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from costmodel.output import write_whole

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "questions.md"
WIDTH = 100
"""Cells of the screen that the page has."""
_BLOCK = re.compile(r"```console\n\$ (?P<command>bnncost [^\n]*)\n(?P<printed>.*?)```", re.DOTALL)


def commands(page: str) -> list[tuple[str, str]]:
    """Every command of a page, and what stands below it."""
    return [(found["command"], found["printed"]) for found in _BLOCK.finditer(page)]


def printed(command: str) -> str:
    """What a command prints, messages included, in a folder that is then thrown away."""
    program = f"{shlex.quote(sys.executable)} -m analysis "
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(WIDTH), "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["sh", "-c", program + command.removeprefix("bnncost ")],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            check=False,
        )  # fmt: skip
    return on_page(done.stdout)


def on_page(text: str) -> str:
    """What was printed, as the page has it: without blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def renewed(page: str) -> str:
    """The page with everything that its commands print now."""
    return _BLOCK.sub(lambda found: f"```console\n$ {found['command']}\n{printed(found['command'])}```", page)


if __name__ == "__main__":
    write_whole(PAGE, renewed(PAGE.read_text("utf-8")))
