"""Fronts: joined with costs, and non-dominated by a slow judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.accuracy.literature import load_accuracy
from analysis.fronts.accuracy_rows import runnable
from analysis.fronts.from_literature import front_frame
from analysis.fronts.nondominated import on_front
from analysis.show.axes import Axis
from costmodel import BnncostError, cost, resolve
from costmodel.designs.records import AccuracyRecord

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25)


@given(POINTS)
def test_the_front_is_what_no_other_point_beats(points: list[tuple[int, int]]) -> None:
    x, top1 = (np.array(column, dtype=float) for column in zip(*points, strict=True))

    def beaten(i: int) -> bool:
        return any(
            x[j] <= x[i] and top1[j] >= top1[i] and (x[j] < x[i] or top1[j] > top1[i])
            for j in range(len(points))
        )

    assert on_front(x, top1).tolist() == [not beaten(i) for i in range(len(points))]


@pytest.fixture(scope="module")
def frame():
    """The front of ResNet-20."""
    return front_frame("resnet20", "cifar10", "asic-45nm", load_accuracy())


def test_every_design_has_its_cost(frame) -> None:
    for item in frame.itertuples():
        found = cost(item.design, "asic-45nm")
        assert (item.energy_j, item.latency_s) == (found.energy_j, found.latency_s)
        assert item.area == found.area["mm2"]
        parts = [
            item.binary_compute_j, item.other_macs_j, item.side_operations_j, item.memory_j, item.control_j,
            item.leakage_j,
        ]  # fmt: skip
        assert sum(parts) == pytest.approx(item.energy_j)
    assert frame.x.is_monotonic_increasing


def test_the_best_figure_of_the_authors_counts_and_the_others_are_its_range(frame) -> None:
    rbnn = frame.set_index("label").loc["RBNN"]
    assert (rbnn.top1, rbnn.top1_low, rbnn.top1_high) == (86.5, 84.38, 86.5)


def test_the_axis_decides_the_front() -> None:
    by_memory = front_frame("resnet20", "cifar10", "mcu-cortex-m33", load_accuracy(), x=Axis.memory)
    assert (by_memory.x == by_memory.memory_bits).all()
    assert set(by_memory.area_unit) == {"bit"}


def test_own_measurements_of_one_design_are_averaged() -> None:
    key = resolve("resnet20[prelu]")
    records = [AccuracyRecord("resnet20[prelu]", key, top1) for top1 in (70.0, 71.0, 75.0)]
    (point,) = front_frame("resnet20", "cifar10", "asic-45nm", records).itertuples()
    assert (point.top1, point.top1_low, point.top1_high, point.label) == (72.0, 70.0, 75.0, "prelu")


def test_designs_that_do_not_run_are_named_with_the_reason() -> None:
    records = [record for record in load_accuracy() if record.key.network == "resnet34"]
    kept, reasons = runnable(records, "mcu-cortex-m4")
    assert list(reasons) == ["fp32/resnet34/imagenet"]
    assert "does not fit" in reasons["fp32/resnet34/imagenet"]
    assert len(kept) == len(records) - 1
    with pytest.raises(BnncostError, match="does not fit"):
        runnable([record for record in records if record.name in reasons], "mcu-cortex-m4")


def test_accuracies_of_another_backbone_are_starred() -> None:
    records = [record for record in load_accuracy() if record.name.startswith(("boolnet", "reactnet"))]
    records.append(AccuracyRecord("pokebnn-block", resolve("pokebnn-block"), 70.5))
    labels = front_frame("resnet18", "imagenet", "asic-45nm", records).label
    assert sorted(labels) == ["BoolNet (k = 4)", "PokeBNN-style block *", "ReActNet"]
