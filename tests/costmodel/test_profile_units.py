"""Units and quantities against values reckoned by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from costmodel.errors import BnncostError
from costmodel.hardware.text.quantity import Quantity
from costmodel.hardware.text.units import registered_scale, scale_of, shipped_scales


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("pJ/operation", 1e-12),
        ("fJ/bit", 1e-15),
        ("MHz", 1e6),
        ("um^2", 1e-12),
        ("µm²", 1e-12),
        ("mm**2", 1e-6),
        ("kB", 8192),
        ("MB", 8 * 1024**2),
        ("B/cycle", 8),
        ("TOP/s", 1e12),
        ("mW", 1e-3),
        ("mac / cycle", 1),
        ("lut", 1),
    ],
)
def test_factor_to_si(unit: str, factor: float) -> None:
    assert scale_of(unit).factor == pytest.approx(factor)


@pytest.mark.parametrize(
    "unit", ["", "3", "NaN", "9**9**9**9", "pJ/", "J^999999999", "pj", "parsec", "a" * 10_000, "__class__"]
)
def test_other_text_is_no_unit(unit: str) -> None:
    with pytest.raises(BnncostError, match=r"is no unit|unknown unit"):
        scale_of(unit)


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        assert scale_of(text).factor > 0
    except BnncostError as error:
        assert "unit" in str(error)


def test_scales_that_are_written_down_are_those_of_the_registry() -> None:
    assert shipped_scales() == {unit: registered_scale(unit) for unit in shipped_scales()}


def test_common_units_and_pricing_on_a_shipped_profile_need_no_registry() -> None:
    """What is missing in unit_scales.csv: python -m tools.unit_scales."""
    code = (
        "import sys, costmodel as cm\n"
        "from costmodel.hardware.text.units import COMMON, scale_of\n"
        "for name in cm.shipped_profiles(): cm.cost('resnet20/cifar10', name)\n"
        "for unit in COMMON: scale_of(unit)\n"
        "sys.exit('pint' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_watt_is_joule_per_second() -> None:
    assert scale_of("W").dimension == scale_of("J/s").dimension
    assert scale_of("mac/cycle").dimension != scale_of("operation/cycle").dimension


def test_quantity_is_checked_when_made_in_code() -> None:
    figure = Quantity(value=2, unit="kB", source="s", status="assumed", low=1, high=4, note="why")
    assert (figure.si, figure.si_low, figure.si_high) == (16384, 8192, 32768)
    with pytest.raises(ValidationError, match="must not be negative"):
        Quantity(value=-2, unit="kB", source="s", status="assumed")
    with pytest.raises(ValidationError):
        figure.value = 3.0  # type: ignore[misc]
