"""One reader after another fed with bent files, until the time is up; what fails is made as small as possible."""

from __future__ import annotations

import random
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from costmodel.errors import BnncostError
from tools.fuzz.mutate import Bend

SLOWEST_S = 5.0
"""Processor time that one input may take."""
_HANGS_S = 60


@dataclass(frozen=True)
class Reader:
    """One reader of files: sound files to begin with, how they are bent, and what is done with a bent one."""

    name: str
    suffix: str
    sound: Callable[[], Sequence[bytes]]
    bend: Bend
    read: Callable[[Path], None]
    """Reads a file and checks what is accepted; raises BnncostError, or AssertionError where a number is wrong."""


@dataclass(frozen=True)
class Failure:
    """An input that brought about something else than an answer or a refusal, made small."""

    reader: str
    kind: str
    content: bytes
    told: str


@dataclass
class Tally:
    """How many inputs a reader got, how many it accepted, and the kinds of failures."""

    inputs: int = 0
    accepted: int = 0
    slowest_s: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)


class TooSlow(BaseException):
    """An input took too long; no handler of exceptions may swallow it."""


def outcome(reader: Reader, path: Path) -> tuple[str, str]:
    """Read one file: ("" and "accepted" or "refused"), or the kind of a failure and what was told."""
    try:
        with warnings.catch_warnings(), _limited():
            warnings.simplefilter("error")
            reader.read(path)
    except BnncostError as error:
        return ("", "refused") if str(error).strip() else ("says nothing", "")
    except TooSlow:
        return "too slow", f"more than {SLOWEST_S} s"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = next(
            (
                f"{Path(f.filename).name}:{f.name}"
                for f in reversed(traceback.extract_tb(error.__traceback__))
                if "site-packages" not in f.filename
            ),
            last.name,
        )
        return f"{type(error).__name__} in {where}", "".join(traceback.format_exception(error))[-3000:]
    return "", "accepted"


@contextmanager
def _limited() -> Iterator[None]:
    """Stop after so much time of the processor, or where nothing goes on for a minute."""

    def stop(*_: object) -> None:
        raise TooSlow

    before = [signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, SLOWEST_S)
    signal.alarm(_HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)


def fuzz(
    readers: Sequence[Reader], seconds: float, seed: int, most: int | None = None
) -> tuple[dict[str, Tally], list[Failure]]:
    """Feed each reader for its share of the time, or `most` inputs each; the first of each kind of failure is given."""
    tallies: dict[str, Tally] = {}
    failures: list[Failure] = []
    end = time.monotonic() + seconds
    for number, reader in enumerate(readers):
        share = (end - time.monotonic()) / (len(readers) - number)
        tally = tallies[reader.name] = Tally()
        failures += _fed(reader, tally, time.monotonic() + share, seed, most)
    return tallies, failures


def _fed(reader: Reader, tally: Tally, end: float, seed: int, most: int | None) -> Iterator[Failure]:
    sound = reader.sound()
    with tempfile.TemporaryDirectory(prefix="bnncost-fuzz-") as folder:
        for content in sound:
            kind, told = outcome(reader, _written(Path(folder), reader, content, tally.inputs))
            assert (kind, told) == ("", "accepted"), (
                f"{reader.name} does not take what it begins with: {told}"
            )
            tally.inputs += 1
        while time.monotonic() < end and (most is None or tally.inputs < most + len(sound)):
            rng = random.Random(f"{seed} {reader.name} {tally.inputs}")
            content = reader.bend(rng, rng.choice(sound))
            started = time.process_time()
            path = _written(Path(folder), reader, content, tally.inputs)
            kind, told = outcome(reader, path)
            tally.slowest_s = max(tally.slowest_s, time.process_time() - started)
            tally.inputs += 1
            tally.accepted += told == "accepted"
            if kind:
                tally.kinds[kind] += 1
                if tally.kinds[kind] == 1:
                    yield Failure(reader.name, kind, smallest(reader, content, kind, Path(folder)), told)


def _written(folder: Path, reader: Reader, content: bytes, number: int) -> Path:
    """Write a file under a name that no file had before, since readers remember files by name and time."""
    for old in folder.glob("case*"):
        old.unlink()
    path = folder / f"case{number}{reader.suffix}"
    path.write_bytes(content)
    return path


def smallest(reader: Reader, content: bytes, kind: str, folder: Path, tries: int = 300) -> bytes:
    """Leave out stretches of an input for as long as it fails in the same way."""
    size, number = max(1, len(content) // 2), 10**9
    end = time.monotonic() + 20
    while size >= 1 and tries > 0:
        start, shrunk = 0, False
        while start < len(content) and tries > 0 and time.monotonic() < end:
            shorter = content[:start] + content[start + size :]
            tries, number = tries - 1, number + 1
            if outcome(reader, _written(folder, reader, shorter, number))[0] == kind:
                content, shrunk = shorter, True
            else:
                start += size
        size = size if shrunk and size > 1 else size // 2
    return content
