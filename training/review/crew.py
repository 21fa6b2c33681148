"""Who trains the runs of a study: seats that take one run at a time, in processes of this machine or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from costmodel.errors import BnncostError
from training.review.worker import Beat, Ended, Setup
from training.run.folders import RunSpec

POLL_S = 1.0
"""How long a crew is listened to before a schedule looks round again."""


@dataclass(eq=False)
class Seat:
    """A place where one run at a time is trained; it takes runs once it is ready."""

    number: int
    ready: bool = False
    spec: RunSpec | None = None


class Crew(Protocol):
    """What trains runs; what comes of a run does not depend on which crew it is."""

    def at_work(self, setting: Setup, runs: int) -> AbstractContextManager[Sequence[Seat]]:
        """Have seats for so many runs while inside; whatever still runs ends with it.

        Raises BnncostError where nothing can be trained, such as for a missing data set.
        """

    def begin(self, seat: Seat, spec: RunSpec) -> bool:
        """Hand a run to a seat that is free; False where it has been lost meanwhile, which `heard` tells."""

    def heard(self) -> list[tuple[Seat, Beat | Ended]]:
        """Listen for a moment: how far runs are, and how they ended. A seat that is lost is replaced."""


def require_jobs(jobs: int) -> None:
    """Raise BnncostError unless at least one run is trained at a time."""
    if jobs < 1:
        raise BnncostError(f"a study needs at least one worker, not --jobs {jobs}.")
