"""Estimates: what made-up records without noise say, where they refuse, and how wide their intervals are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from analysis.accuracy.estimate import Estimator
from analysis.accuracy.estimators import load_estimator
from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.measurements import shipped_measurements
from analysis.accuracy.studies import MeasuredDesign
from analysis.fronts.from_literature import front_frame
from analysis.plots.front import front_info

SEARCH_PAGE = Path(__file__).parents[2] / "docs" / "search.md"
NAMES = ("prelu", "double_residual", "norm_before_sign", "ede")
EFFECTS = {"prelu": 1.5, "double_residual": 2.5, "norm_before_sign": -0.5, "ede": 1.0}


def design(names: Sequence[str] = (), settings_text: str = "") -> cm.DesignKey:
    methods = f"[{'+'.join(names)}]" if names else ""
    return cm.DesignKey.parse(f"resnet20{methods}{'@' + settings_text if settings_text else ''}/cifar10")


def truth(names: Sequence[str], pairs: Mapping[tuple[str, str], float] | None = None) -> float:
    both = sum(value for pair, value in (pairs or {}).items() if set(pair) <= set(names))
    return 70 + sum(EFFECTS[name] for name in names) + both


def records(sets: Sequence[Sequence[str]], noise: float = 0.0) -> list[MeasuredDesign]:
    random = np.random.default_rng(3)
    return [MeasuredDesign.of(design(one), [truth(one) + noise * random.standard_normal()]) for one in sets]


ALONE_AND_PAIRS = [(), *((name,) for name in NAMES), *combinations(NAMES, 2)]
UNSEEN = [*combinations(NAMES, 3), NAMES]


def test_effects_that_add_up_are_found() -> None:
    made = Estimator.of(records(ALONE_AND_PAIRS), "made", 0.1)
    for names in UNSEEN:
        (guess,) = made.terms.values([design(names)]) @ made.effects
        assert guess == pytest.approx(truth(names), abs=0.4)
    assert made.left_out.records == len(ALONE_AND_PAIRS)
    assert made.left_out.error < 0.5 < made.left_out.of_mean
    assert made.left_out.tells


def test_a_pair_that_was_trained_is_known_and_one_that_was_not_is_wide() -> None:
    sets = [(), *((name,) for name in NAMES), ("prelu", "double_residual")]
    shown = [
        MeasuredDesign.of(design(one), [truth(one, {("prelu", "double_residual"): 4.0})]) for one in sets
    ]
    made = Estimator.of(shown, "made", 0.2)
    trained, other = design(("prelu", "double_residual")), design(("prelu", "norm_before_sign"))
    (guess,) = made.terms.values([trained]) @ made.effects
    assert guess == pytest.approx(truth(("prelu", "double_residual")) + 4, abs=0.5)
    low, high = made.interval([trained, other])
    assert high[1] - low[1] > 2 * (high[0] - low[0])


def test_intervals_hold_nine_of_ten_of_what_the_model_may_be() -> None:
    """Truths drawn from the model's own assumptions lie inside nine times of ten."""
    random = np.random.default_rng(1)
    subsets = list(chain.from_iterable(combinations(NAMES, size) for size in range(5)))
    keys = [design(one) for one in subsets]
    inside = []
    for _ in range(60):
        made = Estimator(tuple(MeasuredDesign.of(key, [70.0]) for key in keys[:8]), "made", 0.5, 2.0, 1.0)
        values = made.terms.values(keys)
        deviations = np.full(values.shape[1], 1.0)
        deviations[: made.terms.single] = 2.0
        true = 70 + values[:, 1:] @ (random.standard_normal(values.shape[1] - 1) * deviations[1:])
        seen = true[:8] + 0.5 * random.standard_normal(8)
        shown = tuple(MeasuredDesign.of(key, [float(y)]) for key, y in zip(keys[:8], seen, strict=True))
        low, high = Estimator(shown, "made", 0.5, 2.0, 1.0).interval(keys[8:])
        inside += list((low <= true[8:]) & (true[8:] <= high))
    assert 0.84 < np.mean(inside) < 0.96


