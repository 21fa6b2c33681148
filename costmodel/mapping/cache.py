"""Mappings that were found before: in memory, and in a file that processes share.

The file is an SQLite database below the user's cache folder, or in the folder that BNNCOST_CACHE names ("off": none).
It may be deleted at any time, and several processes may write to it. An entry is found by a digest of everything
that the search depends on, and carries a check sum.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from dataclasses import astuple, fields, replace
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path

from costmodel.errors import BnncostError
from costmodel.mapping.architecture import Architecture
from costmodel.mapping.best import MOST_FACTORS, MOST_PREFIXES, best_mapping
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.mapped import Latency, Mapped, Moved, Temporal
from costmodel.mapping.nest import LoopNest

VERSION = 1
"""To be raised with every change of the search or of what it finds: entries of other versions are not read."""

_LOCKED_S = 10.0
_EXTENTS = attrgetter(*(field.name for field in fields(LoopNest) if field.name != "name"))
Asked = tuple[tuple[object, ...], str, str, Conventions, int, int]
"""All that a search depends on: the layer but for its name, the machine's digest, goal and limits."""


def cached_mapping(
    layer: LoopNest,
    machine: Architecture,
    goal: str = "energy",
    conventions: Conventions = OURS,
    most_factors: int = MOST_FACTORS,
    most_prefixes: int = MOST_PREFIXES,
) -> Mapped:
    """Find the best mapping, or remember it; the same layer under another name is the same search.

    Raises BnncostError where nothing fits, and where the file is damaged.
    """
    known = opened(cache_file())
    asked = (_EXTENTS(layer), machine.digest, goal, conventions, most_factors, most_prefixes)
    found = known.found.get(asked)
    if found is None:
        extents = list(asked[0])
        told = repr((extents, machine.digest, goal, astuple(conventions), most_factors, most_prefixes))
        key = blake2b(told.encode(), digest_size=16).digest()
        text = known.read(key)
        if text is not None:
            found = _restored(text, layer, machine, goal)
        else:
            found = best_mapping(layer, machine, goal, conventions, most_factors, most_prefixes)
            known.write(key, _stored(found))
        known.found[asked] = found
    if found.machine is machine and found.layer is layer:
        return found
    return replace(found, layer=layer, machine=machine)


def cache_file() -> Path | None:
    """The file to use: None where the user switched it off."""
    folder = os.environ.get("BNNCOST_CACHE")
    if folder == "off":
        return None
    if not folder:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bnncost")
    return Path(folder) / f"mappings-{VERSION}.sqlite"


@lru_cache(maxsize=8)
def opened(path: Path | None) -> Known:
    """What is known in this process, and in the file."""
    return Known(path)


class Known:
    """Entries in memory, and in a file where there is one that can be written; any number of threads may ask."""

    def __init__(self, path: Path | None) -> None:
        """Begin with nothing in memory; the file is opened when it is first asked."""
        self.path = path
        self.found: dict[Asked, Mapped] = {}
        self._file: sqlite3.Connection | None = None
        self._tried = path is None
        self._lock = threading.Lock()

    def read(self, key: bytes) -> str | None:
        """Look an entry up in the file; None where there is none. Raises BnncostError where it is damaged."""
        with self._lock:
            return self._read_file(key)

    def write(self, key: bytes, text: str) -> None:
        """Keep an entry in the file; one that cannot be written is left alone."""
        with self._lock:
            if (file := self._connection()) is not None:
                try:
                    with file:
                        entry = (key, text, zlib.crc32(text.encode()))
                        file.execute("INSERT OR REPLACE INTO mappings VALUES (?, ?, ?)", entry)
                except (
                    sqlite3.OperationalError
                ):  # full, read-only or locked for too long: search again next time
                    self._file = None
                except sqlite3.DatabaseError as error:
                    raise self._damaged(error) from error

    def _read_file(self, key: bytes) -> str | None:
        file = self._connection()
        if file is None:
            return None
        try:
            row = file.execute("SELECT found, checked FROM mappings WHERE asked = ?", (key,)).fetchone()
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        if row is None:
            return None
        if not isinstance(row[0], str) or zlib.crc32(row[0].encode()) != row[1]:
            raise self._damaged("an entry does not match its check sum")
        return row[0]

    def _connection(self) -> sqlite3.Connection | None:
        if not self._tried and self.path is not None:
            self._tried = True
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = sqlite3.connect(self.path, timeout=_LOCKED_S, check_same_thread=False)
                self._file.execute("PRAGMA journal_mode=WAL")
                self._file.execute("PRAGMA synchronous=NORMAL")
                with self._file:
                    self._file.execute(
                        "CREATE TABLE IF NOT EXISTS mappings (asked BLOB PRIMARY KEY, found TEXT, checked INTEGER)"
                        " WITHOUT ROWID"
                    )
            except (
                OSError,
                sqlite3.OperationalError,
            ):  # no place to write: every process searches for itself
                self._file = None
            except sqlite3.DatabaseError as error:
                raise self._damaged(error) from error
        return self._file

    def _damaged(self, what: object) -> BnncostError:
        return BnncostError(
            f"the cache of mappings '{self.path}' is damaged ({what}); delete the file, and it is made anew, or set "
            f"BNNCOST_CACHE=off to do without one."
        )


def _stored(found: Mapped) -> str:
    """Everything about a mapping but the layer and the machine, which the key stands for."""
    mapping, latency = found.mapping, found.latency
    return json.dumps(
        [
            [mapping.unrolling, mapping.order, mapping.cuts],
            [[m.level, m.operand, m.direction, m.bits, m.accesses, m.energy_j] for m in found.moved],
            [latency.steps, latency.stall_cycles, latency.start_cycles, latency.end_cycles],
            dict(latency.port_stalls),
            [found.merged, found.prefixes, found.exact],
        ],
        separators=(",", ":"),
    )


def _restored(text: str, layer: LoopNest, machine: Architecture, goal: str) -> Mapped:
    (unrolling, order, cuts), moved, (steps, stall, start, end), stalls, (merged, prefixes, exact) = (
        json.loads(text)
    )
    temporal = Temporal(
        tuple((axis, tuple((dim, factor) for dim, factor in loops)) for axis, loops in unrolling),
        tuple((dim, factor) for dim, factor in order),
        {operand: tuple(places) for operand, places in cuts.items()},
    )
    rows = tuple(Moved(*row) for row in moved)
    return Mapped(
        layer,
        machine,
        temporal,
        rows,
        Latency(steps, stall, start, end, stalls),
        goal,
        merged,
        prefixes,
        exact,
    )
