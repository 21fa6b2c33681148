"""Outcomes of studies: read and written without a change, with spreads and errors by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from costmodel.designs.outcome import read_outcome, spread, standard_error
from costmodel.errors import BnncostError

SHIPPED = Path(__file__).parents[2] / "analysis" / "data" / "measured_study.json"


def test_the_shipped_outcome_is_written_as_it_was_read() -> None:
    text = SHIPPED.read_text("utf-8")
    outcome = read_outcome(json.loads(text), SHIPPED.name)
    assert outcome.to_json() == text
    assert outcome.to_mapping() == json.loads(text)


def test_the_spread_has_one_degree_of_freedom_less_than_seeds() -> None:
    assert spread([48.0, 50.0, 55.0]) == pytest.approx(math.sqrt((9 + 1 + 16) / 2))  # about 51
    assert spread([48.0]) is None


def test_the_error_of_a_difference_needs_both_spreads() -> None:
    assert standard_error(2.0, 4, 3.0, 9) == pytest.approx(math.sqrt(4 / 4 + 9 / 9))
    assert standard_error(None, 1, 3.0, 9) is None
    assert standard_error(2.0, 4, None, 1) is None


def test_all_that_is_wrong_in_an_outcome_is_told_with_its_place() -> None:
    values = json.loads(SHIPPED.read_text("utf-8"))
    first, second, *rest = values["rows"]
    values["rows"] = [first | {"seeds": 0}, second | {"top1_mean": 101}, *rest]
    with pytest.raises(BnncostError) as raised:
        read_outcome(values, "a.json")
    starts = [line.split(": ")[:2] for line in str(raised.value).splitlines()]
    assert starts == [["a.json", "rows.0.seeds"], ["a.json", "rows.1.top1_mean"]]


def test_an_outcome_names_known_designs() -> None:
    values = json.loads(SHIPPED.read_text("utf-8"))
    with pytest.raises(BnncostError, match=r"a\.json: design 'resnt20/cifar10': unknown network 'resnt20'"):
        read_outcome(values | {"baseline": "resnt20/cifar10"}, "a.json")
