"""Warnings about sound profiles: figures far outside what shipped ones have, memories in which nothing fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import BnncostError, shipped_profiles
from costmodel.evaluate.plausibility import plausibility_warnings
from costmodel.hardware import Problem

SYSTEMS = sorted((Path(__file__).parents[2] / "hardware_profiles" / "systems" / "profiles").glob("*.yaml"))


def quantity(value: float, unit: str, note: str = "") -> str:
    why = f", note: {note}" if note else ""
    return f"{{value: {value:.15e}, unit: {unit}, source: a test, status: assumed{why}}}"


def warned(folder: Path, body: str, extends: str = "asic-45nm") -> tuple[Problem, ...]:
    path = folder / "mine.yaml"
    path.write_text(f"name: mine\nextends: {extends}\n{body}\n", encoding="utf-8")
    return plausibility_warnings(path)


@pytest.mark.parametrize("name", [*shipped_profiles(), *map(str, SYSTEMS)])
def test_what_ships_is_plausible(name: str) -> None:
    assert plausibility_warnings(name) == ()


@pytest.mark.parametrize(
    ("body", "place", "line", "words"),
    [
        (f"control: {{energy: {quantity(12, 'J/cycle')}}}", "control.energy", 3, ["12 J/cycle", "above", "asic-45nm"]),
        (f"clock: {quantity(1e12, 'Hz')}", "clock", 3, ["1e+12 Hz", "1e+08 to 1e+09 Hz"]),
        (f"clock: {quantity(400, 'Hz')}", "clock", 3, ["400 Hz", "below"]),
        (
            f"side: {{operations: {{mul: {{int16: {{energy: {quantity(0.8, 'mJ/operation')}}}}}}}}}",
            "side.operations.mul.int16.energy", 3, ["0.8 mJ/operation", "above"],
        ),
        (
            f"memories: {{weight_sram: {{size: {quantity(4, 'GB')}}}}}",
            "memories.weight_sram.size", 3, ["4 GB", "asic-65nm"],  # at 45 nm none has a size: all of its archetype
        ),
    ],
)  # fmt: skip
def test_a_figure_far_outside_the_span_is_told_with_its_line(
    tmp_path: Path, body: str, place: str, line: int, words: list[str]
) -> None:
    (found,) = warned(tmp_path, body)
    assert (found.file, found.line, found.place) == (str(tmp_path / "mine.yaml"), line, place)
    assert [word for word in words if word not in found.sentence] == [], found.sentence


def test_a_memory_of_one_byte_is_too_small_and_takes_no_network(tmp_path: Path) -> None:
    body = f"memories:\n  weight_sram:\n    size: {quantity(1, 'B')}"
    places = [(problem.place, problem.line) for problem in warned(tmp_path, body)]
    assert places == [("memories", 3), ("memories.weight_sram.size", 5)]


def test_a_memory_that_takes_a_small_network_alone_is_enough(tmp_path: Path) -> None:
    """DS-CNN, the smallest, keeps 45,312 bits of weights and 11,984 of parameters: 2.99 kB more than 4."""
    assert warned(tmp_path, f"memories: {{weight_sram: {{size: {quantity(32, 'kB')}}}}}") == ()
    (found,) = warned(tmp_path, f"memories: {{weight_sram: {{size: {quantity(4, 'kB')}}}}}")
    assert "no shipped network fits" in found.sentence and "even ds_cnn lacks room" in found.sentence


def test_a_zero_with_a_reason_is_meant(tmp_path: Path) -> None:
    assert warned(tmp_path, f"control: {{leakage: {quantity(0, 'mW', 'in the energy of a cycle')}}}") == ()
    with pytest.raises(BnncostError, match="a figure of zero needs 'note'"):
        warned(tmp_path, f"control: {{leakage: {quantity(0, 'mW')}}}")


@settings(max_examples=30, deadline=None)
@given(exponent=st.floats(-8, 4))
def test_the_limit_is_a_hundred_times_the_range_of_what_ships(
    exponent: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The clock of the 45 nm profile is 400 MHz, 100 to 1,000."""
    clock_mhz = 400 * 10**exponent
    found = warned(tmp_path_factory.mktemp("clock"), f"clock: {quantity(clock_mhz, 'MHz')}")
    assert bool(found) == (clock_mhz < 100 / 100 or clock_mhz > 1000 * 100)


def test_a_profile_with_problems_is_no_profile_with_warnings(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="clock"):
        warned(tmp_path, "clock: 100")
