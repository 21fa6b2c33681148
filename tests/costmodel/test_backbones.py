"""The shipped networks against what their authors count: MACs of deployed models, and parameters."""

from __future__ import annotations

import pytest

from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.folding import fold
from costmodel.graph import Network
from costmodel.networks.build import build

LARQ = [
    # binary MACs and others, as counted on Larq's deployed models (larq/docs, docs/plots/zoo_hero.vg.json)
    ("quicknet_small", 1_156_055_040, 15_489_536),
    ("quicknet", 1_849_688_064, 28_861_440),
    ("quicknet_large", 3_699_376_128, 28_861_440),
    ("binary_densenet28", 3_587_383_296, 202_484_224),
    ("binary_densenet37", 4_506_808_320, 199_738_368),
    ("binary_densenet37_dilated", 7_774_470_144, 452_625_408),
    ("binary_densenet45", 6_430_556_160, 244_103_424),
    ("meliusnet22", 4_624_220_160, 136_388_608),
    ("binary_alexnet", 768_512_000, 72_855_552),
    ("xnornet_alexnet", 1_025_744_896, 113_379_328),
    ("resnet18[double_residual]", 1_676_279_808, 137_793_536),
]
TINY = [
    ("ds_cnn", 2_656_768),
    ("mobilenet_v1_025", 7_489_664),
    ("autoencoder", 264_192),
    ("resnet8", 12_501_632),
]
"""MACs of MLPerf Tiny's reference models (Banbury et al., 2021), here as shape expressions give them."""


def macs(network: Network) -> dict[str, int]:
    found = totals(count(fold(network)))
    return {precision: int(number) for (operation, precision), number in found.items() if operation == "mac"}


def parameters(network: Network, *left_out: str) -> int:
    """Count learned numbers, less those of some roles and the steps of quantizers."""
    kept = [
        param for param in network.learned()
        if param.name.rsplit(".", 1)[-1].split("_")[0] not in ("step", *left_out)
    ]  # fmt: skip
    return sum(int(param.size) for param in kept)


@pytest.mark.parametrize(("text", "binary", "others"), LARQ)
def test_macs_are_those_of_the_deployed_models(text: str, binary: int, others: int) -> None:
    found = macs(build(DesignKey.parse(text)))
    assert found.pop("1x1") == binary
    assert sum(found.values()) == others


@pytest.mark.parametrize(("text", "number"), TINY)
def test_macs_of_mlperf_tiny(text: str, number: int) -> None:
    assert macs(build(DesignKey.parse(f"{text}@compute=int8"))) == {"8x8": number}


def test_macs_of_mlperf_tiny_by_hand() -> None:
    first, depthwise, pointwise = 25 * 5 * 64 * 10 * 4, 25 * 5 * 64 * 9, 25 * 5 * 64 * 64
    assert first + 4 * (depthwise + pointwise) + 64 * 12 == dict(TINY)["ds_cnn"]
    assert dict(TINY)["autoencoder"] == 640 * 128 * 2 + 128 * 128 * 6 + 128 * 8 * 2
    plan = [(8, 16, 48), (16, 32, 24), (32, 32, 24), (32, 64, 12), (64, 64, 12)]
    plan += [(64, 128, 6)] + [(128, 128, 6)] * 5 + [(128, 256, 3), (256, 256, 3)]
    separable = sum(side**2 * (9 * read + read * made) for read, made, side in plan)
    assert 27 * 8 * 48**2 + separable + 256 * 2 == dict(TINY)["mobilenet_v1_025"]


def test_reactnet_a_has_the_operations_of_its_paper() -> None:
    """FLOPs and BOPs / 64 are 0.87e8 together (liuzechun/ReActNet, README)."""
    found = macs(build(DesignKey.parse("reactnet_a")))
    assert found["8x8"] == 27 * 32 * 112**2 + 1024 * 1000
    assert round((found["1x1"] / 64 + found["8x8"]) / 1e8, 2) == 0.87


