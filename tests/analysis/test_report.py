"""Tables and figures beside the page: complete, made again only where something changed, never left half written."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis.accuracy.literature import load_accuracy
from analysis.fronts.from_literature import front_frame
from analysis.fronts.front_files import write_front
from analysis.report import files as report
from analysis.report import manifest as report_manifest
from analysis.report.explore import explore, read_profiles
from analysis.report.files import plan, write_files
from analysis.report.job import Job
from analysis.report.jobs import run_job
from analysis.report.page.data import Space, costs_digest
from analysis.show.axes import Axis
from costmodel import BnncostError, cost, load_profile, shipped_profiles
from costmodel.evaluate import versions
from costmodel.hardware import HardwareProfile
from costmodel.methods import METHODS

RESNET20, VGG = ("resnet20", "cifar10"), ("vgg_small", "cifar10")
OWN = """\
name: own-chip
extends: asic-45nm
title: A chip of one's own
clock: {{value: {clock}, unit: MHz, source: engineering-estimate, status: assumed}}
"""
FRONT_TABLES = {f"front-energy.{suffix}" for suffix in ("csv", "md", "tex", "bib")}
FRONT_FIGURES = {f"front-energy.{suffix}" for suffix in ("png", "svg")}
METHOD_FILES = {f"methods.{suffix}" for suffix in ("csv", "md", "tex", "json")}
PICTURES = {"split.png", "split.svg", "marginal.png", "marginal.svg"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of one job, truly made."""
    out = tmp_path_factory.mktemp("drawn")
    job = Job(*VGG, "asic-45nm", "asic-45nm")
    run_job(job, load_profile("asic-45nm"), load_accuracy(), out)
    return out / job.folder


@pytest.fixture
def quick(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that copy these files in place of making their own, in this process."""

    def copied(job: Job, chip: HardwareProfile, records: object, out: Path, measured: object) -> list[Path]:
        shutil.copytree(drawn, out / job.folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
        return sorted((out / job.folder).iterdir())

    monkeypatch.setattr(report, "run_job", copied)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's profile."""
    path = tmp_path / "own-chip.yaml"
    path.write_text(OWN.format(clock=300), "utf-8")
    return path


def made(out: Path, *profiles: str | Path) -> str:
    """Write the files; give what is said."""
    said = io.StringIO()
    chips: Mapping[str, HardwareProfile] = read_profiles([str(profile) for profile in profiles])
    write_files(out, chips, [Space(*VGG)], Console(file=said, width=240), tables=True, figures=True)
    return said.getvalue()


def times(out: Path) -> dict[str, int]:
    return {
        path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()
    }


def remade(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, time in after.items() if before.get(name) != time} - {"manifest.json"}


def test_the_files_are_complete_and_made_again_only_where_something_changed(
    quick: None, tmp_path: Path, own: Path
) -> None:
    out = tmp_path / "out"
    assert "Made 2 of 2 folders" in made(out, "asic-45nm", own)
    shipped, mine = out / "vgg_small-cifar10/asic-45nm", out / "vgg_small-cifar10/own-chip"
    for folder in (shipped, mine):
        names = {path.name for path in folder.iterdir()}
        assert names == FRONT_TABLES | FRONT_FIGURES | METHOD_FILES | PICTURES

    before = times(out)
    assert "Made 0 of 2 folders of files (2 were up to date)" in made(out, "asic-45nm", own)
    assert remade(before, times(out)) == set()

    own.write_text(OWN.format(clock=200), "utf-8")
    assert "Made 1 of 2 folders" in made(out, "asic-45nm", own)
    assert remade(before, times(out)) == {path.relative_to(out).as_posix() for path in mine.iterdir()}

    before = times(out)
    (shipped / "split.svg").unlink()
    (mine / "front-energy.csv").write_text("", "utf-8")
    made(out, "asic-45nm", own)
    assert (shipped / "split.svg").exists() and (mine / "front-energy.csv").stat().st_size
    assert not list(out.rglob("*.part"))


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    chip, records = load_profile("asic-45nm"), load_accuracy()
    tables = Job(*VGG, "asic-45nm", "asic-45nm", figures=False)
    assert {path.name for path in run_job(tables, chip, records, tmp_path)} == FRONT_TABLES | METHOD_FILES
    figures = Job(*VGG, "asic-45nm", "asic-45nm", tables=False)
    assert {path.name for path in run_job(figures, chip, records, tmp_path)} == FRONT_FIGURES | PICTURES
    assert tables != figures
    digests = {report_manifest.job_digest(job, chip, "code") for job in (tables, figures)}
    assert len(digests) == 2


def test_jobs_run_in_processes_of_their_own(
    drawn: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    made(tmp_path / "out", "asic-45nm", own)
    here, mine = tmp_path / "out/vgg_small-cifar10/asic-45nm", tmp_path / "out/vgg_small-cifar10/own-chip"
    for path in drawn.iterdir():
        assert (here / path.name).read_bytes() == path.read_bytes(), path.name
        assert (mine / path.name).is_file()


def test_an_interrupted_run_goes_on_where_it_was(
    quick: None, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report.run_job

    def interrupted(
        job: Job, chip: HardwareProfile, records: object, out: Path, measured: object
    ) -> list[Path]:
        if job.profile_name == "own-chip":
            raise KeyboardInterrupt
        return whole(job, chip, records, out, measured)  # type: ignore[arg-type]

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(report, "run_job", interrupted)
        with pytest.raises(KeyboardInterrupt):
            made(out, "asic-45nm", own)
    assert list(json.loads((out / "manifest.json").read_text())["jobs"]) == ["vgg_small-cifar10/asic-45nm"]
    assert "Made 1 of 2 folders of files (1 were up to date)" in made(out, "asic-45nm", own)


def test_changed_code_makes_everything_again(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "asic-45nm")
    monkeypatch.setattr(report, "code_digest", lambda: "other code")
    assert "Made 1 of 1 folders" in made(tmp_path, "asic-45nm")


def test_what_is_made_depends_on_a_network_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chip, digests = load_profile("asic-45nm"), set()
    for channels in (8, 9, 8):
        Path("net.yaml").write_text(
            f"summary: s\nimage: [3, 8, 8]\nclasses: 4\nstem: [{{layer: conv, channels: {channels}}}]\n"
            "stages: [{block: plain, channels: 8, blocks: 1}]\n",
            "utf-8",
        )
        job = Job("net.yaml", "own", "asic-45nm", "asic-45nm")
        digests |= {
            report_manifest.job_digest(job, chip, "code"), costs_digest(Space("net.yaml", "own"), chip, "code")
        }  # fmt: skip
    assert len(digests) == 4


def test_what_is_made_depends_on_plugins_and_everything_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [report_manifest.code_digest()]
    monkeypatch.setitem(METHODS, "mine", replace(METHODS["prelu"], name="mine", content="as it was loaded"))
    digests.append(report_manifest.code_digest())
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "costmodel/evaluate/versions.py"))
    monkeypatch.setattr(versions, "_digest_of_sources", versions._digest_of_sources.__wrapped__)
    for name in ("costmodel/networks/shipped/a.yaml", "hardware_profiles/tables/b.csv", "analysis/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        for text in ("before", "after"):
            (tmp_path / name).write_text(text, "utf-8")
            digests.append(report_manifest.code_digest())
    assert len(set(digests)) == 8


def test_a_broken_manifest_counts_as_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"jobs": 3}', '{"jobs": {"a": {}}}', "\x00"):
        (tmp_path / "manifest.json").write_text(text)
        assert report_manifest.read_manifest(tmp_path) == {}


def test_all_shipped_profiles_are_the_default() -> None:
    wanted = [Space("resnet20", "cifar10"), Space("resnet18", "imagenet")]
    jobs = plan(wanted, read_profiles(None))
    assert {job.profile_name for job in jobs} == set(shipped_profiles())
    assert len({job.folder for job in jobs}) == len(jobs) == len(shipped_profiles()) * len(wanted)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BnncostError, match=r"output folder '.*out'"):
        explore(tmp_path / "out", ["asic-45nm"], Console(file=io.StringIO()))


