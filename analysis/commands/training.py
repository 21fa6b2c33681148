"""The commands that need torch: they reach into `training` only when they are called."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.commands.options import Cluster, into_file, into_folder, say_outdated
from analysis.show.axes import Axis
from analysis.show.document import Format, console_for, deliver, say
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
MOST_JOBS = 4  # by default: more of them share one accelerator badly, and slow a desktop down


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
        int | None,
        typer.Option("--threads", help="Of a CPU. Default: half of its cores.", show_default=False),
    ] = None,
    data_folder: DataFolder = Path("data"),
    out: Runs = Path("runs"),
) -> None:
    """Train a design and measure its accuracy; a run that was stopped goes on where it was.

    Without a data set it trains on scikit-learn's digits. The result is a folder with the weights, the loss curve and
    the record that `pareto --accuracy` reads.
    """
    require_torch()
    into_folder(out)
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


def review_command(
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="A shipped plan, such as digits, or a .yaml file.")
    ],
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            help="Runs side by side. Default: one per core, 4 at most; on a cluster as many as it takes.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="Stop after this time, such as 25m or 2h.", show_default=False),
    ] = None,
    data: Data = None,
    device: Device = "auto",
    profile: Annotated[str, typer.Option("--profile", help="What the designs are priced on.")] = "asic-45nm",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the runs.")] = False,
    data_folder: DataFolder = Path("data"),
    out: Runs = Path("runs"),
    cluster: Cluster = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Of the table at the end.", show_default=False)
    ] = None,
) -> None:
    """Train a study, as far as the time goes: what each method gains over its fair pair, and what it costs.

    Runs that are done are skipped, and a study that was stopped goes on; several processes may share its folder.
    """
    require_torch()
    from costmodel.evaluate.cost import as_profile
    from training.review.on_cluster import crew_of
    from training.review.study import load_plan, planned, review, show_planned
    from training.run.durations import seconds_of

    study, console = load_plan(plan), console_for(sys.stdout)
    cores = min(os.cpu_count() or 1, MOST_JOBS)
    budget_s = None if budget is None else seconds_of(budget)
    as_profile(profile)  # an unknown one is refused before hours of training, not behind them
    if dry_run:
        show_planned(planned(study, out, data=data or ""), console, jobs=cores if jobs is None else jobs)
        return
    into_folder(out)
    outcome = review(
        study,
        out,
        console=console,
        data=data or "",
        data_folder=data_folder,
        crew=crew_of(cluster, jobs, cores, study.recipe.gpu),
        budget_s=budget_s,
        device=device,
    ).to_mapping()
    _deliver_study(outcome, profile, form, out)


def _deliver_study(outcome: dict[str, Any], profile: str, form: Format | None, out: Path) -> None:
    """Print a study's table with the cost of its designs, and write its front and gains, if any run has ended."""
    from analysis.fronts.gains.review_document import review_document, write_review_front

    if not outcome["rows"]:
        for design, sentence in outcome["failed"].items():
            say(f"Failed: {design}: {sentence}")
        say("No run has ended yet; the same command goes on.")
        return
    deliver(review_document(outcome, profile), form, None)
    for path in write_review_front(outcome, profile, out):
        say(f"Wrote {path}")


def next_command(
    plan: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="A shipped plan, such as resnet20-cifar10-cpu, or a .yaml file."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The plan that is written, a .yaml file for `review`.", callback=into_file
        ),
    ],
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many designs are chosen.")] = 8,
    profile: Annotated[str, typer.Option("--profile", help="What the designs are priced on.")] = "asic-45nm",
    accuracy: Annotated[
        str,
        typer.Option("--accuracy", help="What is measured: measured (shipped), a CSV, or a folder of runs."),
    ] = "measured",
    x: Annotated[Axis, typer.Option("--x", help="What accuracy is set against.")] = Axis.energy,
    form: Annotated[Format, typer.Option("--format", help="How it is printed.")] = Format.table,
) -> None:
    """Which designs of a plan to train next: those that are expected to move the front of what was measured most.

    Writes the plan with these runs first, which `bnncost review` takes.
    """
    require_torch()
    from analysis.fronts.next_document import next_document
    from costmodel.evaluate.cost import as_profile
    from training.review.comparisons import comparisons_of
    from training.review.study import load_plan, reordered, require_plan_name

    require_plan_name(out)
    study = load_plan(plan)
    designs = {item.label: item.design for item in comparisons_of(study)}
    document, labels = next_document(
        designs, accuracy, study.recipe.digest, as_profile(profile), runs, x, study.name
    )
    written = reordered(study, labels, out)
    deliver(document, form, None)
    say_outdated((accuracy,))
    say(f"Wrote {written}; train them with: bnncost review {written}")


def export_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    data: Data = None,
    data_folder: DataFolder = Path("data"),
    onnx: Annotated[bool, typer.Option("--onnx/--no-onnx", help="Write network.onnx too.")] = True,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Default: export in each run's folder.", show_default=False, callback=into_folder
        ),
    ] = None,
) -> None:
    """Fold a trained run to integers, check them against torch, and measure its accuracy at each feature precision.

    Writes packed bits, integer thresholds and a description that needs no torch to run, and ONNX of the same network.
    """
    require_torch()
    from training.commands import export_runs

    export_runs(runs, data=data, data_folder=data_folder, onnx=onnx, out=out, console=console_for(sys.stdout))
