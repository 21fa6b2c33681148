"""The command `bnncost explore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Ranges
from analysis.show.document import console_for


def explore_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("out"),
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="A profile or file; may be repeated. Default: all shipped."),
    ] = None,
    ranges: Ranges = False,
) -> None:
    """Tables, fronts, figures and a page that shows them all, from the literature's accuracies."""
    from analysis.report.explore import explore

    explore(out, profile or None, console_for(sys.stdout), ranges=ranges)
