"""`pareto --add`: a design with an accuracy of one's own on a front of published ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.cli import run
from analysis.fronts.added import added_figure
from costmodel.designs.records import AccuracyRecord

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("text", "design", "top1", "label"),
    [
        ("resnet20/cifar10=80", "resnet20/cifar10", 80.0, ""),
        ("resnet20[prelu]@w1.5/cifar10=85.25:ours", "resnet20[prelu]@w1.5/cifar10", 85.25, "ours"),
        ("resnet20@compute=int4,edge=fp32/cifar10= 90.1 : a = b: c", "resnet20@compute=int4,edge=fp32/cifar10", 90.1,
         "a = b: c"),
        ("resnet20[squeeze_excitation(reduction=4)]/cifar10=7", "resnet20[squeeze_excitation(reduction=4)]/cifar10",
         7.0, ""),
        ("lsq-2=67", "resnet18@compute=int2/imagenet", 67.0, "LSQ, 2 bit"),
    ],
)  # fmt: skip
def test_the_last_equals_sign_before_a_number_ends_the_design(
    text: str, design: str, top1: float, label: str
) -> None:
    record = added_figure(text)
    assert isinstance(record, AccuracyRecord)
    assert (str(record.key), record.top1, record.label, record.kind) == (design, top1, label, "added")


def pareto(capsys: Captured, out: Path, *arguments: str) -> tuple[int, str, str]:
    code = run(["pareto", *arguments, "--out", str(out)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "front-energy.csv").open(encoding="utf-8") as stream:
        return {row["label"]: row for row in csv.DictReader(stream)}


def test_an_added_design_has_a_class_of_its_own_and_the_front_is_that_of_its_network(
    tmp_path: Path, capsys: Captured
) -> None:
    code, out, _ = pareto(
        capsys, tmp_path, "--add", "resnet20[prelu]/cifar10=99:ours", "--traffic", "compulsory"
    )
    assert code == 0
    found = rows(tmp_path)
    assert (found["ours"]["design_class"], found["ours"]["on_front"]) == ("measured", "True")
    assert found["ReCU"]["design_class"] == "binary" and found["PACT, 2 bit"]["design_class"] == "low-bit"
    assert found["Full precision"]["design_class"] == "full precision"
    assert {row["network"] for row in found.values()} == {"resnet20"}
    assert "own figures win: ours (99.0 % at" in out
    assert "given with --add" in (tmp_path / "front-energy.svg").read_text("utf-8")


def test_two_figures_of_one_design_are_two_points(tmp_path: Path, capsys: Captured) -> None:
    given = [
        text for top1 in ("60", "61") for text in ("--add", f"ir-net/resnet20/cifar10={top1}:ours {top1}")
    ]
    assert pareto(capsys, tmp_path, *given, "--traffic", "compulsory")[0] == 0
    assert {"IR-Net", "ours 60", "ours 61"} <= set(rows(tmp_path))


def test_a_data_set_alone_means_all_of_its_networks(tmp_path: Path, capsys: Captured) -> None:
    assert pareto(capsys, tmp_path, "--dataset", "cifar100", "--traffic", "compulsory")[0] == 0
    found = rows(tmp_path)
    assert {row["network"] for row in found.values()} == {"reactnet_a", "resnet18", "resnet20"}
    assert "Real-to-Binary, ResNet-18" in found


def test_a_network_with_figures_on_one_data_set_needs_no_data_set(tmp_path: Path, capsys: Captured) -> None:
    assert pareto(capsys, tmp_path, "--network", "resnet34", "--traffic", "compulsory")[0] == 0
    assert {row["design"].rpartition("/")[2] for row in rows(tmp_path).values()} == {"imagenet"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--network", "resnet18"], "say which with --network and --dataset"),
        (["--add", "resnet20/cifar10"], "write DESIGN=TOP1[:LABEL]"),
        (["--add", "resnet20/cifar10=high"], "write DESIGN=TOP1[:LABEL]"),
        (["--add", "resnet20/cifar10=101"], "from 0 to 100"),
        (["--add", "resnet21/cifar10=80"], "resnet20"),
        (["--add", "resnet20/cifar10=80", "--dataset", "imagenet"], "is on resnet20/cifar10; this front is of Image"),
        (["--add", "resnet20/cifar10=80", "--accuracy", "measured"], "--add goes with published accuracies"),
        (["--add", "resnet20/cifar10=80", "--add", "resnet18/imagenet=60"], "say which"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, capsys: Captured, arguments: list[str], says: str) -> None:
    code, _, err = pareto(capsys, tmp_path, *arguments)
    assert code == 2 and says in " ".join(err.split()) and "Traceback" not in err


def test_all_mistakes_come_at_once(tmp_path: Path, capsys: Captured) -> None:
    _, _, err = pareto(capsys, tmp_path, "--add", "one", "--add", "resnet20/cifar10=-1")
    assert "'one'" in err and "resnet20/cifar10=-1" in err
