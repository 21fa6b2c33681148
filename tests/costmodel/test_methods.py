"""The repair methods: what is declared, what each one adds, and what folding leaves of it."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NARROW, compatible, emitting, evaluate, images, small_key, small_use

from costmodel.counting import count, totals
from costmodel.design import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold, unfolded
from costmodel.graph import BINARY, Network
from costmodel.methods import CATEGORIES, METHODS, REFERENCES, MethodUse, check_combination
from costmodel.methods.registry import repair_method
from costmodel.networks import NETWORKS
from costmodel.networks.build import build
from costmodel.operations import OPERATIONS

Total = tuple[str, str]
EVERY_METHOD = [(network, name) for network in NARROW for name in sorted(METHODS)]
WIRING = {"subsample", "pad_channels", "concatenate"}

# ResNet-20 on CIFAR-10: three stages of six binary convolutions of 16x32x32, 32x16x16 and 64x8x8 elements
STAGES = ((16, 32), (32, 16), (64, 8))
MAPS = [channels * side**2 for channels, side in STAGES]
ALL_OUTPUTS = 6 * sum(MAPS)  # elements that binary convolutions make
ALL_INPUTS = 6 * 16 * 32**2 + (16 * 32**2 + 5 * 32 * 16**2) + (32 * 16**2 + 5 * 64 * 8**2)  # that they read
FIRST_OUTPUTS = 3 * sum(MAPS)  # by the first convolution of each block


def counted(text: str, *, folded: bool = True) -> Counter[Total]:
    network = build(DesignKey.parse(text))
    return Counter({key: int(n) for key, n in totals(count((fold if folded else unfolded)(network))).items()})


def difference(with_method: Counter[Total], without: Counter[Total]) -> dict[Total, int]:
    """What one count has more (or less) than another, zeros left out."""
    keys = {**with_method, **without}
    return {key: with_method[key] - without[key] for key in keys if with_method[key] != without[key]}


def marginal(
    method: str, network: str = "resnet20", dataset: str = "cifar10", on: str = ""
) -> dict[Total, int]:
    """Folded network with the method less folded network without it."""
    both = f"{on}+{method}" if on else method
    alone = f"[{on}]" if on else ""
    return difference(counted(f"{network}[{both}]/{dataset}"), counted(f"{network}{alone}/{dataset}"))


def emitted(method: str) -> dict[Total, int]:
    return difference(
        counted(f"resnet20[{method}]/cifar10", folded=False), counted("resnet20/cifar10", folded=False)
    )


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
    assert difference(_totals(repaired), _totals(plain)) == {}


def _totals(network: Network) -> Counter[Total]:
    return Counter({key: int(n) for key, n in totals(count(fold(network))).items()})


@pytest.mark.parametrize(("network", "name"), EVERY_METHOD)
def test_every_method_builds_where_its_hook_is_offered(network: str, name: str) -> None:
    key = DesignKey(network, "cifar10", (small_use(name),))
    if not NETWORKS[network].offers(METHODS[name].hook):
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
        else:
            check_combination(pair)


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
        ("resnet18[real_shortcut(operands=binary)]/cifar10", "take 'binary_shortcut'"),
        ("resnet18[real_shortcut(operands=int7)]/cifar10", "unknown precision 'int7'"),
        ("resnet18[pooled_shortcut]/mnist", "a map of 7x7 cannot be averaged in whole windows"),
        ("resnet20[clamp_weights(quantile=1.5)]/cifar10", "quantile 1.5 must lie from 0.5 to 1"),
        ("resnet20[boolean_shortcut(slices=3)]/cifar10", "channels cannot be made by 3 equal groups"),
    ],
)
def test_a_method_that_cannot_be_built_says_so(text: str, message: str) -> None:
    with pytest.raises(BnncostError, match=message):
        build(DesignKey.parse(text))


# ------------------------------------------------------------------ marginals, as shape expressions


@pytest.mark.parametrize("scale", ["channel_scale", "channel_scale_analytic", "shift_scale"])
def test_a_channel_scale_before_a_norm_costs_nothing(scale: str) -> None:
    sort = "shift" if scale == "shift_scale" else "mul"
    assert emitted(scale) == {(sort, "int16"): ALL_OUTPUTS}
    for network, dataset in (("resnet20", "cifar10"), ("resnet18", "cifar100"), ("vgg_small", "cifar10")):
        assert marginal(scale, network, dataset) == {}
    assert marginal(scale, on="double_residual") == {}


def test_a_second_shortcut_unfolds_the_norm_of_the_first_convolution() -> None:
    assert FIRST_OUTPUTS == 86_016
    assert emitted("double_residual") == {("add", "int16"): FIRST_OUTPUTS}
    # a norm is a multiply and an add where the shortcut reads it, a threshold where it did not; the shortcut adds
    assert marginal("double_residual") == {("mul", "int16"): 86_016, ("add", "int16"): 172_032}


def test_a_spatial_scale_does_not_fold() -> None:
    assert marginal("position_scale") == {("mul", "int16"): ALL_OUTPUTS}
    found = marginal("spatial_scale")
    positions = [side**2 for _, side in STAGES]
    input_positions = [6 * 32**2, 32**2 + 5 * 16**2, 16**2 + 5 * 8**2]
    window = 6 * sum(positions)
    # besides: |x| summed over channels, nine-element windows, and the norms of first convolutions whose value it reads
    sums = ALL_INPUTS - sum(input_positions) + 8 * window
    assert found["mul", "int16"] == ALL_OUTPUTS + window + FIRST_OUTPUTS
    assert found["add", "int16"] == sums + FIRST_OUTPUTS
    assert set(found) == {("mul", "int16"), ("add", "int16")}


def test_an_activation_whose_only_reader_is_a_sign_costs_nothing() -> None:
    for name in ("prelu", "hardtanh", "relu", "maxout", "rprelu", "dprelu"):
        of_first = marginal(name)
        # what remains stands behind the blocks' sums, which a shortcut reads too: none of the first convolutions'
        assert all(number <= 2 * FIRST_OUTPUTS for number in of_first.values()), name
        layers = {
            row.layer
            for row in count(fold(build(DesignKey.parse(f"resnet20[{name}]/cifar10"))))
            if row.origin == name
        }
        assert layers and not any(layer.endswith("conv1") for layer in layers), name
    emitted_prelu = {("mul", "int16"): ALL_OUTPUTS, ("compare", "int16"): ALL_OUTPUTS}
    assert emitted("prelu") == emitted_prelu
    assert marginal("prelu") == {key: FIRST_OUTPUTS for key in emitted_prelu}


def test_an_activation_before_bare_signs_costs_nothing_at_all() -> None:
    """In a network without shortcuts, only the last layer's activation has another reader: the classifier."""
    last = 512 * 4 * 4
    assert marginal("prelu", "vgg_small") == {("mul", "int16"): last, ("compare", "int16"): last}


