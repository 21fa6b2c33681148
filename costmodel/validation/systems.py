"""Published systems: which chip or board, what was published of it, and what each figure is used for.

Files are hardware_profiles/systems/*.yaml. A figure calibrates one constant of the profile, or is held out: then
nothing is calibrated on it, and the difference to the prediction says how far to trust the profile. A figure that an
assumption was chosen for is neither.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path

from costmodel.errors import BnncostError, unknown
from costmodel.hardware import HardwareProfile, load_profile, shipped_profiles
from costmodel.hardware.text.fields import Section
from costmodel.hardware.text.problem import Findings
from costmodel.hardware.text.reader import LARGEST, section_in
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.output import read_text
from costmodel.validation.figure_checks import system_problems
from costmodel.validation.figures import System

_SUFFIXES = (".yaml", ".yml")


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
        yield from system_problems(system, chip)


def _chip_of(system: System, folder: str) -> HardwareProfile:
    """Read the profile of a system; raises BnncostError where it cannot be read."""
    named = system.profile
    return load_profile(named if named in shipped_profiles() else os.path.join(folder, named))


def _folder() -> Path:
    folder = Path(str(files("hardware_profiles").joinpath("systems")))
    if not folder.is_dir():
        raise BnncostError("the published systems that ship are missing; install the package again")
    return folder
