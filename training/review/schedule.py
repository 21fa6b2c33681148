"""Runs of a study side by side: who trains which, what still fits, and what becomes of each.

The folder of runs is all that is remembered. A run with a record is done; one that another process owns is waited for;
one that was stopped goes on from its last epoch. So any process of a study may be killed at any time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from costmodel.designs.records import RECORD
from costmodel.errors import BnncostError
from costmodel.output import make_folder
from training.review.crew import Crew, Seat
from training.review.pace import Pace, epochs_of, pace_of
from training.review.view import View
from training.review.worker import Beat, Ended, Setup
from training.run.folders import RunSpec

TELL_S = 5.0
BUSY_S = 3.0
"""After how long a run that another process has is looked at again."""


@dataclass
class Sitting:
    """What is known of the runs of one sitting; the runs are in the order in which they should be trained."""

    specs: tuple[RunSpec, ...]
    setting: Setup
    view: View
    crew: Crew
    seats: Sequence[Seat] = ()
    failures: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    look_again: dict[str, float] = field(default_factory=dict)
    started: int = 0
    refused: str = ""
    tell_at: float = 0.0


def run_all(specs: Sequence[RunSpec], setting: Setup, view: View, crew: Crew) -> dict[str, str]:
    """Train every run that has no record yet; gives the sentence of each that failed, by its name.

    At the deadline of the setting running ones stop after their epoch, and no run is started that is not expected
    to end by then, save the first. Raises BnncostError where the crew cannot begin, such as for a missing data set.
    """
    make_folder(setting.runs)
    sitting = Sitting(tuple(dict.fromkeys(specs)), setting, view, crew)
    if not missing(sitting.specs, setting.runs):
        return {}
    with crew.at_work(setting, len(sitting.specs)) as sitting.seats, view.shown(len(sitting.seats)):
        while _goes_on(sitting):
            _assign(sitting)
            _listen(sitting)
            _tell_total(sitting)
    if sitting.refused:
        raise BnncostError(sitting.refused)
    return sitting.failures


def missing(specs: Sequence[RunSpec], runs: Path) -> list[RunSpec]:
    """List the runs that have no record, in order."""
    return [spec for spec in specs if not (runs / spec.name / RECORD).is_file()]


def left_s(sitting: Sitting) -> float | None:
    """Estimate the seconds until all is done; None while nothing is known."""
    pace, runs = pace_of(sitting.specs, sitting.setting.runs), sitting.setting.runs
    total = 0.0
    for spec in missing(sitting.specs, runs):
        remaining = pace.remaining_s(spec, len(epochs_of(runs / spec.name)))
        if remaining is None:
            return None
        total += remaining if spec.name not in sitting.failures else 0.0
    return total / max(len(sitting.seats), 1)


def _tell_total(sitting: Sitting) -> None:
    """Report to the view how far the study is, but only now and then, since it takes reading every history."""
    now = time.monotonic()
    if now >= sitting.tell_at:
        sitting.tell_at = now + TELL_S
        sitting.view.total(
            len(sitting.specs), len(missing(sitting.specs, sitting.setting.runs)), left_s(sitting)
        )


# ------------------------------------------------------------------ what is trained next


def _goes_on(sitting: Sitting) -> bool:
    """Say whether anything runs, or could still be started now or when another process lets go of it."""
    if sitting.refused:
        return False
    return any(seat.spec for seat in sitting.seats) or bool(_candidates(sitting))


def _candidates(sitting: Sitting) -> list[RunSpec]:
    """List the runs that this sitting may still start, in order."""
    if _late(sitting):
        return []
    taken = {seat.spec.name for seat in sitting.seats if seat.spec}
    passed = taken | sitting.failures.keys() | sitting.stopped
    open_ = [spec for spec in missing(sitting.specs, sitting.setting.runs) if spec.name not in passed]
    if sitting.setting.deadline_s is None or not sitting.started:
        return open_
    pace = pace_of(sitting.specs, sitting.setting.runs)
    return [spec for spec in open_ if _fits(sitting, spec, pace)]


def _late(sitting: Sitting) -> bool:
    return sitting.setting.deadline_s is not None and time.monotonic() >= sitting.setting.deadline_s


def _fits(sitting: Sitting, spec: RunSpec, pace: Pace) -> bool:
    """Say whether a run is expected to end by the deadline; one of which nothing is known is given a chance."""
    remaining = pace.remaining_s(spec, len(epochs_of(sitting.setting.runs / spec.name)))
    return remaining is None or time.monotonic() + remaining <= (sitting.setting.deadline_s or 0)


def _assign(sitting: Sitting) -> None:
    """Give every free seat the first run that it may start now."""
    for seat in sitting.seats:
        if not seat.ready or seat.spec is not None:
            continue
        now = time.monotonic()
        chosen = next(
            (
                spec
                for spec in _candidates(sitting)
                if sitting.look_again.get(spec.name, now) <= now and not _waits_for_teacher(sitting, spec)
            ),
            None,
        )
        if chosen is not None and sitting.crew.begin(seat, chosen):
            seat.spec = chosen
            sitting.started += 1
            sitting.view.started(seat.number, chosen)


def _waits_for_teacher(sitting: Sitting, spec: RunSpec) -> bool:
    """Say whether the teacher of a run is being trained right now: its student would only hold a worker up."""
    if not spec.has_teacher:
        return False
    from training.run.phases import teacher_of  # loads torch, which nothing else here needs

    teacher = teacher_of(spec)
    if not missing([teacher], sitting.setting.runs):
        return False
    busy = [seat.spec for seat in sitting.seats if seat.spec]
    return any(other == teacher or (other.has_teacher and teacher_of(other) == teacher) for other in busy)


# ------------------------------------------------------------------ what seats say


def _listen(sitting: Sitting) -> None:
    for seat, said in sitting.crew.heard():
        if isinstance(said, Beat):
            sitting.view.beat(seat.number, said)
        else:
            _heard(sitting, seat, said)


def _heard(sitting: Sitting, seat: Seat, said: Ended) -> None:
    if said.how == "refused" or seat.spec is None:
        sitting.refused = said.sentence
        return
    spec, seat.spec = seat.spec, None
    if said.how == "failed":
        sitting.failures[spec.name] = said.sentence
    elif said.how == "stopped":
        sitting.stopped.add(spec.name)
    elif said.how == "busy":
        sitting.look_again[spec.name] = time.monotonic() + BUSY_S
        sitting.started -= 1
    sitting.view.ended(seat.number, spec, said)
    sitting.tell_at = 0.0
