"""The report: complete, linked, made again only where something changed, never left half written."""

from __future__ import annotations

import io
import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis.accuracy.literature import load_accuracy
from analysis.fronts.from_literature import front_frame
from analysis.fronts.front_files import write_front
from analysis.report import explore as report
from analysis.report import manifest as report_manifest
from analysis.report.explore import explore, plan, read_profiles
from analysis.report.jobs import Job, run_job
from analysis.show.axes import Axis
from costmodel import BnncostError, cost, load_profile, shipped_profiles
from costmodel.hardware import HardwareProfile

RESNET20 = ("resnet20", "cifar10")
OWN = """\
name: own-chip
extends: asic-45nm
title: A chip of one's own
clock: {{value: {clock}, unit: MHz, source: engineering-estimate, status: assumed}}
"""
FRONT_FILES = {f"front-energy.{suffix}" for suffix in ("png", "svg", "csv", "md", "tex")}
METHOD_FILES = {f"methods.{suffix}" for suffix in ("csv", "md", "tex", "json")}
PICTURES = {"split.png", "split.svg", "marginal.png", "marginal.svg"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One network, in this process."""
    monkeypatch.setattr(report, "FRONTS", (RESNET20,))
    monkeypatch.setattr(report, "TABLES_ONLY", ())
    monkeypatch.setattr(report, "shipped_studies", tuple)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of one job, truly made."""
    out = tmp_path_factory.mktemp("drawn")
    job = Job(*RESNET20, "asic-45nm", "asic-45nm", with_front=True)
    run_job(job, load_profile("asic-45nm"), load_accuracy(), out)
    return out / job.folder


@pytest.fixture
def quick(small: None, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that copy these files in place of making their own."""

    def copied(job: Job, chip: HardwareProfile, records: object, out: Path, measured: object) -> list[Path]:
        shutil.copytree(drawn, out / job.folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
        return sorted((out / job.folder).iterdir())

    monkeypatch.setattr(report, "run_job", copied)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's profile."""
    path = tmp_path / "own-chip.yaml"
    path.write_text(OWN.format(clock=300), "utf-8")
    return path


def made(out: Path, *profiles: str | Path) -> str:
    """Make the report; give what it says."""
    said = io.StringIO()
    explore(out, [str(profile) for profile in profiles], Console(file=said, width=240))
    return said.getvalue()


def times(out: Path) -> dict[str, int]:
    return {
        path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()
    }


def remade(before: dict[str, int], after: dict[str, int]) -> set[str]:
    kept = {"index.html", "manifest.json"}
    return {name for name, time in after.items() if before.get(name) != time} - kept


class Links(HTMLParser):
    """Collects what a page links to and loads, and the names of its places."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.targets.append(value or "")
            elif name == "id":
                self.places.add(value or "")


def test_a_report_is_complete_and_made_again_only_where_something_changed(
    quick: None, tmp_path: Path, own: Path
) -> None:
    out = tmp_path / "out"
    said = made(out, "asic-45nm", own)
    shipped, mine = out / "resnet20-cifar10/asic-45nm", out / "resnet20-cifar10/own-chip"
    for folder in (shipped, mine):
        names = {path.name for path in folder.iterdir()}
        assert names == FRONT_FILES | METHOD_FILES | PICTURES | {"summary.json"}
    assert "double_residual" in said and "IR-Net" in said and "Made 2 of 2 parts" in said

    before = times(out)
    assert "Made 0 of 2 parts (2 were up to date)" in made(out, "asic-45nm", own)
    assert remade(before, times(out)) == set()

    own.write_text(OWN.format(clock=200), "utf-8")
    assert "Made 1 of 2 parts" in made(out, "asic-45nm", own)
    assert remade(before, times(out)) == {path.relative_to(out).as_posix() for path in mine.iterdir()}

    before = times(out)
    (shipped / "split.svg").unlink()
    (mine / "front-energy.csv").write_text("", "utf-8")
    made(out, "asic-45nm", own)
    assert (shipped / "split.svg").exists() and (mine / "front-energy.csv").stat().st_size
    assert not list(out.rglob("*.part"))


def test_the_page_links_to_what_is_there_and_loads_nothing_else(small: None, tmp_path: Path) -> None:
    made(tmp_path, "asic-45nm")
    text = (tmp_path / "index.html").read_text("utf-8")
    links = Links()
    links.feed(text)
    assert "script" not in links.tags and "link" not in links.tags
    assert "http://" not in text and "https://" not in text
    inner = {target.removeprefix("#") for target in links.targets if target.startswith("#")}
    assert inner <= links.places
    files = [target for target in links.targets if not target.startswith("#")]
    assert len(files) >= 14
    assert all((tmp_path / name).is_file() and not Path(name).is_absolute() for name in files)
    for phrase in ("best mapping", "own recipe", "assumed", "double_residual", "prefers-color-scheme"):
        assert phrase in text
    assert "compulsory" not in text, "no profile here has it"


def test_the_page_says_on_which_profiles_traffic_is_compulsory(
    quick: None, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = report.run_job

    def without_array(job: Job, chip: HardwareProfile, *rest: object) -> list[Path]:
        files = copied(job, chip, *rest)  # type: ignore[arg-type]
        path = tmp_path / job.folder / "summary.json"
        if job.profile_name == "own-chip":
            path.write_text(
                json.dumps(
                    json.loads(path.read_text("utf-8")) | {"traffic": "compulsory", "profile": "own-chip"}
                ),
                "utf-8",
            )
        return files

    monkeypatch.setattr(report, "run_job", without_array)
    made(tmp_path, "asic-45nm", own)
    text = " ".join((tmp_path / "index.html").read_text("utf-8").split())
    assert "best mapping of every layer" in text
    assert "on own-chip it is compulsory" in text
    made(tmp_path / "alone", own)
    assert "asic-45nm it is compulsory" not in text


def test_the_page_names_the_assumed_figure_that_matters_most(drawn: Path) -> None:
    summary = json.loads((drawn / "summary.json").read_text("utf-8"))
    assert summary["traffic"] == cost("resnet20").traffic
    for design, sentence in zip(
        ("resnet20/cifar10", "resnet20[channel_scale+"), summary["heaviest"], strict=True
    ):
        assert f"moves the energy of {design}" in sentence
        assert "array.buffers.weight_registers.bit.energy, derived" in sentence


def test_jobs_run_in_processes_of_their_own(
    small: None, drawn: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    made(tmp_path / "out", "asic-45nm", own)
    here, mine = tmp_path / "out/resnet20-cifar10/asic-45nm", tmp_path / "out/resnet20-cifar10/own-chip"
    for path in drawn.iterdir():
        assert (here / path.name).read_bytes() == path.read_bytes(), path.name
        assert (mine / path.name).is_file()


def test_an_interrupted_report_goes_on_where_it_was(
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
    assert list(json.loads((out / "manifest.json").read_text())["jobs"]) == ["resnet20-cifar10/asic-45nm"]
    assert "Made 1 of 2 parts (1 were up to date)" in made(out, "asic-45nm", own)


def test_changed_code_makes_everything_again(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "asic-45nm")
    monkeypatch.setattr(report, "code_digest", lambda: "other code")
    assert "Made 1 of 1 parts" in made(tmp_path, "asic-45nm")


def test_a_broken_manifest_counts_as_none(tmp_path: Path) -> None:
    for text in ("", "[]", '{"jobs": 3}', '{"jobs": {"a": {}}}', "\x00"):
        (tmp_path / "manifest.json").write_text(text)
        assert report_manifest.read_manifest(tmp_path) == {}


def test_all_shipped_profiles_are_the_default() -> None:
    jobs = plan(read_profiles(None))
    assert {job.profile_name for job in jobs} == set(shipped_profiles())
    assert (
        len({job.folder for job in jobs})
        == len(jobs)
        == len(shipped_profiles()) * (len(report.FRONTS) + len(report.TABLES_ONLY))
    )


def test_two_profiles_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text(OWN.format(clock=300), "utf-8")
    with pytest.raises(BnncostError, match=r"a\.yaml.*b\.yaml.*'own-chip'"):
        read_profiles([str(path) for path in paths])


def test_a_file_in_the_place_of_the_folder_is_named(small: None, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BnncostError, match=r"output folder '.*out'"):
        made(tmp_path / "out", "asic-45nm")


def test_a_network_without_a_front_has_tables_alone(tmp_path: Path) -> None:
    job = Job("resnet18", "cifar100", "asic-45nm", "asic-45nm", with_front=False)
    files = run_job(job, load_profile("asic-45nm"), load_accuracy(), tmp_path)
    assert {path.name for path in files} == METHOD_FILES | {"summary.json"}
    summary = json.loads((tmp_path / job.folder / "summary.json").read_text("utf-8"))
    free = [name for names in summary["methods"]["free"].values() for name in names]
    priced = [row[summary["methods"]["titles"].index("method")] for row in summary["methods"]["rows"]]
    assert "logits_teacher" in free and "double_residual" in priced
    assert not set(free) & set(priced)


def test_designs_that_do_not_run_are_named_on_the_page(tmp_path: Path) -> None:
    job = Job("resnet34", "imagenet", "mcu-cortex-m4", "mcu-cortex-m4", with_front=True)
    run_job(job, load_profile("mcu-cortex-m4"), load_accuracy(), tmp_path)
    summary = json.loads((tmp_path / job.folder / "summary.json").read_text("utf-8"))
    assert list(summary["left_out"]) == ["fp32/resnet34/imagenet"]
    assert "does not fit" in summary["left_out"]["fp32/resnet34/imagenet"]


def test_a_front_is_written_in_five_forms(tmp_path: Path, own: Path) -> None:
    frame = front_frame(*RESNET20, str(own), load_accuracy(), Axis.latency)
    files = write_front(frame, *RESNET20, str(own), Axis.latency, tmp_path)
    assert {path.name for path in files} == {name.replace("energy", "latency") for name in FRONT_FILES}
    table = pd.read_csv(tmp_path / "front-latency.csv").set_index("name")
    row = table.loc["ir-net/resnet20/cifar10"]
    assert row.latency_s == cost("ir-net/resnet20/cifar10", own).latency_s
    assert row.top1 == 86.5
    assert "IR-Net" in (tmp_path / "front-latency.md").read_text("utf-8")
    assert r"\begin{tabular}" in (tmp_path / "front-latency.tex").read_text("utf-8")
    assert "own-chip" in (tmp_path / "front-latency.svg").read_text("utf-8")


def test_energies_of_unlike_scopes_stand_side_by_side_only_with_their_scopes(
    quick: None, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = report.run_job

    def of_a_board(job: Job, chip: HardwareProfile, *rest: object) -> list[Path]:
        files = copied(job, chip, *rest)  # type: ignore[arg-type]
        path = tmp_path / "out" / job.folder / "summary.json"
        if job.profile_name == "own-chip" and path.exists():
            path.write_text(path.read_text("utf-8").replace('"scope": "chip"', '"scope": "board"'), "utf-8")
        return files

    same = made(tmp_path / "same", "asic-45nm", own)
    assert "energy of a" in same
    assert "Profiles differ in what their energies count" not in (tmp_path / "same/index.html").read_text(
        "utf-8"
    )
    monkeypatch.setattr(report, "run_job", of_a_board)
    made(tmp_path / "out", "asic-45nm", own)
    text = " ".join((tmp_path / "out/index.html").read_text("utf-8").split())
    assert "Profiles differ in what their energies count" in text
    assert "that of a whole board" in text and "that of a chip with its memories" in text
    assert text.count('<th class="number soft">') == 2


def test_pictures_and_tables_of_a_front_say_what_energies_count(drawn: Path) -> None:
    sentence = "Energy of a chip with its memories; weights stay on it."
    for name in ("front-energy.md", "methods.md", "front-energy.svg", "split.svg", "marginal.svg"):
        assert sentence in (drawn / name).read_text("utf-8"), name
