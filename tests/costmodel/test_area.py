"""Area by part of the chip, and that more work never takes less of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import NARROW, compatible, emitting, small_key

import costmodel as cm
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.sweep import sweep
from costmodel.hardware import HardwareProfile, load_profile, shipped_profiles

PARTS = ["arrays", "side units", "memories", "buffers", "control"]
MATCHED = [name for name in shipped_profiles() if load_profile(name).side.policy == "matched"]
ROUNDING = 1 - 1e-12


def no_smaller(larger: cm.Cost, smaller: cm.Cost) -> None:
    for part, amounts in smaller.area_split.items():
        for resource, amount in amounts.items():
            assert larger.area_split[part][resource] >= amount * ROUNDING, (part, resource)


# ------------------------------------------------------------------ the parts


@pytest.mark.parametrize("profile", shipped_profiles())
def test_parts_add_up_to_the_area(profile: str) -> None:
    cost = cm.cost("resnet20[double_residual]/cifar10", profile)
    assert set(cost.area_split) <= set(PARTS)
    for resource, amount in cost.area.items():
        parts = [amounts.get(resource, 0.0) for amounts in cost.area_split.values()]
        assert sum(parts) == pytest.approx(amount, rel=1e-12)
    written = json.loads(json.dumps(cost.to_dict()))["areas"]
    assert {(row["part"], row["resource"]): row["amount"] for row in written} == {
        (part, resource): amount
        for part, amounts in cost.area_split.items()
        for resource, amount in amounts.items()
    }


def test_the_parts_of_the_plain_network_by_hand() -> None:
    """16 elements a cycle pass at most one comparator of 50.3 um^2 and one adder of 67, at int16."""
    cost = cm.cost("resnet20/cifar10", "asic-45nm")
    demand = prepared(cm.DesignKey.parse("resnet20/cifar10")).demand
    units = {
        operation: int(row.max())
        for operation, row in zip(demand.operations, demand.per_element, strict=True)
    }
    profile = load_profile("asic-45nm").side.operations
    by_hand = sum(
        16 * count * profile[operation][precision].area.value  # type: ignore[index, union-attr]
        for (operation, precision), count in units.items()
        if operation != "mac"
    )
    assert cost.area_split["side units"]["mm2"] == pytest.approx(by_hand * 1e-6)
    assert units["compare", "int16"] == 1 and units["mac", "1x1"] == 0


# ------------------------------------------------------------------ more work, no less area


def test_a_wider_network_takes_no_less_area_on_fixed_memories() -> None:
    """Units that keep pace with the array shrank from 1.488 to 1.467 mm^2 between widths 1 and 4."""
    found = sweep(
        [cm.DesignKey.parse("resnet20/cifar10")], np.array([1.0, 2.0, 4.0]), [load_profile("asic-28nm-bnn")]
    )
    assert (np.diff(found.area["mm2"][0, :, 0]) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    network=st.sampled_from(sorted(NARROW)),
    profile=st.sampled_from(MATCHED),
    data=st.data(),
    wider=st.sampled_from([1.0, 2.0, 4.0]),
)
def test_more_work_never_takes_less_area(
    network: str, profile: str, data: st.DataObject, wider: float
) -> None:
    """A design with a method more, or wider: where no sort of operation becomes less in any layer."""
    drawn = data.draw(st.lists(st.sampled_from(emitting(network)), max_size=3, unique=True))
    names = compatible(drawn)
    less = small_key(network, *names[:-1])
    more = replace(small_key(network, *names), width=less.width * wider)
    chip = load_profile(profile)
    assume(asks_no_less(more, less, chip))
    no_smaller(*(cm.cost(key, chip, traffic="compulsory") for key in (more, less)))


def asks_no_less(more: cm.DesignKey, less: cm.DesignKey, chip: HardwareProfile) -> bool:
    """Whether every layer of `less` has at least its operations in `more`, and the memories hold at least its bits."""
    counts = [
        {
            (layer, *operation): row[number, 0]
            for operation, row in zip(work.demand.operations, work.demand.counts, strict=True)
            for number, layer in enumerate(work.demand.layers)
            if row[number, 0]
        }
        for work in map(prepared, (more, less))
    ]
    kept = [prepared(key).demand.kept_bits[:, 0] for key in (more, less)]
    return bool((kept[0] >= kept[1]).all()) and all(
        counts[0].get(key, 0) >= number for key, number in counts[1].items()
    )
