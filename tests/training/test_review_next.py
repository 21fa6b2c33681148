"""`bnncost next` writes a plan that `review` runs, with the runs that it chose right behind the baseline."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from analysis.cli import run
from training.review.comparisons import comparisons_of, jobs_of
from training.review.study import load_plan


def test_the_plan_that_is_written_trains_what_was_chosen_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, few = tmp_path / "next.yaml", tmp_path / "few.csv"
    head, *shipped = (
        resources.files("analysis").joinpath("data/measured_accuracy.csv").read_text("utf-8").splitlines()
    )
    few.write_text("\n".join([head, *[row for row in shipped if ",cifar-cpu," in row][:6]]), "utf-8")
    command = ("next", "resnet20-cifar10-cpu", "--accuracy", str(few), "--runs", "3", "--out", str(path))
    assert run((*command, "--format", "csv")) == 0
    rows = capsys.readouterr().out.splitlines()
    labels = [row.split(",")[0] for row in rows[1:]]
    assert len(labels) == 3
    before, after = load_plan("resnet20-cifar10-cpu"), load_plan(path)
    assert [job.label for job in jobs_of(after)][:4] == ["baseline", *labels]
    assert after.recipe.digest == before.recipe.digest
    assert {item.design for item in comparisons_of(after)} == {item.design for item in comparisons_of(before)}
