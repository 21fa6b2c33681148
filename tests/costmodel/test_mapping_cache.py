"""The cache of mappings: what is remembered is what was found, many may write, and damage is told, not used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tpu_like import conv, tpu_like

from costmodel.errors import BnncostError
from costmodel.mapping import ZIGZAG, Architecture, LoopNest, Mapped, best_mapping, cached_mappings
from costmodel.mapping import cache as module
from costmodel.mapping.cache import cache_file, opened

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
    "change", ["found = replace(found, '1', '2')", "checked = checked + 1", "found = NULL"]
)
def test_an_entry_that_changed_is_told_and_never_used(file: Path, change: str) -> None:
    cached_mapping(LAYER, tpu_like())
    opened.cache_clear()
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE mappings SET {change}")
    connection.close()
    with pytest.raises(BnncostError, match=r"check sum.*delete the file"):
        cached_mapping(LAYER, tpu_like())


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