def test_resnet50_has_the_operations_of_its_binary_model() -> None:
    """7218 M binary operations and 960 MFLOPs, two a MAC (open_model_zoo, resnet50-binary-0001)."""
    network = build(DesignKey.parse("resnet50"))
    found = macs(network)
    assert abs(found["1x1"] * 2 / 1e6 - 7218) < 1 and abs(found["8x8"] * 2 / 1e6 - 960) < 1
    assert parameters(network, "mean", "variance") == 25_557_032  # torchvision's ResNet-50


def test_the_layers_of_finn_have_the_macs_of_its_models() -> None:
    assert macs(build(DesignKey.parse("tfc"))) == {"1x1": 784 * 64 + 2 * 64 * 64 + 64 * 10}
    assert macs(build(DesignKey.parse("lfc"))) == {"1x1": 784 * 1024 + 2 * 1024 * 1024 + 1024 * 10}


@pytest.mark.parametrize(
    ("text", "number"),
    [("quicknet_small", 12_655_688), ("quicknet", 13_234_088), ("quicknet_large", 23_342_248)],
)
def test_quicknet_has_the_parameters_of_larqs_model(text: str, number: int) -> None:
    """Larq counts what is trained and the fixed taps of the blurs, 9 a channel, but not the norms' statistics."""
    network = build(DesignKey.parse(text))
    blurs = sum(9 * int(op.output.shape[0]) for op in network.ops if op.kind == "blur_pool")
    assert parameters(network, "mean", "variance") + blurs == number


@pytest.mark.parametrize(
    ("text", "number"), [("28", 5_150_504), ("37", 8_734_120), ("37_dilated", 8_734_120), ("45", 13_939_240)]
)
def test_binary_densenets_have_the_parameters_of_larqs_models(text: str, number: int) -> None:
    assert parameters(build(DesignKey.parse(f"binary_densenet{text}"))) == number


def test_alexnets_have_the_parameters_of_larqs_models() -> None:
    """There norms have no factor, which folds away in front of a sign, and XNOR-Net's classifier has no bias."""
    assert parameters(build(DesignKey.parse("binary_alexnet")), "gamma") == 61_859_192
    assert parameters(build(DesignKey.parse("xnornet_alexnet")), "gamma") - 1000 == 62_396_768


@pytest.mark.parametrize(("size", "printed"), [("t", 0.77), ("s", 1.72), ("m", 3.17), ("l", 8.19)])
def test_bnext_has_the_operations_of_its_paper(size: str, printed: float) -> None:
    """Binary MACs / 64 and those of 8 bits / 8 [1e8], as hpi-xnor/BNext prints them; its L is `super` in the code."""
    found = macs(build(DesignKey.parse(f"bnext_{size}")))
    assert (found["1x1"] / 64 + found["8x8"] / 8) / 1e8 == pytest.approx(printed, abs=0.01)


@pytest.mark.parametrize("size", ["t", "s", "m", "l"])
def test_a_gate_on_what_it_reads_waits_for_the_whole_map(size: str) -> None:
    """What BNext's gates scale is stored until its average is known, so layers never wait for each other."""
    network = build(DesignKey.parse(f"bnext_{size}"))
    layers = {op.kind: op.layer for op in network.running() if op.layer.startswith("stage1.block1.conv1")}
    assert layers["conv"] == "stage1.block1.conv1"
    assert layers["multiply"] == "stage1.block1.conv1.gated"
    rows = compulsory_traffic(network).rows
    assert any(row.layer == "stage1.block1.conv1.gated" for row in rows)


POKEBNN = "pokebnn[dprelu+squeeze_excitation_4bit+stem_activation(kind=dprelu)]"


