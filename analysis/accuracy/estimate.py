"""Accuracy where nothing was trained: an additive model of the designs that one protocol measured.

Top-1 = plain BNN + methods + log2 width + precision + pairs of these. Every effect is drawn from a normal distribution
round zero, seed noise is added, and records condition it (Bayesian ridge regression). How large effects of one
term and of a pair are is what makes the records most likely (empirical Bayes, MacKay 1992). The intervals come from a
bootstrap of the model: effects and seed noise are drawn anew and conditioned on the records (Matheron's rule).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from analysis.accuracy.studies import MeasuredDesign
from analysis.accuracy.terms import Precision, Terms, precision_of
from costmodel import BnncostError, DesignKey

DRAWS = 400
_LEVEL = 0.9
"""Share of draws in an interval."""
_OF_TERMS = (0.5, 1.0, 2.0, 4.0, 8.0)
_OF_PAIRS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Deviations of the effects that are tried [points]: of one method or a doubled width, and of a pair."""
_ASSUMED = (2.0, 1.0)
"""The same for fewer records than tell."""
_WIDE = 30.0
"""Deviation of what the records alone decide [points]: the plain network round the records' mean, and a precision."""
_FEWEST = 4
"""Records, and records that can be left out, with which a model is made, or judged."""


@dataclass(frozen=True)
class LeftOut:
    """How well each record is estimated from the others: root mean square errors [points] of `records` of them.

    `of_mean` is that of the mean of the others of its precision in place of the estimate. Records that the others do
    not span have none.
    """

    records: int
    error: float
    of_mean: float

    @property
    def tells(self) -> bool:
        """Whether the model says more than the records' mean."""
        return self.records >= _FEWEST and self.error < self.of_mean


