"""What pytest leaves out, and where it keeps mappings: the examples in `training` need torch."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("torch") else ["training/*", "tests/training/*"]
_cache = pytest.StashKey[str]()


def pytest_report_header() -> str | None:
    """Say aloud that a part was left out."""
    return "torch is not installed: training is not tested" if collect_ignore_glob else None


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of a run share the mappings that they find, and nobody else's, and what they compile."""
    # else every run compiles the tests anew, and every command that a test starts the project
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    gc.disable()  # until the tests are collected, and where they are only handed out
    if "BNNCOST_CACHE" not in os.environ:
        config.stash[_cache] = os.environ["BNNCOST_CACHE"] = tempfile.mkdtemp(prefix="bnncost-test-")


def pytest_collection_finish() -> None:
    """Spare the collector the tests and modules, which stay to the end; what comes is collected as the command does."""
    from analysis.cli import OBJECTS_BEFORE_COLLECTION

    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Look once for circles in what the tests leave, not again and again while the process ends: it is millions."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no mappings behind."""
    if folder := config.stash.get(_cache, None):
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ["BNNCOST_CACHE"]
