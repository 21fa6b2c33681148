"""The command `bnncost best`."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.commands.options import (
    Form,
    Out,
    Overrides,
    Profile,
    Traffic,
    chip_of,
    in_any_case,
    model_of,
    say_outdated,
)
from analysis.show.document import deliver, form_of


def best_command(
    network: Annotated[str, typer.Option("--network", help="See `bnncost networks`.", callback=in_any_case)],
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", help="Default: the network's usual one.", show_default=False, callback=in_any_case
        ),
    ] = None,
    profile: Profile = "asic-45nm",
    overrides: Overrides = None,
    energy: Annotated[
        str | None,
        typer.Option("--energy", metavar="5uJ", help="Of one inference, at most.", show_default=False),
    ] = None,
    latency: Annotated[
        str | None,
        typer.Option("--latency", metavar="1ms", help="Of one inference, at most.", show_default=False),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="100kB",
            help="Weights, parameters and the peak of the maps, at most; kB and KiB are 1,024 byte here.",
            show_default=False,
        ),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option(
            "--area", metavar="2mm2", help="At most; LUTs on an FPGA: 20000lut.", show_default=False
        ),
    ] = None,
    top1: Annotated[
        str | None,
        typer.Option("--top1", metavar="85", help="Accuracy in percent, at least.", show_default=False),
    ] = None,
    any_network: Annotated[
        bool, typer.Option("--any-network", help="Take designs of other networks for the data set, too.")
    ] = False,
    accuracy: Annotated[
        list[str] | None,
        typer.Option(
            "--accuracy",
            help="literature; measured (the shipped studies); a CSV of measurements, or with the columns "
            "design,top1; or a folder of runs; may be repeated. Default: literature and measured.",
            show_default=False,
        ),
    ] = None,
    traffic: Traffic = None,
    form: Form = None,
    out: Out = None,
) -> None:
    """Which designs fit your budgets, the best first; where none does, which budget fails and what is nearest.

    The most accurate design is the best; where --top1 alone is given, the one of least energy.
    """
    from analysis.fronts.questions.best_document import Question, best_document
    from analysis.fronts.questions.budgets import read_budgets
    from analysis.fronts.questions.known import SOURCES

    chip, form = chip_of(profile, overrides), form_of(form, out)
    budgets = read_budgets(chip, energy=energy, latency=latency, memory=memory, area=area, top1=top1)
    question = Question(
        network,
        dataset,
        budgets,
        tuple(accuracy or SOURCES),
        any_network=any_network,
        traffic=model_of(traffic),
    )
    deliver(best_document(question, chip), form, out)
    say_outdated(question.accuracies)
