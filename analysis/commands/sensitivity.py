"""The command `bnncost sensitivity`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import (
    DESIGN_HELP,
    Drawing,
    Features,
    Input,
    Overrides,
    PrintedForm,
    Profile,
    Traffic,
    Verbose,
    chip_of,
    model_of,
    own_models,
)
from analysis.show.document import Format, deliver, say


def sensitivity_command(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help=DESIGN_HELP)],
    than: Annotated[
        str | None,
        typer.Option(
            "--than",
            metavar="OTHER",
            help="Say which figure would turn their order, and where; a design, or a network of yours.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    traffic: Traffic = None,
    image: Input = None,
    features: Features = None,
    verbose: Verbose = False,
    form: PrintedForm = Format.table,
    out: Drawing = None,
) -> None:
    """Which figure of a profile matters: its share of the energy, and what its range does to it.

    With --than, which figure would turn the order of two designs by energy, and at which value.
    """
    from analysis.costs.sensitivity_document import sensitivity_document, write_tornado

    chip = chip_of(profile, overrides)
    designs = [design] if than is None else [design, than]
    with own_models(designs, image, features, verbose) as (text, *others):
        document, found, compared = sensitivity_document(
            text, others[0] if others else None, chip, traffic=model_of(traffic), out=out
        )
    deliver(document, form, None)
    for path in write_tornado(found, compared, out) if out else ():
        say(f"Wrote {path}")
