"""The verdict of a front: on fronts made by hand, whose answers are read off."""

from __future__ import annotations

import pandas as pd
import pytest
from synthetic_frames import designs_frame

from analysis.fronts.nondominated import on_front
from analysis.fronts.verdict import verdict
from analysis.show.axes import Axis
from analysis.show.classes import ADDED, DesignClass, class_of

Row = tuple[str, str, float, float]  # label, design, energy [µJ], top-1 [%]


def made(*rows: Row, kind: str = "author") -> pd.DataFrame:
    """A frame of designs by their text forms; which are on the front is found by the slow rule of the tests."""
    frame = designs_frame([(label, 1e-6 * energy, top1) for label, _, energy, top1 in rows], kind=kind)
    frame["design"] = [design for _, design, _, _ in rows]
    settings = [design.partition("compute=")[2].split("/")[0].split(",")[0] for _, design, _, _ in rows]
    frame["compute"] = [setting or "binary" for setting in settings]
    frame["on_front"] = on_front(frame["x"].to_numpy(), frame["top1"].to_numpy())
    return frame.sort_values("x").reset_index(drop=True)


PLAIN = ("plain", "resnet20/cifar10", 2.0, 70.0)
REPAIRED = ("repaired", "resnet20[double_residual+prelu]/cifar10", 3.0, 80.0)
ENSEMBLE = ("gated", "resnet20[double_residual+squeeze_excitation+ede]/cifar10", 4.0, 84.0)
INT4 = ("int4", "resnet20@compute=int4/cifar10", 8.0, 88.0)
INT8 = ("int8", "resnet20@compute=int8/cifar10", 20.0, 89.0)
FP32 = ("fp32", "resnet20@compute=fp32/cifar10", 400.0, 90.0)


def test_each_class_wins_up_to_the_next_ones_first_design() -> None:
    said = verdict(made(PLAIN, REPAIRED, ENSEMBLE, INT4, INT8, FP32), Axis.energy)
    assert said[:4] == (
        "Below 2.00 µJ there is no design.",
        "Up to 8.00 µJ binary networks win: plain (70.0 % at 2.00 µJ) to gated (84.0 % at 4.00 µJ).",
        "From 8.00 µJ to 400 µJ low-bit networks win: int4 (88.0 % at 8.00 µJ) to int8 (89.0 % at 20.0 µJ).",
        "From 400 µJ on full-precision networks win: fp32 (90.0 % at 400 µJ).",
    )


def test_training_techniques_that_leave_operations_are_repairs_of_the_network() -> None:
    centred = ("centred", "resnet20[mean_subtraction+ede+two_stage]/cifar10", 3.6, 76.0)
    assert "Repairs in the 2 binary designs on the front: mean_subtraction (1)." in verdict(
        made(PLAIN, centred), Axis.energy
    )


def test_repairs_on_the_front_are_counted_without_training_techniques() -> None:
    said = verdict(made(PLAIN, REPAIRED, ENSEMBLE, INT4), Axis.energy)
    assert (
        "Repairs in the 3 binary designs on the front: double_residual (2), prelu (1), squeeze_excitation (1)."
        in said
    )
    assert "The binary designs on the front have no repair that changes the network." in verdict(
        made(PLAIN, INT4), Axis.energy
    )


def test_a_step_to_another_class_says_what_it_costs() -> None:
    said = verdict(made(PLAIN, REPAIRED, ENSEMBLE, INT4, INT8, FP32), Axis.energy)
    assert (
        "The step from gated to int4 brings 4.0 points for 4.00 µJ more energy (+100 %), 1.00 µJ a point."
        in said
    )
    assert (
        "The step from int8 to fp32 brings 1.0 points for 380 µJ more energy (+1900 %), 380 µJ a point."
        in said
    )


def test_within_one_class_the_last_step_counts() -> None:
    said = verdict(made(PLAIN, REPAIRED, ENSEMBLE), Axis.energy)
    assert said[1].startswith("At every cost binary networks win")
    assert [text for text in said if text.startswith("The step")] == [
        "The step from repaired to gated brings 4.0 points for 1.00 µJ more energy (+33 %), 250 nJ a point."
    ]
    assert "There is no next step: one design beats all others." in verdict(made(PLAIN), Axis.energy)


