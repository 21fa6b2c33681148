"""Every problem of a profile in one message with file, line and place; inheritance."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from profile_texts import ASIC, FPGA, MCU, TEXTS, figure

from costmodel.errors import BnncostError
from costmodel.hardware import check_profile, load_profile

CLOCK = f"clock: {figure(100, 'MHz')}"


def written(folder: Path, text: str, name: str = "chip.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("archetype", TEXTS)
def test_valid_profile_has_no_problem(tmp_path: Path, archetype: str) -> None:
    path = written(tmp_path, TEXTS[archetype])
    assert check_profile(path) == ()
    assert load_profile(path).archetype == archetype
    assert load_profile(str(path)) is load_profile(path)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (CLOCK, "clock: 100", "clock", "a number needs unit, source and status"),
        (CLOCK, "clock: fast", "clock", "must be a quantity"),
        (CLOCK, "clock: {value: 100, unit: MHz, status: assumed}", "clock", "'source' is missing"),
        (CLOCK, f"clock: {figure(100, 'Mhz')}", "clock.unit", "did you mean 'MHz'"),
        (CLOCK, f"clock: {figure(100, 'pJ')}", "clock.unit", "does not measure a frequency, such as 400 MHz"),
        (CLOCK, f"clock: {figure(100, '3 ** 9')}", "clock.unit", "is no unit"),
        (CLOCK, f"clock: {figure(0, 'MHz')}", "clock.value", "must be greater than zero"),
        (CLOCK, f"clock: {figure(-1, 'MHz')}", "clock.value", "must not be negative"),
        (CLOCK, f"clock: {figure('.nan', 'MHz')}", "clock.value", "must be a finite number"),
        (CLOCK, f"clock: {figure('.inf', 'MHz')}", "clock.value", "must be a finite number"),
        (
            CLOCK,
            f"clock: {figure('1e308', 'GHz')}",
            "clock.value",
            "from 1 to 1e+13 Hz to be physical, got 1e+308 GHz",
        ),
        (CLOCK, f"clock: {figure('true', 'MHz')}", "clock.value", "must be a number, got true"),
        (CLOCK, f"clock: {figure('abc', 'MHz')}", "clock.value", "must be a number, got 'abc'"),
        (CLOCK, CLOCK.replace("made up", "''"), "clock.source", "must not be empty"),
        (CLOCK, CLOCK.replace("made up", "3"), "clock.source", "must be text"),
        (CLOCK, CLOCK.replace("assumed", "guessed"), "clock.status", "unknown status 'guessed'"),
        (CLOCK, CLOCK.replace("assumed", "scaled"), "clock.status", "needs 'law'"),
        (CLOCK, CLOCK.replace("}", ", low: 101, note: n}"), "clock.low", "'low' 101 is above 'value' 100"),
        (CLOCK, CLOCK.replace("}", ", high: 9, note: n}"), "clock.high", "'high' 9 is below 'value' 100"),
        (CLOCK, CLOCK.replace("}", ", high: 900}"), "clock", "a range needs 'note'"),
        (CLOCK, CLOCK.replace("}", ", nots: n}"), "clock.nots", "did you mean 'note'"),
        (CLOCK, f"clocks: {figure(1, 'MHz')}\n{CLOCK}", "clocks", "did you mean 'clock'"),
        ("archetype: asic", "archetype: asci", "archetype", "did you mean 'asic'"),
        ("name: small-asic", "name: Small Chip", "name", "must be lower-case"),
        ("title: A small chip", "title: 3", "title", "must be text"),
        ("  8x8:", "  8by8:", "compute.8by8", "unknown MAC precision '8by8'"),
        ("    add:", "    ad:", "side.operations.ad", "did you mean 'add'"),
        ("      int8:", "      int7:", "side.operations.add.int7", "unknown precision 'int7'"),
        ("policy: matched", "policy: match", "side.policy", "did you mean 'matched'"),
        ("  policy: matched\n", "", "side.policy", "is missing"),
        ("size: fit", "size: fits", "memories.sram.size", "must be 'fit' or a quantity"),
        ("[weights,", "[wieghts, weights,", "memories.sram.holds[0]", "did you mean 'weights'"),
        ("[weights,", "[", "memories", "no level holds weights"),
        ("[weights,", "[weights, weights,", "memories.sram.holds", "lists weights twice"),
        ("    size: fit\n", "    size: fit\n    free: a reason\n", "memories.sram.free", "beside macros"),
        (
            f"size: {figure(16, 'kB')}",
            f"size: {figure(1, 'kB')}",
            "memories.sram.macros[1].size",
            "larger than",
        ),
        (f"        area: {figure(0.01, 'mm^2')}\n", "", "memories.sram.macros[0].area", "is missing"),
        ("    macros:\n", "    off_chip: 3\n    macros:\n", "memories.sram.off_chip", "true or false"),
        (f"    area: {figure(400, 'um^2')}\n", "", "compute.8x8.area", "is missing: an asic needs"),
        (
            f"    area: {figure(400, 'um^2')}\n",
            f"    area: {figure(400, 'um')}\n",
            "compute.8x8.area.unit",
            "an area",
        ),
        ("  8x8:\n", f"  8x8:\n    lut: {figure(3, 'lut')}\n", "compute.8x8.lut", "is not for an asic"),
        ("  8x8:\n", "  8x8: 3\n  4x4:\n", "compute.8x8", "must be a mapping with throughput"),
        (
            "technology:\n",
            "technology: 3\ntechnologies:\n",
            "technology",
            "must be a mapping with node, voltage",
        ),
        (
            "[weights, parameters, binary_features, features]",
            "weights",
            "memories.sram.holds",
            "must be a list",
        ),
    ],
)
def test_problem_has_file_line_place_and_sentence(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    text = changed(ASIC, old, new)
    path = written(tmp_path, text)
    lines = [str(problem) for problem in check_profile(path)]
    matching = [line for line in lines if f": {place}: " in line]
    assert len(matching) == 1 and words in matching[0], lines
    assert matching[0].startswith(f"{path}:") and "[type=" not in matching[0]
    key = place.rsplit(".", 1)[-1].split("[")[0]
    if new and key in new:
        assert abs(int(matching[0].split(":")[1]) - line_of(ASIC, old)) <= new.count("\n")
    with pytest.raises(BnncostError) as caught:
        load_profile(path)
    assert str(caught.value) == "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "words"),
    [
        (MCU, "processor:\n", "processors:\n", "processor", "a microcontroller (mcu) needs it"),
        (MCU, "side:\n", "side:\n  policy: matched\n", "side.policy", "one operation after another"),
        (MCU, "    free: inside the energy of a cycle\n", "", "memories.all", "needs macros, or `free`"),
        (
            MCU,
            "  1x1:\n",
            f"  1x1:\n    energy: {figure(1, 'pJ/mac')}\n",
            "compute.1x1.energy",
            "it takes cycles",
        ),
        (FPGA, "control:\n", "controls:\n", "control", "an fpga needs it"),
        (
            FPGA,
            f"        units: {figure(4, 'operation/cycle')}\n",
            "",
            "side.operations.add.int16.units",
            "missing",
        ),
        (FPGA, "policy: fixed", "policy: matched", "side.operations.add.int16.units", "is not for an fpga"),
        (FPGA, "bram: {", "area: {", "memories.bram.macros[0].bram", "is missing"),
        (FPGA, "    off_chip: true\n", "", "memories.ddr.macros[0].size", "is missing"),
        (FPGA, f"  lut: {figure(1000, 'lut')}\n", "", "control.lut", "is missing"),
        (ASIC, "    popcount:\n", "    popcounts:\n", "compute.1x1.popcount", "priced from its parts"),
    ],
)
def test_archetype_decides_the_fields(
    tmp_path: Path, text: str, old: str, new: str, place: str, words: str
) -> None:
    lines = [str(problem) for problem in check_profile(written(tmp_path, changed(text, old, new)))]
    assert any(f": {place}: " in line and words in line for line in lines), lines


def test_all_problems_come_at_once_in_order(tmp_path: Path) -> None:
    text = changed(ASIC, CLOCK, "clock: 100")
    text = changed(text, "[weights,", "[")
    text = changed(text, "unit: nm", "unit: nn")
    text = changed(text, "title: A small chip", "title: A small chip\ntitle: again")
    path = written(tmp_path, text)
    lines = [problem.line for problem in check_profile(path)]
    places = [problem.place for problem in check_profile(path)]
    assert places == ["title", "technology.node.unit", "clock", "memories"]
    assert lines == [line_of(text, part) for part in ("title: again", "node:", "clock:", "memories:")]


def test_unread_places_are_not_reported_twice(tmp_path: Path) -> None:
    (problem,) = check_profile(written(tmp_path, changed(ASIC, CLOCK, "clock: *speed")))
    assert problem.place == "clock" and "alias" in problem.sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ":1: the file is empty"),
        (b"\xff\xfe\x00a", ":1: is not text in UTF-8"),
        (b"a: 1\nb: \xff\n", ":2: is not text in UTF-8"),
        (b"#" * 1_000_001, ": is larger than 1 MB"),
        (b"\x00\x01\x02", ":1: holds a character"),
    ],
)
def test_file_that_is_no_profile(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(content)
    (problem,) = check_profile(path)
    assert str(problem).startswith(f"{path}{words}")


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    (missing,) = check_profile(tmp_path / "none.yaml")
    assert str(missing) == f"{tmp_path / 'none.yaml'}: does not exist"
    (tmp_path / "folder.yaml").mkdir()
    (folder,) = check_profile(tmp_path / "folder.yaml")
    assert folder.sentence == "is not a file"


@pytest.mark.parametrize("name", ["asic-45", "", "a\0b", "x" * 5000])
def test_unknown_name_lists_the_closest_first(name: str) -> None:
    with pytest.raises(BnncostError, match="unknown hardware profile"):
        load_profile(name)
    if name == "asic-45":
        with pytest.raises(BnncostError, match="did you mean 'asic-45nm'"):
            check_profile(name)


def test_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + ASIC.replace("\n", "\r\n").encode())
    assert load_profile(path).name == "small-asic"


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, ASIC)
    assert load_profile(path).clock.si == 100e6
    written(tmp_path, changed(ASIC, CLOCK, f"clock: {figure(200, 'MHz')}"))
    os.utime(path, ns=(1, 1))
    assert load_profile(path).clock.si == 200e6


def test_child_wins_and_lists_are_replaced_whole(tmp_path: Path) -> None:
    written(tmp_path, ASIC, "parent.yaml")
    child = f"""\
