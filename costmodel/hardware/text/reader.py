"""The reader of YAML files: from text to data with lines, types and rules, or to every problem of a file at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from costmodel.errors import BnncostError
from costmodel.hardware.text.messages import Model, typed
from costmodel.hardware.text.problem import Finding, Path, Problem, place_of
from costmodel.hardware.text.yaml_lines import YamlDocument, read_yaml
from costmodel.output import Cause, TextFile, UnreadableText, read_text

LARGEST = 1_000_000  # bytes of a file

# The file and line that each place of merged data is from.
Origins = Mapping[Path, tuple[str, int]]


def read_document(
    path: TextFile, label: str, advice: Mapping[Cause, str], *, last_wins: bool = False, top: str = "mapping"
) -> YamlDocument:
    """Read a YAML file, which messages call `label`; a file that gives no text becomes a document with that problem.

    `advice` says what to do about a cause. `last_wins` and `top` are passed to `read_yaml`.
    """
    try:
        text = read_text(path, largest=LARGEST)
    except UnreadableText as error:
        sentence = {
            "missing": "does not exist",
            "unreadable": f"cannot be read: {error.reason}",
            "large": f"is larger than {LARGEST // 1_000_000} MB",
            "not text": "is not text in UTF-8",
        }[error.cause]
        sentence = "; ".join(filter(None, (sentence, advice.get(error.cause))))
        return unread(Problem(label, error.line, "", sentence))
    return read_yaml(text, label, last_wins=last_wins, top=top)


def unread(problem: Problem) -> YamlDocument:
    """Make the document of a file that gives no data, only a problem."""
    return YamlDocument(problem.file, None, {}, (problem,), frozenset(), False)


def section_in(
    document: YamlDocument,
    model: type[Model],
    rules: Callable[[Model], Iterable[Finding]] = lambda _: (),
    at: Path = (),
    written: Callable[[Any], Iterable[Finding]] = lambda _: (),
) -> Model:
    """Give the data at a place of a document the type `model`, and check it by `rules`.

    `written` checks the data as they are written, whatever else is wrong with them. Raises one BnncostError with every
    problem of the document, by file and line.
    """
    made, findings = None, list[Finding]()
    if document.complete:
        data = _within(document.data, at)
        made, findings = typed(data, model)
        findings += written(data)
    if made is not None:
        findings += rules(made)
    problems = problems_of([document], [((*at, *path), sentence) for path, sentence in findings])
    if made is None or problems:
        raise error_of(problems)
    return made


def problems_of(
    documents: Sequence[YamlDocument], findings: Iterable[Finding], origins: Origins | None = None
) -> tuple[Problem, ...]:
    """List all problems of some documents: the faults of their text, and the findings about the data they make up.

    A finding at a place that the text spoils is left out. `origins` gives the file and line of each place where the
    data was merged from several documents. The problems of the first document come first, each file's by line.
    """
    if origins is None:
        origins = {path: (documents[0].file, line) for path, line in documents[0].lines.items()}
    broken = frozenset[Path]().union(*(document.broken for document in documents))
    listed = [problem for document in documents for problem in document.problems]
    for path, sentence in findings:
        if not any(path[:length] in broken for length in range(len(path) + 1)):
            file, line = _origin(path, origins) or (documents[0].file, 0)
            listed.append(Problem(file, line, place_of(path), sentence))
    return in_order(listed, documents[0].file)


def in_order(problems: Iterable[Problem], first: str) -> tuple[Problem, ...]:
    """Sort problems by file and line, those of the file `first` before the others, each once."""
    return tuple(sorted(set(problems), key=lambda problem: (problem.file != first, problem)))


def error_of(problems: Iterable[Problem]) -> BnncostError:
    """Make one error of problems, a line each."""
    return BnncostError("\n".join(map(str, problems)))


def _origin(path: Path, origins: Origins) -> tuple[str, int] | None:
    """File and line of a place, or of what is nearest round it when it is missing."""
    around = (path[:length] for length in range(len(path), -1, -1))
    return next((origins[place] for place in around if place in origins), None)


def _within(data: Any, at: Path) -> Any:
    for part in at:
        data = data[part]
    return data
