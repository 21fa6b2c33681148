"""How to cite: the tool, the chapter, and the sources of designs and profiles."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from command_outputs import said
from ruamel.yaml import YAML

from analysis.cli import run

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


def keys(text: str) -> list[str]:
    return re.findall(r"@\w+\{(.*),", text)


def test_the_tool_and_the_chapter_come_first_of_all(capsys: Captured) -> None:
    text = said(capsys, "cite")
    assert (
        keys(text) == ["bnncost", "deputter2022"]
        and "2206.12322" in text
        and "De Putter and Corporaal" in text
    )


def test_the_papers_of_a_design_are_its_own_its_networks_and_its_methods(capsys: Captured) -> None:
    found = keys(said(capsys, "cite", "ir_net/resnet20/cifar10"))
    assert {"qin2020", "he2016", "bnncost"} <= set(found) and len(found) == len(set(found))


def test_the_sources_of_a_profile_are_its_keys(capsys: Captured) -> None:
    text = said(capsys, "cite", "--profile", "asic-45nm")
    assert "horowitz2014" in keys(text)
    source = resources.files("hardware_profiles").joinpath("asic-45nm.yaml").read_text("utf-8")
    named = set(re.findall(r"source: ([a-z0-9-]+)[,}\s]", source))
    known = YAML(typ="safe").load(
        resources.files("hardware_profiles").joinpath("sources.yaml").read_text("utf-8")
    )
    assert named & set(known) <= set(keys(text))


def test_what_is_unknown_is_said_at_once(tmp_path: Path, capsys: Captured) -> None:
    assert run(["cite", "resnet21", "--profile", "asic-46nm"]) == 2
    err = capsys.readouterr().err
    assert "resnet20" in err and "asic-45nm" in err
    said(capsys, "cite", "--out", str(tmp_path / "a.bib"))
    assert keys((tmp_path / "a.bib").read_text("utf-8")) == ["bnncost", "deputter2022"]


def test_the_citation_file_names_the_version_the_licence_and_the_chapter() -> None:
    given = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text("utf-8"))
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    assert f"version = {given['version']}" in setup and f"license = {given['license']}" in setup
    assert given["cff-version"] == "1.2.0" and {"message", "title", "authors"} <= set(given)
    assert "arXiv:2206.12322" in str(given["references"])
