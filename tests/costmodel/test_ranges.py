"""Ranges: profiles at both ends, and what the ends make of a cost; the toy chip of `toy_chip` reckoned by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from toy_chip import chip, figure, toy_network

from costmodel import BnncostError, cost_of_network, load_profile, shipped_profiles
from costmodel.evaluate.ranges import cost_range
from costmodel.hardware import HardwareProfile, Quantity
from costmodel.hardware.ends import End, at_end
from costmodel.hardware.text.quantity import Direction
from costmodel.pricing.operation_prices import prices_of

DESIGNS = (
    "resnet20/cifar10",
    "resnet20[double_residual+prelu+squeeze_excitation]@w1.5/cifar10",
    "resnet18[branches]/cifar100",
    "vgg_small/cifar10",
    "resnet20@compute=int8/cifar10",
)


def spread(low: float, value: float, high: float, unit: str) -> str:
    return f"{{value: {value}, unit: {unit}, low: {low}, high: {high}, source: made up, status: assumed, note: why}}"


def ranged_chip(folder: Path, *, units: tuple[float, float] | None = None) -> HardwareProfile:
    """The toy chip with ranges of every kind of figure, those that are kept included."""
    chip(folder, units=units)
    path = folder / "ranged.yaml"
    path.write_text(f"""
name: ranged
extends: ./toy.yaml
technology: {{voltage: {spread(0.5, 1, 2, "V")}}}
clock: {spread(50, 100, 200, "MHz")}
compute:
  1x1:
    throughput: {spread(32, 64, 128, "mac/cycle")}
    popcount:
      fan_in: {spread(3, 7, 15, "bit")}
      xnor: {{energy: {spread(0.05, 0.1, 0.3, "pJ/operation")}, area: {spread(6, 7, 9, "um^2")}}}
  8x8:
    energy: {spread(1, 2, 5, "pJ/operation")}
memories:
  sram:
    port: {spread(12, 24, 48, "bit/cycle")}
control:
  energy: {spread(3, 4, 6, "pJ/cycle")}
  leakage: {spread(1, 2, 4, "mW")}
  area: {figure(0.001, "mm^2")[:-1]}, low: 0.0005, note: no high end}}
