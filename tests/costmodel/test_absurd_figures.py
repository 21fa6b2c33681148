"""Figures that are numbers and no hardware: refused where they are read, and no result is zero without a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from profile_texts import ASIC, FPGA, MCU, figure
from toy_chip import toy_network

from costmodel import DesignKey, cost
from costmodel.builder import Builder
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost_of_network
from costmodel.graph import precision
from costmodel.hardware import check_profile, load_profile, shipped_profiles


def profile_at(folder: Path, text: str) -> Path:
    path = folder / "chip.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (ASIC, figure(0.3, "pJ/operation"), figure("1e308", "J/operation")),
        (ASIC, figure(0.3, "pJ/operation"), figure("1e-300", "pJ/operation")),
        (ASIC, figure(400, "um^2"), figure("1e300", "mm^2")),
        (ASIC, figure(100, "MHz"), figure("1e-300", "MHz")),
        (ASIC, figure(100, "MHz"), figure("1e30", "Hz")),
        (ASIC, figure(45, "nm"), figure("1e9", "m")),
        (ASIC, figure(0.9, "V"), figure("1e-9", "V")),
        (ASIC, figure(7, "bit"), figure("1e-9", "bit")),
        (ASIC, figure(128, "bit/cycle"), figure("1e99", "bit/cycle")),
        (ASIC, figure(4, "mW"), figure("1e300", "W")),
        (MCU, figure(2, "cycle/operation"), figure("1e200", "cycle/operation")),
        (MCU, figure(64, "kB"), figure("1e300", "GB")),
        (FPGA, figure(2.5, "lut"), figure("1e100", "lut")),
    ],
)
def test_what_is_outside_of_its_unit_is_refused_by_its_line(
    tmp_path: Path, text: str, old: str, new: str
) -> None:
    assert text.count(old) == 1
    (problem,) = check_profile(profile_at(tmp_path, text.replace(old, new)))
    assert problem.place.endswith(".value") and "to be physical, got" in problem.sentence
    assert problem.line == text[: text.index(old)].count("\n") + 1


def test_the_ends_of_a_range_are_physical_too(tmp_path: Path) -> None:
    wide = "{value: 100, unit: MHz, low: 1e-300, high: 1e300, source: s, status: assumed, note: n}"
    problems = check_profile(profile_at(tmp_path, ASIC.replace(figure(100, "MHz"), wide)))
    assert [problem.place for problem in problems] == ["clock.high", "clock.low"]


def test_a_processor_of_no_energy_is_refused(tmp_path: Path) -> None:
    free = MCU.replace(figure(100, "pJ/cycle"), figure(0, "pJ/cycle"))
    (problem,) = check_profile(profile_at(tmp_path, free))
    assert problem.place == "processor.energy.value" and "greater than zero" in problem.sentence


def test_a_zero_needs_a_reason(tmp_path: Path) -> None:
    bare = "{value: 0, unit: pJ/operation, source: s, status: assumed}"
    (problem,) = check_profile(profile_at(tmp_path, ASIC.replace(figure(0.3, "pJ/operation"), bare)))
    assert problem.place == "compute.8x8.energy.value" and "needs 'note'" in problem.sentence


@pytest.mark.parametrize("profile", shipped_profiles())
def test_a_cost_of_nothing_says_so(profile: str) -> None:
    g = Builder("nothing", (4, 4, 4), precision("int8"), precision("int16"))
    cost = cost_of_network(g.finish(g.input), load_profile(profile))
    assert cost.latency_s == 0 and [note for note in cost.notes if note.startswith("zero: ")]
    whole = cost_of_network(toy_network(), load_profile(profile))
    assert whole.energy_j > 0 and not [note for note in whole.notes if note.startswith("zero: ")]


def test_a_profile_made_in_code_cannot_give_infinite_costs() -> None:
    chip = load_profile("asic-45nm")
    far = chip.model_copy(update={"clock": chip.clock.model_copy(update={"value": 1e-320})})
    with np.errstate(over="ignore"), pytest.raises(BnncostError, match="too large for a number"):
        cost_of_network(toy_network(), far, traffic="compulsory")


def test_json_of_a_cost_is_json() -> None:
    told = cost_of_network(toy_network(), load_profile("asic-45nm")).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False))["energy_j"] == told["energy_j"]


@pytest.mark.parametrize("width", ["1", None, 1 + 2j, 10**400, float("nan"), 1e300, -1])
def test_a_width_that_is_none_is_a_sentence_from_the_library_too(width: object) -> None:
    with pytest.raises(BnncostError, match=r"width '.*' must be a number from 0\.05 to 64"):
        cost(DesignKey("resnet20", "cifar10", width=width), "asic-45nm")  # type: ignore[arg-type]


def test_a_model_of_traffic_that_is_none_is_a_sentence() -> None:
    with pytest.raises(BnncostError, match="unknown model of traffic 'maped'; did you mean 'mapped'"):
        cost("resnet20", "asic-45nm", traffic="maped")  # type: ignore[arg-type]
