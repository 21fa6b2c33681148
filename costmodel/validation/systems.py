"""Published systems: which chip or board, what was published of it, and what each figure is used for.

Files are hardware_profiles/systems/*.yaml. A figure calibrates one constant of the profile, or is held out: then
nothing is calibrated on it, and the difference to the prediction says how far to trust the profile.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from costmodel.errors import BnncostError, unknown
from costmodel.hardware import HardwareProfile, Quantity, load_profile, shipped_profiles
from costmodel.hardware.text.fields import AboveZero, MacLabel, Name, Section, Text
from costmodel.hardware.text.problem import Findings, place_of
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.quantity import measures
from costmodel.hardware.text.reader import LARGEST, section_in
from costmodel.hardware.text.units import Kind, dimension_problem
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.hardware.walk import quantity_at
from costmodel.output import read_text

Metric = Literal["energy", "latency", "area", "power", "static_power", "energy_per_mac", "throughput"]
Use = Literal["input", "held out"]
OF_A_NETWORK = ("energy", "latency", "area", "power")
OF_A_MAC = ("energy_per_mac", "throughput")
_KINDS: dict[Metric, Kind] = {
    "energy": Kind("an energy per inference", ("J",), "14.4 uJ", True),
    "latency": Kind("a time per inference", ("s",), "1.5 ms", True),
    "area": Kind("an area", ("m^2",), "1.4 mm^2", True),
    "power": Kind("a power", ("W",), "41.9 mW", True),
    "static_power": Kind("a power", ("W",), "1583 mW", True),
    "energy_per_mac": Kind("an energy per MAC", ("J/mac",), "8.7 fJ/mac", True),
    "throughput": Kind("a throughput", ("operation/s",), "104.8 TOP/s", True),
}
_ANY = tuple(dict.fromkeys(unit for kind in _KINDS.values() for unit in kind.units))
AnyFigure = Annotated[Quantity, measures(Kind("what its metric says", _ANY, "14.4 uJ", True))]
_SUFFIXES = (".yaml", ".yml")


class LayerLanes(Section):
    """The lanes of one layer in a streaming accelerator: FINN's PE and SIMD."""

    outputs: AboveZero = Field(description="Output channels that are worked on at once (PE).")
    inputs: AboveZero = Field(description="Products of each output that are added up at once (SIMD).")


class Figure(Section):
    """One published figure of a system."""

    what: Text = Field(description="What was published, in words.")
    metric: Metric = Field(description="What the figure measures.")
    use: Use = Field(description="input: it calibrates one constant; held out: nothing is calibrated on it.")
    calibrates: Text | None = Field(
        None, description="The one quantity of the profile, such as control.energy."
    )
    value: AnyFigure = Field(description="The figure [J, s, m^2, W, J/mac or operation/s].")
    design: Text | None = Field(None, description="The network as a design; not with `macs`.")
    without: tuple[Text, ...] = Field((), description="Layers of the design that the system does not run.")
    macs: dict[MacLabel, AboveZero] | None = Field(
        None,
        description="MACs by precision, of a network of which no more is known; a microcontroller only.",
    )
    precision: MacLabel | None = Field(
        None, description="The MAC that energy_per_mac or throughput is about."
    )
    operations_per_mac: AboveZero = Field(2.0, description="How many operations the source counts per MAC.")
    tolerance_percent: AboveZero = Field(1.0, description="How far the model may be off an input figure [%].")
    conditions: Text = Field(description="Under which conditions it was measured or published.")


class System(Section):
    """A published chip or board: the profile that stands for it, and the figures that were published of it."""

    name: Name = Field(description="Short name; the stem of a shipped file.")
    title: Text = Field(description="One line for tables and pictures.")
    profile: Text = Field(description="A shipped profile, or the path of a profile relative to this file.")
    operation: Text = Field(description="What an operation means in its sources.")
    lacks: Text = Field(description="What the model does not know of the system.")
    lanes: dict[str, LayerLanes] | None = Field(
        None, description="Lanes by layer, of a system in which every layer is a pipeline stage of its own."
    )
    figures: Annotated[tuple[Figure, ...], Field(min_length=1)] = Field(description="What was published.")


class LoadedSystem(Section):
    """A system with its profile read."""

    system: System
    chip: HardwareProfile


def shipped_systems() -> tuple[str, ...]:
    """Names of the systems that come with the package.

    >>> "binareye" in shipped_systems()
    True
    """
    return tuple(sorted(path.stem for path in _folder().iterdir() if path.suffix == ".yaml"))


