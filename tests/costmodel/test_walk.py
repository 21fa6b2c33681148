"""The walk over a profile's quantities: what it finds, by name and by place, and what it replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from profile_texts import ASIC, TEXTS
from pydantic import BaseModel

from costmodel.hardware import HardwareProfile, Quantity, load_profile, shipped_profiles
from costmodel.hardware.text.problem import place_of
from costmodel.hardware.walk import own_quantities, quantities, quantity_at, with_quantities


@pytest.mark.parametrize("archetype", TEXTS)
def test_every_figure_of_the_text_is_found_in_its_order(tmp_path: Path, archetype: str) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(TEXTS[archetype])
    found = [figure for _, figure in quantities(load_profile(path))]
    assert len(found) == TEXTS[archetype].count("{value: ")


def test_places_are_written_as_messages_write_them(tmp_path: Path) -> None:
    (tmp_path / "chip.yaml").write_text(ASIC)
    chip = load_profile(tmp_path / "chip.yaml")
    places = [place_of(path) for path, _ in quantities(chip)]
    assert places[:3] == ["technology.node", "technology.voltage", "clock"]
    assert {"compute.1x1.popcount.xnor.area", "side.operations.add.int8.energy", "control.leakage"} < set(
        places
    )
    assert "memories.sram.macros[1].leakage" in places
    assert quantity_at(chip, "memories.sram.macros[1].leakage") is chip.memories["sram"].macros[1].leakage
    assert list(own_quantities(chip)) == ["clock"]
    assert list(own_quantities(chip.compute["1x1"])) == ["throughput"]


@pytest.mark.parametrize("name", shipped_profiles())
def test_each_quantity_is_replaced_once_and_the_rest_stays(name: str) -> None:
    chip = load_profile(name)
    asked: list[tuple[str, str]] = []

    def doubled(section: type[BaseModel], field: str, figure: Quantity) -> Quantity:
        asked.append((section.__name__, field))
        return figure.model_copy(update={"value": 2 * figure.value})

    twice = with_quantities(chip, doubled)
    before, after = dict(quantities(chip)), dict(quantities(twice))
    assert list(before) == list(after) and len(asked) == len(before)
    assert all(after[path].value == 2 * before[path].value for path in before)
    assert ("HardwareProfile", "clock") in asked and len({section for section, _ in asked}) > 3
    half = with_quantities(
        twice, lambda _section, _field, one: one.model_copy(update={"value": one.value / 2})
    )
    assert half == chip


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_profile_in_which_nothing_changes_is_the_same_object(name: str) -> None:
    chip: HardwareProfile = load_profile(name)
    assert with_quantities(chip, lambda _section, _field, one: one) is chip
