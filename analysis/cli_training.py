"""The commands that need torch: they reach into `training` only when they are called."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.show import console_for
from costmodel import BnncostError

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="A data set by name (digits, cifar10, ...), or a path: .npz, pickled CIFAR, folders of images.",
        show_default=False,
    ),
]
DataFolder = Annotated[
    Path, typer.Option("--data-folder", help="Where named data sets lie, or are fetched to.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps.")]
Runs = Annotated[Path, typer.Option("--out", help="Folder of the runs; a stopped run is taken up again.")]

NEEDED = ("torch", "safetensors")


def require_torch() -> None:
    """Raise a BnncostError that says what to install where torch is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BnncostError(
            f"training needs {' and '.join(missing)}; install what it takes: pip install 'bnncost[train]'. "
            "Everything else works without."
        )


def train_command(
    design: Annotated[
        str, typer.Argument(metavar="DESIGN", help="e.g. resnet20[double_residual+prelu]/cifar10")
    ],
    data: Data = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", help="A shipped recipe or a .yaml file. Default: by data set.", show_default=False
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Instead of the recipe's.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of initial values, order and augmentation.")] = 0,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", help="Of a CPU. Default: half of its cores.", show_default=False)
    ] = None,
    data_folder: DataFolder = Path("data"),
    out: Runs = Path("runs"),
) -> None:
    """Train a design and measure its accuracy; a run that was stopped goes on where it was.

    Without a data set it trains on scikit-learn's digits. The result is a folder with the weights, the loss curve and
    the record that `pareto --accuracy` reads.
    """
    require_torch()
    from training.commands import train_design

    train_design(
        design,
        data=data,
        data_folder=data_folder,
        recipe=recipe,
        epochs=epochs,
        seed=seed,
        device=device,
        threads=threads,
        out=out,
        console=console_for(sys.stdout),
    )
