"""How every command reads its options: one with a single value is given once, or is a mistake."""

from __future__ import annotations

from collections import Counter

import typer
from typer.core import TyperCommand

from costmodel import BnncostError


class Command(TyperCommand):
    """A command that refuses a second value for an option that has one, where the last would silently win."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override, unused-ignore]
        """Read the options; raises BnncostError for one that is given twice, and typer's errors."""
        if not ctx.resilient_parsing and args:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            _require_once(Counter(param.opts[0] for param in order if _takes_one_value(param)))
        return super().parse_args(ctx, args)


def _takes_one_value(param: object) -> bool:
    """Whether a parameter is an option whose second value would replace the first; a flag given twice says the same."""
    harmless = getattr(param, "is_flag", True) and not getattr(param, "secondary_opts", ())
    return not getattr(param, "multiple", True) and not harmless


def _require_once(given: Counter[str]) -> None:
    twice = [option for option, times in given.items() if times > 1]
    if twice:
        raise BnncostError(
            "\n".join(f"{option} takes one value, but is given {given[option]} times." for option in twice)
        )
