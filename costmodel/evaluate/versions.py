"""What results depend on besides what was asked: the files of this project, and the versions of packages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SOURCES = ("costmodel", "training", "analysis", "hardware_profiles")


def versions_of(packages: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The version of bnncost, with a digest of its files, and those of packages, without what they were built for."""
    found = [("bnncost", f"{_version('bnncost')} ({_digest_of_sources()})")]
    return (*found, *((name, _version(name).partition("+")[0]) for name in packages))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


@cache
def _digest_of_sources() -> str:
    """Eight digits that stand for all files of the project that results depend on."""
    root = Path(__file__).resolve().parents[2]
    files = (path for folder in _SOURCES for path in (root / folder).rglob("*"))
    listed = sorted(path for path in files if path.suffix in (".py", ".yaml", ".csv", ".json"))
    return _digest("\n".join(f"{path.relative_to(root)} {_digest(path.read_bytes())}" for path in listed))


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:8]
