"""The arrays of real chips: how many of their lanes work on which layers, by hand."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import pytest

import costmodel as cm
from costmodel.evaluate.mappings import mappings_of
from costmodel.mapping.nest import LoopNest

SIDES = (31, 30, 29, 28, 13, 12, 5, 4)
"""Rows and columns of what the 2x2 convolutions of BinarEye's network make."""


def lanes_at_work(design: str, profile: str | Path) -> dict[str, tuple[LoopNest, float]]:
    """Each binary layer with the share of the array's lanes that work, over all its steps."""
    found = [one for one in mappings_of(design, profile) if one.precision == "1x1"]
    return {one.layer: (one.mapped.layer, one.outline.utilisation) for one in found}


@pytest.mark.parametrize(("width", "at_once"), [("", 1), ("@w0.5", 2), ("@w0.25", 4)])
def test_narrow_networks_take_several_positions_at_once_on_binareye(width: str, at_once: int) -> None:
    """256 channels of 2x2 windows fill the 1024 inputs of a neuron; 128 or 64 of them leave room for 2 or 4 positions.

    Of the last positions of a row some are missing: 31 are 16 pairs less one, or 8 times four less one.
    """
    lanes = lanes_at_work(f"binareye{width}/cifar10", "asic-28nm-bnn")
    del lanes["classifier"]
    assert len(lanes) == len(SIDES)
    for side, (layer, share) in zip(SIDES, lanes.values(), strict=True):
        assert layer.extent("OX") == side
        assert share == pytest.approx(side / (at_once * ceil(side / at_once)))


def test_a_quarter_of_the_width_costs_a_sixteenth_or_little_more_on_binareye() -> None:
    """Its MACs are a sixteenth, and the whole array works; one position at a time it would cost twice as much."""
    sizes = ["memories.weight_sram.size=266kB", "memories.feature_sram.size=64kB"]
    chip = cm.load_profile("asic-28nm-bnn", sizes)
    whole, half, quarter = (
        cm.cost(f"binareye{width}/cifar10", chip).energy_j for width in ("", "@w0.5", "@w0.25")
    )
    assert 12 < whole / quarter < 16  # 7.4 where each step has one position
    assert 3.6 < whole / half < 4  # 2.9


@pytest.mark.parametrize("profile", ["asic-22nm-bnn", "asic-65nm"])
def test_two_3x3_kernels_share_the_rows_of_a_7x7_window(profile: str) -> None:
    """Of 7 rows 6 work, of 7 columns 3; channels fill 16 lanes."""
    lanes = lanes_at_work("resnet20/cifar10", profile)
    assert len(lanes) == 18
    for layer, share in lanes.values():
        assert (layer.extent("FX"), layer.extent("FY")) == (3, 3)
        assert share == pytest.approx(6 / 7 * 3 / 7)


ENDS = """
name: other-end
extends: {profile}
array:
  loops:
    rows: {rows}
    columns: {columns}
"""


@pytest.mark.parametrize("profile", ["asic-22nm-bnn", "asic-65nm"])
@pytest.mark.parametrize(
    ("rows", "columns", "of_49"), [("[[FY]]", "[[FX]]", 9), ("[[FY, OY]]", "[[FX, OX]]", 36)]
)
def test_the_other_readings_of_the_source_are_a_few_lines(
    profile: str, rows: str, columns: str, of_49: int, tmp_path: Path
) -> None:
    """What the profiles say of their ends: 9 of 49 lanes where nothing is shared, 36 where columns are too."""
    file = tmp_path / "other-end.yaml"
    file.write_text(ENDS.format(profile=profile, rows=rows, columns=columns), "utf-8")
    layer, at_work = lanes_at_work("resnet20/cifar10", file)["stage1.block1.conv1"]
    assert layer.extent("OX") == layer.extent("OY") == 32  # pairs of rows and columns
    assert at_work == pytest.approx(of_49 / 49)


@pytest.mark.parametrize("profile", ["asic-22nm-bnn", "asic-65nm"])
def test_7x7_kernels_fill_the_window(profile: str) -> None:
    """What the published peaks are of: 16 channels of 7x7."""
    lanes = cm.load_profile(profile).compute["1x1"].lanes
    assert lanes == {"channels": 16, "rows": 7, "columns": 7}
