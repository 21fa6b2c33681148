"""The command `bnncost robust`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from analysis.commands.options import (
    Added,
    Cluster,
    Drawing,
    Overrides,
    PrintedForm,
    Profile,
    Recipe,
    Traffic,
    chip_of,
    in_any_case,
    model_of,
    say_outdated,
)
from analysis.show.document import Format, deliver, say


def robust_command(
    network: Annotated[
        str | None,
        typer.Option(
            "--network", help="See `bnncost networks`. Default: all of the data set.", callback=in_any_case
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
    accuracy: Annotated[
        str,
        typer.Option(
            "--accuracy",
            help="literature; measured (the shipped studies); a CSV of measurements, or with the columns "
            "design,top1; or a folder of runs.",
        ),
    ] = "literature",
    recipe: Recipe = None,
    add: Added = None,
    draws: Annotated[int, typer.Option("--draws", help="How often all figures are drawn.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    traffic: Traffic = None,
    cluster: Cluster = None,
    form: PrintedForm = Format.table,
    out: Drawing = None,
) -> None:
    """Does the front survive? How often each design is on it while all figures move within their ranges.

    Every draw is the same for all designs. Says which pairs are sure, and at which value of which figure they turn.
    """
    from analysis.fronts.robust import blocks_of
    from analysis.fronts.robust_document import RobustChoice, robust_document
    from costmodel.designs.network_files import one_spelling
    from costmodel.evaluate.cluster import engine_of

    choice = RobustChoice(
        network and one_spelling(network),
        dataset,
        chip_of(profile, overrides),
        accuracy,
        recipe,
        tuple(add or ()),
        model_of(traffic),
        draws,
        seed,
    )
    engine = (
        engine_of(cluster, os.cpu_count() or 1, len(blocks_of(draws)), "draws figures") if cluster else None
    )
    document, found, left_out = robust_document(choice, out, engine)
    deliver(document, form, None)
    for name, reason in left_out.items():
        say(f"Left out {name}: {reason}")
    say_outdated((accuracy,))
    if out is not None:
        from analysis.fronts.robust_picture import write_robust  # loads what draws

        title = f"{network or dataset or accuracy} on {choice.chip.name}"
        for path in write_robust(found, out, title):
            say(f"Wrote {path}")
