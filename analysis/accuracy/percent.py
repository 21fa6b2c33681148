"""Accuracies in percent, read from text; what looks like a fraction is questioned."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from costmodel import BnncostError

_NUMBER = re.compile(r"([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d{1,3})?)[\s\u00a0\u202f]*%?", re.ASCII)


def percent_of(text: str) -> float:
    """Read an accuracy in percent: `85.2`, `85.2 %` or `85,2`; raises BnncostError for what is none.

    >>> percent_of("85.2"), percent_of("85 %"), percent_of("85,2 %")
    (85.2, 85.0, 85.2)
    """
    found = _NUMBER.fullmatch(text.strip())
    number = float(found[1].replace(",", ".")) if found else math.nan
    if not 0 <= number <= 100:
        raise BnncostError(f"top1 is '{text}', but must be a number from 0 to 100 (percent).")
    return number


def question_fractions(values: Sequence[float], where: str) -> None:
    """Raise BnncostError for the accuracies of a file that look like fractions, all of them at most 1."""
    shown = next((value for value in values if 0 < value < 1), None)
    if shown is not None and max(values) <= 1:
        raise BnncostError(
            f"{where}: every top1 is at most 1, such as {shown:g}: are these fractions? top1 is in percent, "
            "from 0 to 100."
        )


def lone_percent(text: str) -> float:
    """Read an accuracy that stands alone, and question what looks like a fraction; raises BnncostError.

    >>> lone_percent("0.85")
    Traceback (most recent call last):
    costmodel.errors.BnncostError: top1 is '0.85', at most one percent; is it a fraction? In percent, write 85.
    """
    number = percent_of(text)
    if 0 < number <= 1:
        raise BnncostError(
            f"top1 is '{text}', at most one percent; is it a fraction? In percent, write {100 * number:g}."
        )
    return number
