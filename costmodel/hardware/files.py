"""Where profiles are, how one extends another, and the complete list of what is wrong with one."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.checks.sections import rule_problems
from costmodel.hardware.memories.level import PRICED_BY
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.messages import typed
from costmodel.hardware.text.problem import Finding, Problem
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.reader import in_order, problems_of, read_document, unread
from costmodel.hardware.text.yaml_lines import YamlDocument

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

_SUFFIXES = (".yaml", ".yml")
_NO_PROFILES = frozenset({"sources"})
_SHOWN = 60  # characters
_LONGEST_CHAIN = 10


@dataclass(frozen=True)
class ProfileFile:
    """A profile's file, and the name for it in messages."""

    label: str
    path: Path | Traversable
    shipped: bool

    @property
    def identity(self) -> str:
        """One text for one file, however it was named."""
        return str(self.path.resolve()) if isinstance(self.path, Path) else str(self.path)


@dataclass(frozen=True)
class Examined:
    """The outcome of reading a profile: the profile, or what is wrong with it."""

    profile: HardwareProfile | None
    problems: tuple[Problem, ...]


def shipped_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with the package."""
    names = [item.name for item in _shipped_root().iterdir() if item.name.endswith(".yaml")]
    return tuple(sorted({name.removesuffix(".yaml") for name in names} - _NO_PROFILES))


def examine(name_or_path: str | os.PathLike[str]) -> Examined:
    """Read a shipped profile or a file with what it extends; raises BnncostError for an unknown name only."""
    documents, problems = _chain(_locate(os.fspath(name_or_path)))
    if problems or not all(document.complete for document in documents):
        return Examined(None, in_order([*problems, *problems_of(documents, ())], documents[0].file))
    return _examined(documents)


@lru_cache(maxsize=64)
def _examined(documents: tuple[YamlDocument, ...]) -> Examined:
    """Merge and check documents, the child first; unchanged files give the same ones, so the cache holds."""
    data, origins = _merged(documents)
    profile, findings = typed(data, HardwareProfile)
    findings += [*rule_problems(data), *_name_problems(documents[0])]
    problems = problems_of(documents, findings, origins)
    return Examined(None if problems else profile, problems)


def _name_problems(document: YamlDocument) -> list[Finding]:
    if isinstance(document.data, Mapping) and "name" not in document.data:
        return [(("name",), "is missing: a profile that extends another has a name of its own")]
    return []


def _shipped_root() -> Traversable:
    try:
        return files("hardware_profiles")
    except ModuleNotFoundError as error:
        raise BnncostError("the shipped hardware profiles are missing; install the package again") from error


def _locate(text: str) -> ProfileFile:
    """The shipped profile of that name, else the file at that path."""
    if text in shipped_profiles():
        path = _shipped_root().joinpath(f"{text}.yaml")
        return ProfileFile(_label(path), path, True)
    if text.endswith(_SUFFIXES) or _is_file(text):
        return ProfileFile(text, Path(text), False)
    if os.path.isdir(text):
        raise BnncostError(f"'{text}' is a folder; name a .yaml file in it, or a shipped profile.")
    names = unknown("hardware profile", text[:_SHOWN], shipped_profiles())
    raise BnncostError(f"{names} Or give the path of a .yaml file.")


def _label(path: Traversable) -> str:
    if isinstance(path, Path) and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _parent_of(document: YamlDocument, file: ProfileFile) -> ProfileFile | None:
    """The file that a document extends, None when there is none; raises BnncostError for an unknown one."""
    named = document.data.get("extends") if isinstance(document.data, Mapping) else None
    if not isinstance(named, str) or not named.strip():
        return None
    if named in shipped_profiles() or not (named.endswith(_SUFFIXES) or "/" in named):
        return _locate(named)
    path = Path(os.path.dirname(file.label)) / named
    return ProfileFile(str(path), path, False)


def _chain(file: ProfileFile) -> tuple[tuple[YamlDocument, ...], list[Problem]]:
    """The documents of a profile and of all that it extends, the child first."""
    documents: list[YamlDocument] = []
    seen: list[ProfileFile] = []
    while True:
        document = _document(file)
        documents.append(document)
        seen.append(file)
        line = document.lines.get(("extends",), 1)
        try:
            parent = _parent_of(document, file)
        except BnncostError as error:
            return tuple(documents), [Problem(file.label, line, "extends", str(error))]
        if parent is None:
            return tuple(documents), []
        sentence = _chain_problem(parent, seen)
        if sentence:
            return tuple(documents), [Problem(file.label, line, "extends", sentence)]
        file = parent


def _chain_problem(parent: ProfileFile, seen: list[ProfileFile]) -> str | None:
    names = " -> ".join(file.label for file in [*seen, parent])
    if any(file.identity == parent.identity for file in seen):
        return f"goes in a circle: {names}"
    if len(seen) >= _LONGEST_CHAIN:
        return f"is a chain of more than {_LONGEST_CHAIN} profiles: {names}"
    if isinstance(parent.path, Path) and not _is_file(str(parent.path)):
        return f"'{parent.label}' does not exist; a path is relative to the file that names it"
    return None


def _document(file: ProfileFile) -> YamlDocument:
    """The file as plain data; read once as long as it is unchanged."""
    stamp = (0, 0)
    if isinstance(file.path, Path):
        try:
            status = file.path.stat()
        except (OSError, ValueError):
            return _unreadable(file, "does not exist")
        if not file.path.is_file():
            return _unreadable(file, "is not a file")
        stamp = (status.st_mtime_ns, status.st_size)
    return _read(file, stamp)


@lru_cache(maxsize=64)
def _read(file: ProfileFile, stamp: tuple[int, int]) -> YamlDocument:
    return read_document(file.path, file.label, {"large": "is it a profile?"})


def _unreadable(file: ProfileFile, sentence: str) -> YamlDocument:
    return unread(Problem(file.label, 0, "", sentence))


def _merged(documents: tuple[YamlDocument, ...]) -> tuple[dict[str, Any], dict[Place, tuple[str, int]]]:
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
