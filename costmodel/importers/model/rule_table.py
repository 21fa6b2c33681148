"""Tables of rules by the names of operators, filled by decorators."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from costmodel.errors import BnncostError

Rule = TypeVar("Rule")


def entering(table: dict[str, Rule], twice: str) -> Callable[..., Callable[[Rule], Rule]]:
    """Make the decorator that enters a rule under some names; a second rule of a name raises, as `twice` says.

    >>> table: dict[str, int] = {}
    >>> entering(table, "'{}' is there twice.")("Add", "Sum")(3), table
    (3, {'Add': 3, 'Sum': 3})
    """

    def names_of(*names: str) -> Callable[[Rule], Rule]:
        def enter(rule: Rule) -> Rule:
            for name in names:
                if name in table:
                    raise BnncostError(twice.format(name))
                table[name] = rule
            return rule

        return enter

    return names_of
