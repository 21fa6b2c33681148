"""How every command reads its options: one with a single value is given once, or is a mistake."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import typer
from typer.core import TyperCommand

from costmodel.errors import BnncostError, shortened
from costmodel.output import whole_of


class Command(TyperCommand):
    """A command that refuses a second value for an option that has one, and numbers that are none to people."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override, unused-ignore]
        """Read the options; raises BnncostError for one that is given twice or is no number, and typer's errors."""
        if ctx.resilient_parsing or not args:
            return super().parse_args(ctx, args)
        written, _, order = self.make_parser(ctx).parse_args(args=list(args))
        _require_once(Counter(param.opts[0] for param in order if _takes_one_value(param)))
        for param in order:
            _require_filled(param, written.get(str(param.name)))
        rest = super().parse_args(ctx, args)
        _require_not_read(ctx.params.get("out"), written)
        _require_plain({str(param.name): param.opts[0] for param in order}, written, ctx.params)
        ctx.params |= {name: _each_once(value) for name, value in ctx.params.items()}
        return rest


def _takes_one_value(param: object) -> bool:
    """Whether a parameter is an option whose second value would replace the first; a flag given twice says the same."""
    harmless = getattr(param, "is_flag", True) and not getattr(param, "secondary_opts", ())
    return not getattr(param, "multiple", True) and not harmless


def _each_once(value: object) -> object:
    """Choices without those that are made again, in the order in which they are first made; another value as it is."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, Enum) for one in value):
        return value
    return list(dict.fromkeys(value))


def _require_filled(param: object, written: object) -> None:
    """Raise BnncostError for a value that is given as nothing: an empty path would be the working folder."""
    if any(not text.strip() for text in _texts(written)):
        raise BnncostError(f"{_called(param)} is given, but empty; say which.")


def _require_not_read(out: object, written: Mapping[str, object]) -> None:
    """Raise BnncostError for a file as an output that is an input of the same command."""
    if not isinstance(out, Path) or not out.is_file():
        return
    for name, given in written.items():
        for text in () if name == "out" else _texts(given):
            parts = (text, *(text.partition(mark)[0] for mark in "@[:="))
            if any(part and os.path.isfile(part) and os.path.samefile(part, out) for part in parts):
                raise BnncostError(f"--out '{out}' is what is read; name another file.")


def _texts(written: object) -> list[str]:
    given = written if isinstance(written, (list, tuple)) else [written]
    return [text for text in given if isinstance(text, str)]


def _called(param: object) -> str:
    """What a user knows a parameter by: the long form of an option, or the word of an argument."""
    name = getattr(param, "opts", [""])[0]
    return str(name if name.startswith("-") else name.upper())


def _require_plain(
    options: Mapping[str, str], written: Mapping[str, object], read: Mapping[str, object]
) -> None:
    """Raise BnncostError for a whole number that is not written in plain digits, such as `1_0`."""
    for name, text in written.items():
        if isinstance(text, str) and type(read.get(name)) is int and whole_of(text) is None:
            raise BnncostError(
                f"{options.get(name, name)} is '{shortened(text)}', but must be a whole number."
            )


def _require_once(given: Counter[str]) -> None:
    twice = [option for option, times in given.items() if times > 1]
    if twice:
        raise BnncostError(
            "\n".join(f"{option} takes one value, but is given {given[option]} times." for option in twice)
        )
