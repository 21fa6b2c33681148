"""The command `bnncost compare`."""

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
    Profiles,
    Traffic,
    Verbose,
    chips_of,
    model_of,
    own_models,
)
from analysis.show.document import Format, deliver, say


def compare_command(
    designs: Annotated[list[str], typer.Argument(metavar="DESIGN...", help=DESIGN_HELP)],
    profile: Profiles = None,
    overrides: Overrides = None,
    traffic: Traffic = None,
    image: Input = None,
    features: Features = None,
    verbose: Verbose = False,
    form: PrintedForm = Format.table,
    out: Drawing = None,
) -> None:
    """In what designs differ: energy by cause side by side, with the differences to the first.

    With several profiles all designs are priced on each; one design alone is held against itself on the first profile.
    """
    from analysis.fronts.questions.compare_document import compare_document, write_comparison

    chips = chips_of(profile, overrides)
    with own_models(designs, image, features, verbose) as texts:
        document, entries = compare_document(texts, chips, traffic=model_of(traffic), out=out)
    deliver(document, form, None)
    for path in write_comparison(entries, out) if out else ():
        say(f"Wrote {path}")
