"""What is kept while each layer runs, by hand: maps that wait, and maps written over an operand that is read last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from test_operations import CASES, IN_TRAINING, WIRING

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.storage import CHOOSING, Storage
from costmodel.graph import BINARY, Role, Tensor, precision
from costmodel.methods import METHODS, MethodUse
from costmodel.networks.build import build
from costmodel.operations import OPERATIONS, known

ELEMENTS = 4 * 4 * 4
INT8, INT16 = precision("int8"), precision("int16")
HALVED = {"size": 2, "stride": 2, "padding": 0}


def builder() -> Builder:
    return Builder("toy", (4, 4, 4), INT8, INT16)


def alive(kept: Storage) -> dict[str, int]:
    """Bits of maps of both kinds that are kept while each layer runs."""
    layers = dict.fromkeys(layer for layer, _ in kept.alive)
    return {layer: sum(int(kept.alive[layer, role]) for role in kept.peak_by_role) for layer in layers}


def kept_by(g: Builder, output: Tensor) -> dict[str, int]:
    return alive(compulsory_traffic(g.finish(output)).storage)


def test_what_waits_for_a_later_reader_is_kept() -> None:
    """x waits from a to d, where the product is written over it."""
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        y = g.map("max_pool", (x,), shape=(4, 2, 2), attributes=HALVED)
    with g.layer("c"):
        bits = g.sign(g.relu(y))
    with g.layer("d"):
        z = g.multiply(x, g.map("global_average_pool", (bits,), shape=(4, 1, 1)))
    kept = compulsory_traffic(g.finish(z)).storage
    image, x_bits, y_bits, bit_map = 64 * 8, 64 * 16, 16 * 16, 16
    assert alive(kept) == {
        "a": image + x_bits,
        "b": x_bits + y_bits,
        "c": x_bits + y_bits + bit_map,
        "d": x_bits + bit_map,
    }
    assert kept.peak_features == image + x_bits
    assert kept.peak_by_role == {"binary_features": bit_map, "features": image + x_bits}


def test_the_second_shortcut_needs_no_room_of_its_own() -> None:
    """ResNet-20: each of the shortcuts' sums is written over the map that it is added to.

    n = 16 x 32 x 32. A layer of stage 1 reads a map of 16 bits and its signs, and writes as much: 34 n = 557,056 bits
    where nothing is written over. The sum takes the map's place: 18 n = 294,912. So does the sum with every second row
    and column of it, of twice the channels: 16 n + n, and n / 2 for its signs. The stem keeps the image, 3 x 32 x 32 of
    8 bits: 16 n + n + 24,576 = 303,104 is the most.
    """
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet20[double_residual]/cifar10")))
    traffic = compulsory_traffic(network)
    n = 16 * 32 * 32
    stage1 = [layer for layer in network.layers() if layer.startswith("stage1")]
    assert len(stage1) == 6
    for layer in stage1:
        maps = [
            row for row in traffic.rows if row.layer == layer and row.role in traffic.storage.peak_by_role
        ]
        assert sum(row.read_bits + row.write_bits for row in maps) == 34 * n == 557_056
        assert alive(traffic.storage)[layer] == 18 * n == 294_912
    assert alive(traffic.storage)["stage2.block1.conv1"] == 17 * n + n // 2
    assert alive(traffic.storage)["stem"] == traffic.storage.peak_features == 17 * n + 24_576 == 303_104


def test_maps_of_a_second_shortcut_stay_in_64_kilobytes() -> None:
    """64 kB are 524,288 bits: 557,056 of them would pass through the DRAM."""
    chip = cm.load_profile("asic-28nm-bnn", ["memories.feature_sram.size=64kB"])
    found = cm.cost("resnet20[double_residual]/cifar10", chip)
    maps = [row for row in found.memory if row.role in ("features", "binary_features")]
    assert {row.level for row in maps if row.read_bits} >= {"feature_sram"}
    assert not any(row.read_bits or row.write_bits for row in maps if row.level == "dram")


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.free_because])
def test_what_is_kept_at_many_widths_is_what_is_kept_at_each(name: str) -> None:
    """Maps are alike in all networks of a sweep, or unlike in all; gates of one element for a map, too."""
    key, widths = cm.DesignKey("resnet20", "cifar10", (MethodUse(name),)), np.array([0.25, 1.0, 1.3])
    swept = compulsory_traffic(cm.fold(build(key, widths))).storage
    for number, width in enumerate(widths):
        alone = compulsory_traffic(cm.fold(build(replace(key, width=float(width))))).storage
        for layer_role, bits in alone.alive.items():
            assert np.broadcast_to(swept.alive[layer_role], 3)[number] == bits


# ------------------------------------------------------------------ where a map takes the place of an operand

Toy = Callable[[Builder, Tensor], Tensor]


def layer_b(make: Toy, *, later: bool = False, stored: str = "int16") -> int:
    """Bits kept while layer b runs: a makes x of 64 elements, b computes with it, and c reads what b made."""
    g = builder()
    with g.layer("a"):
        x = g.map("quantize", (g.input,), stored=precision(stored))
    with g.layer("b"):
        y = make(g, x)
    with g.layer("c"):
        z = g.relu(y)
        if later:
            z = g.multiply(
                z,
                g.map(
                    "absolute_sum", (g.map("global_average_pool", (x,), shape=(4, 1, 1)),), shape=(1, 1, 1)
                ),
            )
    return kept_by(g, z)["b"]


def added(g: Builder, x: Tensor) -> Tensor:
    """A convolution of the image, which b reads too, with x added."""
    weight = g.narrow_weight(4, g.input, 3, INT8)
    return g.prelu(g.add(g.conv(g.input, weight, padding=1), x), g.param("slope", (4,), "C", positive=True))


def chained(g: Builder, x: Tensor) -> Tensor:
    return g.hardtanh(g.bias(g.scale(x, g.param("factor", (4,), "C")), g.param("shift", (4,), "C")))


def narrowed(g: Builder, x: Tensor) -> Tensor:
    return g.map("quantize", (x,), stored=INT8)


def strided_with_zeros(g: Builder, x: Tensor) -> Tensor:
    small = g.map("subsample", (x,), shape=(4, 2, 2), attributes={"stride": 2})
    wide = g.map("pad_channels", (small,), shape=(8, 2, 2), attributes={"channels": 8, "value": 0})
    return g.relu(wide)


@pytest.mark.parametrize(
    ("make", "beside"),
    [(added, ELEMENTS * 8), (chained, 0), (narrowed, 0), (strided_with_zeros, 0)],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_an_element_goes_to_the_place_of_the_one_that_it_was_made_of(make: Toy, beside: int) -> None:
    """The layer keeps x, and the image where it reads that, but nothing more for its result."""
    assert layer_b(make) == ELEMENTS * 16 + beside


def convolved(g: Builder, x: Tensor) -> Tensor:
    return g.relu(g.conv(x, g.narrow_weight(4, x, 3, INT8), padding=1))


def convolved_and_added(g: Builder, x: Tensor) -> Tensor:
    return g.add(convolved(g, x), x)


def convolved_sign_and_added(g: Builder, x: Tensor) -> Tensor:
    """The window round an element needs signs of neighbours that have been written over."""
    bits = g.sign(x)
    return g.add(g.conv(bits, g.sign_weight(g.binary_weight(4, bits, 3)), padding=1, pad_value=1), x)


def pooled(g: Builder, x: Tensor) -> Tensor:
    return g.map("max_pool", (x,), shape=(4, 2, 2), attributes=HALVED)


def averaged(g: Builder, x: Tensor) -> Tensor:
    return g.map("average_pool", (x,), shape=(4, 2, 2), attributes=HALVED)


def gated_by_its_average(g: Builder, x: Tensor) -> Tensor:
    gate = g.map("sigmoid", (g.map("global_average_pool", (x,), shape=(4, 1, 1)),))
    return g.multiply(x, gate)


def repeated(g: Builder, x: Tensor) -> Tensor:
    return g.relu(g.map("repeat_channels", (x,), shape=(8, 4, 4), attributes={"channels": 8}))


def as_bits(g: Builder, x: Tensor) -> Tensor:
    """Maps of bits and others may lie in different memories."""
    return g.sign(x)


@pytest.mark.parametrize(
    ("make", "written"),
    [
        (convolved, 16 * ELEMENTS),
        (convolved_and_added, 16 * ELEMENTS),
        (convolved_sign_and_added, 16 * ELEMENTS),
        (pooled, 16 * ELEMENTS // 4),
        (averaged, 16 * ELEMENTS // 4),
        (gated_by_its_average, 16 * ELEMENTS),
        (repeated, 2 * 16 * ELEMENTS),
        (as_bits, ELEMENTS),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_an_operand_that_is_read_in_another_way_is_not_written_over(make: Toy, written: int) -> None:
    assert layer_b(make) == ELEMENTS * 16 + written


@pytest.mark.parametrize("make", [chained, narrowed, strided_with_zeros])
def test_an_operand_that_is_read_again_is_not_written_over(make: Toy) -> None:
    written = {"chained": 16 * 64, "narrowed": 8 * 64, "strided_with_zeros": 16 * 32}[make.__name__]
    assert layer_b(make, later=True) == ELEMENTS * 16 + written


def test_a_wider_element_does_not_fit_the_place() -> None:
    assert layer_b(chained, stored="int8") == ELEMENTS * (8 + 16)


def test_the_result_of_the_network_is_not_written_over() -> None:
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        y = g.relu(x)
    with g.layer("c"):
        g.relu(y)
    assert kept_by(g, x)["b"] == 2 * ELEMENTS * 16


def test_an_operand_has_room_for_one_result_and_the_widest_goes_there() -> None:
    """b makes 8 bits and 16 bits of each element of x; c reads both."""
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        narrow, wide = narrowed(g, x), chained(g, x)
    with g.layer("c"):
        y = g.add(wide, g.relu(narrow))
    assert kept_by(g, y)["b"] == ELEMENTS * (16 + 8)


def test_two_operands_that_die_and_one_result() -> None:
    g = builder()
    with g.layer("a"):
        x, y = g.relu(g.input), g.hardtanh(g.input)
    with g.layer("b"):
        z = g.add(x, y)
    with g.layer("c"):
        output = g.relu(z)
    assert kept_by(g, output) == {"a": ELEMENTS * (8 + 32), "b": ELEMENTS * 32, "c": ELEMENTS * 16}


def test_a_gate_of_bits_is_written_over_bits_that_are_only_joined() -> None:
    """b joins two maps of bits and takes the XNOR with what it makes of the image: over the two."""
    g = builder()
    with g.layer("a"):
        left, right = g.sign(g.input), g.sign(g.bias(g.input, g.param("shift", (4,), "C")))
        both = g.map("concatenate", (left, right), shape=(8, 4, 4), stored=BINARY)
    with g.layer("b"):
        weight = g.narrow_weight(8, g.input, 3, INT8)
        bits = g.sign(g.conv(g.input, weight, padding=1))
        y = g.map("logic_xnor", (bits, both), stored=BINARY)
    with g.layer("c"):
        z = g.conv(y, g.sign_weight(g.binary_weight(2, y, 3)), padding=1, pad_value=1)
    kept = compulsory_traffic(g.finish(z)).storage
    assert kept.alive["b", Role.BINARY_FEATURES] == 2 * ELEMENTS
    assert kept.alive["c", Role.BINARY_FEATURES] == 2 * ELEMENTS


# ------------------------------------------------------------------ which kinds map element by element


def influences(case: object, number: int) -> np.ndarray:
    """Which elements of the result change with each element of an input: (elements of it, elements of the result)."""
    inputs, params = case.arrays()  # type: ignore[attr-defined]
    meaning, op = known(case.kind).meaning, case.op()  # type: ignore[attr-defined]
    changed = np.zeros((inputs[number].size, int(np.prod(op.output.shape))), dtype=bool)
    for other in (-32.25, 0.125, 32.75):
        for place in range(inputs[number].size):
            moved = [x.copy() for x in inputs]
            moved[number].ravel()[place] = other
            changed[place] |= np.ravel(meaning(op, moved, params) != meaning(op, inputs, params))
    return changed


@pytest.mark.parametrize("case", [*CASES, *WIRING], ids=lambda case: f"{case.kind}-{case.inputs[0]}")
def test_element_by_element_is_what_the_meaning_does(case: object) -> None:
    """Declared for a kind if, and only if, each element of an input goes into that of its place alone."""
    kind, op = case.kind, case.op()  # type: ignore[attr-defined]
    for number, item in enumerate(op.inputs):
        changed = influences(case, number)
        alone = changed.sum(axis=0).max() <= 1 and changed.sum(axis=1).max() <= 1
        in_place = item.shape == op.output.shape and not (changed & ~np.eye(len(changed), dtype=bool)).any()
        if kind in CHOOSING:
            assert alone and changed.any()
        elif item.shape == op.output.shape:
            assert OPERATIONS[kind].elementwise is bool(in_place)
        else:
            assert not alone or kind in (
                "concatenate",
                "interleave_channels",
                "half_of_slices",
                "crop",
                "pad_map",
                "rearrange",
            )


def test_no_other_kind_says_that_it_maps_element_by_element() -> None:
    seen = {case.kind for case in CASES}
    assert {name for name, kind in OPERATIONS.items() if kind.elementwise} <= seen - IN_TRAINING
