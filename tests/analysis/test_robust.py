"""Whether a front survives: probabilities known by hand, and the command as a user calls it."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_outputs import Captured, overlapping, read_json
from uncertain_parts import only_parts

from analysis.cli import run
from analysis.fronts import robust
from analysis.fronts.robust import Candidate, attainment, beating, groups, membership, robustness
from analysis.fronts.robust_picture import robust_info
from analysis.plots.robust_drawing import draw_robust
from analysis.show.classes import DesignClass
from costmodel import DesignKey
from costmodel.evaluate.uncertain import UncertainEnergies


def candidate(label: str, top1: float, deviation: float = 0.0) -> Candidate:
    return Candidate(label, DesignKey.parse("resnet20"), DesignClass.BINARY, top1, deviation)


def tried(model: UncertainEnergies, candidates: list[Candidate], draws: int = 3000) -> robust.Robustness:
    return robustness(candidates, model, draws=draws)


def test_three_designs_with_known_probabilities() -> None:
    """A hangs on the first figure, B on the second, C on nothing that moves much.

    Each figure is 1/2, 1 or 2 with a third each. B is more accurate than A: A is on the front where it takes less, in
    (1/2, 1), (1/2, 2), (1, 2) of nine cases, and where both take the same B beats it. B is the most accurate one, and
    always on the front. C, less accurate than A, takes 1.2: it is on the front where A and B take 2, one case of nine.
    """
    model = only_parts([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], 0.5, 2.0)
    model = replace(model, energies_j=np.array([1.0, 1.0, 1.2]))
    found = tried(model, [candidate("A", 80.0), candidate("B", 85.0), candidate("C", 75.0)])
    assert found.probability == pytest.approx([3 / 9, 1.0, 1 / 9], abs=0.02)
    assert found.beats[0] == pytest.approx([0, 0, 2 / 3], abs=0.02)  # A takes 2 in a third of the draws
    assert found.beats[1, 0] == pytest.approx(6 / 9, abs=0.02)
    assert found.now.tolist() == [False, True, False]


def test_accuracies_move_each_for_itself() -> None:
    """Two designs of one energy whose accuracies differ by one deviation of the difference: 84.1 % to 15.9 %."""
    model = only_parts([[1.0, 0.0], [1.0, 0.0]], 0.5, 2.0)
    deviation = 0.4
    found = tried(
        model,
        [candidate("A", 80.0, deviation), candidate("B", 80.0 + deviation * 2**0.5, deviation)],
        draws=20_000,
    )
    assert found.probability == pytest.approx([0.1587, 0.8413], abs=0.01)


def test_without_ranges_the_front_is_certain() -> None:
    model = only_parts([[1.0, 0.0], [0.5, 1.0], [1.0, 1.0]], 1.0, 1.0)
    found = tried(model, [candidate("A", 80.0), candidate("B", 85.0), candidate("C", 84.0)], 200)
    assert found.probability.tolist() == [1.0, 1.0, 0.0]
    assert found.low_j.tolist() == pytest.approx(found.high_j.tolist())


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_the_unit_of_prices_does_not_matter(factor: float) -> None:
    parts = [[1.0, 0.3], [0.5, 1.0], [1.0, 1.0]]
    candidates = [candidate("A", 80.0, 0.4), candidate("B", 80.5, 0.4), candidate("C", 81.0, 0.4)]
    one = tried(only_parts(parts, 0.7, 1.6), candidates)
    other = tried(only_parts((np.array(parts) * factor).tolist(), 0.7, 1.6), candidates)
    assert one.probability.tolist() == other.probability.tolist()
    assert one.shares == pytest.approx(other.shares)
    assert other.median_j == pytest.approx(one.median_j * factor)


def test_equal_designs_are_both_on_the_front() -> None:
    energy_j, top1 = np.array([[1.0], [1.0], [2.0]]), np.array([[80.0], [80.0], [80.0]])
    assert membership(energy_j, top1)[:, 0].tolist() == [True, True, False]
    assert beating(energy_j, top1).max() == 0.0  # none is more accurate


def test_the_band_is_attained_as_often_as_it_says() -> None:
    """Ten fronts of one design each, at energies 1 to 10: half of the draws attain it from 5 on."""
    energy_j, top1 = np.arange(1.0, 11.0)[None, :], np.full((1, 10), 80.0)
    found = attainment(energy_j, top1, membership(energy_j, top1))
    assert {float(row[2]): float(row[0]) for row in found} == {10.0: 1.0, 50.0: 5.0, 90.0: 9.0}


def test_designs_hardly_different_are_one_group() -> None:
    energy_j = np.array([1.0, 1.04, 1.2, 1.0])
    found = groups(energy_j, np.array([80.0, 80.4, 80.3, 79.0]))
    assert found[0] == found[1] and len(set(found)) == 3


# ---------------------------------------------------------------- the command


def printed(*arguments: str) -> str:
    """What a command prints, outside of any test."""
    with redirect_stdout(io.StringIO()) as out:
        assert run(list(arguments)) == 0
    return out.getvalue()


@dataclass(frozen=True)
class Answer:
    """One question answered as JSON, and as text with a picture."""

    data: dict[str, Any]
    text: str
    picture: Path


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Which designs of ResNet-20 on CIFAR-10 stay on the front."""
    arguments = ("robust", "--network", "resnet20", "--dataset", "cifar10", "--draws", "300")
    picture = tmp_path_factory.mktemp("robust") / "robust.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "1000")
        data = json.loads(printed(*arguments, "--format", "json"))
        return Answer(data, printed(*arguments, "--out", str(picture)), picture)


