"""Hardware profiles: chips as YAML files, read into prices of operations and memories."""

from __future__ import annotations

import os
from collections.abc import Sequence

from costmodel.hardware.files import examine, shipped_profiles
from costmodel.hardware.memories.level import Macro, MemoryFigures, MemoryLevel
from costmodel.hardware.new import new_profile, profile_json_schema
from costmodel.hardware.prices import UnitPrice
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.problem import Problem
from costmodel.hardware.text.quantity import Quantity
from costmodel.hardware.text.reader import error_of

__all__ = [
    "HardwareProfile",
    "Macro",
    "MemoryFigures",
    "MemoryLevel",
    "Problem",
    "Quantity",
    "UnitPrice",
    "check_profile",
    "load_profile",
    "new_profile",
    "profile_json_schema",
    "shipped_profiles",
]


def load_profile(name_or_path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> HardwareProfile:
    """Read a shipped profile by name, or a file by path; raises BnncostError with every problem, one a line.

    `overrides` replace figures, such as "clock=100MHz"; the name of the profile then says so.
    A file that has not changed since it was last read gives the same object again.

    >>> load_profile("asic-45nm").archetype
    'asic'
    """
    examined = examine(name_or_path, overrides)
    if examined.profile is None:
        raise error_of(examined.problems)
    return examined.profile


def check_profile(path: str | os.PathLike[str]) -> tuple[Problem, ...]:
    """Every problem of a profile, by file and line; empty when it is sound. `str(problem)` is a line to show.

    Raises BnncostError when `path` is neither a file nor the name of a shipped profile.
    """
    return examine(path).problems
