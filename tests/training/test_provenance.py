"""Where a measurement comes from: the commit is that of the code that ran, not of the files when it ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_runs import small_data, small_run

from training.run import provenance
from training.run.loop import Progress, train


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A repository whose commit is the last of a list."""
    there = ["first"]
    (tmp_path / "code" / ".git").mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "code" / "training" / "run" / "provenance.py"))

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 0, there[-1] if "describe" in words else "")

    monkeypatch.setattr(provenance.subprocess, "run", run)
    provenance.commit.cache_clear()
    yield there
    provenance.commit.cache_clear()


def test_a_commit_during_training_is_not_that_of_the_run(commits: list[str], tmp_path: Path) -> None:
    def watch(state: Progress) -> None:
        commits.append("second")

    record = train(small_run(epochs=1), small_data(), tmp_path / "runs", watch=watch)
    assert len(commits) > 1
    assert record is not None
    assert record.commit == "first"


def test_what_differs_is_marked_and_the_index_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "training" / "run" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("as it was", "utf-8")
    monkeypatch.setattr(provenance, "__file__", str(file))
    person = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*person, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    name = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    index = tmp_path / ".git" / "index"
    before = index.stat()

    os.utime(file, (1, 1))  # looks changed, and is not
    provenance.commit.cache_clear()
    assert provenance.commit() == name.stdout[:12]
    after = index.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    file.write_text("as it is", "utf-8")
    provenance.commit.cache_clear()
    assert provenance.commit() == f"{name.stdout[:12]}+"
    provenance.commit.cache_clear()
