"""The repair methods: what is declared, what each one adds, and what folding leaves of it."""

from __future__ import annotations

import inspect
import re
from itertools import combinations

import numpy as np
import pytest
from strategies import (
    NARROW,
    difference,
    evaluate,
    folded_totals,
    images,
    small_key,
    small_use,
)

from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import NETWORKS, backbone_of
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import BINARY
from costmodel.methods import CATEGORIES, METHODS, REFERENCES, MethodUse, check_combination
from costmodel.methods.registry import repair_method
from costmodel.networks.build import build
from costmodel.operations import OPERATIONS

EVERY_METHOD = [(network, name) for network in NARROW for name in sorted(METHODS)]
WIRING = {
    "subsample", "pad_channels", "concatenate", "repeat_channels", "channel_shuffle", "shift_quarters", "crop",
}  # fmt: skip


# ------------------------------------------------------------------ what is declared


def test_there_are_enough_methods_in_every_category_of_both_branches() -> None:
    assert len(METHODS) >= 35
    found = {(item.branch, item.category) for item in METHODS.values()}
    assert found == {(branch, category) for branch, names in CATEGORIES.items() for category in names}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_described_and_has_a_source(name: str) -> None:
    method = METHODS[name]
    assert method.name == name and method.emit.__name__ == name
    assert method.summary.endswith(".") and len(method.summary.split()) >= 4
    assert method.source in REFERENCES
    assert method.branch == "training" or not method.free_because


def test_every_reference_names_authors_and_a_place() -> None:
    for key, text in REFERENCES.items():
        author = re.match(r"[a-z]+?(?=\d{4})", key)
        assert author and len(text.split(", ")) >= 3, key
        assert re.search(r"(19|20)\d\d|arXiv \d{4}\.\d{5}", text), key
    assert {item.source for item in METHODS.values()} <= set(REFERENCES)


@pytest.mark.parametrize("name", [name for name, item in METHODS.items() if item.branch == "training"])
def test_a_training_technique_says_why_it_is_free_or_what_stays(name: str) -> None:
    method = METHODS[name]
    assert bool(method.free_because) != bool(method.note)
    assert len((method.free_because or method.note).split()) >= 5


@pytest.mark.parametrize("network", NARROW)
@pytest.mark.parametrize("name", [name for name, item in METHODS.items() if item.free_because])
def test_a_free_technique_leaves_the_counts_as_they_are(network: str, name: str) -> None:
    if METHODS[name].hook == "recipe":
        assert inspect.signature(METHODS[name].emit).parameters == {}
    plain, repaired = (build(small_key(network, *names)) for names in ((), (name,)))
    assert difference(folded_totals(repaired), folded_totals(plain)) == {}


@pytest.mark.parametrize(("network", "name"), EVERY_METHOD)
def test_every_method_builds_where_its_hook_is_offered(network: str, name: str) -> None:
    key = DesignKey(network, "cifar10", (small_use(name),))
    if not backbone_of(network).offers(METHODS[name].hook):
        with pytest.raises(BnncostError, match=f"'{name}' has no place in {network}"):
            build(key)
        return
    whole = build(key)
    origins = {op.origin for op in whole.ops}
    assert origins <= {"base", name}
    if METHODS[name].hook not in ("recipe", "width") and (METHODS[name].hook, network) != (
        "downsample",
        "resnet20",
    ):
        assert name in origins
    for op in (*whole.running(), *fold(whole).running()):
        kind = OPERATIONS[op.kind]
        assert kind.count is not None or op.kind in WIRING, f"{op.kind} runs at inference and is not counted"


