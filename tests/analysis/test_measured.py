"""Files of measurements and folders of runs: what is read, and what is refused with its place."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from measured_rows import PLAIN, PRELU, SMALL_STUDY, csv_of, measured

from analysis.accuracy import measurements as module
from analysis.accuracy.measurements import (
    holds_measurements,
    load_measurements,
    outdated,
    shipped_measurements,
)
from costmodel import BnncostError, resolve
from costmodel.designs.content import content_of
from costmodel.designs.records import Measurement


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def described(row: Measurement) -> dict[str, object]:
    """What `run.json` says of the run that a measurement is of."""
    return {
        "design": row.design, "recipe": {"name": row.recipe, "epochs": row.epochs}, "data": row.data,
        "seed": row.seed,
    }  # fmt: skip


def run_folder(runs: Path, name: str, row: Measurement, exported: Measurement | None = None) -> None:
    """A folder as training and export leave it."""
    (runs / name / "export").mkdir(parents=True)
    (runs / name / "record.json").write_text(row.to_json(), "utf-8")
    (runs / name / "run.json").write_text(json.dumps(described(row)), "utf-8")
    if exported is not None:
        (runs / name / "export" / f"{exported.features}.json").write_text(exported.to_json(), "utf-8")
        (runs / name / "export" / "network.json").write_text(json.dumps({"ops": []}), "utf-8")


def test_a_file_of_measurements_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, csv_of(SMALL_STUDY))
    assert load_measurements(path) == SMALL_STUDY
    assert holds_measurements(path)


def test_a_folder_of_runs_holds_what_was_trained_and_what_was_exported(tmp_path: Path) -> None:
    trained, small = measured(PLAIN, 58.0), measured(PLAIN, 57.5, features="int8")
    run_folder(tmp_path / "a", "plain-s0", trained, small)
    run_folder(tmp_path / "b", "prelu-s0", measured(PRELU, 60.0))
    assert holds_measurements(tmp_path)
    assert sorted(map(str, load_measurements(tmp_path))) == sorted(
        map(str, [trained, small, measured(PRELU, 60.0)])
    )


def test_a_file_of_bare_accuracies_holds_no_measurements(tmp_path: Path) -> None:
    assert not holds_measurements(write(tmp_path, "design,top1\nresnet20,70\n"))
    assert not holds_measurements(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"top1": "good"}, ["mine.csv:3", "'top1'", "'good'", "a number"]),
        ({"top1": "101"}, ["mine.csv:3", "101", "0 to 100"]),
        ({"seed": "1.5"}, ["mine.csv:3", "'seed'", "whole number"]),
        ({"design": "resnet20[prelo]/cifar10-16"}, ["mine.csv:3", "did you mean 'prelu'"]),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, change: dict[str, str], says: list[str]) -> None:
    lines = csv_of([measured(PLAIN, 58.0), measured(PLAIN, 59.0, 1)]).splitlines()
    names = lines[0].split(",")
    cells = [change.get(name, cell) for name, cell in zip(names, lines[2].split(","), strict=True)]
    path = write(tmp_path, "\n".join([*lines[:2], ",".join(cells)]))
    with pytest.raises(BnncostError) as caught:
        load_measurements(path)
    assert [part for part in says if part not in str(caught.value)] == [], str(caught.value)


def test_fractions_are_questioned_as_a_whole(tmp_path: Path) -> None:
    rows = [replace(row, top1=row.top1 / 100) for row in SMALL_STUDY[:2]]
    with pytest.raises(BnncostError, match=r"mine\.csv: every top1 is at most 1.*are these fractions"):
        load_measurements(write(tmp_path, csv_of(rows)))
    load_measurements(write(tmp_path, csv_of([rows[0], SMALL_STUDY[1]])))  # a run that failed is no fraction


def test_all_bad_rows_come_in_one_message(tmp_path: Path) -> None:
    rows = [measured("resnet21", 50.0), measured(PLAIN, 50.0), measured("nonsense", 50.0)]
    with pytest.raises(BnncostError) as caught:
        load_measurements(write(tmp_path, csv_of(rows) + "too,many" + ",x" * 30 + "\n"))
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["mine.csv:2", "mine.csv:4", "mine.csv:5"]
    assert "more cells than the header" in lines[2]


def test_files_and_folders_without_a_measurement(tmp_path: Path) -> None:
    text = csv_of(SMALL_STUDY)
    with pytest.raises(BnncostError, match="no measurement in"):
        load_measurements(write(tmp_path, text.splitlines()[0] + "\n"))
    with pytest.raises(BnncostError, match="no measurement in"):
        load_measurements(write(tmp_path, ""))
    with pytest.raises(BnncostError, match=r"mine\.csv:1: the column 'wall_s' is missing"):
        load_measurements(write(tmp_path, text.replace(",wall_s", ",wall", 1)))
    with pytest.raises(BnncostError, match="cannot be read"):
        load_measurements(tmp_path / "absent.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BnncostError, match="no finished run"):
        load_measurements(tmp_path / "empty")


def test_a_damaged_record_is_named_by_its_file(tmp_path: Path) -> None:
    run_folder(tmp_path, "half", measured(PLAIN, 58.0))
    run_folder(tmp_path, "short", measured(PLAIN, 58.0))
    (tmp_path / "half/record.json").write_text('{"design": ')
    values = asdict(measured(PLAIN, 58.0))
    del values["epochs"]
    (tmp_path / "short/record.json").write_text(json.dumps(values))
    with pytest.raises(BnncostError) as caught:
        load_measurements(tmp_path)
    first, second = str(caught.value).splitlines()
    assert "half/record.json' is damaged: it is not JSON" in first
    assert "short/record.json'" in second and "'epochs'" in second and "missing" in second


def test_a_record_in_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    mine = measured(PLAIN, 58.0)
    run_folder(tmp_path, "mine", mine)
    assert load_measurements(tmp_path) == [mine]
    for field, own in (
        ("design", {"design": PRELU}),
        ("seed", {"seed": mine.seed + 1}),
        ("recipe", {"recipe": {"name": "other", "epochs": mine.epochs}}),
        ("epochs", {"recipe": {"name": mine.recipe, "epochs": mine.epochs + 1}}),
        ("data", {"data": "digits"}),
    ):
        (tmp_path / "mine/run.json").write_text(json.dumps({**described(mine), **own}))
        with pytest.raises(
            BnncostError, match=f"record.json' has the {field} .*, but lies in the folder of a run"
        ):
            load_measurements(tmp_path)
    (tmp_path / "mine/run.json").write_text("[]")
    with pytest.raises(BnncostError, match=r"run.json' describes no run; delete the folder"):
        load_measurements(tmp_path)


def test_an_accuracy_of_another_network_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cost would be that of the network which now has its name; one that says nothing is taken at its word."""
    monkeypatch.chdir(tmp_path)
    net = "summary: s\nimage: [3, 8, 8]\nclasses: 4\nstem: []\nstages: [{block: plain, channels: 8, blocks: 1}]\n"
    Path("net.yaml").write_text(net, "utf-8")
    mine = measured("net.yaml/own", 58.0)
    noted = replace(mine, content=content_of(resolve("net.yaml")))
    run_folder(tmp_path / "runs", "mine", noted)
    (tmp_path / "runs/mine/run.json").write_text(json.dumps({**described(noted), "content": noted.content}))
    table = write(tmp_path, csv_of([mine, noted]))
    assert load_measurements(tmp_path / "runs") == [noted]
    assert load_measurements(table) == [mine, noted]
    Path("net.yaml").write_text(f"# a remark\n{net}", "utf-8")
    assert load_measurements(table) == [mine, noted] and not outdated(table)
    Path("net.yaml").write_text(net.replace("blocks: 1", "blocks: 2"), "utf-8")
    assert load_measurements(table) == [mine]
    assert outdated(tmp_path / "runs") == {"net.yaml/own": "'net.yaml' has been edited since"}
    assert outdated(table) == {}, "another measurement of it counts"
    with pytest.raises(
        BnncostError, match=r"runs. is of a design as it is now: net.yaml/own, .net.yaml. has been"
    ):
        load_measurements(tmp_path / "runs")
    other = measured(PLAIN, 70.0)
    run_folder(tmp_path / "runs", "other", other)
    assert load_measurements(tmp_path / "runs") == [other]


def test_a_record_has_the_precision_that_its_file_is_named_after(tmp_path: Path) -> None:
    run_folder(tmp_path, "mine", measured(PLAIN, 58.0, features="int4"))
    with pytest.raises(BnncostError, match=r"record.json' has the features int4, .* with the features fp32"):
        load_measurements(tmp_path)
    run_folder(tmp_path / "other", "mine", measured(PLAIN, 58.0), measured(PLAIN, 57.0, features="int8"))
    exported = tmp_path / "other/mine/export/int8.json"
    exported.rename(exported.with_stem("int4"))
    with pytest.raises(BnncostError, match=r"int4.json' has the features int8, .* with the features int4"):
        load_measurements(tmp_path / "other")


def test_where_none_are_shipped_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHIPPED", "absent.csv")
    assert shipped_measurements() == []
    with pytest.raises(BnncostError, match="no measured accuracies come with this installation"):
        load_measurements("measured")


def test_every_shipped_measurement_belongs_to_a_design() -> None:
    rows = shipped_measurements()
    assert rows
    assert {resolve(row.design).network for row in rows} <= {"resnet20", "resnet18", "vgg_small"}
    assert len({(row.design, row.features, row.seed, row.protocol) for row in rows}) == len(rows)
