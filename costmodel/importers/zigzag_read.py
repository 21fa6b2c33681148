"""From ZigZag's YAML files to their types, or to every problem of a file at once, one sentence each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costmodel.errors import unknown
from costmodel.hardware.text.problem import Findings
from costmodel.hardware.text.reader import error_of, problems_of, read_document, section_in
from costmodel.hardware.text.yaml_lines import YamlDocument
from costmodel.importers.zigzag_rules import accelerator_problems, mapping_problems
from costmodel.importers.zigzag_schema import AcceleratorFile, MappingEntry
from costmodel.output import Cause

_GIVE = "give the path of one of ZigZag's .yaml files."
_ADVICE: dict[Cause, str] = {
    "missing": _GIVE,
    "unreadable": _GIVE,
    "large": "is it one of ZigZag's files?",
    "not text": "save it in UTF-8.",
}


def read_accelerator(path: str | os.PathLike[str]) -> AcceleratorFile:
    """Read an accelerator file; raises BnncostError with every problem, one a line."""
    document = _document(path, "mapping")
    if _cells(document.data):
        raise error_of(problems_of([document], [(("operational_array", "is_imc"), _CELLS)]))
    return section_in(document, AcceleratorFile, accelerator_problems)


def read_mapping(path: str | os.PathLike[str], accelerator: AcceleratorFile, entry: str) -> MappingEntry:
    """Read one entry of a mapping file; raises BnncostError with every problem of it, one a line."""
    document = _document(path, "list")
    if document.problems:
        raise error_of(problems_of([document], ()))
    numbers = {
        str(data["name"]): number
        for number, data in enumerate(document.data or ())
        if isinstance(data, Mapping) and "name" in data
    }
    if entry not in numbers:
        raise unknown("mapping entry", entry, numbers, str(path))

    def rules(entry: MappingEntry) -> Findings:
        return mapping_problems(entry, accelerator)

    return section_in(document, MappingEntry, rules, at=(numbers[entry],))


_CELLS = (
    "is true: an array that computes in its memory cells has converters and bit-serial inputs, which a machine of "
    "lanes with one energy per MAC cannot say; give a file of an array of MAC units"
)


def _cells(data: Any) -> bool:
    array = data.get("operational_array") if isinstance(data, Mapping) else None
    return isinstance(array, Mapping) and array.get("is_imc") is True


def _document(path: str | os.PathLike[str], top: str) -> YamlDocument:
    return read_document(Path(path), os.fspath(path), _ADVICE, last_wins=True, top=top)
