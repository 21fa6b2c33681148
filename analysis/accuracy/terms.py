"""The terms of an additive model: what measured designs differ in, methods, width and precisions, and their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from costmodel import BnncostError, DesignKey
from costmodel.graph import precision

Precision = tuple[str, str]
"""Precision of operands and of features."""


@dataclass(frozen=True)
class Terms:
    """The terms of some measured designs; effects are numbered: 1, methods, log2 width, precisions, then all pairs.

    `reference` is the precision that most designs have. `widths` are the narrowest and the widest design by precision;
    `repaired` are the precisions at which a design with methods was measured.
    """

    reference: DesignKey
    methods: tuple[str, ...]
    others: tuple[Precision, ...]
    widths: tuple[tuple[Precision, float, float], ...]
    repaired: tuple[Precision, ...]

    @classmethod
    def of(cls, keys: Sequence[DesignKey]) -> Terms:
        """Find the terms of designs of one network."""
        counted = [precision_of(key) for key in keys]
        most = max(dict.fromkeys(counted), key=counted.count)
        first = next(key for key in keys if precision_of(key) == most)
        spans = {
            one: [key.width for key in keys if precision_of(key) == one] for one in dict.fromkeys(counted)
        }
        return cls(
            reference=first.plain,
            methods=tuple(sorted({str(use) for key in keys for use in key.methods})),
            others=tuple(one for one in spans if one != most),
            widths=tuple((one, min(found), max(found)) for one, found in spans.items()),
            repaired=tuple(dict.fromkeys(precision_of(key) for key in keys if key.methods)),
        )

    @property
    def single(self) -> int:
        """Number of effects of no pair."""
        return 2 + len(self.methods) + len(self.others)

    @property
    def precisions(self) -> range:
        """Places of the effects of precisions."""
        return range(self.single - len(self.others), self.single)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places of the two effects of every pair."""
        return tuple(combinations(range(1, self.single), 2))

    @property
    def effects(self) -> int:
        """Number of effects."""
        return self.single + len(self.pairs)

    def reason_against(self, key: DesignKey) -> str:
        """Why the records say nothing about a design, or an empty text."""
        if _rest(key) != _rest(self.reference):
            return f"records are of {_rest(self.reference)} alone"
        unknown = [str(use) for use in key.methods if str(use) not in self.methods]
        if unknown:
            return f"no record has {', '.join(unknown)}"
        return self._reason_against_place(precision_of(key), key.width, bool(key.methods))

    def _reason_against_place(self, precision: Precision, width: float, repaired: bool) -> str:
        span = next((one for one in self.widths if one[0] == precision), None)
        words = f"operands of {precision[0]} and features of {precision[1]}"
        if span is None:
            return f"no record has {words}"
        if not span[1] <= width <= span[2]:
            return f"records with {words} span widths from {span[1]:g} to {span[2]:g}"
        if repaired and precision not in self.repaired:
            return f"no record with {words} has a method"
        return ""

    def values(self, keys: Sequence[DesignKey]) -> np.ndarray:
        """What each design has of every effect: (designs, effects)."""
        table = np.zeros((len(keys), self.effects))
        table[:, 0] = 1
        for row, key in enumerate(keys):
            for use in key.methods:
                table[row, 1 + self.methods.index(str(use))] = 1
            table[row, 1 + len(self.methods)] = np.log2(key.width)
            if precision_of(key) in self.others:
                table[row, self.precisions[self.others.index(precision_of(key))]] = 1
        for place, (one, other) in enumerate(self.pairs):
            table[:, self.single + place] = table[:, one] * table[:, other]
        return table

    def on_grid(
        self,
        effects: np.ndarray,
        plain: DesignKey,
        methods: Sequence[str],
        masks: np.ndarray,
        widths: np.ndarray,
    ) -> np.ndarray:
        """The sum of the effects of sets of methods at widths, (sets, widths); nan where `reason_against` has one.

        It equals `values @ effects` of each design, without a row for each: linear in log2 width, quadratic in sets.
        """
        nothing = np.full((len(masks), len(widths)), np.nan)
        kind = precision_of(plain)
        if _rest(plain) != _rest(self.reference):
            return nothing
        known = [place for place, name in enumerate(methods) if name in self.methods]
        spanned = ~np.delete(masks, known, axis=1).any(axis=1)
        present = np.zeros((len(masks), self.single))
        present[:, 0] = 1
        present[:, [1 + self.methods.index(methods[place]) for place in known]] = masks[:, known]
        if kind in self.others:
            present[:, self.precisions[self.others.index(kind)]] = 1
        at_width = 1 + len(self.methods)
        both = np.zeros((self.single, self.single))
        both[0] = effects[: self.single]
        for place, (one, other) in enumerate(self.pairs):
            both[one, other] = effects[self.single + place]
        slope = present @ (both[at_width] + both[:, at_width])
        both[at_width] = both[:, at_width] = 0
        level = np.einsum("ni,ni->n", present @ both, present)
        sums = level[:, None] + slope[:, None] * np.log2(widths)
        for repaired in (False, True):
            allowed = np.array([not self._reason_against_place(kind, w, repaired) for w in widths])
            rows = spanned & (masks.any(axis=1) == repaired)
            nothing[np.ix_(rows, allowed)] = np.clip(sums[np.ix_(rows, allowed)], 0, 100)
        return nothing

    def require(self, methods: Sequence[str]) -> None:
        """Raise BnncostError for methods that no record has."""
        missing = [name for name in methods if name not in self.methods]
        if missing:
            raise BnncostError(
                f"no measured design has {', '.join(missing)}, so that there is no accuracy to estimate; records have: "
                f"{', '.join(self.methods)}."
            )


def precision_of(key: DesignKey) -> Precision:
    """Precision of operands and features of a design."""
    return key.compute, key.features


def _rest(key: DesignKey) -> str:
    """What has to be the same in two designs for records of one to say something of the other."""
    usual = key.compute if precision(key.compute).kind == "float" else "int8"
    edge = "int8" if key.edge == usual else key.edge
    return str(replace(key, methods=(), width=1.0, compute="binary", features="int16", edge=edge))
