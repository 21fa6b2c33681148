"""The command line `bnncost`: reads arguments, hands over to `analysis.commands`, and tells mistakes in a sentence.

What a command needs is imported inside it, so that the quick ones stay quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import Enum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.mapping import Traffic, map_command, model_of
from analysis.commands.training import export_command, review_command, train_command
from analysis.show.document import Format, complain, console_for, deliver, say
from costmodel import BnncostError

USER_MISTAKE = 2

app = typer.Typer(
    help="What it costs in energy, area and time to repair a binary neural network, and whether it is worth it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
profiles_app = typer.Typer(
    help="The chips that designs are priced on: list, show, check or make profiles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(profiles_app, name="profiles")


class XAxis(str, Enum):
    """What accuracy is set against."""

    energy = "energy"
    area = "area"
    latency = "latency"
    memory = "memory"


Profile = Annotated[str, typer.Option("--profile", help="A shipped profile, or the path of a .yaml file.")]
Form = Annotated[
    Format | None,
    typer.Option("--format", help="Default: by the suffix of --out, else table.", show_default=False),
]
Ranges = Annotated[
    bool,
    typer.Option(
        "--ranges", help="Add what every figure of the profile at its cheap, and at its dear end gives."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write to this file, not to the terminal.", show_default=False)
]


@app.callback(invoke_without_command=True)
def bnncost(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Print the version if asked, else leave the rest to the commands."""
    if version:
        print(f"bnncost {_version()}")
        raise typer.Exit


@app.command("cost")
def cost_command(
    design: Annotated[
        str, typer.Argument(metavar="DESIGN", help="e.g. resnet20[double_residual+prelu]@w1.5/cifar10")
    ],
    profile: Profile = "asic-45nm",
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
    from analysis.commands.cost import cost_document

    document = cost_document(design, profile, per_layer=per_layer, ranges=ranges, traffic=model_of(traffic))
    deliver(document, form, out)


@app.command("table")
def table_command(
    network: Annotated[str, typer.Option("--network", help="See `bnncost networks`.")] = "resnet20",
    profile: Profile = "asic-45nm",
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Default: the network's usual one.")
    ] = None,
    full: Annotated[
        str | None, typer.Option("--full", metavar="DESIGN", help="Methods are left out of this.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="A,B", help="Only these. Default: all.")
    ] = None,
    traffic: Traffic = None,
    ranges: Ranges = False,
    form: Form = None,
    out: Out = None,
) -> None:
    """What every repair method costs: as it asks for it, alone, and left out of a full design."""
    from analysis.commands.method_table import table_document

    model = model_of(traffic)
    document = table_document(network, profile, dataset, full, methods, ranges=ranges, traffic=model)
    deliver(document, form, out)


@app.command("pareto")
def pareto_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the figure and its tables.")],
    network: Annotated[
        str | None, typer.Option("--network", help="See `bnncost networks`. Default: the one measured.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="cifar10, imagenet, ... Default: the one measured.")
    ] = None,
    profile: Profile = "asic-45nm",
    x: Annotated[XAxis, typer.Option("--x", help="What accuracy is set against.")] = XAxis.energy,
    accuracy: Annotated[
        str,
        typer.Option(
            "--accuracy",
            help="literature; measured (the shipped study); a CSV of measurements, or with the columns "
            "design,top1; or a folder of runs.",
        ),
    ] = "literature",
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="Of own measurements, only those of this recipe: its name or digest."),
    ] = None,
    traffic: Traffic = None,
    ranges: Ranges = False,
) -> None:
    """Accuracy against cost: the designs that no other beats, as a figure and as tables.

    Own measurements are shown as means over seeds with their standard deviation, one front per protocol
    (recipe, data, images, epochs), and never on one front with published accuracies.
    """
    from analysis.commands.pareto import Choice, pareto_document

    choice = Choice(network, dataset, profile, x.value, accuracy, recipe, ranges, model_of(traffic))
    document, written, left_out = pareto_document(choice, out)
    deliver(document, Format.table, None)
    for name, reason in left_out.items():
        say(f"Left out {name}: {reason}")
    for path in written:
        say(f"Wrote {path}")


@app.command("explore")
def explore_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("out"),
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="A profile or file; may be repeated. Default: all shipped."),
    ] = None,
    ranges: Ranges = False,
) -> None:
    """Tables, fronts, figures and a page that shows them all, from the literature's accuracies."""
    from analysis.report.explore import explore

    explore(out, profile or None, console_for(sys.stdout), ranges=ranges)