def test_pokebnn_has_the_operations_of_its_code() -> None:
    """google/aqt, pokebnn_test.py: ACE is MACs x bits of weight x bits of feature."""
    network = build(DesignKey.parse(POKEBNN))
    found = macs(network)
    dense = 2048 * 1000
    assert found["1x1"] + 64 * (found["8x8"] - dense) + 16 * found["4x4"] == pytest.approx(4.091e9, rel=2e-4)
    assert 64 * dense == pytest.approx(1.31e8, rel=1e-3)
    made = {
        kind: [op for op in network.ops if op.kind == kind]
        for kind in ("batch_norm", "two_slope", "average_pool")
    }
    elements = {kind: sum(int(op.output.size) for op in ops) for kind, ops in made.items()}
    assert elements["batch_norm"] / 1e6 == pytest.approx(17.9, abs=0.05)
    assert elements["two_slope"] / 1e6 == pytest.approx(9.11, abs=0.005)
    assert 9 * elements["average_pool"] / 1e6 == pytest.approx(7.90, abs=0.005)
    shrunk = sum(int(op.inputs[0].size) for op in network.ops if op.kind == "channel_mean")
    assert shrunk / 1e6 == pytest.approx(5.42, abs=0.005)
    added = sum(int(op.output.size) for op in network.ops if op.kind == "add")
    assert added / 1e6 == pytest.approx(8.81 + 5.52, abs=0.01)


def test_bcdnet_a_has_as_many_operations_as_reactnet_a() -> None:
    """As its paper says; two blocks of 512 channels and one of 1024 make room for thirty 1x1 convolutions."""
    first, second = (macs(build(DesignKey.parse(name))) for name in ("bcdnet_a", "reactnet_a"))
    assert first == second
    assert 2 * 10 * 512**2 * 14**2 + 10 * 1024**2 * 7**2 == 3 * (3 * 3 + 1) * 1024**2 * 7**2


def test_reactnet_a_has_the_parameters_of_its_code() -> None:
    """Its modules, counted by hand: no norm has its statistics counted."""
    plan = [
        (32, 64),
        (64, 128),
        (128, 128),
        (128, 256),
        (256, 256),
        (256, 512),
        *[(512, 512)] * 5,
        (512, 1024),
        (1024, 1024),
    ]
    per_block = [
        9 * read**2 + made * read + 2 * read + 2 * made + read + 3 * read + read + 3 * made
        for read, made in plan
    ]  # weights, two norms, RSign, RPReLU, RSign, RPReLU
    expected = 27 * 32 + 2 * 32 + sum(per_block) + 1024 * 1000 + 1000
    network = build(DesignKey.parse("reactnet_a[learned_threshold+rprelu]"))
    assert parameters(network, "mean", "variance") == expected


def test_pokebnns_small_size_has_the_ace_of_its_abstract() -> None:
    """2.6e9, by hand from the widths that google/aqt, pokebnn.py, gives a multiplier of 0.75: the stem stays."""
    sides, wide, blocks = (56, 28, 14, 7), (48, 96, 192, 384), (3, 4, 6, 3)
    binary = gates = 0
    read = 64
    for stage, (inner, number) in enumerate(zip(wide, blocks, strict=True)):
        for place in range(number):
            before = sides[max(stage - 1, 0)] if place == 0 else sides[stage]
            binary += before**2 * read * inner + sides[stage] ** 2 * (9 * inner**2 + 4 * inner**2)
            gates += read // 8 * (read + inner) + inner // 8 * 2 * inner + inner // 8 * 5 * inner
            read = 4 * inner
    edges = 56**2 * (32 * 3 * 16 + 64 * 9) + read * 1000
    found = macs(build(DesignKey.parse(POKEBNN.replace("pokebnn[", "pokebnn_075["))))
    assert found == {"1x1": binary, "4x4": gates, "8x8": edges}
    assert round((binary + 16 * gates + 64 * edges) / 1e9, 1) == 2.6


