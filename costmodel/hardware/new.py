"""A commented profile to start from, and the schema of profiles for editors."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from costmodel.errors import BnncostError
from costmodel.hardware.files import examine
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.quantity import Quantity
from costmodel.hardware.text.reader import error_of
from costmodel.hardware.walk import quantities

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
# A quantity and an entry of a list are replaced whole, so an overriding profile gives them whole too.
_WHOLE = ("Quantity", "Macro")

_HEAD = """\
# {name}: a hardware profile that starts from {base} and replaces what is known better.
# Say here what chip it stands for, what the figures are based on, and what it is not good for.
#
# A quantity is one figure: {{value, unit, source, status}} and optionally low, high, note, law.
#   status: measured | published | derived | scaled (needs law) | assumed
#   low and high are the range that sources give; they need a note why this value was chosen.
# What is not written here is inherited. Quantities and lists are replaced whole, never in part.

name: {name_text}
title: {title}
description: {description}
archetype: {archetype}
scope: {scope}
extends: {base_text}

# One figure replaced, the same as in {base}: put in the clock of your chip.
clock: {clock}
"""

_EXPLAINED = {
    "technology": "the process that the figures belong to",
    "processor": "the core: energy of one cycle, memories included, and cycles that no operation has",
    "compute": "MAC arrays by precision <weight>x<feature>; a MAC runs on the next wider one listed",
    "side": "element-wise operations (norm, shortcut, activation, gate) by operation and precision",
    "array": "how a MAC layer lies on the lanes: loops by axis, buffers between lanes and memories",
    "memories": "levels from inner to outer, each with the roles it holds, size, port and macros",
    "control": "clock tree, sequencer and instruction fetch",
}


def new_profile(name: str, base: str) -> str:
    """Text of a profile called `name` that extends `base`: it is valid as it is and explains each section.

    `base` is a shipped profile, or the path of a file as seen from where the text will be saved. Raises
    BnncostError for a name that is not allowed or a base that is not there or not valid.
    """
    if not _NAME.fullmatch(name):
        raise BnncostError(
            f"profile name {name[:60]!r} is not allowed: use lower-case letters, digits, '.', '_' and '-'"
        )
    examined = examine(base)
    if examined.profile is None:
        raise error_of(examined.problems)
    parent = examined.profile
    head = _HEAD.format(
        name=name,
        base=base,
        name_text=_text(name),
        title=_text(f"{name}, after {parent.name}"),
        description=_text(f"As {parent.name}: {parent.title}. Not yet adapted."),
        archetype=parent.archetype,
        scope=parent.scope,
        base_text=_text(base),
        clock=_flow(parent.clock),
    )
    return head + "".join(_section(parent, section) for section in _EXPLAINED)


def _section(parent: HardwareProfile, section: str) -> str:
    """A comment that explains a section and shows how to replace a figure; empty where there is none."""
    replaceable = next(_replaceable(section, getattr(parent, section)), None)
    if replaceable is None:
        return ""
    path, figure = replaceable
    lines = [f"{'  ' * depth}{_key(part)}:" for depth, part in enumerate(path)]
    lines[-1] += f" {_flow(figure)}"
    example = "".join(f"# {line}\n" for line in lines)
    return f"\n# {section}: {_EXPLAINED[section]}. To replace one figure:\n{example}"


def _replaceable(section: str, node: object) -> Iterator[tuple[tuple[str, ...], Quantity]]:
    """Yield the quantities of a section that can be replaced on their own; an entry of a list is replaced whole."""
    for path, figure in quantities(node):
        keys = tuple(part for part in path if isinstance(part, str))
        if len(keys) == len(path):
            yield (section, *keys), figure


def _flow(figure: Quantity) -> str:
    given = figure.model_dump(exclude_none=True)
    written = (
        f"{key}: {_text(item) if isinstance(item, str) else _number(item)}" for key, item in given.items()
    )
    return "{" + ", ".join(written) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _text(text: str) -> str:
    # A JSON string is a YAML string, whatever is in it.
    return json.dumps(text, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_]+", key) else _text(key)


def profile_json_schema() -> dict[str, Any]:
    """JSON schema of a profile for editors; a profile that `extends` another need not be complete."""
    schema = _without_null(HardwareProfile.model_json_schema())
    definitions: dict[str, Any] = schema.pop("$defs")
    complete = {key: value for key, value in schema.items() if key != "title"}
    overriding = _without_required({"Profile": complete, **copy.deepcopy(definitions)})
    partial = overriding.pop("OverridingProfile")
    partial["required"] = ["name", "extends"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bnncost hardware profile",
        "type": "object",
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/OverridingProfile"},
        "else": {"$ref": "#/$defs/Profile"},
        "$defs": {**definitions, "Profile": complete, "OverridingProfile": partial, **overriding},
    }


def _without_null(node: Any) -> Any:
    """A schema in which an optional field is left out instead of being null, which a profile refuses."""
    if isinstance(node, list):
        return [_without_null(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(item) for key, item in node.items() if not (key == "default" and item is None)}
    only = kept.get("anyOf", ())
    if len(only) == 1:
        kept.pop("anyOf")
        return {**only[0], **kept}
    return kept


def _without_required(definitions: dict[str, Any]) -> dict[str, Any]:
    """Definitions of sections of which any part may be given; quantities and list entries stay whole."""
    partial = {}
    for name, definition in definitions.items():
        if name in _WHOLE or "properties" not in definition:
            continue
        text = json.dumps({key: value for key, value in definition.items() if key != "required"})
        for other in definitions:
            if other not in _WHOLE and "properties" in definitions[other]:
                text = text.replace(f'"#/$defs/{other}"', f'"#/$defs/Overriding{other}"')
        partial[f"Overriding{name}"] = json.loads(text)
    return partial