""")
    return load_profile(path)


def binary_mac(xnor: float, full_adder: float, accumulator: float) -> float:
    """Seven bits: a parallel counter of 4 full adders, 1/7 of an accumulation."""
    return xnor + 4 / 7 * full_adder + accumulator / 7


@pytest.mark.parametrize(
    ("end", "mhz", "port", "xnor_pj", "xnor_um2", "mac8_pj", "control_pj", "leakage_mw", "control_mm2"),
    [
        ("best", 200, 48, 0.05, 6, 1, 3, 1, 0.0005),
        ("worst", 50, 12, 0.3, 9, 5, 6, 4, 0.001),
    ],
)
def test_a_chip_at_its_ends_by_hand(
    end: End, mhz: float, port: float, xnor_pj: float, xnor_um2: float, mac8_pj: float, control_pj: float,
    leakage_mw: float, control_mm2: float, tmp_path: Path,
) -> None:  # fmt: skip
    """At 48 bit a cycle both layers wait for the array (32, 144 cycles), at 12 for the port (896 / 12, 2752 / 12)."""
    found = cost_of_network(toy_network(), at_end(ranged_chip(tmp_path), end))
    cycles_a, cycles_b = max(896 / port, 512 / 16), max(2752 / port, 9216 / 64)
    assert [layer.cycles for layer in found.layers] == pytest.approx([cycles_a, cycles_b])
    latency_s = (cycles_a + cycles_b) / (mhz * 1e6)
    assert found.latency_s == pytest.approx(latency_s)

    size = 832 + 2176
    read_pj, write_pj = 0.1 * size / 1024, 0.2 * (size / 1024) ** 0.5
    memory_pj = (512 + 256 + 128 + 576) * read_pj + (128 + 2048) * write_pj
    operations_pj = 512 * mac8_pj + 9216 * binary_mac(xnor_pj, 0.7, 0.7) + 128 * 3 + 128 * 1
    control = control_pj * (cycles_a + cycles_b)
    leakage_j = (leakage_mw + 1) * 1e-3 * latency_s
    assert found.energy_j == pytest.approx((operations_pj + memory_pj + control) * 1e-12 + leakage_j)

    logic_um2 = 64 * binary_mac(xnor_um2, 7, 7) + 16 * 100 + 4 * 30 + 4 * 10
    assert found.area["mm2"] == pytest.approx(logic_um2 * 1e-6 + control_mm2 + 0.01 * size / 1024)


def test_what_would_be_another_chip_keeps_its_value(tmp_path: Path) -> None:
    profile = ranged_chip(tmp_path)
    for end in get_args(End):
        moved = at_end(profile, end)
        assert moved.technology == profile.technology
        assert moved.compute["1x1"].throughput == profile.compute["1x1"].throughput
        assert moved.compute["1x1"].popcount is not None and profile.compute["1x1"].popcount is not None
        assert moved.compute["1x1"].popcount.fan_in == profile.compute["1x1"].popcount.fan_in
        assert moved.name == profile.name


def test_prices_looked_up_before_do_not_follow_to_the_ends(tmp_path: Path) -> None:
    profile = ranged_chip(tmp_path)
    macs = (("mac", "8x8"),)
    value, best = prices_of(profile, macs), prices_of(at_end(profile, "best"), macs)
    assert (value.energy_j[0], best.energy_j[0]) == (pytest.approx(2e-12), pytest.approx(1e-12))


def test_an_end_that_is_none_is_refused() -> None:
    with pytest.raises(BnncostError, match="'wrost'; did you mean 'worst'"):
        at_end(load_profile("asic-45nm"), "wrost")  # type: ignore[arg-type]


# ---------------------------------------------------------------- what moves, and where to


def fields_with_quantities(section: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str, list[Any]]]:
    """Each field of a section, and of all below it, that may hold a quantity, with all that its type is made of."""
    for name, field in section.model_fields.items():
        parts = list(parts_of(field.annotation)) + list(field.metadata)
        if Quantity in parts:
            yield section, name, parts
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel) and part is not Quantity:
                yield from fields_with_quantities(part)


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from parts_of(part)


def test_every_type_of_figure_says_which_end_is_cheap() -> None:
    found = {
        (section.__name__, name): parts for section, name, parts in fields_with_quantities(HardwareProfile)
    }
    assert {
        ("HardwareProfile", "clock"),
        ("MemoryLevel", "size"),
        ("Macro", "read"),
        ("Buffer", "port"),
    } <= set(found)
    assert not [
        place for place, parts in found.items() if not any(isinstance(one, Direction) for one in parts)
    ]


def quantities(node: Any, place: str = "") -> Iterator[tuple[str, Quantity]]:
    if isinstance(node, Quantity):
        yield place, node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from quantities(getattr(node, name), f"{place}.{name}")
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from quantities(item, f"{place}.{name}")
    elif isinstance(node, tuple):
        for number, item in enumerate(node):
            yield from quantities(item, f"{place}[{number}]")


MORE_IS_CHEAPER = ("clock", "port")
KEPT = (
    "throughput", "units", "pace", "size", "words", "width", "partial_sum", "fan_in", "node", "voltage", "value",
)  # fmt: skip


@pytest.mark.parametrize("name", shipped_profiles())
def test_each_figure_of_a_shipped_profile_is_at_the_end_that_its_name_asks_for(name: str) -> None:
    profile = load_profile(name)
    ends = {end: dict(quantities(at_end(profile, end))) for end in get_args(End)}
    moved = 0
    for place, one in quantities(profile):
        low = one.value if one.low is None else one.low
        high = one.value if one.high is None else one.high
        best, worst = (low, high) if not place.endswith(MORE_IS_CHEAPER) else (high, low)
        if place.endswith(KEPT):
            best = worst = one.value
        assert (ends["best"][place].value, ends["worst"][place].value) == (best, worst), place
        moved += best != worst
    assert moved > 10


def test_macros_move_too() -> None:
    profile = load_profile("asic-45nm")
    for number, macro in enumerate(profile.memories["feature_sram"].macros):
        best = at_end(profile, "best").memories["feature_sram"].macros[number]
        assert (best.read.value, best.size) == (macro.read.low, macro.size)


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_profile_at_an_end_is_sound_and_stays_there(name: str) -> None:
    for end in get_args(End):
        moved = at_end(load_profile(name), end)
        assert at_end(moved, end) == moved
        for _, one in quantities(moved):
            assert Quantity.model_validate(one.model_dump(exclude_none=True)) == one


# ---------------------------------------------------------------- low <= value <= high


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.parametrize("design", DESIGNS)
def test_the_ends_of_shipped_profiles_are_in_order(design: str, name: str) -> None:
    found = cost_range(design, name, traffic="compulsory")
    in_order(found.low.energy_j, found.value.energy_j, found.high.energy_j)
    in_order(found.low.latency_s, found.value.latency_s, found.high.latency_s)
    for part, energy in found.value.energy_split_j.items():
        in_order(found.low.energy_split_j[part], energy, found.high.energy_split_j[part])
    assert found.low.energy_j < found.high.energy_j
    for resource, area in found.value.area.items():
        in_order(found.low.area[resource], area, found.high.area[resource])


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_ends_are_in_order_with_mapped_traffic(name: str) -> None:
    found = cost_range(DESIGNS[0], name)
    in_order(found.low.energy_j, found.value.energy_j, found.high.energy_j)
    in_order(found.low.latency_s, found.value.latency_s, found.high.latency_s)


def in_order(low: float, value: float, high: float) -> None:
    assert low <= value * (1 + 1e-12) and value <= high * (1 + 1e-12)


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, HardwareProfile]:
    """The toy chip with matched units, and with fixed ones (True)."""
    return {
        False: chip(tmp_path_factory.mktemp("matched")),
        True: chip(tmp_path_factory.mktemp("fixed"), units=(2, 2)),
    }


@given(chance=st.randoms(use_true_random=False), fixed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_the_ranges_dear_is_never_cheaper(
    toys: dict[bool, HardwareProfile], chance: random.Random, fixed: bool
) -> None:
    profile = with_any_ranges(toys[fixed], chance)
    best, value, worst = (
        cost_of_network(toy_network(), one)
        for one in (at_end(profile, "best"), profile, at_end(profile, "worst"))
    )
    in_order(best.energy_j, value.energy_j, worst.energy_j)
    in_order(best.latency_s, value.latency_s, worst.latency_s)
    in_order(best.area["mm2"], value.area["mm2"], worst.area["mm2"])


def with_any_ranges(profile: HardwareProfile, chance: random.Random) -> HardwareProfile:
    """The profile with a random range at about half of its figures, whichever they are."""

    def ranged(node: Any) -> Any:
        if isinstance(node, dict) and "value" in node and "unit" in node:
            ends = {
                "low": node["value"] * chance.uniform(0.01, 1),
                "high": node["value"] * chance.uniform(1, 100),
            }
            return {**node, **ends, "note": "drawn"} if chance.random() < 0.5 else node
        if isinstance(node, dict):
            return {key: ranged(item) for key, item in node.items()}
        return [ranged(item) for item in node] if isinstance(node, list | tuple) else node

    return HardwareProfile.model_validate(ranged(profile.model_dump(exclude_none=True)))


# ---------------------------------------------------------------- area, where the ends turn round


def test_area_is_in_order_whatever_the_ports(tmp_path: Path) -> None:
    """The pace is the same at every port: 4 comparators of 30 um^2 and 4 of 10."""
    chip(tmp_path)
    path = tmp_path / "port.yaml"
    path.write_text(
        f"name: port\nextends: ./toy.yaml\nmemories: {{sram: {{port: {spread(12, 24, 48, 'bit/cycle')}}}}}\n"
    )
    profile = load_profile(path)
    for one in (at_end(profile, "best"), profile, at_end(profile, "worst")):
        units = cost_of_network(toy_network(), one).area_split["side units"]
        assert units == {"mm2": pytest.approx((4 * 30 + 4 * 10) * 1e-6)}


def test_branches_need_no_more_units_at_the_cheap_end_of_an_fpga() -> None:
    """Where units kept pace with the array, 1,497 DSPs stood at the cheap end beside 813 and 471."""
    found = cost_range("resnet18[branches]/cifar100", "fpga-zynq7020", traffic="compulsory")
    in_order(found.low.area["dsp"], found.value.area["dsp"], found.high.area["dsp"])


def test_a_range_of_costs_is_three_costs() -> None:
    found = cost_range("resnet20/cifar10", "asic-45nm")
    totals = found.to_dict()
    assert totals["energy_j"] == {
        "low": found.low.energy_j, "value": found.value.energy_j, "high": found.high.energy_j,
    }  # fmt: skip
    assert set(totals["area"]) == {"mm2"}
    assert sum(part["high"] for part in totals["energy_split_j"].values()) == pytest.approx(
        found.high.energy_j
    )