def test_a_network_with_few_published_accuracies_has_no_front(tmp_path: Path) -> None:
    job = Job("resnet20", "cifar100", "asic-45nm", "asic-45nm", figures=False)
    records = [
        one for one in load_accuracy() if (one.key.network, one.key.dataset) == ("resnet20", "cifar100")
    ][:2]
    assert {path.name for path in run_job(job, load_profile("asic-45nm"), records, tmp_path)} == METHOD_FILES


def test_a_front_is_written_in_five_forms(tmp_path: Path, own: Path) -> None:
    frame = front_frame(*RESNET20, str(own), load_accuracy(), Axis.latency)
    files = write_front(frame, *RESNET20, str(own), Axis.latency, tmp_path)
    assert {path.name for path in files} == {
        name.replace("energy", "latency") for name in FRONT_TABLES | FRONT_FIGURES
    }
    table = pd.read_csv(tmp_path / "front-latency.csv").set_index("name")
    row = table.loc["ir-net/resnet20/cifar10"]
    assert row.latency_s == cost("ir-net/resnet20/cifar10", own).latency_s
    assert row.top1 == 86.5
    assert "IR-Net" in (tmp_path / "front-latency.md").read_text("utf-8")
    assert r"\begin{tabular}" in (tmp_path / "front-latency.tex").read_text("utf-8")
    assert "own-chip" in (tmp_path / "front-latency.svg").read_text("utf-8")


def test_pictures_and_tables_of_a_front_say_what_energies_count(drawn: Path) -> None:
    sentence = "Energy of a chip with its memories; weights stay on it."
    for name in ("front-energy.md", "methods.md", "front-energy.svg", "split.svg", "marginal.svg"):
        assert sentence in (drawn / name).read_text("utf-8"), name
