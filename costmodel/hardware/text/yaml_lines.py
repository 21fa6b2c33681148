"""YAML text to plain data with the line of every node; every fault of the text itself is reported.

The event stream is walked here instead of being composed: no alias is expanded, no tag is obeyed, and each
duplicate key is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from costmodel.hardware.text.problem import Path, Problem, place_of

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's scanner where PyYAML comes with it: twenty times as fast."""
_DEEPEST = 24
_TOPS = {
    "mapping": (dict, "a mapping of 'name: ...' lines"),
    "list": (list, "a list, each entry after '- ',"),
}
_SHORT = 60
_HALF = re.compile("[\ud800-\udfff]")  # of a character: an escape can write it, a file cannot
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_DIRECTIVE = re.compile("(?:^|[\r\n\x85\u2028\u2029])%")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


@dataclass(frozen=True, eq=False)
class YamlDocument:
    """A YAML file as plain data, the line of each node, and the faults of the text.

    `broken` holds the places whose value could not be taken as written; nothing more is said of them.
    """

    file: str
    data: Any
    lines: dict[Path, int]
    problems: tuple[Problem, ...]
    broken: frozenset[Path]
    complete: bool


def read_yaml(text: str, file: str, *, last_wins: bool = False, top: str = "mapping") -> YamlDocument:
    """Read one YAML document; faults are collected in the result, nothing is raised.

    A key that is given twice is a fault, or with `last_wins` counts as given last, as in files of tools that read
    them so. `top` is what the file must be, mapping or list.

    >>> document = read_yaml("clock: {value: 4e2, unit: MHz}", "a.yaml")
    >>> document.data, document.lines[("clock", "unit")]
    ({'clock': {'value': 400.0, 'unit': 'MHz'}}, 1)
    """
    builder = _Builder(file, last_wins)
    complete = True
    directive = _DIRECTIVE.search(text)
    try:
        if directive:
            builder.report(
                _line_at(text, directive.end()), (), "directives (lines that begin with %) are not allowed"
            )
            raise _Stop
        _feed(builder, yaml.parse(text, Loader=_LOADER))
    except _Stop:
        complete = False
    except (ReaderError, UnicodeEncodeError) as error:
        builder.report(
            _line_at(text, error.start if isinstance(error, UnicodeEncodeError) else error.position),
            (),
            "holds a character that YAML does not allow; is this a text file?",
        )
        complete = False
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(str(part) for part in (error.context, error.problem) if part)
        builder.report(mark.line + 1 if mark else 1, (), f"is not valid YAML: {words}")
        complete = False
    except (YAMLError, ValueError, OverflowError, IndexError) as error:
        # The scanner converts escapes and versions without checking them.
        builder.report(1, (), f"is not valid YAML: {str(error)[:_SHORT] or type(error).__name__}")
        complete = False
    if complete and not isinstance(builder.root, _TOPS[top][0]) and not builder.problems:
        empty = builder.root is None
        builder.report(1, (), "the file is empty" if empty else f"must be {_TOPS[top][1]} at the top")
        complete = False
    return YamlDocument(
        file, builder.root, builder.lines, tuple(builder.problems), frozenset(builder.broken), complete
    )


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


class _Stop(Exception):
    """Nothing sensible can be read from here on; the problem has been reported."""


@dataclass
class _Frame:
    """A collection that is being read, and where the next value in it goes."""

    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None
    awaits_key: bool = True
    discards: bool = False


