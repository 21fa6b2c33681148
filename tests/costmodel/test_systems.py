"""Files of published systems: what they must say, and every mistake in a sentence with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.errors import BnncostError
from costmodel.hardware import load_profile
from costmodel.hardware.files import _shipped_root
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.hardware.walk import quantity_at
from costmodel.validation.systems import load_system, shipped_systems

TEXT = """\
name: toy
title: A toy
profile: mcu-cortex-m4
operation: A MAC is one multiply-accumulate.
lacks: Everything else.
figures:
  - what: network one, latency
    metric: latency
    macs: {8x8: 1000000}
    use: input
    calibrates: compute.8x8.cycles
    value: {value: 10, unit: ms, source: mlperf-tiny-v12, status: measured}
    conditions: at the desk
  - what: network two, energy
    metric: energy
    design: resnet8@compute=int8/cifar10
    use: held out
    value: {value: 7, unit: mJ, source: mlperf-tiny-v12, status: measured}
    conditions: at the desk
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    loaded = load_system(written(tmp_path, TEXT))
    assert loaded.system.name == "toy" and loaded.chip.name == "mcu-cortex-m4"
    assert [figure.use for figure in loaded.system.figures] == ["input", "held out"]
    assert loaded.system.figures[0].value.si == 0.01


MISTAKES = (
    ("    calibrates: compute.8x8.cycles\n", "",
     "7: figures[0].calibrates: is missing: an input calibrates one constant"),
    ("compute.8x8.cycles", "compute.8x8.cycle",
     "11: figures[0].calibrates: 'compute.8x8.cycle' is no quantity of profile"),
    ("    use: held out\n", "    use: held out\n    calibrates: clock\n",
     "18: figures[1].calibrates: is not for a figure that is held out"),
    ("    use: held out\n", "    use: input\n    calibrates: compute.8x8.cycles\n",
     "18: figures[1].calibrates: 'compute.8x8.cycles' is calibrated by figures[0] already"),
    ("unit: mJ", "unit: ms", "18: figures[1].value.unit: 'ms' does not measure an energy per inference"),
    ("    design: resnet8@compute=int8/cifar10\n", "", "14: figures[1]: energy is about a network: give either"),
    ("    macs: {8x8: 1000000}\n", "    macs: {8x8: 1000000}\n    design: cnv\n",
     "figures[0]: latency is about a network"),
    ("    macs: {8x8: 1000000}\n", "    macs: {8x9x: 1000000}\n", "unknown MAC precision '8x9x'"),
    ("metric: latency", "metric: latncy", "unknown metric 'latncy'; did you mean 'latency'?"),
    ("use: input", "use: inputs", "unknown use 'inputs'; did you mean 'input'?"),
    ("metric: energy", "metric: energy_per_mac",
     "figures[1].precision: is missing: energy_per_mac is about one sort of MAC"),
    ("    conditions: at the desk\n  - what", "  - what", "figures[0].conditions: is missing"),
    ("profile: mcu-cortex-m4", "profile: mcu-cortex-m5", "3: profile: unknown hardware profile"),
    ("profile: mcu-cortex-m4", "profile: asic-45nm",
     "figures[0].macs: is for a microcontroller (mcu); 'asic-45nm' is an asic"),
    ("    use: held out\n", "    use: informed\n",
     "14: figures[1].informed: is missing: say which assumption was chosen knowing the figure"),
    ("    use: held out\n", "    use: held out\n    informed: the clock\n",
     "figures[1].informed: is for a figure of use 'informed', not 'held out'"),
    ("    use: held out\n", "    use: informed\n    informed: the clock\n    calibrates: clock\n",
     "figures[1].calibrates: is not for a figure of use 'informed'"),
    ("lacks: Everything else.\n", "lacks: All.\nunfolded: [treshold]\n",
     "6: unfolded[0]: unknown rule of folding 'treshold'; did you mean 'threshold'?"),
    ("lacks: Everything else.\n", "lacks: All.\ncopied: [concatenat]\n",
     "6: copied[0]: unknown kind of operation 'concatenat'; did you mean 'concatenate'?"),
    ("lacks: Everything else.\n", "lacks: All.\ncopied: [concatenate]\n",
     "6: copied: needs processor.map_copy, which profile 'mcu-cortex-m4' does not give"),
    ("lacks: Everything else.\n", "", "lacks: is missing"),
    ("    conditions: at the desk\n  - what", "    tolerance_percent: .inf\n    conditions: at the desk\n  - what",
     "13: figures[0].tolerance_percent: must be a finite number"),
    ("title:", "titel:", "unknown key 'titel'; did you mean 'title'?"),
)  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), MISTAKES)
def test_mistakes_are_told_with_their_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert TEXT.count(old) >= 1
    path = written(tmp_path, TEXT.replace(old, new, 1))
    with pytest.raises(BnncostError) as caught:
        load_system(path)
    assert sentence in str(caught.value), str(caught.value)
    assert str(path) in str(caught.value)


