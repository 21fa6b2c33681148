"""`bnncost review`: a plan with its runs, trained as far as the budget goes, and what has come out so far."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console

from costmodel.designs.outcome import Outcome
from costmodel.errors import BnncostError
from costmodel.output import write_whole
from training.review.comparisons import StudyRun, jobs_of, plan_problems
from training.review.crew import Crew, require_jobs
from training.review.outcome import outcome_of
from training.review.outcome_files import write_outcome
from training.review.pace import epochs_of, pace_of
from training.review.plan import Plan
from training.review.schedule import missing, run_all
from training.review.view import view_for
from training.review.worker import Setup
from training.run.console import say
from training.run.durations import words_of
from training.run.folders import source_of
from training.run.settings_file import read_settings


def load_plan(name_or_path: str | os.PathLike[str]) -> Plan:
    """Read a shipped plan by its name, or a YAML file; raises one BnncostError with all that is wrong."""
    return read_settings(name_or_path, "plans", Plan, plan_problems)


def require_plan_name(path: Path) -> None:
    """Raise BnncostError where a file to write a plan to would not be read as one."""
    if path.suffix not in (".yaml", ".yml"):
        raise BnncostError(f"'{path}': a plan is a .yaml file; name it so.")


def reordered(plan: Plan, first: Sequence[str], path: Path) -> Path:
    """Write a plan to a YAML file, with these labels right behind the baseline; gives the path."""
    changed = plan.model_copy(update={"first": tuple(first)})
    settings = changed.model_dump(mode="json", exclude_defaults=True)
    return write_whole(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))


@dataclass(frozen=True)
class Planned:
    """One run of a plan before it is trained: done or not, and the time that it is expected to take [s]."""

    job: StudyRun
    name: str
    done: bool
    epochs_done: int
    left_s: float | None


def planned(plan: Plan, runs: Path, *, data: str = "") -> tuple[Planned, ...]:
    """List the runs of a plan as the folder has them: what `--dry-run` shows. Nothing is trained or written."""
    jobs = jobs_of(plan)
    images = _images(plan, data)
    specs = [job.spec(images) for job in jobs]
    open_ = {spec.name for spec in missing(specs, runs)}
    pace = pace_of(specs, runs)
    listed = []
    for job, spec in zip(jobs, specs, strict=True):
        epochs = len(epochs_of(runs / spec.name))
        left = pace.remaining_s(spec, epochs) if spec.name in open_ else 0.0
        listed.append(Planned(job, spec.name, spec.name not in open_, epochs, left))
    return tuple(listed)


def _images(plan: Plan, data: str) -> str:
    """Say which images a study trains on: those of a path are known by their content."""
    from training.data.dataset import pinned  # loads torch, which nothing else here needs

    return pinned(source_of(data) or plan.images)


def show_planned(listed: Sequence[Planned], console: Console, *, jobs: int = 1) -> None:
    """Print the runs of a plan, one a line and in order, and the time that all of them are expected to take."""
    require_jobs(jobs)
    for number, item in enumerate(listed, 1):
        job, epochs = item.job, item.job.recipe.epochs
        state = (
            "done" if item.done else f"{item.epochs_done} of {epochs} epochs" if item.epochs_done else "open"
        )
        left = "" if item.done or item.left_s is None else f", about {words_of(item.left_s)}"
        compared = "; ".join(dict.fromkeys(_compared(job)))
        line = f"{number:3}  {job.label}, seed {job.seed}: {state}{left}  {job.design}  {compared}"
        say(console, line.rstrip())
    open_ = [item for item in listed if not item.done]
    known = [item.left_s for item in open_ if item.left_s is not None]
    total = (
        f"about {words_of(sum(known) / jobs)} with {jobs} at a time"
        if known
        else "time known after one epoch"
    )
    progress = f"{len(listed) - len(open_)} of {len(listed)} runs are done"
    say(console, f"{progress}; {total}." if open_ else f"{progress}.")


def _compared(job: StudyRun) -> Iterator[str]:
    """Yield what a design is compared with, as its fair pair."""
    for item in job.serves:
        if item.design == job.design and item.against is not None:
            yield f"against {item.against}"


def review(
    plan: Plan,
    runs: Path,
    *,
    console: Console,
    data: str = "",
    data_folder: Path = Path("data"),
    crew: Crew,
    budget_s: float | None = None,
    device: str = "auto",
) -> Outcome:
    """Train the runs of a plan that have no record yet, within the budget [s], and write what has come out so far.

    Raises BnncostError where nothing can be trained, such as for a missing data set.
    """
    deadline_s = None if budget_s is None else time.monotonic() + budget_s
    images = _images(plan, data)
    listed = jobs_of(plan)
    labels = {str(job.design): job.label for job in listed}
    setting = Setup(images, runs, device, deadline_s, data_folder)
    specs = [job.spec(images) for job in listed]
    failures = run_all(specs, setting, view_for(console, labels), crew)
    outcome = outcome_of(plan, runs, data=images, failures=failures)
    write_outcome(plan, outcome, runs, data=images)
    return outcome
