"""The torch side of reading, called in this process: what it is given and gives back, without a second to start."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from subprocess import CompletedProcess

from costmodel.importers.model import source
from costmodel.importers.model.onnx_file import inferred_shapes
from training.reading.__main__ import main

PROJECT = str(Path(__file__).parents[2])
"""Below it lies what is nobody's own: the project, and where it is tested what is installed for it."""


def called_here(
    module: str, *arguments: str, given: str = "", files: Sequence[int] = ()
) -> CompletedProcess[str]:
    """Do what the process that reading starts would do; modules of the user's are forgotten behind it."""
    if module != source.READER:
        return CompletedProcess([module], 0, json.dumps(inferred_shapes(*json.loads(given))), "")
    path, modules, errors = list(sys.path), set(sys.modules), io.StringIO()
    sys.path.insert(0, "")
    try:
        with redirect_stderr(errors):
            code = _outcome(arguments)
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = str(getattr(sys.modules[name], "__file__", None))
            if file.startswith(os.getcwd()) and not file.startswith(PROJECT):
                del sys.modules[name]
    return CompletedProcess([module, *arguments], code, "", errors.getvalue())


def _outcome(arguments: Sequence[str]) -> int:
    """The exit code of an interpreter that calls the program, whose errors it prints."""
    try:
        return main(*arguments)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    except (ArithmeticError, ImportError, RuntimeError, SyntaxError, TypeError, ValueError):
        traceback.print_exc()
        return 1
