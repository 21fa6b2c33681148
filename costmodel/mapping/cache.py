"""Mappings that were found before: in memory, and in a file that processes share.

The file is an SQLite database below the user's cache folder, or in the folder that BNNCOST_CACHE names ("off": none).
It may be deleted at any time, and several processes may write to it. An entry is found by a digest of everything
that the search depends on, and carries one of itself; what does not fit is searched again.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import stat
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from costmodel.errors import BnncostError
from costmodel.mapping.architecture import Architecture
from costmodel.mapping.best import MOST_FACTORS, MOST_PREFIXES, best_mapping
from costmodel.mapping.conventions import OURS, Conventions
from costmodel.mapping.mapped import Latency, Mapped, OperandTraffic, Temporal
from costmodel.mapping.nest import BUT_FOR_THE_NAME, OPERANDS, LoopNest, Operand
from costmodel.output import parse_json

VERSION = 5
"""To be raised with every change of the search or of what it finds: entries of other versions are not read."""

_LOCKED_S = 1.0
_DAMAGED = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite raises for a file that is no database; its own sentences may quote bytes that are no text."""
_DIGEST_BYTES = 16
_OWNER_ONLY = 0o600, 0o700
"""Permissions of the file and of its folder: nobody else has a say in what things cost."""
_TABLE = "mappings (asked BLOB PRIMARY KEY, found TEXT, seal BLOB) WITHOUT ROWID"
_TOGETHER = 256
"""Entries that are read, or written, in one go."""
_NAMED: dict[str, Operand] = {operand: operand for operand in OPERANDS}
"""Operands by their text in the file."""
Asked = tuple[tuple[object, ...], str, str, Conventions, int, int]
"""All that a search depends on: the layer but for its name, the machine's digest, goal and limits."""


def cached_mappings(
    pairs: Sequence[tuple[LoopNest, Architecture]],
    goal: str = "energy",
    conventions: Conventions = OURS,
    most_factors: int = MOST_FACTORS,
    most_prefixes: int = MOST_PREFIXES,
) -> list[Mapped]:
    """Find the best mapping of each layer on its machine, or remember it; the file is visited for many at a time.

    The same layer under another name is the same search. Raises BnncostError where nothing fits, and where the file is
    no database; what was found before is kept.
    """
    known = opened(cache_file())
    rest = (goal, conventions, most_factors, most_prefixes)
    asked: list[Asked] = [(BUT_FOR_THE_NAME(layer), machine.digest, *rest) for layer, machine in pairs]
    missing = {ask: pair for ask, pair in zip(asked, pairs, strict=True) if ask not in known.mappings}
    if missing:
        _learn(known, missing)
    return [
        mapped
        if mapped.machine is pair[1] and mapped.layer is pair[0]
        else replace(mapped, layer=pair[0], machine=pair[1])
        for pair, mapped in zip(pairs, map(known.mappings.__getitem__, asked), strict=True)
    ]


def _learn(known: Known, missing: Mapping[Asked, tuple[LoopNest, Architecture]]) -> None:
    """Read what the file knows, search the rest, and write it down now and then and at the end."""
    keys = {ask: _key(ask) for ask in missing}
    texts = known.read(list(keys.values()))
    fresh: dict[bytes, str] = {}
    try:
        for ask, (layer, machine) in missing.items():
            key, goal = keys[ask], ask[2]
            remembered = _restored(texts[key], layer, machine, goal) if key in texts else None
            if remembered is not None:
                known.mappings[ask] = remembered
                continue
            mapped = known.mappings[ask] = best_mapping(layer, machine, *ask[2:])
            fresh[key] = _stored(mapped)
            if len(fresh) == _TOGETHER:
                known.write(fresh)
                fresh = {}
    finally:
        if fresh:
            known.write(fresh)


def _key(ask: Asked) -> bytes:
    extents, machine, goal, conventions, most_factors, most_prefixes = ask
    rest = _noted(goal, conventions, most_factors, most_prefixes)
    return blake2b(f"({list(extents)!r}, {machine!r}, {rest}".encode(), digest_size=_DIGEST_BYTES).digest()


def _sealed(key: bytes, text: str) -> bytes:
    """Digest of an entry and of what it answers."""
    return blake2b(key + text.encode(), digest_size=_DIGEST_BYTES).digest()


@lru_cache
def _noted(goal: str, conventions: Conventions, most_factors: int, most_prefixes: int) -> str:
    return repr((goal, astuple(conventions), most_factors, most_prefixes))[1:]


def cache_file() -> Path | None:
    """The file to use: None where the user switched it off."""
    folder = os.environ.get("BNNCOST_CACHE")
    if folder == "off":
        return None
    if not folder:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bnncost")
    return _file_in(folder)


