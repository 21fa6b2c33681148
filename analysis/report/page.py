"""The index page of the report, made from the summaries of its jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.report.jobs import Job
from analysis.show.words import SCOPES
from costmodel.output import write_whole

INDEX = "index.html"


def read_summary(out: Path, job: Job) -> dict[str, Any]:
    """The summary that a job has written."""
    summary: dict[str, Any] = json.loads((out / job.folder / "summary.json").read_text("utf-8"))
    return summary


def write_index(out: Path, jobs: Sequence[Job], version: str) -> Path:
    """Write the page that shows everything; its links are relative and it loads nothing from elsewhere."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for job in jobs:
        part = read_summary(out, job) | {
            "folder": job.folder,
            "anchor": anchor(job),
            "with_front": job.with_front,
        }
        sections.setdefault(str(part["title"]), []).append(part)
    profiles = list(dict.fromkeys(job.profile_name for job in jobs))
    of_profiles = next(iter(sections.values()))
    page = _template().render(
        sections=sections,
        profiles=profiles,
        version=version,
        measured=any(job.with_measured for job in jobs),
        by_traffic=_profiles_by("traffic", of_profiles),
        by_scope={SCOPES[scope]: names for scope, names in _profiles_by("scope", of_profiles).items()},
        scopes=[part["scope"] for part in of_profiles],
    )
    return write_whole(out / INDEX, page)


def _profiles_by(key: str, parts: Sequence[Mapping[str, Any]]) -> dict[Any, list[str]]:
    """Names of the profiles by what their summaries say under a key."""
    found: dict[Any, list[str]] = {}
    for part in parts:
        found.setdefault(part[key], []).append(str(part["profile"]))
    return found


def anchor(job: Job) -> str:
    """The name of a job's place on the page."""
    return job.folder.replace("/", "--")


def _template() -> Any:
    loader = PackageLoader("analysis.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("index.html.j2")
