"""`bnncost search`: the exact front over every legal design, as a table and as one file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analysis.accuracy.estimate import Estimator
from analysis.accuracy.estimators import load_estimator
from analysis.costs.cost_columns import area_in_one_unit, cost_columns
from analysis.fronts.questions.budgets import limit_text
from analysis.fronts.search.request import SearchRequest, read_widths
from analysis.fronts.search.running import SearchResult, run_search
from analysis.show.axes import Axis
from analysis.show.classes import ESTIMATED
from analysis.show.document import Document
from analysis.show.safe import csv_cell
from analysis.show.tables import Cell, Column, Table, records
from analysis.show.words import COMPULSORY, scope_sentence
from costmodel import BnncostError, DesignKey, cost
from costmodel.designs.settings import COMPUTE, FEATURES
from costmodel.errors import unknown
from costmodel.evaluate.engine import Engine
from costmodel.evaluate.space import Combinations, Space
from costmodel.hardware import HardwareProfile
from costmodel.methods import MethodUse
from costmodel.output import write_whole
from costmodel.pricing.price import TrafficModel, traffic_model

ALL = "all"
NONE = "none"
FILE = "front.csv"
_SHOWN = 40
_WORDS = {
    "unknown": "have no accuracy that the records span, and were not priced",
    "refused": "cannot be built, or run on a profile",
    "unfit": "find no room in a profile's memories",
    "over": "lie above a limit",
}


@dataclass(frozen=True)
class SearchChoice:
    """What is searched, as the command line says it.

    `methods` is "all" or names with commas; `accuracy` is "none", "measured", a file or a folder of runs; `limits` are
    as in `SearchRequest`. No `axes` stands for energy, or for all costs where accuracy is none.
    """

    networks: tuple[str, ...]
    profiles: tuple[HardwareProfile, ...]
    methods: str
    widths: str
    features: str
    compute: str
    accuracy: str = NONE
    recipe: str | None = None
    axes: tuple[Axis, ...] = ()
    limits: tuple[tuple[Axis, float], ...] = ()
    traffic: TrafficModel | None = None


Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Opens a display for so many chunks, which is told how many have ended."""


def request_of(choice: SearchChoice) -> SearchRequest:
    """The search that is asked for; raises one BnncostError for what cannot be read."""
    plains = [_plain(text) for text in choice.networks]
    estimator = _estimator(choice, plains)
    names = _methods(choice.methods)
    if estimator is not None:
        if names is None:
            names = list(estimator.terms.methods)
        else:
            estimator.terms.require([str(use) for use in _uses(names)])
    space = Space.of(
        plains,
        names,
        read_widths(choice.widths),
        _each("precision of features", choice.features, FEATURES),
        _each("precision of operands", choice.compute, COMPUTE),
    )
    for profile in choice.profiles:
        traffic_model(profile, choice.traffic)
    axes = choice.axes or ((Axis.energy,) if estimator else tuple(Axis))
    return SearchRequest(
        space=space,
        profiles=choice.profiles,
        axes=tuple(dict.fromkeys(axes)),
        limits=dict(choice.limits),
        accuracy=estimator,
        accuracy_text=repr((estimator.records, estimator.seed_deviation)) if estimator else NONE,
        traffic=choice.traffic,
    )


def size_sentence(request: SearchRequest) -> str:
    """Say how large a search is, before it begins."""
    space = request.space
    return (
        f"Searching {space.designs:,} designs: {space.costed.count:,} sets of {len(space.costed.methods)} methods that "
        f"leave operations behind, {space.free.count:,} of {len(space.free.methods)} that leave none, "
        f"{len(space.plains)} networks and precisions, {len(space.widths)} widths."
    )


def search_document(
    request: SearchRequest, out: Path, engine: Engine, progress: Progress
) -> tuple[Document, Path]:
    """Search, and write the fronts into one file of the folder `out`; gives them with that file's path."""
    request.check_size()
    found: list[list[dict[str, object]]] = []
    path = out / FILE

    def keep(result: SearchResult) -> None:
        found.extend(_rows(request, result, place) for place in range(len(request.profiles)))
        write_whole(path, _csv([row for rows in found for row in rows]))

    with progress(request.chunks) as ended:
        result = run_search(request, out, engine, ended, keep)
    tables = tuple(
        _table(request, rows, profile) for rows, profile in zip(found, request.profiles, strict=True)
    )
    data = [
        {"profile": profile.name, "designs": records(table)}
        for profile, table in zip(request.profiles, tables, strict=True)
    ]
    return Document(_shortened(tables), data, tables[0], notes=_notes(request, result)), path


# ---------------------------------------------------------------- what is asked for


def _plain(text: str) -> DesignKey:
    key = DesignKey.parse(text)
    if key.methods or key.width != 1 or (key.compute, key.features) != ("binary", "int16"):
        raise BnncostError(
            f"--network '{text}': name a network and its data set alone, such as {key.network}/{key.dataset}; methods, "
            "widths and precisions are searched."
        )
    return key


def _estimator(choice: SearchChoice, plains: list[DesignKey]) -> Estimator | None:
    if choice.accuracy == NONE:
        if choice.recipe is not None:
            raise BnncostError("--recipe chooses among measurements; give them with --accuracy measured.")
        return None
    places = list(dict.fromkeys((plain.network, plain.dataset) for plain in plains))
    if len(places) > 1:
        raise BnncostError(
            "estimated accuracies are those of one network and data set; search one --network, or by cost alone with "
            "--accuracy none."
        )
    return load_estimator(choice.accuracy, *places[0], choice.recipe)


