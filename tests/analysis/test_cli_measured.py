"""`bnncost pareto` with measurements: fronts with a spread, one per protocol, none mixed with the literature."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from measured_rows import PLAIN, PRELU, SMALL_STUDY, csv_of, measured

from analysis.accuracy import measurements as module
from analysis.cli import run

Captured = pytest.CaptureFixture[str]


def pareto(capsys: Captured, *arguments: object) -> tuple[int, str, str]:
    code = run(["pareto", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A file of measurements under one protocol."""
    path = tmp_path / "study.csv"
    path.write_text(csv_of(SMALL_STUDY), "utf-8")
    return path


def test_a_measured_front_needs_no_name_of_its_network(capsys: Captured, tmp_path: Path, study: Path) -> None:
    code, out, err = pareto(capsys, "--accuracy", study, "--x", "latency", "--out", tmp_path / "out")
    assert code == 0, err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"front-latency.{end}" for end in ("png", "svg", "pdf", "csv", "md", "tex")
    }  # fmt: skip
    table = pd.read_csv(tmp_path / "out/front-latency.csv").set_index("name")
    assert tuple(table.loc[PLAIN, ["top1", "top1_spread", "seeds"]]) == (59.0, 1.0, 3)
    assert set(table.kind) == {"measured"} and len(table) == 4  # none from the literature
    assert "Measured top-1 against latency: resnet20/cifar10-16" in out
    assert "short (sh12) on cifar10" in out
    assert "short (sh12) on cifar10" in (tmp_path / "out/front-latency.svg").read_text("utf-8")


def test_unlike_protocols_are_fronts_apart(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(csv_of([*SMALL_STUDY, measured(PLAIN, 80.0, epochs=60)]), "utf-8")
    code, out, err = pareto(capsys, "--accuracy", path, "--out", tmp_path / "out")
    assert code == 0, err
    assert "2 protocols, which are not comparable" in out and "--recipe sh60" in out
    found = {item.name: len(pd.read_csv(item)) for item in (tmp_path / "out").glob("*.csv")}
    assert found == {"front-energy-short-sh12.csv": 4, "front-energy-short-sh60.csv": 1}

    code, out, _ = pareto(capsys, "--accuracy", path, "--recipe", "sh60", "--out", tmp_path / "one")
    assert code == 0 and "not comparable" not in out
    assert pd.read_csv(tmp_path / "one/front-energy.csv").top1.tolist() == [80.0]


def test_each_network_and_data_set_has_its_front(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(csv_of([*SMALL_STUDY, measured("resnet18@w0.25/cifar100", 40.0)]), "utf-8")
    code, out, err = pareto(capsys, "--accuracy", path, "--out", tmp_path / "out")
    assert code == 0, err
    assert "--network resnet18 --dataset cifar100 --recipe sh12" in " ".join(out.split())
    assert {item.name: len(pd.read_csv(item)) for item in (tmp_path / "out").glob("*.csv")} == {
        "front-energy-resnet20-cifar10-16-short-sh12.csv": 4, "front-energy-resnet18-cifar100-short-sh12.csv": 1,
    }  # fmt: skip
    code, out, _ = pareto(capsys, "--accuracy", path, "--dataset", "cifar100", "--out", tmp_path / "one")
    assert code == 0 and "not comparable" not in out
    assert [item.name for item in (tmp_path / "one").glob("*.csv")] == ["front-energy.csv"]


def test_a_folder_of_runs_is_a_source(capsys: Captured, tmp_path: Path) -> None:
    for number, row in enumerate(SMALL_STUDY):
        (tmp_path / f"runs/{number}").mkdir(parents=True)
        (tmp_path / f"runs/{number}/record.json").write_text(row.to_json(), "utf-8")
    code, _, err = pareto(capsys, "--accuracy", tmp_path / "runs", "--out", tmp_path / "out")
    assert code == 0, err
    table = pd.read_csv(tmp_path / "out/front-energy.csv").set_index("name")
    assert (table.loc[PRELU].top1, table.loc[PRELU].seeds) == (62.0, 2)


def test_literature_is_the_default_by_its_name_too(capsys: Captured, tmp_path: Path) -> None:
    chosen = ("--network", "vgg_small", "--dataset", "cifar10", "--out", tmp_path / "out")
    assert pareto(capsys, *chosen) == pareto(capsys, *chosen, "--accuracy", "literature")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--accuracy", "STUDY", "--network", "resnet18"], ["'resnet18/*'", "one of: resnet20/cifar10-16"]),
        (["--accuracy", "STUDY", "--recipe", "shirt"], ["unknown recipe 'shirt'", "did you mean 'short'"]),
        (["--network", "resnet20"], ["--dataset", "resnet20/cifar10"]),
        (["--network", "resnet20", "--dataset", "cifar10", "--recipe", "short"], ["--accuracy measured"]),
        (["--accuracy", "measured"], ["no measured accuracies come with this installation"]),
        (["--accuracy", "absent.csv"], ["'absent.csv' cannot be read"]),
    ],
)
def test_mistakes_are_a_sentence(
    capsys: Captured,
    tmp_path: Path,
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    parts: list[str],
) -> None:
    monkeypatch.setattr(module, "SHIPPED", "absent.csv")
    given = [str(study) if item == "STUDY" else item for item in arguments]
    code, out, err = pareto(capsys, *given, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert [part for part in parts if part not in err] == [], err
    assert not (tmp_path / "out").exists()