def test_methods_that_need_a_shortcut_are_refused_without_one() -> None:
    refused = {name for name, item in METHODS.items() if not NETWORKS["vgg_small"].offers(item.hook)}
    assert refused == {
        "double_residual", "boolean_shortcut", "option_a_shortcut", "pooled_shortcut", "real_shortcut",
        "binary_shortcut", "branches",
    }  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_options_parse_and_print(name: str) -> None:
    for option, default in METHODS[name].options.items():
        other = (
            (not default)
            if isinstance(default, bool)
            else "int8"
            if isinstance(default, str)
            else default * 2
        )
        use = MethodUse(name, ((option, other),))
        assert str(use) == f"{name}({option}={str(other).lower()})"
        assert MethodUse.parse(str(use)) == use
        assert use.option(option) == other and MethodUse(name).option(option) == default
        assert MethodUse.parse(f"{name}({option}={str(default).lower()})") == MethodUse(name)


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_one_slot_refuse_each_other(name: str) -> None:
    for other, item in METHODS.items():
        pair = (MethodUse(name), MethodUse(other))
        if other == name:
            with pytest.raises(BnncostError, match="given twice"):
                check_combination(pair)
        elif item.exclusive and item.exclusive == METHODS[name].exclusive:
            with pytest.raises(
                BnncostError, match=f"'{name}' and '{other}' cannot be combined.*{item.exclusive}"
            ):
                check_combination(pair)
        elif item.exclusive in METHODS[name].conflicts or METHODS[name].exclusive in item.conflicts:
            with pytest.raises(BnncostError, match="cannot be combined"):
                check_combination(pair)
        else:
            check_combination(pair)


def test_two_valued_weights_refuse_several_feature_maps() -> None:
    with pytest.raises(BnncostError, match="'adaptive_weights' and 'activation_bases' cannot be combined"):
        DesignKey.parse("resnet20[activation_bases+adaptive_weights]")


def test_hooks_with_room_for_one_method_are_exclusive() -> None:
    single = ("features", "weight_bases", "gate", "activation", "downsample", "branches", "ensemble", "width")
    for hook in single:
        assert len({item.exclusive for item in METHODS.values() if item.hook == hook}) == 1, hook
        assert all(item.exclusive for item in METHODS.values() if item.hook == hook), hook
    shortcuts = {
        item.exclusive for item in METHODS.values() if item.hook in ("inner_shortcut", "every_shortcut")
    }
    assert shortcuts == {"inner shortcut"}


def test_declaring_a_name_twice_or_an_unknown_category_raises() -> None:
    def prelu() -> None:
        """Do it again."""

    def brand_new() -> None:
        """Do something."""

    with pytest.raises(BnncostError, match="repair method 'prelu' is declared twice"):
        repair_method(branch="topology", category="width", hook="width", source="he2016")(prelu)
    with pytest.raises(BnncostError, match="unknown category of the topology branch 'optimiser'"):
        repair_method(branch="topology", category="optimiser", hook="recipe", source="he2016")(brand_new)
    assert "brand_new" not in METHODS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet20[norm_before_sign]@compute=int8/cifar10", "'norm_before_sign' needs binary operands"),
        ("resnet20[weight_bases]@compute=int8/cifar10", "'weight_bases' needs binary operands"),
        ("resnet20[adaptive_weights]@compute=int8/cifar10", "'adaptive_weights' needs binary operands"),
        ("resnet18[real_shortcut(operands=binary)]/cifar10", "unknown value of 'operands' 'binary'"),
        ("resnet18[real_shortcut(operands=int7)]/cifar10", "unknown value of 'operands' 'int7'"),
        ("resnet18[pooled_shortcut]/mnist", "a map of 7x7 cannot be averaged or pooled in whole windows"),
        (
            "resnet18[binary_shortcut(pool=true)]/mnist",
            "a map of 7x7 cannot be averaged or pooled in whole windows",
        ),
        ("resnet20[clamp_weights(quantile=1.5)]/cifar10", "quantile 1.5 must lie between 0.5 and 1"),
        ("resnet20[boolean_shortcut(slices=6)]/cifar10", "channels cannot be made by 6 equal groups"),
        ("resnet20[boolean_shortcut(slices=3)]/cifar10", "slices=3 must be one or an even number"),
        (
            "resnet20[boolean_shortcut(slices=2)+adaptive_weights]/cifar10",
            "need one group of features, not slices",
        ),
        ("resnet20[boolean_shortcut(concatenate=true)]@w0.3/cifar10", "has more than the"),
        ("resnet20[stem_activation(kind=swish)]/cifar10", "unknown value of 'kind' 'swish'"),
    ],
)
def test_a_method_that_cannot_be_built_says_so(text: str, message: str) -> None:
    with pytest.raises(BnncostError, match=message):
        build(DesignKey.parse(text))


# ------------------------------------------------------------------ meanings of methods, by another way


