"""Own accuracies laid over others on one front, each named by its file, with its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.accuracy.literature import LITERATURE, load_accuracy
from analysis.accuracy.measurements import holds_measurements, load_measurements
from analysis.accuracy.names import names_of
from analysis.accuracy.studies import Study, studies
from analysis.show.classes import ADDED, ESTIMATED
from costmodel import BnncostError
from costmodel.designs.records import AccuracyRecord
from costmodel.errors import unknown

_UNSTATED = "protocol not stated"


@dataclass(frozen=True)
class Overlay:
    """Accuracies of several sources for one front: the published ones, and own ones, each with its `source`.

    `protocols` says under what each own source was measured.
    """

    published: tuple[AccuracyRecord, ...]
    own: tuple[AccuracyRecord, ...]
    protocols: dict[str, str]

    @property
    def caption(self) -> str:
        """Say whose points are marked, and where protocols differ."""
        said = [f"{source}: {protocol}" for source, protocol in self.protocols.items()]
        if self.published:
            said.append("published: each its own recipe")
        unlike = len(set(self.protocols.values())) + bool(self.published) > 1 or _UNSTATED in " ".join(said)
        warning = (
            " Protocols differ: a difference between sources is not one of designs alone." if unlike else ""
        )
        return f"Own figures are marked by file. {'; '.join(said)}.{warning}"


def overlay_of(sources: Sequence[str], recipe: str | None = None) -> Overlay:
    """Read several sources of accuracies; of measurements, only those of one recipe, by name or digest, if given.

    Raises BnncostError for a source that is named twice, and with all that is wrong in the files.
    """
    twice = [source for at, source in enumerate(sources) if source in sources[:at]]
    if twice:
        raise BnncostError(f"--accuracy {twice[0]} is given twice; name each source once.")
    published: list[AccuracyRecord] = []
    own: list[AccuracyRecord] = []
    protocols: dict[str, str] = {}
    recipes: dict[str, str] = {}
    for source, name in zip(sources, _names(sources), strict=True):
        if source == LITERATURE:
            published += load_accuracy(None)
        elif holds_measurements(source):
            there = studies(load_measurements(source))
            recipes |= {study.recipe_digest: study.recipe for study in there}
            for study in there:
                if recipe in (None, study.recipe, study.recipe_digest):
                    mine = name if len(there) == 1 else f"{name}, {study.recipe}"
                    mine = mine if mine not in protocols else f"{mine} ({study.network}/{study.dataset})"
                    own += _of_study(study, mine)
                    protocols[mine] = study.protocol
        else:
            given = load_accuracy(source)
            own += [_own(one, name) for one in given]
            protocols[name] = _protocol_of(given)
    if recipe is not None and recipe not in {*recipes, *recipes.values()}:
        raise unknown("recipe", recipe, set(recipes.values()))
    return Overlay(tuple(published), tuple(own), protocols)


def _names(sources: Sequence[str]) -> list[str]:
    """What sources are called: by their last part, or in full where that is said twice."""
    short = [Path(source).name or source for source in sources]
    return [source if short.count(name) > 1 else name for source, name in zip(sources, short, strict=True)]


def _own(record: AccuracyRecord, source: str) -> AccuracyRecord:
    said = record.reference or record.note
    kind = ESTIMATED if record.kind == ESTIMATED else ADDED
    return replace(record, kind=kind, source=source, reference=f"{source}{f': {said}' if said else ''}")


def _of_study(study: Study, source: str) -> list[AccuracyRecord]:
    names = names_of(study.trained)
    return [
        AccuracyRecord(
            str(one.key), one.key, one.mean, ADDED, f"{source}: {study.protocol}", one.note, seeds=str(one.seeds),
            label=names.of(one.key), source=source,
        )
        for one in study.designs
    ]  # fmt: skip


def _protocol_of(records: Sequence[AccuracyRecord]) -> str:
    """What a bare file says of how its figures came about."""
    epochs = sorted({one.epochs for one in records if one.epochs})
    return f"{' or '.join(epochs)} epochs, otherwise not stated" if epochs else _UNSTATED
