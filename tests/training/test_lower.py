"""Lowered networks: what they compute, what they are called, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NARROW, any_values, dyadic_values, images, small_designs, small_images, small_key

from analysis.catalogue.networks import networks_document
from costmodel.builder import Builder
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of
from costmodel.designs.settings import PADDING
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import Network, precision
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.operations.run import run
from training.module.initial import initial_values
from training.module.lower import load_values, lower, values_of

LEAVES_A_MARK = [
    name for name, item in METHODS.items() if item.hook not in ("recipe", "width") or item.estimator
]
APART = [network for network in NARROW if network != "resnet34"]
"""All but one whose blocks are those of resnet18, only more of them."""
EVERY_METHOD = [
    (network, name)
    for network in APART
    for name in LEAVES_A_MARK
    if backbone_of(network).offers(METHODS[name].hook)
]
PLAIN = small_key("resnet20")


def in_torch(network: Network, values: dict[str, np.ndarray], image: np.ndarray) -> np.ndarray:
    model = lower(network, dtype=torch.float64)
    load_values(
        model, {param.name: values[param.name] for param in network.learned()}
    )  # folding may need fewer
    with torch.no_grad():
        return model.eval()(torch.from_numpy(image)).numpy()


def assert_agree(key: DesignKey, seed: int) -> None:
    """Numpy and torch agree bit for bit where arithmetic is exact, before folding and after it."""
    network, rng = build(key), np.random.default_rng(seed)
    values, image = dyadic_values(network, rng), images(network, rng)
    expected = run(network, values, image)
    assert np.all(np.isfinite(expected)) and np.any(expected != expected[0, 0])
    assert np.array_equal(in_torch(network, values, image), expected)
    folded = fold(network)
    assert np.array_equal(in_torch(folded, values, image), run(folded, values, image))


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("network", NARROW)
def test_plain_networks_agree(network: str, padding: str) -> None:
    assert_agree(small_key(network, padding=padding), seed=1)


@pytest.mark.parametrize(("network", "name"), EVERY_METHOD)
def test_every_method_alone_agrees(network: str, name: str) -> None:
    padding = PADDING[(LEAVES_A_MARK.index(name) + list(NARROW).index(network)) % len(PADDING)]
    assert_agree(small_key(network, name, padding=padding), seed=2)


@given(key=small_designs(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_combined_methods_agree(key: DesignKey, seed: int) -> None:
    assert_agree(key, seed)


@given(key=small_designs(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_arbitrary_numbers_agree_up_to_rounding(key: DesignKey, seed: int) -> None:
    network, rng = build(key), np.random.default_rng(seed)
    values, image = any_values(network, rng), images(network, rng)
    expected = run(network, values, image)
    assert np.allclose(in_torch(network, values, image), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "text", ["compute=int4", "compute=ternary", "compute=fp32", "features=fp32,edge=fp32"]
)
def test_other_precisions_agree(text: str) -> None:
    for network, width in NARROW.items():
        built = build(DesignKey.parse(f"{network}@w{width:g},{text}/{small_images(network)}"))
        rng = np.random.default_rng(4)
        values, image = dyadic_values(built, rng), images(built, rng)
        for form in (built, fold(built)):
            assert np.allclose(
                in_torch(form, values, image), run(form, values, image), rtol=1e-12, atol=1e-12
            )


def test_parameters_have_the_names_and_places_of_the_list() -> None:
    network = build(PLAIN)
    model = lower(network)
    state = {name for name, _ in (*model.named_parameters(), *model.named_buffers())}
    assert state == {param.name for param in network.learned()} | {"progress"}
    statistics = {name for name in state if name.endswith((".mean", ".variance"))}
    assert (
        statistics == {name for name, _ in model.named_buffers()} - {"progress"} and len(statistics) == 2 * 19
    )
    assert isinstance(model.get_submodule("stage1.block1.conv1").weight, torch.nn.Parameter)
    for layer in network.layers():
        model.get_submodule(layer)


def test_the_catalogue_counts_the_parameters_that_torch_learns() -> None:
    found = {row["network"]: row["parameters"] for row in networks_document().data}
    for name in ("resnet20", "resnet8", "cnv", "vgg_small", "ds_cnn", "autoencoder"):
        model = lower(build(DesignKey.parse(name)))
        assert found[name] == sum(one.numel() for one in model.parameters() if one.requires_grad), name


def test_a_parameter_named_like_a_layer_keeps_its_name_in_the_values() -> None:
    g = Builder("toy", (2, 4, 4), precision("int8"), precision("int16"))
    with g.layer("outer"):
        y = g.scale(g.input, g.param("inner", (), ""))
        with g.layer("inner"):
            y = g.bias(y, g.param("offset", (), ""))
    network = g.finish(y)
    model = lower(network)
    assert [param.name for param in network.learned()] == ["outer.inner", "outer.inner.offset"]
    assert set(dict(model.named_parameters())) == {"outer.inner_", "outer.inner.offset"}
    assert set(values_of(model)) == {"outer.inner", "outer.inner.offset"}


def test_values_go_in_and_out() -> None:
    network = build(small_key("resnet20", "prelu"))
    values = any_values(network, np.random.default_rng(0))
    model = lower(network, dtype=torch.float64)
    load_values(model, values)
    back = values_of(model)
    assert set(back) == set(values) and all(np.array_equal(back[name], values[name]) for name in values)
    single = values_of(lower(network, dtype=torch.float32))
    assert {array.dtype for array in single.values()} == {np.dtype("float64")}


def test_loading_refuses_what_does_not_fit_and_changes_nothing() -> None:
    model = lower(build(PLAIN))
    before = values_of(model)
    good = {name: array + 1 for name, array in before.items()}
    with pytest.raises(BnncostError, match=r"unknown parameter 'stem[.]gama'; did you mean 'stem[.]gamma'"):
        load_values(model, {**good, "stem.gama": np.zeros(4)})
    with pytest.raises(BnncostError, match=r"'stem.gamma' has shape \(4,\), but the array given has \(5,\)"):
        load_values(model, {**good, "stem.gamma": np.zeros(5)})
    with pytest.raises(
        BnncostError, match=r"no value is given for 1 of 98 parameters, such as 'stem[.]gamma'"
    ):
        load_values(model, {name: array for name, array in good.items() if name != "stem.gamma"})
    after = values_of(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_folded_network_only_evaluates() -> None:
    network = build(PLAIN)
    model = lower(fold(network))
    assert not model.training and not list(model.parameters()) and not model.trains
    with pytest.raises(BnncostError, match="is folded for inference and cannot be trained"):
        model.train()
    with pytest.raises(BnncostError, match="holds what a chip stores, not what was learned"):
        values_of(model)
    bits = {name for name, buffer in model.named_buffers() if set(buffer.unique().tolist()) == {-1.0, 1.0}}
    assert sum("sign_weight" in name for name in bits) == 18


def test_an_array_of_widths_is_refused() -> None:
    network = build(PLAIN, widths=np.array([0.5, 1.0]))
    with pytest.raises(BnncostError, match=r"carries an array of widths at .* a module has one width"):
        lower(network)


def test_images_of_another_shape_are_refused() -> None:
    model = lower(build(PLAIN))
    for shape in [(2, 1, 8, 9), (1, 8, 8), (2, 3, 8, 8)]:
        with pytest.raises(BnncostError, match=r"takes images of shape \(N, 1, 8, 8\), not"):
            model(torch.zeros(shape))


def test_one_seed_gives_one_network() -> None:
    def drawn(seed: int) -> dict[str, np.ndarray]:
        return values_of(lower(build(PLAIN), generator=torch.Generator().manual_seed(seed)))

    one, same, other = drawn(1), drawn(1), drawn(2)
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["stem.weight"], other["stem.weight"])


def test_initial_values_by_hand() -> None:
    values = initial_values(
        build(DesignKey.parse("resnet20[weight_bases+activation_bases(count=2)]/cifar10"))
    )
    layer = "stage1.block1.conv1"
    assert [values[f"{layer}.shift{end}"].item() for end in ("", "_2", "_3")] == [-1, 0, 1]  # of the weights
    assert [values[f"{layer}.shift{end}"].item() for end in ("_4", "_5")] == [-1, 1]  # of the map behind
    assert [values[f"stem.shift{end}"].item() for end in ("", "_2")] == [-1, 1]
    assert values["stem.gamma"].tolist() == [1] * 16 and values["stem.beta"].tolist() == [0] * 16
    assert abs(values["stage3.block3.conv2.weight"].std().item() / (2 / (64 * 9)) ** 0.5 - 1) < 0.03
    share = initial_values(build(DesignKey.parse("resnet20[spatial_scale]/cifar10")))
    assert share["stage3.block1.conv1.window_share"].item() == 1 / (9 * 32)
    g = Builder("toy", (1, 2, 2), precision("int8"), precision("int16"))
    network = g.finish(g.bias(g.input, g.param("offset", (), "", initial="norml")))
    with pytest.raises(BnncostError, match="'offset': unknown initial value 'norml'"):
        initial_values(network)


def test_wanted_maps_come_with_the_output() -> None:
    network = build(PLAIN)
    model = lower(network).eval()
    image = torch.rand(2, 1, 8, 8)
    signed = [op.inputs[0] for op in network.ops if op.kind == "sign"]
    found = model.maps(image, signed)
    assert set(found) == {*signed, network.output}
    assert torch.equal(found[network.output], model(image))
    assert all(tuple(found[value].shape) == (2, *value.shape) for value in found)
