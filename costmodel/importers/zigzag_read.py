"""From ZigZag's YAML files to their types, or to every problem of a file at once, one sentence each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.text.messages import typed
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.problem import Problem, place_of
from costmodel.hardware.text.yaml_lines import Document, read_yaml
from costmodel.importers.zigzag_rules import accelerator_problems, mapping_problems
from costmodel.importers.zigzag_schema import AcceleratorFile, MappingEntry

_LARGEST = 1_000_000  # bytes


def read_accelerator(path: str | os.PathLike[str]) -> AcceleratorFile:
    """Read an accelerator file; raises BnncostError with every problem, one a line."""
    document = _document(path, "mapping")
    if _cells(document.data):
        _refuse(document, [(("operational_array", "is_imc"), _CELLS)])
    found, problems = typed(_mapping(document), AcceleratorFile)
    if found is not None:
        problems = list(accelerator_problems(found))
    _refuse(document, problems)
    assert found is not None  # else there are problems
    return found


def read_mapping(path: str | os.PathLike[str], accelerator: AcceleratorFile, entry: str) -> MappingEntry:
    """Read one entry of a mapping file; raises BnncostError with every problem of it, one a line."""
    document = _document(path, "list")
    entries = {
        str(data["name"]): (number, data)
        for number, data in enumerate(document.data or ())
        if isinstance(data, Mapping) and "name" in data
    }
    _refuse(document, [])
    if entry not in entries:
        raise unknown("mapping entry", entry, entries, str(path))
    number, data = entries[entry]
    found, problems = typed(data, MappingEntry)
    if found is not None:
        problems = list(mapping_problems(found, accelerator))
    _refuse(document, [((number, *place), sentence) for place, sentence in problems])
    assert found is not None  # else there are problems
    return found


_CELLS = (
    "is true: an array that computes in its memory cells has converters and bit-serial inputs, which a machine of "
    "lanes with one energy per MAC cannot say; give a file of an array of MAC units"
)


def _cells(data: Any) -> bool:
    array = data.get("operational_array") if isinstance(data, Mapping) else None
    return isinstance(array, Mapping) and array.get("is_imc") is True


def _document(path: str | os.PathLike[str], top: str) -> Document:
    label = os.fspath(path)
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        reason = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        )
        raise BnncostError(f"{label}: {reason}; give the path of one of ZigZag's .yaml files.") from None
    if len(content) > _LARGEST:
        raise BnncostError(
            f"{label}: is larger than {_LARGEST // 1_000_000} MB; is it one of ZigZag's files?"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BnncostError(f"{label}:{line}: is not text in UTF-8; save it in UTF-8.") from None
    document = read_yaml(text, label, last_wins=True, top=top)
    if not document.complete:
        _refuse(document, [])
    return document


def _mapping(document: Document) -> Mapping[str, Any]:
    data: Mapping[str, Any] = document.data
    return data


def _refuse(document: Document, problems: Iterable[tuple[Place, str]]) -> None:
    """Raise what is wrong with the text and with what it says; faults of the text hide what follows from them."""
    found = list(document.problems)
    for place, sentence in problems:
        if not any(place[:length] in document.broken for length in range(len(place) + 1)):
            found.append(Problem(document.file, _line(document, place), place_of(place), sentence))
    if found:
        raise BnncostError("\n".join(str(problem) for problem in sorted(set(found))))


def _line(document: Document, place: Place) -> int:
    return next(
        (
            document.lines[place[:length]]
            for length in range(len(place), 0, -1)
            if place[:length] in document.lines
        ),
        1,
    )