name: child
extends: parent.yaml
clock: {figure(200, "MHz")}
compute:
  4x4: {{throughput: {figure(3, "mac/cycle")}, energy: {figure(1, "pJ/mac")}, area: {figure(9, "um^2")}}}
"""
    profile = load_profile(written(tmp_path, child))
    assert (profile.name, profile.title, profile.clock.si) == ("child", "A small chip", 200e6)
    assert list(profile.compute) == ["1x1", "8x8", "4x4"]
    assert profile.extends == "parent.yaml"


def test_quantity_is_replaced_whole(tmp_path: Path) -> None:
    written(tmp_path, changed(ASIC, CLOCK, CLOCK.replace("}", ", high: 300, note: n}")), "parent.yaml")
    child = f"name: child\nextends: parent.yaml\nclock: {figure(200, 'MHz')}\n"
    assert load_profile(written(tmp_path, child)).clock.high is None
    (problem, *_) = check_profile(written(tmp_path, "name: child\nextends: parent.yaml\nclock: {low: 1}\n"))
    assert problem.place == "clock" and problem.line == 3


def test_inherited_problem_names_the_parent(tmp_path: Path) -> None:
    text = changed(ASIC, CLOCK, "clock: 100")
    parent = written(tmp_path, text, "parent.yaml")
    child = written(tmp_path, "name: child\nextends: parent.yaml\nmemories: {sram: {size: big}}\n")
    first, second = check_profile(child)
    assert (first.file, first.line, first.place) == (str(child), 3, "memories.sram.size")
    assert (second.file, second.line, second.place) == (str(parent), line_of(text, "clock:"), "clock")


def test_parent_with_broken_text_is_named(tmp_path: Path) -> None:
    parent = written(tmp_path, "a: [\n", "parent.yaml")
    (problem,) = check_profile(written(tmp_path, "name: child\nextends: parent.yaml\n"))
    assert problem.file == str(parent) and "not valid YAML" in problem.sentence


@pytest.mark.parametrize(
    ("extends", "words"),
    [
        ("chip.yaml", "goes in a circle"),
        ("./chip.yaml", "goes in a circle"),
        ("none.yaml", "does not exist"),
        ("/dev/zero", "'/dev/zero' is no plain file, but a folder, a pipe or a device"),
        ("/tmp", "'/tmp' is no plain file"),
        ("asic-45", "did you mean 'asic-45nm'"),
        ("3", "must be text"),
    ],
)
def test_extends_must_lead_to_a_profile(tmp_path: Path, extends: str, words: str) -> None:
    path = written(tmp_path, f"name: child\nextends: {extends}\n")
    problem = next(problem for problem in check_profile(path) if problem.place == "extends")
    assert words in problem.sentence and problem.line == 2


def test_circle_of_two_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "name: other\nextends: chip.yaml\n", "other.yaml")
    (problem,) = check_profile(written(tmp_path, "name: child\nextends: other.yaml\n"))
    assert problem.file.endswith("other.yaml") and "chip.yaml -> " in problem.sentence


def test_long_chain_is_refused(tmp_path: Path) -> None:
    for number in range(30):
        written(tmp_path, f"name: p{number}\nextends: p{number + 1}.yaml\n", f"p{number}.yaml")
    (problem,) = check_profile(tmp_path / "p0.yaml")
    assert "a chain of more than" in problem.sentence


def test_child_needs_its_own_name(tmp_path: Path) -> None:
    written(tmp_path, ASIC, "parent.yaml")
    found = check_profile(written(tmp_path, "extends: parent.yaml\n"))
    assert {problem.place for problem in found} == {"name"}
