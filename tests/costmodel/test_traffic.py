"""Compulsory traffic and storage, against pencil and paper and against a slow judge."""

from __future__ import annotations

import numpy as np
import pytest
from storage_judge import apart, channels_of, judged_order, simulated

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.compulsory import ROLES, Traffic, compulsory_traffic
from costmodel.folding import unfolded
from costmodel.graph import BINARY, Network, Op, Param, Tensor, precision

PUBLISHED = sorted(cm.published_names())


def builder(shape: tuple[int, int, int] = (4, 4, 4)) -> Builder:
    return Builder("toy", shape, precision("int8"), precision("int16"))


def moved(network: Network) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row.layer, row.role): (row.read_bits, row.write_bits) for row in compulsory_traffic(network).rows
    }


# ------------------------------------------------------------------ by hand


def test_inside_a_layer_nothing_moves() -> None:
    g = builder()
    with g.layer("only"):
        y = g.relu(g.hardtanh(g.relu(g.input)))
    assert moved(g.finish(y)) == {("only", "features"): (64 * 8, 64 * 16)}


def test_a_map_is_written_once_and_read_once_by_every_layer_that_needs_it() -> None:
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        left = g.add(x, g.relu(x))
    with g.layer("c"):
        y = g.add(left, x)
    assert moved(g.finish(y)) == {
        ("a", "features"): (64 * 8, 64 * 16),
        ("b", "features"): (64 * 16, 64 * 16),
        ("c", "features"): (2 * 64 * 16, 64 * 16),
    }


def test_a_layer_that_only_subsamples_a_map_reads_a_quarter_of_it() -> None:
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        y = g.map("subsample", (x,), shape=(4, 2, 2), attributes={"stride": 2})
    with g.layer("c"):
        z = g.add(g.map("subsample", (x,), shape=(4, 2, 2), attributes={"stride": 2}), y)
        whole = g.relu(x)
        z = g.multiply(z, g.map("global_average_pool", (whole,), shape=(4, 1, 1)))
    found = moved(g.finish(z))
    assert found["b", "features"] == (4 * 2 * 2 * 16, 4 * 2 * 2 * 16)
    assert found["c", "features"] == (64 * 16 + 16 * 16, 16 * 16)  # c reads the whole of x as well


def test_a_strided_1x1_kernel_reads_a_quarter_of_a_map() -> None:
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        y = g.conv(x, g.narrow_weight(2, x, 1, precision("int8")), stride=2)
    assert moved(g.finish(y))["b", "features"] == (4 * 2 * 2 * 16, 2 * 2 * 2 * 32)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "rows_read"),
    [
        (2, 4, 1, 8),  # four windows of two rows, none of which meet
        (3, 3, 1, 15),  # five windows, and one row behind the last
        (2, 2, 3, 14),  # rows 0 3, 2 5, 4 7, 6 9, 8 11, 10 13 and 12 15: neither 1 nor 14
        (2, 1, 9, 14),  # seven windows: rows 0 to 6 and 9 to 15
        (5, 2, 1, 15),
        (3, 1, 1, 16),
    ],
)
def test_what_a_stride_skips_is_not_read(kernel: int, stride: int, dilation: int, rows_read: int) -> None:
    g = builder((4, 16, 16))
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        weight = g.narrow_weight(2, x, kernel, precision("int8"))
        g.conv(x, weight, stride=stride, dilation=dilation)
    with g.layer("c"):
        y = g.window("max_pool", x, kernel, stride=stride, dilation=dilation)
    with g.layer("b"):
        z = g.conv(x, weight, stride=stride, dilation=dilation)
    with g.layer("d"):
        network = g.finish(g.map("concatenate", (y, z), shape=(6, *y.shape[1:])))
    read = {layer: bits for (layer, role), (bits, _) in moved(network).items() if role == "features"}
    assert read["b"] == read["c"] == 4 * rows_read**2 * 16


