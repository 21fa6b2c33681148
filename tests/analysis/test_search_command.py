"""`bnncost search` as a user gives it: its file, its mistakes, and what is left when it is stopped."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.cli import run
from benchmarks.processes import alive, family_of
from tests.analysis.command_outputs import said
from tests.analysis.test_cli_json import paths, section
from tests.analysis.test_cli_mistakes import complaint

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]
SEARCH = ("search", "--network", "resnet20", "--profile", "asic-45nm")
MEASURED = ("--accuracy", "measured", "--recipe", "cifar-40")


def test_the_command_writes_one_file_that_pareto_reads(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    out = said(
        capsys, *SEARCH, *MEASURED, "--widths", "1:1.5:0.25", "--energy", "4uJ", "--out", str(tmp_path)
    )
    assert "Looked at all 288 designs" in out  # 3 activations x 2^5 methods x 3 widths
    assert "leaving one out" in out
    assert [path.name for path in tmp_path.iterdir()] == ["front.csv"]
    with (tmp_path / "front.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert all(float(row["top1_low"]) <= float(row["top1"]) <= float(row["top1_high"]) for row in table)
    assert max(float(row["energy_j"]) for row in table) <= 4e-6
    assert {row["kind"] for row in table} == {"estimated"}
    drawn = said(
        capsys, "pareto", "--accuracy", str(tmp_path / "front.csv"), "--profile", "asic-45nm", "--out",
        str(tmp_path / "drawn"),
    )  # fmt: skip
    assert drawn.count("yes") >= len(table) - 1
    assert "estimated" in (tmp_path / "drawn" / "front-energy.svg").read_text("utf-8")


def test_every_key_of_its_json_is_documented_and_no_other(tmp_path: Path, capsys: Captured) -> None:
    text = said(capsys, *SEARCH, *MEASURED, "--widths", "1", "--format", "json", "--out", str(tmp_path))
    part = section("bnncost search")
    assert set(paths(json.loads(text))) == set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "this search would look at"),
        (("--methods", "prelo"), "did you mean 'prelu'"),
        (("--widths", "wide"), "--widths 'wide'"),
        (("--features", "int3"), "unknown precision of features 'int3'"),
        (("--compute", ","), "',' names no precision of operands"),
        (("--features", ""), "--features is given, but empty"),
        (("--methods", ","), "--methods ',' names none; write names with commas, all, or none"),
        (("--widths", "100"), "100 is no width of a design, which lies from 0.05 to 64"),
        (("--widths", "1:1.001:0.00001"), "at most 4 digits behind the point"),
        (("--widths", "1_0"), "--widths '1_0'"),
        (("--widths", "\u0663"), "--widths '\u0663'"),
        ((*MEASURED[:3], "cifar-41"), "did you mean 'cifar-40'? Known: cifar-40, cifar-cpu."),
        (("--accuracy", "measured"), "choose with --recipe cifar-40 or --recipe cifar-cpu"),
        ((*MEASURED, "--methods", "prelu"), "no measured design has prelu"),
        (("--recipe", "cifar-40"), "give them with --accuracy measured"),
        (("--energy", "5 parsec"), "--energy "),
        (("--energy", "5s"), "--energy "),
        (("--area", "2mm2", "--profile", "fpga-zynq7020"), "--area "),
        (("--network", "resnet20[prelu]"), "methods, widths and precisions are searched"),
        (("--network", "vgg_small", *MEASURED), "search one --network"),
    ],
)
def test_mistakes_are_said_before_anything_begins(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: Captured
) -> None:
    assert message in complaint(capsys, *SEARCH, "--out", str(tmp_path / "never"), *arguments)
    assert not (tmp_path / "never").exists()


def test_a_limit_that_nothing_meets_is_said_and_costs_alone_are_no_estimates(
    tmp_path: Path, capsys: Captured
) -> None:
    few = (*SEARCH, "--methods", "none", "--widths", "1,2", "--out", str(tmp_path))
    out = said(capsys, *few, "--energy", "1pJ")
    assert "Nothing is on the front: no design of the search is within energy ≤ 1.00 pJ." in " ".join(
        out.split()
    )
    out = " ".join(said(capsys, *few).split())
    assert "Looked at all 2 designs: 2 were priced and compared with each other." in out
    with (tmp_path / "front.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["design"], row["kind"], row["top1"]) == ("resnet20/cifar10", "", "")


def test_how_large_the_whole_search_is_stands_in_the_docs(capsys: Captured) -> None:
    message = complaint(capsys, *SEARCH, "--out", "never")
    designs, costly, free = re.findall(r"(?<= )[0-9,]+(?= designs, of| that leave)", message)
    methods = int(costly) + int(free)
    text = (ROOT / "docs" / "search.md").read_text("utf-8").replace(" x 10^", "e+")
    counted = f"{int(designs.replace(',', '')):.1e} designs"
    assert f"all {methods} methods of ResNet-20 at 76 widths would be {counted}" in " ".join(text.split())


STOPPED = (
    "search", "--network", "resnet8", "--methods",
    "double_residual,prelu,norm_before_sign,channel_scale,squeeze_excitation,norm_before_classifier", "--compute",
    "binary,int4,int8", "--features", "int4,int6,int8,int16", "--widths", "0.5,1", "--traffic", "compulsory",
)  # fmt: skip
"""Six chunks: where two processes work, the last does not end with the first."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a search finds that nothing stops."""
    folder = tmp_path_factory.mktemp("whole")
    assert run((*STOPPED, "--jobs", "1", "--out", str(folder))) == 0
    return (folder / "front.csv").read_text("utf-8")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_leaves_no_process_and_goes_on(
    number: signal.Signals, whole: str, tmp_path: Path, capsys: Captured
) -> None:
    command = [sys.executable, "-m", "analysis.cli", *STOPPED, "--jobs", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    ends = time.monotonic() + 120
    started = set[int]()
    try:
        while time.monotonic() < ends and not any(log.stat().st_size for log in tmp_path.glob(".search*")):
            started |= family_of(process.pid)
            time.sleep(0.02)
        assert started
        process.send_signal(number)
        process.wait(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (130, -number)
    while time.monotonic() < ends and any(alive(child) for child in started):
        time.sleep(0.1)
    assert not list(filter(alive, started))
    assert run((*STOPPED, "--jobs", "1", "--out", str(tmp_path))) == 0
    capsys.readouterr()
    assert (tmp_path / "front.csv").read_text("utf-8") == whole
