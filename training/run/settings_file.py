"""Settings in YAML, such as recipes and plans: checked whole, with every mistake at once by file and line."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from costmodel.errors import BnncostError, unknown
from costmodel.hardware.text.messages import Model
from costmodel.hardware.text.problem import Finding
from costmodel.hardware.text.reader import LARGEST, section_in
from costmodel.hardware.text.yaml_lines import read_yaml
from costmodel.output import read_text

Check = Callable[[Model], list[tuple[str, str]]]
"""Finds what does not go together in settings whose fields are right, as field and sentence."""
_SUFFIXES = (".yaml", ".yml")


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
    content = read_text(Path(text), largest=LARGEST, advice="name a file of settings")
    return parse_settings(content, text, model, check)


def parse_settings(text: str, file: str, model: type[Model], check: Check[Model] | None = None) -> Model:
    """Read settings from YAML text; raises one BnncostError with all that is wrong, by file and line."""
    document = read_yaml(text, file)

    def rules(made: Model) -> list[Finding]:
        return (
            [((field,) if field in document.data else (), what) for field, what in check(made)]
            if check
            else []
        )

    return section_in(document, model, rules)
