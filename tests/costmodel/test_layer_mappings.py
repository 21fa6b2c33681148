"""The mappings behind a cost: their outline by hand, their traffic against the cost's, and wrong names."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest
from hand_mapping import by_hand, plain_mapping, surely_fits
from mapping_cases import random_pair
from toy_chip import chip

import costmodel as cm
from costmodel.evaluate.mappings import LayerMapping, mappings_of
from costmodel.mapping.outline import AxisLanes, Step, Tile, nest_text, outline


def test_what_surely_fits_has_a_mapping() -> None:
    fitting = 0
    for seed in range(300):
        layer, machine = random_pair(random.Random(seed), 400)
        if surely_fits(layer, machine):
            assert plain_mapping(layer, machine).moved, seed
            fitting += 1
    assert 200 < fitting < 280


def test_the_outline_of_a_mapping_made_by_hand() -> None:
    found = outline(by_hand())
    assert found.steps == (Step("K", 2), Step("C", 2), Step("OX", 6))  # nothing parts the two factors of OX
    assert found.tiles == (
        Tile("weights", "sram", 0, 4 * 2 * 1, 1, True, False),
        Tile("weights", "registers", 2, 1, 2, False, False),
        Tile("features", "sram", 0, 2 * 6 * 2, 1, True, False),
        Tile("sums", "sram", 0, 4 * 6 * 8, 1, True, False),
        Tile("sums", "accumulators", 1, 6 * 8, 2, False, False),
    )
    assert found.axes == (AxisLanes("lanes", 3, (("K", 2),)),)
    assert found.utilisation == pytest.approx(2 / 3)


def test_the_nest_of_that_mapping_as_text() -> None:
    assert nest_text(by_hand()).splitlines()[1:] == [
        "# weights in sram: 8 bit, all of them",
        "# features in sram: 24 bit, all of them",
        "# partial sums in sram: 192 bit, all of them",
        "for k in 2:",
        "  # partial sums in accumulators: 48 bit in each of 2",
        "  for c in 2:",
        "    # weights in registers: 1 bit in each of 2",
        "    for ox in 6:",
        "      parallel for k in 2  # along lanes",
        "      mac  # on 2 of 3 lanes, 67 % over all steps",
    ]


def role(one: LayerMapping, operand: str) -> str:
    features = "binary_features" if one.precision.endswith("x1") else "features"
    return {"weights": "weights", "features": features, "sums": "partial_sums"}[operand]


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-22nm-bnn", "fpga-zynq7020"])
def test_shares_and_traffic_are_those_of_the_cost(profile: str) -> None:
    """Buffers and sums move for MACs alone; memories move what side operations read and write besides."""
    design = "resnet20/cifar10"
    cost, chip = cm.cost(design, profile), cm.load_profile(profile)
    bits: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    shares: defaultdict[str, float] = defaultdict(float)
    for one in mappings_of(design, profile):
        shares[one.layer] += one.share
        for row in one.moved:
            bits[one.layer, row.level, role(one, row.operand)] += one.share * row.bits
    assert shares == pytest.approx({layer.layer: 1.0 for layer in cost.layers})
    assert chip.array is not None
    compared = 0
    for layer in cost.layers:
        for row in layer.memory:
            mine = bits.pop((layer.layer, row.level, row.role), 0.0)
            total = row.read_bits + row.write_bits
            if row.level in chip.array.buffers or row.role == "partial_sums":
                assert mine == pytest.approx(total, rel=1e-9)
                compared += 1
            else:
                assert mine <= total * (1 + 1e-9)
    assert not bits and compared >= 2 * len(cost.layers)


def test_energy_is_counted_at_the_prices_of_the_cost() -> None:
    """The accumulators of the stem, and its weights, which no side operation reads."""
    cost = cm.cost("resnet20/cifar10")
    (stem,) = mappings_of("resnet20/cifar10", layer="stem")
    for level, operand, name in (
        ("accumulators", "sums", "partial_sums"),
        ("weight_sram", "weights", "weights"),
    ):
        (row,) = (row for row in cost.layers[0].memory if (row.level, row.role) == (level, name))
        mine = sum(one.energy_j for one in stem.moved if (one.level, one.operand) == (level, operand))
        assert mine == pytest.approx(row.energy_j, rel=1e-9)
        assert mine > 0


def test_features_made_in_the_same_layer_have_no_home_in_the_outline() -> None:
    (classifier,) = mappings_of("resnet20/cifar10", layer="classifier")
    assert classifier.streamed and "streaming" in classifier.homes
    assert [tile.level for tile in classifier.outline.tiles if tile.operand == "features"] == [
        "line_buffer",
        "feature_registers",
    ]
    (stem,) = mappings_of("resnet20/cifar10", layer="stem")
    assert not stem.streamed and stem.homes == "weights in weight_sram, features in feature_sram"


def test_each_goal_is_best_at_what_it_asks_for() -> None:
    found = {
        goal: mappings_of("resnet20/cifar10", "asic-28nm-bnn", "stage3.block1.conv2", goal)[0].mapped
        for goal in ("energy", "latency", "product")
    }
    assert all(found["latency"].cycles <= other.cycles for other in found.values())
    product = {goal: one.energy_j * one.cycles for goal, one in found.items()}
    assert all(product["product"] <= other * (1 + 1e-9) for other in product.values())


def test_part_of_a_name_is_enough_where_no_other_has_it() -> None:
    (one,) = mappings_of("resnet20/cifar10", layer="classif")
    assert one.layer == one.mapped.layer.name == "classifier"


def test_progress_is_told_every_layer_once() -> None:
    told: list[str] = []
    found = mappings_of("resnet20/cifar10", progress=told.append)
    assert told == list(dict.fromkeys(one.layer for one in found)) and len(told) == 20


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("stemm", "unknown layer 'stemm'; did you mean 'stem'?"),
        ("conv1", "'conv1' may be any of 9 layers; say which: stage1.block1.conv1,"),
        ("", "unknown layer ''"),
    ],
)
def test_a_wrong_layer_is_told_with_those_there_are(layer: str, sentence: str) -> None:
    with pytest.raises(cm.BnncostError) as error:
        mappings_of("resnet20/cifar10", layer=layer)
    assert sentence in str(error.value) and "resnet20/cifar10" in str(error.value)


def test_a_layer_without_macs_and_a_profile_without_an_array_have_no_mapping(tmp_path: Path) -> None:
    with pytest.raises(cm.BnncostError, match=r"layer 'stem\.binarize' has no MACs.*: stem,"):
        mappings_of("rbnn/resnet20/cifar10", layer="stem.binarize")
    with pytest.raises(cm.BnncostError, match="'toy' has no `array`"):
        mappings_of("resnet20/cifar10", chip(tmp_path))
    with pytest.raises(cm.BnncostError, match="unknown goal 'speed'"):
        mappings_of("resnet20/cifar10", goal="speed")
