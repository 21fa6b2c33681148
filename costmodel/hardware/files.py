"""Where profiles are, how one extends another, and the complete list of what is wrong with one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.causes import blamed
from costmodel.hardware.merge import checked, merged
from costmodel.hardware.overrides import OPTION, read_override
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.problem import Problem
from costmodel.hardware.text.reader import in_order, problems_of, read_document, unread
from costmodel.hardware.text.yaml_lines import YamlDocument, read_yaml

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
    """The outcome of reading a profile: the profile, or what is wrong with it, and where each place is from."""

    profile: HardwareProfile | None
    problems: tuple[Problem, ...]
    documents: tuple[YamlDocument, ...]
    origins: Mapping[Place, tuple[str, int]] = field(default_factory=dict)


def shipped_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with the package."""
    names = [item.name for item in _shipped_root().iterdir() if item.name.endswith(".yaml")]
    return tuple(sorted({name.removesuffix(".yaml") for name in names} - _NO_PROFILES))


def examine(name_or_path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Examined:
    """Read a shipped profile or a file with what it extends, and lay `overrides` (`place=value`) over it.

    Raises BnncostError for an unknown name, and for overrides of another form.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise BnncostError(f"a profile is a name, a path or a HardwareProfile, not {name_or_path!r}.")
    documents, problems = _chain(_locate(os.fspath(name_or_path)))
    laid = tuple(map(read_override, overrides))
    if problems or not all(document.complete for document in documents):
        told = in_order([*problems, *problems_of(documents, ())], documents[0].file)
        return Examined(None, told, documents)
    return _examined(documents, tuple(one.text for one in laid))


def examine_text(text: str, label: str) -> Examined:
    """Read the text of a profile that extends none, before it is written to a file."""
    document = read_yaml(text, label)
    if not document.complete:
        return Examined(None, problems_of([document], ()), (document,))
    return _examined((document,), ())


@lru_cache(maxsize=64)
def _examined(documents: tuple[YamlDocument, ...], overrides: tuple[str, ...]) -> Examined:
    """Merge and check documents, the child first; unchanged files give the same ones, so the cache holds."""
    laid = tuple(map(read_override, overrides))
    data, origins, misplaced = merged(documents, laid)
    profile, findings = checked(data, documents[0])
    problems = [*misplaced, *problems_of(documents, findings, origins)]
    if profile is not None and not problems:
        return Examined(_renamed(profile, overrides), (), documents, origins)
    told = in_order(blamed(problems, findings, documents, laid), documents[0].file)
    return Examined(None, told, documents, origins)


def _renamed(profile: HardwareProfile, overrides: tuple[str, ...]) -> HardwareProfile:
    """Say in the name of a profile what was replaced in it, so that no result passes for the profile's own."""
    if not overrides:
        return profile
    name = f"{profile.name} with {', '.join(f'{OPTION} {text}' for text in overrides)}"
    return profile.model_copy(update={"name": name})


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
        there = os.path.exists(parent.path)
        what = "is no plain file, but a folder, a pipe or a device" if there else "does not exist"
        return f"'{parent.label}' {what}; a path is relative to the file that names it"
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