def load_system(name_or_path: str | os.PathLike[str]) -> LoadedSystem:
    """Read a shipped system by name, or a file by path; raises BnncostError with every problem, one a line."""
    text = os.fspath(name_or_path)
    path = _folder() / f"{text}.yaml" if text in shipped_systems() else Path(text)
    if not str(path).endswith(_SUFFIXES):
        raise BnncostError(f"{unknown('system', text, shipped_systems())} Or give the path of a .yaml file.")
    content = read_text(path, largest=LARGEST, advice="name a file of a published system")
    return _loaded(content, str(path))


@lru_cache(maxsize=64)
def _loaded(content: str, file: str) -> LoadedSystem:
    folder = os.path.dirname(file)
    system = section_in(read_yaml(content, file), System, partial(_problems, folder))
    return LoadedSystem(system=system, chip=_chip_of(system, folder))


def _problems(folder: str, system: System) -> Findings:
    try:
        chip = _chip_of(system, folder)
    except BnncostError as error:
        yield ("profile",), str(error)
    else:
        yield from _figure_problems(system, chip)


def _figure_problems(system: System, chip: HardwareProfile) -> Findings:
    calibrated: dict[str, int] = {}
    for number, figure in enumerate(system.figures):
        place: Place = ("figures", number)
        wrong = dimension_problem(figure.value.unit, _KINDS[figure.metric])
        if wrong:
            yield (*place, "value", "unit"), wrong
        yield from _use_problems(figure, place, chip, calibrated)
        yield from _subject_problems(figure, place, chip)


def _use_problems(
    figure: Figure, place: Place, chip: HardwareProfile, calibrated: dict[str, int]
) -> Findings:
    """An input calibrates one constant, each constant is calibrated once, a held-out figure calibrates nothing."""
    if figure.use == "held out":
        if figure.calibrates is not None:
            yield (*place, "calibrates"), "is not for a figure that is held out: nothing is calibrated on it"
        return
    if figure.calibrates is None:
        yield (
            (*place, "calibrates"),
            "is missing: an input calibrates one constant; name its place in the profile",
        )
        return
    if quantity_at(chip, figure.calibrates) is None:
        yield (
            (*place, "calibrates"),
            f"'{figure.calibrates}' is no quantity of profile '{chip.name}'; "
            f"'bnncost profiles show {chip.name}' lists them",
        )
    if figure.calibrates in calibrated:
        first = system_place(calibrated[figure.calibrates])
        yield (
            (*place, "calibrates"),
            f"'{figure.calibrates}' is calibrated by {first} already; one figure each",
        )
    calibrated.setdefault(figure.calibrates, int(place[1]))


def system_place(number: int) -> str:
    """Name a figure as messages do.

    >>> system_place(0)
    'figures[0]'
    """
    return place_of(("figures", number))


def _subject_problems(figure: Figure, place: Place, chip: HardwareProfile) -> Findings:
    """What a figure is about: a network (as a design or as MACs), a MAC, or the chip at rest."""
    about_mac, about_network = figure.metric in OF_A_MAC, figure.metric in OF_A_NETWORK
    if about_mac and figure.precision is None:
        yield (*place, "precision"), f"is missing: {figure.metric} is about one sort of MAC, such as 1x1"
    if about_network and (figure.design is None) == (figure.macs is None):
        yield place, f"{figure.metric} is about a network: give either 'design' or 'macs'"
    if not about_network and (figure.design or figure.macs):
        yield place, f"{figure.metric} is not about a network; leave 'design' and 'macs' out"
    if figure.macs is not None and chip.processor is None:
        yield (
            (*place, "macs"),
            f"is for a microcontroller (mcu); '{chip.name}' is an {chip.archetype}, give 'design'",
        )
    if figure.without and figure.design is None:
        yield (*place, "without"), "names layers of a 'design', which is missing"


def _chip_of(system: System, folder: str) -> HardwareProfile:
    """Read the profile of a system; raises BnncostError where it cannot be read."""
    named = system.profile
    return load_profile(named if named in shipped_profiles() else os.path.join(folder, named))


def _folder() -> Path:
    folder = Path(str(files("hardware_profiles").joinpath("systems")))
    if not folder.is_dir():
        raise BnncostError("the published systems that ship are missing; install the package again")
    return folder
