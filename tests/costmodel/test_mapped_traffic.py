"""Mapped traffic of the toy network, reckoned by hand, and what placement and mapping owe each other.

Layer a on 4 x 4 lanes: K in two steps, weights stay for 16 positions each, so 256 bits of weights and twice 512 bits
of features. Layer b on 8 x 8 lanes: one tap after the other, each for all 16 positions, whose sums stay in the
accumulators: 576 bits of weights; of the features 8 channels times the positions that the taps meet, (3 + 4 + 3)
squared. Of 9 visits to each of 128 sums, 8 write and 8 read one of floor(log2 72) + 1 = 7 bits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_chip import arrayed, chip, large, spilling, toy_network

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.arrays import demand_of
from costmodel.evaluate.cost import cost_of_network
from costmodel.evaluate.sweep import sweep
from costmodel.graph import Network, precision
from costmodel.mapping import Architecture, LoopNest, Mapped
from costmodel.pricing import mac_traffic
from costmodel.pricing.placement import place
from costmodel.pricing.price import price

SUMS_BITS = 128 * 8 * 7


def moved(cost: cm.Cost) -> dict[tuple[str, str], tuple[float, float]]:
    return {(row.level, row.role): (row.read_bits, row.write_bits) for row in cost.memory}


def test_the_toy_moves_what_a_hand_calculation_says(tmp_path: Path) -> None:
    cost = cost_of_network(toy_network(), arrayed(tmp_path, large()))
    assert cost.traffic == "mapped"
    assert moved(cost) == {
        ("weight_registers", "weights"): (832, 832),
        ("feature_registers", "features"): (1024, 1024),
        ("feature_registers", "binary_features"): (800, 800),
        ("accumulators", "partial_sums"): (SUMS_BITS, SUMS_BITS),
        ("sram", "weights"): (832, 0),
        ("sram", "features"): (1024, 2048),
        ("sram", "binary_features"): (800, 128),
    }
    memory_pj = 2 * SUMS_BITS + 2 * (832 + 1024 + 800) + 3 * (2048 + 128)
    assert cost.energy_split_j["memory"] == pytest.approx(memory_pj * 1e-12, rel=1e-12)
    steps = {"a": 2 * 16, "b": 9 * 16}
    for layer in cost.layers:
        assert steps[layer.layer] <= layer.cycles <= steps[layer.layer] + 8  # the first and last tiles' way
        assert layer.stall_cycles <= 4


def test_with_one_accumulator_a_lane_the_weights_come_again_for_every_position(tmp_path: Path) -> None:
    """Each position ends its sums before the next begins: 72 x 8 bits of weights for each, and no sum leaves."""
    cost = cost_of_network(toy_network(), arrayed(tmp_path, large(), sums=1))
    found = moved(cost)
    assert found["sram", "weights"][0] == 256 + 16 * 576
    assert ("sram", "partial_sums") not in found


def test_without_an_array_traffic_is_compulsory_and_says_so(tmp_path: Path) -> None:
    plain = chip(tmp_path)
    assert cost_of_network(toy_network(), plain).traffic == "compulsory"
    with pytest.raises(cm.BnncostError, match="'toy' has no `array`"):
        cost_of_network(toy_network(), plain, traffic="mapped")


def test_what_spills_passes_once_through_the_room_that_is_kept_free(tmp_path: Path) -> None:
    """2,304 bits hold the maps' 2,176 only if no weights stay: all 832 come from the DRAM, once."""
    profile = arrayed(tmp_path, spilling(1))
    demand = demand_of(toy_network())
    resident = place(profile, demand)
    tiled = place(profile, demand, tiled=True)
    assert resident.share["weights"]["sram"][0] == pytest.approx(128 / 832)
    assert tiled.share["weights"]["sram"][0] == 0
    assert tiled.room_bits["sram"][0] == 2304 - 2176
    points = price(demand, profile)
    assert points.moved.totals["dram", "weights", "read"][0] == 832
    assert points.moved.totals["sram", "weights", "write"][0] == 832


