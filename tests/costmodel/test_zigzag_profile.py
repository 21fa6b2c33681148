"""ZigZag's accelerators as profiles of this project: the same machine again, and what a profile cannot say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tpu_like import resnet18
from zigzag_files import (
    EDGE_TPU_LIKE,
    EDGE_TPU_LIKE_MAPPING,
    TOY,
    TOY_MAPPING,
    TPU_LIKE,
    TPU_LIKE_MAPPING,
    written,
)

from costmodel import BnncostError, load_profile
from costmodel.hardware import HardwareProfile
from costmodel.hardware.files import examine_text
from costmodel.hardware.prices import mac_price
from costmodel.importers.zigzag import architecture_of
from costmodel.importers.zigzag_profile import profile_text
from costmodel.mapping import Architecture, Port, best_mapping
from costmodel.pricing.machine import Home, machine_of

LAYERS = (
    "/conv1/Conv",
    "/layer1/layer1.0/conv1/Conv",
    "/layer3/layer3.0/downsample/downsample.0/Conv",
    "/fc/Gemm",
)


def text_of(folder: Path, text: str, mapping: str | None) -> str:
    file = written(folder, "accelerator", text)
    return profile_text(file, None if mapping is None else written(folder, "mapping", mapping))


def profile_of(folder: Path, text: str = TPU_LIKE, mapping: str = TPU_LIKE_MAPPING) -> HardwareProfile:
    return load_profile(written(folder, "profile", text_of(folder, text, mapping)))


def by_the_bit(machine: Architecture) -> Architecture:
    """The same machine without whole pieces, and without the energy of MACs: what a profile's machine says."""
    levels = [
        replace(level, ports=tuple(Port(p.name, p.width_bits, p.uses) for p in level.ports))
        for level in machine.levels
    ]
    return replace(machine, levels=tuple(levels), mac_energy_j=0.0)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    ("text", "mapping"),
    [(TPU_LIKE, TPU_LIKE_MAPPING), (EDGE_TPU_LIKE, EDGE_TPU_LIKE_MAPPING)],
    ids=["tpu", "edge"],
)
def test_its_machine_moves_what_the_file_says(name: str, text: str, mapping: str, tmp_path: Path) -> None:
    """With every operand at home in the DRAM, as ZigZag has it; finished outputs are priced with the side units."""
    profile = profile_of(tmp_path, text, mapping)
    layer = replace(resnet18()[name], output_bits=0)
    figures = {name: level.interpolate(level.size_bits) for name, level in profile.memories.items()}
    room = {name: int(level.size_bits) for name, level in profile.memories.items()}
    costs = {name: (float(f.read_j_per_bit), float(f.write_j_per_bit)) for name, f in figures.items()}
    here = machine_of(profile, "8x8", layer, "features", Home("dram", "dram", room, costs))
    there = by_the_bit(architecture_of(tmp_path / "accelerator.yaml", tmp_path / "mapping.yaml"))
    assert best_mapping(layer, here).energy_j == pytest.approx(best_mapping(layer, there).energy_j, rel=1e-9)


def test_figures_are_those_of_the_file_and_of_the_base(tmp_path: Path) -> None:
    profile, base = profile_of(tmp_path), load_profile("asic-45nm")
    assert mac_price(profile, "8x8").energy_j == pytest.approx(0.04e-12)
    assert mac_price(profile, "1x1").energy_j == mac_price(base, "1x1").energy_j
    assert mac_price(profile, "8x8").units == 1024
    assert profile.memories["dram"].macros[0].write.si == pytest.approx(750e-12 / 64)
    assert profile.memories["dram"].off_chip
    assert not profile.memories["sram_2MB"].off_chip
    assert profile.array is not None
    assert profile.array.systolic == ("D1", "D2")
    assert profile.array.buffers["rf_2B"].words is not None
    assert profile.side == base.side
    assert profile.control == base.control


