"""The next run to train: found by hiding records of the shipped studies, and against gains calculated otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import costmodel as cm
from analysis.accuracy.estimate import Estimator
from analysis.accuracy.outcome import shipped_outcomes
from analysis.accuracy.studies import MeasuredDesign
from analysis.fronts.next_document import next_document
from analysis.fronts.next_runs import next_runs
from analysis.show.axes import Axis
from tests.analysis.test_cli_mistakes import complaint

PLAIN = "resnet20/cifar10"
SEARCH_PAGE = Path(__file__).parents[2] / "docs" / "search.md"
RIVALS_FIRST = {"resnet18-cifar100-cpu"}
"""Plans that begin with all repairs, int4 and fp32, which are nearly the whole front."""
Order = list[str]


@cache
def study(plan: str) -> tuple[dict[str, MeasuredDesign], dict[cm.DesignKey, float]]:
    """The designs of a shipped study in its order, the plain BNN first, and what each costs."""
    outcome = next(one for one in shipped_outcomes() if one.plan == plan)
    shown = {str(row.key): MeasuredDesign.of(row.key, [row.top1_mean]) for row in outcome.rows}
    assert next(iter(shown)) == outcome.baseline
    return shown, {one.key: cm.cost(one.key).energy_j for one in shown.values()}


def area_below(points: Sequence[tuple[float, float]], dearest: float, worst: float) -> float:
    """The area that a front dominates, strip by strip."""
    best, area = worst, 0.0
    for place, (x, top1) in enumerate(sorted(points)):
        following = sorted(points)[place + 1][0] if place + 1 < len(points) else dearest
        best = max(best, top1)
        area += (following - x) * (best - worst)
    return area


def runs_until(order: Order, plan: str, share: float) -> int:
    """How many runs bring a share of what all of them add to the area below the front of the plain BNN."""
    shown, costs = study(plan)
    points = [(float(np.log(costs[shown[name].key])), shown[name].mean) for name in order]
    dearest, worst = max(x for x, _ in points) + 0.05, min(y for _, y in points) - 1
    areas = [area_below(points[:count], dearest, worst) for count in range(1, len(points) + 1)]
    return next(n for n, area in enumerate(areas, 1) if area - areas[0] >= share * (areas[-1] - areas[0]))


def chosen_order(plan: str) -> Order:
    """Begin with the plain BNN; hide all others, and uncover the one that is chosen."""
    shown, costs = study(plan)
    order = [next(iter(shown))]
    while len(order) < len(shown):
        hidden = {name: one.key for name, one in shown.items() if name not in order}
        (found,) = next_runs([shown[name] for name in order], "hidden", 0.55, hidden, costs, 1)
        order.append(found.label)
    return order


@pytest.mark.parametrize("plan", [one.plan for one in shipped_outcomes()])
def test_the_front_is_there_after_fewer_runs_than_by_chance_or_in_the_order_of_the_plan(plan: str) -> None:
    names = list(study(plan)[0])
    random = np.random.default_rng(0)
    plain, *others = names
    shuffled = [runs_until([plain, *random.permutation(others)], plan, 0.95) for _ in range(200)]
    chosen, planned = runs_until(chosen_order(plan), plan, 0.95), runs_until(names, plan, 0.95)
    if plan not in RIVALS_FIRST:
        assert chosen < planned
    assert chosen < 0.6 * np.mean(shuffled)
    row = f" | {len(names)} | {chosen} | {planned} | {np.mean(shuffled):.1f} |"
    assert row in SEARCH_PAGE.read_text("utf-8")


def test_the_expected_gain_is_the_mean_over_draws() -> None:
    """One candidate, its gain calculated strip by strip for the same draws."""
    shown, costs = study("resnet20-cifar10-cpu")
    records = [shown[PLAIN], shown["resnet20[real_shortcut]/cifar10"]]
    key = shown["resnet20@compute=int4/cifar10"].key
    mine = {one.key: costs[one.key] for one in records} | {key: costs[key]}
    (found,) = next_runs(records, "hidden", 0.55, {"int4": key}, mine, 3)
    model = Estimator.of(records, "hidden", 0.55, also=[key])
    draws = np.clip((model.terms.values([key]) @ model.draws)[0], 0, 100)[:100]
    points = [(float(np.log(mine[one.key])), one.mean) for one in records]
    dearest = float(np.log(1.05 * max(mine.values())))
    worst = min(one.mean for one in records) - 1
    place = float(np.log(costs[key]))
    before = area_below(points, dearest, worst)
    gains = [area_below([*points, (place, max(float(y), worst))], dearest, worst) - before for y in draws]
    assert found.gain == pytest.approx(np.mean(gains), rel=1e-9)
    assert found.low < found.top1 < found.high


def test_a_second_run_is_chosen_for_what_the_first_leaves() -> None:
    """Two methods at the same cost with the same prospects: the second brings less than alone."""
    shown, costs = study("resnet20-cifar10-cpu")
    records = [shown[PLAIN]]
    keys = {name: cm.DesignKey.parse(f"resnet20[{name}]/cifar10") for name in ("ede", "two_stage")}
    mine = {shown[PLAIN].key: costs[shown[PLAIN].key]} | dict.fromkeys(keys.values(), costs[shown[PLAIN].key])
    both = next_runs(records, "hidden", 0.55, keys, mine, 8)
    alone = [next_runs(records, "hidden", 0.55, {name: key}, mine, 1)[0].gain for name, key in keys.items()]
    assert len(both) == 2
    assert both[0].gain == pytest.approx(max(alone), rel=0.3)
    assert both[1].gain < 0.8 * min(alone)


def a_call(**changes: object) -> Callable[[], object]:
    first = {"designs": {"baseline": cm.DesignKey.parse(PLAIN)}, "accuracy": "measured", "recipe": "1af6935e"}
    asked = {**first, "profile": cm.load_profile("asic-45nm"), "runs": 8, "x": Axis.energy, "plan": "mine"}
    return lambda: next_document(**(asked | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "every design of plan 'mine' has a record already"),
        ({"recipe": "00000000"}, "by the recipe of plan 'mine' \\(00000000\\); train its baseline first"),
        ({"accuracy": "/nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_nothing_to_choose_from_is_said(changes: dict[str, object], message: str) -> None:
    with pytest.raises(cm.BnncostError, match=message):
        a_call(**changes)()


def test_a_plan_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    pytest.importorskip("torch")
    assert "plan 'nothing'" in complaint(capsys, "next", "nothing", "--out", f"{tmp_path}/a.yaml")
    said = complaint(capsys, "next", "resnet20-cifar10-cpu", "--out", f"{tmp_path}/a.txt", "--runs", "1")
    assert "a plan is a .yaml file" in said
