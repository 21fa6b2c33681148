"""What each part of the report was made from, so that only what changed is made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from analysis.report.job import Job
from costmodel.designs.content import content_of, content_of_methods
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.evaluate.versions import versions_of
from costmodel.hardware import HardwareProfile
from costmodel.output import read_json, write_whole

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "pandas", "matplotlib", "moocore", "scipy")


@dataclass(frozen=True)
class Entry:
    """A finished job: the digest of all that it was made from, and its files with the digests of their contents."""

    digest: str
    files: Mapping[str, str] = field(default_factory=dict)


Manifest = dict[str, Entry]


def digest(*parts: str | bytes) -> str:
    """SHA-256 of several parts, none of which runs into the next.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(f"{len(content)}:".encode() + content)
    return total.hexdigest()


def package_version() -> str:
    """The version of this package, where it is installed."""
    try:
        return metadata.version("bnncost")
    except metadata.PackageNotFoundError:
        return "not installed"


def code_digest() -> str:
    """Digest of the files that are shipped, the methods of plugins, and the libraries that compute and draw."""
    return digest(repr(versions_of(_LIBRARIES)), content_of_methods())


def job_digest(job: Job, chip: HardwareProfile, code: str) -> str:
    """Digest of everything that the files of a job depend on: code, network, and the figures of its profile."""
    content = content_of(DesignKey(job.network, job.dataset))
    asked = (str(job.tables), str(job.figures), str(job.ranges))
    return digest(code, job.network, job.dataset, content, *asked, chip.model_dump_json())


def read_manifest(out: Path) -> Manifest:
    """Read what was made before; a manifest that cannot be read counts as none."""
    try:
        data = read_json(out / MANIFEST, advice="delete it")
        return {name: Entry(str(item["digest"]), dict(item["files"])) for name, item in data["jobs"].items()}
    except (BnncostError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Write what has been made."""
    jobs: dict[str, Any] = {
        name: {"digest": entry.digest, "files": dict(entry.files)} for name, entry in sorted(manifest.items())
    }
    write_whole(out / MANIFEST, json.dumps({"jobs": jobs}, indent=1, allow_nan=False) + "\n")


def entry_of(out: Path, made_from: str, files: Iterable[Path]) -> Entry:
    """The entry of a job that has just written these files."""
    return Entry(made_from, {path.relative_to(out).as_posix(): digest(path.read_bytes()) for path in files})


def is_current(out: Path, entry: Entry | None, made_from: str) -> bool:
    """Whether a job was made from the same things, and all its files are there as they were written."""
    if entry is None or entry.digest != made_from or not entry.files:
        return False
    return all(_content_digest(out / name) == written for name, written in entry.files.items())


def _content_digest(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""