def test_roles_and_parameters() -> None:
    """Weights of MACs are weights, all else is a parameter; what export reads is not moved."""
    g = builder()
    with g.layer("a"):
        bits = g.sign(g.bias(g.input, g.param("shift", (4,), "C")))
    with g.layer("b"):
        weight = g.sign_weight(g.binary_weight(8, bits, 3))
        y = g.scale(g.conv(bits, weight, padding=1, pad_value=1), g.param("factor", (8,), "C"))
    network = g.finish(y)
    assert moved(network) == {
        ("a", "parameters"): (4 * 16, 0),
        ("a", "binary_features"): (0, 64),
        ("a", "features"): (64 * 8, 0),
        ("b", "weights"): (8 * 4 * 9, 0),
        ("b", "parameters"): (8 * 16, 0),
        ("b", "binary_features"): (64, 0),
        ("b", "features"): (0, 8 * 16 * 16),
    }
    kept = compulsory_traffic(network).storage
    assert (kept.weights, kept.parameters) == (288, 64 + 128)


def test_wiring_moves_nothing_and_half_of_a_map_is_half_of_the_bits() -> None:
    """c reads the first half of a's and b's maps taken in turn: half of each, and neither is written again."""
    g = builder()
    with g.layer("a"):
        left = g.sign(g.input)
    with g.layer("b"):
        right = g.sign(g.relu(left))
        both = g.map("interleave_channels", (left, right), shape=(8, 4, 4), stored=BINARY)
    with g.layer("c"):
        half = {"slices": 1, "half": 0}
        x = g.map("half_of_slices", (both,), shape=(4, 4, 4), stored=BINARY, attributes=half)
        y = g.conv(x, g.sign_weight(g.binary_weight(2, x, 3)), padding=1, pad_value=1)
    network = g.finish(y)
    found = moved(network)
    assert found["a", "binary_features"] == (0, 64)
    assert found["b", "binary_features"] == (64, 64)
    assert found["c", "binary_features"] == (32 + 32, 0)
    traffic = compulsory_traffic(network)
    assert [(work.layer, work.feature_bits_read) for work in traffic.macs] == [("c", 64)]
    assert traffic.storage.peak_by_role["binary_features"] == 64 + 64


def test_layers_in_a_circle_are_an_error() -> None:
    g = builder()
    with g.layer("a"):
        x = g.relu(g.input)
    with g.layer("b"):
        y = g.relu(x)
    with g.layer("a"):
        z = g.relu(y)
    with pytest.raises(cm.BnncostError, match="layers wait for each other: a, b"):
        compulsory_traffic(g.finish(z))


LOGIC = ("boolean_shortcut", "boolean_shortcut(concatenate=true,slices=2)")


@pytest.mark.parametrize("logic", LOGIC)
@pytest.mark.parametrize("method", ["squeeze_excitation", "data_dependent_shift", "sample_standardize"])
def test_no_layer_waits_for_one_that_waits_for_it(method: str, logic: str) -> None:
    """The mean of a map is made where the map is, and so are its halves and slices; who needs it comes later."""
    network = cm.fold(cm.build(cm.DesignKey.parse(f"resnet8[{logic}+{method}]/digits")))
    assert compulsory_traffic(network).storage.peak_features > 0


# ------------------------------------------------------------------ by a slow judge


def judged(network: Network) -> tuple[dict[tuple[str, str, str], int], dict[str, int]]:
    """Bits by (layer, role, direction) and peaks, channel by channel of every map."""
    channels_read = channels_of(network)
    ops = [op for op in network.running() if channels_read[op.output][0][0] is op.output]  # type: ignore[index]
    parts = {value: apart(places) for value, places in channels_read.items()}
    reads: dict[Tensor, dict[str, list[tuple[Op, set[int]]]]] = {}
    for op in ops:
        of_op: dict[Tensor, set[int]] = {}
        for item in op.inputs:
            for source, channels in parts.get(item, {}).items():  # type: ignore[call-overload]
                of_op[source] = of_op.get(source, set()) | channels
        for source, channels in of_op.items():
            reads.setdefault(source, {}).setdefault(op.layer, []).append((op, channels))
    made = {op.output: op.layer for op in ops}
    order = judged_order(network)
    maps = {network.input, *made}
    bits: dict[tuple[str, str, str], int] = {}
    stored: dict[Tensor, str] = {}
    for tensor in maps:
        assert isinstance(tensor, Tensor)
        channels, height, width = tensor.shape
        size = int(channels) * height * width * tensor.precision.bits
        role = "binary_features" if tensor.precision == BINARY else "features"
        users = {}
        for layer, readers in reads.get(tensor, {}).items():
            if made.get(tensor) != layer:
                area = height * width
                used = [
                    (int(np.prod(op.output.shape[1:])), read)
                    if op.kind == "subsample" or (op.kind == "conv" and op.params[0].shape[-1] == 1)
                    else (area, read)
                    for op, read in readers
                ]
                positions = max(count for count, _ in used)
                together = set().union(*(read for count, read in used if count == positions))
                users[layer] = size * positions * len(together) // (area * int(channels))
        for layer, amount in users.items():
            bits[layer, role, "read"] = bits.get((layer, role, "read"), 0) + amount
        leaves = tensor is network.output
        if not users and not leaves:
            continue
        if tensor is not network.input:
            bits[made[tensor], role, "write"] = bits.get((made[tensor], role, "write"), 0) + size
        stored[tensor] = "" if leaves else max(users, key=order.index)
    for layer in order:
        for param in {param for op in ops if op.layer == layer for param in op.params}:
            role = "weights" if param.axes.startswith("OI") else "parameters"
            size = int(np.prod([int(side) for side in param.shape])) * param.precision.bits
            bits[layer, role, "read"] = bits.get((layer, role, "read"), 0) + size
    return bits, simulated(network, order, stored, channels_read)