PAIR = """\
  - what: network three, energy
    metric: energy
    design: resnet8[double_residual]/cifar10
    use: held out
    value: {value: 8, unit: mJ, source: mlperf-tiny-v12, status: measured}
    conditions: at the desk
differences:
  - what: a repair
    of: network three, energy
    minus: network two, energy
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("of: network three", "of: network thre", "unknown figure 'network thre, energy'; did you mean 'network three"),
        ("minus: network two, energy", "minus: network one, latency", "is one of energy and latency; both must"),
        ("minus: network two, energy", "minus: network one, latency", "has no 'design': only networks that are built"),
        ("    use: held out\n", "    use: informed\n    informed: the clock\n", "judges nothing, as neither figure"),
    ],
)  # fmt: skip
def test_mistakes_of_differences(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    sound = TEXT + PAIR
    assert load_system(written(tmp_path, sound)).system.differences[0].what == "a repair"
    with pytest.raises(BnncostError) as caught:
        load_system(written(tmp_path, sound.replace(old, new)))
    assert sentence in str(caught.value), str(caught.value)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("compute.8x8.cycles", "nothing").replace("unit: mJ", "unit: ms")
    with pytest.raises(BnncostError) as caught:
        load_system(written(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 2


def test_other_names_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BnncostError, match=r"unknown system 'binarey'; did you mean 'binareye'.* path of a .yaml file"
    ):
        load_system("binarey")
    with pytest.raises(BnncostError, match="cannot be read: no such file"):
        load_system(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(BnncostError, match="the file is empty"):
        load_system(tmp_path / "empty.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BnncostError, match="is not a text file in UTF-8"):
        load_system(tmp_path / "bytes.yaml")


def test_places_of_quantities() -> None:
    chip = load_profile("asic-28nm-bnn")
    assert quantity_at(chip, "control.energy") is chip.control.energy  # type: ignore[union-attr]
    assert quantity_at(chip, "compute.1x1.popcount.xnor.energy") is chip.compute["1x1"].popcount.xnor.energy  # type: ignore[union-attr]
    for place in (
        "control",
        "control.none",
        "compute.1x1.popcount.xnor.energy.value",
        "compute.9x9.energy",
        "",
    ):
        assert quantity_at(chip, place) is None


@pytest.mark.parametrize("name", shipped_systems())
def test_shipped_systems_say_where_their_figures_are_from(name: str) -> None:
    loaded = load_system(name)
    assert loaded.system.name == name
    known = read_yaml(_shipped_root().joinpath("sources.yaml").read_text("utf-8"), "sources.yaml").data
    for figure in loaded.system.figures:
        assert figure.value.source in known, figure.what
        assert figure.value.status in ("published", "measured")


def test_the_systems_that_the_profiles_stand_for_are_there() -> None:
    profiles = {load_system(name).chip.name for name in shipped_systems()}
    assert {"asic-28nm-bnn", "asic-22nm-bnn", "mcu-cortex-m4", "mcu-cortex-m33"} <= profiles
