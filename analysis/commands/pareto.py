"""The command `bnncost pareto`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import (
    Added,
    Columns,
    Conventions,
    Overrides,
    Profile,
    Ranges,
    Recipe,
    Traffic,
    chip_of,
    in_any_case,
    into_folder,
    model_of,
    names_of_columns,
    say_outdated,
)
from analysis.show.axes import Axis
from analysis.show.document import Format, deliver, say
from analysis.show.paper import PaperSize
from analysis.show.pictures import SUFFIXES


class Title(str, Enum):
    """Whether a picture has its title."""

    shown = "shown"
    none = "none"


def pareto_command(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the figure and its tables.", callback=into_folder)
    ],
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            help="See `bnncost networks`. Default: all of the data set; of measurements, a front each.",
            callback=in_any_case,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="cifar10, imagenet, ... Default: where only one is possible.",
            callback=in_any_case,
        ),
    ] = None,
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    x: Annotated[Axis, typer.Option("--x", help="What accuracy is set against.")] = Axis.energy,
    accuracy: Annotated[
        list[str] | None,
        typer.Option(
            "--accuracy",
            help="literature; measured (the shipped study); a CSV of measurements, or with the columns "
            "design,top1; or a folder of runs. Several are laid over each other. Default: literature.",
            show_default=False,
        ),
    ] = None,
    recipe: Recipe = None,
    add: Added = None,
    traffic: Traffic = None,
    ranges: Ranges = False,
    ops_convention: Conventions = None,
    size: Annotated[
        PaperSize | None,
        typer.Option(
            "--size", help="For a paper: as wide as one column, or as a page of two.", show_default=False
        ),
    ] = None,
    columns: Columns = None,
    title: Annotated[
        Title, typer.Option("--title", help="none: the picture has no title, since a caption says it.")
    ] = Title.shown,
) -> None:
    """Accuracy against cost: the designs that no other beats, as a figure and as tables.

    Own measurements are shown as means over seeds with their standard deviation, one front per network, data set and
    protocol (recipe, images, epochs). Several sources are laid over each other on one front, on which own figures are
    marked by file; its caption says where protocols differ. Each front closes with a verdict: which class of networks
    wins up to which cost, with which repairs, and what the next step costs.
    """
    from analysis.accuracy.literature import LITERATURE
    from analysis.fronts.front_files import Look
    from analysis.fronts.pareto_document import FrontChoice, pareto_document
    from costmodel.designs.network_files import one_spelling

    chip = chip_of(profile, overrides)
    choice = FrontChoice(
        network and one_spelling(network),
        dataset,
        chip,
        x,
        tuple(accuracy or (LITERATURE,)),
        recipe,
        ranges,
        model_of(traffic),
        tuple(add or ()),
        tuple(ops_convention or ()),
        Look(size, SUFFIXES, title is Title.shown, names_of_columns(columns)),
    )
    document, written, left_out = pareto_document(choice, out)
    deliver(document, Format.table, None)
    for name, reason in left_out.items():
        say(f"Left out {name}: {reason}")
    say_outdated(accuracy or ())
    for path in written:
        say(f"Wrote {path}")
