"""What of a system the energies of a profile count, and whether its weights come from outside for each inference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from profile_texts import ASIC
from toy_chip import ALL, chip, figure, macro, spilling, toy_network

from costmodel import cost, cost_of_network, load_profile, shipped_profiles
from costmodel.hardware import check_profile

README = (Path(__file__).parents[2] / "hardware_profiles" / "README.md").read_text("utf-8")
OUTSIDE = f"""
  dram:
    holds: {ALL}
    size: {figure(1024, "kB")}
    port: {figure(4, "bit/cycle")}
    off_chip: true
    macros:
      - {{read: {figure(5, "pJ/bit")}, write: {figure(7, "pJ/bit")}}}
"""
INSIDE = f"""
  sram:
    holds: {ALL}
    size: {figure(1, "kB")}
    port: {figure(24, "bit/cycle")}
    macros:
      - {macro(1, 0.2, 0.3, 0.02, 1)}
"""
MAPS_ALONE = INSIDE.replace(ALL, "[binary_features, features]")
FETCHED = INSIDE.replace("    port", "    loaded: per inference\n    port", 1)


@pytest.mark.parametrize(
    ("memories", "known"),
    [
        (INSIDE, "never"),
        (INSIDE + OUTSIDE, "where they do not fit"),
        (MAPS_ALONE + OUTSIDE, "always"),
        (FETCHED + OUTSIDE, "always"),
        (OUTSIDE, "always"),
    ],
)
def test_whether_weights_come_from_outside_follows_from_the_memories(
    tmp_path: Path, memories: str, known: str
) -> None:
    profile = chip(tmp_path, memories=memories)
    assert profile.weights_from_outside == known
    priced = cost_of_network(toy_network(), profile)
    assert priced.weights_from_outside == known
    outside = sum(row.read_bits for row in priced.memory if (row.level, row.role) == ("dram", "weights"))
    assert bool(outside) == (known == "always"), "in this case all weights fit"


def test_weights_that_do_not_fit_come_from_outside(tmp_path: Path) -> None:
    priced = cost_of_network(toy_network(), chip(tmp_path, memories=spilling(1)))
    assert priced.weights_from_outside == "where they do not fit"
    outside = sum(row.read_bits for row in priced.memory if (row.level, row.role) == ("dram", "weights"))
    assert outside == 704


def test_a_profile_says_its_scope(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(ASIC.replace("scope: chip\n", ""), encoding="utf-8")
    (problem,) = check_profile(path)
    assert problem.place == "scope" and "missing" in problem.sentence
    assert all(word in problem.sentence for word in ("core", "chip", "board"))
    path.write_text(ASIC.replace("scope: chip", "scope: bord"), encoding="utf-8")
    (problem,) = check_profile(path)
    assert "did you mean 'board'" in problem.sentence


def test_a_profile_that_extends_another_has_its_scope_or_its_own(tmp_path: Path) -> None:
    path = tmp_path / "child.yaml"
    path.write_text("name: child\nextends: fpga-zynq7020\n", encoding="utf-8")
    assert load_profile(path).scope == "board"
    path.write_text("name: child\nextends: fpga-zynq7020\nscope: chip\n", encoding="utf-8")
    assert load_profile(path).scope == "chip"


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_table_of_profiles_says_what_they_say(name: str) -> None:
    (row,) = (line for line in README.splitlines() if re.match(rf"\| .*`{name}`", line))
    profile = load_profile(name)
    assert [cell.strip() for cell in row.strip("|").split("|")][-2:] == [
        profile.scope,
        profile.weights_from_outside,
    ]


def test_a_cost_says_what_its_profile_says() -> None:
    found = cost("resnet20", "fpga-zynq7020").to_dict()
    assert (found["scope"], found["weights_from_outside"]) == ("board", "where they do not fit")
