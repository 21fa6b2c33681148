"""Where a measurement comes from: the commit is that of the code that ran, not of the files when it ended."""

from __future__ import annotations

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
    monkeypatch.setattr(
        provenance.subprocess, "run", lambda *args, **_: subprocess.CompletedProcess(args, 0, there[-1])
    )
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