@lru_cache
def _file_in(folder: str) -> Path:
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
        self.mappings: dict[Asked, Mapped] = {}
        self._file: sqlite3.Connection | None = None
        self._tried = path is None
        self._lock = threading.Lock()

    def read(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Look entries up in the file, those that it has whole. Raises BnncostError where it is no database."""
        texts: dict[bytes, str] = {}
        with self._lock:
            for start in range(0, len(keys), _TOGETHER):
                texts |= self._read_some(keys[start : start + _TOGETHER])
        return texts

    def _read_some(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        file = self._connection()
        if file is None:
            return {}
        marks = ",".join("?" * len(keys))
        try:
            rows = file.execute(
                f"SELECT asked, found, seal FROM mappings WHERE asked IN ({marks})", keys
            ).fetchall()
        except sqlite3.OperationalError:
            return {}
        except _DAMAGED as error:
            raise self._damaged(error) from error
        return {key: text for key, text, seal in rows if isinstance(text, str) and seal == _sealed(key, text)}

    def write(self, entries: Mapping[bytes, str]) -> None:
        """Keep entries in the file, all or none; what cannot be written is left alone."""
        with self._lock:
            if (file := self._connection()) is not None:
                rows = [(key, text, _sealed(key, text)) for key, text in entries.items()]
                try:
                    with file:
                        file.executemany("INSERT OR REPLACE INTO mappings VALUES (?, ?, ?)", rows)
                except (
                    sqlite3.OperationalError
                ):  # full, read-only or locked for too long: search again next time
                    self._file = None
                except _DAMAGED as error:
                    raise self._damaged(error) from error

    def _connection(self) -> sqlite3.Connection | None:
        if not self._tried and self.path is not None:
            try:
                self._file = _connected(self.path)
            except (OSError, sqlite3.OperationalError):
                self._file = None  # no place to write, or one of others: every process searches for itself
            except _DAMAGED as error:
                raise self._damaged(error) from error
            self._tried = True
        return self._file

    def _damaged(self, what: object) -> BnncostError:
        return BnncostError(
            f"the cache of mappings '{self.path}' is damaged ({what}); delete the file, and it is made anew, or set "
            f"BNNCOST_CACHE=off to do without one."
        )


def _connected(path: Path) -> sqlite3.Connection:
    """Open the file, which is made where it is not there; raises DatabaseError where it holds anything but mappings.

    A view or a trigger would run what its maker wrote.
    """
    _make_private(path)
    file = sqlite3.connect(path, timeout=_LOCKED_S, check_same_thread=False)
    try:
        for setting in ("trusted_schema=OFF", "journal_mode=WAL", "synchronous=NORMAL"):
            file.execute(f"PRAGMA {setting}")
        with file:
            file.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE}")
        there = file.execute("SELECT type, sql FROM sqlite_master LIMIT 2").fetchall()
        if there != [("table", f"CREATE TABLE {_TABLE}")]:
            raise sqlite3.DatabaseError("it holds something else than mappings")
    except _DAMAGED:
        file.close()
        raise
    return file


def _make_private(path: Path) -> None:
    """Make a file and its folder for the owner alone, whatever the umask says; what is there keeps its permissions.

    Raises PermissionError where others can have written it, since whoever writes an entry can seal it as well.
    """
    file_mode, folder_mode = _OWNER_ONLY
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.is_dir():
        path.parent.mkdir(mode=folder_mode)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, file_mode))
    there = [path.parent.stat()]
    for beside in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            there.append(os.lstat(f"{path}{beside}"))
    if not all(map(is_own, there)):
        raise PermissionError(f"'{path}' is open to others")


def is_own(there: os.stat_result) -> bool:
    """Whether a file or folder is the user's, or root's, and nobody else can write it, or replace what is in it.

    A folder may be open to a group: often that is the user's alone, and what another puts there is not the user's.
    """
    mode = there.st_mode
    if there.st_uid not in (os.geteuid(), 0):
        return False
    if stat.S_ISDIR(mode):
        return not mode & stat.S_IWOTH or bool(mode & stat.S_ISVTX)
    return stat.S_ISREG(mode) and not mode & (stat.S_IWGRP | stat.S_IWOTH)


def _stored(mapped: Mapped) -> str:
    """Everything about a mapping but the layer and the machine, which the key stands for."""
    mapping, latency = mapped.mapping, mapped.latency
    return json.dumps(
        [
            [mapping.unrolling, mapping.order, mapping.cuts],
            [[m.level, m.operand, m.direction, m.bits, m.accesses, m.energy_j] for m in mapped.moved],
            [latency.steps, latency.stall_cycles, latency.start_cycles, latency.end_cycles],
            dict(latency.port_stalls),
            [mapped.merged, mapped.prefixes, mapped.exact],
        ],
        separators=(",", ":"),
    )


def _restored(text: str, layer: LoopNest, machine: Architecture, goal: str) -> Mapped | None:
    """Read an entry; None where it has another form than entries have, or figures that no mapping has."""
    try:
        return _read(parse_json(text), layer, machine, goal)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _read(entry: Any, layer: LoopNest, machine: Architecture, goal: str) -> Mapped:
    (unrolling, order, cuts), moved, (steps, stall, start, end), stalls, (merged, prefixes, exact) = entry
    temporal = Temporal(
        tuple((axis, tuple((dim, factor) for dim, factor in loops)) for axis, loops in unrolling),
        tuple([(dim, factor) for dim, factor in order]),
        {_NAMED[operand]: tuple(places) for operand, places in cuts.items()},
    )
    rows = [
        OperandTraffic(level, _NAMED[operand], direction, _sound(bits), _sound(accesses), _sound(energy_j))
        for level, operand, direction, bits, accesses, energy_j in moved
    ]
    # By ZigZag's conventions a port that does not hold up the array has slack: less than none.
    waits = {port: _finite(cycles) for port, cycles in stalls.items()}
    latency = Latency(_sound(steps), _sound(stall), _sound(start), _sound(end), waits)
    return Mapped(layer, machine, temporal, tuple(rows), latency, goal, merged, prefixes, exact)


def _finite(figure: float) -> float:
    """Give back a figure that is finite; raises ValueError else."""
    if not math.isfinite(figure):
        raise ValueError(figure)
    return figure


def _sound(figure: float) -> float:
    """Give back a figure that is finite and not negative; raises ValueError else."""
    if _finite(figure) < 0:
        raise ValueError(figure)
    return figure
