"""Accuracies that a user gives for one front, beside those of files: of designs, and of networks from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from analysis.accuracy.literature import rated_design
from analysis.accuracy.percent import lone_percent
from analysis.show.classes import ADDED
from costmodel import BnncostError
from costmodel.designs.records import AccuracyRecord
from costmodel.designs.resolving import published_design
from costmodel.errors import shortened
from costmodel.importers.model.naming import Model, names_model, parse_model

FORM = "DESIGN=TOP1[:LABEL]"
LONGEST_LABEL = 200
_WRITTEN = re.compile(r"(?P<design>.+?)=\s*(?P<top1>[-+]?[0-9]*\.?[0-9]+)\s*(?::(?P<label>.*))?")


@dataclass(frozen=True)
class AddedModel:
    """A network from elsewhere with its top-1 accuracy [%]: it is on no network and no data set by name."""

    name: str
    model: Model
    top1: float
    label: str


@dataclass(frozen=True)
class Added:
    """What was given for one front: designs, and networks from elsewhere."""

    records: tuple[AccuracyRecord, ...] = ()
    models: tuple[AddedModel, ...] = ()


def added_figures(texts: Sequence[str]) -> Added:
    """Read every text; what is wrong with several raises one BnncostError that says all of it."""
    found: list[AccuracyRecord | AddedModel] = []
    problems: list[str] = []
    for text in texts:
        try:
            found.append(added_figure(text))
        except BnncostError as error:
            problems.append(str(error))
    if problems:
        raise BnncostError("\n".join(problems))
    return Added(
        tuple(one for one in found if isinstance(one, AccuracyRecord)),
        tuple(one for one in found if isinstance(one, AddedModel)),
    )


def added_figure(text: str) -> AccuracyRecord | AddedModel:
    """Read `DESIGN=TOP1[:LABEL]`, where a file or a module may stand for the design; errors name the text.

    >>> added_figure("resnet20@compute=int4/cifar10=89.9: mine").label, added_figure("lsq_2=67").label
    ('mine', 'LSQ, 2 bit')
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise BnncostError(
            f"--add '{shortened(text)}': write {FORM}, a design, its top-1 accuracy in percent and a name, as in "
            "'resnet20[prelu]/cifar10=85.2:ours'."
        )
    design, label, name = found["design"].strip(), (found["label"] or "").strip(), f"--add {text.strip()}"
    if len(label) > LONGEST_LABEL:
        raise BnncostError(
            f"--add '{shortened(text)}': the name has {len(label)} characters, and at most {LONGEST_LABEL} fit a "
            "picture."
        )
    try:
        top1 = lone_percent(found["top1"])
        if names_model(design):
            from costmodel.importers.model.source import read_model  # a tenth of a second

            own = label or PurePath(parse_model(design).source).name
            return AddedModel(name, read_model(design), top1, own)
        key = rated_design(design)
    except BnncostError as error:
        raise BnncostError(f"--add '{shortened(text)}': {error}") from error
    published = published_design(design)
    label = label or (published.title if published else "")
    return AccuracyRecord(name, key, top1, ADDED, "given with --add", label=label)
