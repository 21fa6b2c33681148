"""The outcome of a study: what each design reached over its seeds, and what it gained over which other design.

`bnncost review` writes it as JSON; whoever puts costs beside it reads it. Spread and standard error are calculated here
alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import stdev
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from costmodel.designs.key import DesignKey
from costmodel.designs.resolving import resolve
from costmodel.errors import BnncostError

_RECORD = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def spread(top1: Sequence[float]) -> float | None:
    """Calculate the sample standard deviation of accuracies over seeds; None for one seed.

    >>> spread([80.0, 81.0, 82.0])
    1.0
    """
    return stdev(top1) if len(top1) > 1 else None


def pooled_deviation(samples: Iterable[tuple[float | None, int]]) -> float | None:
    """Pool the spreads of several designs, each with its number of seeds; None where none has several.

    The variances are averaged with n - 1 as weights, as in Student's pooled estimate for equal variances: two or three
    seeds of one design say next to nothing of how far seeds lie apart, all designs together do.

    >>> pooled_deviation([(3.0, 2), (3.0, 4), (None, 1)])
    3.0
    """
    several = [(spread, seeds - 1) for spread, seeds in samples if spread is not None]
    freedom = sum(degrees for _, degrees in several)
    return math.sqrt(sum(degrees * spread**2 for spread, degrees in several) / freedom) if freedom else None


def pooled_error(spread: float, seeds: ArrayLike, other_seeds: ArrayLike) -> np.ndarray:
    """Calculate the standard error of the difference of two means over m and n seeds [points] from a shared spread.

    That is s * sqrt(1/m + 1/n).

    >>> float(pooled_error(3.0, 2, 2))
    3.0
    """
    return np.asarray(spread * np.sqrt(1 / np.asarray(seeds) + 1 / np.asarray(other_seeds)))


class OutcomeRow(BaseModel):
    """One comparison: a design, its top-1 [%] over its seeds, its gains [points] over the plain BNN and its fair pair.

    `label` is the design's name in the study, `against` its fair pair and `against_label` that one's name; `method` is
    what is studied. `role` says why the design was trained: baseline, reference, company, alone, pair, full, without or
    width.
    """

    model_config = _RECORD

    label: str = ""
    role: str = ""
    method: str = ""
    design: str
    seeds: int = Field(ge=1, le=10**9)
    top1_mean: float = Field(ge=0, le=100)
    top1_spread: float | None = Field(None, ge=0, le=100)
    gain: float | None = Field(default=None, ge=-100, le=100)
    gain_error: float | None = Field(default=None, ge=0, le=100)
    against: str | None = None
    against_label: str | None = None
    gain_against: float | None = Field(default=None, ge=-100, le=100)
    gain_against_error: float | None = Field(default=None, ge=0, le=100)

    @property
    def key(self) -> DesignKey:
        """The design."""
        return resolve(self.design)


class Outcome(BaseModel):
    """All that a study has measured: its rows, the designs not measured yet, and the runs that failed, with the reason.

    `switches` says how the plain BNN is built where repairs have a choice; `protocols` has one entry unless runs on
    unlike data lie in one folder. `seed_deviation` is the standard deviation over seeds [points] that is assumed where
    no design has several.
    """

    model_config = _RECORD

    plan: str
    title: str = ""
    description: str = ""
    protocols: tuple[str, ...] = ()
    baseline: str
    switches: Mapping[str, str] = Field(default_factory=dict)
    rows: tuple[OutcomeRow, ...]
    missing: tuple[str, ...] = ()
    failed: Mapping[str, str] = Field(default_factory=dict)
    seed_deviation: float | None = Field(default=None, gt=0, le=100)

    @property
    def by_design(self) -> dict[DesignKey, OutcomeRow]:
        """The first row of each design; a design may be compared several times."""
        rows: dict[DesignKey, OutcomeRow] = {}
        for row in self.rows:
            rows.setdefault(row.key, row)
        return rows

    def to_mapping(self) -> dict[str, Any]:
        """Give what the JSON says, as plain values."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Write as one JSON object."""
        return json.dumps(self.to_mapping(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_outcome(values: Mapping[str, Any], place: str) -> Outcome:
    """Read an outcome from JSON's values; raises one BnncostError with all that is wrong, naming `place`."""
    try:
        outcome = Outcome.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{place}: {'.'.join(map(str, item['loc'])) or 'the outcome'}: {item['msg'].lower()}."
            for item in error.errors()
        ]
        raise BnncostError("\n".join(problems)) from None
    if not outcome.rows:
        raise BnncostError(
            f"{place}: no run of '{outcome.plan}' has ended yet, so that there is nothing to compare; run it again, "
            "with more time if it has a limit."
        )
    designs, pairs = (row.design for row in outcome.rows), (row.against for row in outcome.rows)
    for text in (outcome.baseline, *designs, *pairs):
        _check(text, place)
    return outcome


def _check(text: str | None, place: str) -> None:
    """Raise unless a design is known, or none is named."""
    try:
        resolve(text) if text is not None else None
    except BnncostError as error:
        raise BnncostError(f"{place}: {error}") from None
