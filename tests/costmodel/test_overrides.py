"""Figures set from outside a profile's files, and faults that are told where they are caused."""

from __future__ import annotations

from pathlib import Path

import pytest
from profile_texts import ASIC, figure

from costmodel import BnncostError, cost, load_profile
from costmodel.hardware import check_profile

SIZE = "memories.feature_sram.size=328kB"


def written(folder: Path, text: str, name: str = "chip.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


# ---------------------------------------------------------------- what is set


def test_a_set_figure_is_the_same_as_a_file_with_it(tmp_path: Path) -> None:
    size = "{value: 328, unit: kB, source: a test, status: assumed}"
    text = f"name: child\nextends: asic-28nm-bnn\nmemories: {{feature_sram: {{size: {size}}}}}\n"
    by_file = load_profile(written(tmp_path, text))
    by_option = load_profile("asic-28nm-bnn", [SIZE])
    design = "resnet20[double_residual]@w3.0"  # too large for 64 kB, and not for 328
    small = load_profile("asic-28nm-bnn", ["memories.feature_sram.size=64kB"])
    assert cost(design, by_option).energy_j == cost(design, by_file).energy_j
    assert cost(design, by_option).energy_j < cost(design, small).energy_j
    assert by_option.memories["feature_sram"].size_bits == 328 * 1024 * 8
    assert by_option.name == f"asic-28nm-bnn with --set {SIZE}", "no result passes for the profile's own"


def test_several_are_set_and_the_last_counts() -> None:
    profile = load_profile("asic-45nm", ["clock=100 MHz", "control.energy=1e-1 nJ/cycle", "clock=.2 GHz"])
    assert (profile.clock.si, profile.control.energy.si) == (pytest.approx(200e6), pytest.approx(100e-12))
    assert (profile.clock.source, profile.clock.status) == ("--set", "assumed")
    assert load_profile("asic-45nm").clock.si == 400e6, "the profile itself stays as it is"


def test_a_number_in_brackets_picks_from_a_list() -> None:
    profile = load_profile("asic-28nm-bnn", ["memories.dram.macros[0].read=3pJ/bit"])
    assert profile.memories["dram"].macros[0].read.si == pytest.approx(3e-12)
    assert profile.memories["dram"].macros[0].write.si == pytest.approx(21e-12)


def test_a_word_is_set_as_well() -> None:
    profile = load_profile("asic-28nm-bnn", ["memories.feature_sram.separate_ports=true"])
    assert profile.memories["feature_sram"].separate_ports is True


def test_what_a_word_needs_besides_is_asked_for_in_the_name_of_the_option() -> None:
    with pytest.raises(BnncostError, match=r"--set .*size=fit: memories.weight_sram.banks: is missing"):
        load_profile("asic-65nm", ["memories.weight_sram.size=fit"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("clock", ["PLACE=VALUE", "--set memories.feature_sram.size=128kB"]),
        ("clock=", ["PLACE=VALUE"]),
        ("=3MHz", ["PLACE=VALUE"]),
        ("clock..value=3", ["PLACE=VALUE"]),
        ("clock=100", ["needs a unit", "--set clock=100MHz"]),
        ("clock=0MHz", ["clock.value", "greater than zero"]),
        ("clock=-1MHz", ["clock.value", "negative"]),
        ("clock=1e999MHz", ["clock.value", "finite"]),
        ("clock=\u0663MHz", ["clock: must be a quantity"]),
        ("clock=1kB", ["clock.unit", "'kB' does not measure a frequency"]),
        ("clock=1MHx", ["clock.unit", "did you mean 'MHz'"]),
        ("clok=1MHz", ["clok", "did you mean 'clock'"]),
        ("clock.value=3", ["clock is one figure and is set whole", "--set clock=48MHz"]),
        ("memories.feature_sran.size=128kB", ["in memories", "did you mean 'feature_sram'"]),
        ("memories.dram.macros[3].read=3pJ/bit", ["no [3] in memories.dram.macros", "a list of 1"]),
        ("side.policy=matchd", ["side.policy", "did you mean 'matched'"]),
        ("name=mine", ["name says which profile it is", "--profile"]),
        ("extends=asic-45nm", ["extends says which profile it is", "--profile"]),
    ],
)
def test_what_cannot_be_set_is_told_with_the_option_and_without_a_line(text: str, parts: list[str]) -> None:
    with pytest.raises(BnncostError) as caught:
        load_profile("asic-28nm-bnn", [text])
    message = str(caught.value)
    assert message.startswith(f"--set {text}: ")
    assert [part for part in parts if part not in message] == [], message
    assert ".yaml" not in message


def test_all_that_cannot_be_set_is_told_at_once() -> None:
    with pytest.raises(BnncostError) as caught:
        load_profile("asic-28nm-bnn", ["clok=1MHz", "control.energy=3kB", "side.policy=matchd"])
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        "--set clok=1MHz", "--set control.energy=3kB", "--set side.policy=matchd",
    ]  # fmt: skip


# ---------------------------------------------------------------- whose fault it is


def test_a_fault_that_an_option_causes_in_the_file_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(BnncostError) as caught:
        load_profile("asic-28nm-bnn", ["clock=40MHz", "compute.1x1.throughput=3mac/cycle"])
    message = str(caught.value)
    assert message.startswith("--set compute.1x1.throughput=3mac/cycle: compute.1x1.lanes: make 65536 MACs")
    assert "(with what " in message and "asic-28nm-bnn.yaml:" in message


def test_a_fault_that_a_child_causes_in_its_parent_names_the_childs_line(tmp_path: Path) -> None:
    """The parent has its lanes, the child asks for more; its clock has no part in it."""
    text = """\
name: child
extends: asic-45nm
clock: {value: 100, unit: MHz, source: a test, status: assumed}
compute:
  8x8:
    throughput: {value: 7777, unit: mac/cycle, source: a test, status: assumed}
"""
    path = written(tmp_path, text)
    (problem,) = check_profile(path)
    assert (problem.file, problem.line) == (str(path), line_of(text, "throughput"))
    assert problem.place == "compute.8x8.lanes"
    assert "MACs a cycle, but the throughput is 7777" in problem.sentence
    assert "asic-45nm.yaml:" in problem.sentence


def test_a_fault_of_a_role_that_no_memory_holds_any_more_names_who_took_it(tmp_path: Path) -> None:
    written(tmp_path, ASIC, "parent.yaml")
    text = """\
name: child
extends: parent.yaml
clock: {value: 100, unit: MHz, source: a test, status: assumed}
memories:
  sram:
    holds: [weights, parameters, features]
"""
    path = written(tmp_path, text)
    (problem,) = check_profile(path)
    assert (problem.file, problem.line) in {
        (str(path), line_of(text, part)) for part in ("memories:", "holds:")
    }
    assert "binary_features" in problem.sentence


def test_a_parents_own_fault_stays_its_own(tmp_path: Path) -> None:
    text = ASIC.replace(f"clock: {figure(100, 'MHz')}", "clock: 100")
    assert text != ASIC
    parent = written(tmp_path, text, "parent.yaml")
    child = f"name: child\nextends: parent.yaml\ncontrol: {{energy: {figure(9, 'pJ/cycle')}}}\n"
    (problem,) = check_profile(written(tmp_path, child))
    assert (problem.file, problem.line) == (str(parent), line_of(text, "clock:"))


def test_a_long_text_is_refused_and_not_repeated() -> None:
    with pytest.raises(BnncostError, match="has more than 1000 characters") as caught:
        load_profile("asic-65nm", ["a" * 100_000 + "=1"])
    assert len(str(caught.value)) < 300
