"""Text from outside as text in every output: what would act on a terminal, a page, a spreadsheet or TeX is spelled out.

Names of designs, profiles and files are anybody's. Every writer takes them through one of these functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from costmodel.output import number_of

_LONGEST = 200
"""Characters of a file's name, to which a suffix comes."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
_LETTERS = frozenset("øØåÅæÆœŒßłŁı§¶©·¿¡")
"""Letters and accents that TeX sets in its standard fonts."""
_LATEX: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "µ": r"\textmu{}",
        "²": r"\textsuperscript{2}", "³": r"\textthreesuperior{}", "×": r"\texttimes{}", "`": "'", "‘": "'", "’": "'",
        "–": "--", "—": "---", "−": "--", "±": r"\textpm{}", "√": r"\textsurd{}", "≥": r"$\geq$", "≤": r"$\leq$",
        "[": "{[}", "]": "{]}",
    }
)  # fmt: skip


def visible(text: str) -> str:
    """Spell out control and bidirectional characters, which would act on a terminal or on the text round them.

    >>> visible("a\\x1b[31mb"), visible("\\u202e.exe")
    ('a\\\\x1b[31mb', '\\\\u202e.exe')
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def visible_values(value: Any) -> Any:
    """The same of every text in a value of JSON, the names of its fields included."""
    if isinstance(value, str):
        return value if value.isprintable() else visible(value)
    if isinstance(value, Mapping):
        return {visible_values(name): visible_values(item) for name, item in value.items()}
    return [visible_values(item) for item in value] if isinstance(value, list | tuple) else value


def visible_info(info: Any) -> Any:
    """The same of every text of what a picture shows: of a frozen dataclass, and those in it; the rest stays itself."""
    if isinstance(info, str):
        return info if info.isprintable() else visible(info)
    if type(info) is tuple:
        items = tuple(map(visible_info, info))
        same = all(one is other for one, other in zip(items, info, strict=True))
        return info if same else items
    if not is_dataclass(info) or isinstance(info, type):
        return info
    made = {item.name: visible_info(getattr(info, item.name)) for item in fields(info) if item.init}
    changed = {name: value for name, value in made.items() if value is not getattr(info, name)}
    return replace(info, **changed) if changed else info


def csv_cell(value: object) -> object:
    """A cell of CSV: a text that a spreadsheet would run as a formula begins with an apostrophe; numbers stay.

    >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell("-0.5"), csv_cell(-0.5), csv_cell("plain")
    ("'=cmd|' /C calc'!A0", '-0.5', -0.5, 'plain')
    """
    if not isinstance(value, str):
        return value
    text = visible(value)
    runs = value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)
    return f"'{text}" if runs and number_of(text) is None else text


def markdown_text(text: str) -> str:
    """Text in Markdown (GitHub): no emphasis, code, HTML, link or cell begins in it.

    >>> markdown_text("a|b_c <b> [x](y) &lt;")
    'a\\\\|b\\\\_c \\\\<b> [x]\\\\(y) \\\\&lt;'
    """
    escaped = re.sub(r"([\\|*_<`~])", r"\\\1", " ".join(visible(text.replace("\n", " ")).split()))
    return re.sub(r"&(?=#?\w+;)", r"\\&", escaped.replace("](", "]\\("))


def latex_text(text: str) -> str:
    """Text in LaTeX: no command, and no letter that its standard fonts lack, which is given by its number.

    >>> latex_text("50 % of \\\\input{x} Müller 中")
    '50 \\\\% of \\\\textbackslash{}input\\\\{x\\\\} Müller {[}U+4E2D{]}'
    """
    return "".join(map(_latex_letter, " ".join(visible(text.replace("\n", " ")).split())))


def _latex_letter(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    base, *accents = list(unicodedata.normalize("NFD", letter))
    if (
        letter.isascii()
        or letter in _LETTERS
        or (base.isascii() and accents and _ACCENTS.issuperset(accents))
    ):
        return letter
    return f"{{[}}U+{ord(letter):04X}{{]}}"


def file_stem(*parts: str) -> str:
    """Name of a file made of parts, in letters that every file system takes; it leads to no other folder.

    >>> file_stem("resnet20[prelu]/cifar10", "asic-45nm"), file_stem("../../etc/passwd")
    ('resnet20-prelu-cifar10-asic-45nm', 'etc-passwd')
    """
    stem = re.sub(r"[^A-Za-z0-9_.@+-]+", "-", "-".join(parts))
    return re.sub(r"\.{2,}-?|^\.+", "", stem)[:_LONGEST] or "unnamed"