def _listed(text: str) -> list[str]:
    """Names between commas that stand in no brackets.

    >>> _listed("prelu, squeeze_excitation(reduction=4,normed=true)")
    ['prelu', 'squeeze_excitation(reduction=4,normed=true)']
    """
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _methods(text: str) -> list[str] | None:
    """The methods that are named, None for all; raises BnncostError where none is, and it is not said so.

    >>> _methods("prelu, hardtanh"), _methods("none"), _methods("all")
    (['prelu', 'hardtanh'], [], None)
    """
    if text.strip() in (ALL, NONE):
        return None if text.strip() == ALL else []
    names = _listed(text)
    if not names:
        raise BnncostError(f"--methods '{text}' names none; write names with commas, {ALL}, or {NONE}.")
    return names


def _uses(names: list[str]) -> tuple[MethodUse, ...]:
    return Combinations.of(names).methods


def _each(what: str, text: str, allowed: tuple[str, ...]) -> list[str]:
    names = list(dict.fromkeys(_listed(text)))
    if not names:
        raise BnncostError(f"'{text}' names no {what}; write one or more with commas: {', '.join(allowed)}.")
    for name in names:
        if name not in allowed:
            raise unknown(what, name, allowed)
    return names


# ---------------------------------------------------------------- what was found


def _rows(request: SearchRequest, result: SearchResult, place: int) -> list[dict[str, object]]:
    """The front of one profile, its designs as values by column."""
    points = result.points[result.points["profile"] == place]
    space, profile, estimator = request.space, request.profiles[place], request.accuracy
    keys = [
        space.key(space.cell(int(point["cell"])), space.widths[point["width"]], int(point["free"]))
        for point in points
    ]
    low, high = estimator.interval(keys) if estimator and keys else (np.full(len(keys), np.nan),) * 2
    measured = {one.key: one.mean for one in estimator.records} if isinstance(estimator, Estimator) else {}
    unit = area_in_one_unit(cost(keys[0], profile, traffic=request.traffic).area)[0] if keys else ""
    return [
        {
            "profile": profile.name,
            "design": str(key),
            "top1": _number(point["top1"], 4),
            "top1_low": _number(low[row], 4),
            "top1_high": _number(high[row], 4),
            "kind": ESTIMATED if estimator else None,
            "measured": measured.get(key),
            **{axis.column: _number(point[axis.column]) for axis in Axis},
            "area_unit": unit,
        }
        for row, (key, point) in enumerate(zip(keys, points, strict=True))
    ]


def _number(value: float, digits: int | None = None) -> float | None:
    if np.isnan(value):
        return None
    return float(value) if digits is None else round(float(value), digits)


def _csv(rows: list[dict[str, object]]) -> str:
    columns = (
        "profile", "design", "top1", "top1_low", "top1_high", "kind", "measured", *(axis.column for axis in Axis),
        "area_unit",
    )  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _table(request: SearchRequest, rows: list[dict[str, object]], profile: HardwareProfile) -> Table:
    unit = str(rows[0]["area_unit"]) if rows else ""
    accuracy = (
        Column("top1", "estimated top-1", "%"), Column("top1_low", "low", "%"), Column("top1_high", "high", "%"),
        Column("measured", "measured", "%"),
    )  # fmt: skip
    columns = (Column("design", "design"), *(accuracy if request.accuracy else ()), *cost_columns(unit))
    cells: list[tuple[Cell, ...]] = [tuple(row[column.name] for column in columns) for row in rows]  # type: ignore[misc]
    axes = ", ".join(map(str, request.axes))
    what = f"Estimated top-1 against {axes}" if request.accuracy else f"Least {axes}"
    title = f"{what} on {profile.name}: {len(rows)} designs"
    return Table("search", title, columns, tuple(cells), scope_sentence(profile))


def _shortened(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables with as many rows as one reads, the rest counted in the caption."""
    return tuple(
        replace(
            table,
            rows=table.rows[:_SHOWN],
            caption=f"{table.caption} The first {_SHOWN} of {len(table.rows)}; {FILE} has all.",
        )
        if len(table.rows) > _SHOWN
        else table
        for table in tables
    )


def _nothing(request: SearchRequest, result: SearchResult) -> str:
    """Say that a front is empty, and why that can be."""
    if result.counts["over"]:
        limits = " and ".join(
            limit_text(str(axis), axis.column, most, request.profiles[0])
            for axis, most in request.limits.items()
        )
        return f"Nothing is on the front: no design of the search is within {limits}. Raise a limit, or search more."
    return "Nothing is on the front: no design of the search could be priced."


def _notes(request: SearchRequest, result: SearchResult) -> tuple[str, ...]:
    space, estimator = request.space, request.accuracy
    profiles = len(request.profiles)
    each = f" on each of {profiles} profiles" if profiles > 1 else ""
    kept = [f"{number:,} {_WORDS[name]}" for name, number in result.counts.items() if number]
    priced = space.designs * profiles - sum(result.counts.values())
    looked = (
        f"Looked at all {space.designs:,} designs{each}: "
        f"{'; '.join([*kept, f'{priced:,} were priced and compared with each other'])}."
    )
    exact = (
        "The front is exact: no design of the search beats one on it"
        f"{' by these estimates' if estimator else ''}."
    )
    notes = [looked, exact] if len(result.points) else [_nothing(request, result), looked]
    notes += [*(f"Refused, for instance: {reason}" for reason in result.reasons)]
    if isinstance(estimator, Estimator):
        if not estimator.left_out.tells:
            notes.append(
                "These estimates cannot tell designs apart: left out, a record is estimated no better than by the mean "
                "of the others. Train pairs of the methods first (`bnncost next`)."
            )
        notes.append(estimator.sentence)
    if any(traffic_model(profile, request.traffic) == "compulsory" for profile in request.profiles):
        notes.append(COMPULSORY)
    return tuple(notes)