def test_the_shift_before_a_prelu_merges_into_the_norm() -> None:
    assert emitted("rprelu") == {
        ("mul", "int16"): ALL_OUTPUTS,
        ("compare", "int16"): ALL_OUTPUTS,
        ("add", "int16"): 2 * ALL_OUTPUTS,
    }
    beyond = difference(counted("resnet20[rprelu]/cifar10"), counted("resnet20[prelu]/cifar10"))
    # the shift behind the last sum goes to the classifier's average, those behind other sums to a shortcut: they stay
    assert beyond == {("add", "int16"): FIRST_OUTPUTS}
    both = difference(
        counted("resnet20[double_residual+rprelu]/cifar10"),
        counted("resnet20[double_residual+prelu]/cifar10"),
    )
    assert both == {("add", "int16"): ALL_OUTPUTS}


@pytest.mark.parametrize("name", ["learned_threshold", "adaptive_centre", "norm_before_sign"])
def test_what_stands_right_before_a_sign_folds_into_its_threshold(name: str) -> None:
    assert marginal(name) == {} and marginal(name, on="double_residual") == {}
    assert emitted(name)["add", "int16"] == ALL_INPUTS


def test_weights_of_two_values_cost_a_window_sum_per_position_and_a_sum_per_element() -> None:
    found = marginal("adaptive_weights")
    window = 8 * 6 * sum(side**2 for _, side in STAGES)
    assert found == {
        ("mac", "1x1"): ALL_INPUTS,  # one popcount over the channels of every map that is convolved
        ("mul", "int16"): ALL_OUTPUTS,
        ("add", "int16"): window + ALL_OUTPUTS,
    }


