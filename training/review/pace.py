"""How long runs take: from what earlier runs needed for an epoch, scaled by the MACs of their networks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median

from costmodel.counting import count
from costmodel.design import DesignKey
from costmodel.errors import BnncostError
from costmodel.networks.build import build
from training.runs import HISTORY, RunSpec

_BUDGET = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


def seconds_of(text: str) -> float:
    """Read a length of time such as 25m, 2h, 90s or 1h30m [s]; raises BnncostError for anything else.

    >>> seconds_of("1h30m")
    5400.0
    """
    found = _BUDGET.fullmatch(text.strip().lower())
    parts = [float(part or 0) for part in found.groups()] if found else [0.0]
    if sum(parts) <= 0 or not found:
        raise BnncostError(f"a budget of '{text}' is not a length of time; write 25m, 2h, 90s or 1h30m.")
    return 3600 * parts[0] + 60 * parts[1] + parts[2]


def words_of(seconds: float) -> str:
    """Write a length of time for people.

    >>> words_of(47), words_of(250), words_of(5400)
    ('47 s', '4 min 10 s', '1 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@lru_cache(maxsize=512)
def macs_of(design: DesignKey) -> float:
    """Count the MACs of one image, binary ones like any other: in training they take the same time."""
    return float(sum(row.count for row in count(build(design)) if row.operation == "mac"))


@dataclass(frozen=True)
class Pace:
    """Mean seconds of an epoch, by design."""

    epoch_s: dict[DesignKey, float] = field(default_factory=dict)

    def of(self, design: DesignKey) -> float | None:
        """Expect so many seconds of an epoch: those measured, else others' by MACs; None where nothing is known."""
        if design in self.epoch_s:
            return self.epoch_s[design]
        if not self.epoch_s:
            return None
        return macs_of(design) * median(known / macs_of(other) for other, known in self.epoch_s.items())

    def remaining_s(self, spec: RunSpec, epochs_done: int) -> float | None:
        """Expect so many seconds until a run ends."""
        epoch_s = self.of(spec.design)
        return None if epoch_s is None else epoch_s * max(spec.recipe.epochs - epochs_done, 0)


def pace_of(specs: Iterable[RunSpec], runs: Path) -> Pace:
    """Read what the epochs of runs took, finished or not, from their histories."""
    seconds: dict[DesignKey, list[float]] = {}
    for spec in specs:
        taken = epochs_of(runs / spec.name)
        seconds.setdefault(spec.design, []).extend(taken)
    return Pace({design: fmean(taken) for design, taken in seconds.items() if taken})


def epochs_of(folder: Path) -> list[float]:
    """Read the seconds of each epoch that a run has done; none where it has no history that can be read."""
    try:
        with (folder / HISTORY).open(encoding="utf-8", newline="") as stream:
            return [float(row["wall_s"]) for row in csv.DictReader(stream)]
    except (OSError, KeyError, TypeError, ValueError):
        return []  # only an estimate hangs on it
