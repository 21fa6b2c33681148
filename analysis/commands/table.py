"""The command `bnncost table`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import (
    Columns,
    Conventions,
    Form,
    Out,
    Overrides,
    Profile,
    Ranges,
    Traffic,
    chip_of,
    in_any_case,
    model_of,
    names_of_columns,
)
from analysis.show.document import deliver, form_of


def table_command(
    network: Annotated[
        str, typer.Option("--network", help="See `bnncost networks`.", callback=in_any_case)
    ] = "resnet20",
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Default: the network's usual one.", callback=in_any_case)
    ] = None,
    full: Annotated[
        str | None, typer.Option("--full", metavar="DESIGN", help="Methods are left out of this.")
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option("--methods", metavar="A,B", help="Only these. Default: all.", callback=in_any_case),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            metavar="PRECISION",
            help="Of non-binary maps: int8, int4, ... Default: int16.",
            callback=in_any_case,
        ),
    ] = None,
    traffic: Traffic = None,
    ranges: Ranges = False,
    ops_convention: Conventions = None,
    columns: Columns = None,
    form: Form = None,
    out: Out = None,
) -> None:
    """What every repair method costs: as it asks for it, alone, and left out of a full design."""
    from analysis.methods.table_document import table_document

    form = form_of(form, out)
    document = table_document(
        network,
        chip_of(profile, overrides),
        dataset,
        full,
        methods,
        features=features,
        ranges=ranges,
        traffic=model_of(traffic),
        conventions=ops_convention or (),
        columns=names_of_columns(columns),
    )
    deliver(document, form, out)