def test_squeeze_and_excitation_by_hand() -> None:
    found = marginal("squeeze_excitation(reduction=4)")
    gated = sum(3 * channels * side**2 for channels, side in STAGES)
    # blocks read the map at their start: the first of a stage reads the previous stage's
    pooled = [(16, 32)] * 3 + [(16, 32)] + [(32, 16)] * 2 + [(32, 16)] + [(64, 8)] * 2
    outputs = [channels for channels, _ in STAGES for _ in range(3)]
    hidden = [channels // 4 for channels, _ in pooled]
    macs = sum(c * h + h * o for (c, _), h, o in zip(pooled, hidden, outputs, strict=True))
    assert found == {
        ("mul", "int16"): gated,
        ("add", "int16"): sum(c * (s * s - 1) for c, s in pooled),
        ("shift", "int16"): sum(2 * c for c, _ in pooled)
        + sum(hidden),  # averages, and rounding to 8 bits twice
        ("mac", "8x8"): macs,
        ("compare", "int16"): sum(hidden),
        ("lookup", "int16"): sum(outputs),
    }


def test_bases_multiply_the_binary_work() -> None:
    binary = counted("resnet20/cifar10")["mac", "1x1"]
    for name, factor in (
        ("weight_bases(count=5)", 5),
        ("activation_bases(count=3)", 3),
        ("circulant_filters", 4),
    ):
        assert marginal(name)["mac", "1x1"] == (factor - 1) * binary, name
    assert marginal("weight_bases(count=5)+activation_bases(count=3)")["mac", "1x1"] == 14 * binary
    assert marginal("branches(count=5)")["mac", "1x1"] == 4 * binary


def test_an_ensemble_counts_everything_as_often_as_it_has_networks() -> None:
    one, three = counted("resnet20/cifar10"), counted("resnet20[network_ensemble(count=3)]/cifar10")
    votes = {("mul", "int16"): 3 * 10, ("add", "int16"): 2 * 10}
    assert three == Counter({key: 3 * number for key, number in one.items()}) + Counter(votes)


def test_shortcuts_that_halve_the_map() -> None:
    starts = ((16, 32), (32, 16))  # maps that the first blocks of stages 2 and 3 read
    small = [c * (s // 2) ** 2 for c, s in starts]
    assert marginal("option_a_shortcut") == {}
    assert marginal("pooled_shortcut") == {("add", "int16"): 3 * sum(small), ("shift", "int16"): sum(small)}
    made = sum(2 * n for n in small)
    macs = sum(2 * c * n for (c, _), n in zip(starts, small, strict=True))
    norm = {("mul", "int16"): made, ("add", "int16"): made}
    assert marginal("real_shortcut(pool=false)") == {
        **norm,
        ("mac", "8x8"): macs,
        ("shift", "int16"): sum(small),
    }
    assert marginal("binary_shortcut") == {**norm, ("mac", "1x1"): macs}


def test_a_shortcut_of_bits_needs_no_norm() -> None:
    found = counted("resnet20[boolean_shortcut]/cifar10")
    # only the last layer's average reads bits; every norm is a threshold, the stem's too
    assert ("mul", "int16") not in found
    assert found["compare", "binary"] == ALL_OUTPUTS


# ------------------------------------------------------------------ more repair is never less work


LOWERS_BINARY_WORK = {"boolean_shortcut"}
"""Methods that declare fewer binary MACs: slices of bits feed groups. With one slice there is no difference."""


@given(
    network=st.sampled_from(sorted(NARROW)),
    names=st.lists(st.sampled_from(sorted(METHODS)), max_size=5, unique=True),
    added=st.sampled_from(sorted(METHODS)),
)
@settings(max_examples=80, deadline=None)
def test_adding_a_method_never_lowers_binary_macs(network: str, names: list[str], added: str) -> None:
    if not NETWORKS[network].offers(METHODS[added].hook):
        return
    rest = [name for name in names if NETWORKS[network].offers(METHODS[name].hook)]
    chosen = compatible([added, *rest])
    without = [name for name in chosen if name != added]
    before, after = (_totals(build(small_key(network, *list_))) for list_ in (without, chosen))
    assert after["mac", "1x1"] >= before["mac", "1x1"]


@pytest.mark.parametrize(("network", "name"), [(n, m) for n in NARROW for m in emitting(n)])
def test_folding_never_adds_work_to_the_array_or_the_multipliers(network: str, name: str) -> None:
    whole = build(small_key(network, name))
    before = Counter({key: int(n) for key, n in totals(count(unfolded(whole))).items()})
    after = _totals(whole)
    for sort in ("mac", "mul", "add", "shift", "lookup"):
        kept, had = (
            sum(n for (operation, _), n in found.items() if operation == sort) for found in (after, before)
        )
        assert kept <= had, sort


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
        latent = values[network.producers[op.params[0]].inputs[0].name]
        flat = latent.reshape(len(latent), -1)
        centre, distance = flat.mean(axis=1), flat.std(axis=1)
        column = (-1, 1, 1, 1)
        weight = centre.reshape(column) + distance.reshape(column) * np.where(latent >= 0, 1, -1)
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
