"""Signs in the layer that makes what they read: what crosses to another layer is bits, by hand on two or three layers.

a: 3x3 binary convolution of 4 maps of 6 x 6, a whole number of 16 bits per element; b: norm, sign, binary convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_storage import alive
from toy_chip import chip, large
from toy_networks import CHANNELS, ELEMENTS, SIDE, bits_of, builder, check, pooled, rules_of, shift

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.arrays import demand_of
from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import count, totals
from costmodel.folding import RULES, fold
from costmodel.folding.signs import sign_where_made
from costmodel.graph import BINARY, Network, Tensor
from costmodel.pricing.price import price

BITS, WIDE = ELEMENTS, 16 * ELEMENTS
Reader = Callable[[Builder, Tensor], Tensor]


def convolved(g: Builder, bits: Tensor) -> Tensor:
    weight = g.sign_weight(g.binary_weight(CHANNELS, bits, 3))
    return g.conv(bits, weight, padding=1, pad_value=1)


def two_layers(read: Reader) -> Network:
    g = builder()
    with g.layer("a"):
        x = bits_of(g)
    with g.layer("b"):
        return g.finish(convolved(g, read(g, x)))


def written(network: Network, layer: str = "a") -> dict[str, int]:
    """Bits of maps that a layer writes, by role."""
    rows = compulsory_traffic(network).rows
    return {str(row.role): int(row.write_bits) for row in rows if row.layer == layer and row.write_bits}


def signed(g: Builder, x: Tensor) -> Tensor:
    return g.sign(x)


def normed(g: Builder, x: Tensor) -> Tensor:
    return g.sign(g.batch_norm(x))


def strided(g: Builder, x: Tensor) -> Tensor:
    half = SIDE // 2
    return g.sign(g.map("subsample", (x,), shape=(CHANNELS, half, half), attributes={"stride": 2}))


def pooled_first(g: Builder, x: Tensor) -> Tensor:
    return g.sign(pooled(g, x))


def three(g: Builder, x: Tensor) -> Tensor:
    return several(g, x, 3)


def several(g: Builder, x: Tensor, number: int) -> Tensor:
    signs = tuple(g.sign(g.bias(x, shift(g))) for _ in range(number))
    return g.map("concatenate", signs, shape=(number * CHANNELS, SIDE, SIDE), stored=BINARY)


@pytest.mark.parametrize(
    ("read", "bits"),
    [(signed, BITS), (normed, BITS), (strided, BITS // 4), (pooled_first, BITS // 4), (three, 3 * BITS)],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_no_sum_is_stored_for_readers_of_its_signs(read: Reader, bits: int) -> None:
    network = two_layers(read)
    folded = check(network)
    assert rules_of(folded)["bits between layers"] == 1
    assert written(folded) == {"binary_features": bits}
    assert totals(count(folded)) == totals(count(without_the_rule(network)))


def without_the_rule(network: Network) -> Network:
    for rule in RULES:
        if rule is not sign_where_made:
            network = rule(network)
    return network


def test_by_hand_what_the_rule_saves(tmp_path: Path) -> None:
    """16 bits an element written at 3 pJ and read at 2 become one: 15 x 144 elements x 5 pJ, and as much less is kept.

    The threshold and its direction, 16 + 1 bits a channel, are read in a instead of b.
    """
    before, after = (made(two_layers(normed)) for made in (without_the_rule, fold))
    profile = chip(tmp_path, memories=large())
    energies = [price(demand_of(network), profile, "compulsory").energy for network in (before, after)]
    saved = sum(energies[0].memory_j.values())[0] - sum(energies[1].memory_j.values())[0]  # type: ignore[index]
    assert saved == pytest.approx(15 * 144 * 5e-12, rel=1e-9)
    image, result = 16 * 144, 16 * 144
    assert alive(compulsory_traffic(before).storage) == {"a": image + 16 * 144, "b": 16 * 144 + result}
    assert alive(compulsory_traffic(after).storage) == {"a": image + 144, "b": 144 + result}
    reads = [
        {(row.layer, str(row.role)): int(row.read_bits) for row in compulsory_traffic(network).rows}
        for network in (before, after)
    ]
    assert (reads[0]["b", "parameters"], reads[1]["a", "parameters"]) == (17 * CHANNELS, 17 * CHANNELS)
    assert ("a", "parameters") not in reads[0] and reads[1].get(("b", "parameters"), 0) == 0


# ------------------------------------------------------------------ where it must not fire


def added_behind(g: Builder, x: Tensor) -> Tensor:
    """A shortcut of layer b needs the sum."""
    return g.sign(g.add(convolved(g, normed(g, x)), x))


def averaged_too(g: Builder, x: Tensor) -> Tensor:
    """A gate from the whole map, which may be zero and so is not left out before the sign."""
    gate = g.map("hard_sigmoid", (g.map("global_average_pool", (x,), shape=(CHANNELS, 1, 1)),))
    return g.sign(g.multiply(g.batch_norm(g.sign(x)), gate))


def compared_with_its_mean(g: Builder, x: Tensor) -> Tensor:
    """The mean is known when the whole map is there: it waits in the memory."""
    return g.sign(g.subtract(x, g.map("sample_mean", (x,), shape=(1, 1, 1))))


def pooled_and_read(g: Builder, x: Tensor) -> Tensor:
    y = pooled(g, x)
    return g.sign(g.add(y, convolved(g, g.sign(y))))


def sixteen(g: Builder, x: Tensor) -> Tensor:
    """As many bits as the sum has."""
    return several(g, x, 16)


@pytest.mark.parametrize(
    "read", [added_behind, averaged_too, compared_with_its_mean, pooled_and_read, sixteen]
)
def test_a_sum_that_is_read_as_it_is_is_stored(read: Reader) -> None:
    folded = check(two_layers(read))
    assert rules_of(folded)["bits between layers"] == 0
    assert written(folded) == {"features": WIDE}


def test_a_sum_that_another_layer_needs_is_stored_and_not_its_bits_too() -> None:
    g = builder()
    with g.layer("a"):
        x = bits_of(g)
    with g.layer("b"):
        y = convolved(g, normed(g, x))
    with g.layer("c"):
        network = g.finish(g.add(x, y))
    folded = check(network)
    assert rules_of(folded)["bits between layers"] == 0
    assert written(folded) == {"features": WIDE}


def test_a_sum_that_is_the_result_is_stored() -> None:
    g = builder()
    with g.layer("a"):
        x = bits_of(g)
    with g.layer("b"):
        g.sign(x)
    assert rules_of(fold(g.finish(x)))["bits between layers"] == 0


def test_what_streams_inside_a_layer_stays_there() -> None:
    g = builder()
    with g.layer("a"):
        network = g.finish(convolved(g, normed(g, bits_of(g))))
    assert rules_of(check(network))["bits between layers"] == 0


def test_the_image_has_no_layer_that_makes_it() -> None:
    g = builder()
    with g.layer("a"):
        network = g.finish(convolved(g, g.sign(g.input)))
    assert rules_of(check(network))["bits between layers"] == 0


def test_other_reads_in_the_layer_that_makes_it_do_not_matter() -> None:
    """a also averages the sum, which streams by: only bits and the averages leave it."""
    g = builder()
    with g.layer("a"):
        x = bits_of(g)
        mean = g.map("global_average_pool", (x,), shape=(CHANNELS, 1, 1))
    with g.layer("b"):
        network = g.finish(g.multiply(convolved(g, normed(g, x)), mean))
    folded = check(network)
    assert rules_of(folded)["bits between layers"] == 1
    assert written(folded) == {"binary_features": BITS, "features": 16 * CHANNELS}


# ------------------------------------------------------------------ every design


def stored_for_signs(network: Network) -> list[str]:
    """Maps of more than a bit that go to other layers where nothing but signs reads them."""
    made = {op.output: op.layer for op in network.running()}
    found = []
    for value, layer in made.items():
        outside = [op for op in network.running() if value in op.inputs and op.layer != layer]
        signs = [op for op in outside if op.kind in ("sign", "threshold")]
        fewer = len(signs) < value.precision.bits
        if outside and signs == outside and fewer and value is not network.output:
            found.append(f"{layer}: {value.name}")
    return found


@pytest.mark.parametrize("name", sorted(cm.published_names()))
def test_no_published_design_stores_a_sum_for_its_signs(name: str) -> None:
    assert stored_for_signs(fold(cm.build(cm.resolve(name)))) == []


def test_the_slices_of_a_shortcut_leave_the_layer_that_makes_them_as_bits() -> None:
    """BoolNet's 1x1 shortcut of stage 2 has 128 maps of 28 x 28: four bits each are stored, not sums of 16."""
    network = fold(cm.build(cm.resolve("boolnet-k4/resnet18/imagenet")))
    assert written(network, "stage2.block1.shortcut") == {"binary_features": 4 * 128 * 28 * 28}