def test_its_head_says_what_is_missing(tmp_path: Path) -> None:
    text = text_of(tmp_path, TPU_LIKE, TPU_LIKE_MAPPING)
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert "are those of asic-45nm" in head[1]
    assert any("sram_2MB: ZigZag rounds what is moved up to 64 bits" in line for line in head)


@pytest.mark.parametrize(
    ("text", "mapping", "told"),
    [
        (TOY.replace("sizes: [4, 2]", "sizes: [8, 2]"), TOY_MAPPING, "unrolls K 4 on axis D1 of 8 lanes"),
        (TOY, TOY_MAPPING.replace('"K, 4"', '"K, 2", "OX, 2"'), "unrolls 2 loops on axis D1"),
        (EDGE_TPU_LIKE, None, "name a mapping file with --mapping"),
        (TOY.replace("operands: [I2]", "operands: [I9]"), TOY_MAPPING, "unknown operand 'I9'"),
    ],
)
def test_what_a_profile_cannot_say_is_refused(
    text: str, mapping: str | None, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BnncostError, match=told):
        text_of(tmp_path, text, mapping)


def test_a_buffer_outside_a_memory_is_refused(tmp_path: Path) -> None:
    inner, outer = EDGE_TPU_LIKE.index("  rf_2B:"), EDGE_TPU_LIKE.index("  sram_32KB:")
    moved = (
        EDGE_TPU_LIKE[inner:outer]
        .replace("rf_2B", "late")
        .replace("served_dimensions: [D2]", "served_dimensions: []")
    )
    dram = EDGE_TPU_LIKE.index("  dram:")
    with pytest.raises(BnncostError, match="memory 'late' lies outside 'sram_2MB', but holds sums alone"):
        text_of(tmp_path, EDGE_TPU_LIKE[:dram] + moved + EDGE_TPU_LIKE[dram:], EDGE_TPU_LIKE_MAPPING)


@pytest.mark.parametrize(
    ("base", "label", "told"),
    [
        ("mcu-cortex-m4", "8x8", "is of archetype mcu"),
        ("asic-45nm", "9x9", "unknown MAC precision '9x9'"),
        ("asic-45", "8x8", "unknown hardware profile 'asic-45'"),
    ],
)
def test_a_base_that_cannot_complete_it_is_refused(base: str, label: str, told: str, tmp_path: Path) -> None:
    file, mapping = written(tmp_path, "a", TPU_LIKE), written(tmp_path, "m", TPU_LIKE_MAPPING)
    with pytest.raises(BnncostError, match=told):
        profile_text(file, mapping, base, label)


def test_what_is_listed_twice_is_refused(tmp_path: Path) -> None:
    twice = TOY.replace("operands: [I2]", "operands: [I2, I2]").replace("[D1, D2]\nop", "[D1, D1]\nop")
    with pytest.raises(BnncostError) as caught:
        text_of(tmp_path, twice, TOY_MAPPING)
    assert "memories.rf.operands: lists I2 twice; list it once" in str(caught.value)
    assert "memories.dram.served_dimensions: lists D1 twice" in str(caught.value)


def test_what_would_be_no_sound_profile_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match=r"would not be sound:\n  name: must be lower-case .* got 'a/b'"):
        text_of(tmp_path, TOY.replace("name: toy", "name: a/b"), TOY_MAPPING)


LINES = TOY.splitlines(keepends=True)
WORDS = [
    "I1",
    "I2",
    "O",
    "D1",
    "D2",
    "64",
    "0",
    "1000000000000",
    "1e300",
    "[]",
    "rf",
    "weights",
    "true",
    "'a b'",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_imported_is_sound_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "word"]))
        if change == "word":
            words = lines[at].split(" ")
            words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(WORDS))
            lines[at] = " ".join(words).rstrip("\n") + "\n"
        else:
            lines[at : at + 1] = [] if change == "drop" else [lines[at]] * 2
        if not lines:
            return
    try:
        text = text_of(tmp_path, "".join(lines), TOY_MAPPING)
    except BnncostError:
        return
    assert examine_text(text, "imported").problems == ()
