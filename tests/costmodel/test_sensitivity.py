"""Which figure matters, and where two designs change places; on the toy chip of `toy_chip` by hand, else by pricing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from toy_chip import ALL, chip, figure, large, macro, toy_network

from costmodel import cost, load_profile, shipped_profiles
from costmodel.demand.arrays import demand_of
from costmodel.evaluate.break_even import Comparison, Turn, compare
from costmodel.evaluate.figures import ENDS, End, figures_of
from costmodel.evaluate.sensitivity import (
    Effect,
    Sensitivity,
    held,
    held_demand,
    sensitivity,
    sensitivity_of,
)
from costmodel.hardware import HardwareProfile
from costmodel.hardware.walk import quantities, with_quantity_at

CYCLES = 896 / 24 + 9216 / 64  # layer a waits for the port, layer b for the array
LEAKAGE_PJ = 3e-3 / 100e6 * 1e12  # of logic and memory, a cycle
DESIGNS = ("resnet20[double_residual+prelu]", "resnet20@compute=int8")


def spread(low: float, value: float, high: float, unit: str) -> str:
    return f"{{value: {value}, unit: {unit}, low: {low}, high: {high}, source: made up, status: assumed, note: why}}"


def ranged_toy(folder: Path) -> HardwareProfile:
    """The toy chip with ranges. Reading at 4096 bit is 0.4 pJ, 0.2 to 0.4; at 1024 bit 0.1 pJ without a range."""
    chip(folder)
    larger = macro(0.5, 0.4, 0.4, 0.04, 1).replace(figure(0.4, "pJ/bit"), spread(0.2, 0.4, 0.4, "pJ/bit"), 1)
    path = folder / "ranged.yaml"
    path.write_text(f"""
name: ranged
extends: ./toy.yaml
clock: {spread(50, 100, 200, "MHz")}
compute:
  1x1:
    popcount:
      fan_in: {spread(3, 7, 15, "bit")}
      xnor: {{energy: {spread(0.05, 0.1, 0.3, "pJ/operation")}, area: {spread(6, 7, 9, "um^2")}}}
  8x8:
    energy: {spread(1, 2, 5, "pJ/operation")}
memories:
  sram:
    port: {spread(12, 24, 48, "bit/cycle")}
    macros:
      - {macro(0.125, 0.1, 0.2, 0.01, 1)}
      - {larger}
control:
  energy: {spread(3, 4, 6, "pJ/cycle")}
