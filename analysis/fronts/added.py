"""Accuracies that a user gives for one front, beside those of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.accuracy.percent import percent_of
from analysis.show.classes import ADDED
from costmodel import DESIGNS, BnncostError, resolve
from costmodel.designs.records import AccuracyRecord

FORM = "DESIGN=TOP1[:LABEL]"
_WRITTEN = re.compile(r"(?P<design>.+?)=\s*(?P<top1>[-+]?[0-9]*\.?[0-9]+)\s*(?::(?P<label>.*))?")


def added_records(texts: Sequence[str]) -> list[AccuracyRecord]:
    """Read every text; what is wrong with several raises one BnncostError that says all of it."""
    records: list[AccuracyRecord] = []
    problems: list[str] = []
    for text in texts:
        try:
            records.append(added_record(text))
        except BnncostError as error:
            problems.append(str(error))
    if problems:
        raise BnncostError("\n".join(problems))
    return records


def added_record(text: str) -> AccuracyRecord:
    """Read `DESIGN=TOP1[:LABEL]`; raises a BnncostError that names the text.

    >>> added_record("resnet20@compute=int4/cifar10=89.9: mine").label, added_record("lsq-2=67").top1
    ('mine', 67.0)
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise BnncostError(
            f"--add '{text}': write {FORM}, a design, its top-1 accuracy in percent and a name, as in "
            "'resnet20[prelu]/cifar10=85.2:ours'."
        )
    try:
        top1 = percent_of(found["top1"])
        key = resolve(found["design"])
    except BnncostError as error:
        raise BnncostError(f"--add '{text}': {error}") from error
    published = DESIGNS.get(found["design"].strip().split("/")[0].lower())
    label = (found["label"] or "").strip() or (published.title if published else "")
    return AccuracyRecord(f"--add {text.strip()}", key, top1, ADDED, "given with --add", label=label)
