"""The chunks of a search that have ended: a line each in a hidden file, which is there until the front is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import blake2b
from io import FileIO
from pathlib import Path

import numpy as np

from analysis.fronts.search.chunks import ChunkFront
from analysis.fronts.search.request import SearchRequest
from analysis.show.axes import Axis
from costmodel import BnncostError
from costmodel.output import make_folder, parse_json

_DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class ChunkLog:
    """The chunks of one search by number; every line carries a digest of itself and of what was `asked`, at first."""

    request: SearchRequest
    asked: str
    done: dict[int, ChunkFront]
    stream: FileIO

    def add(self, front: ChunkFront) -> None:
        """Keep a chunk, in memory and in the file; raises BnncostError where it is of a network that was edited."""
        if self.request.digest != self.asked:
            raise BnncostError(
                "a network file was edited while it was searched, so that chunks would be of two networks; give the "
                "same command again: it searches the file as it is then."
            )
        self.done[front.number] = front
        text = json.dumps(front.to_row(), allow_nan=False).encode()
        try:
            rest = memoryview(_sealed(self.request, text) + b" " + text + b"\n")
            while rest:
                rest = rest[self.stream.write(rest) :]
        except OSError as error:
            raise BnncostError(
                f"'{self.stream.name}' cannot be written: {(error.strerror or str(error)).lower()}; make room, and "
                "give the same command again: it goes on from there."
            ) from None


@contextmanager
def opened_log(request: SearchRequest, out: Path) -> Iterator[ChunkLog]:
    """Own the log of a search in a folder; it is deleted at the end, and stays with what a search has that is stopped.

    A line that broke off, or was changed, counts as none. Raises BnncostError where another process owns it.
    """
    asked = request.digest
    path = make_folder(out) / f".search-{asked}.jsonl"
    with path.open("a+b", buffering=0) as stream:  # nothing is left to write, and to fail, when it is closed
        try:
            flock(stream, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise BnncostError(
                f"another process does this search in '{out}'; wait for it, or name another --out."
            ) from None
        stream.seek(0)
        lines = stream.read().split(b"\n")
        if lines.pop():
            stream.write(b"\n")  # what comes next begins a line of its own
        fronts = [front for front in (_read(request, line) for line in lines) if front is not None]
        log, whole = ChunkLog(request, asked, {front.number: front for front in fronts}, stream), False
        try:
            yield log
            whole = True
        finally:
            if whole or not log.done:
                path.unlink(missing_ok=True)


def _sealed(request: SearchRequest, text: bytes) -> bytes:
    return blake2b(request.digest.encode() + text, digest_size=_DIGEST_BYTES).hexdigest().encode()


def _read(request: SearchRequest, line: bytes) -> ChunkFront | None:
    """Read a line; None where it is not as this search wrote it."""
    seal, _, text = line.partition(b" ")
    if seal != _sealed(request, text):
        return None
    try:
        front = ChunkFront.from_row(parse_json(text))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return front if 0 <= front.number < request.chunks and _is_sound(request, front) else None


def _is_sound(request: SearchRequest, front: ChunkFront) -> bool:
    """Whether every point is a design of the chunk on a profile of the search, with figures that costs can have."""
    space, points, first = request.space, front.points, front.number * request.cells_together
    ends = {
        "profile": (0, len(request.profiles)),
        "cell": (first, min(first + request.cells_together, space.cells)),
        "width": (0, len(space.widths)),
        "free": (0, space.free.count),
    }
    within = all(((points[name] >= low) & (points[name] < high)).all() for name, (low, high) in ends.items())
    figures = [points[axis.column] for axis in Axis]
    sound = not any(((figure < 0) | np.isinf(figure)).any() for figure in figures)
    sound = sound and not np.isinf(points["top1"]).any() and not np.isnan(points["energy_j"]).any()
    return within and sound and all(count >= 0 for count in front.counts.values())
