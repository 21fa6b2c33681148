"""Options that several commands share, each declared once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from analysis.show.document import Format, say
from costmodel.demand.conventions import OpsConvention
from costmodel.designs.key import in_lower_case
from costmodel.errors import CodeFailed
from costmodel.hardware import HardwareProfile, load_profile
from costmodel.importers.model.naming import names_model, with_settings
from costmodel.output import check_file, check_folder
from costmodel.pricing.price import TrafficModel


def into_file(out: Path | None) -> Path | None:
    """Give the file for outputs; raises BnncostError before any work where it cannot be written."""
    if out is not None:
        check_file(out)
    return out


def in_any_case(names: list[str] | str | None) -> list[str] | str | None:
    """Give names as designs have them, in whatever case they are typed."""
    if names is None:
        return None
    return in_lower_case(names) if isinstance(names, str) else [in_lower_case(name) for name in names]


def into_folder(out: Path | None) -> Path | None:
    """Give the folder for outputs; raises BnncostError before any work where it cannot be made or written."""
    if out is not None:
        check_folder(out)
    return out


def into_picture(out: Path | None) -> Path | None:
    """Give the picture's file, or the folder for pictures; raises BnncostError as these do."""
    return into_file(out) if out is not None and out.suffix and not out.is_dir() else into_folder(out)


class TrafficChoice(str, Enum):
    """How memory traffic is found."""

    mapped = "mapped"
    compulsory = "compulsory"


_PROFILE = "asic-45nm"
Profile = Annotated[str, typer.Option("--profile", help="A shipped profile, or the path of a .yaml file.")]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        help="A shipped profile, or the path of a .yaml file; may be repeated. Default: asic-45nm.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PLACE=VALUE",
        help="Replace a figure of the profile, e.g. memories.feature_sram.size=128kB; may be repeated. "
        "`bnncost profiles show` lists the places.",
        show_default=False,
    ),
]
Traffic = Annotated[
    TrafficChoice | None,
    typer.Option(
        "--traffic",
        help="mapped: of the best mapping of every layer; compulsory: every value once. "
        "Default: mapped where the profile describes its array.",
        show_default=False,
    ),
]
Ranges = Annotated[
    bool,
    typer.Option(
        "--ranges", help="Add what every figure of the profile at its cheap, and at its dear end gives."
    ),
]
Conventions = Annotated[
    list[OpsConvention] | None,
    typer.Option(
        "--ops-convention",
        help="Add other people's columns: ops (FLOPs + BOPs/64), bops, ace; may be repeated.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="A,B",
        help="Only these columns, in this order, by their names in JSON. Default: all.",
        show_default=False,
    ),
]
Form = Annotated[
    Format | None,
    typer.Option("--format", help="Default: by the suffix of --out, else table.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write to this file, not to the terminal.", show_default=False, callback=into_file
    ),
]

Recipe = Annotated[
    str | None,
    typer.Option("--recipe", help="Of own measurements, only those of this recipe: its name or digest."),
]
Added = Annotated[
    list[str] | None,
    typer.Option(
        "--add",
        metavar="DESIGN=TOP1[:LABEL]",
        help="A design, or a network of yours (net.onnx, net.pt2, file.py:factory, net.yaml), with its accuracy; "
        "may be repeated.",
    ),
]

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on a Ray cluster: HOST:PORT of its head, or local for one that is begun here and ends with it.",
        show_default=False,
    ),
]

PrintedForm = Annotated[Format, typer.Option("--format", help="How it is printed.", show_default=True)]
Drawing = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Draw it: a .png, .svg or .pdf file, or a folder for both.",
        show_default=False,
        callback=into_picture,
    ),
]


def names_of_columns(columns: str | None) -> tuple[str, ...]:
    """The names of columns in a list with commas."""
    return tuple(filter(None, (name.strip() for name in (columns or "").split(","))))


def chips_of(profiles: list[str] | None, overrides: list[str] | None) -> list[HardwareProfile]:
    """The profiles that are asked for, each once; raises BnncostError as `load_profile` does."""
    return [chip_of(one, overrides) for one in dict.fromkeys(profiles or [_PROFILE])]


def chip_of(profile: str, overrides: list[str] | None) -> HardwareProfile:
    """The profile that is asked for, with the figures that are set; raises BnncostError as `load_profile` does."""
    return load_profile(profile, overrides or ())


Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="CxHxW",
        help="Shape of the image that a file or module reads, such as 3x32x32.",
        show_default=False,
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Precision of a file's or module's maps that no quantizer narrows: int16, int8, fp32, ...",
        show_default=False,
        callback=in_any_case,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Where your code fails, print its traceback before the message.")
]
DESIGN_HELP = (
    "A design, such as resnet20[double_residual+prelu]@w1.5/cifar10, or a network of yours: net.onnx, net.pt2, "
    "file.py:factory or package.module:factory (whose code is then run)."
)


def model_of(traffic: TrafficChoice | None) -> TrafficModel | None:
    """The choice as the cost model takes it."""
    if traffic is None:
        return None
    return "mapped" if traffic is TrafficChoice.mapped else "compulsory"


@contextmanager
def own_model(design: str, image: str | None, features: str | None, verbose: bool = False) -> Iterator[str]:
    """The design with the settings of the command line in its text; tells where the user's code failed, if asked."""
    with own_models([design], image, features, verbose) as (text,):
        yield text


@contextmanager
def own_models(
    designs: list[str], image: str | None, features: str | None, verbose: bool = False
) -> Iterator[list[str]]:
    """Several designs, each file or module with the settings of the command line in its text; else as `own_model`."""
    settings = {"input": image, "features": features}
    theirs = [names_model(design) for design in designs]
    try:
        yield [
            with_settings(design, settings) if its or not any(theirs) else design
            for design, its in zip(designs, theirs, strict=True)
        ]
    except CodeFailed as error:
        if verbose and error.traceback:
            print(error.traceback, file=sys.stderr)
        raise


def say_outdated(sources: Iterable[str]) -> None:
    """Name the accuracies that are left out, since their network file or plugin was edited behind their training."""
    from analysis.accuracy.measurements import MEASURED, holds_measurements, outdated

    for source in sources:
        if source != MEASURED and os.path.exists(source) and holds_measurements(source):
            for design, edited in outdated(source).items():
                say(f"Left out {design} of '{source}': {edited}; train it again.")
