"""The command line `bnncost`: calls the command that is named, and reports a mistake in a sentence."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.commands.places import REINSTALL, Commands, register
from costmodel.errors import BnncostError
from costmodel.output import NO_ROOM

USER_MISTAKE = 2
OBJECTS_BEFORE_COLLECTION = 100_000
"""Networks are many small objects without circles: a search for circles every 700 takes a sixth of a table's time."""

app = typer.Typer(
    cls=Commands,
    help="What it costs in energy, area and time to repair a binary neural network, and whether it is worth it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def bnncost(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin",
            metavar="FILE.py",
            help="A file that declares methods of your own, in front of the command; may be repeated. Its code is run.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the version if asked, else load what declares methods and leave the rest to the commands."""
    if version:
        print(f"bnncost {_version()}")
        raise typer.Exit
    from costmodel.methods.plugins import load_plugins  # not for the help

    load_plugins(plugin or ())


register(app)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bnncost")
    except PackageNotFoundError:
        return "(not installed)"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 2 for any mistake of the user, which a message explains."""
    if _is_lost():
        _complain("the folder in which this was started is gone; go to another one.")
        return USER_MISTAKE
    try:
        app(args=None if arguments is None else list(arguments), prog_name="bnncost")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except BnncostError as error:
        _complain(str(error))
    except UnicodeDecodeError as error:
        _complain(f"a file is not text in UTF-8 (byte {error.start}); save it in UTF-8.")
    except OSError as error:
        _complain(f"{_named(error)}{error.strerror or error}{_again(error)}.")
    except ImportError as error:
        _complain_plainly(
            f"a part of bnncost, or of what it needs, is missing or damaged ({error}); {REINSTALL}."
        )
    except MemoryError:
        _complain("this needs more memory than there is.")
    return USER_MISTAKE


def _complain(message: str) -> None:
    from analysis.show.document import complain  # takes as long to import as the help takes to print

    complain(message)


def _complain_plainly(message: str) -> None:
    """Complain where what complains well may be the very part that is missing."""
    print(f"Error: {message}", file=sys.stderr)


_OWN = ("analysis", "costmodel", "training", "hardware_profiles")


def _again(error: OSError) -> str:
    """What to do about a file that is a part of the installation."""
    root = Path(__file__).resolve().parents[1]
    own = any(Path(str(error.filename or "")).is_relative_to(root / name) for name in _OWN)
    return f"; it is a part of bnncost itself, so {REINSTALL}" if own else ""


def _named(error: OSError) -> str:
    if error.filename is not None:
        return f"'{error.filename}': "
    return "the output cannot be written: " if error.errno in NO_ROOM else ""


def _is_lost() -> bool:
    """Whether the working folder was deleted: neither names nor Python's own search for modules lead anywhere then."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def main() -> None:
    """Run the command of this process; a closed pipe or Ctrl-C ends it silently."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    if not _has_outputs() or not _has_texts():
        sys.exit(USER_MISTAKE)
    os.environ["MPLBACKEND"] = "agg"  # pictures are files; one that is not there would end the command
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # they have no date; one that is none would, too
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
            _complain(f"the output cannot be written: {error.strerror}.")
        _drop_output()
    gc.freeze()  # all that is left goes with the process, without a search for circles in it
    sys.exit(code)


def _has_outputs() -> bool:
    """Say whether there is a standard output; complains where it is closed, if anybody can hear it."""
    if (
        sys.stdin is None
    ):  # else a file of this command has its number, which what is started takes for its own
        os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (it stays open to the end)
    elif isinstance(sys.stderr, TextIOWrapper):
        heard = BufferedWriter(_Heard(sys.stderr.fileno(), "w", closefd=False))
        sys.stderr = TextIOWrapper(heard, sys.stderr.encoding, sys.stderr.errors, line_buffering=True)
    if sys.stdout is None:
        _complain("the output cannot be written: standard output is closed.")
    return sys.stdout is not None


class _Heard(FileIO):
    """Standard error; what it does not take, since it is full or nobody reads it, is lost and does not end the work."""

    def write(self, text: Any) -> int:
        try:
            return super().write(text) or len(text)
        except OSError:
            return len(text)


def _has_texts() -> bool:
    """Say whether Python kept docstrings, which say what methods and commands do; complains where it did not."""
    if sys.flags.optimize > 1:
        _complain_plainly(
            "Python runs without docstrings, which describe the methods; leave away -OO or PYTHONOPTIMIZE=2."
        )
    return sys.flags.optimize < 2


def _drop_output() -> None:
    """Let what is left to be flushed at the interpreter's end go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