def test_more_seeds_of_a_design_narrow_its_interval() -> None:
    once = records(ALONE_AND_PAIRS)
    often = [MeasuredDesign.of(one.key, [one.mean] * 16) for one in once]
    widths = []
    for shown in (once, often):
        low, high = Estimator(tuple(shown), "made", 0.6, 2.0, 1.0).interval([design()])
        widths.append(float(high[0] - low[0]))
    assert widths[1] < 0.5 * widths[0]


SETTINGS = ["", "w1.25", "w1.5", "compute=int4", "compute=fp32", "features=int8"]
SHOWN = [
    *(MeasuredDesign.of(design(one), [truth(one)]) for one in ALONE_AND_PAIRS),
    *(
        MeasuredDesign.of(design((), text), [80.0])
        for text in ("w0.8", "w1.5", "compute=int4", "compute=fp32")
    ),
]
MADE = Estimator.of(SHOWN, "made", 0.5)


@given(st.lists(st.sampled_from([*NAMES, "hardtanh"]), unique=True, max_size=4), st.sampled_from(SETTINGS))
@settings(max_examples=80, deadline=None)
def test_a_grid_says_what_each_design_says(names: list[str], text: str) -> None:
    names = [name for name in names if not (name == "hardtanh" and "prelu" in names)]
    key = design(sorted(names), text)
    methods = [*NAMES, "hardtanh"]
    mask = np.array([[name in names for name in methods]])
    plain = design((), ",".join(part for part in text.split(",") if not part.startswith("w")))
    (found,) = MADE.top1(plain, methods, mask, np.array([key.width]))[0]
    if MADE.terms.reason_against(key):
        assert np.isnan(found)
    else:
        assert found == pytest.approx(float((MADE.terms.values([key]) @ MADE.effects)[0]), rel=1e-12)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (design(("hardtanh",)), "no record has hardtanh"),
        (design((), "w2"), "span widths from 0.8 to 1.5"),
        (design((), "w0.5"), "span widths from 0.8 to 1.5"),
        (design((), "compute=int8"), "no record has operands of int8"),
        (design((), "features=int4"), "no record has operands of binary and features of int4"),
        (design(("prelu",), "compute=int4"), "has a method"),
        (design((), "w1.25,compute=int4"), "span widths from 1 to 1"),
        (cm.DesignKey.parse("resnet18/cifar10"), "records are of resnet20/cifar10"),
        (design((), "padding=zero"), "records are of"),
        (design((), "edge=int4"), "records are of"),
    ],
)
def test_outside_what_records_span_nothing_is_said(key: cm.DesignKey, reason: str) -> None:
    assert reason in MADE.terms.reason_against(key)


def test_all_records_are_inside() -> None:
    assert not [one for one in SHOWN if MADE.terms.reason_against(one.key)]


def test_records_that_mislead_each_other_cannot_tell() -> None:
    """An odd number of methods gains, an even one does not: what others say of a record is wrong."""
    shown = [
        MeasuredDesign.of(design(one), [70.0 + 5 * (len(one) % 2)]) for one in [*ALONE_AND_PAIRS, *UNSEEN]
    ]
    made = Estimator.of(shown, "made", 0.5)
    assert made.left_out.error > made.left_out.of_mean
    assert not made.left_out.tells


def test_leaving_out_is_what_fitting_the_others_says() -> None:
    left = MADE.left_out
    errors = []
    for place, one in enumerate(SHOWN):
        rest = Estimator(tuple(SHOWN[:place] + SHOWN[place + 1 :]), "made", 0.5, MADE.of_terms, MADE.of_pairs)
        if not rest.terms.reason_against(one.key):
            errors.append(float((rest.terms.values([one.key]) @ rest.effects)[0]) - one.mean)
    # No other record has int4, fp32, or a width as far out; no other has a width below one or above.
    assert left.records == len(errors) == len(SHOWN) - 4
    assert left.error == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))


