"""Code of a user's own that is run: what it may raise, and where in it that was."""

from __future__ import annotations

from traceback import walk_tb

OF_USER_CODE = (Exception, SystemExit)
"""What such code may raise: errors of its own kind, and `sys.exit`, which would end the command without a word."""


def raised_at(error: BaseException, module: str) -> tuple[str, int] | None:
    """File and line where an error left a module, or another of its package; None where it was raised elsewhere.

    What the module called, such as a library, is no place that its author can mend.
    """
    package, found = module.partition(".")[0], None
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            found = frame.f_code.co_filename, line
    if found is None and isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    return found


def told(error: BaseException) -> str:
    """An error as Python names it.

    >>> told(ValueError("boom"))
    'ValueError: boom'
    """
    return f"{type(error).__name__}: {error}".removesuffix(": ")
