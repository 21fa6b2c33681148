"""Methods of a user's own: a Python file or an installed package that declares them, loaded before a command runs.

A file is named on the command line, a package by the entry point group `bnncost.plugins`. Processes that a command
starts load the same ones: the files stand in an environment variable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from costmodel.errors import BnncostError
from costmodel.methods.registry import METHODS, check_names
from costmodel.methods.user_code import OF_USER_CODE, aside, raised_at, told
from costmodel.output import require_utf8

GROUP = "bnncost.plugins"
_VARIABLE = "BNNCOST_PLUGINS"
_BETWEEN = "\n"
"""Between the files in it: what separates paths elsewhere, a colon, may stand in one."""


def load_plugins(files: Iterable[str]) -> None:
    """Load all that a command has: installed packages, the files of the process that started it, and these.

    Raises BnncostError as `load_named_plugins` and `load_plugin` do, and for a method that names another, or a slot,
    which none of them declares.
    """
    load_named_plugins()
    for file in files:
        load_plugin(file)
    check_names()


def load_plugin(file: str | os.PathLike[str]) -> None:
    """Run a file that declares methods, here and in every process that is started from here; once for each file.

    Raises BnncostError for a file that cannot be read or run, and for one that declares no method.
    """
    path = Path(file)
    require_utf8(str(path.absolute()), f"--plugin '{file}'")
    if not os.path.isfile(path) or path.suffix != ".py":
        raise BnncostError(
            f"--plugin '{file}' is not a Python file; give one that declares a method, such as mine.py."
        )
    path = path.resolve()
    if _BETWEEN in str(path):
        raise BnncostError(f"--plugin {str(path)!r}: its path has a line break; rename what has it.")
    _run(path)
    set_named_plugins(_BETWEEN.join(dict.fromkeys([*_files(), str(path)])))


def named_plugins() -> str:
    """The files that processes which are started from here load, as one text."""
    return os.environ.get(_VARIABLE, "")


def set_named_plugins(files: str) -> None:
    """Let these files, in the text of `named_plugins`, be loaded by what is started from here."""
    os.environ[_VARIABLE] = files


def load_named_plugins() -> None:
    """Load the installed packages of the entry point group, and the files that the process which started this one had.

    Raises BnncostError, naming the package or the file.
    """
    for point in entry_points(group=GROUP):
        try:
            with aside():
                point.load()
        except KeyboardInterrupt:
            raise
        except OF_USER_CODE as error:
            raise BnncostError(f"plugin '{point.name}'{_of_package(point, error)}") from error
    for name in _files():
        _run(Path(name))


def _files() -> list[str]:
    return list(filter(None, named_plugins().split(_BETWEEN)))


def _run(path: Path) -> None:
    name = f"bnncost plugin {path}"
    if name in sys.modules:
        return
    spec = spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    before = set(METHODS)
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with aside():
            spec.loader.exec_module(module)
        if set(METHODS) == before:
            raise BnncostError("it declares no method; decorate a function with @repair_method (see README).")
    except KeyboardInterrupt:
        raise
    except OF_USER_CODE as error:
        sys.modules.pop(name, None)
        for added in METHODS.keys() - before:
            del METHODS[added]
        at = raised_at(error, name)
        where = f"line {at[1]}: " if at else ""
        raise BnncostError(f"--plugin '{path}': {where}{_sentence(error)}") from error


def _of_package(point: EntryPoint, error: BaseException) -> str:
    """Say of what package a plugin is, what is wrong with it and where, and how to be rid of it.

    Every command loads it, those that have no use for it too.
    """
    at = raised_at(error, point.module)
    package = f"the package '{point.dist.name}'" if point.dist else "its package"
    where = f"'{at[0]}', line {at[1]}: " if at else ""
    return f" of {package} ({point.value}): {where}{_sentence(error)} Mend it, or uninstall {package}."


def _sentence(error: BaseException) -> str:
    """An error of a user's code in a sentence."""
    return str(error) if isinstance(error, BnncostError) else f"{told(error)}."
