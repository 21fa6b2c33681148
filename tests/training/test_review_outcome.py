"""Outcomes of a study: means, spreads and gains by hand, and the files that a study leaves."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from costmodel.designs.outcome import OutcomeRow
from costmodel.designs.records import NEEDED, Measurement
from costmodel.errors import BnncostError
from training.review.comparisons import jobs_of, plan_problems
from training.review.outcome import outcome_of, switches_of
from training.review.outcome_files import command_of, measurements_csv, write_outcome
from training.review.plan import Plan
from training.review.processes import Processes
from training.review.study import planned, review, show_planned
from training.run.folders import RECORD, open_folder
from training.run.settings_file import parse_settings

PLAN = """
name: tiny
title: A tiny study
baseline: resnet20[hardtanh]/digits
recipe: {base: digits, epochs: 5}
references: [fp32]
alone: [prelu, squeeze_excitation]
pairs: [{method: squeeze_excitation, beside: norm_before_sign}]
seeds: 2
"""
PLAIN, BARE = "resnet20[hardtanh]/digits", "resnet20/digits"
TOP1 = {
    PLAIN: (50.0, 54.0),  # mean 52, variance 8
    BARE: (55.0,),
    "resnet20[prelu]/digits": (56.0, 59.0, 62.0),  # mean 59, variance 9
    "resnet20[hardtanh+squeeze_excitation]/digits": (49.5, 49.5),  # variance 0
    "resnet20@compute=fp32/digits": (90.0,),
}


def plan_of(text: str = PLAN) -> Plan:
    return parse_settings(text, "tiny.yaml", Plan, plan_problems)


def write_records(plan: Plan, runs: Path, top1: dict[str, tuple[float, ...]]) -> None:
    for job in jobs_of(plan):
        values = top1.get(str(job.design), ())
        if job.seed < len(values):
            spec = job.spec("digits")
            record = Measurement(
                str(job.design), "fp32", values[job.seed], 50.0, "digits", plan.recipe.digest, "digits", "1x8x8",
                1293, 360, 5, job.seed, 12.5, "cpu", "2.13.0", "abc", "2026-01-01",
            )  # fmt: skip
            (open_folder(spec, runs) / RECORD).write_text(record.to_json())


@pytest.fixture
def plan() -> Plan:
    return plan_of(PLAN.replace("seeds: 2", "seeds: 2\nmore_seeds: {prelu: 3}"))


def rows(plan: Plan, runs: Path) -> dict[str, OutcomeRow]:
    return {row.label: row for row in outcome_of(plan, runs).rows}


def test_gains_are_the_differences_of_means_with_an_error_from_all_designs(
    plan: Plan, tmp_path: Path
) -> None:
    write_records(plan, tmp_path, TOP1)
    found = rows(plan, tmp_path)
    variance = (1 * 8 + 2 * 9 + 1 * 0) / (1 + 2 + 1)  # pooled from the three designs with several seeds
    plain = found["baseline"]
    assert (plain.seeds, plain.top1_mean, plain.gain, plain.against) == (2, 52.0, None, None)
    assert plain.top1_spread == pytest.approx(math.sqrt(8))
    prelu = found["prelu"]
    assert (prelu.seeds, prelu.top1_mean, prelu.top1_spread) == (3, 59.0, 3.0)
    assert (prelu.gain, prelu.gain_error) == (7.0, pytest.approx(math.sqrt(variance * (1 / 3 + 1 / 2))))
    assert (prelu.against, prelu.against_label) == (BARE, "without hardtanh")
    assert prelu.gain_against == 4.0
    assert prelu.gain_against_error == pytest.approx(math.sqrt(variance * (1 / 3 + 1))), (
        "its pair has one seed"
    )
    gated = found["squeeze_excitation"]
    assert (gated.gain, gated.gain_against, gated.top1_spread) == (-2.5, -2.5, 0.0)
    assert gated.gain_against_error == pytest.approx(math.sqrt(variance))
    assert (found["fp32"].gain, found["fp32"].top1_spread) == (38.0, None)
    assert found["without hardtanh"].gain == 3.0


def test_what_is_not_measured_is_missing_and_gains_nothing(plan: Plan, tmp_path: Path) -> None:
    write_records(plan, tmp_path, {"resnet20[prelu]/digits": (56.0,)})
    outcome = outcome_of(plan, tmp_path)
    (row,) = outcome.rows
    assert (row.label, row.gain, row.gain_against) == ("prelu", None, None)
    assert set(outcome.missing) == {
        PLAIN, BARE, "resnet20@compute=fp32/digits", "resnet20[hardtanh+squeeze_excitation]/digits",
        "resnet20[hardtanh+norm_before_sign]/digits", "resnet20[hardtanh+norm_before_sign+squeeze_excitation]/digits",
    }  # fmt: skip


def test_failed_runs_are_named_unless_they_have_ended_since(plan: Plan, tmp_path: Path) -> None:
    write_records(plan, tmp_path, {PLAIN: (50.0,)})
    names = {(job.label, job.seed): job.spec("digits").name for job in jobs_of(plan)}
    failures = {names["baseline", 0]: "old", names["baseline", 1]: "new", "of another plan": "other"}
    assert outcome_of(plan, tmp_path, failures=failures).failed == {f"{PLAIN}, seed 1": "new"}


def test_runs_of_unlike_protocols_are_refused(plan: Plan, tmp_path: Path) -> None:
    write_records(plan, tmp_path, {PLAIN: (50.0, 51.0)})
    path = next(tmp_path.glob("*-s1-*/record.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "train_images": 1000}))
    with pytest.raises(BnncostError, match=r"cannot be compared: .* 1293 images .*; .* 1000 images"):
        outcome_of(plan, tmp_path)


def test_the_outcome_is_written_as_json_with_all_its_rows(plan: Plan, tmp_path: Path) -> None:
    write_records(plan, tmp_path, TOP1)
    outcome = outcome_of(plan, tmp_path)
    path, _ = write_outcome(plan, outcome, tmp_path)
    read = json.loads(path.read_text())
    assert path.name == "tiny.json"
    assert (read["plan"], read["title"], read["baseline"]) == ("tiny", "A tiny study", PLAIN)
    assert read["protocols"] == [f"digits ({plan.recipe.digest}) on digits, 1293 images of 1x8x8, 5 epochs"]
    assert read["rows"] == [row.model_dump() for row in outcome.rows]
    assert read == outcome.to_mapping()


def test_the_table_has_a_row_for_each_measurement_and_how_to_repeat_it(plan: Plan, tmp_path: Path) -> None:
    runs = tmp_path / "some" / "runs"
    write_records(plan, runs, {PLAIN: (50.0, 54.0)})
    folder = next(runs.glob("*-s1-*"))
    record = Measurement.from_mapping(json.loads((folder / RECORD).read_text()), "here")
    (folder / "export").mkdir()
    (folder / "export" / "int8.json").write_text(replace(record, features="int8", top1=53.0).to_json())
    (folder / "export" / "network.json").write_text('{"format": 1}')
    table = list(csv.DictReader(StringIO(measurements_csv(plan, runs))))
    assert [(row["seed"], row["features"], row["top1"]) for row in table] == [
        ("0", "fp32", "50.0"), ("1", "fp32", "54.0"), ("1", "int8", "53.0"),
    ]  # fmt: skip
    command = f"bnncost train '{PLAIN}' --recipe digits --epochs 5 --data digits --seed 1 --out runs"
    assert table[1]["command"] == command
    assert table[2]["command"] == f"{command} && bnncost export runs/{folder.name}"
    again = Measurement.from_mapping({name: table[1][name] for name in NEEDED}, "the table")
    assert again == record


@pytest.mark.parametrize(
    ("data", "used", "told"),
    [("cifar10", "cifar10-16", "cifar10"), ("mine/photos.npz", "photos-16", "mine/photos.npz")],
)
def test_the_command_of_averaged_images_finds_the_very_run(
    data: str, used: str, told: str, tmp_path: Path
) -> None:
    plan = plan_of("name: small\nbaseline: resnet20/cifar10-16\nrecipe: cpu-16\n")
    spec = jobs_of(plan)[0].spec(data)
    record = Measurement(
        str(spec.design), "int8", 50.0, 50.0, "cpu-16", plan.recipe.digest, used, "3x16x16", 15200, 10000, 8, 0,
        1.0, "cpu", "2.13.0", "abc", "2026-01-01",
    )  # fmt: skip
    command = command_of(plan, spec, record, Path("runs"))
    assert f"--data {told} --seed 0" in command
    assert command.endswith(f"bnncost export runs/{spec.name}")


def test_a_recipe_of_the_plans_own_is_written_beside_and_named(tmp_path: Path) -> None:
    from training.run.recipe import load_recipe

    plan = plan_of(PLAN.replace("epochs: 5", "epochs: 5, batch_size: 32"))
    write_records(plan, tmp_path, {PLAIN: (50.0,)})
    _, table = write_outcome(plan, outcome_of(plan, tmp_path), tmp_path)
    (row,) = csv.DictReader(StringIO(table.read_text()))
    assert f"--recipe {tmp_path.name}/tiny.recipe.yaml --data" in row["command"]
    assert load_recipe(tmp_path / "tiny.recipe.yaml") == plan.recipe


def test_the_baselines_switches_are_told(plan: Plan) -> None:
    told = switches_of(plan)
    assert told["non-linearity after the shortcut"] == "hardtanh"
    assert told["normalization before the sign"] == "none: batch norm stands behind the convolution"
    assert told["optimizer"] == "adam"


# ------------------------------------------------------------------ the whole study, with a stand-in for training


def test_a_study_trains_what_is_missing_and_writes_what_came_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from quick_training import open_quick

    text = """
        name: quick
        baseline: resnet20/digits
        recipe: {base: digits, epochs: 2}
        alone: [prelu, maxout]
        more_seeds: {baseline: 2}
    """
    plan = plan_of(text)
    console = Console(file=StringIO(), width=300)
    show_planned(planned(plan, tmp_path, data="0.01"), console)
    outcome = review(plan, tmp_path, console=console, data="0.01", crew=Processes(1, open_quick))
    assert [(row.label, row.top1_mean, row.gain) for row in outcome.rows] == [
        ("baseline", 40.5, None), ("maxout", 43.0, 2.5),
    ]  # fmt: skip
    assert outcome.missing == ("resnet20[prelu]/digits",)
    assert outcome.failed == {"resnet20[prelu]/digits, seed 0": "the loss is no longer a number in epoch 2."}
    assert json.loads((tmp_path / "quick.json").read_text()) == outcome.to_mapping()
    assert len((tmp_path / "quick.csv").read_text().splitlines()) == 4
    show_planned(planned(plan, tmp_path, data="0.01"), console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "  1  baseline, seed 0: open  resnet20/digits"
    assert lines[4] == "0 of 4 runs are done; time known after one epoch."
    assert lines[-3] == "  3  maxout, seed 0: done  resnet20[maxout]/digits  against resnet20/digits"
    assert lines[-1].startswith("3 of 4 runs are done; about 0 s with 1 at a time.")


def test_a_study_without_workers_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="at least one worker, not --jobs 0"):
        review(plan, tmp_path, console=Console(file=StringIO()), crew=Processes(0))
    with pytest.raises(BnncostError, match="at least one worker, not --jobs 0"):
        show_planned(planned(plan, tmp_path), Console(file=StringIO()), jobs=0)


def test_a_study_of_averaged_images_reads_the_set_that_has_them() -> None:
    plan = plan_of("name: small\nbaseline: resnet20/cifar10-16\nrecipe: cpu-16\n")
    runs = Path("nowhere")
    assert planned(plan, runs, data="cifar10-16") == planned(plan, runs)


def test_a_study_knows_its_own_images_by_their_content(tmp_path: Path) -> None:
    """Planned on a copy that lies elsewhere, the runs are the same; on changed images they are others."""
    pixels, labels = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8), np.arange(20) % 10
    for name, test in (("mine", pixels), ("copy", pixels), ("changed", pixels[::-1])):
        np.savez(tmp_path / f"{name}.npz", x_train=pixels, y_train=labels, x_test=test, y_test=labels)
    plan = plan_of("name: own\nbaseline: resnet20/digits\nrecipe: digits\n")
    names = {
        name: [item.name for item in planned(plan, tmp_path / "runs", data=str(tmp_path / f"{name}.npz"))]
        for name in ("mine", "copy", "changed")
    }
    assert names["mine"] == names["copy"]
    assert not set(names["mine"]) & set(names["changed"])
