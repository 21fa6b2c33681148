"""Where sources disagree: what becomes of a front if one of them is right.

Ends of a range that lie far apart are answers of different sources. In each draw one of them is right: the low one, the
value, or the high one. A scenario is the draws in which the same answer was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.show.figure_words import named, value_text
from analysis.show.tables import Column, Table
from costmodel.evaluate.figures import Figure, notes_of
from costmodel.evaluate.uncertain import APART, UncertainEnergies
from costmodel.hardware import HardwareProfile

ANSWERS = ("low", "value", "high")
_LEAST_SHARE = 0.01
"""Share of the spread below which a disagreement is of no account."""
_MOST = 3
_LIKELY = 0.5
_SAYS = re.compile(r"\b(low|high): (.+?)(?=;|\. |$)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Scenario:
    """The draws in which one answer of one cause is right.

    `figure` is the one of the cause that moves the energies most, `factor` how many times its value the answer is.
    `holds` is the share of these draws in which all designs that are on the front in most draws of all are on it,
    `probability` (D,) that in which each design is.
    """

    cause: str
    figure: Figure
    answer: str
    factor: float
    draws: int
    holds: float
    probability: np.ndarray


def scenarios_of(
    model: UncertainEnergies,
    quantiles: Mapping[str, np.ndarray],
    member: np.ndarray,
    shares: Mapping[str, float],
) -> tuple[Scenario, ...]:
    """Split draws by the answers of each cause that disagrees, those that drive the spread most first."""
    likely = member.mean(axis=1) > _LIKELY
    holds = member[likely].all(axis=0)
    found: list[Scenario] = []
    disagreeing = [cause for cause in shares if shares[cause] >= _LEAST_SHARE and _apart(model, cause).any()]
    for cause in disagreeing[:_MOST]:
        number = _heaviest(model, cause)
        factors = (float(model.low[:, number].min()), 1.0, float(model.high[:, number].max()))
        third = np.minimum((quantiles[cause] * len(ANSWERS)).astype(int), len(ANSWERS) - 1)
        for answer, factor in zip(ANSWERS, factors, strict=True):
            if answer != "value" and factor == 1.0:
                continue  # the value is this end, and has its draws
            same = [place for place, one in enumerate(factors) if one == factor]
            chosen = np.isin(third, same)
            if chosen.any():
                figure = (*model.figures, *model.rates)[number]
                often, each = float(holds[chosen].mean()), member[:, chosen].mean(axis=1)
                found.append(Scenario(cause, figure, answer, factor, int(chosen.sum()), often, each))
    return tuple(found)


def _apart(model: UncertainEnergies, cause: str) -> np.ndarray:
    """Mark the figures of a cause whose ends are answers that differ."""
    mine = np.array([one == cause for one in model.causes])
    return np.asarray(mine & (model.high >= APART * model.low).any(axis=0))


def _heaviest(model: UncertainEnergies, cause: str) -> int:
    """The figure of a cause, among those that disagree, between whose ends energies lie furthest apart."""
    parts = np.hstack([model.parts_j, model.by_rate_j.sum(axis=1)]) / model.energies_j[:, None]
    swing = (parts * (model.high - model.low)).mean(axis=0)
    return int(np.argmax(np.where(_apart(model, cause), swing, -1.0)))


def scenario_table(found: Sequence[Scenario], labels: Sequence[str], chip: HardwareProfile) -> Table:
    """Who says what, and how often the likely front holds if that is right."""
    columns = (
        Column("figure", "where sources disagree"), Column("answer", "if it is"), Column("said_by", "as is said by"),
        Column("holds", "the front holds in", "%"), Column("unlikely", "then not on it in most draws"),
        Column("likely", "then on it in most draws, else not"),
    )  # fmt: skip
    rows = tuple(_row(one, found, labels, chip) for one in found)
    caption = (
        f"Answers that lie {APART:g} or more times apart are drawn as they are, each as often; here are the draws in "
        "which each is right. The front holds where all designs that are on it in most draws are on it."
    )
    return Table("robust_scenarios", "Where sources disagree", columns, rows, caption)


def _row(
    one: Scenario, found: Sequence[Scenario], labels: Sequence[str], chip: HardwareProfile
) -> tuple[str | float, ...]:
    gone, come = _turned(one, found, labels)
    answer = value_text(one.figure, one.figure.value * one.factor)
    return named(one.figure), answer, said_by(one, chip), 100 * one.holds, gone, come


def scenario_records(
    found: Sequence[Scenario], labels: Sequence[str], chip: HardwareProfile
) -> list[dict[str, Any]]:
    """The scenarios for JSON, with the probability of every design."""
    return [
        {
            "cause": one.cause,
            "figure": one.figure.place,
            "answer": one.answer,
            "value": one.figure.value * one.factor,
            "unit": one.figure.unit,
            "said_by": said_by(one, chip),
            "draws": one.draws,
            "holds": one.holds,
            "probability": dict(zip(labels, map(float, one.probability), strict=True)),
        }
        for one in found
    ]


def said_by(one: Scenario, chip: HardwareProfile) -> str:
    """Who gives an answer: the source of the value, or what the note of a figure says of an end."""
    if one.answer == "value":
        return one.figure.source
    if not one.figure.stated:
        return "nobody: half to double of what is assumed"
    told = (dict(_SAYS.findall(note)) for note in notes_of(one.figure, chip))
    ends = (ends[one.answer].strip() for ends in told if one.answer in ends)
    return " ".join(next(ends, f"the {one.answer} end in {chip.name}").split())


def _turned(one: Scenario, found: Sequence[Scenario], labels: Sequence[str]) -> Iterator[str]:
    """Name designs that are likely over all answers of a cause but not by this one, and the other way round."""
    alike = [other for other in found if other.cause == one.cause]
    weights = np.array([other.draws for other in alike], float)
    overall = np.stack([other.probability for other in alike], axis=1) @ weights / weights.sum() > _LIKELY
    here = one.probability > _LIKELY
    for turned in (overall & ~here, ~overall & here):
        yield ", ".join(label for label, mark in zip(labels, turned, strict=True) if mark) or "none"
