"""Studies: seeds summed up, protocols kept apart, designs named by what distinguishes them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_rows import PLAIN, PRELU, REAL, SMALL_STUDY, measured

from analysis.accuracy.names import baseline_of, label_over, names_of
from analysis.accuracy.studies import MeasuredDesign, Study, pooled_spread, select, stems, studies
from costmodel import BnncostError, DesignKey


def only(rows: list) -> Study:
    (found,) = studies(rows)
    return found


def of(study: Study, design: str) -> MeasuredDesign:
    (found,) = (one for one in study.designs if str(one.key) == design)
    return found


def test_the_seeds_of_a_design_become_a_mean_and_a_spread() -> None:
    study = only(SMALL_STUDY)
    assert (study.network, study.dataset, study.recipe) == ("resnet20", "cifar10-16", "short")
    plain, prelu, real = (of(study, design) for design in (PLAIN, PRELU, REAL))
    assert (plain.mean, plain.spread, plain.seeds) == (59.0, 1.0, 3)
    assert (plain.lowest, plain.highest) == (58.0, 60.0)
    assert (prelu.mean, prelu.seeds) == (62.0, 2)
    assert prelu.spread == pytest.approx(sqrt(2))  # of 61 and 63: ((-1)² + 1²) / (2 - 1)
    assert (real.mean, real.spread) == (75.0, None)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=9))
def test_the_spread_is_that_of_a_sample(top1: list[float]) -> None:
    found = MeasuredDesign.of(DesignKey.parse("resnet20"), top1)
    assert found.mean == pytest.approx(np.mean(top1))
    assert found.spread == pytest.approx(np.std(top1, ddof=1), abs=1e-9)


def test_the_order_of_methods_makes_no_other_design() -> None:
    study = only([measured("resnet20[prelu+ede]", 80.0, 0), measured("resnet20[ede+prelu]", 82.0, 1)])
    assert [(one.mean, one.seeds) for one in study.designs] == [(81.0, 2)]


def test_an_export_is_a_design_of_its_own_precision() -> None:
    rows = [
        measured(PLAIN, 58.0),
        measured(PLAIN, 57.0, features="int8"),
        measured(PLAIN, 40.0, features="int4"),
    ]
    study = only(rows)
    assert {str(one.key): one.mean for one in study.designs} == {
        PLAIN: 58.0, "resnet20@features=int8/cifar10-16": 57.0, "resnet20@features=int4/cifar10-16": 40.0,
    }  # fmt: skip


def test_an_export_at_the_precision_of_the_design_goes_before_the_network_as_trained() -> None:
    rows = [measured(PLAIN, 58.0, 0), measured(PLAIN, 60.0, 1), measured(PLAIN, 57.0, 0, "int16")]
    plain = of(only(rows), PLAIN)
    assert (plain.mean, plain.seeds) == (58.5, 2)  # 57 for seed 0, 60 for seed 1
    assert plain.note == "integer network with int16 features (1 of 2 seeds); as trained 59.00"
    both = of(only([*rows, measured(PLAIN, 61.0, 1, "int16")]), PLAIN)
    assert (both.mean, both.note) == (59.0, "integer network with int16 features; as trained 59.00")


def test_a_seed_that_was_run_twice_counts_once_by_its_latest_run() -> None:
    rows = [measured(PLAIN, 60.0, date="2026-02-02"), measured(PLAIN, 50.0, date="2026-01-01")]
    assert (of(only(rows), PLAIN).mean, of(only(rows), PLAIN).seeds) == (60.0, 1)


def test_unlike_protocols_are_studies_of_their_own() -> None:
    rows = [measured(PLAIN, 58.0), measured(PLAIN, 70.0, epochs=60), measured(PLAIN, 71.0, recipe="long")]
    found = studies(rows)
    assert [one.designs[0].mean for one in found] == [58.0, 70.0, 71.0]
    assert len({one.protocol for one in found}) == 3
    assert len(set(stems(found, "front"))) == 3
    assert stems(found[:1], "front") == ["front"]
    assert select(found, recipe="long") == (found[2],)
    assert select(found, recipe="sh60") == (found[1],)


def test_protocols_that_differ_in_data_alone_have_files_of_their_own() -> None:
    found = studies([measured(PLAIN, 58.0), measured(PLAIN, 58.0, epochs=60)])
    alike = [found[0], found[0]]
    assert stems(alike, "front") == ["front-short-sh12", "front-short-sh12-2"]


def test_places_of_one_protocol_have_files_of_their_own() -> None:
    found = studies([measured(PLAIN, 58.0), measured("resnet18/cifar100", 60.0)])
    assert stems(found, "front") == [
        "front-resnet20-cifar10-16-short-sh12",
        "front-resnet18-cifar100-short-sh12",
    ]


def test_what_is_not_named_is_what_all_have_in_common() -> None:
    one, two = measured(PLAIN, 58.0), measured("resnet18/cifar100", 60.0)
    assert len(select(studies([one]))) == 1
    assert select(studies([one, two]), network="resnet18")[0].dataset == "cifar100"
    with pytest.raises(BnncostError, match=r"several networks.*resnet20/cifar10-16, resnet18/cifar100"):
        select(studies([one, two]))
    assert select(
        studies([one, measured("resnet18/cifar100", 60.0, recipe="long")]), recipe="short"
    ) == studies([one])
    with pytest.raises(
        BnncostError, match=r"no measured accuracy of 'vgg_small/.*one of: resnet20/cifar10-16"
    ):
        select(studies([one]), network="vgg_small")
    with pytest.raises(BnncostError, match="unknown recipe 'shirt'; did you mean 'short'"):
        select(studies([one]), recipe="shirt")


def test_the_pooled_spread_weighs_by_degrees_of_freedom() -> None:
    study = only(SMALL_STUDY)
    # variances 1 of three seeds and 2 of two: (2 * 1 + 1 * 2) / (2 + 1)
    assert pooled_spread(study.designs) == pytest.approx(sqrt(4 / 3))
    assert pooled_spread([of(study, REAL)]) is None


# ---------------------------------------------------------------- names


def designs(*texts: str) -> list[MeasuredDesign]:
    return [MeasuredDesign.of(DesignKey.parse(text), [50.0]) for text in texts]


def test_the_plain_network_is_the_binary_one_with_the_fewest_methods() -> None:
    found = designs("resnet20@compute=fp32", "resnet20@w2", "resnet20[ede+adam]", "resnet20[adam]")
    assert str(baseline_of(found)) == "resnet20[adam]/cifar10"
    assert str(baseline_of([*found, *designs("resnet20[ede]")])) == "resnet20[adam]/cifar10"
    assert str(baseline_of(designs("resnet20@features=int8", "resnet20"))) == "resnet20/cifar10"


def test_a_repaired_network_does_not_pass_for_the_plain_one() -> None:
    for texts in (["resnet20[prelu]"], ["resnet20[prelu]", "resnet20[ede+adam]"], ["resnet20@compute=fp32"]):
        found = designs(*texts)
        names = names_of(found)
        assert str(names.baseline) == "resnet20/cifar10"
        assert "plain BNN" not in {names.of(one.key) for one in found}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("resnet20[adam]", "plain BNN"),
        ("resnet20[adam+prelu+ede]", "ede + prelu"),
        ("resnet20[prelu]", "prelu, no adam"),
        ("resnet20[adam]@w1.5,features=int8", "width 1.5, int8 features"),
        ("resnet20@compute=int4", "int4 network"),
        ("resnet20@compute=fp32", "fp32 network"),
    ],
)
def test_a_design_is_named_by_what_distinguishes_it(text: str, label: str) -> None:
    assert label_over(DesignKey.parse(text), DesignKey.parse("resnet20[adam]")) == label


def test_a_full_design_lends_its_name_to_those_that_lack_one_method() -> None:
    full = "resnet20[prelu+ede+adam+double_residual]"
    found = designs("resnet20", full, "resnet20[ede+adam+double_residual]", "resnet20[prelu+ede]")
    names = names_of(found)
    assert [names.of(one.key) for one in found] == ["plain BNN", "full", "full minus prelu", "ede + prelu"]
    assert "Full: adam, double_residual, ede, prelu." in names.caption
    assert names_of(designs("resnet20", full)).full is None  # nothing was left out of it