""", encoding="utf-8")  # fmt: skip
    return load_profile(path)


@pytest.fixture
def toy(tmp_path: Path) -> Sensitivity:
    return sensitivity_of(held_demand(demand_of(toy_network()), ranged_toy(tmp_path), "toy"))


def of(found: Sensitivity, place: str) -> Effect:
    return next(effect for effect in found.effects if effect.figure.place == place)


def exactly(pj: float) -> object:
    return pytest.approx(pj * 1e-12, rel=1e-9)


# ---------------------------------------------------------------- by hand


def test_what_each_figure_does_by_hand(toy: Sensitivity) -> None:
    assert of(toy, "compute.8x8.energy").part_j == exactly(512 * 2)
    assert of(toy, "compute.8x8.energy").swing_j == exactly(512 * (5 - 1))
    assert of(toy, "compute.8x8.energy").low_j == exactly(toy.energy_j * 1e12 - 512)
    assert of(toy, "compute.1x1.popcount.xnor.energy").swing_j == exactly(9216 * 0.25)
    assert of(toy, "control.energy").part_j == exactly(4 * CYCLES)
    assert of(toy, "control.energy").swing_j == exactly(3 * CYCLES)
    # Leakage runs four times as long at 50 MHz as at 200 MHz.
    assert of(toy, "clock").part_j is None
    assert of(toy, "clock").swing_j == exactly(LEAKAGE_PJ * CYCLES * (2 - 0.5))


def test_a_port_matters_as_far_as_it_sets_the_pace(toy: Sensitivity) -> None:
    """At 12 bit a cycle both layers wait for it, 896 and 2,752 bit; at 48 both wait for the array, 32 and 144."""
    at_low, at_high = (896 + 2752) / 12, 512 / 16 + 9216 / 64
    port = of(toy, "memories.sram.port")
    assert port.swing_j == exactly((4 + LEAKAGE_PJ) * (at_low - at_high))


def test_a_memory_has_one_figure_for_reading_at_its_size(toy: Sensitivity) -> None:
    """3,008 bit lie between the macros; with 0.2 pJ at the larger, reading grows with the root of the size."""
    reading = of(toy, "memories.sram.read")
    assert reading.figure.value == pytest.approx(0.1 * 3008 / 1024)
    assert reading.figure.low == pytest.approx(0.1 * (3008 / 1024) ** 0.5)
    assert reading.figure.high == pytest.approx(reading.figure.value)
    bits = 512 + 256 + 128 + 576
    assert reading.part_j == exactly(bits * reading.figure.value)
    assert reading.swing_j == exactly(bits * (reading.figure.high - reading.figure.low))


def test_a_popcount_tree_by_hand(toy: Sensitivity) -> None:
    """A tree of w inputs has (w - log2(w + 1)) / w adders a MAC, and 1 / w of an accumulation."""

    def mac_pj(inputs: int, adders: int) -> float:
        return 0.1 + 0.7 * adders / inputs + 0.7 / inputs

    at_low, now, at_high = mac_pj(3, 1), mac_pj(7, 4), mac_pj(15, 11)
    fan_in = of(toy, "compute.1x1.popcount.fan_in")
    assert fan_in.swing_j == exactly(9216 * (max(at_low, now, at_high) - min(at_low, now, at_high)))


def test_what_costs_area_alone_is_not_listed(toy: Sensitivity) -> None:
    assert not any(".area" in effect.figure.place for effect in toy.effects)


def test_a_figure_without_a_range_could_be_half_or_double_and_has_no_share(toy: Sensitivity) -> None:
    leakage = of(toy, "control.leakage")  # 2 mW, assumed, no range
    assert (leakage.figure.low, leakage.figure.high, leakage.figure.stated) == (1, 4, False)
    assert leakage.swing_j == exactly(3e-3 / 100e6 * 1e12 * CYCLES)
    assert leakage.share is None


def test_a_published_figure_without_a_range_stays_what_it_is(tmp_path: Path) -> None:
    ranged_toy(tmp_path)
    path = tmp_path / "ranged.yaml"
    leakage = figure(2, "mW").replace("assumed", "published")
    path.write_text(path.read_text(encoding="utf-8") + f"  leakage: {leakage}\n", encoding="utf-8")
    found = sensitivity_of(held_demand(demand_of(toy_network()), load_profile(path), "toy"))
    assert of(found, "control.leakage").swing_j == 0
    assert of(found, "control.leakage").part_j == exactly(2e-3 / 100e6 * 1e12 * CYCLES)


def test_the_shares_are_swings_over_their_sum(toy: Sensitivity) -> None:
    shares = [effect.share for effect in toy.effects if effect.share is not None]
    assert sum(shares) == pytest.approx(1, rel=1e-12)
    assert len(shares) == len({"clock", "fan_in", "xnor", "8x8", "port", "read", "control.energy"}), (
        "those with a range of the profile"
    )
    one, other = of(toy, "compute.8x8.energy"), of(toy, "control.energy")
    assert one.share is not None and other.share is not None
    assert one.share / other.share == pytest.approx(512 * 4 / (3 * CYCLES))


def test_with_energies_alone_the_spread_is_what_lies_between_both_corners(tmp_path: Path) -> None:
    chip(tmp_path)
    path = tmp_path / "energies.yaml"
    path.write_text(f"""
name: energies
extends: ./toy.yaml
compute:
  8x8: {{energy: {spread(1, 2, 5, "pJ/operation")}}}
