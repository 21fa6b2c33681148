"""The command `bnncost cite`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import Out
from analysis.show.document import say


def cite_command(
    designs: Annotated[
        list[str] | None, typer.Argument(metavar="[DESIGN]...", help="Designs whose papers are added.")
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", help="A profile whose sources are added; may be repeated.", show_default=False
        ),
    ] = None,
    out: Out = None,
) -> None:
    """How to cite bnncost, the chapter that it follows, and the sources of designs and profiles: BibTeX."""
    from analysis.catalogue.cite import cite_text
    from costmodel.output import write_whole

    text = cite_text(designs or (), profile or ())
    if out is None:
        print(text, end="")
    else:
        say(f"Wrote {write_whole(out, text)}")