app.command("map")(map_command)
app.command("train")(train_command)
app.command("review")(review_command)
app.command("export")(export_command)


@app.command("methods")
def methods_command(form: Form = None, out: Out = None) -> None:
    """List the repair methods by branch and category."""
    from analysis.commands.catalogue import methods_document

    deliver(methods_document(), form, out)


@app.command("networks")
def networks_command(form: Form = None, out: Out = None) -> None:
    """List the networks with their shape and size."""
    from analysis.commands.catalogue import networks_document

    deliver(networks_document(), form, out)


@app.command("designs")
def designs_command(form: Form = None, out: Out = None) -> None:
    """List the published designs as compositions of methods."""
    from analysis.commands.catalogue import designs_document

    deliver(designs_document(), form, out)


@profiles_app.command("list")
def list_profiles(form: Form = None, out: Out = None) -> None:
    """List the shipped profiles."""
    from analysis.commands.profiles import list_document

    deliver(list_document(), form, out)


@profiles_app.command("show")
def show_profile(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped profile, or the path of a file.")],
    form: Form = None,
    out: Out = None,
) -> None:
    """Show every figure of a profile with its range, status and source."""
    from analysis.commands.profiles import show_document

    deliver(show_document(name), form, out)


@profiles_app.command("check")
def check_profile_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A profile's .yaml file.")],
) -> None:
    """Say that a profile is sound, or all that is wrong with it."""
    from analysis.commands.profiles import check

    print(check(file))


@profiles_app.command("validate")
def validate_profiles(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Published systems or their files. Default: all shipped."),
    ] = None,
    ranges: Ranges = False,
    form: Form = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for table and picture.", show_default=False)
    ] = None,
) -> None:
    """Compare what the model predicts for published chips and boards with what was published of them."""
    from analysis.commands.validate import validate_document, write_validation

    document, predictions = validate_document(names or (), ranges=ranges)
    deliver(document, form or Format.table, None)
    for path in write_validation(document, predictions, out) if out else ():
        say(f"Wrote {path}")


@profiles_app.command("new")
def new_profile_file(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new profile.")],
    extends: Annotated[str, typer.Option("--extends", metavar="BASE", help="The profile to start from.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Default: NAME.yaml here.", show_default=False)
    ] = None,
) -> None:
    """Write a commented profile to start from."""
    from analysis.commands.profiles import NEXT_STEPS, write_new

    path = write_new(name, extends, out)
    print(f"Wrote {path}\n{NEXT_STEPS.format(path=path)}")


@profiles_app.command("import-zigzag")
def import_zigzag_profile(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An accelerator's .yaml file of ZigZag 3.9.1.")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping", help="Its mapping file, which says what loops run on the array.", show_default=False
        ),
    ] = None,
    extends: Annotated[
        str, typer.Option("--extends", metavar="BASE", help="Where all comes from that ZigZag does not say.")
    ] = "asic-45nm",
    precision: Annotated[
        str, typer.Option("--precision", help="The MACs that its MAC energy is for.")
    ] = "8x8",
    out: Annotated[
        Path | None, typer.Option("--out", help="Default: FILE.profile.yaml here.", show_default=False)
    ] = None,
) -> None:
    """Write an accelerator that ZigZag describes as a profile."""
    from analysis.commands.import_zigzag import NEXT_STEPS, write_imported

    path = write_imported(file, mapping, extends, precision, out)
    print(f"Wrote {path}\n{NEXT_STEPS.format(base=extends, path=path)}")


@profiles_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of profiles, for editors."""
    from analysis.commands.profiles import schema_text

    sys.stdout.write(schema_text())


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bnncost")
    except PackageNotFoundError:
        return "(not installed)"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 2 for any mistake of the user, told in a message."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="bnncost")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except BnncostError as error:
        complain(str(error))
    except UnicodeDecodeError as error:
        complain(f"a file is not text in UTF-8 (byte {error.start}); save it in UTF-8.")
    except OSError as error:
        complain(f"{_named(error)}{error.strerror or error}.")
    return USER_MISTAKE


def _named(error: OSError) -> str:
    return f"'{error.filename}': " if error.filename is not None else ""


def main() -> None:
    """Run the command of this process; a reader that has seen enough, or Ctrl-C, ends it without a word."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an old terminal may lack a letter such as µ
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        code = 1 if isinstance(error, BrokenPipeError) else USER_MISTAKE
        if code == USER_MISTAKE:
            complain(f"the output cannot be written: {error.strerror}.")
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Let what is left to be flushed at the interpreter's end go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
