"""`bnncost explore`: the page, and beside it the tables and figures that were asked for, made anew where stale."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from analysis.fronts.added import Added
from analysis.report.manifest import code_digest, package_version
from analysis.report.page.data import (
    Space,
    costs_digest,
    operations_of,
    page_record,
    priced_on,
    space_record,
    spaces,
)
from analysis.report.page.html import INDEX, read_page, write_page
from analysis.report.page.own import own_spaces, read_own
from analysis.report.page.screen import front_rows
from analysis.show.progress import counting
from analysis.show.safe import visible
from costmodel import BnncostError, load_profile, shipped_profiles
from costmodel.demand.arrays import OperationKey
from costmodel.errors import unknown
from costmodel.evaluate.engine import pool_of
from costmodel.hardware import HardwareProfile
from costmodel.output import make_folder


@dataclass(frozen=True)
class Explored:
    """The page that was written, its networks, and the operations of their designs."""

    page: Path
    spaces: tuple[Space, ...]
    operations: tuple[OperationKey, ...]


GENERIC = "asic-45nm"
"""The profile that a reader meets first."""


def explore(
    out: Path,
    profiles: Sequence[str] | None,
    console: Console,
    *,
    networks: Sequence[str] = (),
    accuracy: Sequence[str] = (),
    add: Sequence[str] = (),
    tables: bool = False,
    figures: bool = False,
    ranges: bool = False,
) -> Explored:
    """Write the page of all networks, or those given, on the profiles given, or all shipped ones.

    `accuracy` names files of one's own, whose points stand beside the published and the shipped ones; `add` has designs
    and networks from elsewhere with their accuracy, as `added_figure` reads them.
    `tables` and `figures` ask for files of them beside it; with `ranges` these show what the ends of the profiles'
    ranges give. What is still current stays. Raises BnncostError for unknown names and folders that cannot be written.
    """
    chips, wanted = read_profiles(profiles), read_spaces(networks, read_own(accuracy, add))
    make_folder(out)
    data, made = page_data(out, chips, wanted, console)
    page = write_page(out, data)
    _print_fronts(data, console)
    total = len(wanted) * len(chips)
    console.print(
        Text(f"Priced {made} of {total} networks on profiles ({total - made} were up to date)."),
        soft_wrap=True,
    )
    if tables or figures:  # they load matplotlib, for which a page need not wait
        from analysis.report.files import write_files

        write_files(out, chips, wanted, console, tables=tables, figures=figures, ranges=ranges)
    console.print(Text(visible(f"Open {page}")), soft_wrap=True)
    return Explored(page, tuple(wanted), tuple(operations_of(data["spaces"])))


def read_profiles(given: Sequence[str] | None) -> dict[str, HardwareProfile]:
    """Profiles by the name or path that they were asked for by, all shipped ones if none; two of one name raise."""
    generic_first = sorted(shipped_profiles(), key=lambda name: name != GENERIC)
    chips = {source: load_profile(source) for source in dict.fromkeys(given or generic_first)}
    sources: dict[str, str] = {}
    for source, chip in chips.items():
        if chip.name in sources:
            raise BnncostError(
                f"profiles '{sources[chip.name]}' and '{source}' are both named '{chip.name}'; rename one of them."
            )
        sources[chip.name] = source
    return chips


def read_spaces(networks: Sequence[str], own: Added | None = None) -> list[Space]:
    """Networks on data sets with an accuracy, or those of the networks given and one's own; those from elsewhere first.

    Raises BnncostError for an unknown network.
    """
    given = own or Added()
    known = spaces(given.records)
    names = {space.network for space in known}
    for name in networks:
        if name not in names:
            raise unknown("network with an accuracy", name, names)
    named = [space for space in known if not networks or space.network in networks or space.own]
    return [*own_spaces(given.models, known), *named]


def page_data(
    out: Path, chips: Mapping[str, HardwareProfile], wanted: Sequence[Space], console: Console
) -> tuple[dict[str, Any], int]:
    """The data of the page, and how many networks on profiles were priced for it; the rest is in the old page."""
    code = code_digest()
    old = {space["name"]: space for space in read_page(out).get("spaces", ())}
    made_from = {
        (source, space): costs_digest(space, chip, code) for source, chip in chips.items() for space in wanted
    }
    stale = {
        source: [
            space for space in wanted if _known(old, space, chip).get("made_from") != made_from[source, space]
        ]
        for source, chip in chips.items()
    }
    waiting = {source: todo for source, todo in stale.items() if todo}
    new: dict[Space, dict[str, Any]] = {}
    made = sum(map(len, waiting.values()))
    with counting("networks on profiles", made, console) as tell:
        for source, priced in chain(_models_priced(waiting, chips), _priced(waiting, chips)):
            chip = chips[source]
            for space, costs in priced.items():
                new.setdefault(space, {})[chip.name] = costs | {"made_from": made_from[source, space]}
                tell(f"{space.name} on {chip.name}")
    merged = [_merged(space, new.get(space, {}), old.get(space.name, {}), chips) for space in wanted]
    return page_record(merged, chips.values(), package_version()), made


def _known(old: Mapping[str, Any], space: Space, chip: HardwareProfile) -> Mapping[str, Any]:
    known: Mapping[str, Any] = old.get(space.name, {}).get("on", {}).get(chip.name, {})
    return known


def _merged(
    space: Space, new: Mapping[str, Any], old: Mapping[str, Any], chips: Mapping[str, HardwareProfile]
) -> dict[str, Any]:
    """A space with what was priced now, and what of the old page still holds; profiles in their order."""
    on = {**old.get("on", {}), **new}
    record = space_record(space, ()) if new else old
    return {**record, "on": {chip.name: on[chip.name] for chip in chips.values()}}


# ---------------------------------------------------------------- running


def _models_priced(
    waiting: Mapping[str, Sequence[Space]], chips: Mapping[str, HardwareProfile]
) -> Iterator[tuple[str, dict[Space, dict[str, Any]]]]:
    """Yield profiles with the costs of networks from elsewhere, which stay in the process that read them."""
    for source, todo in waiting.items():
        models = [space for space in todo if space.model is not None]
        if models:
            yield source, priced_on(chips[source], models)


def _priced(
    waiting: Mapping[str, Sequence[Space]], chips: Mapping[str, HardwareProfile]
) -> Iterator[tuple[str, dict[Space, dict[str, Any]]]]:
    """Yield profiles with the costs of their spaces, as they are priced, in as many processes as there are cores.

    Networks share layers, so a process that has a profile to itself maps each of them once. Where there are fewer
    profiles than cores, the spaces of each are split.
    """
    shared = {source: [space for space in todo if space.model is None] for source, todo in waiting.items()}
    cores = os.cpu_count() or 1
    parts = -(-cores // max(sum(map(bool, shared.values())), 1))
    tasks = [
        (source, some) for source, todo in shared.items() for some in _dealt(todo, min(parts, len(todo)))
    ]
    if min(cores, len(tasks)) <= 1:
        for source, some in tasks:
            yield source, priced_on(chips[source], some)
        return
    with pool_of(min(cores, len(tasks)), "prices networks") as pool:
        futures = {pool.submit(_priced_apart, source, some): source for source, some in tasks}
        for done in as_completed(futures):
            yield futures[done], done.result()


def _dealt(todo: Sequence[Space], hands: int) -> list[list[Space]]:
    """Deal spaces out like cards: those with most designs come first and go to different hands."""
    return [list(todo[start::hands]) for start in range(hands)]


def _priced_apart(source: str, some: Sequence[Space]) -> dict[Space, dict[str, Any]]:
    return priced_on(load_profile(source), some)


# ---------------------------------------------------------------- reporting


def _print_fronts(data: Mapping[str, Any], console: Console) -> None:
    """Print which designs are on each front."""
    grid = Grid(title=Text("Fronts of top-1 against energy", style="bold"), title_justify="left")
    for title in ("network", "profile", "energy of a", "plain BNN", "on the front, the cheapest first"):
        grid.add_column(Text(title))
    above = ""
    for title, *cells in front_rows(data):
        grid.add_row(*(Text(visible(cell)) for cell in ("" if title == above else title, *cells)))
        above = title
    console.print(grid)
    console.print(Text(f"Every one of them, with its figures, is in {INDEX}."), soft_wrap=True)
