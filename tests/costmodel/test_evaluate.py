"""The cost of a design: against a recomputation from its JSON and the profile's YAML, and its invariants."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import cycle, pairwise

import numpy as np
import pytest
from hand_mapping import made_up_mappings
from hypothesis import given, settings
from hypothesis import strategies as st
from recomputed_cost import profile_of, recomputed

import costmodel as cm
from costmodel.demand.arrays import arrange
from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import CountRow
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.sweep import sweep
from costmodel.pricing import mac_traffic
from costmodel.pricing.price import price

PROFILES = cm.shipped_profiles()

# ------------------------------------------------------------------ an independent recomputation

DESIGNS = (
    "resnet20/cifar10",
    "resnet20[double_residual+prelu+squeeze_excitation]@features=int8/cifar10",
    "bi-real-net/resnet18/imagenet",
    "resnet20@compute=ternary,features=int6/cifar10",
    "resnet20@compute=int4/cifar10",
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("design", DESIGNS)
def test_energy_is_what_counts_and_yaml_say(design: str, profile: str) -> None:
    told = json.loads(json.dumps(cm.cost(design, profile).to_dict()))
    assert told["energy_j"] == pytest.approx(recomputed(told, profile_of(profile)), rel=1e-12)
    assert told["latency_s"] == pytest.approx(sum(row["latency_s"] for row in told["layers"]), rel=1e-12)


# ------------------------------------------------------------------ breakdowns


@pytest.mark.parametrize("profile", ["asic-45nm", "asic-22nm-programmable", "fpga-zynq7020", "mcu-cortex-m4"])
def test_every_breakdown_adds_up(profile: str) -> None:
    cost = cm.cost("resnet18[double_residual+rprelu]/cifar10", profile)
    operation_j = sum(row.energy_j for row in cost.operations)
    memory_j = sum(row.energy_j for row in cost.memory)
    static_j = sum(row.energy_j for row in cost.leakage)
    assert cost.energy_j == pytest.approx(operation_j + memory_j + cost.control_j + static_j, rel=1e-12)
    assert sum(cost.energy_split_j.values()) == pytest.approx(cost.energy_j, rel=1e-12)
    assert sum(layer.operation_j for layer in cost.layers) == pytest.approx(operation_j, rel=1e-12)
    assert sum(layer.memory_j for layer in cost.layers) == pytest.approx(memory_j, rel=1e-12)
    assert sum(layer.latency_s for layer in cost.layers) == pytest.approx(cost.latency_s, rel=1e-12)
    assert {row.origin for row in cost.operations} <= {"base", "double_residual", "rprelu"}


def test_traffic_by_level_adds_up_to_what_the_network_moves() -> None:
    """What spills is moved elsewhere, not more or less."""
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet18/imagenet")))
    rows = compulsory_traffic(network).rows
    for profile in PROFILES:
        cost = cm.cost("resnet18/imagenet", profile, traffic="compulsory")
        for role in ("weights", "parameters", "binary_features", "features"):
            told = [(row.read_bits, row.write_bits) for row in cost.memory if row.role == role]
            moved = [(int(row.read_bits), int(row.write_bits)) for row in rows if row.role == role]
            assert np.sum(told, axis=0) == pytest.approx(np.sum(moved, axis=0), rel=1e-12), (profile, role)


def test_a_mapping_reads_every_operand_at_least_once_and_writes_no_more_maps() -> None:
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet18[double_residual]/imagenet")))
    rows = compulsory_traffic(network).rows
    for profile in PROFILES:
        cost = cm.cost("resnet18[double_residual]/imagenet", profile)
        assert cost.traffic == "mapped"
        for role in ("weights", "parameters", "binary_features", "features"):
            told = [row for row in cost.memory if row.role == role and row.level not in buffers(profile)]
            asked = [row for row in rows if row.role == role]
            assert sum(row.read_bits for row in told) >= sum(int(row.read_bits) for row in asked) * (1 - 1e-9)
            if role == "parameters":
                assert sum(row.read_bits for row in told) == sum(int(row.read_bits) for row in asked)


def buffers(profile: str) -> tuple[str, ...]:
    return tuple(profile_of(profile)["array"]["buffers"])


def test_assumptions_are_what_is_neither_published_nor_measured() -> None:
    cost = cm.cost("resnet20/cifar10", "asic-45nm")
    chip = profile_of("asic-45nm")
    statuses = {item.figure: item.status for item in cost.assumptions}
    assert set(statuses.values()) <= {"assumed", "derived", "scaled"}
    assert statuses["clock"] == chip["clock"]["status"] == "assumed"
    assert statuses["compute.1x1.popcount.xnor.energy"] == "derived"
    assert not any(name.startswith("compute.fp32") for name in statuses)  # this network has no such MAC


def test_a_network_that_is_not_folded_costs_no_less() -> None:
    for name in ("resnet20/cifar10", "bi-real-net/resnet18/imagenet", "reactnet"):
        folded, asked = cm.cost(name), cm.cost(name, folding=False)
        assert asked.energy_j > folded.energy_j
        assert asked.operation_totals()["mac", "1x1"] == folded.operation_totals()["mac", "1x1"]


# ------------------------------------------------------------------ completeness


# ResNet-34 has 21.8 million weights, 87 MB at 32 bits; their outermost level for weights has 64 MB.
TOO_SMALL_FOR_87_MB = ("mcu-cortex-m33", "mcu-cortex-m4")


def every_design() -> list[cm.DesignKey]:
    """Every published design, and every method alone on every network that has a place for it."""
    alone = [
        cm.DesignKey.parse(f"{name}[{method}]/{backbone.dataset}")
        for name, backbone in cm.NETWORKS.items()
        for method, what in cm.METHODS.items()
        if backbone.offers(what.hook)
    ]
    return [*cm.published_names().values(), *alone]


def test_every_shipped_profile_prices_every_design(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under made-up mappings; each layer has one that fits."""
    monkeypatch.setattr(mac_traffic, "cached_mappings", made_up_mappings)
    keys = every_design()
    assert len(keys) > 250
    chips = [cm.load_profile(name).model_copy() for name in PROFILES]  # a profile keeps its mappings
    result = sweep(keys, np.array([1.0]), chips)
    homeless = {
        (str(keys[design]), PROFILES[chip]) for design, _, chip in zip(*np.nonzero(~result.fits), strict=True)
    }
    assert {chip for _, chip in homeless} == set(TOO_SMALL_FOR_87_MB)
    weights_mb = {
        str(key): bits / 8e6 for key, bits in zip(keys, result.memory_bits["weights"][:, 0], strict=True)
    }
    assert weights_mb["resnet34@compute=fp32/imagenet"] == pytest.approx(87, abs=0.5)
    for chip in TOO_SMALL_FOR_87_MB:
        kept = [weights_mb[name] for name in weights_mb if (name, chip) not in homeless]
        left_out = [weights_mb[name] for name, at in homeless if at == chip]
        assert max(kept) < min(left_out), "what has no room is heavier than all that has"
    assert (result.energy_j[result.fits] > 0).all() and (result.latency_s[result.fits] > 0).all()


