"""Mapped pricing at its seams: ports of their own, MACs without a loop nest, layers that only look alike."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from toy_chip import FITTED, arrayed, large, toy_network

from costmodel import load_profile
from costmodel.builder import Builder
from costmodel.demand.arrays import demand_of, distinct, joined
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost_of_network
from costmodel.graph import Network, precision
from costmodel.mapping.cache import opened
from costmodel.pricing.mac_traffic import mac_traffic
from costmodel.pricing.price import TrafficModel, price

INT8 = precision("int8")


@pytest.mark.parametrize(
    ("traffic", "separate", "cycles"),
    [
        (
            "mapped",
            "true",
            [(1024 + 128) / 16, (800 + 2048) / 16],
        ),  # maps take longest; weights pass beside them
        ("mapped", "false", [(256 + 1024 + 128) / 16, (576 + 800 + 2048) / 16]),
        ("compulsory", "true", [(512 + 128) / 16, 9216 / 64]),  # the array takes longest in b
        ("compulsory", "false", [(256 + 512 + 128) / 16, (576 + 128 + 2048) / 16]),
    ],
)
def test_operands_with_ports_of_their_own_do_not_wait_for_each_other(
    tmp_path: Path, traffic: TrafficModel, separate: str, cycles: list[float]
) -> None:
    memory = large().replace("1024", "16").replace("separate_ports: true", f"separate_ports: {separate}")
    cost = cost_of_network(toy_network(), arrayed(tmp_path, memory), traffic=traffic)
    assert [layer.cycles for layer in cost.layers] == cycles


def test_a_port_of_a_part_of_a_bit_is_no_narrower_than_it_says(tmp_path: Path) -> None:
    """1408 and 3424 bits at 1.9 a cycle; the mapping, which counts whole bits, takes the nearest, 2."""
    memory = large().replace("1024", "1.9").replace("separate_ports: true", "separate_ports: false")
    cost = cost_of_network(toy_network(), arrayed(tmp_path, memory))
    assert [layer.cycles for layer in cost.layers] == pytest.approx([1408 / 1.9, 3424 / 1.9], rel=1e-12)


@pytest.mark.parametrize(("middle", "from_dram"), [("per inference", 832), ("never", 0)])
def test_weights_pass_every_level_that_does_not_keep_them(
    tmp_path: Path, middle: str, from_dram: int
) -> None:
    """All 832 bits lie in the innermost memory; they come from where they are kept."""
    inner = large().replace("separate_ports: true", "loaded: per inference")
    between = large().replace("sram:", "buffer:").replace("separate_ports: true", f"loaded: {middle}")
    outer = large().replace("sram:", "dram:").replace("separate_ports: true", "loaded: never")
    cost = cost_of_network(toy_network(), arrayed(tmp_path, inner + between + outer))
    moved = {(row.level, row.role): (row.read_bits, row.write_bits) for row in cost.memory}
    assert moved["sram", "weights"][1] == 832
    assert moved["buffer", "weights"] == (832, from_dram)
    assert moved.get(("dram", "weights"), (0, 0)) == (from_dram, 0)


def test_sums_that_nothing_keeps_are_told_with_their_layer(tmp_path: Path) -> None:
    """4 products on 4 lanes need one step, 72 on 8 lanes need nine; a memory that fits has no room to spare."""
    arrayed(tmp_path, FITTED)
    path = tmp_path / "toy.yaml"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("    accumulators:")], "utf-8")
    with pytest.raises(
        BnncostError, match=r"'toy': nothing keeps the partial sums of layer 'b', of 7 bits, which take 9"
    ):
        cost_of_network(toy_network(), load_profile(path))


def wide_network() -> Network:
    """2,048 bits of weights and 1,536 of maps; 8 products a sum."""
    g = Builder("wide", (8, 4, 4), INT8, precision("int16"))
    with g.layer("a"):
        return g.finish(g.sign(g.conv(g.input, g.narrow_weight(32, g.input, 1, INT8))))


def test_what_finds_no_room_is_not_mapped(tmp_path: Path) -> None:
    """Sums have only the memory, whose room is left to those points of a sweep that fit: 832 + 2,176 + 64 bits."""
    profile = arrayed(tmp_path, large(0.375))
    assert profile.array is not None
    buffers = {name: held for name, held in profile.array.buffers.items() if name != "accumulators"}
    array = profile.array.model_copy(update={"buffers": buffers})
    narrow = profile.model_copy(update={"array": array})
    points = price(joined([demand_of(toy_network()), demand_of(wide_network())]), narrow)
    assert (points.setting.placement.unplaced_bits > 0).tolist() == [False, True]
    assert points.moved.totals["sram", "partial_sums", "read"][0] > 0
    with pytest.raises(BnncostError, match="bits find no room"):
        cost_of_network(wide_network(), narrow)


@pytest.mark.parametrize(
    "entry",
    ['{"a":1}', "[[],[],[],[],[]]", "[1,2,3,4,5]", "no JSON", "[[[],[],{}],[[1]],[1,2,3,4],{},[1,2,3]]"],
)
def test_an_entry_of_another_form_is_searched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.setenv("BNNCOST_CACHE", str(tmp_path))
    cost = cost_of_network(toy_network(), arrayed(tmp_path, large()))
    opened.cache_clear()
    (file,) = tmp_path.glob("*.sqlite")
    with closing(sqlite3.connect(file)) as cache, cache:
        for (asked,) in cache.execute("SELECT asked FROM mappings").fetchall():
            seal = blake2b(asked + entry.encode(), digest_size=16).digest()
            cache.execute("UPDATE mappings SET found = ?, seal = ? WHERE asked = ?", (entry, seal, asked))
    assert cost_of_network(toy_network(), arrayed(tmp_path, large())) == cost


def counting_network() -> Network:
    """A layer that convolves bits, and one that counts those of each position, 8 x 16 of them."""
    g = Builder("counted", (4, 4, 4), INT8, precision("int16"))
    with g.layer("a"):
        bits = g.sign(g.conv(g.input, g.narrow_weight(8, g.input, 1, INT8)))
    with g.layer("b"):
        return g.finish(g.map("channel_sum", (bits,), shape=(1, 4, 4)))


def test_counting_the_bits_of_a_map_takes_the_array_time(tmp_path: Path) -> None:
    """128 bits on 64 binary lanes: two cycles, though there is no loop nest to map."""
    demand = demand_of(counting_network())
    points = price(demand, arrayed(tmp_path, large()))
    beside = points.time.cycles.array - sum(mac_traffic(points.setting, demand).cycles.values())
    assert beside[:, 0].tolist() == [0, 128 / 64]


def lookalikes() -> Network:
    """Two layers that count, read and write the same; in the first the addition reads the map that the MACs read."""
    g = Builder("alike", (4, 4, 4), INT8, INT8)
    with g.layer("a"):
        x = g.add(g.relu(g.conv(g.input, g.narrow_weight(4, g.input, 1, INT8))), g.input)
    with g.layer("b"):
        made = g.relu(g.conv(x, g.narrow_weight(4, x, 1, INT8)))
        return g.finish(g.add(made, made))


def test_layers_whose_macs_read_differently_are_kept_apart() -> None:
    demand = demand_of(lookalikes())
    for same in (demand.counts, demand.read_bits, demand.write_bits, demand.alive_bits, demand.macs):
        assert np.array_equal(same[:, 0], same[:, 1])
    assert demand.mac_read_bits[:, 0].tolist() != demand.mac_read_bits[:, 1].tolist()
    assert distinct(demand).repeats.tolist() == [[1], [1]]
