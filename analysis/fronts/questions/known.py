"""Designs whose accuracy is known: published, measured by the shipped studies, or a user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from analysis.accuracy.literature import LITERATURE, by_design, load_accuracy
from analysis.accuracy.measurements import MEASURED, holds_measurements, load_measurements
from analysis.accuracy.outcome import names_in, outcome_of, shipped_outcomes
from analysis.accuracy.studies import Study, studies
from analysis.fronts.accuracy_rows import accuracy_of
from analysis.show.classes import class_of
from costmodel import BnncostError, DesignKey
from costmodel.designs.records import AccuracyRecord

SOURCES = (LITERATURE, MEASURED)
"""The accuracies that ship."""
_PLAIN = "none"
_USUAL_FEATURES = "int16"


@dataclass(frozen=True)
class Known:
    """A design with an accuracy: `name` can be typed, `label` is for people, `evidence` says who measured it."""

    name: str
    label: str
    key: DesignKey
    top1: float
    evidence: str

    @property
    def design_class(self) -> str:
        """What it competes as."""
        return str(class_of(self.key.compute))


def known_designs(sources: Sequence[str], network: str | None, dataset: str) -> tuple[Known, ...]:
    """Every accuracy of one data set, and of one network if given, from all sources; the figures of a paper merged.

    Raises BnncostError where a source cannot be read, and where none has an accuracy.
    """
    found = [
        known for source in dict.fromkeys(sources) for known in _of_source(source, several=network is None)
    ]
    kept = tuple(one for one in found if one.key.dataset == dataset and network in (None, one.key.network))
    if kept:
        return kept
    there = sorted({f"{one.key.network}/{one.key.dataset}" for one in found})
    wanted = f"{network}/{dataset}" if network else dataset
    raise BnncostError(f"there is no accuracy of '{wanted}'; there is one of: {', '.join(there)}.")


def _of_source(source: str, *, several: bool) -> Iterator[Known]:
    if source == LITERATURE or not holds_measurements(source):
        yield from _published(load_accuracy(None if source == LITERATURE else source), several=several)
        return
    outcomes = shipped_outcomes() if source == MEASURED else ()
    for study in studies(load_measurements(source)):
        yield from _measured(study, names_in(outcome_of(study, outcomes)).of)


def _published(records: Iterable[AccuracyRecord], *, several: bool) -> Iterator[Known]:
    for name, group in by_design(records).items():
        merged = accuracy_of(name, group, several=several)
        top1 = float(str(merged["top1"]))
        yield Known(name, str(merged["label"]), group[0].key, top1, str(merged["kind"]))


def _measured(study: Study, label: Callable[[DesignKey], str]) -> Iterator[Known]:
    for one in study.designs:
        yield Known(str(one.key), label(one.key), one.key, one.mean, f"{MEASURED}, {study.recipe}")


def repairs_text(key: DesignKey) -> str:
    """What of a design costs: its repairs that change the network, and its settings where they are not the plain ones.

    >>> designs = ("resnet20[prelu+ede]@w1.5", "resnet20[ede]", "resnet20[adaptive_weights]")
    >>> [repairs_text(DesignKey.parse(design)) for design in designs]
    ['prelu, width 1.5', 'none', 'adaptive_weights']
    """
    parts = [] if key.compute == "binary" else [f"{key.compute} network"]
    parts += [use.name for use in key.methods if use.method.changes_network]
    parts += [f"width {key.width:g}"] if key.width != 1 else []
    parts += [f"{key.features} features"] if key.features not in (_USUAL_FEATURES, key.compute) else []
    return ", ".join(parts) or _PLAIN
