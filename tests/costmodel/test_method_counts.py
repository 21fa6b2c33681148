"""What each repair method costs: emitted and marginal counts as shape expressions."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    NARROW,
    compatible,
    difference,
    emitting,
    folded_totals,
    small_key,
)

from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of
from costmodel.folding import fold, unfolded
from costmodel.methods import METHODS
from costmodel.networks.build import build

Total = tuple[str, str]
# ResNet-20 on CIFAR-10: three stages of six binary convolutions of 16x32x32, 32x16x16 and 64x8x8 elements
STAGES = ((16, 32), (32, 16), (64, 8))
MAPS = [channels * side**2 for channels, side in STAGES]
ALL_OUTPUTS = 6 * sum(MAPS)  # elements that binary convolutions make
ALL_INPUTS = 6 * 16 * 32**2 + (16 * 32**2 + 5 * 32 * 16**2) + (32 * 16**2 + 5 * 64 * 8**2)  # that they read
FIRST_OUTPUTS = 3 * sum(MAPS)  # by the first convolution of each block


def counted(text: str, *, folded: bool = True) -> Counter[Total]:
    network = build(DesignKey.parse(text))
    return Counter({key: int(n) for key, n in totals(count((fold if folded else unfolded)(network))).items()})


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


def test_a_filter_of_one_weight_is_not_turned() -> None:
    binary, shortcuts = counted("resnet20/cifar10")["mac", "1x1"], marginal("binary_shortcut")["mac", "1x1"]
    assert marginal("binary_shortcut+circulant_filters")["mac", "1x1"] == 3 * binary + shortcuts


def test_a_norm_behind_takes_up_the_scale_of_one_base() -> None:
    for name, terms in (("activation_bases(count=2)", 2), ("weight_bases(count=5)", 5)):
        assert emitted(name)["mul", "int16"] == (terms - 1) * ALL_OUTPUTS, name
        without = "norm_before_sign(only=true)"
        bare = counted(f"resnet20[{without}]/cifar10", folded=False)
        scaled = counted(f"resnet20[{without}+{name}]/cifar10", folded=False)
        assert scaled["mul", "int16"] - bare["mul", "int16"] == terms * ALL_OUTPUTS, name


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
    channels, side = STAGES[-1]
    last = channels * side**2
    # only the last block is real-valued: the norms of its two branches and a PReLU; the other norms are thresholds
    assert found["mul", "int16"] == 3 * last
    assert found["add", "int16"] == 2 * last + last + channels * (side**2 - 1)
    assert found["compare", "binary"] == ALL_OUTPUTS - last
    assert found["compare", "int16"] == ALL_OUTPUTS  # a bit for each sum, and the last PReLU
    assert found["compare", "int32"] == STAGES[0][0] * STAGES[0][1] ** 2  # the stem's bits


def test_each_slice_of_bits_is_a_compare_and_a_gate() -> None:
    one, four = (counted(f"resnet20[boolean_shortcut(slices={k})]/cifar10") for k in (1, 4))
    channels, side = STAGES[-1]
    last = channels * side**2
    gates = ALL_OUTPUTS - last
    assert four["compare", "binary"] == 4 * gates == 4 * one["compare", "binary"]
    assert four["compare", "int16"] - one["compare", "int16"] == 3 * gates
    # the average over the slices of the last block's bits
    assert four["add", "int16"] - one["add", "int16"] == 3 * last
    assert four["shift", "int16"] - one["shift", "int16"] == last
    assert four["mac", "1x1"] == one["mac", "1x1"]  # each slice feeds a quarter of the filters


def test_a_pooled_binary_shortcut_reads_all_slices_at_full_size() -> None:
    found = counted("resnet20[boolean_shortcut(slices=4)+binary_shortcut(pool=true)]/cifar10")
    shortcuts = sum(4 * c * 2 * c * s**2 for c, s in STAGES[:2])
    inner = counted("resnet20[boolean_shortcut(slices=4)]/cifar10")["mac", "1x1"]
    assert found["mac", "1x1"] == inner + shortcuts
    pools = sum(2 * c * (s // 2) ** 2 * 3 for c, s in STAGES[:2])
    bits = sum(2 * c * (s // 2) ** 2 * 4 for c, s in STAGES[:2])
    plain = counted("resnet20[boolean_shortcut(slices=4)]/cifar10")["compare", "int16"]
    assert found["compare", "int16"] == plain + pools + bits
    assert ("mul", "int16") in found and found["mul", "int16"] == 3 * STAGES[-1][0] * STAGES[-1][1] ** 2


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
    if not backbone_of(network).offers(METHODS[added].hook):
        return
    rest = [name for name in names if backbone_of(network).offers(METHODS[name].hook)]
    chosen = compatible([added, *rest])
    without = [name for name in chosen if name != added]
    before, after = (folded_totals(build(small_key(network, *list_))) for list_ in (without, chosen))
    assert after["mac", "1x1"] >= before["mac", "1x1"]


@pytest.mark.parametrize(("network", "name"), [(n, m) for n in NARROW for m in emitting(n)])
def test_folding_never_adds_work_to_the_array_or_the_multipliers(network: str, name: str) -> None:
    whole = build(small_key(network, name))
    before = Counter({key: int(n) for key, n in totals(count(unfolded(whole))).items()})
    after = folded_totals(whole)
    for sort in ("mac", "mul", "add", "shift", "lookup"):
        kept, had = (
            sum(n for (operation, _), n in found.items() if operation == sort) for found in (after, before)
        )
        assert kept <= had, sort
