"""Labels of numbers and MACs, and which of the listed precisions they run on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.graph import Precision, read_precisions
from costmodel.hardware.precision import narrowest_for

NUMBERS = st.one_of(
    st.sampled_from([Precision("binary", 1), Precision("ternary", 2)]),
    st.integers(2, 64).map(lambda bits: Precision("integer", bits)),
    st.sampled_from([8, 16, 32, 64]).map(lambda bits: Precision("float", bits)),
)


@given(number=NUMBERS)
def test_a_number_is_read_back_from_its_label(number: Precision) -> None:
    assert read_precisions(number.label) == (number,)


@given(weight=NUMBERS, feature=NUMBERS)
def test_a_mac_is_read_back_from_its_two_sides(weight: Precision, feature: Precision) -> None:
    assert read_precisions(f"{weight.operand}x{feature.operand}") == (weight, feature)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "x",
        "1x",
        "x8",
        "1x8x8",
        "int8xint8",
        "binaryx8",
        "65",
        "int65",
        "0",
        "08",
        "fp24",
        "float",
        "+8",
        "8 ",
    ],
)
def test_what_is_no_precision_gives_none(label: str) -> None:
    assert read_precisions(label) == ()


@given(one=NUMBERS, other=NUMBERS)
def test_numbers_of_one_sort_are_ordered_and_floats_stand_apart(one: Precision, other: Precision) -> None:
    if (one.kind == "float") != (other.kind == "float"):
        assert not one.holds(other) and not other.holds(one)
    else:
        assert one.holds(other) or other.holds(one)
        assert (one.holds(other) and other.holds(one)) is (one == other)


@given(number=NUMBERS, listed=st.lists(NUMBERS, unique=True))
def test_the_narrowest_that_holds_a_number_is_taken(number: Precision, listed: list[Precision]) -> None:
    """Values by hand: a binary number has 2, a ternary one 3, an integer 2 to the power of its bits."""
    values = {"binary": 2, "ternary": 3}
    float_alike = [one for one in listed if (one.kind == "float") is (number.kind == "float")]
    wide = sorted(
        (count, one.label)
        for one in float_alike
        if (count := values.get(one.kind, 2**one.bits)) >= values.get(number.kind, 2**number.bits)
    )
    found = narrowest_for(number.label, [one.label for one in listed])
    assert found == (wide[0][1] if wide else None)


@pytest.mark.parametrize(
    ("label", "listed", "taken"),
    [
        ("1x8", ["1x1", "8x8", "16x16"], "8x8"),
        ("1x8", ["8x8", "4x16", "2x16"], "2x16"),
        ("ternaryxternary", ["1x1", "2x2"], "2x2"),
        ("8x8", ["fp32xfp32"], None),
        ("8x8", ["int16", "8x4"], None),
    ],
)
def test_a_mac_runs_on_the_smallest_product_of_widths(
    label: str, listed: list[str], taken: str | None
) -> None:
    assert narrowest_for(label, listed) == taken