@pytest.mark.parametrize("padding", ["one", "zero"])
def test_weights_of_two_values_are_a_convolution_with_those_values(padding: str) -> None:
    """AdaBin: what the network computes with bits equals a convolution with weights centre +/- distance."""
    network = build(small_key("resnet20", "adaptive_weights", padding=padding))
    rng = np.random.default_rng(5)
    values = {}
    for param in network.learned():
        drawn = rng.normal(size=tuple(int(side) for side in param.shape))
        values[param.name] = abs(drawn) + 0.1 if param.positive else drawn
    maps = evaluate(network, values, images(network, rng, 1))
    scaled = [
        op for op in network.ops if op.kind == "scale" and op.params[0].name.endswith(tuple("0123456789"))
    ]
    convolutions = [op for op in network.running() if op.kind == "conv" and op.params[0].precision == BINARY]
    norms = {op.inputs[0]: op for op in network.running() if op.kind == "batch_norm"}
    assert len(convolutions) == 18 and scaled
    for op in convolutions[:4]:
        latent = values[f"{op.layer}.weight"]
        flat = latent.reshape(len(latent), -1)
        centre, distance = (part.reshape(-1, 1, 1, 1) for part in (flat.mean(axis=1), flat.std(axis=1)))
        weight = centre + distance * np.where(latent >= centre, 1, -1)
        bits = maps[op.inputs[0]][0]
        fill = 1.0 if padding == "one" else 0.0
        expected = _convolved(
            np.pad(bits.astype(float), ((0, 0), (1, 1), (1, 1)), constant_values=fill),
            weight,
            op.integer("stride"),
        )
        result = next(value for value, norm in norms.items() if norm.layer == op.layer)
        assert np.allclose(maps[result][0], expected, rtol=1e-9, atol=1e-9)


def _convolved(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """Sum of shifted maps, one kernel position at a time."""
    height, width = ((side - 3) // stride + 1 for side in x.shape[1:])
    y = np.zeros((len(weight), height, width))
    for a, b in np.ndindex(3, 3):
        part = x[:, a : a + stride * height : stride, b : b + stride * width : stride]
        y += np.einsum("oc,chw->ohw", weight[:, :, a, b], part)
    return y


def test_a_spatial_scale_is_the_mean_magnitude_under_the_window() -> None:
    network = build(small_key("resnet20", "spatial_scale"))
    rng = np.random.default_rng(6)
    values = {p.name: abs(rng.normal(size=tuple(map(int, p.shape)))) + 0.1 for p in network.learned()}
    maps = evaluate(network, values, images(network, rng, 1))
    product = next(op for op in network.running() if op.kind == "multiply")
    read = next(op for op in network.running() if op.kind == "absolute_sum").inputs[0]
    magnitude = np.pad(abs(maps[read][0]), ((0, 0), (1, 1), (1, 1)))
    share = next(values[name] for name in values if name.endswith("window_share"))
    ones = np.ones((1, magnitude.shape[0], 3, 3))
    assert np.allclose(maps[product.inputs[1]][0], share * _convolved(magnitude, ones, 1))


@pytest.mark.parametrize("hook", ["before_sign", "after_convolution", "weight"])
def test_the_order_in_which_methods_are_written_does_not_matter(hook: str) -> None:
    names = [name for name, item in METHODS.items() if item.hook == hook]
    for left, right in combinations(names, 2):
        try:
            keys = [
                DesignKey.parse(f"resnet20[{one}+{other}]") for one, other in ((left, right), (right, left))
            ]
        except BnncostError:
            continue  # they fill the same slot
        one, other = (totals(count(fold(build(key)))) for key in keys)
        assert one == other, (left, right)


def test_a_spatial_scale_reads_the_normalized_input() -> None:
    """XNOR-Net takes the magnitude behind the norm, so the norm before the sign no longer folds."""
    with_scale, without = (
        totals(count(fold(build(DesignKey.parse(f"resnet20[norm_before_sign(only=true){more}]")))))
        for more in ("+spatial_scale", "")
    )
    inputs = 6 * 16 * 32 * 32 + 16 * 32 * 32 + 5 * 32 * 16 * 16 + 32 * 16 * 16 + 5 * 64 * 8 * 8
    assert with_scale["mul", "int16"] - without["mul", "int16"] >= inputs
