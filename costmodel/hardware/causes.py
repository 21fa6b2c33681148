"""Whose line causes a fault: where a figure of a parent does not agree with what extends it, the line that changed it.

A parent is sound by itself. So where a finding lies in it, some value laid over it is the cause: the one without which
the finding is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from costmodel.hardware.merge import checked, merged
from costmodel.hardware.overrides import Override
from costmodel.hardware.text.problem import Finding, Path, Problem, place_of
from costmodel.hardware.text.yaml_lines import YamlDocument

Origin = tuple[str, int]
# The findings that are left when what is laid over at a place is taken back.
Without = Callable[[Path], Sequence[Finding]]
_OWN = ("name", "extends")


def blamed(
    problems: Sequence[Problem],
    findings: Sequence[Finding],
    documents: tuple[YamlDocument, ...],
    overrides: tuple[Override, ...],
) -> Iterator[Problem]:
    """Move each problem that a line of the first document, or an override, causes elsewhere to that line or option."""
    by_place = {(place_of(path), sentence): (path, sentence) for path, sentence in findings}
    options = {one.path: (one.label, 0) for one in overrides}
    own = documents[0]
    lines = {path: (own.file, own.lines.get(path, 0)) for path in _laid_over(own.data)}

    def without_option(path: Path) -> tuple[Finding, ...]:
        kept = [one for one in overrides if one.path != path]
        return checked(merged(documents, kept)[0], own)[1]

    def without_line(path: Path) -> tuple[Finding, ...]:
        left = replace(own, data=_without(own.data, path))
        return checked(merged((left, *documents[1:]), overrides)[0], left)[1]

    for problem in problems:
        finding = by_place.get((problem.place, problem.sentence))
        cause = None
        if finding is not None and problem.file not in {label for label, _ in options.values()}:
            cause = _cause_of(finding, options, without_option)
            if cause is None and problem.file != own.file:
                cause = _cause_of(finding, lines, without_line)
        yield problem if cause is None else _moved(problem, cause)


def _moved(problem: Problem, cause: Origin) -> Problem:
    """The problem at its cause, with the place of what the cause does not agree with."""
    file, line = cause
    sentence = f"{problem.sentence} (with what {problem.file}:{problem.line} says)"
    return Problem(file, line, problem.place, sentence)


def _cause_of(finding: Finding, candidates: Mapping[Path, Origin], without: Without) -> Origin | None:
    """Find where the value is from without which a finding is gone, the nearest where there are several."""
    nearest_first = sorted(candidates, key=lambda path: -_shared(path, finding[0]))
    return next((candidates[path] for path in nearest_first if finding not in without(path)), None)


def _laid_over(data: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the places of a document that replace something as a whole: quantities, lists and plain values."""
    if isinstance(data, Mapping) and "value" not in data:
        for key, inner in data.items():
            if path or key not in _OWN:
                yield from _laid_over(inner, (*path, key))
    else:
        yield path


def _without(data: Any, path: Path) -> Any:
    """Copy plain data without what lies at a place."""
    head, rest = path[0], path[1:]
    if rest:
        return {key: _without(inner, rest) if key == head else inner for key, inner in data.items()}
    return {key: inner for key, inner in data.items() if key != head}


def _shared(one: Path, other: Path) -> int:
    """How many parts two paths have in common from the top."""
    pairs = zip(one, other, strict=False)
    return next((depth for depth, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
