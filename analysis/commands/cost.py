"""The command `bnncost cost`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import Form, Out, Overrides, Profile, Ranges, Traffic, chip_of, model_of
from analysis.show.document import deliver


def cost_command(
    design: Annotated[
        str, typer.Argument(metavar="DESIGN", help="e.g. resnet20[double_residual+prelu]@w1.5/cifar10")
    ],
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
    form: Form = None,
    out: Out = None,
) -> None:
    """Energy, latency, area and memory of one inference of a design.

    A design is a text form, network[method+method]@settings/dataset, or a published name such as
    reactnet/resnet18/imagenet. `bnncost methods`, `networks` and `designs` list the names.
    """
    from analysis.costs.cost_document import cost_document

    chip = chip_of(profile, overrides)
    document = cost_document(design, chip, per_layer=per_layer, ranges=ranges, traffic=model_of(traffic))
    deliver(document, form, out)
