"""One chunk of a search: cells to costs and accuracies, and of these what nothing else in the chunk dominates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import moocore
import numpy as np

from analysis.costs.cost_columns import area_in_one_unit
from analysis.fronts.search.request import SearchRequest
from analysis.show.axes import Axis
from costmodel import DesignKey
from costmodel.evaluate.cells import PricedCells, price_cells
from costmodel.evaluate.space import Cell, Combinations

_TOGETHER = 1 << 21
"""Accuracies that are worked on together: what a core's memory takes at ease."""
POINT = np.dtype(
    [
        ("profile", np.int64), ("cell", np.int64), ("width", np.int64), ("free", np.int64), ("top1", float),
        *((axis.column, float) for axis in Axis),
    ]
)  # fmt: skip
"""A design on a front: places of its profile and its width, numbers of its cell and its set of free methods, costs."""


COUNTS = ("unknown", "refused", "unfit", "over")
"""Why designs are kept from a front: no accuracy is known; they cannot be built or run; no room; above a limit."""
_REASONS = 3
"""Sentences that are kept of a chunk, to show what was refused."""


@dataclass(frozen=True, eq=False)
class ChunkFront:
    """What is left of a chunk: its points, how many designs `COUNTS` keep from the fronts of all profiles, and why."""

    number: int
    points: np.ndarray
    counts: dict[str, int]
    reasons: tuple[str, ...]

    def to_row(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        points = [[None if value != value else value for value in point] for point in self.points.tolist()]
        return {"number": self.number, "points": points, "counts": self.counts, "reasons": list(self.reasons)}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> ChunkFront:
        """Read what `to_row` gives."""
        points = [tuple(np.nan if value is None else value for value in point) for point in row["points"]]
        counts = {name: int(row["counts"][name]) for name in COUNTS}
        return cls(int(row["number"]), np.array(points, POINT), counts, tuple(row["reasons"]))


def front_of_chunk(request: SearchRequest, number: int) -> ChunkFront:
    """The front of one chunk of a search, on every profile."""
    request = _kept(request)
    space = request.space
    first = number * request.cells_together
    cells = [space.cell(at) for at in range(first, min(first + request.cells_together, space.cells))]
    best = _best_free(request, cells)
    worth = np.flatnonzero(best.known.any(axis=1))
    pricing = price_cells(space, [cells[place] for place in worth], request.profiles, request.traffic)
    fronts, counts = [np.empty(0, POINT)], Counter[str]()
    for profile, priced in enumerate(pricing.profiles):
        rows = worth[priced.places] if priced is not None else worth[:0]
        counts["unknown"] += best.unknown
        counts["refused"] += best.without_place + int(best.known.sum() - best.known[rows].sum())
        if priced is None:
            continue
        points = _points(priced, best, profile, rows, first)
        known = best.known[rows].ravel()
        fits = ~np.isnan(points["energy_j"])
        within = np.ones(len(points), dtype=bool)
        for axis, most in request.limits.items():
            within &= ~(points[axis.column] > most)
        counts["unfit"] += int(known[~fits].sum())
        counts["over"] += int(known[fits & ~within].sum())
        fronts.append(nondominated(points[fits & within & (known > 0)], request))
    totals = {name: counts[name] for name in COUNTS}
    reasons = tuple(dict.fromkeys(pricing.refused.values()))[:_REASONS]
    return ChunkFront(number, np.concatenate(fronts), totals, reasons)


@lru_cache(maxsize=2)
def _kept(request: SearchRequest) -> SearchRequest:
    """The first request of this process that equals this one: its profiles remember mappings."""
    return request


def nondominated(points: np.ndarray, request: SearchRequest) -> np.ndarray:
    """The points of one profile that no other dominates; of equal ones the first in the order of the space.

    Costs are compared to twelve digits: those of networks that fold to the same one differ in the last bits alone.
    """
    if not len(points):
        return points
    points = np.sort(points, order=["profile", "cell", "width", "free"])
    goals = [_to_twelve_digits(points[axis.column]) for axis in request.axes]
    if request.accuracy is not None:
        goals.append(-points["top1"])
    return np.asarray(points[moocore.is_nondominated(np.column_stack(goals), keep_weakly=False)])


def _to_twelve_digits(values: np.ndarray) -> np.ndarray:
    exponents = np.floor(np.log10(np.where(values > 0, values, 1.0)))
    places = 10.0 ** (11 - exponents)
    return np.asarray(np.rint(values * places) / places)


@dataclass(frozen=True, eq=False)
class _BestFree:
    """Of the free sets on each cell at each width the most accurate: arrays (cells, widths)."""

    top1: np.ndarray
    """Its top-1 [%]; nan where accuracy does not count."""
    number: np.ndarray
    """Its number; of equal ones the first."""
    known: np.ndarray
    """How many sets have a place there, and an accuracy if that counts."""
    unknown: int
    """Designs with a place and without an accuracy."""
    without_place: int
    """Designs with a free method that has no place in their network."""


def _best_free(request: SearchRequest, cells: Sequence[Cell]) -> _BestFree:
    """Find the best free set of each cell; free sets cost the same, so all but the most accurate are dominated."""
    space, widths = request.space, len(request.space.widths)
    top1, number = np.full((len(cells), widths), -np.inf), np.zeros((len(cells), widths), dtype=np.int64)
    known = np.zeros((len(cells), widths), dtype=np.int64)
    with_place = 0
    for plain in dict.fromkeys(cell.plain for cell in cells):
        rows = [place for place, cell in enumerate(cells) if cell.plain == plain]
        allowed = np.array(space.free_at(plain), dtype=bool)
        fitting = tuple(use for use, has in zip(space.free.methods, allowed, strict=True) if has)
        sets = Combinations(fitting).count
        with_place += sets * len(rows) * widths
        if request.accuracy is None:
            known[rows] = sets
            continue
        of_cells = np.concatenate(
            [space.costed.masks(cells[row].number, cells[row].number + 1) for row in rows]
        )
        length = max(1, _TOGETHER // (len(rows) * widths))
        for start in range(0, space.free.count, length):
            free = space.free.masks(start, min(start + length, space.free.count))
            numbers = np.flatnonzero(~free[:, ~allowed].any(axis=1))
            if numbers.size:
                found = _accuracies(request, plain, of_cells, free[numbers])
                known[rows] += (found > -np.inf).sum(axis=1)
                at = found.argmax(axis=1)
                most = np.take_along_axis(found, at[:, None], axis=1)[:, 0]
                better = most > top1[rows]
                number[rows] = np.where(better, numbers[at] + start, number[rows])
                top1[rows] = np.where(better, most, top1[rows])
    return _BestFree(
        top1=np.where(np.isinf(top1), np.nan, top1),
        number=number,
        known=known,
        unknown=with_place - int(known.sum()),
        without_place=len(cells) * widths * space.free.count - with_place,
    )


def _accuracies(
    request: SearchRequest, plain: DesignKey, of_cells: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Top-1 of cells with free sets at all widths, (cells, sets, widths): minus infinity where it is not known."""
    assert request.accuracy is not None
    space = request.space
    masks = np.concatenate(
        [np.repeat(of_cells, len(free), axis=0), np.tile(free, (len(of_cells), 1))], axis=1
    )
    names = list(map(str, space.methods))
    found = request.accuracy.top1(plain, names, masks, np.array(space.widths))
    return np.where(np.isnan(found), -np.inf, found).reshape(len(of_cells), len(free), -1)


def _points(priced: PricedCells, best: _BestFree, profile: int, rows: np.ndarray, first: int) -> np.ndarray:
    """The designs of the cells in some rows of a chunk, each with its best free set."""
    points = np.empty(priced.energy_j.shape, POINT)
    points["profile"] = profile
    points["cell"] = first + rows[:, None]
    points["width"] = np.arange(priced.energy_j.shape[1])
    points["free"], points["top1"] = best.number[rows], best.top1[rows]
    points["energy_j"], points["latency_s"] = priced.energy_j, priced.latency_s
    points["area"] = area_in_one_unit(priced.area)[1]
    points["memory_bits"] = priced.memory_bits
    return points.ravel()
