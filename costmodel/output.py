"""Files that are written whole or not at all, and text that is read or refused with a sentence."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import secrets
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from costmodel.errors import BnncostError, shortened

Cause = Literal["missing", "unreadable", "large", "not text"]


class TextFile(Protocol):
    """A path, or a file inside a package."""

    def open(self, mode: Any) -> IO[bytes]:
        """Open the file."""


class UnreadableText(BnncostError):
    """A file that gives no text: why, the system's reason, and the line at which the text breaks off (0: the whole)."""

    def __init__(self, sentence: str, cause: Cause, reason: str = "", line: int = 0) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.reason = reason
        self.line = line


class NoRoomError(BnncostError):
    """A file that cannot be written because its disk is full, has a quota or a limit, or is read-only."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What the system says where a disk takes no more."""


def read_text(
    path: TextFile,
    what: str = "",
    *,
    largest: int | None = None,
    advice: str = "",
    marked_utf16: bool = False,
) -> str:
    """Read a file of text in UTF-8, with line ends as "\\n"; raises `UnreadableText` where there is none.

    UTF-16 is read where it is allowed and its mark begins the file, as programs for spreadsheets write it.

    Messages call the file `what` and its path. One of more than `largest` bytes is refused, with `advice`.
    """
    name = f"{what} '{path}'".lstrip()
    content = read_bytes(path, what, largest=largest, advice=advice)
    try:
        wide = marked_utf16 and content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableText(f"{name} is not a text file in UTF-8.", "not text", line=line) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_bytes(path: TextFile, what: str = "", *, largest: int | None = None, advice: str = "") -> bytes:
    """Read a file as `read_text` does, of any content; what never ends, such as a pipe or a device, is refused."""
    name = f"{what} '{path}'".lstrip()
    too_large = UnreadableText(f"{name} is larger than {largest} bytes; {advice}.", "large")
    try:
        if isinstance(path, Path):
            require_plain(path, what)
            if largest is not None and path.stat().st_size > largest:
                raise too_large
        with path.open("rb") as stream:
            content = stream.read()
    except UnreadableText:
        raise
    except ValueError:  # a zero byte, or half of a character
        raise UnreadableText(f"{name} cannot be read: no file is called so.", "missing") from None
    except OSError as error:
        cause: Cause = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise UnreadableText(
            f"{name} cannot be read: {_reason(error)}.", cause, error.strerror or str(error)
        ) from None
    if largest is not None and len(content) > largest:  # the size of a file of the system is said to be none
        raise too_large
    return content


def require_plain(path: str | os.PathLike[str], what: str = "") -> None:
    """Raise `UnreadableText` for pipes, sockets and devices; a folder, and what is not there, is told by opening it."""
    try:
        odd = _is_device(Path(path))
    except (OSError, ValueError):  # whoever opens it says what is wrong
        return
    if odd:
        reason = "it is a pipe, a socket or a device; save what it gives in a file"
        raise UnreadableText(f"{what} '{path}' cannot be read: {reason}.".lstrip(), "unreadable", reason)


def require_utf8(name: str, place: str) -> None:
    """Raise BnncostError for the name of a file that no table or record could hold: bytes of it are no UTF-8."""
    if any("\udc80" <= sign <= "\udcff" for sign in name):
        raise BnncostError(f"{place}: its name has bytes that are no UTF-8; rename the file.")


LARGEST_JSON = 64_000_000
"""Bytes of JSON that are read; the largest that is written is a network's description."""
_MOST_DIGITS = 40


def read_json(path: TextFile, what: str = "", *, advice: str) -> Any:
    """Read a file of JSON: plain values of finite numbers and texts that UTF-8 can write.

    Raises BnncostError where there is none, which calls the file `what` and its path and ends with `advice`.
    """
    text = read_text(path, what, largest=LARGEST_JSON, advice=advice)
    try:
        return parse_json(text)
    except ValueError as error:
        name = f"{what} '{path}'".lstrip()
        raise BnncostError(f"{name} is damaged: {error}; {advice}.") from None


def parse_json(text: str | bytes) -> Any:
    """Read JSON; raises ValueError with half a sentence where it is none, or has what other readers would refuse.

    >>> parse_json('{"top1": 1e999}')
    Traceback (most recent call last):
    ValueError: the number 1e999 is too large
    """
    try:
        values = json.loads(text, parse_float=_finite, parse_constant=_finite, parse_int=_whole)
        if "\\u" in (text if isinstance(text, str) else text.decode()):
            json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg.lower()}, line {error.lineno})") from None
    except UnicodeError:
        raise ValueError("it has half of a character, which no file can hold") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return values


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is {'none' if math.isnan(number) else 'too large'}")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits is too large")
    return int(text)


_PLAIN_WHOLE = re.compile(r"[-+]?[0-9]{1,40}")
_PLAIN_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,4})?")
"""What Python takes for a number besides is refused: `1_0`, digits of other scripts, `nan`."""


def whole_of(text: str) -> int | None:
    """Read a whole number; None for what is none, such as digits of another script and `1_0`.

    >>> whole_of("10"), whole_of("1_0"), whole_of("\u0663"), whole_of("1.0")
    (10, None, None, None)
    """
    written = text.strip()
    return int(written) if _PLAIN_WHOLE.fullmatch(written) else None


def number_of(text: str) -> float | None:
    """Read a finite number; None for what is none, such as `1_0`, `nan`, `0x1` and `1e999`.

    >>> number_of("1.5"), number_of(".5e-3"), number_of("1_0"), number_of("inf"), number_of("1e999")
    (1.5, 0.0005, None, None, None)
    """
    written = text.strip()
    number = float(written) if _PLAIN_NUMBER.fullmatch(written) else math.nan
    return number if math.isfinite(number) else None


