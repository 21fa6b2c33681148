"""The cache of mappings: what is remembered is what was found, many may write, and damage is never used."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from tpu_like import conv, tpu_like

from costmodel.errors import BnncostError
from costmodel.mapping import ZIGZAG, Architecture, LoopNest, Mapped, best_mapping, cached_mappings
from costmodel.mapping import cache as module
from costmodel.mapping.cache import cache_file, is_own, opened

LAYER = conv("a", 16, 8, 6, 3, 1)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own; what this process knows is forgotten before and after."""
    monkeypatch.setenv("BNNCOST_CACHE", str(tmp_path / "cache"))
    opened.cache_clear()
    path = cache_file()
    assert path is not None
    yield path
    opened.cache_clear()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the layers that were searched."""
    asked: list[str] = []

    def counted(layer, *others):  # type: ignore[no-untyped-def]
        asked.append(layer.name)
        return best_mapping(layer, *others)

    monkeypatch.setattr(module, "best_mapping", counted)
    return asked


def cached_mapping(layer: LoopNest, machine: Architecture, *rest: Any) -> Mapped:
    (found,) = cached_mappings([(layer, machine)], *rest)
    return found


def told(found: Mapped) -> tuple[object, ...]:
    return (found.mapping, found.moved, found.latency, found.merged, found.prefixes, found.exact, found.note)


def test_what_is_remembered_is_what_was_found(searches: list[str]) -> None:
    machine = tpu_like()
    found = cached_mapping(LAYER, machine)
    here = cached_mapping(replace(LAYER, name="the same, called otherwise"), machine)
    opened.cache_clear()
    from_file = cached_mapping(LAYER, tpu_like())
    assert searches == ["a"]
    assert told(found) == told(here) == told(from_file) == told(best_mapping(LAYER, machine))
    assert (found.energy_j, found.cycles) == (from_file.energy_j, from_file.cycles)
    assert here.layer.name == "the same, called otherwise"


def test_mappings_by_zigzags_conventions_are_remembered(searches: list[str]) -> None:
    machine, layer = tpu_like(), conv("a", 64, 3, 112, 7, 2)
    (found,) = cached_mappings([(layer, machine)], conventions=ZIGZAG)
    assert min(found.latency.port_stalls.values()) < 0  # slack
    opened.cache_clear()
    (again,) = cached_mappings([(layer, machine)], conventions=ZIGZAG)
    assert searches == ["a"] and told(again) == told(found)


def test_many_are_answered_in_their_order_and_each_is_searched_once(searches: list[str]) -> None:
    machine, other = tpu_like(), conv("b", 16, 4, 6, 3, 1)
    first = cached_mappings([(LAYER, machine), (other, machine), (LAYER, machine)])
    opened.cache_clear()
    again = cached_mappings([(other, machine), (LAYER, machine)])
    assert searches == ["a", "b"]
    assert [one.layer.name for one in first] == ["a", "b", "a"]
    assert list(map(told, again)) == [told(first[1]), told(first[0])]


def test_what_was_found_before_a_layer_that_fits_nowhere_is_kept(searches: list[str]) -> None:
    machine = tpu_like()
    small = replace(machine, levels=(replace(machine.levels[0], size_bits=1), *machine.levels[1:]))
    with pytest.raises(BnncostError, match="layer 'b' does not fit"):
        cached_mappings([(LAYER, machine), (replace(LAYER, name="b"), small)])
    opened.cache_clear()
    cached_mapping(LAYER, machine)
    assert searches == ["a", "b"]


def test_everything_that_matters_makes_another_entry(searches: list[str]) -> None:
    machine = tpu_like()
    narrow = replace(machine.levels[2], size_bits=machine.levels[2].size_bits // 2)
    dearer = replace(machine.levels[2], read_energy_j=2 * machine.levels[2].read_energy_j)
    levels = [(*machine.levels[:2], level, *machine.levels[3:]) for level in (narrow, dearer)]
    cases = [
        (LAYER, machine),
        (replace(LAYER, weight_bits=1), machine),
        (replace(LAYER, output_bits=0), machine),
        (replace(LAYER, padding=(0, 0), size=None), machine),
        *((LAYER, replace(machine, levels=some)) for some in levels),
        (LAYER, replace(machine, cycle_energy_j=1e-12)),
        (LAYER, machine, "energy", ZIGZAG),
        (LAYER, machine, "energy", ZIGZAG, 3),
    ]
    for case in (*cases, *cases):
        cached_mapping(*case)
    assert len(searches) == len(cases)


def test_switched_off_or_without_a_place_every_process_searches(
    searches: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BNNCOST_CACHE", "off")
    assert cache_file() is None
    cached_mapping(LAYER, tpu_like())
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("not a folder")
    monkeypatch.setenv("BNNCOST_CACHE", str(in_the_way))
    cached_mapping(LAYER, tpu_like())
    assert len(searches) == 2


def test_the_file_may_be_deleted_at_any_time(searches: list[str], file: Path) -> None:
    cached_mapping(LAYER, tpu_like())
    opened.cache_clear()
    for path in file.parent.iterdir():
        path.unlink()
    cached_mapping(LAYER, tpu_like())
    assert len(searches) == 2


def test_a_file_that_is_no_cache_is_named_with_what_to_do(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is not a database, but long enough to be taken for one" * 20)
    with pytest.raises(BnncostError, match=rf"cache of mappings '{file}' is damaged .*delete the file"):
        cached_mapping(LAYER, tpu_like())


@pytest.mark.parametrize(
    "made",
    [
        "DROP TABLE mappings; CREATE VIEW mappings AS WITH RECURSIVE n(asked) AS (SELECT 1 UNION ALL SELECT asked + 1"
        " FROM n) SELECT asked, 'found' AS found, x'00' AS seal FROM n",
        "CREATE TRIGGER other AFTER INSERT ON mappings BEGIN DELETE FROM mappings; END",
        "CREATE TABLE other (found TEXT)",
    ],
    ids=["view", "trigger", "table"],
)
def test_a_file_that_holds_more_than_mappings_is_not_read(file: Path, made: str) -> None:
    cached_mapping(LAYER, tpu_like())
    opened.cache_clear()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(made)
    for _ in range(2):
        with pytest.raises(BnncostError, match=r"is damaged \(it holds something else than mappings\)"):
            cached_mapping(LAYER, tpu_like())


CHANGES = ["found = replace(found, '1', '2')", "seal = x'00'", "found = NULL", "asked = x'01'"]


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_that_changed_is_searched_again(searches: list[str], file: Path, change: str) -> None:
    found = cached_mapping(LAYER, tpu_like())
    changed(file, change)
    assert cached_mapping(LAYER, tpu_like()) == found
    assert len(searches) == 2
    opened.cache_clear()
    assert cached_mapping(LAYER, tpu_like()) == found
    assert len(searches) == 2, "what was found anew has taken its place"


def test_an_entry_of_another_layer_is_searched_again(searches: list[str], file: Path) -> None:
    """Its own seal is whole; what it answers is another question."""
    other = conv("", 2, 2, 1, 1, 1)
    found, another = cached_mapping(LAYER, tpu_like()), cached_mapping(other, tpu_like())
    assert found.energy_j != another.energy_j
    opened.cache_clear()
    with closing(sqlite3.connect(file)) as connection, connection:
        rows = connection.execute("SELECT asked, found, seal FROM mappings").fetchall()
        (one, _, _), (two, _, _) = rows
        for asked, (_, text, seal) in zip((two, one), rows, strict=True):
            connection.execute("UPDATE mappings SET found = ?, seal = ? WHERE asked = ?", (text, seal, asked))
    assert cached_mapping(LAYER, tpu_like()).energy_j == found.energy_j
    assert len(searches) == 3


FORGED = [
    lambda entry: [entry[0], [[*row[:5], -1.0] for row in entry[1]], *entry[2:]],
    lambda entry: [*entry[:2], [float("inf"), 0, 0, 0], *entry[3:]],
    lambda entry: [*entry[:3], {"sram": float("nan")}, entry[4]],
    lambda entry: {"a": 1},
    lambda entry: "[" * 100_000,
]


@pytest.mark.parametrize("forge", FORGED)
def test_an_entry_with_figures_that_no_mapping_has_is_searched_again(
    searches: list[str], file: Path, forge: Callable[[Any], Any]
) -> None:
    """Whoever can write the file can seal an entry as well."""
    found = cached_mapping(LAYER, tpu_like())
    opened.cache_clear()
    with closing(sqlite3.connect(file)) as connection, connection:
        ((asked, text),) = connection.execute("SELECT asked, found FROM mappings").fetchall()
        forged = forge(json.loads(text))
        text = forged if isinstance(forged, str) else json.dumps(forged)
        seal = blake2b(asked + text.encode(), digest_size=16).digest()
        connection.execute("UPDATE mappings SET found = ?, seal = ?", (text, seal))
    assert cached_mapping(LAYER, tpu_like()) == found
    assert len(searches) == 2


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_may_read_or_write_the_file(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        cached_mapping(LAYER, tpu_like())
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (file.parent, *file.parent.iterdir())}
    assert modes.pop(file.parent.name) == 0o700
    assert set(modes.values()) == {0o600}


OURS, OTHERS = os.geteuid(), 12_345


@pytest.mark.parametrize(
    ("kind", "mode", "owner", "own"),
    [
        (stat.S_IFREG, 0o600, OURS, True),
        (stat.S_IFREG, 0o644, OURS, True),
        (stat.S_IFREG, 0o600, OTHERS, False),
        (stat.S_IFREG, 0o660, OURS, False),
        (stat.S_IFREG, 0o602, OURS, False),
        (stat.S_IFLNK, 0o777, OURS, False),
        (stat.S_IFIFO, 0o600, OURS, False),
        (stat.S_IFDIR, 0o755, OURS, True),
        (stat.S_IFDIR, 0o775, OURS, True),
        (stat.S_IFDIR, 0o755, OTHERS, False),
        (stat.S_IFDIR, 0o777, OURS, False),
        (stat.S_IFDIR, 0o1777, 0, True),
    ],
)
def test_what_others_own_or_can_write_is_not_the_users(kind: int, mode: int, owner: int, own: bool) -> None:
    assert is_own(os.stat_result((kind | mode, 1, 1, 1, owner, owner, 1, 1, 1, 1))) is own


@pytest.mark.parametrize(
    "other",
    [lambda file: file, lambda file: file.with_name(f"{file.name}-wal"), lambda file: file.parent],
    ids=["file", "beside", "folder"],
)
def test_a_file_that_others_can_write_is_not_used(
    searches: list[str], file: Path, other: Callable[[Path], Path]
) -> None:
    cached_mapping(LAYER, tpu_like())
    with closing(opened(file)._file) as kept:  # type: ignore[type-var]  # else there is none beside it
        opened.cache_clear()
        other(file).chmod(0o777)
        cached_mapping(LAYER, tpu_like())
        assert len(searches) == 2 and kept is not None


def test_a_locked_file_is_waited_for_a_second_at_most(searches: list[str], file: Path) -> None:
    cached_mapping(LAYER, tpu_like())
    opened.cache_clear()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        cached_mapping(conv("", 2, 2, 1, 1, 1), tpu_like())
        assert time.monotonic() - begin < 5
    assert len(searches) == 2


def changed(file: Path, change: str) -> None:
    """Change all entries behind the back of the cache, and forget what this process knows."""
    opened.cache_clear()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE mappings SET {change}")


WRITER = """
import sys
from tpu_like import conv, tpu_like
from costmodel.mapping import cached_mappings
for number in range(1, 13):
    print(cached_mappings([(conv("", 2 * number, 4, 3, 3, 1), tpu_like())])[0].energy_j)
"""


def test_several_processes_write_at_once() -> None:
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1])])}
    command = [sys.executable, "-c", WRITER]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [process.communicate(timeout=120) for process in running]
    assert [complaint for _, complaint in ends] == [""] * 3
    assert len({energies for energies, _ in ends}) == 1
    expected = [best_mapping(conv("", 2 * n, 4, 3, 3, 1), tpu_like()).energy_j for n in range(1, 13)]
    assert [float(line) for line in ends[0][0].split()] == expected
