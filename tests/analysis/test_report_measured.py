"""The measured part of the report: beside the literature's, on pages and in files of its own."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from measured_rows import PLAIN, SMALL_STUDY, measured
from rich.console import Console

from analysis.accuracy.outcome import outcome_of
from analysis.accuracy.studies import Study, studies
from analysis.report import explore as report
from analysis.report.jobs import Job, run_job
from costmodel import load_profile
from costmodel.designs.outcome import Outcome

Studies = tuple[tuple[Study, Outcome], ...]
ENDS = ("png", "svg", "csv", "md", "tex")


def with_outcomes(rows: list) -> Studies:
    return tuple((study, outcome_of(study)) for study in studies(rows))


def said_and_page(out: Path, found: Studies, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Make the report of one network on one profile with these studies; give what it says and its page."""
    monkeypatch.setattr(report, "FRONTS", ())
    monkeypatch.setattr(report, "TABLES_ONLY", ())
    monkeypatch.setattr(report, "shipped_studies", lambda: found)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    said = io.StringIO()
    report.explore(out, ["asic-45nm"], Console(file=said, width=240))
    return said.getvalue(), (out / "index.html").read_text("utf-8")


def test_a_measured_network_of_which_nothing_is_published_has_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, page = said_and_page(tmp_path, with_outcomes(SMALL_STUDY), monkeypatch)
    assert "ResNet-20 on CIFAR-10 at 16x16, measured" in said
    assert "plain BNN 59.0 %, prelu 62.0 %, fp32 network 75.0 %" in said
    folder = tmp_path / "resnet20-cifar10-16/asic-45nm"
    names = {path.name for path in folder.iterdir()}
    assert {f"measured-energy.{end}" for end in ENDS} <= names
    assert {f"measured-gains.{end}" for end in ENDS[2:]} <= names
    assert not any(name.startswith("front-") for name in names)
    assert "Measured: short (sh12) on cifar10, 9000 images of 3x16x16, 12 epochs" in page
    assert "resnet20-cifar10-16/asic-45nm/measured-energy.png" in page
    assert "Too few accuracies" not in page and "Short training ranks methods otherwise" in page
    gains = pd.read_csv(folder / "measured-gains.csv").set_index("label").gain
    assert (gains["prelu"], gains["width 1.5"], gains["fp32 network"]) == (3.0, 2.5, 16.0)


def test_each_protocol_has_a_front_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*SMALL_STUDY, measured(PLAIN, 70.0, epochs=60)]
    _, page = said_and_page(tmp_path, with_outcomes(rows), monkeypatch)
    assert page.count("<h4>Measured: ") == 2
    folder = tmp_path / "resnet20-cifar10-16/asic-45nm"
    fronts = {path.name for path in folder.glob("measured-energy*.csv")}
    assert fronts == {"measured-energy-short-sh12.csv", "measured-energy-short-sh60.csv"}
    assert set(pd.read_csv(folder / "measured-energy-short-sh60.csv").top1) == {70.0}


def test_a_measured_front_stands_beside_the_published_one(tmp_path: Path) -> None:
    rows = [measured("resnet20/cifar10", 80.0), measured("resnet20[prelu]/cifar10", 81.0), *SMALL_STUDY]
    job = Job("resnet20", "cifar10", "asic-45nm", "asic-45nm", with_front=False, with_measured=True)
    run_job(job, load_profile("asic-45nm"), [], tmp_path, with_outcomes(rows))
    summary = json.loads((tmp_path / job.folder / "summary.json").read_text("utf-8"))
    (part,) = summary["measured"]  # that of the other data set is shown elsewhere
    assert [label for label, *_ in part["front"]] == ["plain BNN", "prelu"]
    assert part["gains"]["titles"][:3] == ["design", "branch", "seeds"]


def test_a_study_that_does_not_fit_is_told(tmp_path: Path) -> None:
    rows = [measured("resnet34@compute=fp32/imagenet", 70.0)]
    job = Job("resnet34", "imagenet", "mcu-cortex-m4", "mcu-cortex-m4", with_front=False, with_measured=True)
    files = run_job(job, load_profile("mcu-cortex-m4"), [], tmp_path, with_outcomes(rows))
    (part,) = json.loads((tmp_path / job.folder / "summary.json").read_text("utf-8"))["measured"]
    assert part["front"] == [] and "does not fit" in part["left_out"]["resnet34@compute=fp32/imagenet"]
    assert not any(path.name.startswith("measured") for path in files)
