"""The commands that train, from the texts that a user gives to what is printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from costmodel.errors import BnncostError, shortened
from costmodel.output import check_folder
from training.data.dataset import load
from training.data.pins import path_and_digest, with_digest
from training.export.report import export_outcome
from training.export.run import RECORDS, export_run
from training.run.console import Tell, say, under_way
from training.run.devices import choose_device, enough_memory
from training.run.folders import load_spec, run_of, source_of
from training.run.loop import train
from training.run.recipe import MOST_EPOCHS, Recipe, load_recipe
from training.run.request import requested
from training.run.show import outcome, watched

RECIPES_BY_DATA = {"digits": "digits", "cifar10-16": "cpu-16", "cifar100-16": "cpu-16"}
"""The recipe of a design whose data set has one of its own; the others take `cifar`."""

LARGEST_SEED = 2**63 - 1


def train_design(
    design: str,
    *,
    data: str | None,
    data_folder: Path,
    recipe: str | None,
    epochs: int | None,
    seed: int,
    device: str,
    threads: int | None,
    out: Path,
    console: Console,
) -> Path:
    """Train one design, or go on with it, and print what came out; gives the run's folder."""
    chosen = choose_device(device, threads)
    key, source, images = requested(design, data, data_folder)
    settings = _with_epochs(load_recipe(recipe or RECIPES_BY_DATA.get(key.dataset, "cifar")), epochs)
    if not 0 <= seed <= LARGEST_SEED:
        raise BnncostError(f"the seed must be 0 to {LARGEST_SEED}, not {seed}.")
    spec = run_of(key, settings, source, seed)
    with watched(console) as watch, enough_memory():
        record = train(spec, images, out, device=chosen, watch=watch)
    if record is None:
        raise BnncostError(f"run '{out / spec.name}' is being trained by another process; wait for it.")
    say(console, outcome(record))
    say(console, f"Wrote {out / spec.name}")
    return out / spec.name


def _with_epochs(recipe: Recipe, epochs: int | None) -> Recipe:
    if epochs is None:
        return recipe
    if epochs < 1:
        raise BnncostError(f"training needs at least one epoch, not {epochs}.")
    if epochs > MOST_EPOCHS:
        raise BnncostError(f"training has at most {MOST_EPOCHS} epochs, not {shortened(str(epochs))}.")
    return recipe.model_copy(update={"epochs": epochs})


def export_runs(
    runs: Sequence[Path],
    *,
    data: str | None,
    data_folder: Path,
    onnx: bool,
    out: Path | None,
    console: Console,
) -> None:
    """Export finished runs, one after the other, and print the results; raises BnncostError where one is no run.

    With `out`, each run's files go into a folder of its name there.
    """
    targets = [run / "export" if out is None else out / run.resolve().name for run in runs]
    specs = [load_spec(run) for run in runs]
    for run, target in zip(runs, targets, strict=True):
        check_folder(target)
        check_folder(run / RECORDS)
    for number, (run, target, spec) in enumerate(zip(runs, targets, specs, strict=True), start=1):
        _, digest = path_and_digest(spec.data)
        images = load(with_digest(source_of(data or spec.data), digest), folder=data_folder)
        with under_way(console) as tell:
            report = export_run(
                run,
                target,
                images,
                onnx=onnx,
                tell=_numbered(tell, f"{number}/{len(runs)}"),
            )
        say(console, export_outcome(report))
        say(console, f"Wrote {target}")


def _numbered(tell: Tell, number: str) -> Tell:
    """The same with a number in front."""
    return lambda doing: tell(f"{number} {doing}")
