"""Tables and figures of every network and profile, beside the page, made anew only where something changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.outcome import shipped_studies
from analysis.report.job import Job
from analysis.report.jobs import run_job
from analysis.report.manifest import (
    Manifest,
    code_digest,
    entry_of,
    is_current,
    job_digest,
    read_manifest,
    write_manifest,
)
from analysis.report.page.data import Space
from analysis.show.progress import counting
from costmodel import load_profile
from costmodel.evaluate.engine import pool_of
from costmodel.hardware import HardwareProfile


def write_files(
    out: Path,
    chips: Mapping[str, HardwareProfile],
    wanted: Sequence[Space],
    console: Console,
    *,
    tables: bool,
    figures: bool,
    ranges: bool = False,
) -> None:
    """Write the tables, the figures or both of each network on each profile into folders of their own."""
    jobs = plan(wanted, chips, tables=tables, figures=figures, ranges=ranges)
    code = code_digest()
    made_from = {job.folder: job_digest(job, chips[job.source], code) for job in jobs}
    manifest = read_manifest(out)
    stale = [job for job in jobs if not is_current(out, manifest.get(job.folder), made_from[job.folder])]
    _run_all(stale, chips, made_from, manifest, out, console)
    kept = len(jobs) - len(stale)
    console.print(
        Text(f"Made {len(stale)} of {len(jobs)} folders of files ({kept} were up to date)."), soft_wrap=True
    )


def plan(
    wanted: Sequence[Space],
    chips: Mapping[str, HardwareProfile],
    *,
    tables: bool = True,
    figures: bool = True,
    ranges: bool = False,
) -> list[Job]:
    """All jobs, those of one network together."""
    return [
        Job(space.network, space.dataset, source, chip.name, tables=tables, figures=figures, ranges=ranges)
        for space in wanted
        if space.model is None  # no method applies to a network from elsewhere
        for source, chip in chips.items()
    ]


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
    with pool_of(workers, "draws figures") as pool:
        waiting = {pool.submit(_run_apart, job, out): job for job in jobs}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _run_apart(job: Job, out: Path) -> list[Path]:
    return run_job(job, load_profile(job.source), load_accuracy(None), out, shipped_studies())
