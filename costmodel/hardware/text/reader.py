"""The one reader of YAML files: text, data with lines, types, rules; in the end a section, or every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from costmodel.errors import BnncostError
from costmodel.hardware.text.messages import Model, typed
from costmodel.hardware.text.problem import Path, Problem, place_of
from costmodel.hardware.text.yaml_lines import Document, read_yaml
from costmodel.output import Cause, TextFile, UnreadableText, read_text

LARGEST = 1_000_000  # bytes of a file

# What is wrong with the data at a place, which has no file and line yet.
Told = tuple[Path, str]
Origins = Mapping[Path, tuple[str, int]]


def read_document(
    path: TextFile, label: str, advice: Mapping[Cause, str], *, last_wins: bool = False, top: str = "mapping"
) -> Document:
    """Read a YAML file, which messages call `label`; one that cannot be read is a document with that one problem.

    `advice` says what to do about each cause. `last_wins` and `top` are those of `read_yaml`.
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


def unread(problem: Problem) -> Document:
    """Make the document of a file of which nothing can be said but one problem."""
    return Document(problem.file, None, {}, (problem,), frozenset(), False)


def section_in(
    document: Document,
    model: type[Model],
    rules: Callable[[Model], Iterable[Told]] = lambda _: (),
    at: Path = (),
) -> Model:
    """Give what lies at a place of a document its type, and check it by rules.

    Raises one BnncostError with all that is wrong, by file and line.
    """
    made, told = None, list[Told]()
    data = _within(document.data, at) if document.complete else None
    if isinstance(data, Mapping):
        made, told = typed(data, model)
    if made is not None:
        told = list(rules(made))
    problems = problems_of([document], [((*at, *path), sentence) for path, sentence in told])
    if made is None or problems:
        raise error_of(problems)
    return made


def problems_of(
    documents: Sequence[Document], told: Iterable[Told], origins: Origins | None = None
) -> tuple[Problem, ...]:
    """List all that is wrong with documents: the faults of their text, and what is told of the data that they make up.

    Of data that the text spoils nothing more is said. `origins` are file and line of each place, where the data is
    of several documents. The first document comes first, each by line.
    """
    if origins is None:
        origins = {path: (documents[0].file, line) for path, line in documents[0].lines.items()}
    broken = frozenset[Path]().union(*(document.broken for document in documents))
    found = [problem for document in documents for problem in document.problems]
    for path, sentence in told:
        if not any(path[:length] in broken for length in range(len(path) + 1)):
            file, line = _origin(path, origins) or (documents[0].file, 0)
            found.append(Problem(file, line, place_of(path), sentence))
    return in_order(found, documents[0].file)


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