@dataclass(frozen=True, eq=False)
class Estimator:
    """The model, conditioned on the records of one protocol.

    `seed_deviation` is the deviation over seeds [points]; `of_terms` and `of_pairs` those of the effects.
    """

    records: tuple[MeasuredDesign, ...]
    protocol: str
    seed_deviation: float
    of_terms: float
    of_pairs: float
    also: tuple[DesignKey, ...] = ()
    """Designs whose terms the model has besides those of the records: with effects of which nothing is known."""

    @classmethod
    def of(
        cls,
        records: Sequence[MeasuredDesign],
        protocol: str,
        seed_deviation: float,
        also: Sequence[DesignKey] = (),
    ) -> Estimator:
        """The model of some records; raises BnncostError where they are few, or of several networks.

        With designs that it is to cover `also` a single record will do: how large effects are is then assumed.
        """
        places = dict.fromkeys(f"{one.key.network}/{one.key.dataset}" for one in records)
        if len(places) > 1:
            raise BnncostError(
                f"estimates need records of one network and data set; these are of: {', '.join(places)}."
            )
        if len(records) < _FEWEST and not (also and records):
            raise BnncostError(
                f"there are {len(records)} measured designs, too few to estimate others from; {_FEWEST} are needed."
            )
        sizes = product(_OF_TERMS, _OF_PAIRS) if len(records) >= _FEWEST else [_ASSUMED]
        tried = (cls(tuple(records), protocol, seed_deviation, *size, tuple(also)) for size in sizes)
        return max(tried, key=lambda one: one._evidence)

    @cached_property
    def terms(self) -> Terms:
        """What the records tell apart."""
        return Terms.of([*(one.key for one in self.records), *self.also])

    @cached_property
    def _prior(self) -> np.ndarray:
        """Variances of the effects: (effects,)."""
        terms = self.terms
        sizes = np.full(terms.effects, self.of_pairs)
        sizes[: terms.single] = self.of_terms
        sizes[[0, *terms.precisions]] = _WIDE
        return sizes**2

    @cached_property
    def _offset(self) -> float:
        return float(np.mean([one.mean for one in self.records]))

    @cached_property
    def _gain(self) -> np.ndarray:
        """From records to effects: (effects, records), `D X' (X D X' + noise)^-1`."""
        x = self.terms.values([one.key for one in self.records])
        noise = self.seed_deviation**2 / np.array([one.seeds for one in self.records])
        spread = (self._prior[:, None] * x.T) @ np.linalg.inv(
            x @ (self._prior[:, None] * x.T) + np.diag(noise)
        )
        return np.asarray(spread)

    @cached_property
    def _evidence(self) -> float:
        """Logarithm of how likely the records are, up to a constant."""
        x = self.terms.values([one.key for one in self.records])
        noise = self.seed_deviation**2 / np.array([one.seeds for one in self.records])
        cover = x @ (self._prior[:, None] * x.T) + np.diag(noise)
        y = np.array([one.mean for one in self.records]) - self._offset
        return float(-0.5 * (np.linalg.slogdet(cover)[1] + y @ np.linalg.solve(cover, y)))

    @cached_property
    def effects(self) -> np.ndarray:
        """Mean of every effect [points]: (effects,), in the order of `terms`, the plain network first."""
        y = np.array([one.mean for one in self.records]) - self._offset
        effects = self._gain @ y
        effects[0] += self._offset
        return np.asarray(effects)

    @cached_property
    def draws(self) -> np.ndarray:
        """Effects drawn anew and conditioned on the records: (effects, draws); the same at every call."""
        random = np.random.default_rng(0)
        x = self.terms.values([one.key for one in self.records])
        prior = random.standard_normal((len(self._prior), DRAWS)) * np.sqrt(self._prior)[:, None]
        deviation = self.seed_deviation / np.sqrt([one.seeds for one in self.records])
        seen = x @ prior + random.standard_normal((len(x), DRAWS)) * deviation[:, None]
        return np.asarray(self.effects[:, None] + prior - self._gain @ seen)

    def top1(
        self, plain: DesignKey, methods: Sequence[str], masks: np.ndarray, widths: np.ndarray
    ) -> np.ndarray:
        """Top-1 [%] of sets of methods at widths, (sets, widths); nan where the records do not span a design.

        `masks` (sets, methods) says which of `methods`, by their texts, are in each set; `plain` has the rest.
        """
        return self.terms.on_grid(self.effects, plain, methods, masks, widths)

    def interval(self, keys: Sequence[DesignKey]) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the interval [%] of each design, which nine of ten draws lie in: (designs,) each."""
        drawn = np.clip(self.terms.values(keys) @ self.draws, 0, 100)
        low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=1)
        return low, high

    @cached_property
    def left_out(self) -> LeftOut:
        """The error of leaving each record out that the others span."""
        errors, of_mean = [], []
        for place, one in enumerate(self.records):
            others = replace(self, records=self.records[:place] + self.records[place + 1 :], also=())
            if others.terms.reason_against(one.key):
                continue
            guess = (others.terms.values([one.key]) @ others.effects)[0]
            errors.append(one.mean - guess)
            of_mean.append(one.mean - others._mean_at(precision_of(one.key)))
        return LeftOut(len(errors), _root_mean_square(errors), _root_mean_square(of_mean))

    def _mean_at(self, precision: Precision) -> float:
        return float(np.mean([one.mean for one in self.records if precision_of(one.key) == precision]))

    @property
    def sentence(self) -> str:
        """What stands beside every use of an estimate."""
        left = self.left_out
        judged = (
            f"leaving one out, {left.records} of them are estimated to {left.error:.1f} points (root mean square; "
            f"the mean of the others alone: {left.of_mean:.1f})"
            if left.records
            else "none can be left out, since no other has its methods"
        )
        return (
            f"Accuracies are estimated from {len(self.records)} measured designs of {self.protocol}: {judged}. "
            f"Intervals hold {_LEVEL:.0%} of {DRAWS} draws, with a deviation over seeds of {self.seed_deviation:.2f}."
        )


def _root_mean_square(values: Iterable[float]) -> float:
    found = np.array(list(values))
    return float(np.sqrt(np.mean(found**2))) if found.size else float("nan")
