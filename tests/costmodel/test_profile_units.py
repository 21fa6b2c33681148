"""Units and quantities against values reckoned by hand."""

from __future__ import annotations

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from costmodel.errors import BnncostError
from costmodel.hardware.text.quantity import Quantity
from costmodel.hardware.text.units import scale_of


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


SHARED = [
    "pJ",
    "femtojoule",
    "ns",
    "seconds",
    "mm",
    "um",
    "metre",
    "mV",
    "kW",
    "GHz",
    "bit",
    "kilobytes",
    "MiB",
    "byte",
]


@given(
    st.lists(
        st.tuples(st.sampled_from("*/"), st.sampled_from(SHARED), st.integers(-3, 3)), min_size=1, max_size=4
    )
)
@settings(deadline=None)  # the first example makes pint's registry
def test_products_of_powers_are_those_of_pint(terms: list[tuple[str, str, int]]) -> None:
    """Pint counts energies in kilograms, volts in amperes, and a kilobyte, unlike a kibibyte, as 1000 bytes."""
    text = "".join(f"{sign}{name}^{power}" if power else f"{sign}{name}" for sign, name, power in terms)[1:]
    other = pint.get_application_registry().Quantity(1.0, text.replace("kilo", "kibi")).to_base_units()
    ours = scale_of(text)
    assert ours.factor == pytest.approx(other.magnitude, rel=1e-12)
    powers = dict(ours.dimension)
    energy, voltage = powers.get("energy", 0), powers.get("voltage", 0)
    made = {
        "[mass]": energy + voltage,
        "[length]": powers.get("length", 0) + 2 * (energy + voltage),
        "[time]": powers.get("time", 0) - 2 * energy - 3 * voltage,
        "[current]": -voltage,
    }
    assert {name: other.dimensionality.get(name, 0) for name in made} == made


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "3",
        "NaN",
        "9**9**9**9",
        "pJ/",
        "MkB",
        "millikilobyte",
        "ss",
        "mJs",
        "J^999999999",
        "pj",
        "parsec",
        "a" * 10_000,
        "__class__",
    ],
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
