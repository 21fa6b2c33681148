"""The commands `bnncost profiles ...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Form, Out, Ranges, into_file, into_folder
from analysis.commands.parsing import Command
from analysis.show.document import Format, deliver, say
from analysis.show.safe import visible

profiles_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@profiles_app.callback()
def profiles() -> None:
    """The chips that designs are priced on: list, show, check or make profiles."""


AFTER_NEW = """\
Next: put in the figures of your chip, each with unit, source and status;
      bnncost profiles check {path}
      bnncost cost resnet20/cifar10 --profile {path}"""
AFTER_IMPORT = """\
It stands on its own: what ZigZag does not say was copied from {base}; the comments at its top say what.
Check it after changes:  bnncost profiles check {path}
Price a design on it:    bnncost cost resnet20 --profile {path}"""


@profiles_app.command("list", cls=Command)
def list_profiles(form: Form = None, out: Out = None) -> None:
    """List the shipped profiles."""
    from analysis.catalogue.profiles import list_document

    deliver(list_document(), form, out)


@profiles_app.command("show", cls=Command)
def show_profile(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped profile, or the path of a file.")],
    form: Form = None,
    out: Out = None,
) -> None:
    """Show every figure of a profile with its range, status and source."""
    from analysis.catalogue.profiles import show_document

    deliver(show_document(name), form, out)


@profiles_app.command("check", cls=Command)
def check_profile_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A profile's .yaml file.")],
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Say that a profile is sound, or all that is wrong with it; and warn of figures that are hardly meant.

    Those are figures more than 100 times outside what the shipped profiles of its archetype and node have, and memories
    in which no shipped network fits.
    """
    from analysis.catalogue.profile_files import check

    sentence, warnings = check(file, strict=strict)
    print(visible(sentence))
    for warning in warnings:
        say(f"Warning: {warning}")


@profiles_app.command("validate", cls=Command)
def validate_profiles(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Published systems or their files. Default: all shipped."),
    ] = None,
    ranges: Ranges = False,
    form: Form = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for table and picture.", show_default=False, callback=into_folder),
    ] = None,
) -> None:
    """Compare what the model predicts for published chips and boards with what was published of them."""
    from analysis.costs.validate_document import validate_document, write_validation

    document, predictions = validate_document(names or (), ranges=ranges)
    deliver(document, form or Format.table, None)
    for path in write_validation(document, predictions, out) if out else ():
        say(f"Wrote {path}")


@profiles_app.command("new", cls=Command)
def new_profile_file(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new profile.")],
    extends: Annotated[str, typer.Option("--extends", metavar="BASE", help="The profile to start from.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Default: NAME.yaml here.", show_default=False, callback=into_file),
    ] = None,
) -> None:
    """Write a commented profile to start from."""
    from analysis.catalogue.profile_files import write_new

    path = write_new(name, extends, out)
    print(visible(f"Wrote {path}\n{AFTER_NEW.format(path=path)}"))


@profiles_app.command("import-zigzag", cls=Command)
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
        Path | None,
        typer.Option(
            "--out", help="Default: FILE.profile.yaml here.", show_default=False, callback=into_file
        ),
    ] = None,
) -> None:
    """Write an accelerator that ZigZag describes as a profile."""
    from analysis.catalogue.profile_files import write_imported

    path = write_imported(file, mapping, extends, precision, out)
    print(visible(f"Wrote {path}\n{AFTER_IMPORT.format(base=extends, path=path)}"))


@profiles_app.command("schema", cls=Command)
def print_schema() -> None:
    """Print the JSON Schema of profiles, for editors."""
    from analysis.catalogue.profile_files import schema_text

    sys.stdout.write(schema_text())
