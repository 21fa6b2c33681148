"""The command `bnncost search`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import (
    Cluster,
    Overrides,
    PrintedForm,
    Profiles,
    Traffic,
    chips_of,
    in_any_case,
    into_folder,
    model_of,
    say_outdated,
)
from analysis.show.axes import Axis
from analysis.show.document import Format, console_for, deliver, say

Limit = str | None
_CHUNKS = "chunks"


def search_command(
    network: Annotated[
        list[str], typer.Option("--network", help="A network, such as resnet20/cifar10; may be repeated.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Folder for front.csv, and for what a stopped search goes on from.",
            callback=into_folder,
        ),
    ],
    profile: Profiles = None,
    overrides: Overrides = None,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            help="all (with estimates: those of the records), none, or names with commas.",
            callback=in_any_case,
        ),
    ] = "all",
    widths: Annotated[
        str, typer.Option("--widths", help="FIRST:LAST:STEP, or widths with commas.")
    ] = "0.25:4:0.05",
    features: Annotated[
        str, typer.Option("--features", help="Precisions of features, with commas.", callback=in_any_case)
    ] = "int16",
    compute: Annotated[
        str, typer.Option("--compute", help="Precisions of operands, with commas.", callback=in_any_case)
    ] = "binary",
    accuracy: Annotated[
        str,
        typer.Option(
            "--accuracy",
            help="none (costs alone); or estimated from records: measured (the shipped ones), a CSV, a folder of runs.",
        ),
    ] = "none",
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Of the records, only those of this recipe: its name or digest."),
    ] = None,
    x: Annotated[
        list[Axis] | None,
        typer.Option(
            "--x", help="A cost that counts; may be repeated. Default: energy; all where accuracy is none."
        ),
    ] = None,
    energy: Annotated[Limit, typer.Option("--energy", help="The most energy, such as 5uJ.")] = None,
    latency: Annotated[Limit, typer.Option("--latency", help="The longest time, such as 1ms.")] = None,
    area: Annotated[Limit, typer.Option("--area", help="The most area, such as 2mm2.")] = None,
    memory: Annotated[Limit, typer.Option("--memory", help="The most memory, such as 64kB.")] = None,
    traffic: Traffic = None,
    workers: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes. Default: as many as there are cores.")
    ] = None,
    cluster: Cluster = None,
    form: PrintedForm = Format.table,
) -> None:
    """The exact front over every legal combination of methods, widths and precisions.

    Each design is counted and priced as `bnncost cost` does it; only what no other design beats is kept, so that memory
    is that of one chunk. A search that is stopped goes on when the same command is given again.
    """
    from analysis.fronts.questions.budgets import read_budgets
    from analysis.fronts.search.search_document import (
        SearchChoice,
        request_of,
        search_document,
        size_sentence,
    )
    from costmodel.evaluate.cluster import engine_of

    chips = tuple(chips_of(profile, overrides))
    budgets = [read_budgets(chip, energy=energy, latency=latency, memory=memory, area=area) for chip in chips]
    choice = SearchChoice(
        networks=tuple(network),
        profiles=chips,
        methods=methods,
        widths=widths,
        features=features,
        compute=compute,
        accuracy=accuracy,
        recipe=recipe,
        axes=tuple(x or ()),
        limits=tuple((Axis[one.name], one.limit) for one in budgets[0]),
        traffic=model_of(traffic),
    )
    request = request_of(choice)
    request.check_size()
    say(size_sentence(request))
    engine = engine_of(cluster, workers or os.cpu_count() or 1, request.chunks, "searches designs")
    document, path = search_document(request, out, engine, _chunks_shown)
    deliver(document, form, None)
    say_outdated((accuracy,))
    say(f"Wrote {path}")


@contextmanager
def _chunks_shown(total: int) -> Iterator[Callable[[int], None]]:
    """Show how many chunks have ended."""
    from analysis.show.progress import bar

    with bar(_CHUNKS, total, console_for(sys.stderr)) as show:
        yield lambda ended: show(ended, _CHUNKS)
