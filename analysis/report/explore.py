"""The report: every network and profile as tables, figures and one page, made anew only where something changed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.outcome import shipped_studies
from analysis.accuracy.studies import Study
from analysis.report.jobs import Job, run_job
from analysis.report.manifest import (
    Manifest,
    code_digest,
    entry_of,
    is_current,
    job_digest,
    package_version,
    read_manifest,
    write_manifest,
)
from analysis.report.page import INDEX, read_summary, write_index
from analysis.show.progress import counting
from costmodel import BnncostError, load_profile, shipped_profiles
from costmodel.designs.outcome import Outcome
from costmodel.hardware import HardwareProfile
from costmodel.output import make_folder

FRONTS = (
    ("resnet20", "cifar10"),
    ("resnet18", "imagenet"),
    ("resnet34", "imagenet"),
    ("vgg_small", "cifar10"),
    ("resnet18", "cifar10"),
)
TABLES_ONLY = (("resnet18", "cifar100"),)
GENERIC = "asic-45nm"
"""The profile that a reader meets first, and whose method table is printed."""
_SHOWN = (f"resnet20-cifar10/{GENERIC}",)


def explore(out: Path, profiles: Sequence[str] | None, console: Console, *, ranges: bool = False) -> None:
    """Write tables, figures and the index page for every network and for the profiles given, or all shipped ones.

    With `ranges`, tables, fronts and marginal costs show what the ends of the profiles' ranges give. Files that are
    still current stay. Raises BnncostError for unknown profiles and folders that cannot be written.
    """
    chips = read_profiles(profiles)
    measured = shipped_studies()
    jobs = plan(chips, measured, ranges=ranges)
    make_folder(out)
    code = code_digest()
    made_from = {job.folder: job_digest(job, chips[job.source], code) for job in jobs}
    manifest = read_manifest(out)
    stale = [job for job in jobs if not is_current(out, manifest.get(job.folder), made_from[job.folder])]
    _run_all(stale, chips, made_from, manifest, out, console)
    page = write_index(out, jobs, package_version())
    _print_methods(jobs, out, console)
    _print_fronts(jobs, out, console)
    kept = len(jobs) - len(stale)
    console.print(
        Text(f"Made {len(stale)} of {len(jobs)} parts ({kept} were up to date). Open {page}"), soft_wrap=True
    )


def read_profiles(given: Sequence[str] | None) -> dict[str, HardwareProfile]:
    """Profiles by the name or path that they were asked for by, all shipped ones if none; two of one name raise."""
    generic_first = sorted(shipped_profiles(), key=lambda name: name != GENERIC)
    chips = {source: load_profile(source) for source in dict.fromkeys(given or generic_first)}
    sources: dict[str, str] = {}
    for source, chip in chips.items():
        if chip.name in sources:
            raise BnncostError(
                f"profiles '{sources[chip.name]}' and '{source}' are both named '{chip.name}'; rename one of them."
            )
        sources[chip.name] = source
    return chips


def plan(
    chips: Mapping[str, HardwareProfile],
    measured: Sequence[tuple[Study, Outcome]] = (),
    *,
    ranges: bool = False,
) -> list[Job]:
    """All jobs of a report, those of one network together; measured networks of which nothing is published last."""
    studied = dict.fromkeys((study.network, study.dataset) for study, _ in measured)
    pairs = dict.fromkeys([*FRONTS, *TABLES_ONLY, *studied])
    return [
        Job(*pair, source, chip.name, pair in FRONTS, pair in studied, ranges)
        for pair in pairs
        for source, chip in chips.items()
    ]


# ---------------------------------------------------------------- running


def _run_all(
    stale: Sequence[Job],
    chips: Mapping[str, HardwareProfile],
    made_from: Mapping[str, str],
    manifest: Manifest,
    out: Path,
    console: Console,
) -> None:
    """Run the jobs and note each in the manifest as soon as it is done, so that an interrupted run goes on there."""
    with counting("tables and figures", len(stale), console) as tell:
        for job, files in _finished(stale, chips, out):
            manifest[job.folder] = entry_of(out, made_from[job.folder], files)
            write_manifest(out, manifest)
            tell(job.folder)


def _finished(
    jobs: Sequence[Job], chips: Mapping[str, HardwareProfile], out: Path
) -> Iterator[tuple[Job, list[Path]]]:
    """Yield jobs with the files that they wrote, as they finish."""
    workers = min(os.cpu_count() or 1, len(jobs))
    if workers <= 1:
        records, measured = load_accuracy(None), shipped_studies()
        yield from ((job, run_job(job, chips[job.source], records, out, measured)) for job in jobs)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        waiting: dict[Future[list[Path]], Job] = {pool.submit(_run_apart, job, out): job for job in jobs}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    except BrokenProcessPool as error:
        raise BnncostError(
            "a process that draws figures has ended early, perhaps for lack of memory; run again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_apart(job: Job, out: Path) -> list[Path]:
    measured = shipped_studies() if job.with_measured else ()
    return run_job(job, load_profile(job.source), load_accuracy(None), out, measured)


def _leave_interrupts() -> None:
    """Let the parent alone answer Ctrl-C: it calls off what has not begun and waits for the rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# ---------------------------------------------------------------- reporting


def _print_methods(jobs: Sequence[Job], out: Path, console: Console) -> None:
    """Print the methods that cost something, for one network and profile."""
    shown = next((job for job in jobs if job.folder in _SHOWN), jobs[0])
    summary = read_summary(out, shown)
    methods = summary["methods"]
    grid = Grid(title=Text(f"{summary['title']}, {summary['profile']}", style="bold"), title_justify="left")
    columns = [number for number, title in enumerate(methods["titles"]) if title != "why"]
    for number in columns:
        grid.add_column(
            Text(methods["titles"][number]), justify="right" if methods["numeric"][number] else "left"
        )
    for row in methods["rows"]:
        grid.add_row(*(Text(row[number]) for number in columns))
    console.print(grid)
    free = sum(len(names) for names in methods["free"].values())
    console.print(
        Text(f"{free} more methods act in training alone and add 0. {summary['caption']}"), soft_wrap=True
    )
    console.print()


def _print_fronts(jobs: Sequence[Job], out: Path, console: Console) -> None:
    """Print which designs are on each front."""
    grid = Grid(title=Text("Fronts of top-1 against energy", style="bold"), title_justify="left")
    for title in ("network", "profile", "energy of a", "plain BNN", "on the front, the cheapest first"):
        grid.add_column(Text(title))
    above = ""
    for job in jobs:
        summary = read_summary(out, job)
        for title, front in _fronts(job, summary):
            names = ", ".join(f"{label} {top1}" for label, top1, _ in front)
            shown = "" if title == above else title
            cells = (shown, job.profile_name, summary["scope"], summary["plain"]["energy"], names)
            grid.add_row(*map(Text, cells))
            above = title
    console.print(grid)
    console.print(Text(f"Every one of them, with its figures, is in {out / INDEX}."), soft_wrap=True)


def _fronts(job: Job, summary: Mapping[str, Any]) -> Iterator[tuple[str, list[list[str]]]]:
    """The fronts of a job with their titles: that of the literature, then those measured."""
    if job.with_front:
        yield str(summary["title"]), summary["front"]
    for part in summary["measured"]:
        yield f"{summary['title']}, measured", part["front"]