def test_the_command_says_what_json_has(answer: Answer) -> None:
    data, text = answer.data, answer.text
    assert answer.picture.stat().st_size > 10_000
    rows = {row["design"]: row for row in data["designs"]}
    assert rows["XNOR-Net"]["probability"] > 0.9 and rows["BNN"]["probability"] < 0.05
    for row in rows.values():
        assert row["energy_10_j"] <= row["energy_50_j"] <= row["energy_90_j"]
    for sentence in data["sentences"]:
        assert sentence in " ".join(text.split())
    assert sum(data["shares"].values()) == pytest.approx(1.0)
    assert data["beats"]["XNOR-Net"]["BNN"] > 0.9


def test_the_same_seed_gives_the_same_answer(capsys: Captured) -> None:
    arguments = ("robust", "--network", "cnv", "--dataset", "cifar10", "--draws", "100")
    assert read_json(capsys, *arguments) == read_json(capsys, *arguments)
    assert read_json(capsys, *arguments) != read_json(capsys, *arguments, "--seed", "1")


def test_measured_designs_move_by_their_own_deviation(capsys: Captured) -> None:
    data = read_json(capsys, "robust", "--accuracy", "measured", "--recipe", "cifar-40", "--draws", "100")
    deviation = max(
        row["top1_deviation"] for row in data["designs"]
    )  # of one seed: pooled over designs with two
    assert {row["top1_deviation"] for row in data["designs"]} == {deviation, deviation / 2**0.5}
    assert deviation == pytest.approx(0.534, abs=0.001)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--network", "resnet20", "--dataset", "cifar10", "--draws", "0"),
            "--draws must be 1 to 100,000, not 0",
        ),
        (
            ("--network", "resnet20", "--dataset", "cifar10", "--seed", "-1"),
            "--seed must be 0 or more, not -1",
        ),
        (("--network", "resnet2"), "did you mean 'resnet20'"),
        (("--network", "resnet20", "--dataset", "cifar1"), "did you mean 'cifar10'"),
        (("--network", "resnet20"), "say which with --network and --dataset"),
        (
            ("--network", "resnet20", "--dataset", "cifar10", "--add", "resnet18/imagenet=60"),
            "is on resnet18/imagenet; this front is of ResNet-20 on CIFAR-10",
        ),
        (
            ("--accuracy", "measured", "--network", "resnet20"),
            "2 protocols; choose one: --recipe cifar-40; --recipe cifar-cpu",
        ),
        (("--recipe", "cifar-40"), "--recipe chooses among own measurements"),
        (("--network", "resnet20", "--dataset", "cifar10", "--out", "a.gif"), "'.gif'"),
    ],
)
def test_mistakes_are_sentences(arguments: tuple[str, ...], message: str, capsys: Captured) -> None:
    assert run(("robust", *arguments)) == 2
    assert message in capsys.readouterr().err


