"""SRAM and registers from shipped tables: exact where tabled, judged between, refused outside; `sram` in profiles."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_texts import ASIC, MCU, figure

from costmodel.errors import BnncostError
from costmodel.hardware import HardwareProfile, check_profile, load_profile
from costmodel.hardware.ends import at_end
from costmodel.hardware.memories.registers import register_figures
from costmodel.hardware.memories.sram import sram_figures, table_nodes, table_sizes, table_voltage

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "hardware_profiles/tables/cacti7_sram.csv"
BETWEEN = Path(__file__).with_name("cacti7_between.csv")  # made with the same tool, not part of the table
KILOBYTE = 8192  # bits
FIGURES = ("read_pJ", "write_pJ", "leak_mW", "area_mm2")
MACROS = ASIC[ASIC.index("    macros:\n") : ASIC.index("control:\n")]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def in_units_of_the_table(row: dict[str, str]) -> tuple[float, ...]:
    word = int(row["width_b"])
    read, write, area, leakage = sram_figures(
        int(row["node_nm"]), row["cell"], float(row["size_kB"]) * KILOBYTE, word
    )
    return (read * word * 1e12, write * word * 1e12, leakage * 1e3, area)


def off(row: dict[str, str]) -> tuple[float, ...]:
    """How far interpolation is off a row, by figure."""
    return tuple(
        abs(found / float(row[name]) - 1)
        for name, found in zip(FIGURES, in_units_of_the_table(row), strict=True)
    )


def test_tabled_points_come_back() -> None:
    table = rows(TABLE)
    assert len(table) == 1479
    assert max(max(off(row)) for row in table) < 1e-9


def test_interpolation_is_as_far_off_as_the_page_says() -> None:
    """Against runs of CACTI at sizes and words half-way between those of the table."""
    found = np.array([off(row) for row in rows(BETWEEN)])
    assert len(found) == 208
    medians, worst = np.median(found, axis=0), found.max(axis=0)
    assert np.all(medians < [0.065, 0.035, 0.025, 0.045]), medians
    assert np.all(worst < [0.28, 0.19, 0.17, 0.20]), worst


def test_agrees_with_published_caches() -> None:
    """Horowitz, ISSCC 2014: 10, 20 and 100 pJ per 64 bit for caches of 8 kB, 32 kB and 1 MB at 45 nm."""
    sizes = np.array([8, 32, 1024]) * KILOBYTE
    energies = sram_figures(45, "itrs-lstp", sizes, 64).read_j_per_bit * 64 * 1e12
    assert energies == pytest.approx([10, 20, 100], rel=0.4)


@given(
    node=st.sampled_from([22, 28, 32, 45, 65]),
    cell=st.sampled_from(["itrs-lstp", "itrs-lop", "itrs-hp"]),
    word=st.floats(8, 512),
    share=st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
@settings(deadline=None)
def test_a_larger_memory_costs_no_less(node: float, cell: str, word: float, share: list[float]) -> None:
    sizes = table_sizes(node, cell, word)
    smaller, larger = sorted(sizes[0] * (sizes[-1] / sizes[0]) ** part for part in share)
    low, high = (sram_figures(node, cell, size, word) for size in (smaller, larger))
    assert low.read_j_per_bit <= high.read_j_per_bit * (1 + 1e-9)
    assert low.area_or_bram <= high.area_or_bram * (1 + 1e-9)


@given(size=st.floats(2, 2048), word=st.floats(8, 512), node=st.sampled_from([22, 28, 45, 65]))
@settings(deadline=None)
def test_between_four_points_nothing_leaves_them(size: float, word: float, node: float) -> None:
    sizes = [2 ** math.floor(math.log2(size)), min(2 ** math.ceil(math.log2(size)), 2048)]
    words = [2 ** math.floor(math.log2(word)), min(2 ** math.ceil(math.log2(word)), 512)]
    corners = [sram_figures(node, "itrs-lop", kb * KILOBYTE, bits) for kb in sizes for bits in words]
    found = sram_figures(node, "itrs-lop", size * KILOBYTE, word)
    for number in (2, 3):  # area and leakage do not depend on how energy is counted
        values = [corner[number] for corner in corners]
        assert min(values) * (1 - 1e-9) <= found[number] <= max(values) * (1 + 1e-9)


def test_arrays_broadcast() -> None:
    sizes = np.array([8, 64]) * KILOBYTE
    figures = sram_figures(28, "itrs-lstp", sizes[:, None], np.array([32, 64, 96]))
    assert figures.read_j_per_bit.shape == (2, 3)
    assert figures.leakage_w[1, 2] == pytest.approx(
        sram_figures(28, "itrs-lstp", 64 * KILOBYTE, 96).leakage_w
    )


@pytest.mark.parametrize(
    ("node", "cell", "size", "word", "words"),
    [
        (28, "itrs-lst", KILOBYTE, 64, ["unknown SRAM cell 'itrs-lst'", "did you mean 'itrs-lstp'"]),
        (14, "itrs-lop", KILOBYTE, 64, ["22, 28, 32, 45, 65 nm, not at 14 nm", "nearest"]),
        (28, "itrs-lop", 4096 * KILOBYTE, 64, ["2048 bit to 2048 kB", "not of 4096 kB"]),
        (28, "itrs-lop", 1024, 64, ["2048 bit to 2048 kB", "not of 1024 bit"]),
        (28, "itrs-lop", KILOBYTE, 1024, ["words of 8 to 512 bit", "not of 1024 bit"]),
        (40, "itrs-lstp", KILOBYTE, 32, ["words of 64 bit at 40 nm", "not of 32 bit"]),
        (28, "itrs-lop", 0, 64, ["above zero", "got 0 and 64"]),
    ],
)
def test_nothing_is_extrapolated(node: float, cell: str, size: float, word: float, words: list[str]) -> None:
    with pytest.raises(BnncostError) as caught:
        sram_figures(node, cell, size, word)
    assert all(part in str(caught.value) for part in words), caught.value


def test_one_size_outside_refuses_all() -> None:
    with pytest.raises(BnncostError, match="not of 4096 kB"):
        sram_figures(28, "itrs-lop", np.array([1, 4096]) * KILOBYTE, 64)


def test_every_cell_has_a_supply_at_its_nodes() -> None:
    for cell in ("itrs-lstp", "itrs-lop", "itrs-hp"):
        supplies = [table_voltage(node, cell) for node in table_nodes(cell)]
        assert supplies == sorted(supplies) and 0.5 < supplies[0] < 1.4


# --- registers -------------------------------------------------------------------------------------------------------


def test_register_energy_follows_the_published_words() -> None:
    """Interstellar: 0.015, 0.12 and 0.96 pJ per 16-bit word of 8, 64 and 512 words at 28 nm; between, in proportion."""
    energies = register_figures(28, 0.9, np.array([8, 64, 128, 512]), 16).read_j_per_bit * 16 * 1e12
    assert energies == pytest.approx([0.015, 0.12, 0.24, 0.96])


def test_registers_meet_small_srams() -> None:
    """Two sources that know nothing of each other, where both have figures: 64 and 128 words of 16 bit at 28 nm."""
    words = np.array([64, 128])
    sram = sram_figures(28, "itrs-lstp", words * 16, 16).read_j_per_bit
    assert register_figures(28, 0.9, words, 16).read_j_per_bit == pytest.approx(sram, rel=0.25)


def test_registers_at_another_process_and_supply() -> None:
    figures = register_figures(45, 0.7, 64, 8)
    # 7.5 fJ over the energy factor 0.518 of 45 to 28 nm at 0.9 V, by (0.7 / 0.9)^2; 512 bits of 3.458 um^2.
    assert figures.write_j_per_bit == pytest.approx(7.5e-15 / 0.5178 * (0.7 / 0.9) ** 2, rel=1e-3)
    assert figures.area_or_bram == pytest.approx(512 * 3.458e-6)
    assert figures.leakage_w == pytest.approx(512 * 70e-9)


@pytest.mark.parametrize(
    ("words", "bits", "said"), [(4, 8, "8 to 512 words"), (1024, 8, "SRAM"), (8, 0, "0 bit")]
)
def test_registers_are_not_extrapolated(words: int, bits: int, said: str) -> None:
    with pytest.raises(BnncostError, match=said):
        register_figures(28, 0.9, words, bits)


# --- `sram` in a profile ---------------------------------------------------------------------------------------------


def sram_text(more: str = "", node: object = 28, cell: str = "itrs-lstp") -> str:
    voltage = "{value: 0.66, unit: V, low: 0.6, high: 0.92, source: made up, status: assumed, note: n}"
    return (
        f"    sram:\n      cell: {cell}\n      node: {figure(node, 'nm')}\n      width: {figure(64, 'bit')}\n"
        f"      voltage: {voltage}\n{more}"
    )


def chip(folder: Path, level: str, name: str = "chip") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(ASIC.replace(MACROS, level), encoding="utf-8")
    return path


@pytest.fixture
def bnn(tmp_path: Path) -> HardwareProfile:
    return load_profile(chip(tmp_path, sram_text("      energy_range_of: [itrs-lop]\n")))


def test_level_takes_its_figures_from_the_table(bnn: HardwareProfile) -> None:
    """28 nm low-leakage cells with a 64-bit word: 2.57745 pJ a read of 8 kB and 19.7622 of 256 kB at 0.92 V."""
    level = bnn.memories["sram"].model_copy(update={"banks": None})
    figures = level.interpolate(np.array([8, 256]) * KILOBYTE)
    scale = (0.66 / 0.92) ** 2 / 64 * 1e-12
    assert figures.read_j_per_bit == pytest.approx(np.array([2.57745, 19.7622]) * scale, rel=1e-5)
    # Neither area nor leakage follow the supply.
    assert figures.area_or_bram == pytest.approx([0.0101522, 0.364994], rel=1e-5)
    assert figures.leakage_w == pytest.approx([1.16461e-6, 2.59428e-5], rel=1e-5)


def test_above_the_table_a_level_is_several_macros(bnn: HardwareProfile) -> None:
    level = bnn.memories["sram"].model_copy(update={"banks": None})
    one, half, five = level.interpolate(np.array([2048, 1024, 4.5 * 2048]) * KILOBYTE)[2]
    assert five == pytest.approx(4 * one + half)


def test_figures_say_how_they_were_scaled(bnn: HardwareProfile) -> None:
    read = bnn.memories["sram"].macros[0].read
    assert (read.status, read.source) == ("scaled", "cacti7")
    assert read.law == "C V^2: itrs-lstp at 28 nm 0.92 V to 0.66 V, x0.515"
    listed = dict(bnn.memories["sram"].quantities())
    assert {"sram.node", "sram.width", "sram.voltage", "port"} <= set(listed)
    # The level fits the network, so the macro as large as a bank speaks for the figures.
    assert listed["macros[6].size"].value == 16 and {"banks.size", "banks.wire"} <= set(listed)
    assert len(listed) == 11


def test_range_spans_cells_and_supplies(bnn: HardwareProfile) -> None:
    """At 64 kB a read takes 9.475 pJ in LSTP cells (0.92 V) and 4.534 in LOP ones (0.6 V)."""
    (macro,) = (macro for macro in bnn.memories["sram"].macros if macro.size and macro.size.value == 64)
    lstp, lop = 9.475 / 64, 4.534 / 64
    assert macro.read.low == pytest.approx(min(lstp * (0.6 / 0.92) ** 2, lop), rel=1e-3)
    assert macro.read.high == pytest.approx(max(lstp, lop * (0.92 / 0.6) ** 2), rel=1e-3)
    assert macro.leakage is not None and macro.leakage.low is None


def test_range_travels_to_the_ends_of_a_profile(bnn: HardwareProfile) -> None:
    ends = [at_end(bnn, end).memories["sram"].interpolate(64.0 * KILOBYTE) for end in ("best", "worst")]
    value = bnn.memories["sram"].interpolate(64.0 * KILOBYTE)
    assert ends[0].read_j_per_bit < value.read_j_per_bit < ends[1].read_j_per_bit
    assert ends[0].leakage_w == value.leakage_w == ends[1].leakage_w


def test_latches_have_their_own_area_and_lowest_energy(tmp_path: Path) -> None:
    more = (
        f"      bit_area: {figure(0.5, 'um^2')}\n      lowest_energy: {figure(0.1, 'fJ/bit')}\n"
        "      leakage_range_of: [itrs-hp]\n"
    )
    macro = load_profile(chip(tmp_path, sram_text(more))).memories["sram"].macros[-1]
    assert macro.area is not None and macro.area.si == pytest.approx(2048 * KILOBYTE * 0.5e-12)
    assert macro.read.si_low == pytest.approx(1e-16)
    assert macro.leakage is not None and macro.leakage.si_high > 100 * macro.leakage.si


def test_child_replaces_the_supply_or_the_whole_form(tmp_path: Path) -> None:
    chip(tmp_path, sram_text(), "parent")
    start = f"name: child\nextends: parent.yaml\nclock: {figure(1, 'MHz')}\nmemories:\n  sram:\n"
    child = tmp_path / "child.yaml"
    child.write_text(start + f"    sram: {{voltage: {figure(0.92, 'V')}}}\n")
    level = load_profile(child).memories["sram"]
    assert level.interpolate(8.0 * KILOBYTE).read_j_per_bit == pytest.approx(2.57745e-12 / 64, rel=1e-5)
    child.write_text(start + MACROS)
    written = load_profile(child).memories["sram"]
    assert written.sram is None and written.interpolate(1.0 * KILOBYTE).read_j_per_bit == pytest.approx(
        0.1e-12
    )


@pytest.mark.parametrize(
    ("level", "place", "said"),
    [
        (sram_text(node=14), "memories.sram.sram", "not at 14 nm"),
        (sram_text(cell="itrs-lpt"), "memories.sram.sram.cell", "did you mean 'itrs-lop'"),
        (sram_text("      bits: 3\n"), "memories.sram.sram.bits", "unknown key 'bits'"),
        (sram_text("    free: a reason\n"), "memories.sram.free", "beside sram"),
        (sram_text() + MACROS, "memories.sram.sram", "beside macros"),
        (
            sram_text().replace("high: 0.92", "high: 3"),
            "memories.sram.sram",
            "from 0.31 to 1.8 V, not to 3 V",
        ),
        (sram_text().replace("low: 0.6", "low: 0.1"), "memories.sram.sram", "not to 0.1 V"),
        (sram_text("    off_chip: true\n"), "memories.sram.sram", "on the chip"),
        (sram_text().replace("value: 64", "value: 1024"), "memories.sram.sram", "words of 8 to 512 bit"),
    ],
)
def test_wrong_sram_is_one_sentence_at_its_place(tmp_path: Path, level: str, place: str, said: str) -> None:
    problems = [str(problem) for problem in check_profile(chip(tmp_path, level))]
    assert len(problems) == 1 and f": {place}: " in problems[0] and said in problems[0], problems


@given(
    field=st.sampled_from(["cell", "node", "width", "voltage", "energy_range_of", "bit_area"]),
    value=st.one_of(
        st.none(),
        st.text(max_size=5),
        st.builds(
            figure, st.sampled_from([0, 1e-300, 64, 1e300]), st.sampled_from(["V", "nm", "bit", "um^2"])
        ),
    ),
)
@settings(deadline=None, max_examples=60)
def test_whatever_stands_in_an_sram_is_read_or_refused(
    tmp_path_factory: Any, field: str, value: str | None
) -> None:
    text = re.sub(rf"      {field}: .*\n", "", sram_text()) + f"      {field}: {value}\n"
    path = chip(tmp_path_factory.mktemp("sram"), text)
    assert check_profile(path) or load_profile(path).memories["sram"].macros


def test_sram_is_not_for_a_microcontroller(tmp_path: Path) -> None:
    path = tmp_path / "mcu.yaml"
    path.write_text(MCU.replace("    free: inside the energy of a cycle\n", sram_text()))
    assert any("is for memories on an asic" in str(problem) for problem in check_profile(path))


# Figures that stood in the shipped profiles, read off the grid by hand: memory, size [kB], read and write [pJ/bit],
# area [mm2], leakage [mW]. 1 MB at 45 nm is 32 banks of 32 kB (17.04 and 15.40 pJ a word, 0.09486 mm2, 0.924 uW): edges
# of 1.742 and 0.308 mm, so 3/4 x 1.434 mm of wires at 0.12 pJ/bit/mm, 0.129 pJ, beside 0.266 and 0.241 pJ/bit. At 22 nm
# it is 8 of 128 kB (11.85 and 10.48 pJ a word of 128 bits at 0.8 V, 0.1137 mm2): 3/4 x (0.953 - 0.337) mm at
# 0.037 pJ/bit/mm, 0.0171 pJ, beside 0.0362 and 0.0320 pJ/bit at 0.5 V.
BY_HAND = [
    ("asic-45nm", "weight_sram", 8, (0.0959, 0.123, 0.0263, 0.000257)),
    ("asic-45nm", "weight_sram", 32, (0.266, 0.241, 0.0949, 0.000924)),
    ("asic-45nm", "feature_sram", 1024, (0.395, 0.370, 3.04, 0.0296)),
    ("asic-65nm", "weight_sram", 16, (0.176, 0.139, 0.106, 0.323)),
    ("asic-28nm-bnn", "weight_sram", 256, (0.159, 0.123, 0.365, 0.0259)),
    ("asic-28nm-bnn", "feature_sram", 64, (0.0455, 0.0495, 0.105, 0.00706)),
    ("asic-22nm-programmable", "weight_sram", 128, (0.0239, 0.0315, 0.146, 0.0188)),
    ("asic-22nm-programmable", "feature_sram", 1024, (0.0533, 0.0491, 0.909, 0.151)),
    ("asic-22nm-bnn", "feature_scm", 16, (0.0103, 0.0089, 0.114, 0.00287)),
]


@pytest.mark.parametrize(("name", "memory", "size", "by_hand"), BY_HAND)
def test_shipped_profiles_agree_with_figures_read_by_hand(
    name: str, memory: str, size: int, by_hand: tuple[float, ...]
) -> None:
    read, write, area, leakage = load_profile(name).memories[memory].interpolate(float(size * KILOBYTE))
    assert (read * 1e12, write * 1e12, area, leakage * 1e3) == pytest.approx(by_hand, rel=0.01)
