"""Cycles of a processor besides its operations, by hand on three layers: one of each sort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from profile_texts import MCU, figure

from costmodel.builder import Builder
from costmodel.demand.arrays import Demand, demand_of, joined
from costmodel.evaluate.cost import cost_of_network
from costmodel.graph import Network, precision
from costmodel.hardware import HardwareProfile, load_profile
from costmodel.pricing.price import PointCosts, price

INT8 = precision("int8")
DENSE_MACS, DEPTHWISE_MACS, CLASSIFIER_MACS = 16 * 16 * 4, 16 * 16 * 9, 3 * 16 * 16
PAIRED_MACS = 16 * 16 * 2 * 9
MACS = DENSE_MACS + DEPTHWISE_MACS + PAIRED_MACS + CLASSIFIER_MACS


def network() -> Network:
    """(4, 4, 4) -> 1x1 -> 16 maps -> 3x3 each alone -> 3x3 two by two -> 3 classes."""
    g = Builder("three sorts", (4, 4, 4), INT8, INT8)
    with g.layer("dense"):
        x = g.quantize(g.conv(g.input, g.narrow_weight(16, g.input, 1, INT8)), INT8)
    with g.layer("depthwise"):
        weight = g.narrow_weight(16, x, 3, INT8, groups=16)
        x = g.quantize(g.conv(x, weight, padding=1, groups=16), INT8)
    with g.layer("paired"):
        weight = g.narrow_weight(16, x, 3, INT8, groups=8)
        x = g.quantize(g.conv(x, weight, padding=1, groups=8), INT8)
    with g.layer("classifier"):
        return g.finish(g.linear(x, 3, weight=INT8, bias=False))


@pytest.fixture(scope="module")
def demand() -> Demand:
    return demand_of(network())


def chip(folder: Path, *lines: tuple[str, str]) -> HardwareProfile:
    shift = f"    shift:\n      int32: {{cycles: {figure(4, 'cycle/operation')}}}\n"
    text = MCU.replace("  operations:\n", f"  operations:\n{shift}")
    for section, line in lines:
        indent = "    " if section == "  8x8:" else "  "
        text = text.replace(f"{section}\n", f"{section}\n{indent}{line}\n")
    (folder / "mine.yaml").write_text(text)
    return load_profile(folder / "mine.yaml")


def by_layer(found: PointCosts) -> dict[str, float]:
    return dict(
        zip(
            ("dense", "depthwise", "paired", "classifier"),
            found.time.cycles.beside[:, 0].tolist(),
            strict=True,
        )
    )


def test_without_figures_all_is_inside_the_cycles_of_a_mac(demand: Demand, tmp_path: Path) -> None:
    found = price(demand, chip(tmp_path))
    assert set(by_layer(found).values()) == {0.0}
    assert found.energy.control_j[0] == 0


def test_each_term_is_that_of_its_layers(demand: Demand, tmp_path: Path) -> None:
    slow = price(demand, chip(tmp_path, ("  8x8:", f"depthwise: {figure(5, 'cycle/operation')}")))
    assert by_layer(slow) == {"dense": 0, "depthwise": 3 * DEPTHWISE_MACS, "paired": 0, "classifier": 0}
    waits = price(demand, chip(tmp_path, ("processor:", f"weight_wait: {figure(0.25, 'cycle/bit')}")))
    assert by_layer(waits) == {"dense": 0, "depthwise": 0, "paired": 0, "classifier": 2 * CLASSIFIER_MACS}


def test_they_take_time_and_energy(demand: Demand, tmp_path: Path) -> None:
    lines = (
        ("processor:", f"weight_wait: {figure(0.25, 'cycle/bit')}"),
        ("  8x8:", f"depthwise: {figure(5, 'cycle/operation')}"),
    )
    before, after = price(demand, chip(tmp_path)), price(demand, chip(tmp_path, *lines))
    more = 3 * DEPTHWISE_MACS + 2 * CLASSIFIER_MACS
    assert (after.time.latency_s - before.time.latency_s)[0] * 100e6 == pytest.approx(more)
    assert (after.energy.total_j - before.energy.total_j)[0] * 1e12 == pytest.approx(more * 100)
    assert after.energy.operations_j == pytest.approx(before.energy.operations_j)
    for found in (before, after):  # energy of a processor is its cycles times that of one
        assert found.energy.total_j * 1e12 == pytest.approx(found.time.latency_s * 100e6 * 100)


def test_a_cycle_without_operation_may_cost_less(demand: Demand, tmp_path: Path) -> None:
    waits = ("processor:", f"weight_wait: {figure(0.25, 'cycle/bit')}")
    busy = price(demand, chip(tmp_path, waits))
    calm = price(demand, chip(tmp_path, waits, ("processor:", f"waiting: {figure(40, 'pJ/cycle')}")))
    assert (busy.energy.total_j - calm.energy.total_j)[0] * 1e12 == pytest.approx(
        2 * CLASSIFIER_MACS * (100 - 40)
    )
    assert calm.time.latency_s == pytest.approx(busy.time.latency_s)


def test_points_of_a_sweep_and_repeated_layers_count_alike(demand: Demand, tmp_path: Path) -> None:
    profile = chip(tmp_path, ("processor:", f"weight_wait: {figure(0.25, 'cycle/bit')}"))
    alone, both = price(demand, profile), price(joined([demand, demand]), profile)
    assert np.all(both.energy.total_j == alone.energy.total_j[0])


def test_a_cost_says_which_of_the_figures_are_assumed(tmp_path: Path) -> None:
    profile = chip(
        tmp_path,
        ("processor:", f"weight_wait: {figure(0.25, 'cycle/bit')}"),
        ("  8x8:", f"depthwise: {figure(5, 'cycle/operation')}"),
    )
    found = cost_of_network(network(), profile)
    assert {"processor.weight_wait", "compute.8x8.depthwise"} <= {item.figure for item in found.assumptions}
    assert found.operation_totals()["mac", "8x8"] == MACS


@pytest.mark.parametrize(
    ("section", "line", "sentence"),
    [
        ("processor:", f"weight_wait: {figure(50, 'cycle')}", "does not measure cycles per bit"),
        ("  8x8:", f"depthwise: {figure(5, 'pJ/operation')}", "does not measure cycles per operation"),
    ],
)
def test_wrong_units_are_refused(tmp_path: Path, section: str, line: str, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        chip(tmp_path, (section, line))
