"""The benchmark of ranks: tau against counted pairs, and which methods it is over."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import ranks
from costmodel import cost

NAMES = ("a", "b", "c", "d", "e")
ORDERS = st.lists(st.integers(0, 3), min_size=5, max_size=5).filter(lambda values: len(set(values)) > 1)


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


@given(ORDERS, ORDERS)
def test_tau_is_that_of_pairs_counted_one_by_one(one: list[int], other: list[int]) -> None:
    """Pairs in the same order less those in the opposite one, over the root of the pairs untied in each."""
    pairs = list(combinations(range(5), 2))
    signs = [(sign(one[i] - one[j]), sign(other[i] - other[j])) for i, j in pairs]
    untied = math.sqrt(sum(abs(a) for a, _ in signs) * sum(abs(b) for _, b in signs))
    expected = sum(a * b for a, b in signs) / untied
    here, there = dict(zip(NAMES, one, strict=True)), dict(zip(NAMES, other, strict=True))
    assert ranks.agreement(here, there, NAMES) == pytest.approx(expected)


def test_what_costs_nothing_anywhere_has_no_rank() -> None:
    tables = {"one": {"a": 0.0, "b": 0.1, "c": 1e-15}, "other": {"a": 0.0, "b": 0.0, "c": 0.0}}
    assert ranks.of_work(tables) == ("b",)


def test_the_methods_whose_ranks_differ_most_come_first() -> None:
    one = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}
    other = {"a": 5.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 4.0}
    assert ranks.most_apart(one, other, NAMES)[0] == "a"


def test_a_share_is_that_of_the_plain_network() -> None:
    shares = ranks.shares_alone("resnet20/cifar10", "asic-45nm")
    added = cost("resnet20[double_residual]").energy_j - cost("resnet20").energy_j
    assert shares["double_residual"] == pytest.approx(added / cost("resnet20").energy_j)
    assert shares["channel_scale"] == pytest.approx(0, abs=1e-12), "it folds"
    assert "logits_teacher" not in shares, "it acts in training alone"


def test_both_networks_and_every_asic_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    ranks.main()
    text = capsys.readouterr().out
    for design in ("resnet20/cifar10", "resnet18/imagenet"):
        assert f"{design}: Kendall's tau over" in text
    for profile in (
        "asic-22nm-bnn",
        "asic-22nm-programmable",
        "asic-28nm-bnn",
        "asic-45nm",
        "asic-65nm",
        "asic-7nm",
    ):
        assert text.count(profile) >= 2
    assert text.count("1.00") >= 12, "with itself, and no digit is cut off on 80 columns"
    assert "…" not in text
    assert text.count("Mean tau ") == 2
    assert "fpga" not in text