@dataclass
class _Builder:
    file: str
    last_wins: bool = False
    root: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    frames: list[_Frame] = field(default_factory=list)
    documents: int = 0

    def report(self, line: int, path: Path, sentence: str) -> None:
        self.problems.append(Problem(self.file, line, place_of(path), sentence))

    def fault(self, line: int, path: Path, sentence: str) -> None:
        """Report a fault of one node, of which nothing more shall be said."""
        self.report(line, path, sentence)
        self.broken.add(path)

    def open(self, path: Path, value: dict[str, Any] | list[Any], line: int) -> None:
        if len(self.frames) >= _DEEPEST:
            self.report(line, path, f"is nested more than {_DEEPEST} deep")
            raise _Stop
        self._store(value)
        self.frames.append(_Frame(path, value))

    def close(self) -> None:
        self.frames.pop()
        self._value_done()

    def scalar(self, value: Any) -> None:
        self._store(value)
        self._value_done()

    def _store(self, value: Any) -> None:
        if not self.frames:
            self.root = value
            return
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif not frame.awaits_key and not frame.discards and frame.key is not None:
            frame.value[frame.key] = value

    def _value_done(self) -> None:
        """Turn from key to value or back after a node has ended."""
        if self.frames and isinstance(self.frames[-1].value, dict):
            frame = self.frames[-1]
            frame.awaits_key = not frame.awaits_key
            if frame.awaits_key:
                frame.key, frame.discards = None, False

    def key(self, text: str, line: int) -> None:
        frame = self.frames[-1]
        assert isinstance(frame.value, dict)
        path = (*frame.path, text)
        frame.key = text
        if text in frame.value and self.last_wins:
            self._forget(path)
            del frame.value[text]
        elif text in frame.value:
            self.report(line, path, f"is given twice; the first is on line {self.lines[path]}")
            frame.discards = True
        self.lines.setdefault(path, line)
        # The place is taken at once, so that a broken value still counts as given.
        frame.value.setdefault(text, None)
        frame.awaits_key = False

    def _forget(self, path: Path) -> None:
        """Take back what was read and said of a place."""
        inside = [place for place in self.lines if place[: len(path)] == path]
        for place in inside:
            del self.lines[place]
        self.broken -= set(inside)
        broken_place = place_of(path)
        self.problems = [
            problem
            for problem in self.problems
            if problem.place != broken_place
            and not problem.place.startswith((f"{broken_place}.", f"{broken_place}["))
        ]

    def at(self) -> Path:
        """Path of the node that comes next."""
        if not self.frames:
            return ()
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def expects_key(self) -> bool:
        return bool(self.frames) and isinstance(self.frames[-1].value, dict) and self.frames[-1].awaits_key


def _feed(builder: _Builder, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, DocumentStartEvent):
            builder.documents += 1
            if builder.documents > 1:
                builder.report(_line_of(event), (), "holds a second document ('---'); one is allowed")
                raise _Stop
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            builder.close()
        elif isinstance(event, NodeEvent):
            _take_node(builder, event)


def _line_of(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _take_node(builder: _Builder, event: NodeEvent) -> None:
    line = _line_of(event)
    path = builder.at()
    if isinstance(event, AliasEvent):
        builder.fault(line, path, f"the alias '*{event.anchor}' is not allowed; write the value out")
    else:
        _refuse_marks(builder, event, path, line)
    if isinstance(event, ScalarEvent) and _HALF.search(event.value):
        builder.report(line, path, "holds half of a character, which no file can hold")
        raise _Stop
    if builder.expects_key():
        _take_key(builder, event, line)
    elif isinstance(event, MappingStartEvent):
        builder.lines.setdefault(path, line)
        builder.open(path, {}, line)
    elif isinstance(event, SequenceStartEvent):
        builder.lines.setdefault(path, line)
        builder.open(path, [], line)
    else:
        builder.lines.setdefault(path, line)
        builder.scalar(_value_of(builder, event, path))


def _value_of(builder: _Builder, event: NodeEvent, path: Path) -> Any:
    if not isinstance(event, ScalarEvent) or path in builder.broken:
        return None
    value = plain_value(event.value) if event.implicit[0] else event.value
    if value is None and path:
        builder.fault(builder.lines[path], path, "has no value; give one or delete the line")
    return value


def _take_key(builder: _Builder, event: NodeEvent, line: int) -> None:
    if not isinstance(event, ScalarEvent):
        builder.report(line, builder.at(), "a key must be plain text")
        raise _Stop
    builder.key(event.value, line)


def _refuse_marks(builder: _Builder, event: NodeEvent, path: Path, line: int) -> None:
    tag = getattr(event, "tag", None)
    # A mark on a key spoils the key alone, one on a value the whole value.
    tell = builder.report if builder.expects_key() else builder.fault
    if event.anchor is not None:
        tell(line, path, f"the anchor '&{event.anchor}' is not allowed; write values out")
    if tag is not None:
        tell(line, path, f"the tag '{tag}' is not allowed; write a plain value")


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar by the core schema of YAML 1.2.

    >>> plain_value("12"), plain_value("1e3"), plain_value("no"), plain_value("~")
    (12, 1000.0, 'no', None)
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return float(infinite.group(1) + "inf")
    return float("nan") if text in (".nan", ".NaN", ".NAN") else text
