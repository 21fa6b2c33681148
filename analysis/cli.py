"""The command line `bnncost`: puts the commands together, and reports a mistake in a sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from analysis.commands.catalogue import designs_command, methods_command, networks_command
from analysis.commands.cost import cost_command
from analysis.commands.explore import explore_command
from analysis.commands.map import map_command
from analysis.commands.pareto import pareto_command
from analysis.commands.profiles import profiles_app
from analysis.commands.search import search_command
from analysis.commands.sensitivity import sensitivity_command
from analysis.commands.table import table_command
from analysis.commands.training import export_command, next_command, review_command, train_command
from analysis.show.document import complain
from costmodel import BnncostError

USER_MISTAKE = 2

app = typer.Typer(
    help="What it costs in energy, area and time to repair a binary neural network, and whether it is worth it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def bnncost(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Print the version if asked, else leave the rest to the commands."""
    if version:
        print(f"bnncost {_version()}")
        raise typer.Exit


app.command("cost")(cost_command)
app.command("table")(table_command)
app.command("pareto")(pareto_command)
app.command("search")(search_command)
app.command("sensitivity")(sensitivity_command)
app.command("explore")(explore_command)
app.command("map")(map_command)
app.command("train")(train_command)
app.command("next")(next_command)
app.command("review")(review_command)
app.command("export")(export_command)
app.command("methods")(methods_command)
app.command("networks")(networks_command)
app.command("designs")(designs_command)
app.add_typer(profiles_app, name="profiles")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bnncost")
    except PackageNotFoundError:
        return "(not installed)"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 2 for any mistake of the user, which a message explains."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="bnncost")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except BnncostError as error:
        complain(str(error))
    except UnicodeDecodeError as error:
        complain(f"a file is not text in UTF-8 (byte {error.start}); save it in UTF-8.")
    except OSError as error:
        complain(f"{_named(error)}{error.strerror or error}.")
    return USER_MISTAKE


def _named(error: OSError) -> str:
    return f"'{error.filename}': " if error.filename is not None else ""


def main() -> None:
    """Run the command of this process; a closed pipe or Ctrl-C ends it silently."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an old terminal may lack a letter such as µ
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        code = 1 if isinstance(error, BrokenPipeError) else USER_MISTAKE
        if code == USER_MISTAKE:
            complain(f"the output cannot be written: {error.strerror}.")
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Let what is left to be flushed at the interpreter's end go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
