"""The command `bnncost explore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Added, Ranges, in_any_case, into_folder, say_outdated
from analysis.show.document import console_for


def explore_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the page.", callback=into_folder)] = Path(
        "out"
    ),
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="A profile or file; may be repeated. Default: all shipped."),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            "--network",
            help="A network; may be repeated. Default: all that have an accuracy.",
            callback=in_any_case,
        ),
    ] = None,
    accuracy: Annotated[
        list[str] | None,
        typer.Option(
            "--accuracy",
            help="Accuracies of your own, shown beside the published ones: a CSV of measurements, or with the columns "
            "design,top1; the front.csv of `bnncost search`, whose estimates are hollow; a folder of runs. May be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    add: Added = None,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures", help="Write figures (PNG, SVG) of every network and profile beside the page."
        ),
    ] = False,
    tables: Annotated[
        bool, typer.Option("--tables", help="Write tables (CSV, Markdown, LaTeX, JSON) beside the page.")
    ] = False,
    ranges: Ranges = False,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Serve the page to this machine alone; the model then runs for edited profiles."
        ),
    ] = False,
) -> None:
    """One page, out/index.html, on which accuracies, costs and prices can be moved."""
    from analysis.report.explore import explore
    from costmodel.designs.network_files import one_spelling

    console = console_for(sys.stdout)
    made = explore(
        out,
        profile or None,
        console,
        networks=[one_spelling(one) for one in network or ()],
        accuracy=accuracy or (),
        add=add or (),
        tables=tables,
        figures=figures,
        ranges=ranges,
    )
    say_outdated(accuracy or ())
    if serve:
        from analysis.report.page.server import serve_page

        serve_page(made.page, made.spaces, made.operations, console)
