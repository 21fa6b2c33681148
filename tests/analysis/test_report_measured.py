"""What is measured: on the page and in the terminal's fronts beside the literature's, and in files of its own."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from measured_rows import PLAIN, SMALL_STUDY, measured
from rich.console import Console

from analysis.accuracy.outcome import outcome_of
from analysis.accuracy.studies import Study, studies
from analysis.report import explore as report
from analysis.report.job import Job
from analysis.report.jobs import run_job
from analysis.report.page import data as page_data
from analysis.report.page.html import read_page
from costmodel import load_profile
from costmodel.designs.outcome import Outcome

Studies = tuple[tuple[Study, Outcome], ...]
ENDS = ("png", "svg", "csv", "md", "tex")
SMALL = Job("resnet20", "cifar10-16", "asic-45nm", "asic-45nm")


def with_outcomes(rows: list) -> Studies:
    return tuple((study, outcome_of(study)) for study in studies(rows))


def test_a_measured_network_of_which_nothing_is_published_is_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = with_outcomes(SMALL_STUDY)
    monkeypatch.setattr(page_data, "_points", lambda: tuple(page_data.measured_points(found)))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    said = io.StringIO()
    report.explore(tmp_path, ["asic-45nm"], Console(file=said, width=240))
    assert "ResNet-20 on CIFAR-10 at 16x16, measured" in said.getvalue()
    assert "plain BNN 59.0 %, prelu 62.0 %, fp32 network 75.0 %" in said.getvalue()
    (space,) = read_page(tmp_path)["spaces"]
    points: list[dict[str, Any]] = space["points"]
    assert {point["evidence"] for point in points} == {"measured (short)"}
    assert all(
        "short (sh12) on cifar10, 9000 images of 3x16x16, 12 epochs" in one["source"] for one in points
    )
    tops = {point["label"]: point["top1"] for point in points}
    assert (tops["plain BNN"], tops["prelu"], tops["fp32 network"]) == (59.0, 62.0, 75.0)


def test_a_study_has_files_of_its_own(tmp_path: Path) -> None:
    run_job(SMALL, load_profile("asic-45nm"), [], tmp_path, with_outcomes(SMALL_STUDY))
    folder = tmp_path / SMALL.folder
    names = {path.name for path in folder.iterdir()}
    assert {f"measured-energy.{end}" for end in ENDS} <= names
    assert {f"measured-gains.{end}" for end in ENDS[2:]} <= names
    assert not any(name.startswith("front-") for name in names)
    gains = pd.read_csv(folder / "measured-gains.csv").set_index("label").gain
    assert (gains["prelu"], gains["width 1.5"], gains["fp32 network"]) == (3.0, 2.5, 16.0)


def test_each_protocol_has_a_front_of_its_own(tmp_path: Path) -> None:
    rows = [*SMALL_STUDY, measured(PLAIN, 70.0, epochs=60)]
    run_job(SMALL, load_profile("asic-45nm"), [], tmp_path, with_outcomes(rows))
    folder = tmp_path / SMALL.folder
    fronts = {path.name for path in folder.glob("measured-energy*.csv")}
    assert fronts == {"measured-energy-short-sh12.csv", "measured-energy-short-sh60.csv"}
    assert set(pd.read_csv(folder / "measured-energy-short-sh60.csv").top1) == {70.0}


def test_only_studies_of_the_jobs_data_set_are_shown(tmp_path: Path) -> None:
    rows = [measured("resnet20/cifar10", 80.0), measured("resnet20[prelu]/cifar10", 81.0), *SMALL_STUDY]
    job = Job("resnet20", "cifar10", "asic-45nm", "asic-45nm", figures=False)
    run_job(job, load_profile("asic-45nm"), [], tmp_path, with_outcomes(rows))
    frame = pd.read_csv(tmp_path / job.folder / "measured-energy.csv")
    assert list(frame.label) == ["plain BNN", "prelu"]


def test_a_study_that_does_not_fit_has_no_files(tmp_path: Path) -> None:
    rows = [measured("vgg_small@w4,compute=fp32/cifar10", 93.0)]
    job = Job("vgg_small", "cifar10", "mcu-cortex-m4", "mcu-cortex-m4", figures=False)
    files = run_job(job, load_profile("mcu-cortex-m4"), [], tmp_path, with_outcomes(rows))
    assert not any(path.name.startswith("measured") for path in files)