def as_judged(traffic: Traffic) -> tuple[dict[tuple[str, str, str], int], dict[str, int]]:
    bits = {
        (row.layer, row.role, direction): int(amount)
        for row in traffic.rows
        for direction, amount in (("read", row.read_bits), ("write", row.write_bits))
        if amount
    }
    kept = traffic.storage
    return bits, {role: int(peak) for role, peak in kept.peak_by_role.items()} | {
        "together": int(kept.peak_features)
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_design_is_as_judged(name: str) -> None:
    network = cm.fold(cm.build(cm.resolve(name)))
    assert as_judged(compulsory_traffic(network)) == judged(network)


@pytest.mark.parametrize("name", sorted(cm.METHODS))
def test_every_method_alone_is_as_judged_folded_or_not(name: str) -> None:
    network = cm.build(cm.DesignKey.parse(f"resnet20[{name}]/digits"))
    for made in (cm.fold(network), unfolded(network)):
        assert as_judged(compulsory_traffic(made)) == judged(made)


def test_stored_parameters_count_once_however_many_layers_read_them() -> None:
    g = builder()
    factor = g.param("factor", (4,), "C")
    with g.layer("a"):
        x = g.scale(g.input, factor)
    with g.layer("b"):
        y = g.scale(x, factor)
    network = g.finish(y)
    assert compulsory_traffic(network).storage.parameters == 4 * 16
    assert [moved(network)[layer, "parameters"] for layer in "ab"] == [(64, 0), (64, 0)]


def test_weights_are_those_of_the_network() -> None:
    """ResNet-20: 9 bits per pair of channels; the 3x3 stem and the classifier have 8 bits each."""
    kept = compulsory_traffic(cm.fold(cm.build(cm.DesignKey.parse("resnet20/cifar10")))).storage
    inner = 9 * (6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    assert kept.weights == inner + 8 * (16 * 3 * 9 + 64 * 10)


def test_an_array_of_widths_is_every_width() -> None:
    widths = np.array([0.5, 1.0, 2.0])
    for text in ("resnet20[double_residual+rprelu]/cifar10", "vgg_small/cifar10"):
        key = cm.DesignKey.parse(text)
        together = compulsory_traffic(cm.fold(cm.build(key, widths)))
        for number, width in enumerate(widths):
            alone = compulsory_traffic(cm.fold(cm.build(key, np.array([width]))))
            for left, right in zip(together.rows, alone.rows, strict=True):
                assert (left.layer, left.role) == (right.layer, right.role)
                assert np.broadcast_to(left.read_bits, 3)[number] == np.broadcast_to(right.read_bits, 1)[0]
                assert np.broadcast_to(left.write_bits, 3)[number] == np.broadcast_to(right.write_bits, 1)[0]
            assert together.storage.peak_features[number] == alone.storage.peak_features[0]
    assert all(row.role in ROLES for row in together.rows)


def test_a_parameter_is_never_written() -> None:
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet20[rprelu]/cifar10")))
    assert any(isinstance(param, Param) for op in network.running() for param in op.params)
    for row in compulsory_traffic(network).rows:
        if row.role in ("weights", "parameters"):
            assert row.write_bits == 0
