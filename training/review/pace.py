"""How long runs take: from what earlier runs needed for an epoch, scaled by the MACs of their networks.

An epoch of smaller images counts as the part that its pixels are of the whole ones.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median

from costmodel.demand.counts import count
from costmodel.designs.key import DesignKey
from costmodel.networks.build import build
from training.run.folders import HISTORY, RunSpec
from training.run.sizes import work_left, work_of


@lru_cache(maxsize=512)
def macs_of(design: DesignKey) -> float:
    """Count the MACs of one image, binary ones like any other: in training they take the same time."""
    return float(sum(row.count for row in count(build(design)) if row.operation == "mac"))


@dataclass(frozen=True)
class Pace:
    """Mean seconds of an epoch of whole images, by design."""

    epoch_s: dict[DesignKey, float] = field(default_factory=dict)

    def of(self, design: DesignKey) -> float | None:
        """Estimate the seconds of an epoch: those measured, else others' by MACs; None where nothing is known."""
        if design in self.epoch_s:
            return self.epoch_s[design]
        if not self.epoch_s:
            return None
        return macs_of(design) * median(known / macs_of(other) for other, known in self.epoch_s.items())

    def remaining_s(self, spec: RunSpec, epochs_done: int) -> float | None:
        """Estimate the seconds until a run ends."""
        epoch_s = self.of(spec.design)
        return None if epoch_s is None else epoch_s * work_left(epochs_done, spec.recipe, spec.design)


def pace_of(specs: Iterable[RunSpec], runs: Path) -> Pace:
    """Read what the epochs of runs took, finished or not, from their histories."""
    seconds: dict[DesignKey, list[float]] = {}
    for spec in specs:
        taken = epochs_of(runs / spec.name)
        whole = (took / work_of(epoch, spec.recipe, spec.design) for epoch, took in enumerate(taken))
        seconds.setdefault(spec.design, []).extend(whole)
    return Pace({design: fmean(taken) for design, taken in seconds.items() if taken})


def epochs_of(folder: Path) -> list[float]:
    """Read the seconds of each epoch that a run has done; none where it has no history that can be read."""
    try:
        with (folder / HISTORY).open(encoding="utf-8", newline="") as stream:
            return [float(row["wall_s"]) for row in csv.DictReader(stream)]
    except (OSError, KeyError, TypeError, ValueError):
        return []  # only an estimate depends on it
