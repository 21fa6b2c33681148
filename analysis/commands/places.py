"""Where each command of `bnncost` is defined: its module is imported when it is called, not when another is.

Importing all that every command needs takes longer than most commands do.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer import core
from typer.main import get_command

from analysis.commands.parsing import Command
from costmodel.errors import BnncostError

REINSTALL = "install bnncost again: pip install --force-reinstall bnncost"


@dataclass(frozen=True)
class Place:
    """The function of a command; for a group of commands the one that documents it, and its `typer` application."""

    module: str
    function: str
    group: str | None = None

    def summary(self) -> str:
        """First paragraph of what the function says of itself, read from its source: nothing is imported.

        Raises BnncostError where there is no such function.
        """
        spec = find_spec(self.module)
        tree = ast.parse(Path(spec.origin).read_text("utf-8") if spec and spec.origin else "")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == self.function:
                return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
        raise BnncostError(f"there is no function '{self.function}' in {self.module}.")

    def load(self, name: str) -> Any:
        """Import the command and call it `name`."""
        module = importlib.import_module(self.module)
        if self.group is not None:
            application = getattr(module, self.group)
        else:
            application = typer.Typer(
                rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False
            )
            application.command(name, cls=Command)(getattr(module, self.function))
        command = get_command(application)
        command.name = name
        return command


PLACES: Mapping[str, Place] = {
    "cost": Place("analysis.commands.cost", "cost_command"),
    "best": Place("analysis.commands.best", "best_command"),
    "compare": Place("analysis.commands.compare", "compare_command"),
    "table": Place("analysis.commands.table", "table_command"),
    "pareto": Place("analysis.commands.pareto", "pareto_command"),
    "search": Place("analysis.commands.search", "search_command"),
    "sensitivity": Place("analysis.commands.sensitivity", "sensitivity_command"),
    "robust": Place("analysis.commands.robust", "robust_command"),
    "explore": Place("analysis.commands.explore", "explore_command"),
    "map": Place("analysis.commands.map", "map_command"),
    "train": Place("analysis.commands.training", "train_command"),
    "next": Place("analysis.commands.training", "next_command"),
    "review": Place("analysis.commands.training", "review_command"),
    "export": Place("analysis.commands.training", "export_command"),
    "methods": Place("analysis.commands.catalogue", "methods_command"),
    "networks": Place("analysis.commands.catalogue", "networks_command"),
    "designs": Place("analysis.commands.catalogue", "designs_command"),
    "cite": Place("analysis.commands.cite", "cite_command"),
    "profiles": Place("analysis.commands.profiles", "profiles", "profiles_app"),
}
"""Every command in the order in which the help lists them."""


class Named(core.TyperCommand):
    """A command of which name and summary alone are known before it is called."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Say in at most `limit` letters what the command is for."""
        self.help = PLACES[str(self.name)].summary()
        return super().get_short_help_str(limit)


class Commands(core.TyperGroup):
    """The commands of `PLACES`, each imported when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Give the command that is called, with its options, and the arguments that are left for it."""
        name, known, rest = super().resolve_command(ctx, args)
        return name, known if name is None else PLACES[name].load(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Call the command; raises BnncostError where Python finds a compiled module of the installation damaged."""
        try:
            return super().invoke(ctx)
        except (EOFError, ValueError, TypeError) as error:
            if not isinstance(error, EOFError) and "marshal data" not in str(error):
                raise
            raise BnncostError(f"a compiled module is damaged ({error}); {REINSTALL}.") from None


def register(application: typer.Typer) -> None:
    """Make all commands known to an application of `Commands`, by name alone."""
    for name in PLACES:
        application.command(name, cls=Named)(_not_imported_yet)


def _not_imported_yet() -> None:
    """Stand where a command is going to be."""