def write_whole(path: str | os.PathLike[str], data: str | bytes, *, overwrite: bool = True) -> Path:
    """Write a file by way of a temporary one beside it, so that no reader ever sees half of it.

    Text is written as UTF-8. Folders on the way are made. Raises BnncostError where the file cannot be
    written, or where it is there already and `overwrite` is False.
    """
    content = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    path = _written_path(path)
    if not overwrite and os.path.lexists(path):
        raise BnncostError(
            f"'{path}' is there already and is left as it is; name another file or move that one."
        )
    make_folder(path.parent)
    try:
        if _is_device(path):
            _write_through(path, content)  # such as /dev/stdout, which must not be replaced by a file
        else:
            _replace(Path(os.path.realpath(path)), content)
    except OSError as error:
        kind = NoRoomError if error.errno in NO_ROOM else BnncostError
        raise kind(f"'{path}' cannot be written: {_reason(error)}.") from None
    return path


def check_file(path: str | os.PathLike[str]) -> None:
    """Raise BnncostError where `write_whole` would, as far as that is known before anything is written."""
    file = _written_path(path)
    if file.is_dir():
        raise BnncostError(f"'{file}' cannot be written: it is a folder; name a file in it.")
    if not _is_device(file):
        check_folder(file.parent)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise BnncostError where a folder for outputs cannot be made or written; nothing is left there."""
    folder = _written_path(path)
    there = next(part for part in (folder, *folder.parents) if os.path.lexists(part))
    if not there.is_dir():
        raise _not_made(folder, _in_the_way(there))
    part = there / f".bnncost-{secrets.token_hex(6)}.part"
    try:
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise _not_made(folder, f"{_reason(error)}; name another") from None


def _not_made(folder: Path, why: str) -> BnncostError:
    return BnncostError(f"output folder '{folder}' cannot be made: {why}.")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder for outputs with its parents; raises BnncostError where it cannot be made or written."""
    folder = _written_path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _not_made(folder, _in_the_way(folder)) from None
    except OSError as error:
        raise _not_made(folder, f"{_reason(error)}; name another") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BnncostError(
            f"output folder '{folder}' cannot be written; name another or change its permissions."
        )
    return folder


_MOST_PARTS = 200


def _written_path(path: str | os.PathLike[str]) -> Path:
    """A path at which something can be written; raises BnncostError for a name that no file has, and for too many."""
    made = Path(path)
    try:
        named = b"\0" not in os.fsencode(made)
    except ValueError:
        named = False
    if not named:
        raise BnncostError(f"{str(made)!r} cannot be written: no file is called so.")
    if os.path.islink(os.path.realpath(made)):
        raise BnncostError(f"'{made}' cannot be written: it is a link that leads in a circle; name another.")
    if len(made.parts) > _MOST_PARTS:
        raise BnncostError(f"'{shortened(str(made))}' cannot be written: it has {len(made.parts)} folders.")
    return made


def _in_the_way(folder: Path) -> str:
    """Say which part of a path is there and is no folder: the nearest."""
    parts = [part for part in (folder, *folder.parents) if os.path.lexists(part) and not part.is_dir()]
    named = f"'{parts[0]}'" if parts else "a part of it"
    is_lost = parts and not parts[0].exists()
    return f"{named} is a {'link to nowhere' if is_lost else 'file'}; name another folder"


def _is_device(path: Path) -> bool:
    return path.exists() and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()


def _write_through(path: Path, content: bytes) -> None:
    """Write to a device or a pipe; one that nobody reads from is an OSError, and not waited for."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(error.errno, "nobody reads from it; name a file") from None
        raise
    with open(opened, "wb", buffering=0) as stream:
        os.set_blocking(stream.fileno(), True)
        rest = memoryview(content)
        while rest:
            rest = rest[stream.write(rest) :]


_PART = re.compile(r"\.bnncost-[0-9a-f]{12}\.part")


def _replace(path: Path, content: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder; name a file in it")
    with _writing_in(path.parent):
        part = path.with_name(f".bnncost-{secrets.token_hex(6)}.part")
        try:
            with part.open("xb") as stream:
                stream.write(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _writing_in(folder: Path) -> Iterator[None]:
    """Share a folder with others that write; who is alone in it first takes away what killed ones left behind.

    Where the file system has no locks, such files stay.
    """
    shared = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            flock(shared, LOCK_EX | LOCK_NB)
            for name in filter(_PART.fullmatch, os.listdir(folder)):
                (folder / name).unlink()
        with suppress(OSError):
            flock(shared, LOCK_SH)
        yield
    finally:
        os.close(shared)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextmanager
def without_local_settings(package: str, folder: str) -> Iterator[None]:
    """Stand in a folder of a package while that is imported, since it obeys a file of settings in the working folder.

    Nothing else keeps matplotlib from that; in a folder of its own it finds those that it ships. What it says of homes
    that cannot be written concerns its cache of fonts alone.
    """
    import logging  # not for the help

    logging.getLogger(package).setLevel(logging.ERROR)
    found = find_spec(package)
    assert found is not None and found.origin is not None
    here = os.getcwd()
    entered = os.access(here, os.X_OK)  # else no file of it can be read, and nobody could go back there
    if entered:
        os.chdir(Path(found.origin).with_name(folder))
    try:
        yield
    finally:
        if entered:
            os.chdir(here)
