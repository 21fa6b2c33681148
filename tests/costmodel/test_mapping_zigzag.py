"""The best mapping against ZigZag 3.9.1, under its conventions: what the tool itself said, layer by layer."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tpu_like import resnet18, tpu_like

from costmodel.mapping import OURS, ZIGZAG, Mapped, Temporal, best_mapping, cost_of

RECORD = Path(__file__).parents[3] / "shared/research/zigzag_tpu_like_8b.json"
LAYERS = resnet18()
LETTERS = {"weights": "W", "features": "I", "sums": "O"}
"""What ZigZag calls the operands."""
ZIGZAG_FACTORS = 6
"""The limit of loop factors under which ZigZag searched (`lpf_limit`)."""


@pytest.fixture(scope="module")
def record() -> dict[str, dict]:  # type: ignore[type-arg]
    if not RECORD.exists():
        pytest.skip("ZigZag's recorded run is not beside this checkout: nothing to compare with")
    (run,) = json.loads(RECORD.read_text())
    return {layer["name"]: layer for layer in run["layers"]}


@pytest.fixture(scope="module")
def mapped() -> dict[str, Mapped]:
    return {name: best_mapping(layer, tpu_like(), conventions=ZIGZAG) for name, layer in LAYERS.items()}


@pytest.fixture(scope="module")
def in_its_space() -> dict[str, Mapped]:
    return {
        name: best_mapping(layer, tpu_like(), conventions=ZIGZAG, most_factors=ZIGZAG_FACTORS)
        for name, layer in LAYERS.items()
    }


def test_the_layers_are_those_of_the_run(record: dict[str, dict]) -> None:  # type: ignore[type-arg]
    assert {name: layer["macs"] for name, layer in record.items()} == {n: x.macs for n, x in LAYERS.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_space_gives_the_same_energy_by_level_and_operand(
    name: str,
    record: dict[str, dict],  # type: ignore[type-arg]
    in_its_space: dict[str, Mapped],
) -> None:
    found: dict[str, float] = {}
    for row in in_its_space[name].moved:
        key = f"{row.level}:{LETTERS[row.operand]}"
        found[key] = found.get(key, 0.0) + row.energy_j * 1e12
    # ZigZag cuts off a fraction of an access, of at most 750 pJ; a layer is some 10,000,000 pJ
    assert found == pytest.approx(record[name]["mem_by_level_operand_pJ"], rel=1e-9, abs=750)
    assert in_its_space[name].energy_j * 1e12 == pytest.approx(record[name]["energy_pJ"], rel=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_all_orders_give_its_energy_or_less(
    name: str,
    record: dict[str, dict],  # type: ignore[type-arg]
    mapped: dict[str, Mapped],
) -> None:
    assert mapped[name].exact
    assert mapped[name].energy_j * 1e12 <= record[name]["energy_pJ"] * (1 + 1e-4)
    assert mapped[name].energy_j * 1e12 >= record[name]["energy_pJ"] * 0.99
    legal = cost_of(LAYERS[name], tpu_like(), mapped[name].mapping, ZIGZAG)
    assert legal.energy_j == pytest.approx(mapped[name].energy_j, rel=1e-12)


def test_total_energy_and_latency_of_its_space(
    record: dict[str, dict],  # type: ignore[type-arg]
    in_its_space: dict[str, Mapped],
) -> None:
    assert sum(x.energy_j for x in in_its_space.values()) == pytest.approx(1860.45e-6, rel=1e-4)
    cycles = sum(layer["latency_cycles"] for layer in record.values())
    assert sum(x.cycles for x in in_its_space.values()) == pytest.approx(cycles, rel=0.01)
    exact = [name for name, x in in_its_space.items() if x.cycles == record[name]["latency_cycles"]]
    assert len(exact) >= 20  # all but the fully-connected layer, where other tiles cost the same energy


def test_it_agrees_on_binary_operands() -> None:
    """What ZigZag 3.9.1 found for weights, features and outputs of 1 bit: 539.57 uJ, 2.930 M cycles."""
    energy = cycles = 0.0
    for layer in LAYERS.values():
        binary = replace(layer, weight_bits=1, feature_bits=1, output_bits=1)
        found = best_mapping(binary, tpu_like(), conventions=ZIGZAG, most_factors=ZIGZAG_FACTORS)
        energy, cycles = energy + found.energy_j, cycles + found.cycles
    assert energy == pytest.approx(539.57e-6, rel=1e-4)
    assert cycles == pytest.approx(2.930e6, rel=0.001)


def test_a_better_mapping_costs_there_what_it_costs_here() -> None:
    """ZigZag 3.9.1, told to use this order in its mapping file, said 238,001,528.192 pJ and 408,775 cycles.

    Its own search, of merged factors, found 238,190,989 pJ.
    """
    layer, machine = LAYERS["/layer4/layer4.0/conv2/Conv"], tpu_like()
    order = (*[("C", 2)] * 3, ("FY", 3), ("FX", 3), ("OY", 7), ("OX", 7), *[("K", 2)] * 4, ("C", 2))
    cuts = {"weights": (0, 5), "features": (0, 12), "sums": (0, 5, 12)}
    found = cost_of(layer, machine, Temporal(machine.array.unrollings[0], order, cuts), ZIGZAG)
    assert found.energy_j * 1e12 == pytest.approx(238_001_528.192, rel=1e-9)
    assert found.cycles == 408_775
    best = best_mapping(layer, machine, conventions=ZIGZAG)
    assert best.energy_j == pytest.approx(found.energy_j, rel=1e-12)


@pytest.mark.parametrize("name", ["/conv1/Conv", "/layer1/layer1.0/conv1/Conv", "/fc/Gemm"])
def test_its_conventions_never_make_a_layer_cheaper(name: str, mapped: dict[str, Mapped]) -> None:
    ours = best_mapping(LAYERS[name], tpu_like(), conventions=OURS)
    assert ours.energy_j < mapped[name].energy_j
    assert ours.energy_j > 0.99 * mapped[name].energy_j


def test_resnet18_takes_well_under_a_second() -> None:
    machine, layers = tpu_like(), set(LAYERS.values())
    began = time.process_time()
    for layer in layers:
        best_mapping(layer, machine, conventions=ZIGZAG)
    assert time.process_time() - began < 1.0
