"""Commands are imported when they are called, and the help says of each what its function says."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
from command_outputs import Captured, said

from analysis.cli import run
from analysis.commands.places import PLACES, Place
from costmodel import BnncostError


def loaded_by(*arguments: str) -> set[str]:
    """Modules that a command leaves loaded."""
    code = (
        "import sys; from analysis.cli import run; code = run(sys.argv[1:]); "
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return set(done.stderr.split())


def test_the_help_waits_for_no_command() -> None:
    loaded = loaded_by("--help")
    assert "analysis.commands.places" in loaded
    assert not loaded & {"numpy", "pandas", "matplotlib", "pint", "pydantic", "torch", "costmodel.graph"}


def test_a_command_waits_for_none_of_another() -> None:
    loaded = loaded_by("designs")
    assert "analysis.commands.catalogue" in loaded
    assert not loaded & {"matplotlib", "torch", "analysis.commands.cost", "analysis.commands.explore"}


@pytest.mark.parametrize("name", PLACES)
def test_the_summary_is_that_of_the_function(name: str) -> None:
    place = PLACES[name]
    said = inspect.getdoc(getattr(import_module(place.module), place.function))
    assert said and place.summary() == " ".join(said.split("\n\n")[0].split())
    command = place.load(name)
    assert command.name == name
    assert " ".join((command.help or "").split("\n\n")[0].split()) == place.summary()


@pytest.mark.parametrize(
    "command",
    [
        ("table", "--network", "{ResNet20}", "--dataset", "{CIFAR10}", "--methods", "{PReLU}", "--features", "{INT8}"),
        ("best", "--network", "{RESNET20}", "--dataset", "{CIFAR10}", "--energy", "1uJ"),
        ("robust", "--network", "{ResNet20}", "--dataset", "{Cifar10}", "--draws", "100"),
    ],
)  # fmt: skip
def test_names_are_read_in_any_case_as_those_of_designs_are(
    capsys: Captured, command: tuple[str, ...]
) -> None:
    typed = [part.strip("{}") for part in command]
    written = [part.strip("{}").lower() if part.startswith("{") else part for part in command]
    assert said(capsys, *typed) == said(capsys, *written)


def test_names_of_profiles_are_those_of_files(capsys: Captured) -> None:
    assert run(["cost", "resnet20", "--profile", "ASIC-45nm"]) == 2
    assert "unknown hardware profile 'ASIC-45nm'" in capsys.readouterr().err


def test_a_function_that_is_not_there_is_said() -> None:
    with pytest.raises(BnncostError, match=r"no function 'price' in analysis\.commands\.cost"):
        Place("analysis.commands.cost", "price").summary()
