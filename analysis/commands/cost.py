"""The command `bnncost cost`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import (
    DESIGN_HELP,
    Conventions,
    Features,
    Form,
    Input,
    Out,
    Overrides,
    Profile,
    Ranges,
    Traffic,
    Verbose,
    chip_of,
    model_of,
    own_model,
)
from analysis.show.document import deliver


def cost_command(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help=DESIGN_HELP)],
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    per_layer: Annotated[
        bool,
        typer.Option(
            "--per-layer", help="Add each layer's cost, traffic by memory and operand, and mapping."
        ),
    ] = False,
    traffic: Traffic = None,
    ranges: Ranges = False,
    ops_convention: Conventions = None,
    image: Input = None,
    features: Features = None,
    verbose: Verbose = False,
    form: Form = None,
    out: Out = None,
) -> None:
    """Energy, latency, area and memory of one inference of a design.

    A design is a text form, network[method+method]@settings/dataset, or a published name such as
    reactnet/resnet18/imagenet. `bnncost methods`, `networks` and `designs` list the names. A file or module of yours is
    priced by what it computes, or refused with all that is unknown in it.
    """
    from analysis.costs.cost_document import cost_document

    chip = chip_of(profile, overrides)
    with own_model(design, image, features, verbose) as text:
        document = cost_document(
            text,
            chip,
            per_layer=per_layer,
            ranges=ranges,
            traffic=model_of(traffic),
            conventions=ops_convention or (),
        )
    deliver(document, form, out)
