"""A profile's files and overrides laid over each other, and the complete list of what is wrong with the result."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from costmodel.hardware.checks.sections import rule_problems
from costmodel.hardware.memories.level import PRICED_BY
from costmodel.hardware.overrides import Override, put
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.messages import typed
from costmodel.hardware.text.problem import Finding, Problem
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.yaml_lines import YamlDocument


def merged(
    documents: Sequence[YamlDocument], overrides: Sequence[Override]
) -> tuple[dict[str, Any], dict[Place, tuple[str, int]], list[Problem]]:
    """Lay documents over those that they extend, the child first in the list, and overrides over all of them.

    Gives the data, the file and line of each place, and what is wrong with the places of the overrides.
    """
    data, origins = _documents_merged(documents)
    misplaced = [problem for one in overrides if (problem := put(one, data, origins))]
    return data, origins, misplaced


def checked(
    data: dict[str, Any], document: YamlDocument
) -> tuple[HardwareProfile | None, tuple[Finding, ...]]:
    """Give merged data its type and list all findings about it."""
    profile, findings = typed(data, HardwareProfile)
    rules = rule_problems(data) if isinstance(data, Mapping) else ()
    found = (*findings, *rules, *_name_problems(document))
    return (None if found else profile), found


def _name_problems(document: YamlDocument) -> list[Finding]:
    if isinstance(document.data, Mapping) and "name" not in document.data:
        return [(("name",), "is missing: a profile that extends another has a name of its own")]
    return []


def _documents_merged(
    documents: Sequence[YamlDocument],
) -> tuple[dict[str, Any], dict[Place, tuple[str, int]]]:
    """Lay each document over the one that it extends; say for each place which file and line it is from."""
    data: dict[str, Any] = {}
    origins: dict[Place, tuple[str, int]] = {}
    for document in reversed(documents):
        # Its name is the parent's own, and what it extends has been laid in already.
        for own in ("name", "extends"):
            data.pop(own, None)
            origins.pop((own,), None)
        data = _overlay((), data, document.data, origins)
        origins.update({path: (document.file, line) for path, line in document.lines.items()})
    return data, origins


def _overlay(path: Place, under: Any, over: Any, origins: dict[Place, tuple[str, int]]) -> Any:
    mappings = isinstance(under, Mapping) and isinstance(over, Mapping)
    if not mappings or "value" in under or "value" in over:
        for stale in _places(path, under):
            origins.pop(stale, None)
        return copy.deepcopy(over)
    if len(path) == 2 and path[0] == "memories" and any(form in over for form in PRICED_BY):
        # What has no price, or lies outside the chip, has no banks either.
        unbanked = "free" in over or over.get("off_chip") is True
        stale_keys = (*PRICED_BY, "banks") if unbanked else PRICED_BY
        under = {key: value for key, value in under.items() if key not in stale_keys or key in over}
    both = {key: _overlay((*path, key), under[key], over[key], origins) for key in over if key in under}
    return {**under, **copy.deepcopy({key: value for key, value in over.items() if key not in under}), **both}


def _places(path: Place, node: Any) -> Iterator[Place]:
    """The place of a node and of all that is in it."""
    yield path
    keys = node if isinstance(node, Mapping) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield from _places((*path, key), node[key])
