"""The command `bnncost sensitivity`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import Drawing, Overrides, PrintedForm, Profile, Traffic, chip_of, model_of
from analysis.show.document import Format, deliver, say


def sensitivity_command(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="e.g. resnet20[double_residual]/cifar10")],
    than: Annotated[
        str | None,
        typer.Option(
            "--than",
            metavar="OTHER",
            help="Say which figure would turn their order, and where.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    traffic: Traffic = None,
    form: PrintedForm = Format.table,
    out: Drawing = None,
) -> None:
    """Which figure of a profile matters: its share of the energy, and what its range does to it.

    With --than, which figure would turn the order of two designs by energy, and at which value.
    """
    from analysis.costs.sensitivity_document import sensitivity_document, write_tornado

    document, found, compared = sensitivity_document(
        design, than, chip_of(profile, overrides), traffic=model_of(traffic), out=out
    )
    deliver(document, form, None)
    for path in write_tornado(found, compared, out) if out else ():
        say(f"Wrote {path}")
