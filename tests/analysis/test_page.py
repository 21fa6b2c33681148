"""The page as a file: whole, self-contained, small, made anew only where something changed, and deaf to markup."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.report import explore as report
from analysis.report.explore import explore, read_profiles, read_spaces
from analysis.report.page.data import Space, costs_on
from analysis.report.page.html import INDEX, SCRIPTS, page_html, read_page, seal_of, unpacked, write_page
from analysis.report.page.own import read_own
from analysis.report.page.screen import front_rows
from costmodel import BnncostError, load_profile, resolve, shipped_profiles
from costmodel.hardware import HardwareProfile

ASSETS = Path(str(resources.files("analysis").joinpath("assets")))
OWN = """\
name: own-chip
extends: asic-45nm
title: A chip of one's own
clock: {{value: {clock}, unit: MHz, source: engineering-estimate, status: assumed}}
"""
ADDRESS = re.compile(
    r"""(?:src|href)\s*=\s*["'](?!data:|#)|url\(|@import|<link(?![^>]*rel="icon")""", re.IGNORECASE
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """Spaces that are not priced; what was asked of them: profiles, each with its spaces."""
    asked: list[tuple[str, tuple[str, ...]]] = []

    def record(space: Space, chips: Any) -> dict[str, Any]:
        return {"name": space.name, "network": space.network, "dataset": space.dataset, "title": space.name,
                "operations": [], "designs": [], "points": [], "on": {}}  # fmt: skip

    def priced(chip: HardwareProfile, some: Iterable[Space]) -> dict[Space, dict[str, Any]]:
        wanted = list(some)
        asked.append((chip.name, tuple(space.name for space in wanted)))
        return {space: {"priced": {}, "left_out": {}, "figures": [], "methods": {}} for space in wanted}

    monkeypatch.setattr(report, "space_record", record)
    monkeypatch.setattr(report, "priced_on", priced)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return asked


def made(out: Path, *profiles: str | Path, networks: tuple[str, ...] = ("resnet20",)) -> str:
    """Make the page; give what it says."""
    said = io.StringIO()
    explore(
        out, [str(profile) for profile in profiles] or None, Console(file=said, width=240), networks=networks
    )
    return said.getvalue()


def test_one_page_is_made_and_only_what_changed_is_priced_again(
    quick: list[tuple[str, tuple[str, ...]]], tmp_path: Path
) -> None:
    out, own = tmp_path / "out", tmp_path / "own.yaml"
    own.write_text(OWN.format(clock=300), "utf-8")
    text = made(out, "asic-45nm", own)
    mine = [space.name for space in read_spaces(("resnet20",))]
    assert [path.name for path in out.iterdir()] == [INDEX] and str(out / INDEX) in text
    assert quick == [("asic-45nm", tuple(mine)), ("own-chip", tuple(mine))]
    first = (out / INDEX).read_bytes()

    quick.clear()
    assert f"Priced 0 of {2 * len(mine)}" in made(out, "asic-45nm", own)
    assert quick == [] and (out / INDEX).read_bytes() == first

    own.write_text(OWN.format(clock=200), "utf-8")
    made(out, "asic-45nm", own)
    assert quick == [("own-chip", tuple(mine))]


def test_a_page_that_cannot_be_read_is_made_anew(quick: list[object], tmp_path: Path) -> None:
    data = f'<script type="application/gzip" id="data" data-seal="{seal_of("AAAA")}">AAAA</script>'
    for text in ("", "<html>", data, "\x00"):
        (tmp_path / INDEX).write_text(text, "utf-8")
        quick.clear()
        made(tmp_path, "asic-45nm")
        assert quick and read_page(tmp_path)["spaces"]


def test_networks_and_profiles_narrow_the_page(quick: list[object], tmp_path: Path) -> None:
    made(tmp_path, networks=("resnet34",))
    data = read_page(tmp_path)
    assert {space["network"] for space in data["spaces"]} == {"resnet34"}
    assert {profile["name"] for profile in data["profiles"]} == set(shipped_profiles())
    with pytest.raises(BnncostError, match="did you mean 'resnet20'"):
        made(tmp_path, networks=("resnet2",))


def test_own_accuracies_make_their_network_anew_and_others_are_left_out(
    quick: list[tuple[str, tuple[str, ...]]], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("design,top1\nresnet20[prelu]/cifar10,80.5\n", "utf-8")

    def run() -> None:
        quick.clear()
        said = Console(file=io.StringIO())
        explore(tmp_path, ["asic-45nm"], said, networks=["resnet20"], accuracy=[str(mine)])

    run()
    assert quick[0][1][0] == "resnet20/cifar10" and len(quick[0][1]) > 1
    mine.write_text("design,top1\nresnet20[prelu]/cifar10,80.6\n", "utf-8")
    run()
    assert quick == [("asic-45nm", ("resnet20/cifar10",))]
    asked = read_spaces(["vgg_small"], read_own([str(mine)]))
    assert asked[0].name == "resnet20/cifar10"  # not asked for, but one's own
    with pytest.raises(BnncostError, match="on the page in any case"):
        read_own(["literature"])


def test_two_profiles_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text(OWN.format(clock=300), "utf-8")
    with pytest.raises(BnncostError, match=r"a\.yaml.*b\.yaml.*'own-chip'"):
        read_profiles([str(path) for path in paths])


def test_the_page_loads_nothing_and_its_policy_names_its_own_scripts() -> None:
    page = page_html({"spaces": []})
    outside = page
    for name in SCRIPTS:
        script = (ASSETS / name).read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page and f"<script>{script}</script>" in page
        outside = outside.replace(script, "")
    assert not ADDRESS.search(outside) and "http" not in outside.replace("http-equiv", "")
    assert "default-src 'none'" in outside and "unsafe-eval" not in outside
    own = "".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS[1:])
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in own, way


def test_hostile_names_stay_in_the_packed_data(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`${1}@DATA@@POLICY@"
    data = {"version": hostile, "spaces": [{"title": hostile}]}
    page = page_html(data)
    assert "alert" not in page
    assert page.count("<script") == page_html({}).count("<script") == len(SCRIPTS) + 1
    write_page(tmp_path, data)
    assert read_page(tmp_path) == data


def test_the_vendored_library_is_the_one_that_its_text_names(tmp_path: Path) -> None:
    library = (ASSETS / "echarts.min.js").read_bytes()
    told = dict(line.split(": ", 1) for line in (ASSETS / "echarts.txt").read_text("utf-8").splitlines())
    assert hashlib.sha256(library).hexdigest() == told["sha256"]
    assert "Apache License" in (ASSETS / "echarts.LICENSE").read_text("utf-8")
    assert "Apache ECharts" in (ASSETS / "echarts.NOTICE").read_text("utf-8")
    assert f'version="{told["version"]}"' in library.decode().replace("t.version", "version")


def test_the_pages_own_scripts_are_small_with_short_lines_and_functions_and_nothing_unused() -> None:
    texts = {name: (ASSETS / name).read_text("utf-8") for name in SCRIPTS[1:]}
    whole = "\n".join(texts.values())
    assert len(whole.splitlines()) < 1600
    for name, text in texts.items():
        lines = text.splitlines()
        assert len(lines) < 300 and lines[1 if lines[1].startswith('"') else 2] == '"use strict";', name
        for number, line in enumerate(lines, 1):
            assert len(line) <= 120 and line == line.rstrip() and "\t" not in line, (name, number)
            code = re.sub(r"""/\*\*.*|`[^`]*`|"[^"]*"|//.*|for \(.*;.*;.*\) """, "", line)
            assert code.replace("; }", " }").count(";") <= 1, f"{name}:{number} has more than one statement"
            assert not re.search(r"\b(?:var|eval|with)\b(?!:)", code), (name, number)
        for function in re.finditer(
            r"^( *)(?:async )?function (\w+).*?^\1\}$", text, re.MULTILINE | re.DOTALL
        ):
            assert function.group().count("\n") < 45, f"{name}: {function.group(2)} is long"
    for declared in re.findall(r"^(?:async )?(?:function|const|let) (\w+)", whole, re.MULTILINE):
        assert len(re.findall(rf"(?<!\w)(?<!\w\.){declared}\b", whole)) > 1, f"{declared} is used nowhere"


def test_the_pages_own_scripts_are_well_formed() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's scripts are not parsed")
    for name in SCRIPTS[1:]:
        done = subprocess.run(
            [node, "--check", str(ASSETS / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_a_damaged_packing_is_told() -> None:
    with pytest.raises((ValueError, OSError, EOFError)):
        unpacked("AAAA")


def test_where_no_design_has_a_cost_each_says_why() -> None:
    big = resolve("resnet50@compute=fp32/imagenet")
    found = costs_on(Space("resnet50", "imagenet", ()), [big], load_profile("mcu-cortex-m4"))
    assert (found["priced"], found["uncertain"]) == ({}, None)
    assert "does not fit" in found["left_out"]["0"]
    point = {"design": 0, "study": "", "label": "fp32", "top1": 80.0}
    space = {
        "title": "ResNet-50",
        "operations": [],
        "points": [point],
        "has_plain": True,
        "on": {"chip": found},
    }
    profile = {"name": "chip", "operations": {}, "scope": "chip"}
    ((*_, front),) = front_rows({"spaces": [space], "profiles": [profile]})
    assert front.startswith("none of its designs has a cost here")