def test_a_class_that_is_beaten_everywhere_is_named_with_what_beats_it() -> None:
    weak = ("int2", "resnet20@compute=int2/cifar10", 9.0, 79.0)
    said = verdict(made(PLAIN, REPAIRED, weak), Axis.energy)
    assert (
        "No low-bit network is on the front; the best is int2 (79.0 %), beaten by repaired (80.0 % at 3.00 µJ)."
        in said
    )


def test_a_class_may_win_twice() -> None:
    said = verdict(made(PLAIN, INT4, ("wide", "resnet18[prelu]/cifar10", 30.0, 92.0)), Axis.energy)
    assert [text.split(" win")[0] for text in said[1:4]] == [
        "Up to 8.00 µJ binary networks", "From 8.00 µJ to 30.0 µJ low-bit networks", "From 30.0 µJ on binary networks",
    ]  # fmt: skip


def test_widening_is_an_answer_where_a_width_has_an_accuracy() -> None:
    beaten = verdict(made(PLAIN, REPAIRED, ("w2", "resnet20@w2/cifar10", 5.0, 78.0)), Axis.energy)
    assert (
        "The plain BNN at width 2 (78.0 % at 5.00 µJ) is beaten by repaired, 2.0 points better for 3.00 µJ."
        in beaten
    )
    wins = verdict(made(PLAIN, ("w2", "resnet20@w2/cifar10", 2.5, 85.0), REPAIRED), Axis.energy)
    assert (
        "The plain BNN at width 2 (85.0 % at 2.50 µJ) is on the front: no repair brings as much for as little energy."
        in wins
    )
    repaired_and_wide = ("both", "resnet20[prelu]@w2/cifar10", 6.0, 86.0)
    assert "No accuracy of a widened plain BNN is known here." in verdict(
        made(PLAIN, repaired_and_wide), Axis.energy
    )


def test_what_the_plain_bnn_of_a_study_has_is_no_repair_and_its_width_is_not_widened() -> None:
    frame = made(
        ("plain BNN", "resnet18[binary_shortcut]@w0.25/cifar100", 2.0, 30.0),
        ("learned", "resnet18[binary_shortcut+learned_threshold]@w0.25/cifar100", 2.1, 31.0),
        ("real", "resnet18[real_shortcut]@w0.25/cifar100", 2.5, 37.0),
        ("wide", "resnet18[binary_shortcut]@w0.375/cifar100", 3.5, 35.0),
    )
    frame["plain"] = frame["label"] == "plain BNN"
    said = verdict(frame, Axis.energy)
    assert "Repairs in the 3 binary designs on the front: learned_threshold (1), real_shortcut (1)." in said
    assert [text for text in said if text.startswith("The plain BNN")] == [
        "The plain BNN at width 0.375 (35.0 % at 3.50 µJ) is beaten by real, 2.0 points better for 2.50 µJ."
    ]


def test_other_axes_have_their_units() -> None:
    frame = made(PLAIN, INT4)
    frame["x"] = [2e-3, 3e-3]
    assert "Up to 3.00 ms binary networks win" in verdict(frame, Axis.latency)[1]
    frame["x"] = [4.0, 6.0]
    assert "Up to 6.00 mm² binary networks win" in verdict(frame, Axis.area)[1]


def test_equal_designs_count_once() -> None:
    twin = ("twin", "resnet20[hardtanh]/cifar10", 2.0, 70.0)
    assert "plain (70.0 % at 2.00 µJ)." in verdict(made(PLAIN, twin), Axis.energy)[1]


@pytest.mark.parametrize(
    ("compute", "kind", "sort"),
    [
        ("binary", "author", DesignClass.BINARY), ("binary", ADDED, DesignClass.MEASURED),
        ("int2", "cited", DesignClass.LOW_BIT), ("int3", "", DesignClass.LOW_BIT),
        ("ternary", "", DesignClass.LOW_BIT), ("int8", "", DesignClass.LOW_BIT),
        ("fp16", "", DesignClass.FULL_PRECISION), ("fp32", ADDED, DesignClass.MEASURED),
    ],
)  # fmt: skip
def test_classes(compute: str, kind: str, sort: DesignClass) -> None:
    assert class_of(compute, kind) is sort
