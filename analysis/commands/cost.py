"""The command `bnncost cost`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import (
    DESIGN_HELP,
    Conventions,
    Features,
    Form,
    Input,
    Overrides,
    Profile,
    Ranges,
    Traffic,
    Verbose,
    chip_of,
    into_file,
    model_of,
    own_model,
)
from analysis.show.document import deliver, form_of, say
from analysis.show.pictures import SUFFIXES
from costmodel import BnncostError


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
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write to this file, not to the terminal; with --per-layer a .png, .svg or .pdf is a picture of the "
            "layers beside what is printed.",
            show_default=False,
            callback=into_file,
        ),
    ] = None,
) -> None:
    """Energy, latency, area and memory of one inference of a design.

    A design is a text form, network[method+method]@settings/dataset, or a published name such as
    reactnet/resnet18/imagenet. `bnncost methods`, `networks` and `designs` list the names. A file or module of yours is
    priced by what it computes, or refused with all that is unknown in it.
    """
    from analysis.costs.cost_document import cost_document
    from analysis.costs.layer_picture import write_layers

    chip, drawn = chip_of(profile, overrides), _picture(out, per_layer=per_layer)
    form = form_of(form, None if drawn else out)
    with own_model(design, image, features, verbose) as text:
        document = cost_document(
            text,
            chip,
            per_layer=per_layer,
            ranges=ranges,
            traffic=model_of(traffic),
            conventions=ops_convention or (),
        )
        deliver(document, form, None if drawn else out)
        for path in write_layers(text, chip, model_of(traffic), drawn) if drawn else ():
            say(f"Wrote {path}")


def _picture(out: Path | None, *, per_layer: bool) -> Path | None:
    """The file of a picture, if one is asked for; raises BnncostError where there is none to draw."""
    if out is None or out.suffix.lower() not in SUFFIXES:
        return None
    if not per_layer:
        raise BnncostError(f"output file '{out}': only layers are drawn; add --per-layer.")
    return out
