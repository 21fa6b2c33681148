"""Exact search where costs do not simply add up: tiles that share a level, the slowest of several ports, a product.

A label is a chain of cuts from the inside out, with what it has added up so far in several columns. The rest of
each column is bounded from below by a shortest path of its own, so a label is dropped when even that rest would
pass the threshold, or when another one of the same joint state and prefix is no worse in any column. The
threshold rises until a mapping below it is found: then nothing below it was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from costmodel.mapping.search.choices import Choice
from costmodel.mapping.search.shortest import Bounds, Costs, CutSpace, Joint, Placed

Score = Callable[[np.ndarray], np.ndarray]
"""Columns (n, columns) -> what is minimised (n), rising with every column."""

PAIRS = 200_000
"""Most label and cut pairs that are looked at in one go."""
ROUNDS = 8
"""How many labels of a joint state and prefix are compared with all others; more would drop a few more."""
FIRST_SLACK, SECOND_SLACK, LAST_SLACK = 1e-12, 1e-3, 1e3
"""How far above its bound the score is looked for, as a share, at first, then, and before all is looked at."""

FINITE = float(np.finfo(np.float64).max)


@dataclass
class _Labels:
    """Labels of one joint state: prefix, columns, and the label and choice that they come from."""

    points: list[np.ndarray] = field(default_factory=list)
    columns: list[np.ndarray] = field(default_factory=list)
    parents: list[np.ndarray] = field(default_factory=list)
    origins: list[tuple[Joint, Choice, int]] = field(default_factory=list)


class AdditiveCost(NamedTuple):
    """An additive cost, and the least rest of it."""

    costs: Costs
    bounds: Bounds


class AdditiveCosts:
    """Several additive costs of a space of cuts, with the least rest of each."""

    def __init__(
        self, space: CutSpace, columns: Sequence[AdditiveCost], limits: Sequence[float], score: Score
    ) -> None:
        """Line up the columns; one with a finite limit must not pass it."""
        self.space, self.limits, self.score = space, np.array(limits), score
        self.limited = np.flatnonzero(self.limits < np.inf)
        self.bounds = [column.bounds for column in columns]
        shape = space.lattice.shape
        self.steps = np.indices(shape, dtype=np.int16).reshape(len(shape), -1)
        self.choices: dict[int, np.ndarray] = {}
        for place, choices in enumerate(space.choices):
            for number, choice in enumerate(choices):
                values = [np.broadcast_to(column.costs[place][number], shape).ravel() for column in columns]
                self.choices[id(choice)] = np.stack(values, axis=1)
        self._cuts: dict[tuple[int, Joint], tuple[np.ndarray, np.ndarray]] = {}

    def cuts(self, choice: Choice, to: Joint) -> tuple[np.ndarray, np.ndarray]:
        """List the prefixes where a choice can be cut on the way to a joint state, and the columns from there on."""
        key = (id(choice), to)
        if key not in self._cuts:
            rest = [bound.beyond(to) for bound in self.bounds]
            allowed = np.broadcast_to(choice.allowed, self.space.lattice.shape).ravel()
            targets = np.flatnonzero(allowed & (rest[0] < np.inf))
            after = np.stack([values[targets] for values in rest], axis=1)
            self._cuts[key] = targets, self.choices[id(choice)][targets] + after
        return self._cuts[key]

    def within(self, totals: np.ndarray, threshold: float) -> np.ndarray:
        """Say which sums keep their limits and score no more than a threshold."""
        good = self.score(totals) <= threshold
        for column in self.limited:
            good &= totals[:, column] <= self.limits[column]
        return good

    @property
    def least(self) -> float:
        """A bound on the score of every mapping."""
        start = np.array([[bound.least for bound in self.bounds]])
        return float(self.score(start)[0]) if np.all(start <= self.limits) else float("inf")

    def totals(self, placed: Placed) -> np.ndarray:
        """Columns of a whole mapping: (1, columns)."""
        shape = self.space.lattice.shape
        rows = [self.choices[id(choice)][np.ravel_multi_index(point, shape)] for choice, point in placed]
        return np.sum(rows, axis=0)[None, :]

    def value(self, placed: Placed) -> float:
        """Score of a whole mapping; infinite where a limit is passed."""
        total = self.totals(placed)
        return float(self.score(total)[0]) if np.all(total <= self.limits) else float("inf")


def best_labels(
    columns: AdditiveCosts, known: Sequence[Placed], most: float = float("inf"), near: float = 0.0
) -> Placed | None:
    """Find the mapping of least score, given some mappings to start from.

    None where none keeps the limits, or where none scores `most` or less. The search begins with all that comes
    as `near` to the bound, as a share.
    """
    least = columns.least
    if least > most or least == float("inf"):
        return None
    best = min(known, key=columns.value, default=None)
    value = float("inf") if best is None else columns.value(best)
    if value > most:
        best = None
    most = min(most, value, FINITE)
    slack = near or FIRST_SLACK
    while True:
        threshold = least + slack * (least or 1.0)
        last = threshold >= most or slack > LAST_SLACK
        placed = _below(columns, most if last else threshold)
        if placed or last:
            return placed or (best if value < float("inf") else None)
        slack = max(4 * slack, SECOND_SLACK)


def _below(columns: AdditiveCosts, threshold: float) -> Placed | None:
    """Search all labels whose bound does not pass a threshold, inner cuts first."""
    space = columns.space
    labels: dict[Joint, _Labels] = {space.start: _Labels()}
    first = labels[space.start]
    first.points.append(np.zeros(1, dtype=np.int64))
    first.columns.append(np.zeros((1, len(columns.bounds))))
    first.parents.append(np.zeros(1, dtype=np.int64))
    first.origins.append((space.start, space.choices[0][0], 1))
    settled: dict[Joint, tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[Joint, Choice, int]]]] = {}
    for joint in space.joints:
        if joint not in labels:
            continue
        points, totals, parents, origins = _settle(labels.pop(joint))
        settled[joint] = (points, parents, totals, origins)
        if joint == space.ends:
            break
        for choice, to in space.after(joint):
            _extend(columns, joint, choice, to, points, totals, threshold, labels)
    if space.ends not in settled:
        return None
    totals = settled[space.ends][2]
    return _trace(space, settled, int(np.argmin(columns.score(totals))))


def _settle(labels: _Labels) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[Joint, Choice, int]]]:
    """Join the labels of a joint state and drop those that another one of the same prefix dominates."""
    points, totals = np.concatenate(labels.points), np.concatenate(labels.columns)
    parents = np.concatenate(labels.parents)
    source = np.repeat(np.arange(len(labels.origins)), [len(part) for part in labels.points])
    scale = np.maximum(totals.max(axis=0), 1e-300)
    order = np.lexsort(((totals / scale).sum(axis=1), points))
    kept = np.ones(len(order), dtype=bool)
    group = np.concatenate(([0], np.cumsum(np.diff(points[order]) != 0)))
    for turn in range(ROUNDS):
        alive = np.flatnonzero(kept)
        if len(alive) < 2:
            break
        starts = np.concatenate(([0], np.flatnonzero(np.diff(group[alive])) + 1))
        lengths = np.diff(np.append(starts, len(alive)))
        rank = np.arange(len(alive)) - np.repeat(starts, lengths)
        leader = np.repeat(alive[np.minimum(starts + turn, starts + lengths - 1)], lengths)
        worse = (rank > turn) & np.all(totals[order[leader]] <= totals[order[alive]], axis=1)
        if not (rank > turn).any():
            break
        kept[alive[worse]] = False
    chosen = order[kept]
    return points[chosen], totals[chosen], parents[chosen] + (source[chosen] << 40), labels.origins


def _extend(
    columns: AdditiveCosts,
    joint: Joint,
    choice: Choice,
    to: Joint,
    points: np.ndarray,
    totals: np.ndarray,
    threshold: float,
    labels: dict[Joint, _Labels],
) -> None:
    """Give every label each cut of one choice that stays below the threshold."""
    targets, added = columns.cuts(choice, to)
    open_cuts = np.flatnonzero(columns.within(added + totals.min(axis=0), threshold))
    if not len(open_cuts):
        return
    targets, added = targets[open_cuts], added[open_cuts]
    reach, here = columns.steps[:, targets], columns.steps[:, points]
    for begin in range(0, len(points), max(1, PAIRS // len(targets))):
        some = slice(begin, begin + max(1, PAIRS // len(targets)))
        inside = np.ones((len(points[some]), len(targets)), dtype=bool)
        for low, high in zip(here, reach, strict=True):
            inside &= low[some, None] <= high
        row, column = np.nonzero(inside)
        good = columns.within(totals[some][row] + added[column], threshold)
        row, column = row[good], targets[column[good]]
        if not len(row):
            continue
        into = labels.setdefault(to, _Labels())
        into.points.append(column)
        into.columns.append(totals[some][row] + columns.choices[id(choice)][column])
        into.parents.append(row + begin)
        into.origins.append((joint, choice, len(row)))


def _trace(
    space: CutSpace,
    settled: dict[Joint, tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[Joint, Choice, int]]]],
    label: int,
) -> Placed:
    joint, placed = space.ends, []
    while joint != space.start:
        points, parents, _, origins = settled[joint]
        code = int(parents[label])
        point = tuple(int(i) for i in np.unravel_index(int(points[label]), space.lattice.shape))
        joint, choice, _ = origins[code >> 40]
        placed.append((choice, point))
        label = code & ((1 << 40) - 1)
    return tuple(reversed(placed))
