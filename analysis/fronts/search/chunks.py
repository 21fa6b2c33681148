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
from costmodel.evaluate.cells import PricedCells, price_cells
from costmodel.evaluate.space import Cell

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
    top1, free = _best_free(request, cells)
    known = ~np.isnan(top1) if request.accuracy else np.ones(top1.shape, dtype=bool)
    worth = np.flatnonzero(known.any(axis=1))
    pricing = price_cells(space, [cells[place] for place in worth], request.profiles, request.traffic)
    fronts, counts = [np.empty(0, POINT)], Counter[str]()
    for profile, priced in enumerate(pricing.profiles):
        rows = worth[priced.places] if priced is not None else worth[:0]
        counts["unknown"] += int((~known).sum())
        counts["refused"] += int(known.sum() - known[rows].sum())
        if priced is None:
            continue
        points = _points(priced, top1[rows], free[rows], profile, first + rows)[known[rows].ravel()]
        fits = ~np.isnan(points["energy_j"])
        within = np.ones(len(points), dtype=bool)
        for axis, most in request.limits.items():
            within &= ~(points[axis.column] > most)
        counts["unfit"] += int((~fits).sum())
        counts["over"] += int((fits & ~within).sum())
        fronts.append(nondominated(points[fits & within], request))
    totals = {name: counts[name] * space.free.count for name in COUNTS}
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


def _best_free(request: SearchRequest, cells: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 of each cell at each width with the best of the free sets, and that set's number: (cells, widths) each.

    Free sets cost the same, so all but the most accurate are dominated; of equal ones the first counts.
    """
    space, widths = request.space, np.array(request.space.widths)
    shape = (len(cells), len(widths))
    if request.accuracy is None:
        return np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    top1, best = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64)
    methods = list(map(str, space.methods))
    of_cells = np.concatenate([space.costed.masks(cell.number, cell.number + 1) for cell in cells])
    plains = [cell.plain for cell in cells]
    length = max(1, _TOGETHER // (len(cells) * len(widths)))
    for start in range(0, space.free.count, length):
        free = space.free.masks(start, min(start + length, space.free.count))
        for plain in dict.fromkeys(plains):
            rows = [place for place, other in enumerate(plains) if other is plain or other == plain]
            masks = np.concatenate(
                [np.repeat(of_cells[rows], len(free), axis=0), np.tile(free, (len(rows), 1))], axis=1
            )
            found = request.accuracy.top1(plain, methods, masks, widths).reshape(len(rows), len(free), -1)
            found = np.where(np.isnan(found), -np.inf, found)
            at = found.argmax(axis=1)
            most = np.take_along_axis(found, at[:, None], axis=1)[:, 0]
            better = most > top1[rows]
            best[rows] = np.where(better, at + start, best[rows])
            top1[rows] = np.where(better, most, top1[rows])
    return np.where(np.isinf(top1), np.nan, top1), best


def _points(
    priced: PricedCells, top1: np.ndarray, free: np.ndarray, profile: int, cells: np.ndarray
) -> np.ndarray:
    """The designs of some cells, one row each."""
    points = np.empty(priced.energy_j.shape, POINT)
    points["profile"] = profile
    points["cell"] = cells[:, None]
    points["width"] = np.arange(priced.energy_j.shape[1])
    points["free"], points["top1"] = free, top1
    points["energy_j"], points["latency_s"] = priced.energy_j, priced.latency_s
    points["area"] = area_in_one_unit(priced.area)[1]
    points["memory_bits"] = priced.memory_bits
    return points.ravel()
