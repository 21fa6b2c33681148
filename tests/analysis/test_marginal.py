"""The three views of a method's cost, and the width that costs the same."""

from __future__ import annotations

from math import log
from statistics import fmean

import pytest

from analysis.accuracy.measurements import shipped_measurements
from analysis.methods.equivalence import WidthScale, width_scale
from analysis.methods.marginal import MethodTable, method_table
from analysis.methods.method_columns import table_record
from analysis.methods.method_frames import method_frame, width_curve
from analysis.methods.method_tables import method_view
from analysis.report.page.method_costs import method_records
from costmodel import METHODS, BnncostError, DesignKey, cost, load_profile

# outputs of ResNet-20's binary convolutions: six per stage
OUTPUTS = 6 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8)
HALF = OUTPUTS // 2


@pytest.fixture(scope="module")
def table() -> MethodTable:
    """Every method on ResNet-20."""
    return method_table("resnet20", "asic-45nm")


def row(table: MethodTable, name: str):
    """The row of one method."""
    return next(item for item in table.rows if item.name == name)


def test_a_channel_scale_asks_for_multiplies_and_costs_nothing(table: MethodTable) -> None:
    scale = row(table, "channel_scale")
    assert scale.emitted.operations == {("mul", "int16"): OUTPUTS}
    assert scale.emitted.energy_j > 0
    for view in (scale.alone, scale.left_out):
        assert (view.operations, view.energy_j, view.latency_s) == ({}, 0, 0)
    assert scale.equivalent_width == pytest.approx(1)


def test_double_residual_unfolds_the_norm(table: MethodTable) -> None:
    double = row(table, "double_residual")
    assert double.emitted.operations == {("add", "int16"): HALF}
    assert double.alone.operations == {("mul", "int16"): HALF, ("add", "int16"): 2 * HALF}
    assert double.alone.energy_j > double.emitted.energy_j
    assert double.equivalent_width is not None
    assert double.equivalent_width > 1


def test_training_techniques_cost_nothing_or_say_what_stays(table: MethodTable) -> None:
    for item in table.rows:
        if item.branch == "training" and METHODS[item.name].free_because:
            assert item.alone.energy_j == 0, item.name
            assert item.reason == METHODS[item.name].free_because


def test_left_out_is_the_full_design_less_the_method(table: MethodTable) -> None:
    full = cost(table.full)
    less = cost(table.full.replace("+double_residual", ""))
    assert "double_residual" in table.full
    assert row(table, "double_residual").left_out.energy_j == pytest.approx(full.energy_j - less.energy_j)


def test_doubling_the_width_is_worth_a_width_of_two(table: MethodTable) -> None:
    width = row(table, "width")
    assert width.equivalent_width == pytest.approx(2)
    assert width.emitted.operations["mac", "1x1"] == width.alone.operations["mac", "1x1"] == 3 * 40_108_032


def test_every_method_that_has_a_place_is_in_the_table(table: MethodTable) -> None:
    assert [item.name for item in table.rows] == list(METHODS)
    small = method_table("vgg_small", methods=["prelu", "squeeze_excitation(reduction=4)"])
    assert [item.use for item in small.rows] == ["prelu", "squeeze_excitation(reduction=4)"]


def test_json_has_the_three_views(table: MethodTable) -> None:
    whole = table_record(table)
    first = whole["methods"][0]
    for view in ("emitted", "alone", "left_out"):
        assert set(first[view]) == {"operations", "energy_j", "latency_s", "area"}
        assert all(set(item) == {"operation", "precision", "count"} for item in first[view]["operations"])
    assert whole["plain"]["energy_j"] == cost("resnet20").energy_j


def test_a_full_design_on_another_network_is_refused() -> None:
    with pytest.raises(BnncostError, match="not on resnet20/cifar10"):
        method_table("resnet20", full="reactnet")
    with pytest.raises(BnncostError, match="did you mean 'resnet20'"):
        method_table("resnet200")


def test_widths_cost_what_single_designs_cost() -> None:
    curve = width_curve(DesignKey("resnet20", "cifar10"), "asic-45nm").set_index("width")
    for width in (0.5, 1.0, 1.5, 8.0):
        single = cost(f"resnet20@w{width:g}")
        assert curve.energy_j[width] == pytest.approx(single.energy_j, rel=1e-12)
        assert curve.latency_s[width] == pytest.approx(single.latency_s, rel=1e-12)
        assert curve.area[width] == pytest.approx(single.area["mm2"], rel=1e-12)
        assert curve.memory_bits[width] == sum(single.memory_bits.values())


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-22nm-programmable", "mcu-cortex-m33"])
def test_a_width_is_found_again_by_its_energy(profile: str) -> None:
    plain = DesignKey("resnet20", "cifar10")
    scale = width_scale(plain, profile)
    for width in (0.75, 1.0, 2.5):
        assert scale.width_at(cost(f"resnet20@w{width:g}", profile).energy_j) == pytest.approx(
            width, abs=0.07
        )
    assert scale.width_at(0.0) is None
    assert scale.width_at(1e9) is None


def test_the_page_prices_what_costs_in_either_branch() -> None:
    rows = {
        one["method"]: one
        for one in method_records("resnet20", "cifar10", load_profile("asic-45nm"))["methods"]
    }
    assert {"mean_subtraction", "adaptive_weights", "double_residual"} < set(rows) and "ede" not in rows
    added = cost("resnet20[mean_subtraction]").energy_j - cost("resnet20").energy_j
    assert sum(rows["mean_subtraction"]["alone"]) == pytest.approx(added, rel=1e-9)