control: {{energy: {spread(3, 4, 6, "pJ/cycle")}, leakage: {spread(1, 2, 4, "mW")}}}
""", encoding="utf-8")  # fmt: skip
    found = sensitivity_of(held_demand(demand_of(toy_network()), load_profile(path), "toy"))
    assert found.high_j - found.low_j == pytest.approx(found.spread_j, rel=1e-12)
    assert found.spread_j == exactly(512 * 4 + 3 * CYCLES + 3e-3 / 100e6 * 1e12 * CYCLES)


# ---------------------------------------------------------------- on shipped profiles


@pytest.mark.parametrize("profile", shipped_profiles())
@pytest.mark.parametrize("design", DESIGNS)
def test_energies_and_powers_add_up_to_the_energy(profile: str, design: str) -> None:
    found = sensitivity(design, profile)
    parts = [effect.part_j for effect in found.effects if effect.figure.law == "linear"]
    assert sum(part or 0.0 for part in parts) == pytest.approx(found.energy_j, rel=1e-12)
    assert found.energy_j == cost(design, profile).energy_j
    assert found.low_j < found.energy_j < found.high_j


def test_the_assumed_figure_of_the_largest_effect_is_the_size_that_a_conclusion_hangs_on() -> None:
    """With a feature memory of 128 kB in place of 64 kB, the gates of squeeze and excitation need no memory outside."""
    small = load_profile("asic-28nm-bnn", ["memories.feature_sram.size=64kB"])
    heaviest = sensitivity("resnet20[squeeze_excitation]", small).heaviest_assumption
    assert heaviest is not None
    assert heaviest.figure.place == "memories.feature_sram.size"
    wide = load_profile("asic-28nm-bnn", [f"memories.feature_sram.size={heaviest.figure.high}kB"])
    assert heaviest.high_j == cost("resnet20[squeeze_excitation]", wide).energy_j
    assert heaviest.high_j < cost("resnet20[squeeze_excitation]", small).energy_j / 3


# ---------------------------------------------------------------- where the order turns


@cache
def second_shortcut_or_width(width: float) -> Comparison:
    return compare("resnet20[double_residual]", f"resnet20@w{width}", "asic-45nm")


def turn_of(compared: Comparison, place: str) -> Turn:
    return next(turn for turn in compared.turns if turn.figure.place == place)


def priced_with(turn: Turn, factor: float, compared: Comparison) -> tuple[float, float]:
    """Both energies, all priced anew, with a figure at so many times its break-even value."""
    assert turn.break_even is not None
    value = turn.break_even * factor
    name = compared.profile.partition(" with ")[0]
    if "macros" in turn.figure.paths[0]:  # one figure for all macros, which no single setting changes
        chip = turn.figure.scaled(load_profile(name), value / turn.figure.value)
    else:
        chip = load_profile(name, [f"{turn.figure.place}={value!r}{turn.figure.unit}"])
    one, other = (cost(name, chip, traffic=compared.traffic) for name in (compared.design, compared.than))
    return one.energy_j, other.energy_j


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-65nm", "mcu-cortex-m33", "fpga-zynq7020"])
def test_at_the_break_even_value_of_a_figure_both_energies_are_equal(profile: str) -> None:
    compared = compare("resnet20[double_residual]", "resnet20@w1.2", profile, traffic="compulsory")
    settable = [
        turn
        for turn in compared.turns
        if turn.break_even is not None
        and turn.figure.law != "another chip"
        and not turn.figure.place.endswith(".units")
    ]
    assert settable, compared.turns
    for turn in settable:
        one, other = priced_with(turn, 1.0, compared)
        assert one == pytest.approx(other, rel=1e-9), turn.figure.place


def test_with_best_mappings_a_multiply_turns_the_order_where_it_says() -> None:
    """Of widths that take about as much as a second shortcut, one at least takes more by what multiplies cost less."""
    found = [second_shortcut_or_width(width) for width in (1.1, 1.2, 1.3)]
    turns = [(turn_of(compared, "side.operations.mul.int16.energy"), compared) for compared in found]
    turning = [(turn, compared) for turn, compared in turns if turn.break_even is not None]
    assert turning
    for turn, compared in turning:
        one, other = priced_with(turn, 1.0, compared)
        assert one == pytest.approx(other, rel=1e-9)


def test_a_size_turns_the_order_within_a_fiftieth_of_what_is_said() -> None:
    """The wider network has the smaller maps, and goes outside less where the memory is small."""
    designs = ("resnet20@w3.0,features=int8", "resnet20@w2.5,features=int16")
    compared = compare(*designs, load_profile("asic-28nm-bnn", ["memories.feature_sram.size=64kB"]))
    turn = turn_of(compared, "memories.feature_sram.size")
    signs = [one < other for one, other in (priced_with(turn, factor, compared) for factor in (0.98, 1.02))]
    assert sorted(signs) == [False, True]


def test_what_does_all_of_another_and_more_never_takes_less() -> None:
    compared = compare("resnet20[double_residual]", "resnet20", "asic-45nm")
    assert compared.nearest is None
    assert compared.difference_j > 0


def test_both_sides_of_a_comparison_say_the_same() -> None:
    """In factors: the value of a memory that fits its design is that at the size of the first one."""
    there = second_shortcut_or_width(1.2)
    back = compare("resnet20@w1.2", "resnet20[double_residual]", "asic-45nm")
    assert there.difference_j == -back.difference_j
    found = {turn.figure.place: turn.factor for turn in there.turns}
    assert found == {turn.figure.place: pytest.approx(turn.factor) for turn in back.turns}


def test_a_design_that_does_not_fit_at_an_end_says_so(tmp_path: Path) -> None:
    """All 3,008 bit fit in 0.4 kB (3,277 bit); half of that has no room for them."""
    memory = large(0.4).replace("size: " + figure(0.4, "kB"), "size: " + spread(0.2, 0.4, 0.8, "kB"), 1)
    assert ALL in memory
    found = sensitivity_of(held_demand(demand_of(toy_network()), chip(tmp_path, memories=memory), "toy"))
    size = of(found, "memories.sram.size")
    assert size.low_j is None
    assert size.high_j is not None
    assert size.share is None


# ---------------------------------------------------------------- nothing is missing


OF_THE_SHAPE = ("throughput", "words", "partial_sum")
"""What comes with the shape of the array; beside it, the sizes at which macros of a memory are given."""


@pytest.mark.parametrize("profile", shipped_profiles())
@pytest.mark.parametrize("design", ["resnet20[double_residual]", "mobilenet_v1_025@compute=int8"])
def test_every_figure_that_moves_an_energy_is_listed(profile: str, design: str) -> None:
    """Each quantity of the profile alone at half and at twice its value, all else held."""
    one = held(design, profile)
    listed = {path for figure in figures_of(one.points) for path in figure.paths}
    for path, quantity in quantities(one.profile):
        if path in listed or path[-1] in OF_THE_SHAPE or ("macros" in path and path[-1] == "size"):
            continue
        for factor in (0.5, 2.0):
            moved = quantity.model_copy(update={"value": quantity.value * factor})
            found = one.energy_on(with_quantity_at(one.profile, path, moved))
            assert found == pytest.approx(one.energy_j, rel=1e-9), path


def test_an_area_leaks_by_hand() -> None:
    """Of 45 nm: 256 lanes of 8 bits leak 2 mW per mm2 over the latency; twice their area is as much again."""
    priced, found = cost("resnet20"), sensitivity("resnet20")
    area = of(found, "compute.8x8.area")
    lanes_mm2 = 256 * area.figure.value * 1e-6
    assert area.figure.unit == "um^2" and area.figure.law == "leaking"
    assert area.part_j == pytest.approx(2e-3 * lanes_mm2 * priced.latency_s, rel=1e-9)
    leakage = of(found, "control.leakage_by_area").part_j
    assert leakage is not None
    parts = [one.part_j or 0.0 for one in found.effects if one.figure.law == "leaking"]
    assert 0.5 * leakage < sum(parts) <= leakage * (1 + 1e-9)


def test_the_figure_of_a_memory_is_that_of_a_bank_without_wires() -> None:
    """Weights of ResNet-18 fill many banks of 32 kB, each of which reads a word of 64 bit for 17.04 pJ (CACTI)."""
    found = sensitivity("resnet18/imagenet", "asic-45nm")
    bank = of(found, "memories.weight_sram.read")
    assert bank.figure.value == pytest.approx(17.0418 / 64, rel=1e-4)
    assert bank.part_j is not None
    traffic = sum(
        row.read_bits for row in cost("resnet18/imagenet", "asic-45nm").memory if row.level == "weight_sram"
    )
    assert bank.part_j == pytest.approx(traffic * 17.0418e-12 / 64, rel=1e-4)
    assert of(found, "memories.weight_sram.banks.wire").part_j


def test_wires_are_as_long_as_the_root_of_the_area() -> None:
    """Nine times the area makes the wires three times as long: the energy rises by twice that of the wires."""
    found = sensitivity("resnet18/imagenet", "asic-45nm")
    (figure,) = (one.figure for one in found.effects if one.figure.place == "memories.weight_sram.area")
    assert figure.law == "root"
    chip = load_profile("asic-45nm")
    larger = cost("resnet18/imagenet", figure.scaled(chip, 9.0)).energy_j
    wires_j = of(found, "memories.weight_sram.banks.wire").part_j
    assert wires_j
    assert larger - found.energy_j == pytest.approx(2 * wires_j, rel=1e-9)


def test_the_break_even_of_a_memory_of_banks_is_exact() -> None:
    """With macros that read for what is said, all priced anew, the two designs take the same energy."""
    compared = compare(
        "resnet18[double_residual]/imagenet", "resnet18@w1.1/imagenet", "asic-45nm", traffic="compulsory"
    )
    turns = [turn_of(compared, f"memories.{name}.read") for name in ("weight_sram", "feature_sram")]
    assert any(turn.break_even for turn in turns)
    for turn in turns:
        if turn.break_even is not None:
            chip = turn.figure.scaled(load_profile("asic-45nm"), turn.break_even * 64 / 17.0418)
            one, other = (cost(name, chip, traffic="compulsory") for name in (compared.design, compared.than))
            assert one.energy_j == pytest.approx(other.energy_j, rel=1e-4)


def test_cycles_of_waiting_and_of_depthwise_macs_are_figures() -> None:
    found = sensitivity("mobilenet_v1_025@compute=int8", "mcu-cortex-m4")
    assert {"processor.weight_wait", "compute.8x8.depthwise"} <= {one.figure.place for one in found.effects}


@pytest.mark.parametrize(
    ("profile", "port"), [("asic-45nm", "feature_sram"), ("asic-22nm-programmable", "feature_sram")]
)
@pytest.mark.parametrize("end", ENDS)
def test_a_port_where_layers_are_mapped_does_what_setting_it_does(profile: str, port: str, end: End) -> None:
    place = f"memories.{port}.port"
    effect = of(sensitivity("resnet20[double_residual]", profile), place)
    value = getattr(effect.figure, end)
    set_to = load_profile(profile, [f"{place}={value:g}bit/cycle"])
    assert getattr(effect, f"{end}_j") == cost("resnet20[double_residual]", set_to).energy_j
    assert effect.share is None and effect.figure.law == "another chip"


def test_without_what_is_mapped_anew_the_rest_stays() -> None:
    whole = sensitivity("resnet20/cifar10", "asic-65nm")
    held_still = sensitivity("resnet20/cifar10", "asic-65nm", anew=False)
    anew = {"memories.weight_sram.size", "memories.feature_sram.size", "memories.dram.port"}
    assert anew <= {effect.figure.place for effect in whole.effects}
    assert held_still.effects == tuple(
        one for one in whole.effects if one.figure.place not in anew and not one.figure.place.endswith("port")
    )
    assert (held_still.low_j, held_still.high_j) == (whole.low_j, whole.high_j)
