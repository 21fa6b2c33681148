"""Figures of a profile replaced from outside of its files: `place=value`, checked like a line of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from costmodel.errors import BnncostError, shortened
from costmodel.hardware.text.problem import Path, Problem, place_of
from costmodel.hardware.text.quantity import unknown_name
from costmodel.hardware.text.units import number_and_unit
from costmodel.hardware.text.yaml_lines import plain_value

OPTION = "--set"
_LONGEST = 1000
"""Characters of a place and its value."""
_EXAMPLE = f"{OPTION} memories.feature_sram.size=128kB"
_PART = re.compile(r"([^.\[\]]+)((?:\[\d{1,9}\])*)", re.ASCII)
_OF_FILES = ("name", "extends")
Origins = dict[Path, tuple[str, int]]


@dataclass(frozen=True)
class Override:
    """One value that takes the place of what the files say: `text` as the user wrote it, read into path and value."""

    text: str
    path: Path
    value: Any

    @property
    def label(self) -> str:
        """Its name in messages, where a file has name and line."""
        return f"{OPTION} {self.text}"


def read_override(text: str) -> Override:
    """Read `place=value`; a number with a unit becomes an assumed quantity. Raises BnncostError for another form.

    >>> read_override("memories.dram.macros[0].read=20 pJ/bit").path
    ('memories', 'dram', 'macros', 0, 'read')
    >>> read_override("clock=100MHz").value
    {'value': 100, 'unit': 'MHz', 'source': '--set', 'status': 'assumed'}
    """
    if len(text) > _LONGEST:
        raise BnncostError(f"{OPTION} {shortened(text)}: has more than {_LONGEST} characters.")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BnncostError(f"{OPTION} {text!r}: has bytes that are no text in UTF-8.")
    place, equals, written = (part.strip() for part in text.partition("="))
    parts = [_PART.fullmatch(part) for part in place.split(".")]
    if not equals or not written or not all(parts):
        raise BnncostError(f"{OPTION} {text}: is not of the form PLACE=VALUE, as in {_EXAMPLE}.")
    path: list[str | int] = []
    for part in filter(None, parts):
        path += [part[1], *map(int, re.findall(r"\d+", part[2]))]
    if path[0] in _OF_FILES:
        raise BnncostError(
            f"{OPTION} {text}: {path[0]} says which profile it is; choose another with --profile."
        )
    number, unit = number_and_unit(written) or ("", "")
    if not unit:
        return Override(text, tuple(path), plain_value(written))
    quantity = {"value": plain_value(number), "unit": unit, "source": OPTION, "status": "assumed"}
    if quantity["value"] == 0:
        quantity["note"] = f"zero by {OPTION}"
    return Override(text, tuple(path), quantity)


def put(override: Override, data: dict[str, Any], origins: Origins) -> Problem | None:
    """Write an override into the data of a profile, in place; gives what is wrong with its place, if anything."""
    node: Any = data
    for depth, part in enumerate(override.path[:-1]):
        if not _holds(node, part):
            return _unknown(override, override.path[: depth + 1], node)
        node = node[part]
    last = override.path[-1]
    if isinstance(node, list) or (isinstance(node, Mapping) and "value" in node):
        return _unknown(override, override.path, node)
    if not isinstance(node, dict):
        return Problem(override.label, 0, "", f"{place_of(override.path[:-1])} has nothing below it")
    there = node.get(str(last))
    if isinstance(there, Mapping) and "value" in there and isinstance(override.value, int | float):
        unit = there.get("unit")
        sentence = f"needs a unit, as in {OPTION} {place_of(override.path)}={override.value:g}{unit}"
        return Problem(override.label, 0, "", sentence)
    node[str(last)] = override.value
    for stale in [path for path in origins if path[: len(override.path)] == override.path]:
        del origins[stale]
    origins[override.path] = (override.label, 0)
    return None


def _holds(node: Any, part: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, Mapping) and part in node and "value" not in node


def _unknown(override: Override, path: Path, node: Any) -> Problem:
    """Say that a place is not in the profile, and what is there instead."""
    within, part = path[:-1], path[-1]
    where = f"in {place_of(within)}" if within else "at the top of a profile"
    if isinstance(node, list):
        sentence = (
            f"there is no [{part}] {where}, which is a list of {len(node)}; a number in brackets picks one"
        )
    elif isinstance(node, Mapping) and "value" in node:
        sentence = (
            f"{place_of(within)} is one figure and is set whole, as in {OPTION} {place_of(within)}="
            + (f"{node['value']}{node.get('unit', '')}")
        )
    elif isinstance(node, Mapping):
        sentence = f"{where}: {unknown_name('name', part, tuple(map(str, node)))}"
    else:
        sentence = f"{place_of(within)} has nothing below it"
    return Problem(override.label, 0, "", sentence)