def test_a_best_mapping_is_found_for_every_published_design_and_on_every_profile() -> None:
    """Each design on one profile, the profiles in turn."""
    for key, name in zip(cm.published_names().values(), cycle(PROFILES), strict=False):
        if name not in TOO_SMALL_FOR_87_MB:
            assert cm.cost(key, name).energy_j > 0


@pytest.mark.parametrize("compute", ["binary", "ternary", "int2", "int4", "int8", "fp16", "fp32"])
def test_every_precision_is_priced_or_refused_by_name(compute: str) -> None:
    for profile in PROFILES:
        try:
            energy_j = cm.cost(f"resnet20@compute={compute}/cifar10", profile).energy_j
        except cm.BnncostError as error:
            assert f"'{profile}'" in str(error)
            assert "cannot run" in str(error) or "has no price" in str(error)
        else:
            assert energy_j > 0


# ------------------------------------------------------------------ never cheaper (invariant 7)

PLAIN_AND_REPAIRED = st.sampled_from(
    [
        "resnet20/cifar10",
        "resnet20[double_residual+prelu]/cifar10",
        "resnet20[squeeze_excitation+double_residual]/cifar10",
        "resnet20[branches]/cifar10",
        "vgg_small[channel_scale+hardtanh]/cifar10",
        "resnet18[double_residual+real_shortcut]/cifar10",
        "resnet20@compute=int4/cifar10",
    ]
)
ANY_PROFILE = st.sampled_from(PROFILES)
ROUNDING = 1 - 1e-12


