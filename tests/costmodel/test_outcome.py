"""Outcomes of studies: read and written without a change, with spreads and errors by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from costmodel.designs.outcome import pooled_deviation, pooled_error, read_outcome, spread
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


def test_the_deviation_of_all_designs_weighs_by_degrees_of_freedom() -> None:
    # variances 4 of four seeds and 9 of two: (3 * 4 + 1 * 9) / (3 + 1)
    assert pooled_deviation([(2.0, 4), (3.0, 2), (None, 1)]) == pytest.approx(math.sqrt(21 / 4))
    assert pooled_deviation([(None, 1), (None, 1)]) is None


def test_the_error_of_a_difference_shrinks_with_the_seeds_of_both_sides() -> None:
    assert float(pooled_error(2.0, 4, 9)) == pytest.approx(math.sqrt(4 / 4 + 4 / 9))
    assert pooled_error(2.0, [1, 2], 2).tolist() == pytest.approx([2 * math.sqrt(1.5), 2.0])


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
