"""A sweep is the same as pricing every design alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import costmodel as cm
from costmodel.builder import Builder
from costmodel.demand.arrays import LAYOUT, Demand, demand_of, distinct, joined, part
from costmodel.demand.counts import count
from costmodel.evaluate.sweep import SweepResult, demand_over_widths, sweep
from costmodel.graph import precision
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import price

DESIGNS = (
    "resnet20/cifar10",
    "resnet20[double_residual+prelu]/cifar10",
    "resnet20[network_ensemble(count=3)]/cifar10",
    "resnet20[squeeze_excitation]/cifar10",
    "vgg_small/cifar10",
    "resnet20@compute=int4/cifar10",
)
PROFILES = ("asic-45nm", "asic-22nm-programmable", "fpga-zynq7020", "mcu-cortex-m33")
WIDTHS = np.array([1.0, 0.3, 2.5, 8.0])


@pytest.fixture(scope="module")
def profiles() -> list[HardwareProfile]:
    return [cm.load_profile(name) for name in PROFILES]


@pytest.fixture(scope="module")
def result(profiles: list[HardwareProfile]) -> SweepResult:
    return sweep([cm.DesignKey.parse(text) for text in DESIGNS], WIDTHS, profiles)


def test_every_point_is_what_cost_says(result: SweepResult, profiles: list[HardwareProfile]) -> None:
    for d, w, p in np.ndindex(result.energy_j.shape):
        alone = cm.cost(replace(result.designs[d], width=float(WIDTHS[w])), profiles[p])
        counted = {key: int(values[d, w]) for key, values in result.counts.items() if values[d, w]}
        assert counted == {key: number for key, number in alone.operation_totals().items() if number}
        assert result.energy_j[d, w, p] == pytest.approx(alone.energy_j, rel=1e-12)
        assert result.latency_s[d, w, p] == pytest.approx(alone.latency_s, rel=1e-12)
        area = {
            name: values[d, w, p] for name, values in result.area.items() if not np.isnan(values[d, w, p])
        }
        assert area == pytest.approx(dict(alone.area), rel=1e-12)
        assert {name: int(bits[d, w]) for name, bits in result.memory_bits.items()} == alone.memory_bits
    assert result.fits.all()
    assert result.points == 6 * 4 * 4


def test_one_worker_or_several_and_short_chunks_are_all_the_same(
    result: SweepResult, profiles: list[HardwareProfile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costmodel.evaluate.sweep._POINTS_TOGETHER", 3)
    again = sweep(result.designs, WIDTHS, profiles, workers=1)
    np.testing.assert_allclose(again.energy_j, result.energy_j, rtol=1e-13)
    np.testing.assert_allclose(again.latency_s, result.latency_s, rtol=1e-13)
    assert again.area.keys() == result.area.keys()
    for name, values in result.area.items():
        np.testing.assert_allclose(again.area[name], values, rtol=1e-13)
    for key, counts in result.counts.items():
        np.testing.assert_array_equal(again.counts[key], counts)


def test_widths_on_both_sides_of_a_16_bit_sum_keep_their_own_precision() -> None:
    """512 channels x 7 x 9 = 32,256 products fit into 16 bits, 512 x 8 x 9 = 36,864 do not."""
    key, widths = cm.DesignKey.parse("resnet18/cifar10"), np.array([1.0, 8.0, 7.0])
    demand = demand_over_widths(key, widths)
    for point, width in enumerate(widths):
        alone = cm.cost(replace(key, width=float(width))).operation_totals()
        totals = dict(zip(demand.operations, demand.total_counts[:, point], strict=True))
        assert {sort: int(number) for sort, number in totals.items() if number} == alone
    compares = dict(zip(demand.operations, demand.total_counts, strict=True))["compare", "int32"]
    assert compares[1] > compares[2]


def test_thresholds_on_a_sum_of_sums_keep_their_own_precision_too() -> None:
    """Four turned filters: 4 x 512 x 9 = 18,432 fit a 16-bit threshold, twice as many need 32 bits."""
    key, widths = cm.DesignKey.parse("resnet18[circulant_filters]/cifar10"), np.array([1.0, 2.0, 1.5])
    kept = demand_over_widths(key, widths).storage["parameters"].tolist()
    assert kept == [cm.cost(replace(key, width=float(width))).memory_bits["parameters"] for width in widths]


def test_what_does_not_fit_has_no_cost_and_spoils_no_neighbour(profiles: list[HardwareProfile]) -> None:
    mcu = profiles[3]
    small = mcu.memories["external_flash"].size.model_copy(update={"value": 1024.0})
    level = mcu.memories["external_flash"].model_copy(update={"size": small})
    tight = mcu.model_copy(update={"memories": {**mcu.memories, "external_flash": level}})
    key = cm.DesignKey.parse("resnet18/cifar10")  # 1.4 MB of weight bits: fits; 16 times as many do not
    found = sweep([key], np.array([1.0, 4.0]), [tight, mcu])
    assert found.fits.tolist() == [[[True, True], [False, True]]]
    assert np.isnan(found.energy_j).tolist() == np.isnan(found.latency_s).tolist() == (~found.fits).tolist()
    assert found.counts["mac", "1x1"][0, 1] > 0
    with pytest.raises(cm.BnncostError, match="does not fit"):
        cm.cost(replace(key, width=4.0), tight)


def _asked(demand: Demand) -> np.ndarray:
    return np.concatenate([demand.total_counts, demand.total_read_bits, demand.total_write_bits])


def test_layers_that_are_alike_are_kept_once_and_counted_as_often(profiles: list[HardwareProfile]) -> None:
    """The layers are compared with those of the whole network; the blocks of a stage are mostly alike."""
    network = cm.fold(cm.build(cm.DesignKey.parse("resnet34[double_residual]/imagenet")))
    whole = demand_of(network)
    short = distinct(whole)
    assert len(short.layers) < len(whole.layers) / 2
    assert short.repeats.sum() == len(whole.layers)
    np.testing.assert_array_equal(_asked(short), _asked(whole))
    for profile in profiles:
        left, right = price(short, profile), price(whole, profile)
        assert left.energy.total_j == pytest.approx(right.energy.total_j, rel=1e-12)
        assert left.time.latency_s == pytest.approx(right.time.latency_s, rel=1e-12)
        assert {name: list(a) for name, a in left.area.items()} == {
            name: list(a) for name, a in right.area.items()
        }


def test_joined_demands_come_apart_as_they_were() -> None:
    """Every array, whatever its axes: what the others need besides is zero."""
    parts = [demand_of(cm.fold(cm.build(cm.DesignKey.parse(text)))) for text in DESIGNS]
    together = joined(parts)
    for number, demand in enumerate(parts):
        again = part(together, np.array([number]))
        assert len(again.layers) >= len(demand.layers)
        for name in LAYOUT:
            before, after = getattr(demand, name), getattr(again, name)
            assert after.dtype == before.dtype
            kept = [slice(length) for length in before.shape]
            if name in ("counts", "per_element"):
                kept[0] = [again.operations.index(key) for key in demand.operations]
            np.testing.assert_array_equal(after[tuple(kept)], before)
            assert np.count_nonzero(after) == np.count_nonzero(before)


def test_joining_keeps_every_demand(profiles: list[HardwareProfile]) -> None:
    parts = [demand_of(cm.fold(cm.build(cm.DesignKey.parse(text)))) for text in DESIGNS]
    together = price(joined(parts), profiles[0])
    alone = [price(demand, profiles[0]) for demand in parts]
    np.testing.assert_allclose(
        together.energy.total_j, [cost.energy.total_j[0] for cost in alone], rtol=1e-12
    )
    np.testing.assert_allclose(together.area["mm2"], [cost.area["mm2"][0] for cost in alone], rtol=1e-12)


@pytest.mark.parametrize("widths", [[], [[1.0]], [0.0], [-1.0], [float("nan")], [float("inf")], 2.0])
def test_widths_that_are_none_are_refused(widths: object, profiles: list[HardwareProfile]) -> None:
    with pytest.raises(cm.BnncostError, match="widths of a sweep must be a row of numbers above zero"):
        sweep([cm.DesignKey.parse("resnet20/cifar10")], np.array(widths), profiles)


@pytest.mark.parametrize("widths", [["wide"], [1j], [None], [[1.0], [2.0, 3.0]]])
def test_widths_of_another_kind_are_refused(widths: list[object], profiles: list[HardwareProfile]) -> None:
    with pytest.raises(cm.BnncostError, match="widths of a sweep must be a row of numbers above zero"):
        sweep([cm.DesignKey.parse("resnet20/cifar10")], np.array(widths, dtype=object), profiles)


@pytest.mark.parametrize("width", [1e-300, 0.01, 65.0, 1e5, 1e300])
def test_widths_that_no_network_has_are_refused(width: float, profiles: list[HardwareProfile]) -> None:
    with pytest.raises(cm.BnncostError, match=r"design 'resnet34.* factor must lie from 0\.05 to 64"):
        sweep([cm.DesignKey.parse("resnet34/imagenet")], np.array([1.0, width]), profiles)


LARGEST = ["resnet34", "resnet18[branches(count=64)]", "resnet34[width(factor=2)]@w32", "vgg_small"]


@pytest.mark.parametrize("text", LARGEST)
def test_the_largest_networks_are_counted_exactly(text: str) -> None:
    """As Python's own whole numbers, which have no end, do; 64 bits hold them."""
    key = cm.resolve(text)
    counted: dict[tuple[str, str], int] = {}
    for row in count(cm.fold(cm.build(replace(key, width=key.width if key.width > 1 else 64.0)))):
        assert isinstance(row.count, int)
        counted[row.operation, row.precision] = counted.get((row.operation, row.precision), 0) + row.count
    demand = demand_over_widths(key, np.array([1.0, key.width if key.width > 1 else 64.0]))
    found = zip(demand.operations, demand.total_counts[:, 1].tolist(), strict=True)
    assert {key: number for key, number in found if number} == counted


def test_counts_beyond_64_bits_are_refused() -> None:
    side = 2**31
    g = Builder("vast", (3, side, side), precision("int8"), precision("int16"))
    with g.layer("a"):
        vast = g.finish(g.conv(g.input, g.narrow_weight(2**10, g.input, 3, precision("int8")), padding=1))
    with pytest.raises(cm.BnncostError, match="'vast' has more operations or bits than 64 bits can count"):
        demand_of(vast)


def test_an_empty_sweep_is_refused(profiles: list[HardwareProfile]) -> None:
    with pytest.raises(cm.BnncostError, match="at least one design"):
        sweep([], WIDTHS, profiles)
    with pytest.raises(cm.BnncostError, match="one profile"):
        sweep([cm.DesignKey.parse("resnet20/cifar10")], WIDTHS, [])
