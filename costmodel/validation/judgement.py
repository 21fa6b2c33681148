"""How good predictions are: by class, by system, and for the differences that repairs make.

Design-priced figures and rate-only ones are never in one number, and every system has one vote, whatever the number
of its figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from costmodel.validation.figures import Difference
from costmodel.validation.predictions import Prediction

Class = Literal["design-priced", "rate only"]
CLASSES: dict[Class, str] = {
    "design-priced": "built, folded, counted and mapped",
    "rate only": "MACs by a calibrated rate",
}
"""The two classes, and how the model makes a prediction of each."""


@dataclass(frozen=True)
class SystemScore:
    """How good the predictions of one system's held-out figures of one class are."""

    system: str
    title: str
    figures: int
    median_error_percent: float
    worst: Prediction


@dataclass(frozen=True)
class ClassScore:
    """How good the predictions of one class are, with one vote for each system."""

    priced: Class
    systems: tuple[SystemScore, ...]

    @property
    def figures(self) -> int:
        """Number of held-out figures of the class."""
        return sum(score.figures for score in self.systems)

    @property
    def median_error_percent(self) -> float:
        """Median over systems of each system's median error [%]."""
        return median(score.median_error_percent for score in self.systems)

    @property
    def worst(self) -> Prediction:
        """The prediction that is off by the largest factor."""
        return max((score.worst for score in self.systems), key=lambda item: item.factor)

    @property
    def sentence(self) -> str:
        """The score in words."""
        return (
            f"{self.priced} ({CLASSES[self.priced]}): {_counted(self.figures, 'held-out figure')} of "
            f"{_counted(len(self.systems), 'system')}, median error of a system {self.median_error_percent:.1f} %, "
            f"worst a factor of {self.worst.factor:.2f} ({self.worst.title}: {self.worst.figure.what})."
        )


@dataclass(frozen=True)
class PredictedDifference:
    """The difference between two networks on one device, as published and as predicted, in SI units."""

    difference: Difference
    of: Prediction
    minus: Prediction

    @property
    def published(self) -> float:
        """What the one network takes more than the other, as published."""
        return self.of.published - self.minus.published

    @property
    def predicted(self) -> float:
        """What the model says of that."""
        return self.of.predicted - self.minus.predicted

    @property
    def error_percent(self) -> float:
        """How far the predicted difference is above the published one [% of the published one]."""
        return 100.0 * (self.predicted - self.published) / abs(self.published)


def class_of(item: Prediction) -> Class:
    """The class of a prediction."""
    return "design-priced" if item.figure.design_priced else "rate only"


def scores_of(predictions: Iterable[Prediction]) -> tuple[ClassScore, ...]:
    """Score the held-out figures by class; a class without any is left out."""
    held_out: dict[Class, dict[str, list[Prediction]]] = {priced: {} for priced in CLASSES}
    for item in predictions:
        if item.held_out:
            held_out[class_of(item)].setdefault(item.system, []).append(item)
    return tuple(
        ClassScore(priced, tuple(map(_score, by_system.values())))
        for priced, by_system in held_out.items()
        if by_system
    )


def _score(items: Sequence[Prediction]) -> SystemScore:
    """Score the held-out figures of one system."""
    return SystemScore(
        items[0].system,
        items[0].title,
        len(items),
        median(abs(item.error_percent) for item in items),
        max(items, key=lambda item: item.factor),
    )


def differences_of(predictions: Iterable[Prediction]) -> tuple[PredictedDifference, ...]:
    """Form the differences that the systems of these predictions declare."""
    by_figure = {(item.system, item.figure.what): item for item in predictions}
    systems = {item.system: item.of for item in by_figure.values()}
    return tuple(
        PredictedDifference(pair, by_figure[name, pair.of], by_figure[name, pair.minus])
        for name, system in systems.items()
        for pair in system.differences
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