def test_the_picture_shows_what_was_found() -> None:
    model = only_parts([[1e-6, 1e-7], [2e-6, 1e-6], [2.1e-6, 1e-6]], 0.5, 2.0)
    candidates = [candidate("A", 80.0, 0.4), candidate("B", 85.0, 0.4), candidate("C", 84.8, 0.4)]
    found = tried(model, candidates, 200)
    info = robust_info(found, "three")
    assert [mark.label for mark in info.marks] == ["A", "B", "C"]
    assert [mark.probability for mark in info.marks] == found.probability.tolist()
    assert [percent for percent, _ in info.lines] == [10.0, 50.0, 90.0]
    assert "2 of 3 designs" in info.subtitle and info.x_label == "Energy per inference [µJ]"
    figure = draw_robust(info)
    assert overlapping(figure) == []
    sizes = {
        line.get_gid(): line.get_markersize() for line in figure.axes[0].lines if line.get_gid() in "ABC"
    }
    assert sizes["A"] > sizes["C"]


def test_a_scenario_is_the_draws_in_which_one_answer_is_right() -> None:
    """A takes the figure, 1/2, 1 or 2; B takes 1.2 and is more accurate: the dear answer alone takes A off the front.

    A is then on it in two thirds of all draws, so that the likely front is both.
    """
    model = replace(only_parts([[1.0], [0.0]], 0.5, 2.0), energies_j=np.array([1.0, 1.2]))
    found = tried(model, [candidate("A", 80.0), candidate("B", 85.0)], draws=3000)
    assert [one.answer for one in found.scenarios] == ["low", "value", "high"]
    assert [one.draws for one in found.scenarios] == [1000, 1000, 1000]
    assert [one.holds for one in found.scenarios] == [1.0, 1.0, 0.0]
    assert [one.probability.tolist() for one in found.scenarios] == [[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]


def test_ranges_of_one_answer_are_no_scenario_and_an_end_that_is_the_value_is_the_value() -> None:
    energies_j = np.array([1.0, 1.2])
    near = replace(only_parts([[1.0], [0.0]], 0.8, 1.25), energies_j=energies_j)
    assert tried(near, [candidate("A", 80.0), candidate("B", 85.0)]).scenarios == ()
    one_sided = replace(only_parts([[1.0], [0.0]], 1.0, 4.0), energies_j=energies_j)
    found = tried(one_sided, [candidate("A", 80.0), candidate("B", 85.0)], draws=3000).scenarios
    assert [(one.answer, one.factor, one.draws) for one in found] == [
        ("value", 1.0, 2000),
        ("high", 4.0, 1000),
    ]


def test_scenarios_are_named_by_who_says_them_in_table_and_json(answer: Answer) -> None:
    data, table = answer.data, answer.text.partition("Where sources disagree")[2]
    mac = [one for one in data["scenarios"] if one["figure"] == "compute.8x8.energy"]
    assert [one["answer"] for one in mac] == ["low", "value", "high"]
    assert mac[1]["said_by"] == "horowitz2014" and "hwcomponents" in mac[2]["said_by"]
    assert sum(one["draws"] for one in mac) == 300
    for one in data["scenarios"]:
        assert 0 <= one["holds"] <= 1 and one["said_by"] in table
        assert f"│ {100 * one['holds']:.2f} │" in " ".join(table.split())
    for row in data["designs"]:  # the answers are all draws together
        whole = sum(one["draws"] * one["probability"][row["design"]] for one in mac) / 300
        assert whole == pytest.approx(row["probability"])
