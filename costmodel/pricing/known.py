"""What was looked up or searched on a profile before, kept for as long as the profile itself.

A profile is frozen and compares by its figures, which takes longer than most look-ups. So what is kept belongs to the
object: a copy of a profile, changed or not, begins with nothing.
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

from costmodel.hardware import HardwareProfile

Key = TypeVar("Key")
Value = TypeVar("Value")


class KnownByProfile(Generic[Key, Value]):
    """A dictionary for each profile that is in use, dropped together with the profile."""

    def __init__(self) -> None:
        """Begin with no profile."""
        self._known: dict[int, dict[Key, Value]] = {}

    def of(self, profile: HardwareProfile) -> dict[Key, Value]:
        """Return the dictionary of one profile, to look up in and to add to."""
        number = id(profile)
        known = self._known.get(number)
        if known is None:
            known = self._known.setdefault(number, {})
            weakref.finalize(profile, self._known.pop, number, None).atexit = False
        return known