def test_an_equivalent_width_lies_between_widths_of_the_grid_not_on_steps_of_whole_channels(
    table: MethodTable,
) -> None:
    """The energy 5.65 % above the plain network's lies between those at widths 1 and 1.25, on logarithmic axes."""
    gated = row(table, "squeeze_excitation")
    plain, wide = (cost(f"resnet20@w{width}", table.profile).energy_j for width in ("1", "1.25"))
    part = log(1 + gated.alone.energy_j / plain) / log(wide / plain)
    assert gated.equivalent_width == pytest.approx(1.25**part, rel=1e-9)
    built = cost(f"resnet20@w{gated.equivalent_width:.4f}", table.profile).energy_j
    assert built > 1.05 * (plain + gated.alone.energy_j), (
        "17, 33 and 67 channels where 16, 32 and 64 fill the array"
    )


def test_no_width_fits_means_no_equivalent() -> None:
    assert WidthScale(lambda width: None).width_at(1.0) is None
    assert WidthScale(lambda width: width if width < 2 else None).width_at(1.9) is None


def test_only_the_widths_that_are_needed_are_priced() -> None:
    asked = []
    scale = WidthScale(lambda width: asked.append(width) or width**2)
    assert scale.width_at(1.4**2) == pytest.approx(1.4)
    assert asked == [1.0, 1.25, 1.5]
    assert scale.width_at(0.4**2) == pytest.approx(0.4)
    assert scale.width_at(65.0) is None
    assert scale.width_at(0.05) is None


def test_frames_hold_what_the_results_hold(table: MethodTable) -> None:
    frame = method_frame(table).set_index("name")
    assert frame.alone_j["double_residual"] == row(table, "double_residual").alone.energy_j
    assert (frame["mul"]["double_residual"], frame["add"]["double_residual"]) == (HALF, 2 * HALF)
    assert frame.alone_percent["width"] == pytest.approx(
        100 * (cost("resnet20@w2").energy_j / cost("resnet20").energy_j - 1)
    )


def test_a_full_design_gives_way_to_a_method_that_it_cannot_be_combined_with() -> None:
    """AdaBin's two-valued weights need one map of bits, several activation bases are more."""
    (bases,) = method_table("resnet20", full="adabin/resnet20/cifar10", methods=["activation_bases"]).rows
    kept = "double_residual+maxout+adaptive_centre+stem_activation(kind=maxout)+norm_before_classifier"
    with_it = cost(f"resnet20[{kept}+activation_bases]")
    without = cost(f"resnet20[{kept}]")
    assert bases.left_out.energy_j == pytest.approx(with_it.energy_j - without.energy_j)


def test_gains_are_those_of_the_shipped_measurements(table: MethodTable) -> None:
    rows = [one for one in shipped_measurements() if one.recipe == "cifar-40"]
    top1 = {one.design: fmean(row.top1 for row in rows if row.design == one.design) for one in rows}
    for name in ("real_shortcut", "hardtanh"):  # their fair pair is the plain BNN
        gain = top1[f"resnet20[{name}]/cifar10"] - top1["resnet20/cifar10"]
        assert row(table, name).gain_against == pytest.approx(gain)
        assert method_frame(table).set_index("use").gain_against[name] == pytest.approx(gain)
    beside = [
        top1[f"resnet20[{names}]/cifar10"] for names in ("double_residual+real_shortcut", "real_shortcut")
    ]
    assert row(table, "double_residual").gain_against == pytest.approx(beside[0] - beside[1])
    assert table.study is not None and table_record(table)["protocols"] == list(table.study.protocols)
    assert "gain" in [column.title for column in method_view(table).columns]
    assert "0.8 points of single runs is none" in method_view(table).caption


def test_where_no_study_ships_there_is_no_column_of_gains() -> None:
    bare = method_table("resnet20", dataset="cifar100", methods=["prelu"])
    assert bare.rows[0].gain_against is None and table_record(bare)["protocols"] == []
    assert "gain" not in [column.title for column in method_view(bare).columns]
    assert "Gain" not in method_view(bare).caption


def test_a_table_at_another_precision_of_features_is_of_those_designs() -> None:
    """8 bits for every real-valued map, in the plain network and in the full one; no gain was measured at 8 bits."""
    table = method_table("resnet20", methods=["double_residual"], features="int8")
    assert table.network == "resnet20@features=int8/cifar10"
    assert table.full.endswith("@features=int8/cifar10")
    assert table.plain.energy_j == cost("resnet20@features=int8/cifar10").energy_j
    changed = table.rows[0].alone.operations
    assert (changed["mul", "int8"], changed["add", "int8"]) == (86_016, 172_032)
    # a threshold compares the sum of 16 bits; behind the shortcut's sum the sign compares a map of 8
    assert (changed["compare", "int16"], changed["compare", "int8"]) == (-86_016, 86_016)
    assert len(changed) == 4
    assert table.rows[0].gain_against is None and table.study is None
    with pytest.raises(BnncostError, match=r"'resnet20'.*'features' 'int7'.*int8"):
        method_table("resnet20", methods=["prelu"], features="int7")


def test_what_finds_no_room_is_marked_where_something_does_not() -> None:
    """The weights of ResNet-18 for CIFAR-10 take 1.5 MB of 2 MB flash; twice as wide they take four times that."""
    table = method_table("resnet18", "mcu-cortex-m33", "cifar10", methods=["prelu", "width"])
    assert [one.off_chip for one in table.rows] == [(), ("external_flash",)]
    view = method_view(table)
    place = [column.name for column in view.columns].index("fits")
    assert {row[place] for row in view.rows} == {"yes", "no: external_flash"}
    assert "from which memory outside it runs" in view.caption
    assert [one["off_chip"] for one in table_record(table)["methods"]] == [[], ["external_flash"]]
    fitting = method_view(method_table("resnet20", "mcu-cortex-m33", methods=["prelu"]))
    assert "fits" not in [column.name for column in fitting.columns]
