"""The one error that a user's mistake may raise, and the words that help to correct it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


class BnncostError(ValueError):
    """A mistake in what the user gave; the message says where, what is allowed and what to do."""


class CodeFailed(BnncostError):
    """Code of the user's own failed; `traceback` is Python's account of where, if there is one."""

    traceback = ""


QUOTED = 200
"""Characters of a user's text that a message repeats."""


def shortened(text: str) -> str:
    """Cut a text to a length that fits a message: what stands at both ends, and how long it is.

    >>> shortened("resnet20"), shortened("a" * 150 + "b" * 150)[135:].replace("a" * 6, "..").replace("b" * 6, "::")
    ('resnet20', '..aaa ... ::::::bb (300 characters)')
    """
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 56]} ... {text[-20:]} ({len(text)} characters)"


def by_closeness(value: str, allowed: Iterable[str]) -> list[str]:
    """Order the allowed names by how much they resemble `value`, the closest first.

    >>> by_closeness("prelo", ["relu", "prelu", "hardtanh"])
    ['prelu', 'relu', 'hardtanh']
    """

    def distance(name: str) -> tuple[float, str]:
        return (-SequenceMatcher(None, written, name.lower()).ratio(), name)

    written = value[:QUOTED].lower()

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
    return BnncostError(
        f"{where}unknown {what} '{shortened(value)}'{hint} Known: {', '.join(names[:SHOWN])}{more}."
    )
