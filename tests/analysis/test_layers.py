"""Layers of a cost: they add up to it, cause by cause, and are drawn."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from command_outputs import Captured, said

from analysis.cli import run
from analysis.costs.layer_picture import layer_causes
from costmodel import cost, shipped_profiles


@pytest.mark.parametrize("profile", shipped_profiles())
def test_layers_add_up_to_the_network_cause_by_cause(profile: str) -> None:
    priced = cost("resnet20[double_residual+squeeze_excitation]", profile)
    split = priced.energy_split_j
    sums = {
        name: sum(getattr(one, name) for one in priced.layers)
        for name in ("memory_j", "control_j", "leakage_j")
    }
    assert sums["memory_j"] == pytest.approx(split["memory"], rel=1e-12)
    assert sums["control_j"] == pytest.approx(split["control"], rel=1e-12)
    assert sums["leakage_j"] == pytest.approx(split["leakage"], rel=1e-12)
    assert sum(one.energy_j for one in priced.layers) == pytest.approx(priced.energy_j, rel=1e-12)
    parts = [sum(causes.get(part, 0.0) for _, causes in layer_causes(priced)) for part in split]
    assert parts == pytest.approx(list(split.values()), rel=1e-12)


def test_leakage_of_a_layer_is_the_static_power_over_its_time() -> None:
    priced = cost("resnet20", "asic-45nm")
    power_w = sum(row.power_w for row in priced.leakage)
    for layer in priced.layers:
        assert layer.leakage_j == pytest.approx(power_w * layer.latency_s, rel=1e-12)


def test_the_csv_of_layers_has_the_whole_energy(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20", "--per-layer", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(float(row["energy_j"]) for row in rows) == pytest.approx(cost("resnet20").energy_j, rel=1e-12)


def test_the_table_ends_with_the_total(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20", "--per-layer")
    total = next(line for line in text.splitlines() if line.startswith("│ all layers"))
    assert f"{cost('resnet20').energy_j * 1e6:.2f} µJ" in total


def test_on_a_processor_memories_are_inside_the_core(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    text = said(capsys, "cost", "resnet20", "--profile", "mcu-cortex-m33", "--per-layer")
    layers = text.split("\nLayers\n")[1].split("\n\n")[0]
    rows = [line for line in layers.splitlines() if line.startswith("│")]
    assert len(rows) == 21
    for row in rows:
        cells = [cell.strip() for cell in row.split("│")]
        assert cells[4] == cells[6] == "inside the core", row
    assert (
        next(line for line in text.splitlines() if line.startswith("│ memory  ")).count("inside the core")
        == 1
    )


def test_layers_are_drawn(capsys: Captured, tmp_path: Path) -> None:
    said(capsys, "cost", "resnet20", "--per-layer", "--out", str(tmp_path / "l.svg"))
    text = (tmp_path / "l.svg").read_text("utf-8")
    assert all(name in text for name in ("stem", "stage3.block3.conv2", "classifier", "leakage"))
    assert run(["cost", "resnet20", "--out", str(tmp_path / "m.png")]) == 2
    assert "--per-layer" in capsys.readouterr().err
    assert not (tmp_path / "m.png").exists()


def test_what_runs_from_outside_is_said(capsys: Captured) -> None:
    kept = cost("resnet18", "fpga-zynq7020")
    assert set(kept.off_chip_bits) == {"ddr3"} and kept.off_chip_bits["ddr3"] <= sum(
        kept.memory_bits.values()
    )
    text = said(capsys, "cost", "resnet18", "--profile", "fpga-zynq7020")
    assert "no: ddr3" in next(line for line in text.splitlines() if "fits on chip" in line)
    assert not cost("resnet20", "fpga-zynq7020").off_chip_bits
