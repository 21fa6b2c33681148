"""The outcome of a study as `bnncost review` writes it: what each design gained, and over what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.accuracy.measurements import shipped_measurements
from analysis.accuracy.names import Names, names_of
from analysis.accuracy.studies import MeasuredDesign, Study, studies
from costmodel import BnncostError, DesignKey, resolve

SHIPPED = "measured_study"
_READ = ConfigDict(frozen=True, extra="ignore")


class OutcomeRow(BaseModel):
    """One design of a study: top-1 [%] over its seeds, and its gains [points] over the plain BNN and its fair pair.

    `role` says why it was trained: baseline, alone, pair, full, without, width, reference.
    """

    model_config = _READ

    design: str
    role: str = ""
    method: str = ""
    seeds: int = Field(ge=1)
    top1_mean: float = Field(ge=0, le=100)
    top1_spread: float | None = Field(None, ge=0)
    gain: float | None = None
    against: str | None = None
    gain_against: float | None = None
    gain_against_error: float | None = None

    @property
    def key(self) -> DesignKey:
        """The design."""
        return resolve(self.design)


class Outcome(BaseModel):
    """All of a study: its designs, those not measured yet, and those whose training failed, with the reason.

    `switches` says how the plain BNN is built where repairs have a choice.
    """

    model_config = _READ

    plan: str
    title: str = ""
    protocols: tuple[str, ...] = ()
    baseline: str
    switches: Mapping[str, str] = Field(default_factory=dict)
    rows: tuple[OutcomeRow, ...]
    missing: tuple[str, ...] = ()
    failed: Mapping[str, str] = Field(default_factory=dict)

    @property
    def names(self) -> Names:
        """What its designs are called."""
        full = next((row.key for row in self.rows if row.role == "full"), None)
        return names_of(self.designs, resolve(self.baseline), full)

    @property
    def designs(self) -> tuple[MeasuredDesign, ...]:
        """Its designs, each once."""
        return tuple(
            MeasuredDesign(row.key, row.top1_mean, row.top1_spread, row.seeds) for row in self.once.values()
        )

    @property
    def once(self) -> dict[DesignKey, OutcomeRow]:
        """The first row of each design; a design may be compared several times."""
        found: dict[DesignKey, OutcomeRow] = {}
        for row in self.rows:
            found.setdefault(row.key, row)
        return found


def read_outcome(values: Mapping[str, Any], place: str) -> Outcome:
    """Read an outcome from JSON's values; raises one BnncostError with all that is wrong, naming `place`."""
    try:
        made = Outcome.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{place}: {'.'.join(map(str, item['loc'])) or 'the outcome'}: {item['msg'].lower()}."
            for item in error.errors()
        ]
        raise BnncostError("\n".join(problems)) from None
    if not made.rows:
        raise BnncostError(
            f"{place}: no run of '{made.plan}' has ended yet, so that there is nothing to compare; run it again, with "
            "more time if it has a limit."
        )
    for text in (made.baseline, *(row.design for row in made.rows), *(row.against for row in made.rows)):
        _check(text, place)
    return made


def _check(text: str | None, place: str) -> None:
    try:
        resolve(text) if text is not None else None
    except BnncostError as error:
        raise BnncostError(f"{place}: {error}") from None


def shipped_outcomes() -> tuple[Outcome, ...]:
    """The outcomes that come with the package beside its measurements."""
    folder = resources.files("analysis").joinpath("data")
    files = sorted(
        (item for item in folder.iterdir() if item.name.startswith(SHIPPED) and item.name.endswith(".json")),
        key=lambda item: item.name,
    )
    return tuple(read_outcome(json.loads(item.read_text("utf-8")), item.name) for item in files)


def outcome_of(study: Study, known: Sequence[Outcome] = ()) -> Outcome:
    """The outcome of a study: the known one of its protocol, else gains over its plain BNN alone.

    Which design is a fair pair is decided by whoever plans a study, and cannot be told from accuracies.
    """
    for one in known:
        plain = resolve(one.baseline)
        same = (plain.network, plain.dataset) == (study.network, study.dataset)
        if same and study.protocol in one.protocols:
            return one
    names = names_of(study.trained)
    plain_top1 = next((one.mean for one in study.trained if one.key == names.baseline), None)
    rows = tuple(
        OutcomeRow(
            design=str(one.key),
            method=names.of(one.key),
            seeds=one.seeds,
            top1_mean=one.mean,
            top1_spread=one.spread,
            gain=None if plain_top1 is None or one.key == names.baseline else one.mean - plain_top1,
        )
        for one in study.trained
    )
    return Outcome(
        plan="measured",
        title=f"Gains measured on {study.network}/{study.dataset}",
        protocols=(study.protocol,),
        baseline=str(names.baseline),
        rows=rows,
    )


def shipped_studies() -> tuple[tuple[Study, Outcome], ...]:
    """The studies that come with the package, each with its outcome; none where no measurement was shipped."""
    known = shipped_outcomes()
    return tuple((study, outcome_of(study, known)) for study in studies(shipped_measurements()))
