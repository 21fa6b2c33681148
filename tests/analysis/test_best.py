"""`bnncost best`: what fits a budget, by accuracies and costs that the test asks for on its own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_outputs import Captured, read_json, said

from analysis.cli import run
from analysis.fronts.questions.known import repairs_text
from costmodel import METHODS, DesignKey, backbone_of, cost

ROOT = Path(__file__).parents[2]
OWN = {
    "resnet20/cifar10": 80.0,
    "resnet20[prelu]/cifar10": 82.0,
    "resnet20@w1.5/cifar10": 81.0,
    "resnet20@compute=int8/cifar10": 91.0,
}


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.csv"
    path.write_text("design,top1\n" + "".join(f"{design},{top1}\n" for design, top1 in OWN.items()), "utf-8")
    return str(path)


def refused(capsys: Captured, *arguments: str) -> str:
    assert run(["best", "--network", "resnet20", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_what_fits_is_what_costs_at_most_the_budget_best_first(capsys: Captured, own: str) -> None:
    energy = {design: cost(design, "asic-45nm").energy_j for design in OWN}
    limit = (energy["resnet20[prelu]/cifar10"] + energy["resnet20@w1.5/cifar10"]) / 2
    found = read_json(
        capsys, "best", "--network", "resnet20", "--accuracy", own, "--energy", f"{limit * 1e9:.6f}nJ"
    )
    assert [row["design"] for row in found["fits"]] == ["resnet20[prelu]/cifar10", "resnet20/cifar10"]
    assert [row["design"] for row in found["misses"]] == [
        "resnet20@w1.5/cifar10",
        "resnet20@compute=int8/cifar10",
    ]
    for row in found["fits"]:
        assert row["energy_j"] == pytest.approx(energy[row["design"]])
        assert row["energy_left_percent"] == pytest.approx(
            100 * (1 - energy[row["design"]] / limit), abs=1e-4
        )
        assert row["top1"] == OWN[row["design"]]


def test_one_command_answers_the_question_of_the_cortex_m33_against_int8(capsys: Captured) -> None:
    text = said(capsys, "best", "--network", "resnet20", "--profile", "mcu-cortex-m33", "--energy", "10mJ")
    int8 = cost("resnet20@compute=int8,features=int8/cifar10", "mcu-cortex-m33").energy_j
    assert int8 < 10e-3
    said_of_int8 = next(line for line in text.replace("\n", " ").split("Against int8: ")[1:])
    assert said_of_int8.startswith(f"int8 (91.55 % at {int8 * 1e3:.2f} mJ) fits")
    assert "IE-Net" in text and "activation_bases" in text


def test_where_accuracy_alone_is_demanded_the_least_energy_is_the_best(capsys: Captured, own: str) -> None:
    found = read_json(capsys, "best", "--network", "resnet20", "--accuracy", own, "--top1", "80.5")
    energies = [row["energy_j"] for row in found["fits"]]
    assert len(energies) == 3 and energies == sorted(energies)
    assert found["price_only"] == [], "no budget limits a cost"


def test_an_accuracy_that_every_design_has_leaves_all_of_them(capsys: Captured, own: str) -> None:
    found = read_json(capsys, "best", "--network", "resnet20", "--accuracy", own, "--top1", "0")
    assert [row["top1_left_points"] for row in found["fits"]] == [row["top1"] for row in found["fits"]]
    assert {row["design"] for row in found["fits"]} == set(OWN)


def test_where_nothing_fits_the_answer_says_what_fails_and_what_is_nearest(
    capsys: Captured, own: str
) -> None:
    plain = cost("resnet20/cifar10", "asic-45nm").energy_j
    found = read_json(
        capsys,
        "best",
        "--network",
        "resnet20",
        "--accuracy",
        own,
        "--energy",
        f"{plain / 2 * 1e9}nJ",
        "--top1",
        "81.5",
    )
    assert found["fits"] == []
    assert found["misses"][0]["design"] == "resnet20/cifar10", "100 % over; the others are further"
    answer = " ".join(found["answer"])
    assert (
        "None of 4 designs" in answer
        and "energy 100 % over" in answer
        and "top-1 1.50 points short" in answer
    )
    assert "top-1 ≥ 81.5 % alone would leave 2" in answer


def test_forms_without_accuracy_stand_apart_and_fit(capsys: Captured, own: str) -> None:
    budget = 1.3 * cost("resnet20/cifar10", "asic-45nm").energy_j
    found = read_json(
        capsys, "best", "--network", "resnet20", "--accuracy", own, "--energy", f"{budget * 1e9}nJ"
    )
    forms = {row["design"]: row for row in found["price_only"]}
    assert not set(forms) & set(OWN)
    widths = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4]
    energies = {f"resnet20@w{w:g},features=int8/cifar10": 0.0 for w in widths if w != 1}
    energies = {design: cost(design, "asic-45nm").energy_j for design in energies}
    widest = [design for design, energy in energies.items() if energy <= budget][-1]
    assert forms[widest]["energy_j"] == pytest.approx(energies[widest], rel=1e-9)
    assert not set(forms) & set(energies) - {widest}, "one of each precision"
    assert "resnet20@compute=ternary/cifar10" in forms and "resnet20@compute=int8/cifar10" not in forms


@pytest.mark.parametrize(
    ("best", "called"),
    [
        ("resnet20@w1.5", "plain BNN"),
        ("resnet20@features=int8", "plain BNN"),
        ("resnet20[prelu]@w1.5,features=int8", "resnet20[prelu]/cifar10"),
    ],
)
def test_a_form_has_the_name_of_the_design_that_is_priced(
    capsys: Captured, tmp_path: Path, best: str, called: str
) -> None:
    """A best design at another width or precision lends its forms no name that holds its own."""
    (tmp_path / "own.csv").write_text(f'design,top1\n"{best}",81\n', "utf-8")
    asked = ("--accuracy", str(tmp_path / "own.csv"), "--energy", "2.4uJ", "--latency", "100us")
    found = read_json(capsys, "best", "--network", "resnet20", *asked)
    rows = {row["design"]: row["label"] for row in found["price_only"] if "compute" not in row["design"]}
    assert called in {label.split(", ")[0] for label in rows.values()}
    for design, label in rows.items():
        text, _, settings = design.removesuffix("/cifar10").partition("@")
        width = [f"width {part[1:]}" for part in settings.split(",") if part.startswith("w")]
        features = [f"{part[9:]} features" for part in settings.split(",") if part.startswith("features=")]
        name = {"resnet20": "plain BNN", "resnet20[prelu]": "resnet20[prelu]/cifar10"}[text]
        assert label == ", ".join([name, *width, *features])


def test_the_widest_width_that_is_tried_is_told_where_it_fits(capsys: Captured, own: str) -> None:
    asked = ("best", "--network", "resnet20", "--accuracy", own, "--energy")
    told = "No width above 4 was looked at."
    assert told in " ".join(said(capsys, *asked, "1J").split())
    assert told not in " ".join(said(capsys, *asked, "3uJ").split())


@pytest.mark.parametrize("branch", ["training", "topology"])
def test_what_has_no_repairs_costs_what_the_plain_network_costs(branch: str) -> None:
    """Whichever branch it stands in: some training techniques leave operations."""
    plain = cost("resnet20/cifar10", "asic-45nm")
    dearer = set()
    for name, method in METHODS.items():
        if (
            method.branch != branch
            or method.hook == "width"
            or not backbone_of("resnet20").offers(method.hook)
        ):
            continue
        key = DesignKey.parse(f"resnet20[{name}]/cifar10")
        found = cost(key, "asic-45nm")
        assert repairs_text(key) == name or (repairs_text(key), found.energy_j) == ("none", plain.energy_j)
        if found.energy_j > 1.001 * plain.energy_j:
            dearer.add(name)
    leaving = {"mean_subtraction", "sample_standardize", "data_dependent_shift", "adaptive_weights"}
    assert branch == "topology" or dearer == {*leaving, "norm_before_classifier"}


def test_a_memory_is_the_sum_of_what_is_kept_and_kb_has_1024_byte(capsys: Captured, own: str) -> None:
    bits = sum(cost("resnet20/cifar10", "asic-45nm").memory_bits.values())
    for unit, size in (("kB", 8 * 1024), ("KiB", 8 * 1024), ("B", 8), ("bit", 1)):
        for amount, fits in ((bits / size + 0.001, True), (bits / size - 0.001, False)):
            found = read_json(
                capsys, "best", "--network", "resnet20", "--accuracy", own, "--memory", f"{amount:.6f}{unit}"
            )
            assert ("resnet20/cifar10" in [row["design"] for row in found["fits"]]) is fits, (unit, amount)


def test_the_csv_has_every_design_with_its_numbers(capsys: Captured, own: str) -> None:
    text = said(
        capsys, "best", "--network", "resnet20", "--accuracy", own, "--latency", "1us", "--format", "csv"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["design"] for row in rows} >= set(OWN)
    assert {row["fits"] for row in rows if row["design"] in OWN} == {"no"}


def test_designs_of_any_network_compete(capsys: Captured) -> None:
    found = read_json(capsys, "best", "--network", "resnet20", "--any-network", "--top1", "92")
    networks = {row["design"].split("[")[0].split("@")[0].split("/")[0] for row in found["fits"]}
    assert found["network"] is None and len(networks) > 1


def test_what_runs_from_memory_outside_is_marked(capsys: Captured) -> None:
    asked = ("best", "--network", "resnet18", "--profile", "fpga-zynq7020", "--top1", "65")
    found = read_json(capsys, *asked)
    assert found["fits"] and all(row["off_chip"] == ["ddr3"] for row in found["fits"]), (
        "630 kB hold no ResNet-18"
    )
    assert "no: ddr3" in said(capsys, *asked)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--energy", "5uj"], ["--energy", "unknown unit 'uj'", "did you mean 'uJ'"]),
        (["--energy", "-5uJ"], ["'-5uJ' must be above zero"]),
        (["--energy", "0J"], ["'0J' must be above zero"]),
        (["--energy", "nanJ"], ["'nanJ' is no amount"]),
        (["--energy", "1e999J"], ["'1e999J' must be above zero and finite"]),
        (["--energy", "5"], ["'5' has no unit", "5uJ"]),
        (["--energy", "5ms"], ["'5ms': 'ms' does not measure an energy"]),
        (["--memory", "1s", "--latency", "1J"], ["--memory '1s'", "--latency '1J'"]),
        (["--top1", "0.85"], ["top1 is '0.85'", "fraction", "write 85"]),
        (["--top1", "185"], ["from 0 to 100"]),
        (["--area", "2mm2", "--profile", "mcu-cortex-m4"], ["mcu-cortex-m4", "--memory"]),
        (["--area", "2mm2", "--profile", "fpga-zynq7020"], ["'mm2' does not measure a number of LUTs"]),
        (["--accuracy", "gone.csv"], ["gone.csv"]),
        (["--dataset", "mnist"], ["there is no accuracy of 'resnet20/mnist'"]),
    ],
)
def test_mistakes_are_told(capsys: Captured, arguments: list[str], parts: list[str]) -> None:
    text = refused(capsys, *arguments)
    assert [part for part in parts if part not in text] == [], text


def test_fractions_in_a_file_are_questioned(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("design,top1\nresnet20/cifar10,0.802\n", "utf-8")
    text = refused(capsys, "--accuracy", str(tmp_path / "own.csv"))
    assert "own.csv: every top1 is at most 1, such as 0.802: are these fractions?" in text


def test_names_with_escapes_and_markup_are_text(capsys: Captured, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\x1b[31m"
    text = refused(capsys, "--energy", f"5{name}")
    assert "\x1b" not in text and "<script>" in text
    (tmp_path / "own.csv").write_text(f"design,top1\n{name},80\n", "utf-8")
    text = refused(capsys, "--accuracy", str(tmp_path / "own.csv"))
    assert "\x1b" not in text and "\\x1b[31m" in text


def test_as_a_process_it_prints_json_alone(own: str) -> None:
    command = [
        sys.executable,
        "-m",
        "analysis",
        "best",
        "--network",
        "resnet20",
        "--accuracy",
        own,
        "--energy",
        "1J",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--format", "json"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["top1"] for row in json.loads(done.stdout)["fits"]] == sorted(OWN.values(), reverse=True)