def test_effects_are_those_of_the_normal_equations() -> None:
    """Ridge regression solved the other way round: (X' X / s^2 + D^-1)^-1 X' y / s^2."""
    x = MADE.terms.values([one.key for one in SHOWN])
    y = np.array([one.mean for one in SHOWN])
    deviations = np.full(x.shape[1], MADE.of_pairs)
    deviations[: MADE.terms.single] = MADE.of_terms
    deviations[[0, MADE.terms.single - 2, MADE.terms.single - 1]] = 30.0
    solved = np.linalg.solve(x.T @ x / 0.25 + np.diag(deviations**-2.0), x.T @ (y - y.mean()) / 0.25)
    solved[0] += y.mean()
    np.testing.assert_allclose(MADE.effects, solved, rtol=1e-6, atol=1e-6)


def test_too_few_records_and_several_networks_are_refused() -> None:
    with pytest.raises(cm.BnncostError, match="there are 3 measured designs, too few"):
        Estimator.of(SHOWN[:3], "made", 0.5)
    other = MeasuredDesign.of(cm.DesignKey.parse("resnet18/cifar10"), [90.0])
    with pytest.raises(cm.BnncostError, match="these are of: resnet20/cifar10, resnet18/cifar10"):
        Estimator.of([*SHOWN, other], "made", 0.5)


def deviation_of_seeds(network: str, recipe: str) -> float:
    """Half the square of what two seeds differ by, on average over the designs that have two; its root."""
    seeds: dict[cm.DesignKey, list[float]] = {}
    for one in shipped_measurements():
        if (cm.resolve(one.design).network, one.recipe) == (network, recipe):
            seeds.setdefault(cm.resolve(one.design), []).append(one.top1)
    halves = [(one - other) ** 2 / 2 for one, other in (two for two in seeds.values() if len(two) == 2)]
    return float(np.sqrt(np.mean(halves)))


def test_the_shipped_records_make_estimators(tmp_path: object) -> None:
    page = SEARCH_PAGE.read_text("utf-8")
    for network, recipe in (("resnet20", "cifar-40"), ("resnet20", "cifar-cpu"), ("resnet18", "cifar-cpu")):
        made = load_estimator("measured", network, recipe=recipe)
        assert made.seed_deviation == pytest.approx(deviation_of_seeds(network, recipe), abs=1e-9)
        assert recipe in made.sentence
        figures = re.search(r"(\d+) of them are .*? to ([\d.]+) points .*? alone: ([\d.]+)\)", made.sentence)
        assert figures, made.sentence
        left_out, error, of_mean = figures.groups()
        assert re.search(rf"\({left_out}\b[^)]* {error} points[^)]* {of_mean}\)", page), made.sentence
    with pytest.raises(cm.BnncostError, match="choose with --recipe cifar-40 or --recipe cifar-cpu"):
        load_estimator("measured", "resnet20")
    with pytest.raises(
        cm.BnncostError, match="several networks and data sets: resnet20/cifar10, resnet18/cifar100"
    ):
        load_estimator("measured")


def test_an_estimate_is_drawn_hollow_with_its_interval(tmp_path: Path) -> None:
    path = tmp_path / "front.csv"
    path.write_text(
        "design,top1,top1_low,top1_high,kind\n"
        "resnet20/cifar10,78,77,79,estimated\n"
        "resnet20[prelu]/cifar10,80,78.5,81.5,measured\n",
        "utf-8",
    )
    found = front_frame("resnet20", "cifar10", "asic-45nm", load_accuracy(path), traffic="compulsory")
    drawn = {point.kind: point for point in front_info(found, "made").points}
    assert drawn["estimated"].on_front and not drawn["estimated"].filled
    assert (drawn["estimated"].low, drawn["estimated"].high) == (77, 79)
    assert drawn["measured"].filled and (drawn["measured"].low, drawn["measured"].high) == (78.5, 81.5)
