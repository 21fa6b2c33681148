"""The command `bnncost map`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import DESIGN_HELP, Features, Input, Overrides, Profile, chip_of, own_model
from analysis.show.document import Format, deliver, say


class Goal(str, Enum):
    """What the search minimizes."""

    energy = "energy"
    latency = "latency"
    product = "product"


def map_command(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help=DESIGN_HELP)],
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer", help="Its name, or a part that no other has. Default: list all.", show_default=False
        ),
    ] = None,
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    image: Input = None,
    features: Features = None,
    goal: Annotated[Goal, typer.Option("--goal", help="What is to be least.")] = Goal.energy,
    form: Annotated[
        Format, typer.Option("--format", help="How it is printed.", show_default=True)
    ] = Format.table,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Draw it: a .png, .svg or .pdf file, or a folder for both.", show_default=False
        ),
    ] = None,
) -> None:
    """The best mapping of each layer, or the loop nest of one, printed and drawn.

    A cost counts the mappings of least energy; other goals show what else the profile could do.
    """
    from analysis.costs.map_document import map_document, write_mapping

    chip = chip_of(profile, overrides)
    with own_model(design, image, features) as text:
        document, mappings = map_document(text, chip, layer, goal.value, out)
        deliver(document, form, None)
        for path in write_mapping(mappings, text, chip, out) if out else ():
            say(f"Wrote {path}")
