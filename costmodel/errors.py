"""The one error that a user's mistake may raise, and the words that help to correct it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


class BnncostError(ValueError):
    """A mistake in what the user gave; the message says where, what is allowed and what to do."""


def by_closeness(value: str, allowed: Iterable[str]) -> list[str]:
    """Order the allowed names by how much they resemble `value`, the closest first.

    >>> by_closeness("prelo", ["relu", "prelu", "hardtanh"])
    ['prelu', 'relu', 'hardtanh']
    """

    def distance(name: str) -> tuple[float, str]:
        return (-SequenceMatcher(None, value.lower(), name.lower()).ratio(), name)

    return sorted(allowed, key=distance)


SHOWN = 12
"""How many of the allowed names a message lists."""


def unknown(what: str, value: str, allowed: Iterable[str], place: str = "") -> BnncostError:
    """Say that `value` is no known `what`, and list the names that are, the closest first.

    >>> str(unknown("method", "prelo", ["prelu", "relu"]))
    "unknown method 'prelo'; did you mean 'prelu'? Known: prelu, relu."
    """
    names = by_closeness(value, allowed)
    hint = f"; did you mean '{names[0]}'?" if names else ";"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    where = f"{place}: " if place else ""
    return BnncostError(f"{where}unknown {what} '{value}'{hint} Known: {', '.join(names[:SHOWN])}{more}.")