def streaming_network(channels: int) -> Network:
    """A ReLU makes what the convolution of the same layer reads."""
    g = Builder("stream", (4, 4, 4), precision("int8"), precision("int8"))
    with g.layer("only"):
        made = g.relu(g.input)
        return g.finish(g.conv(made, g.narrow_weight(channels, made, 1, precision("int8"))))


@pytest.mark.parametrize(("channels", "times"), [(4, 1), (8, 2)])
def test_features_made_in_the_layer_stream_by_or_are_written_once(
    tmp_path: Path, channels: int, times: int
) -> None:
    """4 outputs use every feature once, as it is made; 8 outputs on 4 columns read it again, from the memory."""
    found = moved(cost_of_network(streaming_network(channels), arrayed(tmp_path, large())))
    made = 0 if times == 1 else 512
    read, written = found["sram", "features"]
    assert read == 512 + made * times
    assert written == made + channels * 16 * 32


def test_layers_that_are_alike_are_mapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[LoopNest] = []
    real = mac_traffic.cached_mappings

    def counted(pairs: list[tuple[LoopNest, Architecture]]) -> list[Mapped]:
        asked.extend(replace(layer, name="") for layer, _ in pairs)
        return real(pairs)

    monkeypatch.setattr(mac_traffic, "cached_mappings", counted)
    cm.cost("resnet20/cifar10", cm.load_profile("asic-45nm").model_copy())  # which remembers nothing yet
    assert len(asked) == len(set(asked)) == 7  # stem, three 3x3 shapes and two with a stride, classifier


def test_a_layer_that_fits_nowhere_is_named(tmp_path: Path) -> None:
    profile = arrayed(tmp_path, large())
    assert profile.array is not None
    small = profile.array.buffers["feature_registers"].model_copy(
        update={"words": None, "size": profile.memories["sram"].size.model_copy(update={"value": 4, "unit": "bit"})}
    )  # fmt: skip
    array = profile.array.model_copy(
        update={"buffers": {**profile.array.buffers, "feature_registers": small}}
    )
    with pytest.raises(cm.BnncostError, match=r"layer 'a' does not fit .*'feature_registers' lacks 4 bits"):
        cost_of_network(toy_network(), profile.model_copy(update={"array": array}))


def test_points_of_a_sweep_cost_what_each_costs_alone() -> None:
    keys = [cm.DesignKey.parse(f"resnet20[double_residual]@w{width:g}/cifar10") for width in (0.5, 1, 1.7)]
    profiles = [cm.load_profile(name) for name in ("asic-45nm", "asic-22nm-bnn")]
    swept = sweep([replace(keys[0], width=1.0)], np.array([0.5, 1, 1.7]), profiles)
    alone = [[cm.cost(key, profile).energy_j for profile in profiles] for key in keys]
    assert swept.energy_j[0] == pytest.approx(np.array(alone), rel=1e-12)


@pytest.mark.parametrize("traffic", ["mapped", "compulsory"])
def test_weights_that_do_not_stay_are_fetched_once_per_inference(tmp_path: Path, traffic: str) -> None:
    """All 832 bits fit on chip; fetched before each inference, they pass the DRAM's 4-bit port, 256 / 4 cycles in a."""
    memories = large() + spilling(1)[spilling(1).index("  dram:") :]
    stays = arrayed(tmp_path, memories)
    fetched = arrayed(tmp_path, memories.replace("separate_ports: true", "loaded: per inference"))
    one, other = (cost_of_network(toy_network(), chip, traffic=traffic) for chip in (stays, fetched))
    assert ("dram", "weights") not in moved(one)
    assert moved(other)["dram", "weights"] == (832, 0)
    assert moved(other)["sram", "weights"] == (moved(one)["sram", "weights"][0], 832)
    assert (other.layers[0].cycles, other.layers[0].bound_by) == (256 / 4, "port of dram")


def test_weights_can_only_be_fetched_from_further_out(tmp_path: Path) -> None:
    memories = large().replace("separate_ports: true", "loaded: per inference")
    with pytest.raises(cm.BnncostError, match=r"memories.sram.loaded.*needs a level further out"):
        arrayed(tmp_path, memories)
