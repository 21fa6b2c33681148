"""Settings in YAML, such as recipes and plans: checked whole, with every mistake told at once, file and line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.text.messages import typed
from costmodel.hardware.text.problem import Problem, place_of
from costmodel.hardware.text.yaml_lines import read_yaml

Model = TypeVar("Model", bound=BaseModel)
Check = Callable[[Model], list[tuple[str, str]]]
"""Finds what does not go together in settings whose fields are right, as field and sentence."""
_SUFFIXES = (".yaml", ".yml")
_LARGEST = 1_000_000  # bytes


def shipped(folder: str) -> tuple[str, ...]:
    """Names of the settings that come with the package in one of its folders, such as "recipes"."""
    names = [item.name for item in resources.files("training").joinpath(folder).iterdir()]
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def read_settings(
    name_or_path: str | os.PathLike[str], folder: str, model: type[Model], check: Check[Model] | None = None
) -> Model:
    """Read shipped settings by name, or a YAML file; raises one BnncostError with all that is wrong."""
    text = os.fspath(name_or_path)
    if text in shipped(folder):
        content = resources.files("training").joinpath(folder, f"{text}.yaml").read_text("utf-8")
        return parse_settings(content, f"{text}.yaml", model, check)
    if not text.endswith(_SUFFIXES):
        what = folder.removesuffix("s")
        raise BnncostError(f"{unknown(what, text, shipped(folder))} Or give the path of a .yaml file.")
    return parse_settings(_content(Path(text)), text, model, check)


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise BnncostError(f"'{path}' is larger than {_LARGEST} bytes; name a file of settings.")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise BnncostError(f"'{path}' cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError:
        raise BnncostError(f"'{path}' is not a text file in UTF-8.") from None


def refused(sentence: str) -> PydanticCustomError:
    """Make the error that puts a sentence beside the place of the value, for validators to raise."""
    return PydanticCustomError("plain", "{sentence}", {"sentence": sentence})


def parse_settings(text: str, file: str, model: type[Model], check: Check[Model] | None = None) -> Model:
    """Read settings from YAML text; raises one BnncostError with all that is wrong, by file and line."""
    document = read_yaml(text, file)
    problems = list(document.problems)
    if not document.complete or not isinstance(document.data, Mapping):
        raise BnncostError("\n".join(map(str, problems)))
    made, wrong = typed(document.data, model)
    if made is not None and check is not None:
        wrong = [((field,) if field in document.data else (), sentence) for field, sentence in check(made)]
    for path, sentence in wrong:
        if not any(path[:length] in document.broken for length in range(len(path) + 1)):
            near = next(
                path[:end] for end in range(len(path), -1, -1) if path[:end] in document.lines or not end
            )
            problems.append(Problem(file, document.lines.get(near, 0), place_of(path), sentence))
    if made is None or problems:
        raise BnncostError("\n".join(map(str, sorted(set(problems)))))
    return made
