"""The tables that ship beside the profiles, as plain data."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

from costmodel.errors import BnncostError
from costmodel.hardware.text.reader import error_of
from costmodel.hardware.text.yaml_lines import read_yaml


def shipped_text(name: str) -> str:
    """Text of a table in hardware_profiles/tables; raises BnncostError where the installation lacks it."""
    try:
        return files("hardware_profiles").joinpath("tables").joinpath(name).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise BnncostError(f"the shipped table {name} is missing; install the package again") from error


def shipped_yaml(name: str) -> dict[str, Any]:
    """A table in YAML as plain data; raises BnncostError for one that was damaged."""
    document = read_yaml(shipped_text(name), name)
    if document.problems:
        raise error_of(document.problems)
    data: dict[str, Any] = document.data
    return data


def shipped_csv(name: str) -> list[dict[str, str]]:
    """The rows of a table in CSV, by the names in its first line."""
    return list(csv.DictReader(shipped_text(name).splitlines()))
