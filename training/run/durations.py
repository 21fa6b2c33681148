"""Lengths of time as people write them: budgets that are read, and estimates that are shown."""

from __future__ import annotations

import re

from costmodel.errors import BnncostError

_BUDGET = re.compile(
    r"(?:(\d{1,9}(?:\.\d{1,9})?)h)?(?:(\d{1,9}(?:\.\d{1,9})?)m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?", re.ASCII
)


def seconds_of(text: str) -> float:
    """Read a length of time such as 25m, 2h, 90s or 1h30m [s]; raises BnncostError for anything else.

    >>> seconds_of("1h30m")
    5400.0
    """
    match = _BUDGET.fullmatch(text.strip().lower())
    parts = [float(part or 0) for part in match.groups()] if match else [0.0]
    if sum(parts) <= 0 or not match:
        raise BnncostError(f"a budget of '{text}' is not a length of time; write 25m, 2h, 90s or 1h30m.")
    return 3600 * parts[0] + 60 * parts[1] + parts[2]


def words_of(seconds: float) -> str:
    """Write a length of time [s] for people.

    >>> words_of(47.4), words_of(250), words_of(5400)
    ('47 s', '4 min 10 s', '1 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
