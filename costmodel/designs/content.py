"""What a design is besides its text, which has only the path of a network file and the names of methods."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from costmodel.designs.key import DesignKey
from costmodel.designs.network_files import backbone_of, is_file
from costmodel.errors import BnncostError
from costmodel.methods import METHODS

_DIGITS = re.compile(r"(?:[0-9a-f]{8})?", re.ASCII)


def is_content(text: str) -> bool:
    """Whether a text is what `content_of` gives."""
    return _DIGITS.fullmatch(text) is not None


def content_of(key: DesignKey) -> str:
    """Eight digits for what its network file, and the files that declare its methods, say now; "" for what is shipped.

    Raises BnncostError for a network file that cannot be read.

    >>> content_of(DesignKey.parse("resnet20[prelu]"))
    ''
    """
    return _digits([*filter(None, [_of_network(key)]), *_of_methods(use.name for use in key.methods)])


def content_of_methods() -> str:
    """The same for all methods of plugins that are loaded: what a table of every method depends on."""
    return _digits(_of_methods(METHODS))


def require_content(noted: str, key: DesignKey, place: str) -> None:
    """Raise BnncostError where a design is no longer what it was when `noted` was, which is "" where nobody did."""
    if edited := edited_since(noted, key):
        raise BnncostError(
            f"{place} is of '{key}' as it was before: {edited}. Give the file its former text back, or train the "
            "design as it is now."
        )


def edited_since(noted: str, key: DesignKey) -> str:
    """Half a sentence on what was edited since a design's content was `noted`; empty if nothing was, or nobody did."""
    if noted in ("", content_of(key)):
        return ""
    files = [f"'{key.network}'"] if is_file(key.network) else []
    files += [METHODS[use.name].place for use in key.methods if METHODS[use.name].content]
    return f"{' or '.join(files)} has been edited since" if files else "what is shipped now stood in a file"


def _of_network(key: DesignKey) -> str:
    """What a network file says, remarks and layout apart."""
    return backbone_of(key.network).model_dump_json(exclude_defaults=True) if is_file(key.network) else ""


def _of_methods(names: Iterable[str]) -> list[str]:
    return sorted({METHODS[name].content for name in names} - {""})


def _digits(parts: list[str]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8] if parts else ""
