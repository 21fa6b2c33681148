"""The backbones: MAC counts of the literature as shape expressions, and how counts grow with width."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NARROW, compatible, emitting, small_use

from costmodel.demand.counts import CountRow, count, totals
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS
from costmodel.designs.settings import COMPUTE, PADDING
from costmodel.errors import BnncostError
from costmodel.folding import fold, unfolded
from costmodel.graph import BINARY, Network, Op, Tensor
from costmodel.methods import MethodUse
from costmodel.networks.build import build
from costmodel.networks.layers import Widths

Total = tuple[str, str]


def rows_of(text: str) -> tuple[CountRow, ...]:
    return count(fold(build(DesignKey.parse(text))))


def macs(text: str) -> Counter[tuple[str, str]]:
    """MACs of the stem, the inner layers, the shortcuts and the classifier, by precision."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows_of(text):
        if row.operation == "mac":
            part = row.layer if row.layer in ("stem", "classifier") else row.layer.rsplit(".", 1)[-1]
            found["inner" if part.startswith("conv") else part, row.precision] += int(row.count)
    return found


def test_resnet20_on_cifar10() -> None:
    # three stages of six convolutions; the first of stages 2 and 3 reads half the channels
    inner = 9 * (6 * 16 * 16 * 32**2 + (16 * 32 + 5 * 32 * 32) * 16**2 + (32 * 64 + 5 * 64 * 64) * 8**2)
    assert inner == 40_108_032
    assert macs("resnet20/cifar10") == {
        ("stem", "8x8"): 3 * 16 * 9 * 32**2,
        ("inner", "1x1"): inner,
        ("classifier", "8x8"): 64 * 10,
    }
    assert 3 * 16 * 9 * 32**2 == 442_368


