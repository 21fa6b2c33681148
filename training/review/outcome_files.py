"""Files of an outcome: JSON for whoever puts cost beside it, and a table of measurements with their commands."""

from __future__ import annotations

import csv
import json
import shlex
from dataclasses import asdict, fields, replace
from io import StringIO
from pathlib import Path

from costmodel.designs.catalogue import DATASETS
from costmodel.designs.outcome import Outcome
from costmodel.designs.records import AS_TRAINED, COMMAND, NEEDED, Measurement
from costmodel.output import read_json, write_whole
from training.review.comparisons import jobs_of
from training.review.plan import Plan
from training.run.folders import RunSpec, measurement_of, require_own, source_of
from training.run.recipe import Recipe, load_recipe
from training.run.settings_file import shipped


def write_outcome(plan: Plan, outcome: Outcome, runs: Path, *, data: str = "") -> tuple[Path, Path]:
    """Write the outcome as `<plan>.json` and its measurements as `<plan>.csv` into the folder of runs."""
    if _recipe_words(plan.recipe) is None:
        settings = plan.recipe.model_dump(mode="json", exclude_none=True)
        write_whole(
            runs / _recipe_file(plan), json.dumps(settings, indent=2, allow_nan=False) + "\n"
        )  # JSON is YAML too
    return (
        write_whole(runs / f"{plan.name}.json", outcome.to_json()),
        write_whole(runs / f"{plan.name}.csv", measurements_csv(plan, runs, data=data)),
    )


def measurements_csv(plan: Plan, runs: Path, *, data: str = "") -> str:
    """Write every measurement of a plan as a row, those of exported networks too, with the command that repeats it."""
    stream = StringIO()
    specs = [job.spec(data or plan.images) for job in jobs_of(plan)]
    noted = any(spec.content for spec in specs)
    names = [item.name for item in fields(Measurement) if item.name in NEEDED or noted]
    writer = csv.DictWriter(stream, [*names, COMMAND], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for spec in specs:
        for made in measurements_of(runs / spec.name, spec):
            writer.writerow({**asdict(made), COMMAND: command_of(plan, spec, made, runs)})
    return stream.getvalue()


def measurements_of(folder: Path, spec: RunSpec) -> list[Measurement]:
    """Read the record of a run, and those of the integer networks exported from it; none before it has ended."""
    made = measurement_of(folder, spec)
    if made is None:
        return []
    exported = sorted((folder / "export").glob("*.json"))
    return [made, *(item for path in exported if (item := _exported(path, spec)) is not None)]


def _exported(path: Path, spec: RunSpec) -> Measurement | None:
    """Read an exported network's record; None for other JSON that lies beside it."""
    values = read_json(path, advice="delete it and export again")
    if not isinstance(values, dict) or "top1" not in values:
        return None
    made = Measurement.from_mapping(values, str(path))
    require_own(made, spec, path)
    return made


def command_of(plan: Plan, spec: RunSpec, made: Measurement, runs: Path) -> str:
    """Write the command that makes a measurement again: it trains, and exports where integers were measured.

    A folder of runs anywhere else is called by its name alone, and a known data set by its own, since the command
    may be read on another machine.
    """
    out = Path(runs.name) if runs.is_absolute() else runs
    recipe = _recipe_words(plan.recipe) or ["--recipe", str(out / _recipe_file(plan))]
    data = source_of(made.data) if made.data in DATASETS else spec.data
    words = ["bnncost", "train", made.design, *recipe, "--data", data, "--seed", str(made.seed)]
    command = shlex.join([*words, "--out", str(out)])
    if made.features == AS_TRAINED:
        return command
    run = replace(spec, data=data).name
    return f"{command} && {shlex.join(['bnncost', 'export', str(out / run)])}"


def _recipe_file(plan: Plan) -> str:
    return f"{plan.name}.recipe.yaml"


def _recipe_words(recipe: Recipe) -> list[str] | None:
    """Name a shipped recipe, perhaps with other epochs, on the command line; None for any other."""
    if recipe.name not in shipped("recipes"):
        return None
    base = load_recipe(recipe.name)
    if recipe.digest == base.digest:
        return ["--recipe", recipe.name]
    if recipe.digest == base.model_copy(update={"epochs": recipe.epochs}).digest:
        return ["--recipe", recipe.name, "--epochs", str(recipe.epochs)]
    return None