def test_a_pokebnn_block_reads_the_first_channels_of_a_shortcut() -> None:
    """64 channels become 48: of 64 none go in whole twice, so the first 48 are taken, and nothing is averaged."""
    first = [op for op in build(DesignKey.parse("pokebnn_075")).ops if op.layer == "stage1.block1.conv1"]
    assert [op.output.shape for op in first if op.kind == "crop"] == [(48, 56, 56)]
    assert not [op for op in first if op.kind == "channel_mean"]
    second = [op for op in build(DesignKey.parse("pokebnn_075")).ops if op.layer == "stage1.block2.conv1"]
    assert [op.output.shape for op in second if op.kind == "channel_mean"] == [(48, 56, 56)]


def test_bcdnet_a_has_the_parameters_of_its_code() -> None:
    """Its modules, counted by hand, with one of its two classifiers, which are one once trained."""
    plan = [
        (32, 64),
        (64, 128),
        (128, 128),
        (128, 256),
        (256, 256),
        (256, 512),
        *[(512, 512)] * 3,
        (512, 1024),
    ]
    convolutions = sum(9 * read**2 + made * read + 2 * read + 2 * made for read, made in plan)
    convolutions += sum(read + 3 * read + read + 3 * made for read, made in plan)
    shifted, point = 3 * 1024**2 + 6 * 1024, 1024**2 + 6 * 1024
    expected = 27 * 32 + 2 * 32 + convolutions + 3 * (3 * shifted + point) + 1024 * 1000 + 1000
    network = build(DesignKey.parse("bcdnet_a[learned_threshold+rprelu]"))
    assert parameters(network, "mean", "variance") == expected


def test_ab_bnn_shifts_where_reactnet_a_multiplies() -> None:
    """A scale in place of each norm and a shift in place of each slope: half of the products, and no more."""
    plan = [(32, 64, 112), (64, 128, 56), (128, 128, 56), (128, 256, 28), (256, 256, 28), (256, 512, 14)]
    plan += [(512, 512, 14)] * 5 + [(512, 1024, 7), (1024, 1024, 7)]
    made = sum((read + written) * side**2 for read, written, side in plan)
    stem, head = 32 * 112**2, 1024  # the stem's norm; the average over the last map, and its rounding
    averages = 64 * 56**2 + 128 * 28**2 + 256 * 14**2 + 512 * 7**2
    there, here = (totals(count(fold(build(resolve(name))))) for name in ("reactnet-a", "ab-bnn"))
    assert (there["mul", "int16"], there["shift", "int16"]) == (2 * made + stem + head, averages + head)
    assert (here["mul", "int16"], here["shift", "int16"]) == (made + stem + head, made + averages + head)
    assert there["add", "int16"] - here["add", "int16"] > 0


@pytest.mark.parametrize(
    ("width", "millions", "learned"),
    [("1", 569, 4.24), ("0.75", 325, 2.59), ("0.5", 149, 1.34), ("0.25", 41, 0.47)],
)
def test_mobilenet_has_the_macs_and_parameters_of_its_page(width: str, millions: int, learned: float) -> None:
    """MACs as in keras.applications.mobilenet, parameters as in tensorflow/models, research/slim, in millions.

    The latter prints 317 in place of the paper's 325 MACs at three quarters of the width.
    """
    network = build(DesignKey.parse(f"mobilenet_v1@w{width},compute=int8"))
    assert round(macs(network)["8x8"] / 1e6) == pytest.approx(millions, abs=1)
    assert parameters(network, "mean", "variance") / 1e6 == pytest.approx(learned, abs=0.011)


@pytest.mark.parametrize(("side", "millions"), [(192, 418), (160, 291), (128, 186)])
def test_mobilenet_has_the_macs_of_its_page_for_smaller_images(side: int, millions: int) -> None:
    found = macs(build(DesignKey.parse(f"mobilenet_v1@compute=int8,input={side}x{side}")))
    assert found["8x8"] / 1e6 == pytest.approx(millions, abs=1)