def resnet18_inner(side: int) -> int:
    """Four stages of four 3x3 convolutions, the first at this resolution."""
    stages = [(64, 64), (64, 128), (128, 256), (256, 512)]
    return sum(9 * (first * c + 3 * c * c) * (side // 2**n) ** 2 for n, (first, c) in enumerate(stages))


def resnet18_shortcuts(side: int) -> int:
    return sum(c * 2 * c * (side // 2**n) ** 2 for n, c in ((1, 64), (2, 128), (3, 256)))


def test_resnet18_on_cifar100() -> None:
    assert resnet18_inner(32) == 547_356_672
    assert macs("resnet18/cifar100") == {
        ("stem", "8x8"): 3 * 64 * 9 * 32**2,
        ("inner", "1x1"): resnet18_inner(32),
        ("shortcut", "8x8"): resnet18_shortcuts(32),
        ("classifier", "8x8"): 512 * 100,
    }


def test_resnet18_on_imagenet() -> None:
    found = macs("resnet18/imagenet")
    assert found == {
        ("stem", "8x8"): 3 * 64 * 49 * 112**2,
        ("inner", "1x1"): resnet18_inner(56),
        ("shortcut", "8x8"): resnet18_shortcuts(56),
        ("classifier", "8x8"): 512 * 1000,
    }
    assert list(found.values()) == [118_013_952, 1_676_279_808, 19_267_584, 512_000]
    # Bi-Real Net counts real operations plus binary ones by 64
    real = sum(number for (_, precision), number in found.items() if precision == "8x8")
    assert f"{real + found['inner', '1x1'] / 64:.3e}" == "1.640e+08"


def test_resnet34_on_imagenet() -> None:
    blocks = ((64, 64, 3), (64, 128, 4), (128, 256, 6), (256, 512, 3))
    inner = sum(9 * (a * c + (2 * n - 1) * c * c) * (56 // 2**k) ** 2 for k, (a, c, n) in enumerate(blocks))
    assert macs("resnet34/imagenet")["inner", "1x1"] == inner


def test_vgg_small_on_cifar10() -> None:
    inner = 9 * (128 * 128 * 32**2 + (128 * 256 + 256 * 256) * 16**2 + (256 * 512 + 512 * 512) * 8**2)
    assert macs("vgg_small/cifar10") == {
        ("stem", "8x8"): 3 * 128 * 9 * 32**2,
        ("inner", "1x1"): inner,
        ("classifier", "8x8"): 512 * 4 * 4 * 10,
    }


def weight_bits(text: str) -> int:
    """Bits of the stored weights of all layers of MACs."""
    learned = build(DesignKey.parse(text)).learned()
    return sum(int(param.size) * param.precision.bits for param in learned if param.axes in ("OIKK", "OI"))


def test_binareye_is_the_network_of_the_chip() -> None:
    """Eight layers of 2x2 windows over 256 channels, maps of 31, 30, 29, 28, 13, 12, 5 and 4; then 4096 x 10."""
    windows = sum(side**2 for side in (31, 30, 29, 28, 13, 12, 5, 4))
    found = macs("binareye/cifar10")
    assert found == {("inner", "1x1"): windows * 256 * 256 * 4, ("classifier", "1x1"): 4 * 4 * 256 * 10}
    assert sum(found.values()) == 1_006_673_920
    assert weight_bits("binareye/cifar10") == 8 * 256 * 256 * 4 + 40_960 == 2_138_112
    thresholds = totals(rows_of("binareye/cifar10"))["compare", "int8"]
    assert thresholds == 256 * 32 * 32  # of the expansion of the image


def test_cnv_is_the_network_of_finn() -> None:
    """Brevitas and qonnx count 57,906,176 binary MACs, 1,555,200 of an 8-bit image, and 1,542,848 weight bits."""
    convolutions = [(64, 64, 28), (64, 128, 12), (128, 128, 10), (128, 256, 3), (256, 256, 1)]
    inner = sum(9 * read * made * side**2 for read, made, side in convolutions)
    found = macs("cnv/cifar10")
    assert found == {
        ("stem", "1x8"): 9 * 3 * 64 * 30**2,
        ("inner", "1x1"): inner,
        ("dense1", "1x1"): 256 * 512,
        ("dense2", "1x1"): 512 * 512,
        ("classifier", "1x1"): 512 * 10,
    }
    assert (found["stem", "1x8"], sum(found.values())) == (1_555_200, 59_461_376)
    assert sum(n for (_, precision), n in found.items() if precision == "1x1") == 57_906_176
    assert weight_bits("cnv/cifar10") == 1_542_848


def test_resnet8_is_the_network_of_mlperf_tiny() -> None:
    stages = 9 * (2 * 16 * 16 * 32**2 + (16 * 32 + 32 * 32) * 16**2 + (32 * 64 + 64 * 64) * 8**2)
    assert macs("resnet8@compute=int8/cifar10") == {
        ("stem", "8x8"): 3 * 16 * 9 * 32**2,
        ("inner", "8x8"): stages,
        ("shortcut", "8x8"): 16 * 32 * 16**2 + 32 * 64 * 8**2,
        ("classifier", "8x8"): 64 * 10,
    }
    assert sum(macs("resnet8@compute=int8/cifar10").values()) == 12_501_632


def test_maps_that_shrink_to_nothing_are_refused_with_their_layer() -> None:
    with pytest.raises(
        BnncostError,
        match=r"design 'cnv/mnist': stage3.conv2: a 3x3 kernel needs a map of at least 3x3, but 2x2 is",
    ):
        build(DesignKey.parse("cnv/mnist"))
    with pytest.raises(
        BnncostError, match=r"design 'binareye/cifar10-16': stage3.conv2: a 2x2 kernel .* 2x2, but 1x1 is"
    ):
        build(DesignKey.parse("binareye/cifar10-16"))
    with pytest.raises(
        BnncostError, match=r"stage3.conv2: a 2x2 max pool needs a map of at least 2x2, but 1x1"
    ):
        build(DesignKey.parse("vgg_small@input=4x4/digits"))


@pytest.mark.parametrize(("network", "layers"), [
    ("cnv", [(1, 3, False), (1, 3, True), (1, 3, False), (1, 3, True), (2, 3, False)]),
    ("binareye", [(4, 2, True), (2, 2, True), (2, 2, False)]),
])  # fmt: skip
def test_the_smallest_image_leaves_one_position(network: str, layers: list[tuple[int, int, bool]]) -> None:
    """The map behind the last stage has at least one position, and one pixel less leaves none."""

    def left(side: int) -> int:
        for convolutions, kernel, pool in layers:
            side -= convolutions * (kernel - 1)
            side //= 2 if pool else 1
        return side

    smallest = next(side for side in range(1, 64) if left(side) >= 1)
    build(DesignKey.parse(f"{network}@input={smallest}x{smallest}/cifar10"))
    for size in (f"{smallest - 1}x{smallest}", f"{smallest}x{smallest - 1}"):
        with pytest.raises(BnncostError, match="is left of the image"):
            build(DesignKey.parse(f"{network}@input={size}/cifar10"))


def test_the_plain_network_needs_one_norm_per_shortcut_and_one_compare_per_binarized_element() -> None:
    found = totals(rows_of("resnet20/cifar10"))
    maps = [16 * 32**2, 32 * 16**2, 64 * 8**2]
    norms = maps[0] + 3 * sum(maps)  # the stem's and the second of every block
    pooled = 64 * (8 * 8 - 1)
    assert found["mul", "int16"] == norms
    assert found["add", "int16"] == norms + 3 * sum(maps) + pooled
    assert found["compare", "int16"] == 6 * maps[0] + (maps[0] + 5 * maps[1]) + (maps[1] + 5 * maps[2])
    assert found["shift", "int16"] == 64 + 64  # the average's division, and rounding to 8 bits
    assert found["add", "int32"] == 10
    assert len(found) == 7


def test_zero_padding_adds_a_correction_per_border_output() -> None:
    one, zero = (totals(rows_of(f"resnet20{setting}/cifar10")) for setting in ("", "@padding=zero"))
    # at stride 1 every side is cut; at stride 2 an even map is cut at the top and left only
    around = 6 * 16 * (32**2 - 30**2) + 5 * 32 * (16**2 - 14**2) + 5 * 64 * (8**2 - 6**2)
    around += 32 * (16**2 - 15**2) + 64 * (8**2 - 7**2)
    assert zero["add", "int16"] - one["add", "int16"] == around
    assert {key: n for key, n in zero.items() if key != ("add", "int16")} == {
        key: n for key, n in one.items() if key != ("add", "int16")
    }


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_fits_every_data_set_with_large_enough_images(network: str, dataset: str) -> None:
    try:
        built = build(DesignKey(network, dataset))
    except BnncostError as error:
        assert "is left of the image" in str(error) and min(DATASETS[dataset].image[1:]) < 32
        return
    assert built.input.shape == DATASETS[dataset].image
    assert built.output.shape == (DATASETS[dataset].classes, 1, 1)
    assert_consistent(built)
    assert_consistent(fold(built))


@pytest.mark.parametrize("compute", COMPUTE)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_operand_builds(network: str, compute: str) -> None:
    float_ = compute.startswith("fp")
    key = DesignKey(
        network,
        "cifar10",
        compute=compute,
        features=compute if float_ else "int16",
        edge=compute if float_ else "int8",
    )
    rows = count(fold(build(key)))
    found = {row.precision for row in rows if row.operation == "mac" and inner(row.layer)}
    bits = {"binary": "1x1", "ternary": "ternaryxternary"}
    digits = compute.removeprefix("int")
    assert found == {bits.get(compute, f"{digits}x{digits}")}


def inner(layer: str) -> bool:
    return (
        (".conv" in layer or layer.startswith("dense"))
        and not layer.startswith("stem")
        and "gate" not in layer
        and "recouple" not in layer
    )


def assert_consistent(network: Network) -> None:
    """Every value is made before it is read, in a layer, and maps of one sum have one shape."""
    made: set[object] = {network.input}
    names: set[str] = set()
    for op in network.ops:
        for item in op.inputs:
            assert item in made or not isinstance(item, Tensor), (
                f"{op.kind} in {op.layer} reads {item.name} too early"
            )
        assert op.layer
        assert op.output not in made
        made.add(op.output)
        if isinstance(op.output, Tensor):
            assert op.output.name not in names
            names.add(op.output.name)
            assert all(side >= 1 if isinstance(side, int) else np.all(side >= 1) for side in op.output.shape)
        if op.kind in ("add", "logic_or"):
            assert op.inputs[0].shape == op.inputs[1].shape == op.output.shape
        if op.kind == "sign":
            assert op.output.precision == BINARY
    assert network.output in made


@pytest.mark.parametrize(("network", "name"), [(n, m) for n in NARROW for m in emitting(n)])
def test_every_method_leaves_a_consistent_network(network: str, name: str) -> None:
    for padding in PADDING:
        built = build(DesignKey(network, "cifar10", (small_use(name),), padding=padding))
        for variant in (built, unfolded(built), fold(built)):
            assert_consistent(variant)


def test_parameters_have_names_of_their_own() -> None:
    network = build(
        DesignKey.parse("resnet18[double_residual+weight_bases+squeeze_excitation+rprelu]/cifar10")
    )
    names = [param.name for param in network.learned()]
    assert len(names) == len(set(names))


# ------------------------------------------------------------------ width


def test_channels_round_to_the_nearest_whole_number() -> None:
    assert [Widths(factor).of(16) for factor in (0.01, 0.5, 1.03, 1.04, 1.5)] == [1, 8, 16, 17, 24]
    assert Widths(np.array([0.01, 0.5, 1.03, 1.04, 1.5])).of(16).tolist() == [1, 8, 16, 17, 24]  # type: ignore[union-attr]


@st.composite
def designs(draw: st.DrawFn) -> DesignKey:
    """A design of any network with up to three methods."""
    network = draw(st.sampled_from(sorted(NARROW)))
    names = draw(st.lists(st.sampled_from(emitting(network)), max_size=3, unique=True))
    uses = tuple(small_use(name) for name in compatible(names))
    return DesignKey(network, "cifar10", uses, padding=draw(st.sampled_from(PADDING)))


def counted(key: DesignKey, widths: float | np.ndarray | None = None) -> dict[Total, object]:
    return totals(count(fold(build(key, widths))))


@given(key=designs(), widths=st.lists(st.floats(0.05, 4), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_an_array_of_widths_counts_what_each_width_counts(key: DesignKey, widths: list[float]) -> None:
    """One network with arrays in place of channel counts gives every width's counts, integer for integer."""
    together = counted(key, np.array(widths))
    for place, width in enumerate(widths):
        alone = counted(key, width)
        found = {name: np.broadcast_to(np.asarray(n), (len(widths),))[place] for name, n in together.items()}
        assert {name: int(n) for name, n in found.items() if n} == {
            name: int(n) for name, n in alone.items() if n
        }  # type: ignore[call-overload]
        assert all(np.issubdtype(np.asarray(n).dtype, np.integer) for n in together.values())


@given(key=designs(), narrow=st.floats(0.05, 4), factor=st.floats(1, 4))
@settings(max_examples=40, deadline=None)
def test_wider_never_counts_fewer(key: DesignKey, narrow: float, factor: float) -> None:
    found = counted(key, np.array([narrow, narrow * factor]))
    for name, number in found.items():
        less, more = np.broadcast_to(np.asarray(number), (2,))
        assert more >= less, name


@given(thousandths=st.integers(50, 4000), network=st.sampled_from(sorted(NARROW)))
@settings(max_examples=25, deadline=None)
def test_the_width_method_is_the_width_and_has_its_name(thousandths: int, network: str) -> None:
    factor = thousandths / 1000
    use = MethodUse.parse(f"width(factor={factor!r})")
    by_setting = DesignKey(network, "cifar10", width=factor)
    assert counted(DesignKey(network, "cifar10", (use,))) == counted(by_setting)
    assert DesignKey.parse(f"{network}[width(factor={factor!r})]/cifar10") == by_setting
    assert DesignKey(network, "cifar10").with_methods((use,)) == by_setting


def test_both_ways_to_write_a_width_multiply() -> None:
    assert str(DesignKey.parse("resnet20[prelu+width(factor=1.1)]@w1.5")) == "resnet20[prelu]@w1.65/cifar10"
    for text, said in (("@w64", "width '128'"), ("@w1.2345", "more than 4 digits")):
        with pytest.raises(BnncostError, match=said):
            DesignKey.parse(f"resnet20[width(factor={2 if 'w64' in text else 1.2345})]{text}")


def test_twice_the_width_is_four_times_the_binary_work_and_twice_the_maps() -> None:
    one, two = (totals(rows_of(f"resnet20@w{width}/cifar10")) for width in (1, 2))
    assert two["mac", "1x1"] == 4 * one["mac", "1x1"]
    assert two["mul", "int16"] == 2 * one["mul", "int16"]
    assert two["compare", "int16"] == 2 * one["compare", "int16"]


def test_operations_remember_who_asked_for_them_and_where() -> None:
    rows = rows_of("resnet20[double_residual+position_scale]/cifar10")
    assert {row.origin for row in rows} == {"base", "double_residual", "position_scale"}
    shortcuts = [row for row in rows if row.origin == "double_residual"]
    assert {row.layer.rsplit(".", 1)[-1] for row in shortcuts} == {"conv1"}
    assert sum(int(row.count) for row in shortcuts) == 86_016


def test_layers_come_in_the_order_in_which_they_run() -> None:
    layers = fold(build(DesignKey.parse("resnet20/cifar10"))).layers()
    assert layers[0] == "stem" and layers[-1] == "classifier" and len(layers) == 20
    assert list(layers[1:-1]) == sorted(layers[1:-1])


def test_a_builder_refuses_an_unknown_operation() -> None:
    from costmodel.builder import Builder
    from costmodel.graph import precision

    g = Builder("toy", (1, 2, 2), precision("int8"), precision("int16"))
    with pytest.raises(BnncostError, match="unknown operation 'addd'; did you mean 'add'"):
        g.map("addd", (g.input,))


def test_an_attribute_that_is_no_integer_is_named() -> None:
    tensor = Tensor("x", (1, 2, 2), BINARY)
    op = Op("subsample", (tensor,), tensor, (), {"stride": "two"}, "stem")
    with pytest.raises(BnncostError, match="stem: attribute 'stride' of 'subsample' is 'two'"):
        op.integer("stride")