# The mapping of least energy may be the faster one for the larger of two layers; docs/cost.md says so.
FASTER = {"mapped": 0.97, "compulsory": ROUNDING}


def no_cheaper(more: cm.Cost, less: cm.Cost) -> None:
    assert more.energy_j >= less.energy_j * ROUNDING
    assert more.latency_s >= less.latency_s * FASTER[more.traffic]
    for sort, bits in less.memory_bits.items():
        assert more.memory_bits[sort] >= bits


@settings(max_examples=80, deadline=None)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE, st.integers(1000, 60_000), st.integers(1000, 60_000))
def test_wider_is_never_cheaper(text: str, profile: str, one: int, other: int) -> None:
    key = cm.DesignKey.parse(text)
    narrow, wide = (
        cm.cost(replace(key, width=steps / 10_000), profile, traffic="compulsory")
        for steps in sorted((one, other))
    )
    no_cheaper(wide, narrow)


FEW_WIDTHS = (0.3, 0.5, 1.0, 1.1, 1.7)  # each takes searches of its own
MAPPED = st.sampled_from(["resnet20[double_residual+prelu]/cifar10", "vgg_small/cifar10"])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(MAPPED, ANY_PROFILE, st.lists(st.sampled_from(FEW_WIDTHS), min_size=2, max_size=2))
def test_wider_is_never_cheaper_with_mapped_traffic_either(
    text: str, profile: str, widths: list[float]
) -> None:
    key = cm.DesignKey.parse(text)
    narrow, wide = (cm.cost(replace(key, width=width), profile) for width in sorted(widths))
    no_cheaper(wide, narrow)


@pytest.mark.parametrize("traffic", ["mapped", "compulsory"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE)
def test_more_bits_per_feature_are_never_cheaper(traffic: str, text: str, profile: str) -> None:
    key = cm.DesignKey.parse(text)
    costs = [
        cm.cost(replace(key, features=features), profile, traffic=traffic)
        for features in ("int4", "int6", "int8", "int16")
    ]
    for narrow, wide in pairwise(costs):
        no_cheaper(wide, narrow)


@settings(max_examples=60, deadline=None)
@given(PLAIN_AND_REPAIRED, ANY_PROFILE, st.data())
def test_one_operation_more_is_never_cheaper(text: str, profile: str, data: st.DataObject) -> None:
    work, chip = prepared(cm.DesignKey.parse(text)), cm.load_profile(profile)
    rows, traffic = work.rows, work.traffic
    row = data.draw(st.sampled_from(rows))
    number = data.draw(st.integers(1, 10**6))
    streamed = (0, 0) if row.operation == "mac" else (1, number)
    more = CountRow(row.layer, "test", row.operation, row.precision, number, *streamed)
    before, after = (price(arrange(some, traffic, 1), chip) for some in (rows, (*rows, more)))
    assert after.energy.total_j[0] > before.energy.total_j[0]
    assert after.time.latency_s[0] >= before.time.latency_s[0] * ROUNDING
    for resource, amount in before.area.items():
        assert after.area[resource][0] >= amount[0] * ROUNDING


@pytest.mark.parametrize("profile", PROFILES)
def test_wider_is_never_cheaper_on_a_fine_grid(profile: str) -> None:
    """Every sixteenth from 0.25 to 8, so that steps between memory macros are met."""
    keys = [cm.DesignKey.parse(text) for text in ("resnet20[double_residual]/cifar10", "resnet18/imagenet")]
    found = sweep(keys, np.arange(4, 129) / 16, [cm.load_profile(profile)], traffic="compulsory")
    for design, width in zip(*np.nonzero((np.diff(found.energy_j, axis=1) < 0)[:, :, 0]), strict=True):
        pytest.fail(f"{keys[design]}: {found.widths[width + 1]} is cheaper than {found.widths[width]}")
    assert (np.diff(found.latency_s, axis=1)[~np.isnan(np.diff(found.latency_s, axis=1))] >= 0).all()
